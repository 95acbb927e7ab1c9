/* src/host/client.c - the same calls where another process owns the store: a line to it, its lines back. A start brings its
 * configuration and its secrets, which stay in the owner's memory (LEDGER 17). */
#include <poll.h>
#include <string.h>
#include "host/host.h"
#include "io/clock.h"

static const int64_t POLL_NS = 100000000; /* how soon an interruption is noticed */

/* The request, with configuration and secrets where it is a start. */
static int write_request(struct pawl *p, const char *request, struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_arena a;
    yyjson_val *v, *name, *value;
    struct pawl_json_writer w = {.out = out};
    size_t i, n;
    int rc;
    pawl_arena_init(&a, p->alloc);
    rc = pawl_json_read(pawl_str_of(request), &a, &v, err);
    if (rc == PAWL_OK && yyjson_is_obj(v)) {
        pawl_jw_open(&w, '{');
        yyjson_obj_foreach(v, i, n, name, value)
        {
            pawl_jw_key_str(&w, pawl_json_value_str(name));
            pawl_jw_value(&w, value);
        }
        if (pawl_str_is(pawl_json_str(v, "do"), "start") && p->config && !yyjson_obj_get(v, "config")) {
            pawl_jw_key(&w, "config");
            pawl_jw_str(&w, p->config->json);
            pawl_jw_key(&w, "secrets");
            pawl_jw_open(&w, '{');
            for (uint32_t k = 0; k < p->config->secrets_count; k++) {
                pawl_jw_key_str(&w, p->config->secrets[k].name);
                pawl_jw_str(&w, p->config->secrets[k].value);
            }
            pawl_jw_close(&w, '}');
        }
        pawl_jw_close(&w, '}');
        if (!pawl_buf_done(out).p) rc = PAWL_ENOMEM;
    } else if (rc == PAWL_OK) {
        rc = pawl_fail(err, PAWL_EINVAL, "", "docs/protocol.md", "a request is an object with do");
    }
    pawl_arena_fini(&a);
    return rc;
}

/* Is this the last line, and does it carry an error? */
static bool is_last(struct pawl *p, struct pawl_str line, struct pawl_error *err)
{
    struct pawl_arena a;
    yyjson_val *v, *e;
    bool last = false;
    pawl_arena_init(&a, p->alloc);
    if (pawl_json_read(line, &a, &v, NULL) == PAWL_OK) {
        last = pawl_json_bool(v, "last", false);
        if (last && (e = yyjson_obj_get(v, "error")) != NULL) {
            const struct pawl_str where = pawl_json_str(e, "where"), next = pawl_json_str(e, "next"),
                                  what = pawl_json_str(e, "what");
            pawl_fail(err, (int)pawl_json_i64(e, "code", PAWL_EINTERNAL), where.p ? where.p : "", next.p ? next.p : "",
                      "%.*s", (int)what.n, what.p ? what.p : "");
        }
    }
    pawl_arena_fini(&a);
    return last;
}

static int hear_all(struct pawl *p, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    const int interrupts = p->interrupts;
    for (;;) {
        struct pawl_str text;
        const int rc = pawl_control_hear(&p->line, POLL_NS, &text, err);
        if (p->interrupts != interrupts)
            return pawl_fail(err, PAWL_ECANCELLED, "", "pawl show RUN", "interrupted; the owner of the store goes on");
        if (rc == PAWL_ETIMEDOUT || rc == PAWL_EPENDING) continue;
        if (rc) return pawl_fail(err, rc, p->socket_path, "pawl resume RUN", "the owner of the store has gone");
        memset(err, 0, sizeof *err);
        const bool last = is_last(p, text, err);
        if (line && line(ctx, text.p, text.n)) return PAWL_ECANCELLED;
        if (last) return err->code;
    }
}

int pawl_client_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_buf text;
    int rc;
    pawl_buf_init(&text, p->alloc);
    rc = write_request(p, request, &text, err);
    if (rc == PAWL_OK) {
        pawl_control_disconnect(&p->line); /* a line a call: what an earlier one left unread is not ours */
        rc = pawl_control_connect(&p->line, p->alloc, p->socket_path, 2 * INT64_C(1000000000), err);
    }
    if (rc == PAWL_OK)
        rc = pawl_control_say(&p->line, (struct pawl_str){text.p, (uint32_t)text.n}, 10 * INT64_C(1000000000), err);
    if (rc == PAWL_OK) rc = hear_all(p, line, ctx, err);
    pawl_buf_fini(&text);
    return rc;
}
