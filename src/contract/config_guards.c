/* src/contract/config_guards.c - guards of an agent, and what reads say of the world: source, facts, trust.
 *
 *   guards: none                                   no rule at all
 *   guards: {errors_in_a_row: {3: ask, 4: stop}}   a rule that counts: what is done at which count
 *   guards: {contradiction: ask, same_call: none}  one that does not; a rule switched off
 *   guards: {big: {if: SCHEMA, answer: ask}}       an own one, over {steps, run, facts}
 *
 * A rule that is not named keeps its default. */
#include <string.h>
#include "contract/config_read.h"
#include "contract/units.h"

static const char *const rule_names[PAWL_GUARD_RULES] = {
    [PAWL_GUARD_ERRORS] = "errors_in_a_row",
    [PAWL_GUARD_CHANGES] = "destructive_in_a_row",
    [PAWL_GUARD_UNVERIFIED_DEPTH] = "unverified_depth",
    [PAWL_GUARD_SAME_CALL] = "same_call",
    [PAWL_GUARD_NO_PROGRESS] = "no_progress",
    [PAWL_GUARD_CONTRADICTION] = "contradiction",
    [PAWL_GUARD_STALENESS] = "staleness",
    [PAWL_GUARD_CONFIDENCE] = "low_confidence",
    [PAWL_GUARD_UNVERIFIED_INPUT] = "unverified_input",
    [PAWL_GUARD_EGRESS] = "egress_after_untrusted",
    [PAWL_GUARD_OWN] = "",
};
static const char *const answer_names[] = {"tell", "verify", "narrow", "ask", "stop"};
enum { ANSWERS = sizeof answer_names / sizeof *answer_names };

/* Which answers make sense: verify only where there is something to look at. */
enum {
    SAY = 1u << PAWL_GUARD_TELL | 1u << PAWL_GUARD_NARROW | 1u << PAWL_GUARD_ASK | 1u << PAWL_GUARD_STOP,
    LOOK = 1u << PAWL_GUARD_VERIFY
};
static const struct {
    unsigned answers;
    enum { COUNTS, PLAIN, SCORES } limits;
} kinds[PAWL_GUARD_OWN] = {
    [PAWL_GUARD_ERRORS] = {SAY, COUNTS},
    [PAWL_GUARD_CHANGES] = {SAY, COUNTS},
    [PAWL_GUARD_UNVERIFIED_DEPTH] = {SAY | LOOK, COUNTS},
    [PAWL_GUARD_SAME_CALL] = {SAY, COUNTS},
    [PAWL_GUARD_NO_PROGRESS] = {SAY, COUNTS},
    [PAWL_GUARD_CONTRADICTION] = {SAY, PLAIN},
    [PAWL_GUARD_STALENESS] = {SAY | LOOK, PLAIN},
    [PAWL_GUARD_CONFIDENCE] = {SAY, SCORES},
    [PAWL_GUARD_UNVERIFIED_INPUT] = {SAY, PLAIN},
    [PAWL_GUARD_EGRESS] = {SAY, PLAIN},
};

/* Measured: docs/guards.md has the table, `pawl backtest` makes it again. Of one rule the lower limits come first. */
static const struct pawl_guard defaults[] = {
    {.rule = PAWL_GUARD_ERRORS, .name = {"errors_in_a_row", 15}, .limit = 3, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_ERRORS, .name = {"errors_in_a_row", 15}, .limit = 4, .answer = PAWL_GUARD_STOP},
    {.rule = PAWL_GUARD_CHANGES, .name = {"destructive_in_a_row", 20}, .limit = 3, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_UNVERIFIED_DEPTH, .name = {"unverified_depth", 16}, .limit = 3, .answer = PAWL_GUARD_VERIFY},
    {.rule = PAWL_GUARD_SAME_CALL, .name = {"same_call", 9}, .limit = 3, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_NO_PROGRESS, .name = {"no_progress", 11}, .limit = 2, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_NO_PROGRESS, .name = {"no_progress", 11}, .limit = 3, .answer = PAWL_GUARD_STOP},
    {.rule = PAWL_GUARD_CONTRADICTION, .name = {"contradiction", 13}, .limit = 1, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_STALENESS, .name = {"staleness", 9}, .limit = 1, .answer = PAWL_GUARD_VERIFY},
    {.rule = PAWL_GUARD_UNVERIFIED_INPUT, .name = {"unverified_input", 16}, .limit = 1, .answer = PAWL_GUARD_ASK},
    {.rule = PAWL_GUARD_EGRESS, .name = {"egress_after_untrusted", 22}, .limit = 1, .answer = PAWL_GUARD_ASK},
};
enum { DEFAULTS = sizeof defaults / sizeof *defaults };

const char *pawl_guard_name(enum pawl_guard_rule r)
{
    return rule_names[r];
}

const char *pawl_guard_answer_name(enum pawl_guard_answer a)
{
    return answer_names[a];
}

bool pawl_guard_answer_of(struct pawl_str name, enum pawl_guard_answer *out)
{
    for (int i = 0; i < ANSWERS; i++)
        if (pawl_str_is(name, answer_names[i])) return *out = (enum pawl_guard_answer)i, true;
    return false;
}

const struct pawl_guard *pawl_guard_defaults(uint32_t *count)
{
    *count = DEFAULTS;
    return defaults;
}

struct guards { /* what has been read so far */
    struct pawl_reader *r;
    struct pawl_guard *made;
    uint32_t count;
};

static bool is_none(const struct pawl_yaml *v)
{
    return v->kind == PAWL_YAML_TEXT && pawl_str_is(v->text, "none");
}

static void add(struct guards *g, struct pawl_guard one)
{
    uint32_t at = g->count;
    while (at > 0 && g->made[at - 1].rule == one.rule && one.rule != PAWL_GUARD_OWN &&
           (g->made[at - 1].limit > one.limit || g->made[at - 1].bound < one.bound)) {
        g->made[at] = g->made[at - 1];
        at--;
    }
    g->made[at] = one;
    g->count++;
}

/* The words that may stand there, as a sentence. */
static void expected_answer(struct guards *g, const struct pawl_yaml *v, const char *key, unsigned allowed)
{
    char text[96] = "";
    size_t n = 0;
    for (int i = 0; i < ANSWERS; i++) {
        if (!(allowed & 1u << i)) continue;
        const size_t word = strlen(answer_names[i]);
        if (n) memcpy(text + n, ", ", 2), n += 2;
        memcpy(text + n, answer_names[i], word);
        n += word;
    }
    text[n] = 0;
    pawl_reader_expected(g->r, v, key, text);
}

static bool read_answer(struct guards *g, const struct pawl_yaml *v, const char *key, unsigned allowed,
                        enum pawl_guard_answer *out)
{
    if (v->kind == PAWL_YAML_TEXT && pawl_guard_answer_of(v->text, out) && allowed & 1u << *out) return true;
    expected_answer(g, v, key, allowed);
    return false;
}

/* {2: narrow, 3: stop}, or {0.5: ask} */
static void read_limits(struct guards *g, enum pawl_guard_rule rule, const struct pawl_yaml *v)
{
    const bool scores = kinds[rule].limits == SCORES;
    if (v->kind != PAWL_YAML_MAP || v->count == 0 || v->count > 8) {
        pawl_reader_expected(g->r, v, rule_names[rule],
                             scores ? "none, or a mapping such as {0.5: ask}"
                                    : "none, or a mapping such as {2: narrow, 3: stop}");
        return;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        struct pawl_guard one = {.rule = rule, .name = pawl_str_of(rule_names[rule]), .limit = 1};
        yyjson_val number = {0};
        const bool read =
            m->key.n > 0 && m->key.n < 16 && yyjson_read_number(m->key.p, &number, YYJSON_READ_NOFLAG, NULL, NULL);
        const double d = read ? yyjson_get_num(&number) : -1;
        if (scores ? d > 0 && d <= 1 : d >= 1 && d <= 1000 && d == (double)(uint32_t)d) {
            if (scores) one.bound = d;
            else one.limit = (uint32_t)d;
            if (read_answer(g, m->value, rule_names[rule], kinds[rule].answers, &one.answer)) add(g, one);
        } else {
            pawl_fault(g->r->faults, m->line, m->column, "", "%s: expected %s, found '%.*s'", rule_names[rule],
                       scores ? "a score over 0 and up to 1" : "a count from 1 to 1000",
                       m->key.n > 40 ? 40 : (int)m->key.n, m->key.p);
        }
    }
}

static void read_rule(struct guards *g, enum pawl_guard_rule rule, const struct pawl_yaml *v)
{
    struct pawl_guard one = {.rule = rule, .name = pawl_str_of(rule_names[rule]), .limit = 1};
    if (is_none(v)) return;
    if (kinds[rule].limits != PLAIN) read_limits(g, rule, v);
    else if (read_answer(g, v, rule_names[rule], kinds[rule].answers, &one.answer)) add(g, one);
}

/* NAME: {if: SCHEMA, answer: WORD} */
static void read_own(struct guards *g, const struct pawl_yaml_member *m)
{
    static const char *const known[] = {"if", "answer", NULL};
    struct pawl_guard *one = &g->made[g->count];
    const struct pawl_yaml *v = m->value, *answer;
    pawl_reader_name(g->r, m, "guards", false);
    pawl_reader_keys(g->r, v, known, NULL);
    *one = (struct pawl_guard){.rule = PAWL_GUARD_OWN, .name = m->key, .limit = 1, .answer = PAWL_GUARD_ASK};
    if (!pawl_reader_need(g->r, v, "if", "write if: SCHEMA, a JSON Schema over {steps, run, facts}")) return;
    g->count++; /* also where a fault is told: its schema is freed with the others */
    pawl_reader_schema(g->r, v, "if", PAWL_ARG_RUN | PAWL_ARG_FACTS, &one->when, NULL);
    if ((answer = pawl_reader_get(v, "answer")) != NULL) read_answer(g, answer, "answer", SAY, &one->answer);
}

static int rule_of(struct pawl_str name)
{
    for (int i = 0; i < PAWL_GUARD_OWN; i++)
        if (pawl_str_is(name, rule_names[i])) return i;
    return -1;
}

static void unknown(struct guards *g, const struct pawl_yaml_member *m)
{
    struct pawl_near near = {.name = m->key};
    for (int i = 0; pawl_reader_suggests(g->r) && i < PAWL_GUARD_OWN; i++)
        pawl_near_try(&near, pawl_str_of(rule_names[i]));
    if (near.best.p)
        pawl_fault(g->r->faults, m->line, m->column, "", "guards: there is no rule '%.*s'; did you mean '%.*s'?",
                   m->key.n > 80 ? 80 : (int)m->key.n, m->key.p, (int)near.best.n, near.best.p);
    else
        pawl_fault(g->r->faults, m->line, m->column, "an own rule is written NAME: {if: SCHEMA, answer: ask}",
                   "guards: there is no rule '%.*s'", m->key.n > 80 ? 80 : (int)m->key.n, m->key.p);
}

void pawl_read_guards(struct pawl_reader *r, const struct pawl_yaml *agent, struct pawl_agent *a)
{
    const struct pawl_yaml *v = pawl_reader_get(agent, "guards");
    struct guards g = {.r = r};
    a->guards = defaults;
    a->guards_count = DEFAULTS;
    if (v && is_none(v)) a->guards_count = 0;
    if (!v || is_none(v) || !(v = pawl_reader_map(r, agent, "guards")) || !pawl_reader_few(r, v, "guards", 64)) return;
    g.made = pawl_arena_zeroed(r->arena, (DEFAULTS + v->count * 8 + 1) * sizeof *g.made);
    if (!g.made) return;
    for (int rule = 0; rule < PAWL_GUARD_OWN; rule++) {
        const struct pawl_yaml *said = pawl_reader_get(v, rule_names[rule]);
        if (said) read_rule(&g, (enum pawl_guard_rule)rule, said);
        for (int i = 0; !said && i < DEFAULTS; i++)
            if (defaults[i].rule == (enum pawl_guard_rule)rule) add(&g, defaults[i]);
    }
    for (uint32_t i = 0; i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        if (rule_of(m->key) >= 0) continue;
        if (m->value->kind == PAWL_YAML_MAP && pawl_reader_get(m->value, "if")) read_own(&g, m);
        else unknown(&g, m);
    }
    a->guards = g.made;
    a->guards_count = g.count;
}

/* ---- what a read says ---- */

static void pointer(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, struct pawl_str *out)
{
    if (v->kind != PAWL_YAML_TEXT || pawl_pointer_fault(v->text))
        pawl_reader_expected(r, v, key, "a JSON pointer into the answer, as in /status");
    else *out = v->text;
}

static void read_about(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_fact_rule *f)
{
    const struct pawl_yaml *list = pawl_reader_list(r, map, "about");
    struct pawl_str *about = list ? pawl_arena_zeroed(r->arena, (list->count + 1) * sizeof *about) : NULL;
    if (!about) return;
    f->about = about;
    f->about_said = true;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pawl_yaml *v = list->items[i];
        if (v->kind != PAWL_YAML_TEXT || pawl_pointer_fault(v->text))
            pawl_reader_expected(r, v, "about", "a JSON pointer into the arguments, as in /order_id");
        else if (pawl_reader_argument(r, v->line, v->column, pawl_pointer_head(v->text)))
            about[f->about_count++] = v->text;
    }
}

static void read_fact(struct pawl_reader *r, const struct pawl_yaml_member *m, struct pawl_fact_rule *f)
{
    static const char *const known[] = {"at", "about", NULL};
    const struct pawl_yaml *v = m->value;
    f->name = m->key;
    pawl_reader_name(r, m, "facts", false);
    if (v->kind != PAWL_YAML_MAP) {
        pointer(r, v, "facts", &f->at);
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    if (pawl_reader_need(r, v, "at", "write at: POINTER, where it stands in the answer"))
        pointer(r, pawl_reader_get(v, "at"), "at", &f->at);
    read_about(r, v, f);
}

void pawl_read_facts(struct pawl_reader *r, const struct pawl_yaml *tool, struct pawl_tool *t)
{
    static const char *const trusts[] = {"trusted", "untrusted", NULL};
    static const char *const of_reads[] = {"facts", "source", NULL};
    const struct pawl_yaml *facts = pawl_reader_map(r, tool, "facts");
    struct pawl_fact_rule *made = facts ? pawl_arena_zeroed(r->arena, (facts->count + 1) * sizeof *made) : NULL;
    int trust = 0;
    pawl_reader_flag(r, tool, "egress", &t->egress);
    t->untrusted = pawl_reader_choice(r, tool, "trust", trusts, &trust) && trust == 1;
    pawl_reader_text(r, tool, "source", &t->source);
    for (const char *const *k = of_reads; *k && t->effect_declared && t->effect != PAWL_EFFECT_READ; k++) {
        const struct pawl_yaml_member *m = pawl_yaml_member(tool, *k);
        if (m) pawl_fault(r->faults, m->line, m->column, "leave it out", "%s: only a read says how things are", *k);
    }
    if (!made || !pawl_reader_few(r, facts, "facts", 64)) return;
    t->facts = made;
    t->facts_count = facts->count;
    for (uint32_t i = 0; i < facts->count; i++) read_fact(r, &facts->members[i], &made[i]);
}
