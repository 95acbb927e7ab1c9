/* src/tool/read.c - what came back, and what it tells of the effect: LEDGER 2, first match wins.
 *
 * The status decides, then the body. A contract's `errors:` may say what a status or exit code means with this tool,
 * and goes first. Nothing here looks at t->output's schema, but for one thing: whether a command's plain text may be
 * taken as a JSON string. */
#include "contract/reply.h"
#include "contract/retry_after.h"
#include "contract/shown.h"
#include "tool/tool.h"
#include <assert.h>

struct verdict {
    enum pawl_applied applied;
    enum pawl_class error_class;
    bool retry;
};

/* The statuses of HTTP but 2xx; the first row that holds one counts. */
static const struct row {
    int32_t from, to;
    struct verdict verdict;
} statuses[] = {
    {300,
     399,
     {PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false}}, /* not followed: the target is part of what was decided */
    {401, 401, {PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, false}},
    {403, 403, {PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, false}},
    {407, 407, {PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, false}},
    {408, 408, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true}},
    {425, 425, {PAWL_APPLIED_NO, PAWL_CLASS_UNAVAILABLE, true}},
    {429, 429, {PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, true}},
    {400, 431, {PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false}},
    {451, 451, {PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false}},
    {432, 499, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_REJECTED, false}}, /* nobody has said what these mean */
    {501, 501, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, false}},
    {504, 504, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true}},
    {505, 505, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, false}},
    {529, 529, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_OVERLOADED, true}},
    {500, 599, {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true}},
};

static struct verdict verdict_of(int32_t status)
{
    for (const struct row *r = statuses; r < statuses + sizeof statuses / sizeof *statuses; r++) {
        if (status >= r->from && status <= r->to) return r->verdict;
    }
    return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED,
                            true}; /* 1xx as a last word, or no status at all */
}

static void set(struct pawl_outcome *out, struct verdict v)
{
    out->applied = v.applied;
    out->error_class = v.error_class;
    out->retry = v.retry;
}

static const struct pawl_error_rule *rule_for(const struct pawl_tool *t, int32_t status)
{
    for (uint32_t i = 0; i < t->errors_count; i++) {
        const struct pawl_error_rule *r = &t->errors[i];
        if (r->status == status && r->exit == (t->driver == PAWL_DRIVER_COMMAND)) return r;
    }
    return NULL;
}

/* The body as the result where it is JSON; a cut one could look like JSON (123 of 12345) and is none. */
static void take_body(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out)
{
    out->result = (struct pawl_str){NULL, 0};
    if (reply->transport == PAWL_TOO_LARGE) return;
    if (pawl_reply_json(reply->body, a, &out->result, NULL) != PAWL_OK) out->result = (struct pawl_str){NULL, 0};
}

/* The contract's own word on this code. The class that it leaves open is the status's. */
static void by_rule(const struct pawl_error_rule *r, struct verdict usual, const struct pawl_reply *reply,
                    struct pawl_arena *a, struct pawl_outcome *out)
{
    const enum pawl_class error_class = r->error_class != PAWL_CLASS_NONE      ? r->error_class
                                        : usual.error_class != PAWL_CLASS_NONE ? usual.error_class
                                                                               : PAWL_CLASS_REJECTED;
    const bool failed =
        r->applied != PAWL_APPLIED_YES && r->applied != PAWL_APPLIED_RUNNING && r->applied != PAWL_APPLIED_ACCEPTED;
    set(out, (struct verdict){r->applied, failed ? error_class : PAWL_CLASS_NONE, r->retry});
    out->already_done = r->already_done;
    if (!failed) take_body(reply, a, out);
}

static void says_code(struct pawl_outcome *out, const struct pawl_reply *reply, struct pawl_arena *a)
{
    const struct pawl_str s = pawl_reply_says(reply, a);
    pawl_outcome_says(out, a, "HTTP %d%s%s", reply->status, s.n > 0 ? ": " : "", s.n > 0 ? s.p : "");
}

static void says_where(struct pawl_outcome *out, const struct pawl_reply *reply, const char *what, struct pawl_arena *a)
{
    struct pawl_buf where;
    pawl_buf_init_arena(&where, a);
    pawl_shown(reply->location, 200, &where);
    const struct pawl_str s = pawl_buf_done(&where);
    pawl_outcome_says(out, a, "HTTP %d: %s%s%s", reply->status, what, s.n > 0 ? ": " : "", s.n > 0 ? s.p : "");
}

/* 2xx but 202. 204 and 205 have no body by definition, nor has any answer to HEAD (RFC 9110 9.3.2, 15.3.5, 15.3.6). */
static void read_success(const struct pawl_tool *t, const struct pawl_reply *reply, struct pawl_arena *a,
                         struct pawl_outcome *out)
{
    struct pawl_error err;
    set(out, (struct verdict){PAWL_APPLIED_YES, PAWL_CLASS_NONE, false});
    if (reply->transport == PAWL_TOO_LARGE) {
        set(out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, false}); /* the next would be as large */
        pawl_outcome_says(out, a, "HTTP %d with a body larger than the limit", reply->status);
        return;
    }
    if (reply->status == 204 || reply->status == 205 || pawl_str_is(t->method, "HEAD")) {
        out->result = PAWL_STR("null");
        return;
    }
    const int code = pawl_reply_json(reply->body, a, &out->result, &err);
    if (code == PAWL_OK) return;
    set(out,
        (struct verdict){PAWL_APPLIED_UNKNOWN, code == PAWL_ENOMEM ? PAWL_CLASS_INTERNAL : PAWL_CLASS_MALFORMED, true});
    if (code == PAWL_ENOMEM) {
        out->message = PAWL_STR("no memory to read the answer");
    } else if (reply->body.n == 0) {
        pawl_outcome_says(out, a, "HTTP %d without a body", reply->status);
    } else {
        const struct pawl_str s = pawl_reply_says(reply, a);
        pawl_outcome_says(out, a, "HTTP %d with a body that is not JSON (%s): %s", reply->status, err.what,
                          s.n > 0 ? s.p : "");
    }
}

static void read_http(const struct pawl_tool *t, const struct pawl_reply *reply, bool keyed_resend,
                      struct pawl_arena *a, struct pawl_outcome *out)
{
    const struct pawl_error_rule *rule = rule_for(t, reply->status);
    const bool success = reply->status >= 200 && reply->status <= 299;
    const struct verdict usual =
        success ? (struct verdict){PAWL_APPLIED_YES, PAWL_CLASS_NONE, false} : verdict_of(reply->status);
    if (rule != NULL) {
        says_code(out, reply, a);
        by_rule(rule, usual, reply, a, out);
        return;
    }
    if (success && reply->status != 202) {
        read_success(t, reply, a, out);
        return;
    }
    says_code(out, reply, a);
    set(out, usual);
    out->no_money = reply->status == 402;
    if (reply->status == 202) {
        set(out, (struct verdict){PAWL_APPLIED_ACCEPTED, PAWL_CLASS_NONE, false});
        take_body(reply, a, out);
        out->monitor = pawl_str_copy(a, reply->operation_location.p ? reply->operation_location : reply->location);
        says_where(out, reply, "accepted, completes later", a);
    } else if (reply->status == 409 && keyed_resend) {
        set(out, (struct verdict){PAWL_APPLIED_RUNNING, PAWL_CLASS_NONE, false});
    } else if (reply->status >= 300 && reply->status <= 399) {
        says_where(out, reply, "a redirect, not followed", a);
    }
}

/* Exit 0 is success whatever was printed. No output is null; what is not JSON is a JSON string (one line end at the end
 * taken off, bytes that are not UTF-8 replaced by U+FFFD), but only where the contract has no schema for it: there, it
 * is an answer that cannot be used. */
static void read_stdout(const struct pawl_tool *t, const struct pawl_reply *reply, struct pawl_arena *a,
                        struct pawl_outcome *out)
{
    struct pawl_error err;
    struct pawl_str text = reply->body;
    set(out, (struct verdict){PAWL_APPLIED_YES, PAWL_CLASS_NONE, false});
    if (text.n > 0 && text.p[text.n - 1] == '\n') text.n--;
    if (text.n > 0 && text.p[text.n - 1] == '\r') text.n--;
    if (text.n == 0) {
        out->result = PAWL_STR("null");
        return;
    }
    const int code = pawl_reply_json(text, a, &out->result, &err);
    if (code == PAWL_OK) return;
    if (code == PAWL_ENOMEM) {
        set(out, (struct verdict){PAWL_APPLIED_UNUSABLE, PAWL_CLASS_INTERNAL, false});
        out->message = PAWL_STR("no memory to read the answer");
        return;
    }
    if (t->output == NULL) {
        struct pawl_buf quoted;
        pawl_buf_init_arena(&quoted, a);
        pawl_json_quote(text, &quoted);
        out->result = pawl_buf_done(&quoted);
        return;
    }
    set(out, (struct verdict){PAWL_APPLIED_UNUSABLE, PAWL_CLASS_MALFORMED, false});
    pawl_outcome_says(out, a, "the command succeeded and printed what is not JSON (%s)", err.what);
}

static void read_command(const struct pawl_tool *t, const struct pawl_reply *reply, struct pawl_arena *a,
                         struct pawl_outcome *out)
{
    enum { TRY_LATER = 75, SIGNALLED = 128 }; /* sysexits' EX_TEMPFAIL; a shell's 128 + signal */
    const bool later = reply->status == TRY_LATER || reply->status > SIGNALLED;
    const struct verdict usual = {PAWL_APPLIED_UNKNOWN, later ? PAWL_CLASS_UNAVAILABLE : PAWL_CLASS_REJECTED, later};
    if (reply->transport == PAWL_TOO_LARGE) {
        set(out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, false});
        out->message = PAWL_STR("the command printed more than the limit");
        return;
    }
    const struct pawl_error_rule *rule = rule_for(t, reply->status);
    if (rule == NULL && reply->status == 0) {
        read_stdout(t, reply, a, out);
        return;
    }
    const struct pawl_str s = pawl_reply_detail(reply, a);
    pawl_outcome_says(out, a, "the command ended with exit code %d%s%s", reply->status, s.n > 0 ? ": " : "",
                      s.n > 0 ? s.p : "");
    if (rule != NULL) by_rule(rule, usual, reply, a, out);
    else set(out, usual);
}

static struct verdict verdict_of_code(int32_t code)
{
    switch (code) {
    case PAWL_ETIMEDOUT: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true};
    case PAWL_EBREAKER_OPEN: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_BREAKER_OPEN, true};
    case PAWL_EIO:
    case PAWL_EPENDING:
    case PAWL_EBUSY: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true};
    case PAWL_ENOMEM:
    case PAWL_EFULL: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_OVERLOADED, true};
    case PAWL_ECANCELLED: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_CANCELLED, false};
    case PAWL_ECONFLICT: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_CONFLICT, false};
    case PAWL_EINTERNAL: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_INTERNAL, false};
    default: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_REJECTED, false};
    }
}

/* A function says itself what it did; one that does not leaves it unknown, even where it returned something. */
static void read_call(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out)
{
    struct pawl_error err;
    set(out, verdict_of_code(reply->status));
    if (reply->has_verdict) out->applied = reply->verdict;
    if (!reply->has_verdict || out->applied == PAWL_APPLIED_NO || out->applied == PAWL_APPLIED_UNKNOWN) {
        const struct pawl_str detail = pawl_reply_detail(reply, a);
        const struct pawl_str s = detail.n > 0 ? detail : pawl_reply_says(reply, a);
        pawl_outcome_says(out, a, "the function %s%s%s",
                          reply->has_verdict ? "failed" : "did not say whether it was done", s.n > 0 ? ": " : "",
                          s.n > 0 ? s.p : "");
        return;
    }
    const bool fine = out->applied != PAWL_APPLIED_UNUSABLE;
    set(out, (struct verdict){out->applied, fine ? PAWL_CLASS_NONE : PAWL_CLASS_OUT_OF_CONTRACT, false});
    if (!fine) out->message = PAWL_STR("the function says that its answer cannot be used");
    const bool too_large = reply->transport == PAWL_TOO_LARGE;
    if (!too_large && reply->body.n == 0) {
        out->result = PAWL_STR("null");
    } else if (too_large || pawl_reply_json(reply->body, a, &out->result, &err) != PAWL_OK) {
        if (out->applied == PAWL_APPLIED_YES)
            set(out, (struct verdict){PAWL_APPLIED_UNUSABLE, PAWL_CLASS_MALFORMED, false});
        pawl_outcome_says(out, a, "the function answered %s", too_large ? "more than the limit" : "what is not JSON");
    }
}

/* Not over yet: for a change that is doubt, to be resolved by asking again or looking; a read is asked again later. */
static void open_ended(const struct pawl_tool *t, struct pawl_outcome *out)
{
    if (out->applied != PAWL_APPLIED_RUNNING && out->applied != PAWL_APPLIED_ACCEPTED) return;
    const bool read = t->effect == PAWL_EFFECT_READ;
    out->error_class = read ? PAWL_CLASS_UNAVAILABLE : PAWL_CLASS_IN_DOUBT;
    out->retry = read || out->applied == PAWL_APPLIED_RUNNING;
    if (out->message.n == 0) out->message = PAWL_STR("not over yet");
}

void pawl_tool_read(const struct pawl_tool *t, const struct pawl_reply *reply, bool keyed_resend, struct pawl_arena *a,
                    struct pawl_outcome *out)
{
    if (pawl_reply_unanswered(reply, a, out)) return;
    *out = (struct pawl_outcome){.applied = PAWL_APPLIED_UNKNOWN,
                                 .error_class = PAWL_CLASS_INTERNAL,
                                 .retry_after_ns = pawl_retry_after_ns(reply)};
    switch (t->driver) {
    case PAWL_DRIVER_HTTP: read_http(t, reply, keyed_resend, a, out); break;
    case PAWL_DRIVER_COMMAND: read_command(t, reply, a, out); break;
    case PAWL_DRIVER_INPROCESS:
    case PAWL_DRIVER_JOURNAL: read_call(reply, a, out); break;
    case PAWL_DRIVER_SIGNAL:
    case PAWL_DRIVER_AGENT: break; /* nothing is sent, so nothing comes back */
    }
    open_ended(t, out);
    assert((out->error_class == PAWL_CLASS_NONE) == (out->applied == PAWL_APPLIED_YES));
}
