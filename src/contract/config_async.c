/* src/contract/config_async.c - async: a tool that may answer 202 and end its call later.
 *
 *   async:
 *     deadline: 10m                                    from the 202 on; then it is in doubt
 *     poll: {first: 1s, max: 30s, hosts: [h:8443]}     or none. The monitor that the 202 names is asked
 *     cancel: true                                     at the deadline the monitor is told to stop it: DELETE; or
 *                                                      {method: POST, suffix: ":cancel"}
 *     callback: {header: X-Callback-Url, secret: ...}  or {field: callback_url}: where the request says whom to call back
 *     done, failed: SCHEMA                             of what is said; without them the usual forms count
 *     result: /result                                  where in it the result is */
#include "contract/config_read.h"

static const int64_t second = 1000000000;

static const struct pawl_str *read_hosts(struct pawl_reader *r, const struct pawl_yaml *poll, uint32_t *count)
{
    const struct pawl_yaml *list = pawl_reader_list(r, poll, "hosts");
    struct pawl_str *hosts = list ? pawl_arena_zeroed(r->arena, (list->count + 1) * sizeof *hosts) : NULL;
    for (uint32_t i = 0; hosts && i < list->count; i++) {
        const struct pawl_yaml *v = list->items[i];
        struct pawl_str host;
        bool plain = true;
        if (!pawl_reader_target(r, v, "hosts", false, &host)) continue;
        for (uint32_t k = 0; k < host.n; k++) plain = plain && host.p[k] > ' ' && host.p[k] < 0x7f && host.p[k] != '/';
        if (!host.n || !plain)
            pawl_reader_expected(r, v, "hosts", "a host, as ops.example.com or ops.example.com:8443");
        else hosts[(*count)++] = host;
    }
    return hosts;
}

static void read_poll(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_async *a)
{
    static const char *const known[] = {"first", "max", "hosts", NULL};
    const struct pawl_yaml *poll = pawl_reader_get(v, "poll");
    a->polls = true;
    a->first_ns = second;
    a->max_ns = 30 * second;
    if (!poll) return;
    if (poll->kind == PAWL_YAML_TEXT && pawl_str_is(poll->text, "none")) {
        a->polls = false;
        return;
    }
    if (poll->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, poll, "poll", "none, or a mapping such as {first: 1s, max: 30s}");
        return;
    }
    pawl_reader_keys(r, poll, known, NULL);
    pawl_reader_duration(r, poll, "first", 1000000, &a->first_ns);
    if (!pawl_reader_duration(r, poll, "max", 1000000, &a->max_ns) && a->max_ns < a->first_ns) a->max_ns = a->first_ns;
    if (a->max_ns < a->first_ns)
        pawl_fault(r->faults, poll->line, poll->column, "make max the longer one", "poll: max is shorter than first");
    a->hosts = read_hosts(r, poll, &a->hosts_count);
}

static void read_cancel(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_async *a)
{
    static const char *const known[] = {"method", "suffix", NULL}, *const methods[] = {"DELETE", "POST", "PUT", NULL};
    const struct pawl_yaml *cancel = pawl_reader_get(v, "cancel");
    int method = 0;
    bool on = false;
    if (!cancel) return;
    if (cancel->kind == PAWL_YAML_BOOL) {
        pawl_reader_flag(r, v, "cancel", &on);
        if (on) a->cancel = PAWL_STR("DELETE");
        return;
    }
    if (cancel->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, cancel, "cancel", "true, or a mapping such as {method: POST, suffix: \":cancel\"}");
        return;
    }
    pawl_reader_keys(r, cancel, known, NULL);
    pawl_reader_choice(r, cancel, "method", methods, &method);
    a->cancel = pawl_str_of(methods[method]);
    if (!pawl_reader_text(r, cancel, "suffix", &a->cancel_suffix)) return;
    bool plain = a->cancel_suffix.n <= 128;
    for (uint32_t i = 0; plain && i < a->cancel_suffix.n; i++)
        plain = a->cancel_suffix.p[i] > ' ' && a->cancel_suffix.p[i] < 0x7f && a->cancel_suffix.p[i] != '#';
    if (!plain || (a->cancel_suffix.n && a->cancel_suffix.p[0] != '/' && a->cancel_suffix.p[0] != ':'))
        pawl_reader_expected(r, pawl_reader_get(cancel, "suffix"), "suffix",
                             "what stands behind the monitor's URL, as /cancel or :cancel");
}

static bool takes_body(struct pawl_str method)
{
    return pawl_str_is(method, "POST") || pawl_str_is(method, "PUT") || pawl_str_is(method, "PATCH");
}

/* Nobody else may fill in what pawl does. */
static void check_free(struct pawl_reader *r, const struct pawl_yaml *callback, const struct pawl_yaml *tool,
                       const struct pawl_tool *t)
{
    const struct pawl_async *a = &t->async;
    const struct pawl_yaml *header = pawl_reader_get(callback, "header"), *field = pawl_reader_get(callback, "field");
    for (uint32_t i = 0; a->header.p && i < t->headers_count; i++)
        if (pawl_same_header(t->headers[i].name, a->header))
            pawl_fault(r->faults, header->line, header->column, "leave it out there",
                       "callback: the header '%.*s' is given by headers, too", (int)a->header.n, a->header.p);
    if (a->header.p && pawl_same_header(a->header, t->key_header))
        pawl_fault(r->faults, header->line, header->column, "name another header",
                   "callback: the header '%.*s' carries the idempotency key", (int)a->header.n, a->header.p);
    const struct pawl_yaml *properties = pawl_reader_properties(tool);
    if (a->field.p && properties && pawl_yaml_member(properties, a->field.p))
        pawl_fault(r->faults, field->line, field->column, "name another member",
                   "callback: '%.*s' is an argument of the tool", (int)a->field.n, a->field.p);
    if (a->field.p && t->method.p && !takes_body(t->method))
        pawl_fault(r->faults, field->line, field->column, "name a header", "callback: %.*s has no body to put it in",
                   (int)t->method.n, t->method.p);
}

static void read_callback(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_yaml *tool,
                          struct pawl_tool *t)
{
    static const char *const known[] = {"header", "field", "secret", NULL};
    const struct pawl_yaml *callback = pawl_reader_map(r, v, "callback"), *header, *field;
    struct pawl_async *a = &t->async;
    if (!callback) return;
    pawl_reader_keys(r, callback, known, NULL);
    header = pawl_reader_get(callback, "header");
    field = pawl_reader_get(callback, "field");
    if (pawl_reader_text(r, callback, "header", &a->header) && !pawl_is_header_name(a->header)) {
        pawl_reader_expected(r, header, "header", "the name of a header, as X-Callback-Url");
        a->header = (struct pawl_str){NULL, 0};
    }
    if (pawl_reader_text(r, callback, "field", &a->field) && !a->field.n)
        pawl_reader_expected(r, field, "field", "the name of a member of the request's body, as callback_url");
    pawl_reader_signing(r, callback, &a->secret);
    if (!header == !field)
        pawl_fault(r->faults, callback->line, callback->column, "write callback: {header: X-Callback-Url}",
                   header ? "callback: header and field are two places, say one"
                          : "callback: it says neither a header nor a field that tells the tool whom to call back");
    check_free(r, callback, tool, t);
    if (!r->config->serve.secret.p)
        pawl_fault(r->faults, callback->line, callback->column,
                   "write serve: {secret: \"${env:PAWL_SERVE_SECRET}\"}, any long random text",
                   "callback: serve has no secret to make the tokens of callbacks with");
}

void pawl_read_async(struct pawl_reader *r, const struct pawl_yaml *tool, struct pawl_tool *t)
{
    static const char *const known[] = {"deadline", "poll", "cancel", "callback", "done", "failed", "result", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, tool, "async"), *result;
    struct pawl_async *a = &t->async;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    if (t->driver != PAWL_DRIVER_HTTP) {
        pawl_fault(r->faults, v->line, v->column, "leave it out", "async: only http tools answer 202");
        return;
    }
    a->on = true;
    a->deadline_ns = 600 * second;
    pawl_reader_duration(r, v, "deadline", 1000000, &a->deadline_ns);
    read_poll(r, v, a);
    read_cancel(r, v, a);
    read_callback(r, v, tool, t);
    pawl_reader_schema(r, v, "done", 0, &a->done, NULL);
    pawl_reader_schema(r, v, "failed", 0, &a->failed, NULL);
    result = pawl_reader_get(v, "result");
    if (pawl_reader_text(r, v, "result", &a->result) && pawl_pointer_fault(a->result))
        pawl_reader_expected(r, result, "result", "a JSON pointer into what the monitor says, as in /result");
    if (!a->polls && !pawl_async_calls_back(a))
        pawl_fault(r->faults, v->line, v->column, "say callback, or leave poll: none out",
                   "async: nothing would ever tell how a call ended");
}
