/* src/sim/check_outcome.c - what must have come of a call (docs/checks.md): the checks of a seed's contracts, and whether what
 * the journal says of them is what they give for what it says was seen. Drawn by seed and number alone, so that the worlds of
 * all other seeds stay as they were. */
#include "sim/check_seen.h"
#include <stdio.h>

static uint64_t dice_of(const struct pawl_sim *w, uint32_t number)
{
    return (w->o->seed * UINT64_C(0xbf58476d1ce4e5b9) ^ (number + 1) * UINT64_C(0x94d049bb133111eb)) >> 24;
}

static struct pawl_check check(const char *name, struct pawl_schema *schema, unsigned looks, uint64_t then, bool undo)
{
    const unsigned answer = 1u << then % 4;
    return (struct pawl_check){.name = pawl_str_of(name),
                               .schema = schema,
                               .looks = looks,
                               .then = answer == PAWL_CHECK_UNDO && !undo ? PAWL_CHECK_FAIL : answer};
}

void pawl_sim_draw_checks(struct pawl_sim *w)
{
    static const struct pawl_str item = {"{\"item\":{\"$arg\":\"/args/item\"}}", 30};
    struct pawl_schema *small = NULL, *grown = NULL, *asked = NULL, *seen = NULL;
    for (uint32_t i = 0; i < w->config.tools_count; i++) {
        struct pawl_tool *t = &w->contracts[i];
        const enum pawl_sim_role role = w->tools[i].role;
        const uint64_t dice = dice_of(w, i), then = dice / 4096;
        const bool reads = role == PAWL_SIM_READ, undo = t->undo_tool.p != NULL;
        struct pawl_check *made;
        uint32_t n = 0;
        if ((!reads && role != PAWL_SIM_CHANGE) || dice % 3) continue;
        if (!small) {
            small =
                pawl_sim_schema(w,
                                PAWL_STR("{\"properties\":{\"result\":{\"properties\":{\"amount\":{\"maximum\":2}}}}}"),
                                false);
            grown = pawl_sim_schema(w,
                                    PAWL_STR("{\"properties\":{\"before\":{\"not\":{\"required\":[\"amount\"]}},"
                                             "\"after\":{\"properties\":{\"count\":{\"maximum\":2}}}}}"),
                                    false);
            asked = pawl_sim_schema(w,
                                    PAWL_STR("{\"properties\":{\"result\":{\"properties\":{\"item\":{\"const\":{"
                                             "\"$arg\":\"/args/item\"}}}}}}"),
                                    true);
            seen =
                pawl_sim_schema(w,
                                PAWL_STR("{\"properties\":{\"result\":{\"properties\":{\"seen\":{\"maximum\":3}}}}}"),
                                false);
        }
        made = pawl_sim_get(w, 3 * sizeof *made);
        if (reads) made[n++] = check("seen", seen, PAWL_CHECK_RESULT, then, false);
        else made[n++] = check("small", small, PAWL_CHECK_RESULT, then, undo);
        if (dice / 3 % 2 && !reads) made[n++] = check("asked", asked, PAWL_CHECK_RESULT, then / 4, undo);
        if (w->tools[i].look) made[n++] = check("grown", grown, PAWL_CHECK_BEFORE | PAWL_CHECK_AFTER, then / 16, undo);
        t->checks = made;
        t->checks_count = n;
        if (w->tools[i].look && dice / 6 % 2)
            t->before = (struct pawl_place_read){.tool = t->verify.tool,
                                                 .args = dice / 12 % 2 ? item : (struct pawl_str){NULL, 0}};
    }
}

bool pawl_sim_check_undoes(const struct pawl_step *s)
{
    return s && s->check_then & PAWL_CHECK_UNDO;
}

/* {args, result, before, after}, from what the journal has. */
static yyjson_val *document(struct pawl_sim_seen *k, unsigned *has)
{
    const struct pawl_step *s = k->s;
    const struct pawl_str from = pawl_json_str(k->body, "from"), before = s->before;
    yyjson_val *result = yyjson_obj_get(k->body, "result"), *after = yyjson_obj_get(k->body, "after"), *out = NULL;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    *has = 0;
    if (pawl_str_is(from, "verify") || (pawl_str_is(from, "person") && yyjson_is_null(result))) result = NULL;
    if (result) *has |= PAWL_CHECK_RESULT;
    if (before.p) *has |= PAWL_CHECK_BEFORE;
    if (after) *has |= PAWL_CHECK_AFTER;
    pawl_buf_init_arena(&b, &k->w->scratch);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_raw(&w, s->args.n ? s->args : PAWL_STR("{}"));
    if (result) pawl_jw_key(&w, "result"), pawl_jw_value(&w, result);
    if (before.p) pawl_jw_key(&w, "before"), pawl_jw_raw(&w, before);
    if (after) pawl_jw_key(&w, "after"), pawl_jw_value(&w, after);
    pawl_jw_close(&w, '}');
    return pawl_json_read(pawl_buf_done(&b), &k->w->scratch, &out, NULL) == PAWL_OK ? out : NULL;
}

/* A step's end says of each check what it gives, and what follows from that. */
void pawl_sim_check_outcome(struct pawl_sim_seen *k)
{
    yyjson_val *checks = yyjson_obj_get(k->body, "checks"), *doc;
    const bool done = k->r->kind == PAWL_STEP_COMPLETED;
    unsigned has, then = 0;
    if (yyjson_obj_get(k->body, "note")) return; /* what stood in for it has checks of its own */
    if (!k->s || k->s->kind != PAWL_STEP_TOOL || !k->tool || !k->tool->checks_count) {
        if (checks) pawl_sim_seen_broken(k, "check", "checked, and nothing is to be");
        return;
    }
    if (done && !yyjson_obj_get(k->body, "first") && !checks)
        pawl_sim_seen_broken(k, "check", "completed, and what came of it was not checked");
    if (!checks || (doc = document(k, &has)) == NULL) return;
    pawl_sim_count(k->w, PAWL_SIM_N_CHECKED);
    if (yyjson_arr_size(checks) != k->tool->checks_count) pawl_sim_seen_broken(k, "check", "not all of it was checked");
    for (uint32_t i = 0; i < k->tool->checks_count; i++) {
        const struct pawl_check *c = &k->tool->checks[i];
        yyjson_val *said = yyjson_arr_get(checks, i);
        const char *want = c->looks & ~has                                           ? "not known"
                           : pawl_schema_check(c->schema, doc, doc, NULL) == PAWL_OK ? "holds"
                                                                                     : "does not hold";
        if (!pawl_str_is(pawl_json_str(said, "found"), want))
            pawl_sim_seen_broken(k, "check", "%.*s is said otherwise than: %s", (int)c->name.n, c->name.p, want);
        if (want[0] == 'd') then |= c->then;
    }
    if (then) pawl_sim_count(k->w, PAWL_SIM_N_CHECK_FAILED);
    if (done == ((then & PAWL_CHECK_FAIL) != 0))
        pawl_sim_seen_broken(k, "check",
                             done ? "completed, where it is to fail" : "failed, though its checks allow it");
    if (!done && pawl_sim_changes(k->tool) && !pawl_json_bool(k->body, "applied", false))
        pawl_sim_seen_broken(k, "check", "failed by a check, and not said to have happened");
}

static bool answered_yes(const struct pawl_run *run, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof name, "check of step %u", number);
    for (uint32_t i = run->steps_before; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_GATE && s->state == PAWL_STEP_DONE && pawl_str_is(s->name, name)) return true;
    }
    return false;
}

/* Nothing is decided on top of it before what is to follow has. */
void pawl_sim_check_outcome_model(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    if (k->s || run->ending) return;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        const int at = s->check_then ? pawl_sim_tool_index(k->w, s->name) : -1;
        if (at < 0 || s->aside) continue;
        if (pawl_sim_check_undoes(s) && s->applied && !s->stop && !s->undone && !s->undo_failed)
            pawl_sim_seen_broken(k, "check", "the model is asked, and #%u has not been undone", s->number);
        if (s->check_then & PAWL_CHECK_ASK && i >= run->steps_before && !answered_yes(run, s->number))
            pawl_sim_seen_broken(k, "check", "the model is asked, and nobody said yes to #%u", s->number);
    }
}
