/* src/host/door.c - requests in, lines out: the same for pawl_call of this process and for clients of the socket. What
 * changes a run goes to the engine; what only looks goes to read.c. */
#include "contract/config_read.h"
#include "host/host.h"
#include <stdio.h>
#include <string.h>

static struct pawl_door **place_of(struct pawl *p, uint64_t id)
{
    return &p->doors_by_id[id % PAWL_DOOR_PLACES];
}

static struct pawl_door *find_door(struct pawl *p, uint64_t id)
{
    struct pawl_door *d = *place_of(p, id);
    while (d && d->id != id) d = d->next_of_place;
    return d;
}

/* Whoever waits for it in the loop must look before the loop blocks again. */
static void is_done(struct pawl_door *d)
{
    d->done = true;
    uv_stop(&d->p->loop);
}

/* An answer that no line can carry is an error that one can. */
static void too_long(const struct pawl_door *d, uint32_t bytes)
{
    struct pawl_buf b;
    pawl_buf_init(&b, d->p->alloc);
    pawl_buf_printf(&b,
                    "{\"last\":true,\"error\":{\"code\":%d,\"name\":\"limit\",\"where\":\"\",\"what\":\"the answer has "
                    "%u bytes, a line to another process takes %d\",\"next\":\"ask again when no other process owns "
                    "the store\"}}",
                    PAWL_ELIMIT, bytes, PAWL_CONTROL_LINE_MAX);
    if (pawl_buf_done(&b).p) pawl_control_send(d->p->control, d->client, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}

void pawl_door_line(struct pawl_door *d, struct pawl_str json)
{
    if (d->done || !json.p) return;
    if (d->client) {
        const int rc = pawl_control_send(d->p->control, d->client, json);
        if (rc) is_done(d);
        if (rc == PAWL_ELIMIT) too_long(d, json.n);
    } else if (d->line && d->line(d->ctx, json.p, json.n)) {
        is_done(d);
        d->err.code = PAWL_ECANCELLED;
    }
}

void pawl_door_end(struct pawl_door *d, struct pawl_str json_members)
{
    struct pawl_buf b;
    pawl_buf_init(&b, d->p->alloc);
    pawl_buf_char(&b, '{');
    pawl_buf_str(&b, json_members);
    pawl_buf_text(&b, json_members.n ? ",\"last\":true}" : "\"last\":true}");
    pawl_door_line(d, pawl_buf_done(&b));
    pawl_buf_fini(&b);
    is_done(d);
}

void pawl_door_fail(struct pawl_door *d, const struct pawl_error *err)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init(&b, d->p->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "last");
    pawl_jw_bool(&w, true);
    pawl_jw_put_error(&w, "error", err->code, err);
    pawl_jw_close(&w, '}');
    pawl_door_line(d, pawl_buf_done(&b));
    pawl_buf_fini(&b);
    if (!d->err.code) d->err = *err;
    is_done(d);
}

static void refuse(struct pawl_door *d, int code, const char *what, const char *next)
{
    struct pawl_error err = {0};
    pawl_fail(&err, code, "", next, "%s", what);
    pawl_door_fail(d, &err);
}

void pawl_door_answer(struct pawl *p, uint64_t id, const struct pawl_answer *answer)
{
    struct pawl_door *d = find_door(p, id);
    if (!d || d->done) return;
    if (d->resumes_all) { /* one of many */
        d->resumed += answer->error.code == 0;
        return;
    }
    if (answer->error.code) pawl_door_fail(d, &answer->error);
    else if (answer->body.n >= 2) pawl_door_end(d, (struct pawl_str){answer->body.p + 1, answer->body.n - 2});
}

static struct pawl_str text_of(struct pawl_door *d, const char *name)
{
    return pawl_json_str(d->request, name);
}

static struct pawl_str json_of(struct pawl_door *d, const char *name)
{
    yyjson_val *v = yyjson_obj_get(d->request, name);
    struct pawl_buf b;
    if (!v) return (struct pawl_str){NULL, 0};
    pawl_buf_init_arena(&b, &d->arena);
    pawl_json_write(v, &b);
    return pawl_buf_done(&b);
}

/* The configuration that a start brings with it, else ours. NULL: refused. */
static const struct pawl_config *config_of(struct pawl_door *d)
{
    struct pawl *p = d->p;
    const struct pawl_str text = text_of(d, "config");
    const struct pawl_config *c = NULL;
    if (!text.p && p->config) return p->config;
    if (!text.p && p->config_error.code) {
        pawl_door_fail(d, &p->config_error);
        return NULL;
    }
    if (!text.p) {
        refuse(d, PAWL_ENOTFOUND, "there is no configuration here", "pawl init makes a pawl.yaml");
        return NULL;
    }
    if (pawl_registry_load(&p->registry, text, pawl_sha256(text.p, text.n), yyjson_obj_get(d->request, "secrets"),
                           &c) == PAWL_OK)
        return c;
    refuse(d, PAWL_ECONFIG, "the configuration cannot be used by the owner of the store", "pawl check");
    return NULL;
}

static void no_agent(struct pawl_door *d, const struct pawl_config *c, struct pawl_str name)
{
    struct pawl_near near = {.name = name};
    struct pawl_error err = {0};
    struct pawl_buf there;
    pawl_buf_init_arena(&there, &d->arena);
    for (uint32_t i = 0; i < c->agents_count; i++) {
        pawl_near_try(&near, c->agents[i].name);
        if (i < 8) pawl_buf_printf(&there, "%s%.*s", i ? ", " : "", (int)c->agents[i].name.n, c->agents[i].name.p);
    }
    if (c->agents_count > 8) pawl_buf_text(&there, ", ...");
    pawl_fail(&err, PAWL_ENOTFOUND, "agents", "", "there is no agent %.*s", (int)(name.n < 64 ? name.n : 64), name.p);
    if (near.best.p) snprintf(err.next, sizeof err.next, "did you mean %.*s?", (int)near.best.n, near.best.p);
    else if (pawl_buf_done(&there).p) snprintf(err.next, sizeof err.next, "there are: %s", there.p);
    pawl_door_fail(d, &err);
}

static void start(struct pawl_door *d)
{
    const struct pawl_config *c = config_of(d);
    struct pawl_request r = {.what = PAWL_ASK_START,
                             .id = text_of(d, "id"),
                             .agent = text_of(d, "agent"),
                             .key = text_of(d, "key"),
                             .input = json_of(d, "input"),
                             .config = c,
                             .chat = pawl_json_bool(d->request, "chat", false),
                             .begins_ns = pawl_json_i64(d->request, "begins_ns", 0),
                             .by = text_of(d, "by")};
    if (!c) return;
    if (!r.agent.p || !r.input.p) {
        refuse(d, PAWL_EINVAL, "a start needs an agent and an input", "pawl run AGENT INPUT");
        return;
    }
    if (!pawl_config_agent(c, r.agent)) {
        no_agent(d, c, r.agent);
        return;
    }
    r.run = pawl_host_new_id(d->p);
    pawl_host_request(d->p, d, &r);
}

/* Everything but a start names a run, which is known by now. */
static void say(struct pawl_door *d, enum pawl_ask what)
{
    static const char *const words[] = {"happened", "not_happened", "stop"};
    const struct pawl_str digest = text_of(d, "digest"), how = text_of(d, "how");
    const bool signal = what == PAWL_ASK_SIGNAL;
    struct pawl_request r = {.what = what,
                             .id = text_of(d, "id"),
                             .run = d->run,
                             .step = (uint32_t)pawl_json_i64(d->request,
                                                             what == PAWL_ASK_RETRY  ? "from"
                                                             : what == PAWL_ASK_UNDO ? "to"
                                                                                     : "step",
                                                             0),
                             .text = text_of(d, what == PAWL_ASK_SEND ? "text" : "reason"),
                             .by = text_of(d, "by"),
                             .end = pawl_json_bool(d->request, what == PAWL_ASK_ANSWER ? "take_over" : "end", false),
                             .say = text_of(d, "say"),
                             .result = json_of(d, signal ? "payload" : "result"),
                             .with = json_of(d, what == PAWL_ASK_APPROVE ? "edit" : "with")};
    if (digest.p) {
        r.has_digest = pawl_unhex(r.digest.b, sizeof r.digest.b, digest);
        if (!r.has_digest) {
            refuse(d, PAWL_EINVAL, "a digest is 64 hexadecimal digits", "pawl show RUN");
            return;
        }
    }
    if (signal) {
        r.agent = text_of(d, "name");
        r.key = text_of(d, "key");
        if (!r.result.p) r.result = PAWL_STR("null");
        if (!r.agent.p) {
            refuse(d, PAWL_EINVAL, "a signal needs a name", "pawl signal RUN NAME [JSON]");
            return;
        }
    }
    if (what == PAWL_ASK_SEND && !r.text.p && !r.end) {
        refuse(d, PAWL_EINVAL, "a message needs a text", "pawl send RUN TEXT");
        return;
    }
    if (what == PAWL_ASK_RESOLVE) {
        int i = 0;
        while (i < 3 && !pawl_str_is(how, words[i])) i++;
        if (i == 3) {
            refuse(d, PAWL_EINVAL, "how is happened, not_happened or stop", "pawl resolve -h");
            return;
        }
        r.how = (enum pawl_how)i;
    }
    if (d->p->only_read) refuse(d, PAWL_EREADONLY, "this handle only reads", "open it without only_read");
    else pawl_host_request(d->p, d, &r);
}

/* Whoever sends it says it again until it is answered: what makes it the same one is its webhook-id, else its words. */
static void callback(struct pawl_door *d)
{
    const struct pawl_str body = text_of(d, "body"), webhook = text_of(d, "webhook_id");
    struct pawl_request r = {.what = PAWL_ASK_CALLBACK,
                             .run = d->run,
                             .step = (uint32_t)pawl_json_i64(d->request, "step", 0),
                             .token = text_of(d, "token"),
                             .body = body,
                             .webhook_id = webhook,
                             .webhook_timestamp = text_of(d, "webhook_timestamp"),
                             .webhook_signature = text_of(d, "webhook_signature")};
    struct pawl_hash h;
    struct pawl_buf b;
    char hex[65];
    if (!body.p || !r.token.p || !r.step || webhook.n > 256) {
        refuse(d, PAWL_EINVAL, "a callback needs a step, a token and a body", "docs/async.md");
        return;
    }
    h = pawl_sha256(body.p, body.n);
    pawl_hex(hex, h.b, 16);
    pawl_buf_init_arena(&b, &d->arena);
    pawl_buf_printf(&b, "callback %u ", r.step);
    pawl_buf_str(&b, webhook.n ? webhook : pawl_str_of(hex));
    r.id = pawl_buf_done(&b);
    if (d->p->only_read) refuse(d, PAWL_EREADONLY, "this handle only reads", "open it without only_read");
    else pawl_host_request(d->p, d, &r);
}

/* "refund", or "tool refund" where a model has that name too. {NULL,0}: refused. */
static struct pawl_str dependency(struct pawl_door *d)
{
    const struct pawl_config *c = d->p->config;
    const struct pawl_str name = text_of(d, "name"), none = {NULL, 0};
    const bool tool = c && pawl_config_tool(c, name), model = c && pawl_config_model(c, name);
    struct pawl_buf b;
    if (name.p && memchr(name.p, ' ', name.n)) return name;
    if (!name.p || name.n > 64 || tool == model) {
        refuse(d,
               !name.p ? PAWL_EINVAL
               : tool  ? PAWL_ECONFLICT
                       : PAWL_ENOTFOUND,
               tool ? "there is a tool and a model of that name" : "there is no tool or model of that name",
               tool ? "say 'tool NAME' or 'model NAME'" : "pawl breaker lists them");
        return none;
    }
    pawl_buf_init_arena(&b, &d->arena);
    pawl_buf_text(&b, tool ? "tool " : "model ");
    pawl_buf_str(&b, name);
    return pawl_buf_done(&b);
}

static void breaker(struct pawl_door *d)
{
    static const char *const words[] = {"auto", "open", "closed"};
    const struct pawl_str to = text_of(d, "to");
    struct pawl_request r = {.what = PAWL_ASK_BREAKER, .agent = dependency(d)};
    int i = 0;
    if (!r.agent.p) return;
    while (i < 3 && !pawl_str_is(to, words[i])) i++;
    r.force = (enum pawl_circuit_force)i;
    if (i == 3) refuse(d, PAWL_EINVAL, "to is open, closed or auto", "pawl breaker -h");
    else if (d->p->only_read) refuse(d, PAWL_EREADONLY, "this handle only reads", "open it without only_read");
    else pawl_host_request(d->p, d, &r);
}

static const struct {
    const char *word;
    enum pawl_ask what;
} asks[] = {{"send", PAWL_ASK_SEND},         {"approve", PAWL_ASK_APPROVE}, {"deny", PAWL_ASK_DENY},
            {"resolve", PAWL_ASK_RESOLVE},   {"cancel", PAWL_ASK_CANCEL},   {"resume", PAWL_ASK_RESUME},
            {"retry", PAWL_ASK_RETRY},       {"undo", PAWL_ASK_UNDO},       {"signal", PAWL_ASK_SIGNAL},
            {"callback", PAWL_ASK_CALLBACK}, {"answer", PAWL_ASK_ANSWER}};

static void go_on(struct pawl_door *d)
{
    const struct pawl_str what = text_of(d, "do");
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        if (pawl_str_is(what, asks[i].word)) {
            if (asks[i].what == PAWL_ASK_CALLBACK) callback(d);
            else say(d, asks[i].what);
            return;
        }
    if (pawl_str_is(what, "breaker")) {
        breaker(d);
    } else if (!pawl_schedules_begin(d, what) && !pawl_read_begin(d, what)) {
        struct pawl_error err = {0};
        pawl_fail(&err, PAWL_EINVAL, "/do", "docs/protocol.md lists them", "there is no request %.*s",
                  (int)(what.n < 64 ? what.n : 64), what.p);
        pawl_door_fail(d, &err);
    }
}

/* The last one that somebody started: not what it started itself, which has its id in its key (policy/child.c). */
static int to_root(struct pawl_store *s, struct pawl_arena *a, struct pawl_head *head, struct pawl_error *err)
{
    enum { DEPTH_MAX = 9 };
    for (int i = 0; i < DEPTH_MAX && head->key.n > PAWL_ID_TEXT && head->key.p[PAWL_ID_TEXT - 1] == '/'; i++) {
        const struct pawl_list_query q = {.prefix = {head->key.p, PAWL_ID_TEXT - 1}, .max = 1};
        struct pawl_id parent;
        uint32_t count = 0;
        if (!pawl_id_parse(q.prefix, &parent)) break;
        const int rc = s->list(s, &q, a, head, &count, err);
        if (rc) return rc;
        if (count == 0) break;
    }
    return PAWL_OK;
}

/* The run's name: a whole id, a unique prefix, or @last. */
static int resolve_name(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_door *d = job->door;
    const struct pawl_str name = text_of(d, "run");
    const bool last = pawl_str_is(name, "@last");
    const struct pawl_list_query q = {.prefix = last ? (struct pawl_str){NULL, 0} : name, .max = 2};
    struct pawl_head heads[2];
    uint32_t count = 0;
    const int rc = s->list(s, &q, &job->arena, heads, &count, err);
    if (rc) return rc;
    if (count == 0 && last) return pawl_fail(err, PAWL_ENOTFOUND, "", "pawl run AGENT INPUT", "there is no run yet");
    if (count == 0) return pawl_fail(err, PAWL_ENOTFOUND, "", "pawl ls", "there is no run %.*s", (int)name.n, name.p);
    if (count > 1 && !last)
        return pawl_fail(err, PAWL_EINVAL, "", "give more of it: pawl ls shows them",
                         "more than one run begins with %.*s", (int)name.n, name.p);
    if (last) {
        const struct pawl_id newest = heads[0].run;
        const int to = to_root(s, &job->arena, &heads[0], err);
        if (to) return to;
        if (pawl_id_eq(heads[0].run, (struct pawl_id){{0}})) heads[0].run = newest;
    }
    d->run = heads[0].run;
    return PAWL_OK;
}

static void resolved(struct pawl_host_job *job)
{
    struct pawl_door *d = job->door;
    d->waiting_job = false;
    if (job->w.result) {
        if (!job->err.code) job->err.code = job->w.result;
        pawl_door_fail(d, &job->err);
    } else if (!d->done) {
        go_on(d);
    }
    pawl_host_job_free(job);
}

/* Runs that wait for a configuration or a tool are tried again; the others come by themselves. */
static int find_waiting(struct pawl_host_job *job, struct pawl_store *s, uint32_t waits, struct pawl_error *err)
{
    enum { AT_ONCE = 256 };
    struct pawl_list_query q = {.stuck = waits, .max = AT_ONCE};
    struct pawl_head *heads = pawl_arena_get(&job->arena, AT_ONCE * sizeof *heads);
    uint32_t count = AT_ONCE, size = 0;
    if (!heads) return PAWL_ENOMEM;
    while (count == AT_ONCE) {
        const int rc = s->list(s, &q, &job->arena, heads, &count, err);
        if (rc) return rc;
        if (job->found.count + count > size) {
            struct pawl_run_records *before = job->runs;
            size = 2 * size + AT_ONCE;
            job->runs = pawl_arena_zeroed(&job->arena, size * sizeof *job->runs);
            if (!job->runs) return PAWL_ENOMEM;
            if (before) memcpy(job->runs, before, job->found.count * sizeof *before);
        }
        for (uint32_t i = 0; i < count; i++) job->runs[job->found.count++].head = heads[i];
        if (count) q.before = heads[count - 1].run;
    }
    return PAWL_OK;
}

static int find_stuck(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    return find_waiting(job, s, 1u << PAWL_WAIT_CONFIG | 1u << PAWL_WAIT_TOOL, err);
}

static int find_toolless(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    return find_waiting(job, s, 1u << PAWL_WAIT_TOOL, err);
}

static void resume_found(struct pawl_host_job *job, struct pawl_door *d)
{
    for (uint32_t i = 0; !job->w.result && i < job->found.count; i++) {
        const struct pawl_request r = {.what = PAWL_ASK_RESUME, .run = job->runs[i].head.run};
        pawl_host_request(job->p, d, &r);
    }
    pawl_host_job_free(job);
}

static void stuck_found(struct pawl_host_job *job)
{
    struct pawl_door *d = job->door;
    d->waiting_job = false;
    d->resumes_all = true; /* sweep ends it once all is quiet */
    resume_found(job, d);
}

static void toolless_found(struct pawl_host_job *job)
{
    resume_found(job, NULL);
}

void pawl_door_wake_tool(struct pawl *p)
{
    struct pawl_host_job *job = p->tools_came && !p->handing_over ? pawl_host_job_new(p) : NULL;
    p->tools_came = false;
    if (!job) return;
    job->read = find_toolless;
    job->after = toolless_found;
    pawl_host_job_submit(job);
}

static void ping(struct pawl_door *d)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &d->arena);
    pawl_buf_printf(&b, "\"version\":\"%s\",\"pid\":%lld,\"hot\":%u", pawl_version(), (long long)uv_os_getpid(),
                    d->p->engine ? pawl_engine_hot(d->p->engine) : 0);
    pawl_door_end(d, pawl_buf_done(&b));
}

static void dispatch(struct pawl_door *d)
{
    const struct pawl_str what = text_of(d, "do"), run = text_of(d, "run");
    if (pawl_str_is(what, "ping")) ping(d);
    else if (pawl_str_is(what, "start") && d->p->only_read) refuse(d, PAWL_EREADONLY, "this handle only reads", "");
    else if (pawl_str_is(what, "start")) start(d);
    else if (pawl_str_is(what, "resume") && pawl_json_bool(d->request, "all", false))
        pawl_read_submit(d, find_stuck, stuck_found);
    else if (!run.p) go_on(d);
    else if (pawl_id_parse(run, &d->run)) go_on(d);
    else pawl_read_submit(d, resolve_name, resolved);
}

static bool needs_run(struct pawl_str what)
{
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        if (pawl_str_is(what, asks[i].word)) return true;
    return pawl_str_is(what, "show") || pawl_str_is(what, "follow");
}

struct pawl_door *pawl_door_open(struct pawl *p, struct pawl_str request, uint64_t client, pawl_line_fn *line,
                                 void *ctx)
{
    struct pawl_door *d = p->shelf.alloc.resize(p->shelf.alloc.ctx, NULL, 0, sizeof *d);
    struct pawl_error err;
    if (!d) return NULL;
    pawl_error_clear(&err);
    memset(d, 0, sizeof *d);
    pawl_arena_init(&d->arena, &p->shelf.alloc);
    d->p = p;
    d->id = ++p->door_ids;
    d->client = client;
    d->line = line;
    d->ctx = ctx;
    d->next = p->doors;
    p->doors = d;
    d->next_of_place = *place_of(p, d->id);
    *place_of(p, d->id) = d;
    if (pawl_json_read(request, &d->arena, &d->request, &err)) {
        pawl_door_fail(d, &err);
    } else if (!yyjson_is_obj(d->request) || !text_of(d, "do").p) {
        refuse(d, PAWL_EINVAL, "a request is an object with do", "docs/protocol.md");
    } else if (pawl_members_check(d->request, &err)) {
        pawl_door_fail(d, &err);
    } else if (needs_run(text_of(d, "do")) && !text_of(d, "run").n && !pawl_json_bool(d->request, "all", false)) {
        refuse(d, PAWL_EINVAL, "name the run", "pawl ls");
    } else {
        dispatch(d);
    }
    return d;
}

void pawl_door_free(struct pawl_door *d)
{
    const struct pawl_alloc *from = &d->p->shelf.alloc;
    struct pawl_door **at = place_of(d->p, d->id);
    while (*at != d) at = &(*at)->next_of_place;
    *at = d->next_of_place;
    for (at = &d->p->followers; *at && *at != d;) at = &(*at)->next_follower;
    if (*at) *at = d->next_follower;
    pawl_arena_fini(&d->arena);
    from->resize(from->ctx, d, sizeof *d, 0);
}

void pawl_door_sweep(struct pawl *p)
{
    for (struct pawl_door **at = &p->doors; *at;) {
        struct pawl_door *d = *at;
        if (d->follows) pawl_follow_sweep(d);
        if (d->resumes_all && !d->done && pawl_host_quiet(p)) {
            struct pawl_buf b;
            pawl_buf_init_arena(&b, &d->arena);
            pawl_buf_printf(&b, "\"runs\":%u", d->resumed);
            pawl_door_end(d, pawl_buf_done(&b));
        }
        if (!d->done || d->waiting_job || (!d->client && !d->posted)) { /* pawl_call frees its own */
            at = &d->next;
            continue;
        }
        *at = d->next;
        pawl_door_free(d);
    }
}

void pawl_door_client_gone(struct pawl *p, uint64_t client)
{
    for (struct pawl_door *d = p->doors; d; d = d->next)
        if (d->client == client) d->done = true;
}
