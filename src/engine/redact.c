/* src/engine/redact.c - which values of a run are struck out of what everybody may read (LEDGER 5): what stands at the
 * contract's `redact` pointers, in the arguments and in the result of a call. From the moment that a value is known it is
 * struck wherever it stands: in the model's call, the request, an error's words, the final answer. */
#include "engine/hot.h"
#include "journal/sealed.h"

struct values {
    struct pawl_arena *a;
    struct pawl_str *items;
    uint32_t count, size;
};

static void add(struct values *v, yyjson_val *found)
{
    struct pawl_str text = pawl_json_value_str(found);
    struct pawl_buf b;
    yyjson_val *child, *name;
    size_t i, n;
    if (yyjson_is_arr(found)) {
        yyjson_arr_foreach(found, i, n, child) add(v, child);
        return;
    }
    if (yyjson_is_obj(found)) {
        yyjson_obj_foreach(found, i, n, name, child) add(v, child);
        return;
    }
    if (yyjson_is_num(found)) {
        pawl_buf_init_arena(&b, v->a);
        pawl_json_write(found, &b);
        text = pawl_buf_done(&b);
    }
    if (!text.n) return;
    if (v->count == v->size) {
        const uint32_t size = v->size ? v->size * 2 : 16;
        struct pawl_str *larger = pawl_arena_get(v->a, size * sizeof *larger);
        if (!larger) return;
        for (uint32_t k = 0; k < v->count; k++) larger[k] = v->items[k];
        v->items = larger;
        v->size = size;
    }
    v->items[v->count++] = text;
}

static void add_of(struct values *v, const struct pawl_tool *t, yyjson_val *document)
{
    for (uint32_t i = 0; t && document && i < t->redact_count; i++) add(v, pawl_json_at(document, t->redact[i]));
}

static void add_text(struct values *v, const struct pawl_tool *t, struct pawl_str text)
{
    yyjson_val *document;
    if (t && t->redact_count && text.n && pawl_json_read(text, v->a, &document, NULL) == PAWL_OK)
        add_of(v, t, document);
}

static void add_at(struct values *v, yyjson_val *pointers, yyjson_val *document)
{
    yyjson_val *pointer;
    size_t i, n;
    yyjson_arr_foreach(pointers, i, n, pointer) if (document)
        add(v, pawl_json_at(document, pawl_json_value_str(pointer)));
}

/* A child: what its parent's contract strikes out of what goes in and what comes out. */
static void add_parents(struct values *v, const struct pawl_run *run, enum pawl_kind kind, yyjson_val *body)
{
    yyjson_val *redact = NULL, *input = NULL, *output = NULL;
    const struct pawl_str content = pawl_json_str(yyjson_obj_get(body, "result"), "content");
    if (kind == PAWL_RUN_CREATED) {
        redact = yyjson_obj_get(yyjson_obj_get(body, "parent"), "redact");
        add_at(v, yyjson_obj_get(redact, "input"), yyjson_obj_get(body, "input"));
        return;
    }
    if (!run->redact.p || pawl_json_read(run->redact, v->a, &redact, NULL)) return;
    if (pawl_json_read(run->input, v->a, &input, NULL) == PAWL_OK) add_at(v, yyjson_obj_get(redact, "input"), input);
    if (kind == PAWL_RUN_ENDED) add_at(v, yyjson_obj_get(redact, "output"), yyjson_obj_get(body, "output"));
    if (content.n && pawl_json_read(content, v->a, &output, NULL) == PAWL_OK) /* it may be the answer */
        add_at(v, yyjson_obj_get(redact, "output"), output);
}

/* The reads that say how a place looked have pointers of their own. */
static const struct pawl_tool *reader_of(const struct pawl_config *c, const struct pawl_tool *t, bool before)
{
    const struct pawl_place_read *own = before ? &t->before : &t->after, *other = before ? &t->after : &t->before;
    return pawl_config_tool(c, own->tool.p ? own->tool : other->tool.p ? other->tool : t->verify.tool);
}

/* What this record is the first to say. */
static void add_new(struct values *v, const struct pawl_config *c, const struct pawl_step *s, enum pawl_kind kind,
                    struct pawl_str body)
{
    const struct pawl_tool *t = s ? pawl_config_tool(c, s->name) : NULL;
    yyjson_val *document, *call;
    size_t i, n;
    if (pawl_json_read(body, v->a, &document, NULL)) return;
    if (t) {
        add_of(v, t, yyjson_obj_get(document, "edit"));
        add_of(v, t, yyjson_obj_get(document, "result"));
        if (t->verify.tool.p) add_of(v, pawl_config_tool(c, t->verify.tool), yyjson_obj_get(document, "look"));
        add_of(v, reader_of(c, t, true), yyjson_obj_get(document, "before"));
        add_of(v, reader_of(c, t, false), yyjson_obj_get(document, "after"));
        return;
    }
    for (uint32_t k = 0; kind == PAWL_SIGNAL_RECEIVED && k < c->tools_count; k++)
        if (pawl_tool_hears(&c->tools[k], pawl_json_str(document, "name")))
            add_of(v, &c->tools[k], yyjson_obj_get(document, "payload"));
    yyjson_arr_foreach(yyjson_obj_get(yyjson_obj_get(document, "result"), "tool_calls"), i, n, call)
        add_text(v, pawl_config_tool(c, pawl_json_str(call, "name")), pawl_json_str(call, "arguments"));
    if (kind == PAWL_RUN_RETRIED)
        for (uint32_t k = 0; k < c->tools_count; k++) add_of(v, &c->tools[k], yyjson_obj_get(document, "with"));
}

int pawl_hot_seal(struct pawl_hot *h, uint32_t step, enum pawl_kind kind, struct pawl_arena *a, struct pawl_record *r)
{
    const struct pawl_config *c = h->config;
    struct values v;
    uint8_t salt[PAWL_SEAL_SALT];
    struct pawl_arena scratch;
    bool struck;
    yyjson_val *body;
    int rc;
    if (!c || !c->redacts) return PAWL_OK;
    pawl_arena_init(&scratch, h->e->from);
    v = (struct values){.a = &scratch};
    for (uint32_t i = 0; i < h->run.steps_count; i++) {
        const struct pawl_step *s = h->run.steps[i];
        const struct pawl_tool *t = pawl_config_tool(c, s->name);
        if (!t || s->kind == PAWL_STEP_MODEL) continue;
        if (s->look.p) add_text(&v, pawl_config_tool(c, t->verify.tool), s->look);
        if (s->before.p) add_text(&v, reader_of(c, t, true), s->before);
        if (s->after.p) add_text(&v, reader_of(c, t, false), s->after);
        if (!t->redact_count) continue;
        add_text(&v, t, s->args);
        add_text(&v, t, s->said);
        add_text(&v, t, s->result);
    }
    for (uint32_t i = 0; i < h->run.signals_count; i++)
        for (uint32_t k = 0; k < c->tools_count; k++)
            if (pawl_tool_hears(&c->tools[k], h->run.signals[i].name))
                add_text(&v, &c->tools[k], h->run.signals[i].payload);
    if (pawl_json_read(r->body, &scratch, &body, NULL) == PAWL_OK) add_parents(&v, &h->run, kind, body);
    add_new(&v, c, pawl_run_step(&h->run, step), kind, r->body);
    pawl_prng_fill(&h->e->prng, salt, sizeof salt);
    rc = pawl_seal(r->body, v.items, v.count, salt, a, &r->body, &r->full, &struck);
    if (scratch.failed) rc = PAWL_ENOMEM;
    pawl_arena_fini(&scratch);
    return rc;
}
