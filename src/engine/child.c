/* src/engine/child.c - runs that steps of other runs have started: looked at, begun, told to stop or to undo, and their end
 * brought to whoever waits for it.
 *
 * The end of a child is in its journal in one commit with a row "child ID" that names the parent; the parent's own commit,
 * which says what came of it, takes the row away. So it is never lost that somebody is to be told, and nobody polls: an
 * owner that begins finds the rows. */
#include "contract/wait.h"
#include "engine/hot.h"
#include "policy/budget.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct pawl_id none;

static void later(struct pawl_slot *s, int64_t in_ns)
{
    s->pass.child.is = PAWL_CHILD_UNSEEN;
    pawl_engine_timer(s->hot->e, &s->timer, s->hot->e->wall_ns + in_ns);
}

/* ---- looking ---- */

/* Is something that it did still done? */
static bool stays(const struct pawl_config *c, const struct pawl_run *run)
{
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        const struct pawl_tool *t = s->kind == PAWL_STEP_TOOL ? pawl_config_tool(c, s->name) : NULL;
        if (t && t->effect != PAWL_EFFECT_READ && s->applied && !s->undone) return true;
    }
    return false;
}

/* The word that this step says to its child: made once, whoever says it again. */
static struct pawl_str word_of(const struct pawl_slot *s, char text[80])
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(s->hot->run.id, id);
    snprintf(text, 80, "%s by %s/%u", s->pass.step->kind == PAWL_STEP_UNDO ? "undo" : "stop", id, s->pass.number);
    return pawl_str_of(text);
}

static void see(struct pawl_slot *s, const struct pawl_run *run, int64_t active_ns, bool durable)
{
    struct pawl_child *c = &s->pass.child;
    const int refused = c->refused;
    char text[80];
    *c = (struct pawl_child){.is = run->ended && durable ? PAWL_CHILD_OVER : PAWL_CHILD_ALIVE,
                             .status = run->status,
                             .ending = run->ending && durable,
                             .at_its_end = run->ended && !durable,
                             .undo_said = pawl_run_answered(run, word_of(s, text)) > 0,
                             .applied = stays(s->hot->config, run),
                             .refused = refused,
                             .error_class = run->error_class,
                             .active_ns = active_ns,
                             .ended_wall_ns = run->at_ns};
    c->output = pawl_str_copy(&s->arena, run->output.p ? run->output : PAWL_STR("null"));
    c->message = pawl_str_copy(&s->arena, run->message.p ? run->message : PAWL_STR(""));
    if (s->arena.failed) s->hot->e->rc = PAWL_ENOMEM;
}

bool pawl_child_found(struct pawl_slot *s, int status, const struct pawl_found *found)
{
    const bool news = s->child_news;
    struct pawl_engine *e = s->hot->e;
    struct pawl_arena scratch;
    struct pawl_run run;
    int rc = PAWL_OK;
    s->child_news = false;
    if (news || (status && status != PAWL_ENOTFOUND)) { /* something has come since; or the store could not: again */
        later(s, news ? 0 : 1000000000);
        return false;
    }
    if (status == PAWL_ENOTFOUND || found->count == 0) {
        s->pass.child = (struct pawl_child){.is = PAWL_CHILD_NONE};
        return true;
    }
    pawl_arena_init(&scratch, e->from);
    pawl_run_init(&run, &scratch);
    for (uint32_t i = 0; i < found->runs->count && rc == PAWL_OK; i++)
        rc = pawl_run_fold(&run, &found->runs->records[i], NULL);
    if (rc == PAWL_ENOMEM) e->rc = rc;
    if (rc == PAWL_OK) see(s, &run, found->runs->head.active_ns, true);
    else later(s, INT64_C(60000000000)); /* damaged: pawl verify names the record */
    /* In nobody's hand: begun by an owner that has ended since this one looked for what is due. */
    const struct pawl_head *h = &found->runs->head;
    if (rc == PAWL_OK && !run.ended && h->wake_ns == 0 && h->owner != e->instance && !pawl_hot_find(e, run.id))
        pawl_hot_ask_load(e, run.id, NULL);
    pawl_arena_fini(&scratch);
    return rc == PAWL_OK;
}

static void look(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    const struct pawl_hot *child = pawl_hot_find(e, s->pass.child_id);
    const struct pawl_find read = {.what = PAWL_FIND_READ, .run = s->pass.child_id};
    if (!child || (child->run.ended && child->run.seq <= child->durable_seq)) {
        s->find_id = pawl_engine_find(e, PAWL_OF_SLOT_FIND, &read, s, NULL);
        return;
    }
    see(s, &child->run, child->head.active_ns, child->run.seq <= child->durable_seq);
    pawl_engine_timer(e, &s->timer, e->wall_ns);
}

/* ---- beginning ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

struct hunt { /* where values that are struck out stand in the input of a child */
    struct pawl_json_writer *w;
    struct pawl_engine *e;
    yyjson_val *value;
};

static void find_leaf(const struct hunt *h, yyjson_val *in, struct pawl_str at)
{
    yyjson_val *name, *v;
    size_t i, n;
    struct pawl_buf b;
    if (!yyjson_is_ctn(in)) {
        if (at.n && pawl_json_equal(in, h->value)) pawl_jw_str(h->w, at);
        return;
    }
    if (yyjson_is_arr(in)) {
        yyjson_arr_foreach(in, i, n, v)
        {
            pawl_buf_init_arena(&b, &h->e->step);
            pawl_buf_str(&b, at);
            pawl_buf_printf(&b, "/%zu", i);
            find_leaf(h, v, pawl_buf_done(&b));
        }
        return;
    }
    yyjson_obj_foreach(in, i, n, name, v)
    {
        const struct pawl_str key = pawl_json_value_str(name);
        pawl_buf_init_arena(&b, &h->e->step);
        pawl_buf_str(&b, at);
        pawl_buf_char(&b, '/');
        for (uint32_t k = 0; k < key.n; k++) /* RFC 6901 */
            if (key.p[k] == '~' || key.p[k] == '/') pawl_buf_text(&b, key.p[k] == '~' ? "~0" : "~1");
            else pawl_buf_char(&b, key.p[k]);
        find_leaf(h, v, pawl_buf_done(&b));
    }
}

static void find_leaves(struct hunt h, yyjson_val *value, yyjson_val *in)
{
    yyjson_val *name, *v;
    size_t i, n;
    if (!value) return;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, n, v) find_leaves(h, v, in);
    } else if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, n, name, v) find_leaves(h, v, in);
    } else {
        h.value = value;
        find_leaf(&h, in, PAWL_STR(""));
    }
}

/* What the contract strikes out of the call is struck out of the run that it starts (LEDGER 5). */
static void put_redact(struct pawl_slot *s, yyjson_val *input, struct pawl_json_writer *w)
{
    const struct pawl_tool *t = s->pass.tool;
    const struct hunt h = {.w = w, .e = s->hot->e};
    if (!t->redact_count) return;
    pawl_jw_key(w, "redact");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "input");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < t->redact_count; i++) find_leaves(h, pawl_json_at(s->pass.args, t->redact[i]), input);
    pawl_jw_close(w, ']');
    pawl_jw_key(w, "output");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < t->redact_count; i++) pawl_jw_str(w, t->redact[i]);
    pawl_jw_close(w, ']');
    pawl_jw_close(w, '}');
}

static void put_parent(struct pawl_hot *h, struct pawl_slot *s, yyjson_val *input, struct pawl_json_writer *w)
{
    const int64_t deadline_ns = pawl_hot_deadline_ns(h), ends_ns = pawl_hot_ends_ns(h);
    char id[PAWL_ID_TEXT];
    pawl_jw_key(w, "parent");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "run");
    pawl_id_text(h->run.id, id);
    pawl_jw_text(w, id);
    pawl_jw_key(w, "step");
    pawl_jw_i64(w, s->pass.number);
    pawl_jw_key(w, "root");
    pawl_id_text(h->run.root, id);
    pawl_jw_text(w, id);
    pawl_jw_key(w, "depth");
    pawl_jw_i64(w, h->run.depth + 1);
    if (deadline_ns) {
        const int64_t left_ns = deadline_ns - h->head.active_ns - (h->active ? h->e->now_ns - h->active_since_ns : 0);
        pawl_jw_key(w, "deadline");
        pawl_jw_i64(w, left_ns > 0 ? left_ns : 1);
    }
    if (ends_ns) pawl_jw_key(w, "ends"), pawl_jw_i64(w, ends_ns);
    put_redact(s, input, w);
    pawl_jw_close(w, '}');
}

static void begin(struct pawl_slot *s)
{
    struct pawl_hot *h = s->hot, *child;
    struct pawl_engine *e = h->e;
    const struct pawl_pass *p = &s->pass;
    const struct pawl_agent *agent = pawl_config_agent(h->config, p->tool->child);
    char key[64], hex[65];
    struct pawl_buf b, input;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *request = NULL;
    pawl_child_of(&h->run, p->step, key);
    const struct pawl_head head = {.run = p->child_id,
                                   .agent = agent->name,
                                   .key = pawl_str_of(key),
                                   .status = PAWL_RUNNING,
                                   .epoch = 1,
                                   .owner = e->instance,
                                   .created_ns = e->wall_ns,
                                   .updated_ns = e->wall_ns,
                                   .config = h->config->hash};
    pawl_buf_init_arena(&b, &e->step);
    pawl_buf_init_arena(&input, &e->step);
    if (pawl_json_read(p->request, &e->step, &request, NULL)) {
        e->rc = PAWL_ENOMEM; /* it is ours, and was read before */
        return;
    }
    pawl_json_write(yyjson_obj_get(yyjson_obj_get(request, "child"), "input"), &input);
    child = pawl_hot_new(e, &head);
    if (!child) return;
    child->create = true;
    child->config = h->config;
    child->agent = agent;
    pawl_quota_enter(child);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "agent");
    pawl_jw_str(&w, agent->name);
    pawl_jw_key(&w, "input");
    pawl_jw_raw(&w, pawl_buf_done(&input));
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, key);
    pawl_jw_key(&w, "config");
    pawl_hex(hex, h->config->hash.b, 32);
    pawl_jw_text(&w, hex);
    put_parent(h, s, yyjson_obj_get(yyjson_obj_get(request, "child"), "input"), &w);
    pawl_payers_write(p->child_id, h->config, agent, &h->run, &w);
    pawl_jw_close(&w, '}');
    if (input.failed) e->rc = PAWL_ENOMEM;
    else pawl_hot_append(child, PAWL_RUN_CREATED, 0, pawl_buf_done(&b));
}

/* ---- telling it to stop, or to undo what it did ---- */

static void tell(struct pawl_slot *s, enum pawl_ask what)
{
    struct pawl_engine *e = s->hot->e;
    struct pawl_pending *p = pawl_engine_await(e, PAWL_OF_CHILD);
    char text[80];
    const struct pawl_request r = {.what = what,
                                   .id = word_of(s, text),
                                   .run = s->pass.child_id,
                                   .text = PAWL_STR("the run that started it was stopped"),
                                   .by = PAWL_STR("pawl")};
    if (!p) return;
    p->slot = s;
    s->tell_id = p->id;
    pawl_engine_request(e, p->id | PAWL_INSIDE, &r);
}

void pawl_child_want(struct pawl_slot *s)
{
    switch (s->pass.child_want) {
    case PAWL_CHILD_LOOK: look(s); break;
    case PAWL_CHILD_START: begin(s); break;
    case PAWL_CHILD_CANCEL: tell(s, PAWL_ASK_CANCEL); break;
    case PAWL_CHILD_UNDO: tell(s, PAWL_ASK_UNDO); break;
    case PAWL_CHILD_AWAIT:
    case PAWL_CHILD_REST: break;
    }
}

void pawl_child_stop(struct pawl_slot *s)
{
    if (s->find_id || s->tell_id || s->pass.child_want == PAWL_CHILD_START) return; /* it is driven soon anyhow */
    later(s, 0);
}

/* ---- its end comes to whoever waits for it ---- */

/* Does some step of this run wait for that child's end, or is it to be undone? */
static bool is_awaited(const struct pawl_run *run, struct pawl_id child)
{
    for (uint32_t i = 0; i < run->steps_count && !run->ended; i++) {
        const struct pawl_step *s = run->steps[i];
        const struct pawl_step *of = s->kind == PAWL_STEP_UNDO ? pawl_run_step(run, s->undoes) : s;
        char key[64];
        if (!of || !of->is_child || pawl_step_ended(s)) continue;
        if (pawl_id_eq(of->child, child)) return true;
        if (pawl_id_eq(of->child, none) && pawl_id_eq(pawl_child_of(run, of, key), child)) return true;
    }
    return false;
}

static struct pawl_str row_of(struct pawl_id child, char name[64])
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(child, id);
    snprintf(name, 64, "child %s", id);
    return pawl_str_of(name);
}

static void tell_later(struct pawl_engine *e, struct pawl_id parent, struct pawl_id child)
{
    struct pawl_tell *t = pawl_engine_get(e, sizeof *t);
    if (!t) return;
    *t = (struct pawl_tell){.next = e->tells, .parent = parent, .child = child};
    e->tells = t;
    pawl_engine_timer(e, &e->telling, e->wall_ns + 1000000000);
}

void pawl_child_answered(struct pawl_engine *e, uint64_t id, int code)
{
    const uint64_t own = id & ~PAWL_INSIDE;
    struct pawl_pending *p = pawl_map_take(&e->pending, &own, sizeof own);
    struct pawl_slot *s = p ? p->slot : NULL;
    char name[64];
    if (!p) return;
    if (s) {
        const bool heard = code == 0 || code == PAWL_ECONFLICT || code == PAWL_ENOTFOUND;
        s->tell_id = 0;
        later(s, heard ? 0 : 1000000000);
        s->pass.child.refused = code;
    } else { /* who is to be told of an end: it has been taken up, or has no use for it */
        const struct pawl_hot *parent = pawl_hot_find(e, p->find.run);
        const bool over = code == 0 || code == PAWL_ECONFLICT || code == PAWL_ENOTFOUND;
        if (!over) tell_later(e, p->find.run, p->run);
        else if ((!parent || !is_awaited(&parent->run, p->run)) && !e->handing_over)
            pawl_common_drop(e, row_of(p->run, name));
    }
    pawl_engine_put(e, p, sizeof *p);
}

/* The parent is taken up, and looks by itself. */
static void wake(struct pawl_engine *e, struct pawl_id parent, struct pawl_id child)
{
    struct pawl_pending *p = pawl_engine_await(e, PAWL_OF_CHILD);
    const struct pawl_request r = {.what = PAWL_ASK_RESUME, .run = parent};
    if (!p) return;
    p->run = child;
    p->find.run = parent;
    pawl_engine_request(e, p->id | PAWL_INSIDE, &r);
}

void pawl_child_tell(struct pawl_engine *e)
{
    struct pawl_tell *t = e->tells, *next;
    e->tells = NULL;
    for (; t; t = next) {
        next = t->next;
        if (!e->handing_over && !e->rc) wake(e, t->parent, t->child);
        pawl_engine_put(e, t, sizeof *t);
    }
}

static struct pawl_slot *slot_for(const struct pawl_hot *parent, struct pawl_id child)
{
    for (struct pawl_slot *s = parent->slots; s; s = s->next)
        if (s->pass.want == PAWL_WANT_CHILD && !s->pass.ended && pawl_id_eq(s->pass.child_id, child)) return s;
    return NULL;
}

void pawl_child_news(struct pawl_hot *child, int64_t in_ns)
{
    struct pawl_engine *e = child->e;
    struct pawl_hot *parent = child->run.parent_step ? pawl_hot_find(e, child->run.parent) : NULL;
    struct pawl_slot *s = parent ? slot_for(parent, child->run.id) : NULL;
    if (!child->run.parent_step) return;
    if (s && s->find_id) s->child_news = true;
    else if (s && !s->tell_id) later(s, in_ns);
    if (s || !child->run.ended || e->handing_over) return;
    wake(e, child->run.parent, child->run.id);
}

void pawl_child_ends(struct pawl_hot *h)
{
    char name[64], id[PAWL_ID_TEXT];
    struct pawl_buf b;
    if (!h->run.parent_step) return;
    pawl_id_text(h->run.parent, id);
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_buf_printf(&b, "{\"parent\":\"%s\"}", id);
    const struct pawl_shared_op op = {.name = row_of(h->run.id, name), .body = pawl_buf_done(&b)};
    if (!op.body.p) h->e->rc = PAWL_ENOMEM;
    else pawl_hot_share(h, &op);
}

void pawl_child_start(struct pawl_engine *e, const struct pawl_shared *rows, uint32_t count)
{
    static const char before[] = "child ";
    for (uint32_t i = 0; i < count && !e->rc; i++) {
        struct pawl_id child, parent;
        yyjson_val *body;
        if (rows[i].name.n < sizeof before || memcmp(rows[i].name.p, before, sizeof before - 1) != 0) continue;
        const struct pawl_str id = {rows[i].name.p + sizeof before - 1, rows[i].name.n - (uint32_t)sizeof before + 1};
        if (!pawl_id_parse(id, &child) || pawl_json_read(rows[i].body, &e->step, &body, NULL)) continue;
        if (pawl_id_parse(pawl_json_str(body, "parent"), &parent)) wake(e, parent, child);
    }
}

/* ---- a run's time, of which its children's is a part ---- */

int64_t pawl_hot_deadline_ns(const struct pawl_hot *h)
{
    const int64_t own_ns = h->agent->deadline_ns ? h->agent->deadline_ns + h->run.active_before_ns : 0;
    return least(own_ns, h->run.deadline_ns);
}

int64_t pawl_hot_ends_ns(const struct pawl_hot *h)
{
    const int64_t own_ns = h->agent->ends_by_ns ? h->run.since_ns + h->agent->ends_by_ns : 0;
    return least(own_ns, h->run.ends_ns);
}

/* What a child spent counts as this run's own; of several at a time, what passed. */
void pawl_child_spent(struct pawl_hot *h, const struct pawl_slot *s)
{
    const struct pawl_step *step = s->pass.step;
    int64_t from_ns = step->intended_at_ns, spent_ns = s->pass.child_active_ns;
    for (uint32_t i = 0; i < h->run.steps_count; i++) {
        const struct pawl_step *o = h->run.steps[i];
        if (o != step && o->is_child && o->ended_at_ns > from_ns) from_ns = o->ended_at_ns;
    }
    const int64_t passed_ns = h->e->wall_ns > from_ns ? h->e->wall_ns - from_ns : 0;
    h->head.active_ns += spent_ns < passed_ns ? spent_ns : passed_ns;
}

/* Up its parents, as far as they are known here; of those that are parked only the first is. */
static bool descends(const struct pawl_engine *e, const struct pawl_hot *h, struct pawl_id from)
{
    for (int i = 0; h && i <= PAWL_CHILD_DEPTH_MAX && h->run.parent_step; i++) {
        if (pawl_id_eq(h->run.parent, from) || pawl_id_eq(h->run.root, from)) return true;
        h = pawl_hot_find(e, h->run.parent);
    }
    return false;
}

static bool due(const struct pawl_engine *e, const struct pawl_timer *t)
{
    return t->node.at && t->node.due_ns <= e->now_ns;
}

/* The end of a child is on its way to it: it is taken up to hear it, or looks. */
static bool hears(const struct pawl_engine *e, struct pawl_id run)
{
    const struct pawl_hot *h = pawl_hot_find(e, run);
    if (pawl_map_get(&e->loading, run.b, sizeof run.b)) return true;
    for (const struct pawl_slot *s = h ? h->slots : NULL; s; s = s->next)
        if (s->pass.want == PAWL_WANT_CHILD && (s->find_id || s->tell_id || due(e, &s->timer))) return true;
    return false;
}

bool pawl_engine_family(const struct pawl_engine *e, struct pawl_id run)
{
    struct pawl_map_entry *entry;
    if (hears(e, run)) return true;
    for (uint32_t i = 0; (entry = pawl_map_next(&e->hot, &i)) != NULL;)
        if (descends(e, entry->value, run)) return true;
    return false;
}
