/* src/cli/mock.c - the server of `pawl mock`: routes, and how each call misbehaves.
 *
 * Routes: model (POST /v1/chat/completions), GET /orders, POST /charges, POST /refunds, GET /refunds, POST /mails, GET /ledger.
 * A fault is said as ROUTE#N=WHAT: on the Nth call of that route (counted in the ledger, so once, restarts included). */
#include "cli/mock.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include "base/prng.h"
#include "io/alloc.h"

static const char *const whats[] = {"429",        "500_before",          "500_after",    "503",      "hang_before",
                                    "hang_after", "drop_before",         "drop_after",   "garbage",  "html",
                                    "cut",        "malformed_arguments", "unknown_tool", "no_money", NULL};

struct call { /* one request on its way to an answer */
    struct pawl_mock *m;
    struct pawl_http_peer *peer;
    const struct pawl_http_incoming *in;
    struct pawl_arena *a;
    yyjson_val *body;
    const char *fault; /* "" none */
    int status;
    const char *type;
    struct pawl_buf out;
};

static bool fault_is(const struct call *c, const char *what)
{
    return strcmp(c->fault, what) == 0;
}

static const char *plan(struct pawl_mock *m, const char *route)
{
    const uint32_t nth = pawl_mock_calls(m, route);
    struct pawl_prng r;
    for (uint32_t i = 0; i < m->faults_count; i++)
        if (m->faults[i].nth == nth && strcmp(m->faults[i].route, route) == 0) return m->faults[i].what;
    if (m->rate <= 0) return "";
    pawl_prng_seed(&r, m->seed * 1000003 + nth * 31 + (uint64_t)strlen(route));
    if ((double)pawl_prng_below(&r, 1000000) >= m->rate * 1e6) return "";
    return whats[pawl_prng_below(&r, 11)];
}

static void say(struct call *c, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct call *c, int status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->status = status;
    c->out.n = 0;
    pawl_buf_text(&c->out, text);
}

static struct pawl_str key_of(const struct call *c)
{
    struct pawl_str key = pawl_http_field_of(c->in, "Idempotency-Key");
    if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"') key.p++, key.n -= 2;
    return key;
}

static void order_of(const struct call *c, char out[64])
{
    const struct pawl_str id = pawl_json_str(c->body, "order_id");
    snprintf(out, 64, "%.*s", (int)id.n, id.p ? id.p : "");
}

static void effect(struct call *c, const char *kind)
{
    const struct pawl_str key = key_of(c);
    const struct pawl_hash body = pawl_sha256(c->in->body.p, c->in->body.n);
    struct pawl_mock_effect *e = pawl_mock_by_key(c->m, kind, key);
    char order[64];
    order_of(c, order);
    if (e && memcmp(e->body.b, body.b, sizeof body.b) != 0) {
        say(c, 422, "{\"error\":\"this idempotency key was used with another body\"}");
        return;
    }
    if (!e && (!c->body || !order[0])) {
        say(c, 422, "{\"error\":\"order_id is missing\"}");
        return;
    }
    if (!e) e = pawl_mock_effect(c->m, kind, order, yyjson_get_num(yyjson_obj_get(c->body, "amount")), key, body);
    if (!e) say(c, 500, "{\"error\":\"the ledger cannot be written\"}");
    else
        say(c, 200, "{\"%s_id\":\"%s\",\"order_id\":\"%s\",\"amount\":%.2f,\"idempotency_key\":\"%s\"}", kind, e->id,
            e->order, e->amount, e->key);
}

/* The part of a target behind /name/, percent-decoded. */
static void last_part(struct pawl_str target, char out[64])
{
    uint32_t i = target.n, n = 0;
    while (i > 0 && target.p[i - 1] != '/') i--;
    for (; i < target.n && target.p[i] != '?' && n < 63; i++) {
        uint8_t byte;
        if (target.p[i] == '%' && i + 2 < target.n && pawl_unhex(&byte, 1, (struct pawl_str){target.p + i + 1, 2}))
            out[n++] = (char)byte, i += 2;
        else out[n++] = target.p[i];
    }
    out[n] = 0;
}

static void get_order(struct call *c)
{
    char order[64];
    double paid = c->m->charge_amount;
    last_part(c->in->target, order);
    for (const struct pawl_mock_effect *e = c->m->effects; e; e = e->next)
        if (strcmp(e->kind, "charge") == 0 && strcmp(e->order, order) == 0) paid = e->amount;
    say(c, 200, "{\"order_id\":\"%s\",\"status\":\"delivered\",\"total\":%.2f}", order, paid);
}

static void get_refund(struct call *c)
{
    char order[64];
    const struct pawl_mock_effect *found = NULL;
    last_part(c->in->target, order);
    for (const struct pawl_mock_effect *e = c->m->effects; e; e = e->next)
        if (strcmp(e->kind, "refund") == 0 && strcmp(e->order, order) == 0) found = e;
    if (!found) say(c, 404, "{\"error\":\"no refund of this order\"}");
    else
        say(c, 200, "{\"refund_id\":\"%s\",\"order_id\":\"%s\",\"amount\":%.2f,\"idempotency_key\":\"%s\"}", found->id,
            found->order, found->amount, found->key);
}

static void model(struct call *c)
{
    struct pawl_buf message;
    const bool stream = pawl_json_bool(c->body, "stream", false);
    if (!yyjson_is_arr(yyjson_obj_get(c->body, "messages"))) {
        say(c, 400,
            "{\"error\":{\"message\":\"messages is missing\",\"type\":\"invalid_request_error\",\"param\":\"messages\",\"code\":null}}");
        return;
    }
    pawl_buf_init_arena(&message, c->a);
    if (fault_is(c, "malformed_arguments") || fault_is(c, "unknown_tool"))
        pawl_buf_printf(
            &message,
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_x\",\"type\":\"function\",\"function\":"
            "{\"name\":\"%s\",\"arguments\":\"%s\"}}]}",
            fault_is(c, "unknown_tool") ? "fly_to_the_moon" : "get_order",
            fault_is(c, "unknown_tool") ? "{}" : "{\\\"order_id\\\": ");
    else pawl_mock_model_says(c->m, c->body, c->a, &message);
    c->status = 200;
    c->type = stream ? "text/event-stream" : "application/json";
    pawl_mock_model_completion(pawl_buf_done(&message), stream, c->a, &c->out);
}

static const struct route {
    const char *method, *prefix, *name;
    void (*run)(struct call *c);
    const char *kind;
} routes[] = {
    {"POST", "/v1/chat/completions", "model", model, NULL}, {"GET", "/orders/", "GET /orders", get_order, NULL},
    {"POST", "/charges", "POST /charges", NULL, "charge"},  {"POST", "/refunds", "POST /refunds", NULL, "refund"},
    {"GET", "/refunds/", "GET /refunds", get_refund, NULL}, {"POST", "/mails", "POST /mails", NULL, "mail"},
};

static void before(struct call *c)
{
    if (fault_is(c, "429"))
        say(c, 429,
            "{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}");
    if (fault_is(c, "no_money"))
        say(c, 429,
            "{\"error\":{\"message\":\"no credit\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}");
    if (fault_is(c, "500_before"))
        say(c, 500, "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"param\":null,\"code\":null}}");
    if (fault_is(c, "503"))
        say(c, 503, "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"param\":null,\"code\":null}}");
}

static void answer(struct call *c)
{
    const struct pawl_str body = pawl_buf_done(&c->out);
    char head[256];
    if (fault_is(c, "hang_before") || fault_is(c, "hang_after")) return; /* never answered: the peer gives up */
    if (fault_is(c, "drop_before") || fault_is(c, "drop_after")) pawl_http_drop(c->peer);
    else if (fault_is(c, "garbage"))
        pawl_http_answer(c->peer, 200, "application/json", "", PAWL_STR("{\"id\": 17, \"st\x01\xff"));
    else if (fault_is(c, "html"))
        pawl_http_answer(c->peer, 200, "text/html", "", PAWL_STR("<html><body>Bad gateway</body></html>"));
    else if (fault_is(c, "500_after"))
        pawl_http_answer(c->peer, 500, "application/json", "", PAWL_STR("{\"error\":\"after the fact\"}"));
    else if (fault_is(c, "cut")) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %u\r\nConnection: close\r\n\r\n", c->type,
                 body.n + 100);
        pawl_http_raw(c->peer, pawl_str_of(head), false);
        pawl_http_raw(c->peer, (struct pawl_str){body.p, body.n / 2}, true);
    } else pawl_http_answer(c->peer, c->status, c->type, c->status == 429 ? "Retry-After: 0.1\r\n" : "", body);
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    struct pawl_mock *m = ctx;
    struct pawl_arena a;
    struct call c = {.m = m, .peer = peer, .in = in, .a = &a, .fault = "", .type = "application/json", .status = 0};
    const struct route *r = NULL;
    char order[64] = "";
    pawl_arena_init(&a, m->alloc);
    pawl_buf_init_arena(&c.out, &a);
    for (size_t i = 0; i < sizeof routes / sizeof *routes && !r; i++)
        if (pawl_str_is(in->method, routes[i].method) && in->target.n >= strlen(routes[i].prefix) &&
            memcmp(in->target.p, routes[i].prefix, strlen(routes[i].prefix)) == 0)
            r = &routes[i];
    if (in->body.n) pawl_json_read(in->body, &a, &c.body, NULL);
    if (!r && pawl_str_is(in->target, "/ledger")) {
        c.status = 200;
        pawl_mock_ledger_write(m, &c.out);
    } else if (!r) {
        say(&c, 404, "{\"error\":\"no such route\"}");
    } else {
        if (r->kind) order_of(&c, order);
        pawl_mock_ledger_call(m, r->name, order);
        c.fault = plan(m, r->name);
        if (*c.fault) fprintf(stderr, "mock: %s, call %u: %s\n", r->name, pawl_mock_calls(m, r->name), c.fault);
        before(&c);
        if (!c.status && !fault_is(&c, "hang_before") && !fault_is(&c, "drop_before")) {
            if (r->kind) effect(&c, r->kind);
            else r->run(&c);
        }
    }
    answer(&c);
    pawl_arena_fini(&a);
}

static bool add_fault(struct pawl_mock *m, const char *text)
{
    struct pawl_mock_fault *f = &m->faults[m->faults_count];
    const char *hash = strrchr(text, '#'), *equals = hash ? strchr(hash, '=') : NULL;
    if (!equals || m->faults_count == PAWL_MOCK_FAULTS_MAX || (size_t)(hash - text) >= sizeof f->route) return false;
    snprintf(f->route, sizeof f->route, "%.*s", (int)(hash - text), text);
    f->nth = (uint32_t)strtoul(hash + 1, NULL, 10);
    for (int i = 0; whats[i]; i++)
        if (strcmp(whats[i], equals + 1) == 0) {
            snprintf(f->what, sizeof f->what, "%s", equals + 1);
            m->faults_count++;
            return true;
        }
    return false;
}

static void on_signal(uv_signal_t *s, int number)
{
    (void)number;
    uv_stop(s->loop);
}

static void usage(FILE *out)
{
    fprintf(
        out,
        "usage: pawl mock [--listen 127.0.0.1:7296] [--ledger FILE] [--fault 'ROUTE#N=WHAT']... [--rate SHARE --seed N]\n"
        "                 [--charge ORDER=AMOUNT] [--no-forget] | --show-ledger FILE\n\n"
        "A model and a shop's tools that misbehave on request. ROUTE: model, GET /orders, POST /charges, POST /refunds,\n"
        "GET /refunds, POST /mails. WHAT: ");
    for (int i = 0; whats[i]; i++) fprintf(out, "%s%s", i ? " " : "", whats[i]);
    fprintf(
        out,
        ".\n\nexample: pawl mock --ledger shop.ledger --fault 'model#1=429' --fault 'POST /refunds#1=hang_after'\n");
}

static int run(struct pawl_mock *m, const char *host, int port)
{
    const struct pawl_http_hooks hooks = {.on_request = on_request, .ctx = m, .body_bytes_max = 16 * 1024 * 1024};
    uv_signal_t interrupt, terminate;
    struct pawl_error err = {0};
    uv_loop_init(&m->loop);
    if (pawl_http_server_open(m->alloc, &m->loop, host, &port, &hooks, &m->server, &err)) {
        fprintf(stderr, "pawl: %s: %s\n  → %s\n", err.where, err.what, err.next);
        return 1;
    }
    uv_signal_init(&m->loop, &interrupt);
    uv_signal_init(&m->loop, &terminate);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    printf("pawl mock listening on http://%s:%d\n", host, port);
    fflush(stdout);
    uv_run(&m->loop, UV_RUN_DEFAULT);
    pawl_http_server_close(m->server);
    uv_close((uv_handle_t *)&interrupt, NULL);
    uv_close((uv_handle_t *)&terminate, NULL);
    while (uv_run(&m->loop, UV_RUN_DEFAULT)) {
    }
    uv_loop_close(&m->loop);
    return 0;
}

int pawl_cmd_mock(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"ledger", required_argument, NULL, 'f'},
        {"fault", required_argument, NULL, 'x'},  {"rate", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},   {"charge", required_argument, NULL, 'c'},
        {"no-forget", no_argument, NULL, 'n'},    {"show-ledger", required_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},         {0}};
    struct pawl_mock m = {.alloc = pawl_alloc_libc(),
                          .forgetful = true,
                          .charge_order = "#W0000007",
                          .charge_amount = 42,
                          .ledger_fd = -1};
    const char *ledger = NULL;
    char host[64] = "127.0.0.1";
    struct pawl_error err = {0};
    int port = 7296, o, rc;
    optind = 1;
    signal(SIGPIPE, SIG_IGN);
    while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const char *colon = o == 'l' ? strrchr(optarg, ':') : NULL, *equals = o == 'c' ? strrchr(optarg, '=') : NULL;
        switch (o) {
        case 'l':
            if (!colon || (size_t)(colon - optarg) >= sizeof host) return usage(stderr), 2;
            snprintf(host, sizeof host, "%.*s", (int)(colon - optarg), optarg);
            port = atoi(colon + 1);
            break;
        case 'f': ledger = optarg; break;
        case 'x':
            if (!add_fault(&m, optarg)) return fprintf(stderr, "pawl: no such fault: %s\n", optarg), usage(stderr), 2;
            break;
        case 'r': m.rate = atof(optarg); break;
        case 's': m.seed = strtoull(optarg, NULL, 10); break;
        case 'c':
            if (!equals || (size_t)(equals - optarg) >= sizeof m.charge_order) return usage(stderr), 2;
            snprintf(m.charge_order, sizeof m.charge_order, "%.*s", (int)(equals - optarg), optarg);
            m.charge_amount = atof(equals + 1);
            break;
        case 'n': m.forgetful = false; break;
        case 'S':
            rc = pawl_mock_show_ledger(optarg, &err);
            if (rc) fprintf(stderr, "pawl: %s: %s\n  → %s\n", err.where, err.what, err.next);
            return rc != 0;
        case 'h': return usage(stdout), 0;
        default: return usage(stderr), 2;
        }
    }
    if (pawl_sha256_ready() || pawl_mock_ledger_open(&m, ledger, &err)) {
        fprintf(stderr, "pawl: %s: %s\n  → %s\n", err.where, err.what, err.next);
        return 1;
    }
    if (!m.effects) { /* the order that was paid for */
        pawl_mock_ledger_call(&m, "POST /charges", m.charge_order);
        pawl_mock_effect(&m, "charge", m.charge_order, m.charge_amount, (struct pawl_str){"", 0},
                         (struct pawl_hash){{0}});
    }
    rc = run(&m, host, port);
    while (m.effects) {
        struct pawl_mock_effect *e = m.effects;
        m.effects = e->next;
        free(e);
    }
    return rc;
}
