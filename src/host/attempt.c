/* src/host/attempt.c - the drivers: a fixed request goes out over HTTP, to a command, to a function of this process, or to
 * a script, and what came back becomes one DONE event. Secrets are filled in here and nowhere else. */
#include "contract/webhook.h"
#include "host/host.h"
#include "io/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SLOW_NS = 50000 };
enum { MODEL_BODY_MAX = 32 * 1024 * 1024, CONNECT_TIMEOUT_S = 10, COMMAND_GRACE_S = 1 };

static struct pawl_attempt_run *find_attempt(struct pawl *p, uint64_t id)
{
    for (struct pawl_attempt_run *r = p->attempts; r; r = r->next)
        if (r->id == id) return r;
    return NULL;
}

static void forget(struct pawl_attempt_run *r)
{
    struct pawl *p = r->p;
    for (struct pawl_attempt_run **at = &p->attempts; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    pawl_stream_free(r->stream);
    pawl_arena_fini(&r->arena);
    p->shelf.alloc.resize(p->shelf.alloc.ctx, r, sizeof *r, 0);
}

static struct pawl_str copy(struct pawl_host_event *e, struct pawl_str s)
{
    return s.p ? pawl_str_copy(&e->arena, s) : s;
}

/* What came, copied, as an event; the attempt is over. */
static void done(struct pawl_attempt_run *r, const struct pawl_reply *reply)
{
    struct pawl *p = r->p;
    struct pawl_host_event *e = pawl_host_event(p, PAWL_EV_DONE);
    const int64_t took_ns = pawl_clock_mono_ns() - r->began_ns;
    if (e) {
        struct pawl_str *texts[] = {
            &e->reply.type,          &e->reply.body,        &e->reply.retry_after,       &e->reply.retry_after_ms,
            &e->reply.should_retry,  &e->reply.date,        &e->reply.location,          &e->reply.detail,
            &e->reply.requests_left, &e->reply.tokens_left, &e->reply.operation_location};
        e->reply = *reply;
        e->reply.wall_ns = pawl_clock_wall_ns();
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) *texts[i] = copy(e, *texts[i]);
        e->ev.id = r->id;
        e->ev.reply = &e->reply;
    }
    pawl_follow_attempt(p, r->of, took_ns);
    forget(r);
}

static void not_sent(struct pawl_attempt_run *r, const char *why)
{
    const struct pawl_reply reply = {.transport = PAWL_NOT_SENT, .detail = pawl_str_of(why)};
    done(r, &reply);
}

static void on_http_done(void *ctx, const struct pawl_http_result *h)
{
    static const enum pawl_transport transports[] = {[PAWL_HTTP_ANSWERED] = PAWL_ANSWERED,
                                                     [PAWL_HTTP_NOT_SENT] = PAWL_NOT_SENT,
                                                     [PAWL_HTTP_LOST] = PAWL_LOST,
                                                     [PAWL_HTTP_NO_ANSWER] = PAWL_NO_ANSWER,
                                                     [PAWL_HTTP_TOO_LARGE] = PAWL_TOO_LARGE};
    const struct pawl_reply reply = {.transport = transports[h->end],
                                     .status = h->status,
                                     .type = h->type,
                                     .body = h->body,
                                     .retry_after = h->retry_after,
                                     .retry_after_ms = h->retry_after_ms,
                                     .should_retry = h->should_retry,
                                     .date = h->date,
                                     .location = h->location,
                                     .operation_location = h->operation_location,
                                     .requests_left = h->requests_left,
                                     .tokens_left = h->tokens_left,
                                     .hedged = h->hedged,
                                     .detail = h->detail};
    done(ctx, &reply);
}

static void on_http_data(void *ctx, struct pawl_str piece)
{
    struct pawl_attempt_run *r = ctx;
    pawl_stream_feed(r->stream, piece.p, piece.n);
}

static void on_text(void *ctx, struct pawl_str piece)
{
    struct pawl_attempt_run *r = ctx;
    pawl_follow_text(r->p, r->of, piece);
}

/* Until when somebody waits for the answer, for the tool to know: a point in time, and what is left (as grpc-timeout has
 * it: milliseconds, at most 8 digits). Neither is part of the fixed request (LEDGER 5). */
struct until {
    char at[32], left[16];
};

static struct until until(const struct pawl_attempt *a)
{
    const int64_t wall_ns = pawl_clock_wall_ns() + a->timeout_ns, left_ms = a->timeout_ns / 1000000;
    const time_t seconds = (time_t)(wall_ns / 1000000000);
    struct until u = {0};
    struct tm t;
    if (!gmtime_r(&seconds, &t)) return u;
    const size_t n = strftime(u.at, sizeof u.at, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(u.at + n, sizeof u.at - n, ".%03dZ", (int)(wall_ns / 1000000 % 1000));
    snprintf(u.left, sizeof u.left, "%lldm", (long long)(left_ms > 99999999 ? 99999999 : left_ms < 1 ? 1 : left_ms));
    return u;
}

static struct pawl_str lent(struct pawl_attempt_run *r, const char *text)
{
    return pawl_str_copy(&r->arena, pawl_str_of(text));
}

static bool is_there(const struct pawl_http_header *list, size_t count, struct pawl_str name)
{
    for (size_t i = 0; i < count; i++)
        if (pawl_same_header(list[i].name, name)) return true;
    return false;
}

/* A header of the contract's own by that name stays. */
static size_t say_until(struct pawl_attempt_run *r, struct pawl_http_header *list, size_t count)
{
    const struct until u = until(r->of);
    const struct pawl_http_header ours[] = {{PAWL_STR("Pawl-Deadline"), lent(r, u.at)},
                                            {PAWL_STR("Pawl-Timeout"), lent(r, u.left)}};
    const size_t before = count;
    for (size_t i = 0; i < 2 && u.at[0]; i++)
        if (ours[i].value.p && !is_there(list, before, ours[i].name)) list[count++] = ours[i];
    return count;
}

/* Whom the tool is to call back, where the request says that it is told: a URL with a token that nobody else can make. It
 * is a secret, and so no part of the fixed request. false: it cannot be made. */
static bool callback_url(struct pawl_attempt_run *r, struct pawl_str *out, struct pawl_error *err)
{
    const struct pawl_attempt *a = r->of;
    const struct pawl_serve *serve = &a->config->serve;
    const bool six = strchr(serve->host, ':') != NULL;
    char run[PAWL_ID_TEXT], token[PAWL_TOKEN_TEXT];
    struct pawl_buf secret, url;
    pawl_buf_init_arena(&secret, &r->arena);
    pawl_buf_init_arena(&url, &r->arena);
    if (pawl_config_fill(a->config, serve->secret, &secret, err) || !pawl_buf_done(&secret).n || !a->key.p)
        return false;
    pawl_callback_token(pawl_buf_done(&secret), a->run, a->step, a->key.p, token);
    pawl_id_text(a->run, run);
    if (serve->url.p) {
        pawl_buf_add(&url, serve->url.p, serve->url.n - (serve->url.p[serve->url.n - 1] == '/'));
    } else if (r->p->listens_at) {
        pawl_buf_text(&url, r->p->listens_at);
    } else {
        pawl_buf_printf(&url, "http://%s%s%s:%d", six ? "[" : "", serve->host, six ? "]" : "", serve->port);
    }
    pawl_buf_printf(&url, "/callbacks/%s/%u/%s", run, a->step, token);
    *out = pawl_buf_done(&url);
    return out->p != NULL;
}

/* Into the header, or as the first member of the body, that the request names. */
static bool tell_whom(struct pawl_attempt_run *r, yyjson_val *where, struct pawl_http_header *list, size_t *count,
                      struct pawl_str *body, struct pawl_error *err)
{
    const struct pawl_str header = pawl_json_str(where, "header"), field = pawl_json_str(where, "field");
    struct pawl_str url;
    struct pawl_buf b;
    if (!callback_url(r, &url, err)) return false;
    if (header.p) {
        list[(*count)++] = (struct pawl_http_header){header, url};
        return true;
    }
    if (!field.p || !body->n || body->p[0] != '{') return false;
    pawl_buf_init_arena(&b, &r->arena);
    pawl_buf_char(&b, '{');
    pawl_json_quote(field, &b);
    pawl_buf_char(&b, ':');
    pawl_json_quote(url, &b);
    if (body->n > 2) pawl_buf_char(&b, ',');
    pawl_buf_add(&b, body->p + 1, body->n - 1);
    *body = pawl_buf_done(&b);
    return body->p != NULL;
}

/* {"http": …} with secrets filled in. false: it was ended as not sent. */
static bool begin_http(struct pawl_attempt_run *r, yyjson_val *http)
{
    const struct pawl_attempt *a = r->of;
    yyjson_val *headers = yyjson_obj_get(http, "headers"), *name, *value;
    size_t count = yyjson_obj_size(headers);
    struct pawl_http_header *list = pawl_arena_get(&r->arena, (count + 3) * sizeof *list);
    yyjson_val *callback = yyjson_obj_get(http, "callback");
    struct pawl_str body = pawl_json_str(http, "body");
    struct pawl_error err = {0};
    size_t i, max;
    if (!list) return not_sent(r, "no memory"), false;
    yyjson_obj_foreach(headers, i, max, name, value)
    {
        struct pawl_buf b;
        pawl_buf_init_arena(&b, &r->arena);
        if (pawl_config_fill(a->config, pawl_json_value_str(value), &b, &err) || !pawl_buf_done(&b).p)
            return not_sent(r, err.what), false;
        list[i] = (struct pawl_http_header){pawl_json_value_str(name), {b.p, (uint32_t)b.n}};
    }
    if (!a->model) count = say_until(r, list, count); /* a provider has no use for it */
    if (callback && !tell_whom(r, callback, list, &count, &body, &err))
        return not_sent(r, err.what[0] ? err.what : "the URL to call back cannot be put into the request"), false;
    const int64_t second = 1000000000;
    const struct pawl_http_call call = {
        .method = pawl_json_str(http, "method"),
        .url = pawl_json_str(http, "url"),
        .headers = list,
        .headers_count = (uint32_t)count,
        .body = body,
        .changes = a->changes,
        .once = a->model != NULL,
        .connect_timeout_ns = a->timeout_ns < CONNECT_TIMEOUT_S * second ? a->timeout_ns : CONNECT_TIMEOUT_S * second,
        .first_byte_timeout_ns =
            a->model && a->model->first_token_ns < a->timeout_ns ? a->model->first_token_ns : a->timeout_ns,
        .idle_timeout_ns = a->model && a->model->first_token_ns < a->timeout_ns ? a->model->first_token_ns : 0,
        .total_timeout_ns = a->timeout_ns,
        .body_bytes_max = a->model ? MODEL_BODY_MAX : (size_t)a->tool->output_bytes,
        .on_data = a->model ? on_http_data : NULL,
        .on_done = on_http_done,
        .ctx = r};
    if (a->model && !(r->stream = pawl_stream_new(r->p->alloc, on_text, r))) return not_sent(r, "no memory"), false;
    if (a->hedge_ns) {
        if (pawl_http_hedge_start(r->p->http, &r->p->loop, &call, a->hedge_ns, &r->hedge, &err) == PAWL_OK) return true;
    } else if (pawl_http_start(r->p->http, &call, &r->http, &err) == PAWL_OK) {
        return true;
    }
    not_sent(r, err.what);
    return false;
}

static void on_process_done(void *ctx, const struct pawl_process_result *c)
{
    struct pawl_reply reply = {.transport = PAWL_ANSWERED, .status = c->status, .body = c->out, .detail = c->err_tail};
    if (c->end == PAWL_PROCESS_SIGNALLED) reply.transport = PAWL_KILLED;
    if (c->end == PAWL_PROCESS_TIMED_OUT) reply.transport = PAWL_NO_ANSWER;
    if (c->end == PAWL_PROCESS_TOO_LARGE) reply.transport = PAWL_TOO_LARGE;
    if (c->end == PAWL_PROCESS_STOPPED) reply.transport = PAWL_STOPPED;
    done(ctx, &reply);
}

static bool begin_command(struct pawl_attempt_run *r, yyjson_val *command)
{
    const struct pawl_attempt *a = r->of;
    yyjson_val *argv = yyjson_obj_get(command, "argv"), *env = yyjson_obj_get(command, "env"), *v, *name;
    const char **words = pawl_arena_zeroed(&r->arena, (yyjson_arr_size(argv) + 1) * sizeof *words);
    struct pawl_process_var *vars = pawl_arena_zeroed(&r->arena, (yyjson_obj_size(env) + 2) * sizeof *vars);
    const struct until u = until(a);
    uint32_t vars_count = (uint32_t)yyjson_obj_size(env);
    struct pawl_error err = {0};
    struct pawl_buf lock;
    char run[PAWL_ID_TEXT];
    size_t i, max;
    if (!words || !vars) return not_sent(r, "no memory"), false;
    yyjson_arr_foreach(argv, i, max, v) words[i] = yyjson_get_str(v);
    yyjson_obj_foreach(env, i, max, name, v) vars[i] =
        (struct pawl_process_var){pawl_json_value_str(name), pawl_json_value_str(v)};
    vars[vars_count++] = (struct pawl_process_var){PAWL_STR("PAWL_DEADLINE"), lent(r, u.at)};
    vars[vars_count++] = (struct pawl_process_var){PAWL_STR("PAWL_TIMEOUT"), lent(r, u.left)};
    pawl_id_text(a->run, run);
    pawl_buf_init_arena(&lock, &r->arena);
    pawl_buf_printf(&lock, "%s/%s-%u-%u%s", r->p->attempts_path, run, a->step, a->attempt, a->look ? "-look" : "");
    pawl_buf_done(&lock);
    const struct pawl_process_spec spec = {.argv = words,
                                           .vars = vars,
                                           .vars_count = vars_count,
                                           .input = pawl_json_str(command, "stdin"),
                                           .timeout_ns = a->timeout_ns,
                                           .grace_ns = COMMAND_GRACE_S * INT64_C(1000000000),
                                           .out_bytes_max = (size_t)a->tool->output_bytes,
                                           .cpu_s = (uint32_t)((a->tool->cpu_ns + 999999999) / 1000000000),
                                           .memory_bytes = (uint64_t)a->tool->memory_bytes,
                                           .lock_path = lock.failed ? NULL : lock.p,
                                           .alive = &r->p->commands,
                                           .on_done = on_process_done,
                                           .ctx = r};
    if (pawl_process_start(r->p->alloc, &r->p->loop, &spec, &r->process, &err) == PAWL_OK) return true;
    not_sent(r, err.what);
    return false;
}

struct answer { /* what an in-process tool says */
    struct pawl_arena *arena;
    struct pawl_reply reply;
    size_t bytes_max;
    bool given;
};

static void take_answer(void *ctx, enum pawl_tool_verdict verdict, const char *text, size_t bytes)
{
    struct answer *a = ctx;
    const bool too_large = bytes > a->bytes_max;
    struct pawl_str said = {text, text ? (uint32_t)(too_large ? 0 : bytes) : 0};
    if (a->given || !pawl_is_verdict(verdict)) return; /* the first word counts */
    a->given = true;
    if (said.n) said = pawl_str_copy(a->arena, said);
    pawl_take_verdict(&a->reply, verdict, said, too_large);
}

static void on_worker_done(void *ctx, const struct pawl_reply *reply)
{
    done(ctx, reply);
}

static void begin_inprocess(struct pawl_attempt_run *r, yyjson_val *call)
{
    const struct pawl_attempt *a = r->of;
    struct pawl_host_tool *t = pawl_map_get(&r->p->tools, a->tool->name.p, a->tool->name.n);
    struct answer answer = {.arena = &r->arena,
                            .reply = {.transport = PAWL_ANSWERED},
                            .bytes_max = (size_t)a->tool->output_bytes};
    char run[PAWL_ID_TEXT];
    struct pawl_buf args;
    if (!t) {
        not_sent(r, "no function of this process is registered for the tool");
        return;
    }
    pawl_buf_init_arena(&args, &r->arena);
    pawl_json_write(yyjson_obj_get(call, "args"), &args);
    pawl_id_text(a->run, run);
    const struct pawl_tool_call c = {.size = sizeof c,
                                     .run = run,
                                     .tool = a->tool->name.p,
                                     .key = a->key.p ? a->key.p : "",
                                     .step = a->step,
                                     .attempt = a->attempt,
                                     .args = pawl_buf_done(&args).p,
                                     .args_bytes = args.n,
                                     .timeout_ns = a->timeout_ns};
    if (!c.args) {
        not_sent(r, "no memory");
        return;
    }
    if (t->threaded) {
        const struct pawl_worker_spec spec = {.fn = t->fn,
                                              .fn_ctx = t->ctx,
                                              .call = &c,
                                              .answer_bytes_max = answer.bytes_max,
                                              .on_done = on_worker_done,
                                              .ctx = r};
        if (pawl_worker_start(r->p->workers, &spec, &r->worker)) not_sent(r, "the system gives no thread or no memory");
        return;
    }
    if (t->took_ns > SLOW_NS) pawl_host_flush(r->p); /* the writer need not wait for it */
    const int64_t began_ns = pawl_clock_mono_ns();
    t->fn(t->ctx, &c, take_answer, &answer);
    t->took_ns = (7 * t->took_ns + (pawl_clock_mono_ns() - began_ns)) / 8;
    done(r, &answer.reply);
}

static void begin_script(struct pawl_attempt_run *r, yyjson_val *script)
{
    struct pawl_reply reply = {0};
    pawl_script_reply(r->of->model, (uint32_t)pawl_json_i64(script, "turn", 0), &r->arena, &reply);
    done(r, &reply);
}

void pawl_attempt_begin(struct pawl *p, uint64_t id, const struct pawl_attempt *a)
{
    struct pawl_attempt_run *r = p->shelf.alloc.resize(p->shelf.alloc.ctx, NULL, 0, sizeof *r);
    yyjson_val *request, *part;
    if (!r) {
        p->broken.code = PAWL_ENOMEM;
        return;
    }
    memset(r, 0, sizeof *r);
    r->p = p;
    r->id = id;
    r->of = a;
    r->began_ns = pawl_clock_mono_ns();
    pawl_arena_init(&r->arena, &p->shelf.alloc);
    r->next = p->attempts;
    p->attempts = r;
    pawl_follow_attempt(p, a, -1);
    if (pawl_json_read(a->request, &r->arena, &request, NULL)) not_sent(r, "the recorded request is not JSON");
    else if ((part = yyjson_obj_get(request, "http")) != NULL) begin_http(r, part);
    else if ((part = yyjson_obj_get(request, "command")) != NULL) begin_command(r, part);
    else if ((part = yyjson_obj_get(request, "script")) != NULL) begin_script(r, part);
    else if ((part = yyjson_obj_get(request, "call")) != NULL) begin_inprocess(r, part);
    else not_sent(r, "the recorded request is of no known kind");
}

void pawl_attempt_cancel(struct pawl *p, uint64_t id)
{
    struct pawl_attempt_run *r = find_attempt(p, id);
    if (!r) return;
    if (r->http) pawl_http_cancel(r->http);
    if (r->hedge) pawl_http_hedge_cancel(r->hedge);
    if (r->process) pawl_process_cancel(r->process);
    if (r->worker) pawl_worker_cancel(r->worker);
    forget(r);
}

bool pawl_host_tool_ready(void *ctx, const struct pawl_tool *tool)
{
    const struct pawl *p = ctx;
    return tool->driver != PAWL_DRIVER_INPROCESS || pawl_map_get(&p->tools, tool->name.p, tool->name.n) != NULL;
}
