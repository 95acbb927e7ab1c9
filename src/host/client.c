/* src/host/client.c - the same calls where another process owns the store: a line to it, its lines back. A start brings its
 * configuration and its secrets, which stay in the owner's memory (LEDGER 17).
 *
 * Where the owner ends in the middle, whoever of its clients gets the lock owns the store from then on and goes on with
 * the call itself; the others find their new owner. A request says its id again, so that it is done once; a follower goes
 * on behind the last record that it saw. */
#include <poll.h>
#include <string.h>
#include "host/host.h"
#include "io/clock.h"

static const int64_t MS_NS = 1000000;
enum {
    LOOK_MS = 100,         /* how soon an interruption is noticed */
    JOIN_MS = 2000,        /* LEDGER 17: how long an owner may be without a socket */
    LOST_MS = 10000,       /* how long we look for another owner once ours was lost: it may have steps to finish */
    READER_WAITS_MS = 500, /* who only reads leaves the lock to those who work */
    ANSWER_MS = 30000      /* an owner that has not answered a plain request by then is stopped, or stuck */
};

struct asked { /* a request under way */
    const char *text;
    pawl_line_fn *line;
    void *ctx;
    yyjson_val *request;
    struct pawl_arena arena;
    char id[PAWL_ID_TEXT];
    bool bounded; /* it is answered at once, unless the owner is stuck */
    int64_t seen; /* follow: the last record; 0: none yet */
    bool lost, stopped;
};

static bool is_one_of(struct pawl_str word, const char *const *words)
{
    for (; *words; words++)
        if (pawl_str_is(word, *words)) return true;
    return false;
}

static int begin(struct asked *q, struct pawl *p, struct pawl_error *err)
{
    static const char *const changes[] = {"send", "approve", "deny", "resolve", "cancel", "breaker", "callback", NULL},
                             *const unbounded[] = {"follow", "resume", "verify", "sql", NULL};
    int rc = pawl_json_read(pawl_str_of(q->text), &q->arena, &q->request, err);
    const struct pawl_str what = rc ? (struct pawl_str){NULL, 0} : pawl_json_str(q->request, "do");
    const bool start = pawl_str_is(what, "start");
    if (rc) return rc;
    if (!what.p) return pawl_fail(err, PAWL_EINVAL, "", "docs/protocol.md", "a request is an object with do");
    if (p->only_read && (start || is_one_of(what, changes) || pawl_str_is(what, "resume")))
        return pawl_fail(err, PAWL_EREADONLY, "", "open it without only_read", "this handle only reads");
    if (start && !p->config && p->config_error.code) {
        *err = p->config_error;
        return err->code;
    }
    q->bounded = !is_one_of(what, unbounded);
    if ((start || is_one_of(what, changes)) && !yyjson_obj_get(q->request, "id"))
        pawl_id_text(pawl_host_new_id(p), q->id);
    return PAWL_OK;
}

static void write_start(struct pawl *p, struct pawl_json_writer *w)
{
    pawl_jw_key(w, "config");
    pawl_jw_str(w, p->config->json);
    pawl_jw_key(w, "secrets");
    pawl_jw_open(w, '{');
    for (uint32_t k = 0; k < p->config->secrets_count; k++) {
        pawl_jw_key_str(w, p->config->secrets[k].name);
        pawl_jw_str(w, p->config->secrets[k].value);
    }
    pawl_jw_close(w, '}');
}

/* The request: with an id, with configuration and secrets where it is a start, from behind the last record seen. */
static int write_request(const struct asked *q, struct pawl *p, bool to_another, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    yyjson_val *name, *value;
    size_t i, n;
    out->n = 0;
    pawl_jw_open(&w, '{');
    yyjson_obj_foreach(q->request, i, n, name, value)
    {
        if (q->seen && yyjson_equals_str(name, "from")) continue;
        pawl_jw_key_str(&w, pawl_json_value_str(name));
        pawl_jw_value(&w, value);
    }
    if (q->seen) pawl_jw_key(&w, "from"), pawl_jw_i64(&w, q->seen + 1);
    if (q->id[0]) pawl_jw_key(&w, "id"), pawl_jw_text(&w, q->id);
    if (to_another && pawl_str_is(pawl_json_str(q->request, "do"), "start") && p->config &&
        !yyjson_obj_get(q->request, "config"))
        write_start(p, &w);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(out).p ? PAWL_OK : PAWL_ENOMEM;
}

/* The last line ends the call; it may carry an error. */
static bool is_last(struct asked *q, struct pawl *p, struct pawl_str line, struct pawl_error *err)
{
    struct pawl_arena a;
    yyjson_val *v;
    bool last = false;
    pawl_arena_init(&a, p->alloc);
    if (pawl_json_read(line, &a, &v, NULL) == PAWL_OK) {
        yyjson_val *e = yyjson_obj_get(v, "error"), *record = yyjson_obj_get(v, "record");
        last = pawl_json_bool(v, "last", false);
        if (record) q->seen = pawl_json_i64(record, "seq", q->seen);
        if (last && e) {
            const struct pawl_str where = pawl_json_str(e, "where"), next = pawl_json_str(e, "next"),
                                  what = pawl_json_str(e, "what");
            pawl_fail(err, (int)pawl_json_i64(e, "code", PAWL_EINTERNAL), where.p ? where.p : "", next.p ? next.p : "",
                      "%.*s", (int)what.n, what.p ? what.p : "");
        }
    }
    pawl_arena_fini(&a);
    return last;
}

/* What ends a wait for the owner; PAWL_OK: nothing does. */
static int must_end(struct asked *q, struct pawl *p, int64_t answer_by_ns, struct pawl_error *err)
{
    const int64_t now_ns = pawl_clock_mono_ns();
    if (pawl_host_interrupted(p)) {
        p->interrupts_seen = p->interrupts;
        return pawl_fail(err, PAWL_ECANCELLED, "", "pawl follow RUN", "interrupted; the owner of the store goes on");
    }
    if (now_ns >= p->until_ns)
        return pawl_fail(err, PAWL_ETIMEDOUT, "", "ask again, or wait longer", "the time is over; the run goes on");
    if (q->bounded && now_ns >= answer_by_ns)
        return pawl_fail(err, PAWL_ETIMEDOUT, p->store_path, "look what holds it up, or end it: nothing is lost",
                         "the process that owns the store has not answered for %d s", ANSWER_MS / 1000);
    return PAWL_OK;
}

static int hear_all(struct asked *q, struct pawl *p, struct pawl_error *err)
{
    const int64_t answer_by_ns = pawl_clock_mono_ns() + ANSWER_MS * MS_NS;
    for (;;) {
        struct pawl_str text;
        int64_t wait_ns = LOOK_MS * MS_NS;
        int rc = must_end(q, p, answer_by_ns, err);
        if (rc) return rc;
        if (p->until_ns - pawl_clock_mono_ns() < wait_ns) wait_ns = p->until_ns - pawl_clock_mono_ns() + MS_NS;
        rc = pawl_control_hear(&p->line, wait_ns > 0 ? wait_ns : 0, &text, err);
        if (rc == PAWL_ETIMEDOUT || rc == PAWL_EPENDING) continue;
        q->lost = rc == PAWL_EIO;
        if (rc) return rc;
        memset(err, 0, sizeof *err);
        const bool last = is_last(q, p, text, err);
        q->lost = last && err->code == PAWL_EBUSY; /* it hands over: the next owner will do it */
        if (q->lost) return err->code;
        if (q->line && q->line(q->ctx, text.p, text.n)) {
            q->stopped = true;
            return PAWL_ECANCELLED;
        }
        if (last) return err->code;
    }
}

/* Who only reads lets those who work have the lock first. */
static int find_owner(struct pawl *p, bool again, struct pawl_error *err)
{
    struct pawl_error none;
    int64_t wait_ns = (again ? LOST_MS : JOIN_MS) * MS_NS;
    const int64_t left_ns = p->until_ns - pawl_clock_mono_ns();
    pawl_control_disconnect(&p->line);
    if (again && p->only_read &&
        pawl_control_connect(&p->line, p->alloc, p->socket_path, READER_WAITS_MS * MS_NS, &none) == PAWL_OK)
        return PAWL_OK;
    if (left_ns < wait_ns) wait_ns = left_ns > 0 ? left_ns : 0;
    return pawl_host_join(p, wait_ns, err);
}

static int ask_once(struct asked *q, struct pawl *p, bool again, struct pawl_error *err)
{
    struct pawl_buf text;
    int rc = find_owner(p, again, err);
    if (rc) return rc;
    pawl_buf_init(&text, p->alloc);
    rc = write_request(q, p, !p->owns, &text);
    memset(err, 0, sizeof *err);
    if (rc) pawl_fail(err, rc, "", "", "no memory for the request");
    else if (p->owns) rc = pawl_owner_call(p, text.p, q->line, q->ctx, err);
    else {
        rc = pawl_control_say(&p->line, (struct pawl_str){text.p, (uint32_t)text.n}, 10000 * MS_NS, err);
        q->lost = rc == PAWL_EIO;
        if (rc == PAWL_OK) rc = hear_all(q, p, err);
        pawl_control_disconnect(&p->line); /* a line a call: what is left unread is not the next one's */
    }
    pawl_buf_fini(&text);
    return rc;
}

int pawl_client_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct asked q = {.text = request, .line = line, .ctx = ctx};
    int64_t look_until_ns = 0;
    int rc;
    pawl_arena_init(&q.arena, p->alloc);
    rc = begin(&q, p, err);
    while (rc == PAWL_OK) {
        const bool again = q.lost;
        q.lost = false;
        rc = ask_once(&q, p, again, err);
        if (!q.lost || p->owns) break;
        if (rc != PAWL_EBUSY) look_until_ns = 0; /* it ended: a new search */
        if (!look_until_ns) look_until_ns = pawl_clock_mono_ns() + LOST_MS * MS_NS;
        else if (pawl_clock_mono_ns() >= look_until_ns) break;
        if (rc == PAWL_EBUSY) poll(NULL, 0, LOOK_MS);
        rc = must_end(&q, p, INT64_MAX, err);
    }
    if (p->only_read && p->owns) pawl_host_disown(p);
    pawl_arena_fini(&q.arena);
    return rc;
}

/* Nothing to drive, but the owner may end, and then there is. */
int pawl_client_turn(struct pawl *p, int64_t until_ns, struct pawl_error *err)
{
    int rc = PAWL_OK;
    while (rc == PAWL_OK && !p->owns) {
        const int64_t left_ns = until_ns - pawl_clock_mono_ns();
        const int64_t wait_ns = left_ns < LOOK_MS * MS_NS ? left_ns : LOOK_MS * MS_NS;
        struct pawl_str text;
        if (pawl_host_interrupted(p)) {
            p->interrupts_seen = p->interrupts;
            return pawl_fail(err, PAWL_ECANCELLED, "", "", "interrupted; the owner of the store goes on");
        }
        if (p->only_read) {
            poll(NULL, 0, (int)(wait_ns / MS_NS) + (wait_ns > 0));
        } else if (p->line.fd_plus_1 == 0) {
            rc = pawl_host_join(p, 0, err);
            if (rc == PAWL_EBUSY && wait_ns > 0) poll(NULL, 0, (int)(wait_ns / MS_NS) + 1);
            if (rc == PAWL_EBUSY) rc = PAWL_OK;
        } else if (pawl_control_hear(&p->line, wait_ns > 0 ? wait_ns : 0, &text, err) == PAWL_EIO) {
            pawl_control_disconnect(&p->line);
            continue;
        }
        if (left_ns <= 0) break;
    }
    if (rc == PAWL_OK) memset(err, 0, sizeof *err);
    return rc;
}
