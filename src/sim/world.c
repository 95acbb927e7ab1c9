/* src/sim/world.c - chance, time and telling. Whatever happens is mixed into one hash, whether it is shown or not. */
#include "sim/world.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t pawl_sim_below(struct pawl_sim *w, uint64_t bound)
{
    return pawl_prng_below(&w->prng, bound);
}

int64_t pawl_sim_between(struct pawl_sim *w, int64_t low, int64_t high)
{
    assert(low <= high);
    return low + (int64_t)pawl_prng_below(&w->prng, (uint64_t)(high - low) + 1);
}

bool pawl_sim_chance(struct pawl_sim *w, uint32_t per_mille)
{
    return pawl_prng_below(&w->prng, 1000) < per_mille;
}

bool pawl_sim_plays(const struct pawl_sim *w, uint32_t fault)
{
    return !w->calm && (w->faults & fault) != 0;
}

/* The world itself must not run out of memory: what it cannot get is a scrap that is written over, and the seed ends. */
void *pawl_sim_get(struct pawl_sim *w, size_t bytes)
{
    void *p = pawl_arena_zeroed(&w->arena, bytes);
    if (p) return p;
    assert(bytes <= sizeof w->scrap);
    w->no_memory = true;
    return memset(w->scrap, 0, bytes);
}

struct pawl_str pawl_sim_text(struct pawl_sim *w, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < sizeof text);
    char *p = pawl_sim_get(w, (size_t)n + 1);
    memcpy(p, text, (size_t)n);
    return (struct pawl_str){p, (uint32_t)n};
}

void pawl_sim_at(struct pawl_sim *w, int64_t at_ns, void (*fire)(struct pawl_sim *, struct pawl_sim_event *),
                 struct pawl_sim_node *node, void *p, uint64_t id)
{
    struct pawl_sim_event *e = w->free_events;
    if (e) w->free_events = e->next;
    else e = pawl_sim_get(w, sizeof *e);
    if (w->no_memory) return;
    *e = (struct pawl_sim_event){.fire = fire, .node = node, .p = p, .id = id};
    if (pawl_heap_set(&w->queue, &e->at, at_ns > w->now_ns ? at_ns : w->now_ns)) w->no_memory = true;
}

void pawl_sim_event_free(struct pawl_sim *w, struct pawl_sim_event *e)
{
    e->next = w->free_events;
    w->free_events = e;
}

int64_t pawl_sim_wall(const struct pawl_sim *w)
{
    return w->now_ns + w->wall_shift_ns;
}

int64_t pawl_sim_wall_most(const struct pawl_sim *w)
{
    return pawl_sim_wall(w) > w->wall_most_ns ? pawl_sim_wall(w) : w->wall_most_ns;
}

void pawl_sim_mix(struct pawl_sim *w, uint64_t v)
{
    uint64_t h = w->out->hash ^ (v + UINT64_C(0x9e3779b97f4a7c15));
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    w->out->hash = h ^ (h >> 31);
}

void pawl_sim_say(struct pawl_sim *w, const char *format, ...)
{
    va_list args;
    int n = snprintf(w->line, sizeof w->line, "%11.3f  ", (double)w->now_ns / 1e9);
    va_start(args, format);
    if (n > 0 && (size_t)n < sizeof w->line) vsnprintf(w->line + n, sizeof w->line - (size_t)n, format, args);
    va_end(args);
    w->o->line(w->o->ctx, w->line);
}

bool pawl_sim_broken(struct pawl_sim *w, const char *invariant, const char *format, ...)
{
    va_list args;
    if (!w->out->held) return false;
    w->out->held = false;
    snprintf(w->out->invariant, sizeof w->out->invariant, "%s", invariant);
    va_start(args, format);
    vsnprintf(w->out->what, sizeof w->out->what, format, args);
    va_end(args);
    PAWL_SIM_SAY(w, "VIOLATED %s: %s", invariant, w->out->what);
    return false;
}

struct pawl_sim_run *pawl_sim_run_of(const struct pawl_sim *w, struct pawl_id id)
{
    for (uint32_t i = 0; i < w->runs_count; i++)
        if (pawl_id_eq(w->runs[i]->id, id)) return w->runs[i];
    return NULL;
}
