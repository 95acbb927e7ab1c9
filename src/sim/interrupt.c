/* src/sim/interrupt.c - a user who does not wait to be asked: in some seeds somebody speaks while the next model call of their
 * conversation still waits for room, and says so much that it may pass its limit. Drawn from numbers of its own, so that other seeds
 * play what they played. */
#include "sim/world.h"
#include <string.h>

enum { AT_MOST = 3, BYTES_A_TOKEN = 4 };

static uint32_t below(struct pawl_sim *w, uint32_t bound)
{
    return (uint32_t)pawl_prng_below(&w->interrupts_prng, bound);
}

void pawl_sim_draw_interrupts(struct pawl_sim *w)
{
    pawl_prng_seed(&w->interrupts_prng, w->o->seed ^ UINT64_C(0x17e44097));
    w->interrupts = below(w, 4) == 0 && pawl_sim_plays(w, PAWL_SIM_PEOPLE);
    for (uint32_t i = 0; w->interrupts && i < w->config.agents_count; i++) {
        struct pawl_agent *a = &w->agents[i];
        if (a->context.limit_tokens || below(w, 2)) continue;
        a->context = (struct pawl_context){.limit_tokens = 300 + below(w, 500),
                                           .to_pct = 50 + below(w, 40),
                                           .keep_last = 1 + below(w, 3),
                                           .keep_first_user = below(w, 2)};
        a->tools_count++; /* recall */
    }
}

bool pawl_sim_interrupted(struct pawl_sim *w)
{
    return w->interrupts && below(w, 2);
}

static void speak(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    const struct pawl_agent *agent = pawl_config_agent(&w->config, run->stored.agent);
    const uint32_t bytes = 20 + below(w, 20 + agent->context.limit_tokens * BYTES_A_TOKEN / 2);
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_SEND, "aside");
    char *text = pawl_arena_get(&w->arena, bytes);
    if (!text) {
        w->no_memory = true;
        return;
    }
    memset(text, 'a', bytes);
    ask->request.run = run->id;
    ask->request.text = (struct pawl_str){text, bytes};
    pawl_sim_people_say(w, ask, 0, 0);
    pawl_sim_count(w, PAWL_SIM_N_INTERRUPTS);
}

void pawl_sim_interrupt(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    struct pawl_rest rest;
    for (uint32_t i = 0; w->interrupts && !w->calm && !n->replaced && i < w->runs_count; i++) {
        struct pawl_sim_run *run = w->runs[i];
        if (!run->stored.chat || run->stored.ended || run->interrupts >= AT_MOST) continue;
        const struct pawl_run *now = pawl_engine_run(n->engine, run->id);
        if (!now || now->ended || now->ending || !pawl_engine_rest(n->engine, run->id, &rest)) continue;
        if (rest.waiting != PAWL_WAIT_ROOM || rest.step <= now->steps_count || below(w, 2)) continue;
        run->interrupts++;
        speak(w, run);
    }
}
