/* src/journal/run_heard.c - see run_heard.h. */
#include "journal/run_heard.h"

static struct pawl_str keep(struct pawl_run *run, yyjson_val *body, const char *name)
{
    const struct pawl_str s = pawl_json_str(body, name);
    return s.p ? pawl_str_copy(run->arena, s) : s;
}

static bool accepted(struct pawl_run *run, struct pawl_step *s, const struct pawl_record *r, yyjson_val *body)
{
    if (s->state != PAWL_STEP_INTENDED_STATE || !s->open) return false;
    s->open = false;
    s->accepted = true;
    s->last_attempt_ns = s->accepted_ns = s->polled_ns = r->at_ns;
    s->until_ns = pawl_json_i64(body, "until", PAWL_NEVER);
    s->poll_at_ns = pawl_json_i64(body, "poll_at", PAWL_NEVER);
    s->not_before_ns = pawl_json_i64(body, "not_before", 0);
    s->monitor = s->operation = keep(run, body, "monitor");
    s->word = (struct pawl_str){NULL, 0};
    s->at_result = s->told_to_stop = false;
    return true;
}

static bool polled(struct pawl_run *run, struct pawl_step *s, const struct pawl_record *r, yyjson_val *body)
{
    if (!s->accepted) return false;
    s->polled_ns = r->at_ns;
    s->poll_at_ns = pawl_json_i64(body, "poll_at", s->poll_at_ns);
    s->not_before_ns = pawl_json_i64(body, "not_before", 0);
    if (pawl_json_str(body, "word").p) s->word = keep(run, body, "word");
    if (pawl_json_str(body, "monitor").p) {
        s->monitor = keep(run, body, "monitor");
        s->at_result = pawl_json_bool(body, "at_result", false);
    }
    if (pawl_json_str(body, "stop").p) s->told_to_stop = true;
    if (pawl_json_bool(body, "gone", false)) s->monitor = (struct pawl_str){NULL, 0};
    return true;
}

static bool called(struct pawl_run *run, struct pawl_step *s, yyjson_val *body)
{
    yyjson_val *result = yyjson_obj_get(body, "result");
    struct pawl_buf b;
    if (s->state != PAWL_STEP_INTENDED_STATE || s->called) return false;
    s->called = true;
    s->called_failed = pawl_str_is(pawl_json_str(body, "says"), "failed");
    s->called_message = keep(run, body, "message");
    if (!result) return true;
    pawl_buf_init_arena(&b, run->arena);
    pawl_json_write(result, &b);
    s->called_result = pawl_buf_done(&b);
    return true;
}

bool pawl_run_heard(struct pawl_run *run, struct pawl_step *s, const struct pawl_record *r, yyjson_val *body)
{
    switch (r->kind) {
    case PAWL_STEP_ACCEPTED: return accepted(run, s, r, body);
    case PAWL_STEP_POLLED: return polled(run, s, r, body);
    default: return called(run, s, body);
    }
}
