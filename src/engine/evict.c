/* src/engine/evict.c - a lane's memory. While the hot runs of a lane take more than it allows, those that only wait are
 * put out, the last to come first; they come back, the oldest first, when there is room, when their time has come, or when
 * nothing of the lane is left in memory that could go on. The store hears of none of it: such a run is as live there as
 * before, so an owner that ends leaves it to the next one like all others, and folding its records again is what a crash
 * does too. */
#include "engine/hot.h"
#include <assert.h>
#include <string.h>

enum { HANDED_OVER_AT_ONCE = 256 };

static struct pawl_quota *quota_of(struct pawl_engine *e, const struct pawl_lane *lane)
{
    struct pawl_quota *q = pawl_map_get(&e->quotas, lane->name.p, lane->name.n);
    if (q || !lane->memory_bytes) return q;
    q = pawl_engine_get(e, sizeof *q);
    if (q && pawl_map_put(&e->quotas, lane->name.p, lane->name.n, q)) {
        e->rc = PAWL_ENOMEM;
        pawl_engine_put(e, q, sizeof *q);
        q = NULL;
    }
    return q;
}

void pawl_quota_enter(struct pawl_hot *h)
{
    const struct pawl_lane *lane = h->agent && h->agent->lane.p ? pawl_config_lane(h->config, h->agent->lane) : NULL;
    struct pawl_quota *q = lane ? quota_of(h->e, lane) : NULL;
    if (!q || h->quota) return;
    q->most_bytes = lane->memory_bytes; /* of whoever came last: a changed configuration holds at once */
    h->quota = q;
    h->quota_previous = q->last;
    if (q->last) q->last->quota_next = h;
    else q->first = h;
    q->last = h;
    q->hot_count++;
}

void pawl_quota_count(struct pawl_hot *h)
{
    struct pawl_quota *q = h->quota;
    size_t bytes = sizeof *h;
    if (!q) return;
    bytes += pawl_arena_held(&h->arena);
    for (const struct pawl_slot *s = h->slots; s; s = s->next) bytes += sizeof *s + pawl_arena_held(&s->arena);
    if (h->filling) bytes += sizeof *h->filling + pawl_arena_held(&h->filling->arena);
    if (h->flight) bytes += sizeof *h->flight + pawl_arena_held(&h->flight->arena);
    q->bytes += bytes - h->quota_bytes;
    h->quota_bytes = bytes;
    q->changed = true;
}

void pawl_quota_leave(struct pawl_hot *h)
{
    struct pawl_quota *q = h->quota;
    if (!q) return;
    if (h->quota_previous) h->quota_previous->quota_next = h->quota_next;
    else q->first = h->quota_next;
    if (h->quota_next) h->quota_next->quota_previous = h->quota_previous;
    else q->last = h->quota_previous;
    assert(q->bytes >= h->quota_bytes);
    q->bytes -= h->quota_bytes;
    q->hot_count--;
    q->changed = true;
    h->quota = NULL;
}

/* Nothing of it is under way, nothing is owed to anybody, and all that is open waits: for room, for time, for a person. */
static bool only_waits(const struct pawl_hot *h)
{
    bool waits = false;
    if (h->create || h->dirty || h->filling || h->flight || h->replies || h->durable_seq != h->run.seq) return false;
    if (!h->config || h->run.ending || h->run.ended) return false;
    for (const struct pawl_slot *s = h->slots; s; s = s->next) {
        const enum pawl_want want = s->pass.want;
        if (s->fresh || s->attempt_id || s->find_id || s->pass.place.line == &h->e->shared.ready) return false;
        if (want != PAWL_WANT_ROOM && want != PAWL_WANT_TIME && want != PAWL_WANT_PERSON && want != PAWL_WANT_STEP)
            return false;
        waits = waits || want == PAWL_WANT_ROOM || want == PAWL_WANT_TIME;
    }
    return waits;
}

/* When it must be looked at whatever the memory says. */
static int64_t due_wall_ns(const struct pawl_hot *h)
{
    const struct pawl_engine *e = h->e;
    int64_t due_ns = PAWL_NEVER;
    if (h->deadline.node.at) due_ns = e->wall_ns + (h->deadline.node.due_ns - e->now_ns);
    for (const struct pawl_slot *s = h->slots; s; s = s->next) {
        const bool timed = s->pass.want == PAWL_WANT_TIME || s->pass.want == PAWL_WANT_PERSON;
        if (timed && s->pass.until_wall_ns < due_ns) due_ns = s->pass.until_wall_ns;
        if (s->timer.node.at && e->wall_ns + (s->timer.node.due_ns - e->now_ns) < due_ns)
            due_ns = e->wall_ns + (s->timer.node.due_ns - e->now_ns);
    }
    return due_ns;
}

/* In the order of ids, which is that of their start: whoever is put out late, because others grew, still goes first. */
static void keep_in_order(struct pawl_quota *q, struct pawl_evicted *v)
{
    struct pawl_evicted *after = q->evicted_last;
    while (after && memcmp(v->run.b, after->run.b, sizeof v->run.b) < 0) after = after->previous;
    v->previous = after;
    v->next = after ? after->next : q->evicted_first;
    if (v->previous) v->previous->next = v;
    else q->evicted_first = v;
    if (v->next) v->next->previous = v;
    else q->evicted_last = v;
    q->evicted_count++;
}

static void evict(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    struct pawl_evicted *v = pawl_engine_get(e, sizeof *v);
    if (!v) return;
    *v = (struct pawl_evicted){.run = h->head.run,
                               .quota = h->quota,
                               .rest = pawl_hot_rest(h),
                               .active_ns = h->head.active_ns,
                               .since_ns = h->active_since_ns,
                               .bytes = h->quota_bytes,
                               .taken_wall_ns = h->taken_wall_ns,
                               .active = h->active};
    v->timer = (struct pawl_timer){.of = PAWL_TIMER_EVICTED, .owner = v};
    if (pawl_map_put(&e->evicted, v->run.b, sizeof v->run.b, v)) {
        e->rc = PAWL_ENOMEM;
        pawl_engine_put(e, v, sizeof *v);
        return;
    }
    keep_in_order(h->quota, v);
    pawl_engine_timer(e, &v->timer, due_wall_ns(h));
    pawl_hot_drop(h);
}

/* It is on its way back, or not any more. */
static void is_coming(struct pawl_evicted *v, bool coming)
{
    struct pawl_quota *q = v->quota;
    if (v->coming == coming) return;
    v->coming = coming;
    q->coming = coming ? q->coming + 1 : q->coming - 1;
    q->coming_bytes = coming ? q->coming_bytes + v->bytes : q->coming_bytes - v->bytes;
}

static void load(struct pawl_engine *e, struct pawl_evicted *v)
{
    if (v->coming) return;
    is_coming(v, true);
    pawl_hot_ask_load(e, v->run, NULL);
}

static void forget(struct pawl_engine *e, struct pawl_evicted *v)
{
    struct pawl_quota *q = v->quota;
    if (v->previous) v->previous->next = v->next;
    else q->evicted_first = v->next;
    if (v->next) v->next->previous = v->previous;
    else q->evicted_last = v->previous;
    q->evicted_count--;
    is_coming(v, false);
    q->changed = true;
    pawl_heap_drop(&e->timers, &v->timer.node);
    pawl_map_take(&e->evicted, v->run.b, sizeof v->run.b);
    pawl_engine_put(e, v, sizeof *v);
}

void pawl_evicted_back(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    struct pawl_evicted *v = pawl_map_get(&e->evicted, h->head.run.b, sizeof h->head.run.b);
    if (!v) return;
    h->head.active_ns = v->active_ns; /* LEDGER 15: the deadline's clock ran on while it was out of memory */
    h->active_since_ns = v->since_ns;
    h->taken_wall_ns = v->taken_wall_ns;
    h->active = v->active;
    forget(e, v);
}

void pawl_evicted_due(struct pawl_engine *e, struct pawl_evicted *v)
{
    is_coming(v, false); /* it was where the store could not read it */
    load(e, v);
}

void pawl_evicted_failed(struct pawl_engine *e, struct pawl_id run)
{
    struct pawl_evicted *v = pawl_map_get(&e->evicted, run.b, sizeof run.b);
    if (v) pawl_engine_timer(e, &v->timer, e->wall_ns + 1000000000);
}

uint32_t pawl_evicted_of(const struct pawl_engine *e, struct pawl_str lane)
{
    const struct pawl_quota *q = pawl_map_get(&e->quotas, lane.p, lane.n);
    return q ? q->evicted_count : 0;
}

bool pawl_engine_lane_memory(const struct pawl_engine *e, struct pawl_str lane, struct pawl_lane_memory *out)
{
    const struct pawl_quota *q = pawl_map_get(&e->quotas, lane.p, lane.n);
    if (!q) return false;
    *out = (struct pawl_lane_memory){.bytes = q->bytes,
                                     .most_bytes = (size_t)q->most_bytes,
                                     .hot = q->hot_count,
                                     .evicted = q->evicted_count,
                                     .coming = q->coming};
    for (const struct pawl_hot *h = q->first; h; h = h->quota_next) out->waiting += only_waits(h);
    return true;
}

/* The last to come that only waits; NULL: none but the first such one, which stays so that the lane can go on. */
static struct pawl_hot *too_many(const struct pawl_quota *q)
{
    struct pawl_hot *first = q->first, *last = q->last;
    while (first && !only_waits(first)) first = first->quota_next;
    while (last && last != first && !only_waits(last)) last = last->quota_previous;
    return last == first ? NULL : last;
}

static bool can_go_on(const struct pawl_quota *q)
{
    for (const struct pawl_hot *h = q->first; h; h = h->quota_next)
        if (only_waits(h)) return true;
    return false;
}

static struct pawl_evicted *next_in(const struct pawl_quota *q)
{
    struct pawl_evicted *v = q->evicted_first;
    while (v && v->coming) v = v->next;
    return v;
}

/* As much as it took before: by what the others take, a large one would come in and be put out again without end. */
static bool has_room(const struct pawl_quota *q, const struct pawl_evicted *v)
{
    return q->bytes + q->coming_bytes + v->bytes <= (size_t)q->most_bytes || (q->coming == 0 && !can_go_on(q));
}

static bool turn(struct pawl_engine *e, struct pawl_quota *q)
{
    struct pawl_evicted *v;
    struct pawl_hot *h;
    bool out = false;
    if (!q->changed) return false;
    q->changed = false;
    while (!e->rc && !e->handing_over && q->most_bytes && q->bytes > (size_t)q->most_bytes && (h = too_many(q)) != NULL)
        evict(h), out = true;
    while (!e->rc && (v = next_in(q)) != NULL) {
        if (e->handing_over ? e->hot.count + e->loading.count >= HANDED_OVER_AT_ONCE : !has_room(q, v)) break;
        load(e, v);
    }
    return out;
}

bool pawl_quotas_turn(struct pawl_engine *e)
{
    struct pawl_map_entry *entry;
    bool out = false;
    for (uint32_t i = 0; (entry = pawl_map_next(&e->quotas, &i)) != NULL;) out = turn(e, entry->value) || out;
    return out;
}

void pawl_quotas_free(struct pawl_engine *e)
{
    struct pawl_map_entry *entry;
    for (uint32_t i = 0; (entry = pawl_map_next(&e->evicted, &i)) != NULL;) {
        struct pawl_evicted *v = entry->value;
        pawl_heap_drop(&e->timers, &v->timer.node);
        pawl_engine_put(e, v, sizeof *v);
    }
    for (uint32_t i = 0; (entry = pawl_map_next(&e->quotas, &i)) != NULL;)
        pawl_engine_put(e, entry->value, sizeof(struct pawl_quota));
    pawl_map_fini(&e->evicted);
    pawl_map_fini(&e->quotas);
}
