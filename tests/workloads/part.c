/* tests/workloads/part.c - see part.h: what is drawn from a recording, and what its journal says of a part. */
#include "part.h"
#include <stdio.h>
#include <string.h>
#include "base/prng.h"
#include "io/alloc.h"

const char *const wl_part_names[WL_PARTS] = {"",         "budgets", "context",   "guards", "opinions", "async",
                                             "children", "checks",  "schedules", "undo",   "signals"};

static uint64_t tools_bytes(const struct wl_recording *r)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < r->env->tools_count; i++) {
        const struct wl_tool *t = &r->env->tools[i];
        struct pawl_buf schema;
        pawl_buf_init(&schema, pawl_alloc_libc());
        pawl_json_write(yyjson_obj_get(t->v, "input_schema"), &schema);
        n += strlen(t->name) + pawl_json_str(t->v, "description").n + schema.n;
        pawl_buf_fini(&schema);
    }
    return n;
}

/* About as many bytes as the answer `turn` adds to each request behind it. */
static uint64_t turn_bytes(const struct wl_recording *r, uint32_t turn)
{
    const struct wl_turn *t = &r->turns[turn];
    uint64_t n = pawl_json_str(t->message, "content").n + t->user.n + 16;
    for (uint32_t i = 0; i < t->calls_count; i++) {
        const struct wl_call *c = &r->calls[t->first_call + i];
        n += c->args.n + c->content.n + c->name.n + 100;
    }
    return n;
}

enum wl_allowance wl_allowance_of(const struct wl_recording *r)
{
    static const enum wl_allowance kinds[8] = {WL_STEPS, WL_TOKENS, WL_COST,  WL_ASKS,
                                               WL_AMPLE, WL_AMPLE,  WL_AMPLE, WL_AMPLE};
    return kinds[r->index / 3 % 8];
}

/* So many bytes have been asked with, up to and with the answer `turns` - 1; *last: with that one alone. */
static uint64_t asked_bytes(const struct wl_recording *r, uint32_t turns, uint64_t *last)
{
    uint64_t each = r->system.n + r->input.n + tools_bytes(r), all = 0;
    for (uint32_t i = 0; i < turns && i < r->turns_count; i++) {
        if (i > 0) each += turn_bytes(r, i - 1);
        all += each;
    }
    *last = each;
    return all;
}

uint64_t wl_allowance_limit(const struct wl_recording *r)
{
    const enum wl_allowance allowance = wl_allowance_of(r);
    uint64_t last;
    if (allowance == WL_AMPLE) return 0;
    if (allowance == WL_STEPS) return r->steps / 2 + 1;
    const uint64_t all = asked_bytes(r, r->turns_count / 2 + 1, &last);
    return all / 4 + last + WL_ANSWER_TOKENS;
}

uint64_t wl_allowance_of_all(const struct wl_data *d)
{
    uint64_t all = 0, last;
    for (uint32_t i = 0; i < d->recordings_count; i++)
        all += asked_bytes(&d->recordings[i], d->recordings[i].turns_count, &last);
    return all / 4 * 7 / 10 + 100000;
}

uint32_t wl_context_longest(const struct wl_recording *r)
{
    uint64_t last = 0;
    asked_bytes(r, r->turns_count, &last);
    return (uint32_t)(last / 4);
}

uint32_t wl_context_limit(const struct wl_recording *r)
{
    /* a first request is taken for three bytes a token, until this provider has counted its four */
    const uint64_t least = (r->system.n + r->input.n + tools_bytes(r)) / 4, most = wl_context_longest(r);
    const uint64_t limit = (least + 100 + r->env->tools_count * 12) * 4 / 3 + 100 + (most - least) / 3;
    return limit > 1000 ? (uint32_t)limit : 1000;
}

int wl_agrees(const struct wl_recording *r, uint32_t call)
{
    struct pawl_prng p;
    pawl_prng_seed(&p, (uint64_t)r->index * 1009 + call + 1);
    const uint64_t drawn = pawl_prng_below(&p, 16);
    return drawn == 0 ? -1 : drawn > 2;
}

bool wl_seen_other(const struct wl_recording *rec, uint32_t step)
{
    return step / 64 < 16 && (rec->seen.others[step / 64] >> step % 64 & 1);
}

static void other(struct wl_recording *rec, uint32_t step)
{
    if (step / 64 < 16) rec->seen.others[step / 64] |= (uint64_t)1 << step % 64;
}

static void tripped(struct wl_seen *s, yyjson_val *body)
{
    const struct pawl_str rule = pawl_json_str(body, "rule"), answer = pawl_json_str(body, "answer");
    if (pawl_str_is(answer, "narrow")) s->narrowed = true;
    if (s->trips_count == WL_TRIPS) return;
    struct wl_trip *t = &s->trips[s->trips_count++];
    snprintf(t->rule, sizeof t->rule, "%.*s", (int)rule.n, rule.p ? rule.p : "");
    snprintf(t->answer, sizeof t->answer, "%.*s", (int)answer.n, answer.p ? answer.p : "");
}

/* Of the run, or of a step of its own that is not its model's. */
static void of_run(struct wl_recording *rec, uint32_t step, struct pawl_str kind, yyjson_val *body)
{
    struct wl_seen *s = &rec->seen;
    const bool own = pawl_str_is(pawl_json_str(body, "name"), rec->name);
    if (pawl_str_is(kind, "opinion.asked") || (pawl_str_is(kind, "step.intended") && !own)) other(rec, step);
    if (pawl_str_is(kind, "gate.asked")) {
        const struct pawl_str says = pawl_json_str(body, "says");
        other(rec, step);
        s->question = step;
        s->of_all = says.p && strstr(says.p, "all runs");
    }
    if (pawl_str_is(kind, "signal.received")) s->narrowed = false;
    if (pawl_str_is(kind, "context.pruned")) s->pruned++, s->summed_up += pawl_json_i64(body, "summary", 0) > 0;
    if (!pawl_str_is(kind, "gate.answered")) return;
    const bool yes = pawl_str_is(pawl_json_str(body, "answer"), "yes");
    s->question = 0;
    s->yes += yes;
    s->no += !yes;
}

void wl_seen_record(struct wl_recording *rec, struct wl_call *c, uint32_t step, struct pawl_str kind, yyjson_val *body)
{
    struct wl_seen *s = &rec->seen;
    if (pawl_str_is(kind, "guard.tripped")) tripped(s, body);
    wl_seen_outcome(rec, c, kind, body);
    if (!c) {
        of_run(rec, step, kind, body);
        return;
    }
    if (pawl_str_is(kind, "step.intended")) s->narrow_sent += s->narrowed && c->tool && c->tool->effect != WL_READ;
    if (pawl_str_is(kind, "gate.answered")) c->yes = pawl_str_is(pawl_json_str(body, "answer"), "yes");
    if (pawl_str_is(kind, "opinion.judged")) s->judged++, s->disagreed += !pawl_json_bool(body, "agree", true);
    s->accepted += pawl_str_is(kind, "step.accepted");
    s->polled += pawl_str_is(kind, "step.polled");
    s->children += pawl_str_is(kind, "child.started");
    s->children_ended += pawl_str_is(kind, "child.ended");
}
