/* src/policy/shortage.c - see shortage.h. */
#include "policy/shortage.h"
#include <string.h>
#include "contract/units.h"
#include "policy/question.h"

void pawl_budget_amount_text(enum pawl_budget_of of, int64_t amount, struct pawl_buf *out)
{
    if (of == PAWL_BUDGET_COST) {
        pawl_unit_money_text(amount, out);
        return;
    }
    pawl_unit_count_text(amount, out);
    pawl_buf_text(out, of == PAWL_BUDGET_TOKENS ? " tokens" : amount == 1 ? " step" : " steps");
}

void pawl_budget_whose(struct pawl_str account, struct pawl_buf *out)
{
    static const char day[] = " day ";
    const uint32_t n = sizeof day - 1;
    pawl_buf_text(out, "of ");
    if (pawl_str_is(account, "run")) pawl_buf_text(out, "this run");
    else if (pawl_str_is(account, "all")) pawl_buf_text(out, "all runs");
    else if (account.n > 4 && memcmp(account.p, day + 1, n - 1) == 0)
        pawl_buf_text(out, "all runs on "), pawl_buf_add(out, account.p + 4, account.n - 4);
    else if (account.n > n + 10 && memcmp(account.p + account.n - 10 - n, day, n) == 0) {
        pawl_buf_add(out, account.p, account.n - 10 - n);
        pawl_buf_text(out, " on ");
        pawl_buf_add(out, account.p + account.n - 10, 10);
    } else if (account.n > 17 && memcmp(account.p, "run ", 4) == 0) /* as lists show it */
        pawl_buf_add(out, account.p, 17), pawl_buf_text(out, " and those that it starts");
    else pawl_buf_str(out, account);
}

/* "budget.cost of this run: 0.50 USD; 0.49 USD are spent, and the next call to main may cost 0.02 USD" */
static struct pawl_str says(const struct pawl_pass *p, const struct pawl_shortage *s)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "the limit of %s ", pawl_budget_word(s->of));
    pawl_budget_whose(s->account, &b);
    pawl_buf_text(&b, " is ");
    pawl_budget_amount_text(s->of, s->most, &b);
    pawl_buf_text(&b, ": ");
    pawl_budget_amount_text(s->of, s->gone, &b);
    pawl_buf_text(&b, " are spent");
    if (s->reserved)
        pawl_buf_text(&b, ", "), pawl_budget_amount_text(s->of, s->reserved, &b), pawl_buf_text(&b, " reserved");
    pawl_buf_text(&b, ", and the next call of ");
    pawl_buf_str(&b, p->model->name);
    pawl_buf_text(&b, " may take ");
    pawl_budget_amount_text(s->of, s->need, &b);
    return pawl_buf_done(&b);
}

static struct pawl_str about(const struct pawl_pass *p, const struct pawl_shortage *s)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {{"most", s->most}, {"gone", s->gone}, {"reserved", s->reserved}, {"need", s->need}, {"more", s->more}};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "account");
    pawl_jw_str(&w, s->account);
    pawl_jw_key(&w, "of");
    pawl_jw_text(&w, pawl_budget_word(s->of));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        pawl_jw_key(&w, rows[i].name), pawl_jw_i64(&w, rows[i].value);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

enum pawl_verdict pawl_shortage_end(struct pawl_pass *p, const struct pawl_shortage *s)
{
    const struct pawl_str text = says(p, s);
    struct pawl_buf b;
    if (!p->agent->exhausted.ask || p->step || p->run->ending) {
        enum pawl_verdict v;
        pawl_buf_init_arena(&b, p->arena);
        pawl_buf_text(&b, "{\"budget\":");
        pawl_buf_str(&b, about(p, s));
        pawl_buf_char(&b, '}');
        if ((v = pawl_pass_append(p, PAWL_NOTE, &b)) != PAWL_GO) return v; /* the numbers; the end has the words */
        return pawl_pass_fail(p, PAWL_CLASS_BUDGET_EXCEEDED, "%.*s", (int)text.n, text.p ? text.p : "");
    }
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_str(&b, text);
    pawl_buf_text(&b, "; a yes gives ");
    pawl_budget_amount_text(s->of, s->more, &b);
    pawl_buf_text(&b, " more, or what you say");
    const struct pawl_question q = {.name = PAWL_STR("budget"),
                                    .why = PAWL_WHY_BUDGET,
                                    .says = pawl_buf_done(&b),
                                    .otherwise = PAWL_CLASS_BUDGET_EXCEEDED,
                                    .expires_ns = p->agent->exhausted.expires_ns,
                                    .budget = about(p, s)};
    if (!q.says.p || !q.budget.p) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    return pawl_pass_question(p, &q);
}

/* Where a person may give more steps they are judged here; else the decider ends the run. */
bool pawl_shortage_early(struct pawl_pass *p, enum pawl_verdict *v)
{
    struct pawl_shortage s = {.account = PAWL_STR("run"), .of = PAWL_BUDGET_STEPS, .need = 1};
    const int64_t began_ns = p->run->since_ns, time_ns = p->agent->budget_time_ns;
    if (p->model ? p->step != NULL : p->run->ending || (p->step && p->step->kind != PAWL_STEP_TOOL)) return false;
    if (time_ns && p->wall_ns >= began_ns && p->wall_ns - began_ns >= time_ns) {
        struct pawl_buf b;
        pawl_buf_init_arena(&b, p->arena);
        pawl_unit_duration_text(time_ns, &b);
        pawl_buf_done(&b);
        return *v = pawl_pass_fail(p, PAWL_CLASS_BUDGET_EXCEEDED, "the limit of time of this run (budget.time) is %s",
                                   b.failed ? "over" : b.p),
               true;
    }
    if (!p->agent->exhausted.ask || !p->model) return false;
    s.gone = (int64_t)p->run->steps_count - p->run->steps_before;
    for (uint32_t i = p->run->steps_before; i < p->run->steps_count; i++)
        s.gone -= p->run->steps[i]->kind == PAWL_STEP_GATE; /* questions are nobody's steps */
    s.more = p->agent->steps_max;
    s.most = pawl_spend_sum(s.more, p->run->spending.of[PAWL_GRANTED][PAWL_BUDGET_STEPS]);
    if (s.gone < s.most) return false;
    *v = pawl_shortage_end(p, &s);
    return true;
}

bool pawl_shortage_degrade(struct pawl_pass *p)
{
    const struct pawl_exhausted *e = &p->agent->exhausted;
    const struct pawl_model *next = NULL;
    /* only forward, once for a pass: a fallback may have led away from one of them, and must not lead back */
    while (!p->run->ending && p->degrade_at < e->degrade_count && (!next || next == p->model))
        next = pawl_config_model(p->config, e->degrade[p->degrade_at++]);
    if (!next || next == p->model) return false;
    if (!p->degraded_from.p) p->degraded_from = p->model->name;
    p->model = next;
    p->request = (struct pawl_str){NULL, 0};
    p->model_from = p->attempts;
    p->model_changed = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    return true;
}

bool pawl_budget_more(const struct pawl_shortage *s, yyjson_val *said, int64_t *more)
{
    const struct pawl_str text = pawl_json_value_str(said);
    *more = s->more;
    if (!said) return true;
    if (yyjson_is_int(said) && s->of != PAWL_BUDGET_COST) *more = yyjson_get_sint(said);
    else if (!text.p) return false;
    else if (s->of == PAWL_BUDGET_COST ? !pawl_unit_money(text, more) : !pawl_unit_count(text, more)) return false;
    return *more > 0 && *more <= INT64_C(1000000000000000000);
}
