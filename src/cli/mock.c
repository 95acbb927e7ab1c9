/* src/cli/mock.c - `pawl mock`: its options, and its life from the first line that it prints to the signal that ends it. */
#include "cli/mock.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
#include "io/http_client.h"

enum option_id {
    LISTEN,
    LEDGER,
    FAULT,
    RATE,
    SEED,
    FAULTS,
    SCRIPT,
    SERVICE,
    ANSWER,
    API_KEY,
    CHARGE,
    NO_FORGET,
    WEBHOOK_SECRET,
    QUIET,
    SHOW,
    OPTIONS
};
const struct cli_option pawl_mock_options[] = {
    [LISTEN] = {"listen", "HOST:PORT", "where (default: 127.0.0.1:7296; port 0: any, the first line tells which)"},
    [LEDGER] = {"ledger", "FILE", "append each call and each change to it; what it holds is remembered"},
    [FAULT] = {"fault", "ROUTE#N=WHAT", "that on the Nth call of a route; N may be N-M, N+ or *"},
    [RATE] = {"rate", "SHARE", "that share of all calls misbehaves: 0.1 or 10%"},
    [SEED] = {"seed", "N", "which calls these are, and how; the same seed gives the same (default: 1)"},
    [FAULTS] = {"faults", "LIST", "how they may misbehave, as 429,cut,hang_after"},
    [SCRIPT] = {"script", "FILE", "a pawl.yaml whose models of provider script are what the model says"},
    [SERVICE] = {"service", "NAME[:keys][:look]",
                 "POST /NAME changes something; :look is GET /NAME/ID and GET /NAME?of=ID"},
    [ANSWER] = {"answer", "METHOD /PATH=JSON", "a fixed answer to that, and to what is below the path"},
    [API_KEY] = {"api-key", "KEY", "the model answers 401 to any other"},
    [CHARGE] = {"charge", "ORDER=AMOUNT", "the order that was paid for (default: #W0000007=42)"},
    [NO_FORGET] = {"no-forget", NULL, "the model does not ask for its refund twice"},
    [WEBHOOK_SECRET] = {"webhook-secret", "SECRET",
                        "callbacks are signed with it: whsec_BASE64, as Standard Webhooks has it"},
    [QUIET] = {"quiet", NULL, "do not tell each call on stderr"},
    [SHOW] = {"show-ledger", "FILE", "print what a ledger says, and end"},
    [OPTIONS] = {NULL, NULL, NULL},
};

void pawl_mock_help(struct pawl_buf *out)
{
    pawl_buf_text(
        out,
        "\nThe model is POST /v1/chat/completions, its route is called `model`. The shop: GET /orders/ID; POST /charges and\n"
        "/refunds honour Idempotency-Key and can be looked at (GET /refunds/ORDER), /parcels can only be looked at,\n"
        "/mails neither. GET /ledger is the ledger as JSON. A route is `model` or METHOD /NAME. WHAT is one of:\n\n");
    pawl_mock_faults_help(out);
    pawl_buf_text(
        out,
        "\nBehind a status a header may follow: 429:2 is Retry-After: 2, 429:50ms Retry-After-Ms: 50, 429:date+2 a date,\n"
        "429:none none, 503:X-Should-Retry=false that one.\n");
}

static int usage(const char *what, const char *arg)
{
    fprintf(stderr, "pawl: %s%s%.200s\n→ pawl mock -h\n", what, *arg ? ": " : "", arg);
    return CLI_USAGE;
}

static int fail(const struct pawl_error *err)
{
    fprintf(stderr, "pawl: %s: %s\n", err->where, err->what);
    if (*err->next) fprintf(stderr, "→ %s\n", err->next);
    return CLI_FAILED;
}

struct setup {
    struct pawl_mock m;
    char host[64];
    int port;
    const char *ledger, *script, *show;
};

/* 127.0.0.1:7296, [::1]:0, localhost:80. */
static bool read_listen(struct setup *s, const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end;
    long port;
    if (!colon || !colon[1]) return false;
    port = strtol(colon + 1, &end, 10);
    if (*end || port < 0 || port > 65535) return false;
    if (*text == '[' && colon > text + 1 && colon[-1] == ']')
        snprintf(s->host, sizeof s->host, "%.*s", (int)(colon - text - 2), text + 1);
    else snprintf(s->host, sizeof s->host, "%.*s", (int)(colon - text), text);
    if (strcmp(s->host, "localhost") == 0) snprintf(s->host, sizeof s->host, "127.0.0.1");
    s->port = (int)port;
    return true;
}

static bool read_share(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text) return false;
    if (strcmp(end, "%") == 0) *out /= 100, end++;
    return *end == 0 && *out >= 0 && *out <= 1;
}

static bool read_charge(struct pawl_mock *m, const char *text)
{
    const char *equals = strrchr(text, '=');
    char *end;
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof m->charge_order) return false;
    snprintf(m->charge_order, sizeof m->charge_order, "%.*s", (int)(equals - text), text);
    m->charge_amount = strtod(equals + 1, &end);
    return end != equals + 1 && *end == 0 && m->charge_amount >= 0;
}

/* 0, or the exit status: it was told. */
static int option(struct setup *s, int id, const char *arg)
{
    struct pawl_mock *m = &s->m;
    const char *why = "";
    char *end;
    switch (id) {
    case LISTEN: return read_listen(s, arg) ? 0 : usage("--listen takes HOST:PORT, as 127.0.0.1:7296", arg);
    case LEDGER: s->ledger = arg; return 0;
    case FAULT:
        if (m->faults_count == PAWL_MOCK_FAULTS_MAX) return usage("there are too many faults", arg);
        if (!pawl_mock_fault_read(arg, &m->faults[m->faults_count], &why)) return usage(why, arg);
        m->faults_count++;
        return 0;
    case RATE: return read_share(arg, &m->chance.share) ? 0 : usage("--rate takes 0.1 or 10%", arg);
    case SEED:
        m->chance.seed = strtoull(arg, &end, 10);
        return *arg >= '0' && *arg <= '9' && !*end ? 0 : usage("--seed takes a number", arg);
    case FAULTS: return pawl_mock_chance_only(&m->chance, arg) ? 0 : usage("--faults names one that is not there", arg);
    case SCRIPT: s->script = arg; return 0;
    case SERVICE: return pawl_mock_service_read(m, arg, &why) ? 0 : usage(why, arg);
    case ANSWER: return pawl_mock_answer_read(m, arg, &why) ? 0 : usage(why, arg);
    case API_KEY: m->api_key = arg; return 0;
    case CHARGE: return read_charge(m, arg) ? 0 : usage("--charge takes ORDER=AMOUNT", arg);
    case NO_FORGET: m->forgetful = false; return 0;
    case WEBHOOK_SECRET: m->webhook_secret = arg; return 0;
    case QUIET: m->quiet = true; return 0;
    case SHOW: s->show = arg; return 0;
    default: return CLI_USAGE;
    }
}

static int read_options(struct setup *s, int argc, char **argv)
{
    struct option longs[OPTIONS + 1] = {0};
    int got, status;
    for (int i = 0; i < OPTIONS; i++)
        longs[i] = (struct option){pawl_mock_options[i].name,
                                   pawl_mock_options[i].value ? required_argument : no_argument, NULL, i + 256};
    opterr = 0;
    optind = 1;
    while ((got = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
        if (got == ':') return usage("this option needs a value", argv[optind - 1]);
        if (got < 256) return usage("pawl mock has no such option", argv[optind - 1]);
        if ((status = option(s, got - 256, optarg)) != 0) return status;
    }
    return optind < argc ? usage("pawl mock takes options only", argv[optind]) : 0;
}

/* A fault on a route that is not there, or that cannot meet it, would never be seen. */
static int check_faults(const struct pawl_mock *m)
{
    for (uint32_t i = 0; i < m->faults_count; i++) {
        const struct pawl_mock_fault *f = &m->faults[i];
        char route[64];
        int where = strcmp(f->route, "model") == 0 ? MOCK_MODEL : strcmp(f->route, "GET /orders") == 0 ? MOCK_READ : 0;
        for (uint32_t k = 0; k < m->services_count && !where; k++) {
            snprintf(route, sizeof route, "POST /%s", m->services[k].name);
            if (strcmp(route, f->route) == 0) where = MOCK_CHANGE;
            snprintf(route, sizeof route, "GET /%s", m->services[k].name);
            if (strcmp(route, f->route) == 0 && m->services[k].look) where = MOCK_READ;
        }
        for (uint32_t k = 0; k < m->answers_count; k++) {
            snprintf(route, sizeof route, "%s %.50s", m->answers[k].method, m->answers[k].path);
            if (strcmp(route, f->route) == 0) where = MOCK_READ;
        }
        if (!where) return usage("there is no such route", f->route);
        if (!pawl_mock_fits(&f->what, (enum pawl_mock_where)where))
            return fprintf(stderr, "pawl: %s cannot meet %s\n→ pawl mock -h\n", f->route, f->what.word), CLI_USAGE;
    }
    return 0;
}

static void on_signal(uv_signal_t *s, int number)
{
    (void)number;
    uv_stop(s->loop);
}

static int serve(struct setup *s)
{
    struct pawl_mock *m = &s->m;
    const struct pawl_http_hooks hooks = pawl_mock_hooks(m);
    const bool six = strchr(s->host, ':') != NULL;
    uv_signal_t signals[2];
    struct pawl_error err = {0};
    int rc;
    if (uv_loop_init(&m->loop)) return usage("the system gives no event loop", "");
    m->began_ns = cli_wall_ns();
    if (pawl_http_client_new(m->alloc, &m->loop, NULL, &m->client, &err)) return fail(&err);
    rc = pawl_http_server_open(m->alloc, &m->loop, s->host, &s->port, &hooks, &m->server, &err);
    if (!rc) {
        for (int i = 0; i < 2; i++) {
            uv_signal_init(&m->loop, &signals[i]);
            uv_signal_start(&signals[i], on_signal, i ? SIGTERM : SIGINT);
        }
        printf("pawl mock listening on http://%s%s%s:%d\n", six ? "[" : "", s->host, six ? "]" : "", s->port);
        if (m->chance.share > 0)
            printf("%g %% of the calls misbehave, seed %llu\n", m->chance.share * 100,
                   (unsigned long long)m->chance.seed);
        fflush(stdout);
        uv_run(&m->loop, UV_RUN_DEFAULT);
        pawl_mock_calls_end(m);
        pawl_mock_ops_end(m);
        pawl_http_server_close(m->server);
        for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&signals[i], NULL);
    } else pawl_mock_ops_end(m);
    while (uv_run(&m->loop, UV_RUN_DEFAULT)) continue;
    uv_loop_close(&m->loop);
    return rc ? fail(&err) : CLI_DONE;
}

/* The order that was paid for, before anybody asks. */
static int pay(struct pawl_mock *m)
{
    const struct pawl_mock_entry call = {.route = "POST /charges",
                                         .of = m->charge_order,
                                         .fault = "",
                                         .conversation = ""};
    struct pawl_buf answer;
    struct pawl_json_writer w = {.out = &answer};
    bool ok;
    pawl_buf_init(&answer, m->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "charge_id");
    pawl_jw_text(&w, "charge_1");
    pawl_jw_key(&w, "order_id");
    pawl_jw_text(&w, m->charge_order);
    pawl_jw_key(&w, "amount");
    pawl_buf_printf(&answer, "%.2f}", m->charge_amount);
    ok = pawl_mock_ledger_call(m, &call) == PAWL_OK;
    ok = ok && pawl_mock_effect(m, "charge", m->charge_order, (struct pawl_str){NULL, 0}, (struct pawl_hash){{0}},
                                "charge_1", pawl_buf_done(&answer));
    pawl_buf_fini(&answer);
    return ok ? 0 : usage("the ledger cannot be written", "");
}

int pawl_cmd_mock(int argc, char **argv)
{
    struct setup s = {.m = {.alloc = pawl_alloc_libc(),
                            .forgetful = true,
                            .charge_order = "#W0000007",
                            .charge_amount = 42,
                            .chance = {.seed = 1}},
                      .host = "127.0.0.1",
                      .port = 7296};
    struct pawl_error err = {0};
    int status;
    signal(SIGPIPE, SIG_IGN);
    pawl_mock_services_init(&s.m);
    if ((status = read_options(&s, argc, argv)) != 0 || (status = check_faults(&s.m)) != 0) return status;
    if (s.show) return pawl_mock_ledger_show(s.show, &err) ? fail(&err) : CLI_DONE;
    if (s.script && pawl_mock_script_read(&s.m, s.script)) return CLI_USAGE;
    if (pawl_mock_ledger_open(&s.m, s.ledger, &err)) status = fail(&err);
    else if (!s.m.effects && pay(&s.m)) status = CLI_FAILED;
    else status = serve(&s);
    pawl_mock_ledger_close(&s.m);
    pawl_config_free(s.m.script, s.m.alloc);
    return status;
}
