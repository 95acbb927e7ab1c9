/* src/policy/circuit.c - see circuit.h. */
#include "policy/circuit.h"
#include <assert.h>
#include <string.h>

static void forget(struct pawl_circuit *c)
{
    memset(c->buckets, 0, sizeof c->buckets);
    c->window = (struct pawl_circuit_count){0};
    c->probes_out = c->probes_good = 0;
}

static void next_bucket(struct pawl_circuit *c)
{
    c->at = (c->at + 1) % PAWL_CIRCUIT_BUCKETS;
    struct pawl_circuit_count *oldest = &c->buckets[c->at];
    c->window.calls -= oldest->calls;
    c->window.failed -= oldest->failed;
    c->window.slow -= oldest->slow;
    *oldest = (struct pawl_circuit_count){0};
}

/* Drop what the window has left behind. */
static void turn(struct pawl_circuit *c, const struct pawl_breaker *rule, int64_t now_ns)
{
    if (rule->window_calls) {
        const uint32_t each = (rule->window_calls + PAWL_CIRCUIT_BUCKETS - 1) / PAWL_CIRCUIT_BUCKETS;
        if (c->buckets[c->at].calls >= each) next_bucket(c);
        return;
    }
    const int64_t each_ns = rule->window_ns / PAWL_CIRCUIT_BUCKETS;
    for (int i = 0; i < PAWL_CIRCUIT_BUCKETS && now_ns - c->bucket_ns >= each_ns; i++) {
        next_bucket(c);
        c->bucket_ns += each_ns;
    }
    if (now_ns - c->bucket_ns >= each_ns) c->bucket_ns = now_ns; /* nothing came for a whole window */
}

static bool too_many(const struct pawl_circuit *c, const struct pawl_breaker *rule)
{
    if (c->window.calls < rule->min_calls) return false;
    const double calls = (double)c->window.calls;
    if (100.0 * (double)c->window.failed >= rule->threshold * calls) return true;
    return rule->slow_ns && 100.0 * (double)c->window.slow >= rule->slow_threshold * calls;
}

static void open_it(struct pawl_circuit *c, const struct pawl_breaker *rule, bool again, int64_t wall_ns)
{
    int64_t ns = rule->cooldown_ns;
    if (again && c->cooldown_ns)
        ns = c->cooldown_ns > rule->cooldown_max_ns / 2 ? rule->cooldown_max_ns : c->cooldown_ns * 2;
    c->cooldown_ns = ns;
    c->state = PAWL_CIRCUIT_OPEN;
    c->until_wall_ns = wall_ns + ns;
    c->opened++;
    c->generation++;
    forget(c);
}

enum pawl_circuit_says pawl_circuit_ask(struct pawl_circuit *c, const struct pawl_breaker *rule, int64_t wall_ns)
{
    if (c->force) return c->force == PAWL_FORCE_CLOSED ? PAWL_CIRCUIT_GO : PAWL_CIRCUIT_HELD;
    if (!rule->on || c->state == PAWL_CIRCUIT_CLOSED) return PAWL_CIRCUIT_GO;
    if (c->state == PAWL_CIRCUIT_OPEN) {
        if (c->until_wall_ns - wall_ns > rule->cooldown_max_ns) c->until_wall_ns = wall_ns + rule->cooldown_max_ns;
        if (wall_ns < c->until_wall_ns) return PAWL_CIRCUIT_HELD;
        c->state = PAWL_CIRCUIT_HALF_OPEN;
        c->probes_out = c->probes_good = 0;
    }
    if (c->probes_out + c->probes_good >= rule->probes) return PAWL_CIRCUIT_HELD;
    c->probes_out++;
    return PAWL_CIRCUIT_PROBE;
}

/* Calls that left before it opened tell nothing of the dependency as it is now: they are not counted. */
bool pawl_circuit_tell(struct pawl_circuit *c, const struct pawl_breaker *rule, enum pawl_circuit_how how, bool probe,
                       int64_t took_ns, int64_t now_ns, int64_t wall_ns)
{
    const bool slow = rule->slow_ns && took_ns >= rule->slow_ns;
    if (!rule->on) return false;
    if (probe && c->state == PAWL_CIRCUIT_HALF_OPEN && c->probes_out > 0) {
        c->probes_out--;
        if (how == PAWL_CIRCUIT_TELLS_NOTHING) return true; /* there is room for another probe */
        if (how == PAWL_CIRCUIT_FAILED || slow) return open_it(c, rule, true, wall_ns), true;
        if (++c->probes_good < rule->probes) return false;
        c->state = PAWL_CIRCUIT_CLOSED;
        c->cooldown_ns = 0;
        forget(c);
        return true;
    }
    if (c->state != PAWL_CIRCUIT_CLOSED || probe || how == PAWL_CIRCUIT_TELLS_NOTHING) return false;
    turn(c, rule, now_ns);
    struct pawl_circuit_count *b = &c->buckets[c->at];
    b->calls++, c->window.calls++;
    if (how == PAWL_CIRCUIT_FAILED) b->failed++, c->window.failed++;
    if (slow) b->slow++, c->window.slow++;
    if (!too_many(c, rule)) return false;
    open_it(c, rule, false, wall_ns);
    return true;
}

void pawl_circuit_give_back(struct pawl_circuit *c)
{
    if (c->state == PAWL_CIRCUIT_HALF_OPEN && c->probes_out > 0) c->probes_out--;
}

void pawl_circuit_reset(struct pawl_circuit *c)
{
    *c = (struct pawl_circuit){.opened = c->opened, .generation = c->generation + 1};
}

/* Half-open is kept as open: after a restart the probes begin anew. */
void pawl_circuit_write(const struct pawl_circuit *c, struct pawl_buf *out)
{
    static const char *const forces[] = {"none", "open", "closed"};
    struct pawl_json_writer w = {.out = out};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "state");
    pawl_jw_text(&w, c->state == PAWL_CIRCUIT_CLOSED ? "closed" : "open");
    pawl_jw_key(&w, "until");
    pawl_jw_i64(&w, c->until_wall_ns);
    pawl_jw_key(&w, "cooldown");
    pawl_jw_i64(&w, c->cooldown_ns);
    pawl_jw_key(&w, "opened");
    pawl_jw_i64(&w, c->opened);
    pawl_jw_key(&w, "forced");
    pawl_jw_text(&w, forces[c->force]);
    pawl_jw_close(&w, '}');
}

void pawl_circuit_read(struct pawl_circuit *c, yyjson_val *body)
{
    const struct pawl_str force = pawl_json_str(body, "forced");
    *c = (struct pawl_circuit){.until_wall_ns = pawl_json_i64(body, "until", 0),
                               .cooldown_ns = pawl_json_i64(body, "cooldown", 0),
                               .opened = (uint32_t)pawl_json_i64(body, "opened", 0)};
    if (pawl_str_is(pawl_json_str(body, "state"), "open")) c->state = PAWL_CIRCUIT_OPEN;
    if (pawl_str_is(force, "open")) c->force = PAWL_FORCE_OPEN;
    if (pawl_str_is(force, "closed")) c->force = PAWL_FORCE_CLOSED;
}
