/* src/model/openai_read.c - what a provider answered: a usable answer, or what went wrong and whether to ask again.
 *
 * Two forms of one answer are read, a JSON body and a stream of chunks, told apart by how the body begins: servers and
 * proxies give either under either Content-Type. An answer is whole when it ends with a finish reason or with [DONE];
 * what lacks both was cut, and a cut answer is none: half of a tool call's arguments could be valid JSON. */
#include "contract/reply.h"
#include "contract/retry_after.h"
#include "contract/shown.h"
#include "model/answer.h"
#include "model/openai.h"
#include "model/sse.h"
#include <string.h>

struct verdict {
    enum pawl_applied applied; /* NO: was not paid for */
    enum pawl_class error_class;
    bool retry, no_money;
};

/* What the code or type in an error says; where the HTTP status does not (it is 200 in a stream), all that is known. */
static const struct word {
    const char *word;
    enum pawl_class error_class;
    bool retry, no_money;
} words[] = {
    {"insufficient_quota", PAWL_CLASS_RATE_LIMITED, false, true},
    {"credit_balance_exhausted", PAWL_CLASS_RATE_LIMITED, false, true},
    {"organization_spend_limit_exceeded", PAWL_CLASS_RATE_LIMITED, false, true},
    {"organization_usage_limit_exceeded", PAWL_CLASS_RATE_LIMITED, false, true},
    {"project_spend_limit_exceeded", PAWL_CLASS_RATE_LIMITED, false, true},
    {"billing_hard_limit_reached", PAWL_CLASS_RATE_LIMITED, false, true},
    {"billing_not_active", PAWL_CLASS_RATE_LIMITED, false, true},
    {"rate_limit_exceeded", PAWL_CLASS_RATE_LIMITED, true, false},
    {"slow_down", PAWL_CLASS_RATE_LIMITED, true, false},
    {"server_is_overloaded", PAWL_CLASS_OVERLOADED, true, false},
    {"engine_overloaded", PAWL_CLASS_OVERLOADED, true, false},
    {"overloaded_error", PAWL_CLASS_OVERLOADED, true, false},
    {"rate_limit_error", PAWL_CLASS_RATE_LIMITED, true, false},
    {"invalid_api_key", PAWL_CLASS_UNAUTHORIZED, false, false},
    {"authentication_error", PAWL_CLASS_UNAUTHORIZED, false, false},
    {"permission_error", PAWL_CLASS_UNAUTHORIZED, false, false},
    {"context_length_exceeded", PAWL_CLASS_REJECTED, false, false},
    {"model_not_found", PAWL_CLASS_REJECTED, false, false},
    {"invalid_prompt", PAWL_CLASS_REJECTED, false, false},
    {"content_filter", PAWL_CLASS_REJECTED, false, false},
    {"invalid_request_error", PAWL_CLASS_REJECTED, false, false},
};

static const struct word *word_for(struct pawl_str text)
{
    for (const struct word *w = words; w < words + sizeof words / sizeof *words; w++) {
        if (pawl_str_is(text, w->word)) return w;
    }
    return NULL;
}

static struct verdict by_status(int32_t status)
{
    switch (status) {
    case 401:
    case 403: return (struct verdict){PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, false, false};
    case 402: return (struct verdict){PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false, true};
    case 408:
    case 504: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true, false};
    case 409:
    case 425: return (struct verdict){PAWL_APPLIED_NO, PAWL_CLASS_UNAVAILABLE, true, false};
    case 429: return (struct verdict){PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, true, false};
    case 529: return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_OVERLOADED, true, false};
    default: break;
    }
    if (status >= 300 && status <= 499) return (struct verdict){PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false, false};
    if (status >= 500 && status <= 599)
        return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true, false};
    return (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, true, false};
}

/* `error`: the error object, or NULL. The status decides, and its words refine it: no money is told by them alone, and
 * overload; under a 200 (a stream that fails later, proxies) they and a numeric code are all there is. */
static struct verdict judge(int32_t status, yyjson_val *error)
{
    const struct word *code = word_for(pawl_json_str(error, "code")), *type = word_for(pawl_json_str(error, "type"));
    const struct word *w = code != NULL ? code : type;
    if (status >= 200 && status <= 299) {
        const int64_t number = pawl_json_i64(error, "code", 0);
        struct verdict v = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true, false};
        if (w != NULL) v = (struct verdict){PAWL_APPLIED_UNKNOWN, w->error_class, w->retry, w->no_money};
        else if (number >= 400 && number <= 599) v = by_status((int32_t)number);
        v.applied = PAWL_APPLIED_UNKNOWN;
        return v;
    }
    struct verdict v = by_status(status);
    if ((code != NULL && code->no_money) || (type != NULL && type->no_money)) v.no_money = true;
    if (v.no_money) v.retry = false;
    else if (w != NULL && w->error_class == PAWL_CLASS_OVERLOADED)
        v.error_class = PAWL_CLASS_OVERLOADED, v.retry = true;
    return v;
}

static void set(struct pawl_outcome *out, struct verdict v)
{
    out->applied = v.applied;
    out->error_class = v.error_class;
    out->retry = v.retry;
    out->no_money = v.no_money;
}

static void malformed(struct pawl_outcome *out, struct pawl_arena *a, const char *what)
{
    set(out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, true, false});
    pawl_outcome_says(out, a, "the provider sent %s", what);
}

yyjson_val *pawl_openai_choice(yyjson_val *body)
{
    yyjson_val *choices = yyjson_obj_get(body, "choices"), *choice;
    size_t i, max;
    if (!yyjson_is_arr(choices)) return NULL;
    yyjson_arr_foreach(choices, i, max, choice)
    {
        if (yyjson_is_obj(choice) && pawl_json_i64(choice, "index", 0) == 0) return choice;
    }
    return NULL;
}

bool pawl_openai_done(struct pawl_str data)
{
    return data.n >= 6 && memcmp(data.p, "[DONE]", 6) == 0;
}

/* What is being read: an answer so far, or why it is none. */
struct reading {
    struct pawl_arena *a;
    struct pawl_outcome *out;
    struct pawl_answer answer;
    struct pawl_arena tree; /* of one chunk at a time */
    bool done;              /* the end mark was seen: what follows is nothing to us */
    bool whole;             /* a stream that said its end, by the mark or by a finish reason */
    bool failed;            /* *out says why */
};

/* "error": null and "error": false are none. */
static yyjson_val *error_in(yyjson_val *body)
{
    yyjson_val *error = yyjson_obj_get(body, "error");
    return error == NULL || yyjson_is_null(error) || yyjson_is_false(error) ? NULL : error;
}

static void read_error(struct reading *r, yyjson_val *error)
{
    struct pawl_buf shown;
    const struct pawl_str message = yyjson_is_str(error) ? pawl_json_value_str(error) : pawl_json_str(error, "message");
    pawl_buf_init_arena(&shown, r->a);
    pawl_shown(message, 400, &shown);
    const struct pawl_str s = pawl_buf_done(&shown);
    set(r->out, judge(200, error));
    pawl_outcome_says(r->out, r->a, "the provider failed after it had begun to answer%s%s", s.n > 0 ? ": " : "",
                      s.n > 0 ? s.p : "");
    r->failed = true;
}

static void read_body(struct reading *r, yyjson_val *body, bool whole)
{
    yyjson_val *error = error_in(body), *choice = pawl_openai_choice(body);
    if (error != NULL) {
        read_error(r, error);
        return;
    }
    pawl_answer_usage(&r->answer, yyjson_obj_get(body, "usage"));
    if (choice == NULL) return;
    yyjson_val *message = yyjson_obj_get(choice, whole ? "message" : "delta");
    const struct pawl_str finish = pawl_json_str(choice, "finish_reason");
    if (yyjson_is_obj(message)) r->answer.seen = true;
    pawl_answer_piece(&r->answer, message, whole);
    if (finish.n > 0) r->answer.finish = pawl_str_copy(r->a, finish);
}

static void read_event(void *ctx, const struct pawl_sse_event *e)
{
    struct reading *r = ctx;
    yyjson_val *chunk = NULL;
    if (r->done || r->failed || e->data.n == 0) return;
    if (pawl_openai_done(e->data)) {
        r->done = true;
        return;
    }
    const bool named = !pawl_str_is(e->type, "message"); /* protocol extensions: pings and the like */
    pawl_arena_reset(&r->tree);
    if (e->mended || pawl_json_read(e->data, &r->tree, &chunk, NULL) != PAWL_OK || !yyjson_is_obj(chunk)) {
        if (named && !pawl_str_is(e->type, "error")) return;
        malformed(r->out, r->a, "a stream with a chunk that is not JSON");
        r->failed = true;
        return;
    }
    if (pawl_str_is(e->type, "error") && error_in(chunk) == NULL) read_error(r, chunk);
    else read_body(r, chunk, false);
}

static void finish(struct reading *r)
{
    const char *what = NULL;
    if (pawl_str_is(r->answer.finish, "error")) { /* proxies: the engine behind them failed */
        set(r->out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true, false});
        r->out->message = PAWL_STR("the provider failed in the middle of its answer");
        return;
    }
    const struct pawl_str json = pawl_answer_json(&r->answer, &what);
    if (what != NULL) {
        malformed(r->out, r->a, what);
        return;
    }
    set(r->out, (struct verdict){PAWL_APPLIED_YES, PAWL_CLASS_NONE, false, false});
    r->out->result = json;
}

static void read_stream(struct reading *r, struct pawl_str body)
{
    struct pawl_sse sse;
    pawl_sse_init(&sse, r->a->from, (size_t)body.n + 1, read_event, r);
    const int code = pawl_sse_feed(&sse, body.p, body.n);
    pawl_sse_fini(&sse);
    if (code == PAWL_ENOMEM) r->a->failed = true;
    if (r->failed) return;
    r->whole = r->done || r->answer.finish.n > 0;
    if (r->whole) finish(r);
    else malformed(r->out, r->a, "a stream that was cut: neither a finish reason nor [DONE] came");
}

static void read_whole(struct reading *r, struct pawl_str body)
{
    yyjson_val *root = NULL;
    struct pawl_error err;
    if (pawl_json_read(body, &r->tree, &root, &err) != PAWL_OK) {
        set(r->out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, true, false});
        pawl_outcome_says(r->out, r->a, "the provider sent a body that is not JSON: %s", err.what);
        return;
    }
    read_body(r, root, true);
    if (!r->failed) finish(r);
}

/* HTTP 2xx. *whole: a stream that came to its stated end. */
static void read_success(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out, bool *whole)
{
    struct reading r = {.a = a, .out = out, .answer = {.a = a}};
    _Alignas(16) char first[8192];
    struct pawl_str body = reply->body;
    if (body.n >= 3 && memcmp(body.p, "\xef\xbb\xbf", 3) == 0) body.p += 3, body.n -= 3;
    while (body.n > 0 && memchr(" \t\r\n", *body.p, 4) != NULL) body.p++, body.n--;
    pawl_arena_init_on(&r.tree, a->from, first, sizeof first);
    if (body.n > 0 && *body.p == '{') {
        read_whole(&r, body);
    } else if (body.n == 0) {
        malformed(out, a, "an empty body");
    } else if (*body.p == '<') {
        malformed(out, a, "a page instead of an answer");
    } else {
        read_stream(&r, body);
    }
    if (r.tree.failed || a->failed) {
        set(out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_INTERNAL, true, false});
        out->result = (struct pawl_str){NULL, 0};
        out->message = PAWL_STR("no memory to read the answer");
    }
    *whole = r.whole;
    pawl_arena_fini(&r.tree);
}

static void read_failure(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out)
{
    struct pawl_arena tree;
    yyjson_val *root = NULL;
    pawl_arena_init(&tree, a->from);
    if (pawl_json_read(reply->body, &tree, &root, NULL) != PAWL_OK) root = NULL;
    yyjson_val *error = error_in(root);
    set(out, judge(reply->status, error != NULL ? error : root)); /* some send the members without the envelope */
    pawl_arena_fini(&tree);
    /* The server's own word goes before the status, but no waiting brings money. */
    if (pawl_str_is(reply->should_retry, "true") && !out->no_money) out->retry = true;
    if (pawl_str_is(reply->should_retry, "false")) out->retry = false;
    const struct pawl_str s = pawl_reply_says(reply, a);
    pawl_outcome_says(out, a, "HTTP %d%s%s", reply->status, s.n > 0 ? ": " : "", s.n > 0 ? s.p : "");
}

void pawl_openai_read(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out)
{
    const bool success = reply->status >= 200 && reply->status <= 299;
    bool whole = false;
    *out = (struct pawl_outcome){.retry_after_ns = -1};
    if (reply->transport == PAWL_LOST || reply->transport == PAWL_NO_ANSWER) {
        /* The connection ended badly, behind an answer that says itself that it is whole. */
        if (success && reply->body.n > 0) read_success(reply, a, out, &whole);
        if (whole && out->applied == PAWL_APPLIED_YES) return;
    }
    if (pawl_reply_unanswered(reply, a, out)) return;
    *out = (struct pawl_outcome){.retry_after_ns = pawl_retry_after_ns(reply)};
    if (reply->transport == PAWL_TOO_LARGE) {
        set(out, (struct verdict){PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, false, false});
        out->message = PAWL_STR("the provider sent more than the limit");
    } else if (success) {
        read_success(reply, a, out, &whole);
    } else {
        read_failure(reply, a, out);
    }
}
