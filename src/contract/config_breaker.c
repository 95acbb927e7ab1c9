/* src/contract/config_breaker.c - breakers, and what a step gets while one is open. */
#include "contract/config_read.h"

static const int64_t second = 1000000000;

/* Half of at least ten calls within a minute failed: half a minute's pause, then three probes. A dependency that is seldom
 * called never opens its breaker, and one failure among few opens none. */
void pawl_default_breaker(struct pawl_breaker *b)
{
    *b = (struct pawl_breaker){.on = true,
                               .window_ns = 60 * second,
                               .threshold = 50,
                               .min_calls = 10,
                               .probes = 3,
                               .cooldown_ns = 30 * second,
                               .cooldown_max_ns = 600 * second};
}

static bool is_none(const struct pawl_yaml *v)
{
    return v && v->kind == PAWL_YAML_TEXT && pawl_str_is(v->text, "none");
}

static void read_slow(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_breaker *b)
{
    static const char *const known[] = {"after", "threshold", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, "slow");
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    b->slow_threshold = 80;
    pawl_reader_need(r, v, "after", "say how long a call may take, as in slow: {after: 5s, threshold: 80%}");
    pawl_reader_duration(r, v, "after", 1, &b->slow_ns);
    pawl_reader_share(r, v, "threshold", &b->slow_threshold);
}

/* `fallback` is a tool's alone: models name other models. */
static void read_fallback(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_fallback *f)
{
    static const char *const known[] = {"cached", "answer", "error", "tool", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, "fallback"), *answer;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    if (v->count != 1) {
        pawl_fault(r->faults, v->line, v->column,
                   "write fallback: {error: \"...\"}, or {cached: 1h}, {answer: ...}, {tool: NAME}",
                   "fallback: expected one of cached, answer, error, tool");
        return;
    }
    if (pawl_reader_duration(r, v, "cached", 1, &f->cached_for_ns)) f->kind = PAWL_FALLBACK_CACHED;
    if (pawl_reader_text(r, v, "error", &f->error)) f->kind = PAWL_FALLBACK_ERROR;
    if (pawl_reader_text(r, v, "tool", &f->tool)) f->kind = PAWL_FALLBACK_TOOL;
    answer = pawl_reader_get(v, "answer");
    if (answer && pawl_reader_json(r, answer, "answer", 0, &f->answer)) f->kind = PAWL_FALLBACK_ANSWER;
}

void pawl_reader_breaker(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_breaker *b,
                         struct pawl_fallback *f)
{
    static const char *const known[] = {"window",   "calls",        "threshold", "slow", "min_calls",
                                        "cooldown", "cooldown_max", "probes",    NULL,   NULL};
    const char *keys[sizeof known / sizeof *known];
    const struct pawl_yaml *at = pawl_reader_get(map, "breaker"), *v;
    if (is_none(at)) {
        b->on = false;
        return;
    }
    v = pawl_reader_map(r, map, "breaker");
    if (!v) return;
    for (uint32_t i = 0; i < sizeof known / sizeof *known; i++) keys[i] = known[i];
    if (f) keys[8] = "fallback";
    pawl_reader_keys(r, v, keys, NULL);
    b->on = true;
    if (pawl_reader_duration(r, v, "window", second, &b->window_ns)) b->window_calls = 0;
    if (pawl_reader_count(r, v, "calls", 100000, &b->window_calls) && pawl_reader_get(v, "window"))
        pawl_fault(r->faults, v->line, v->column, "keep one of the two",
                   "breaker: it looks at a window of time, or at the last calls");
    pawl_reader_share(r, v, "threshold", &b->threshold);
    read_slow(r, v, b);
    pawl_reader_count(r, v, "min_calls", 100000, &b->min_calls);
    if (b->window_calls && b->min_calls > b->window_calls) b->min_calls = b->window_calls;
    pawl_reader_count(r, v, "probes", 1000, &b->probes);
    pawl_reader_duration(r, v, "cooldown", 1, &b->cooldown_ns);
    pawl_reader_duration(r, v, "cooldown_max", 1, &b->cooldown_max_ns);
    if (b->cooldown_max_ns < b->cooldown_ns) b->cooldown_max_ns = b->cooldown_ns;
    if (f) read_fallback(r, v, f);
}
