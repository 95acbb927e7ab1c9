/* src/policy/fallback.c - see fallback.h. The model is told what stands in, and how old it is. */
#include "policy/fallback.h"
#include <string.h>
#include "contract/units.h"

bool pawl_fallback_fits(enum pawl_class c)
{
    switch (c) {
    case PAWL_CLASS_TIMEOUT:
    case PAWL_CLASS_RATE_LIMITED:
    case PAWL_CLASS_OVERLOADED:
    case PAWL_CLASS_UNAVAILABLE:
    case PAWL_CLASS_MALFORMED:
    case PAWL_CLASS_UNAUTHORIZED:
    case PAWL_CLASS_BREAKER_OPEN: return true;
    default: return false;
    }
}

/* The next of the agent's own model's fallbacks behind `at`; the cheaper one that was left is not asked a second time. */
static const struct pawl_model *next_of(const struct pawl_pass *p, const struct pawl_model *first, uint32_t at,
                                        bool left)
{
    while (left && at < first->fallback_count && p->run->routed.p && pawl_str_eq(first->fallback[at], p->run->routed))
        at++;
    return at < first->fallback_count ? pawl_config_model(p->config, first->fallback[at]) : NULL;
}

bool pawl_fallback_model(struct pawl_pass *p)
{
    const struct pawl_model *first = p->model ? p->decision->model : NULL, *next;
    uint32_t at = 0;
    if (!first || p->run->ending) return false;
    /* the cheaper one that was chosen cannot be asked: the agent's own is */
    const bool chosen = p->routes || (p->run->routed.p && pawl_str_eq(p->model->name, p->run->routed));
    const bool began_otherwise = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE && p->run->routed.p &&
                                 !pawl_str_eq(p->step->name, p->run->routed);
    const bool left =
        p->route_left || began_otherwise || (p->step && p->step->other_model); /* once, also over a restart */
    const bool leave = chosen && !left && !p->degraded_from.p && p->model != first;
    if (!leave && p->model != first)
        while (at < first->fallback_count && !pawl_str_eq(first->fallback[at++], p->model->name)) {
        }
    if (leave) p->route_left = true;
    next = leave ? first : next_of(p, first, at, left);
    if (!next) return false;
    p->model = next;
    p->request = (struct pawl_str){NULL, 0};
    p->model_from = p->attempts; /* its attempts count from here */
    p->model_changed = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    return true;
}

/* The call that a cached answer is the answer to. */
static struct pawl_hash call_of(const struct pawl_pass *p)
{
    const struct pawl_str parts[] = {p->tool->name, {(const char *)p->step->args_digest.b, 32}};
    return pawl_sha256_parts(parts, 2);
}

static const struct pawl_hash none;

/* A row of the store, so that the next owner has it too; body {NULL,0}: not any more. Everybody may read it, so where
 * something is struck out of what can be read, only this owner's memory has the answer. */
static void keep(struct pawl_pass *p, struct pawl_hash call, struct pawl_str body)
{
    char name[80] = "cached ";
    if (p->config->redacts && body.p) return;
    pawl_hex(name + strlen(name), call.b, sizeof call.b);
    const struct pawl_shared_op op = {.name = pawl_str_of(name), .body = body, .drop = !body.p};
    p->rc = p->book->shared(p, &op);
}

void pawl_fallback_remember(struct pawl_pass *p)
{
    struct pawl_hash call, evicted;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (!p->tool || p->how != PAWL_ENDS_DONE || p->note.p || p->check_then ||
        p->tool->fallback.kind != PAWL_FALLBACK_CACHED)
        return;
    call = call_of(p);
    if (!pawl_cached_put(p->shared, call, p->result, p->wall_ns, &evicted)) return;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "result"); /* as text: the very bytes */
    pawl_jw_str(&w, p->result);
    pawl_jw_key(&w, "at");
    pawl_jw_i64(&w, p->wall_ns);
    pawl_jw_close(&w, '}');
    keep(p, call, pawl_buf_done(&b));
    if (memcmp(evicted.b, none.b, sizeof none.b) != 0) keep(p, evicted, (struct pawl_str){NULL, 0});
}

/* The newest good answer to this very call: of this run, else of any run of this owner. */
static bool cached(struct pawl_pass *p, int64_t *age_ns)
{
    const struct pawl_cached *c = pawl_cached_get(p->shared, call_of(p));
    int64_t at_ns = 0;
    if (c) p->result = pawl_str_copy(p->arena, c->result), at_ns = c->at_wall_ns;
    for (uint32_t i = 0; i < p->run->steps_count; i++) {
        const struct pawl_step *s = p->run->steps[i];
        if (s->state != PAWL_STEP_DONE || s->kind != PAWL_STEP_TOOL || s->note.p || s->answered || s->check_then)
            continue;
        if (!pawl_str_eq(s->name, p->tool->name) || s->ended_at_ns <= at_ns || !s->has_intent) continue;
        if (memcmp(s->args_digest.b, p->step->args_digest.b, 32) != 0) continue;
        p->result = s->result;
        at_ns = s->ended_at_ns;
    }
    *age_ns = p->wall_ns > at_ns ? p->wall_ns - at_ns : 0;
    return at_ns != 0 && *age_ns <= p->tool->fallback.cached_for_ns;
}

static void note(struct pawl_pass *p, const char *text, int64_t age_ns)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_text(&b, text);
    if (age_ns >= 0) pawl_unit_duration_text(age_ns - age_ns % 1000000000, &b), pawl_buf_text(&b, " ago");
    p->note = pawl_buf_done(&b);
}

bool pawl_fallback_tool(struct pawl_pass *p, enum pawl_verdict *v)
{
    const struct pawl_fallback *f = p->tool ? &p->tool->fallback : NULL;
    int64_t age_ns;
    if (!f || p->unknown || p->run->ending) return false;
    switch (f->kind) {
    case PAWL_FALLBACK_NONE: return false;
    case PAWL_FALLBACK_CACHED:
        if (!cached(p, &age_ns)) return false;
        note(p, "it cannot be reached now; this is what it answered ", age_ns);
        *v = PAWL_ANSWER;
        return true;
    case PAWL_FALLBACK_ANSWER:
        p->result = f->answer;
        note(p, "it cannot be reached now; this answer is a fixed one", -1);
        *v = PAWL_ANSWER;
        return true;
    case PAWL_FALLBACK_ERROR:
        *v = pawl_pass_fail(p, PAWL_CLASS_BREAKER_OPEN, "%.*s", (int)f->error.n, f->error.p);
        return true;
    case PAWL_FALLBACK_TOOL: break;
    }
    const struct pawl_tool *other = pawl_config_tool(p->config, f->tool);
    if (!other || p->stood_in) return false; /* one step to the side, no further */
    if (p->ports->tool_ready && !p->ports->tool_ready(p->ports->ctx, other)) return false;
    p->stood_in = true;
    note(p, "it cannot be reached now; another tool answered instead", -1);
    p->tool = other;
    p->attempts = 0;
    p->came = p->counted = false;
    p->request = (struct pawl_str){NULL, 0};
    *v = pawl_pass_back(p, PAWL_STAGE_CONTRACT_IN);
    return true;
}
