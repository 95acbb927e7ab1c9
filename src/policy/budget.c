/* src/policy/budget.c - see budget.h. What is done where it does not fit: shortage.c. */
#include "policy/budget.h"
#include <stdio.h>
#include <string.h>
#include "policy/pipeline.h"
#include "policy/routing.h"
#include "policy/shortage.h"

static const int64_t day_ns = INT64_C(86400000000000);

/* ---- what a call may cost ---- */

/* A script's request is no more than a number; what it stands for is the conversation. */
static int64_t bytes_of(const struct pawl_pass *p)
{
    int64_t bytes = p->request.n;
    if (p->model->provider != PAWL_PROVIDER_SCRIPT) return bytes;
    for (uint32_t i = 0; i < p->decision->messages_count; i++) {
        const struct pawl_message *m = &p->decision->messages[i];
        bytes += 32 + m->content.n;
        for (uint32_t k = 0; k < m->calls_count; k++) bytes += 32 + m->calls[k].name.n + m->calls[k].arguments.n;
    }
    return bytes;
}

static int64_t worst_cost(const struct pawl_price *price, int64_t input, int64_t output)
{
    const int64_t dearer = price->cached_pusd > price->input_pusd ? price->cached_pusd : price->input_pusd;
    if (!price->known) return 0;
    return pawl_spend_sum(pawl_spend_product(input, dearer), pawl_spend_product(output, price->output_pusd));
}

void pawl_budget_need(const struct pawl_pass *p, int64_t need[PAWL_BUDGET_OFS])
{
    const int64_t input = bytes_of(p), output = p->model->max_tokens ? p->model->max_tokens : PAWL_OUTPUT_TOKENS;
    need[PAWL_BUDGET_STEPS] = 1;
    need[PAWL_BUDGET_TOKENS] = pawl_spend_sum(input, output);
    need[PAWL_BUDGET_COST] = worst_cost(&p->model->price, input, output);
}

/* ---- from what it is paid ---- */

static bool limited(const struct pawl_budget *b)
{
    for (int i = 0; i < PAWL_BUDGET_OFS; i++)
        if (b->most[i]) return true;
    return false;
}

static struct pawl_purse *add(struct pawl_pass *p, struct pawl_purses *all, struct pawl_str name, bool own)
{
    struct pawl_purse *purse = &all->of[all->count];
    if (all->count == PAWL_BUDGET_PURSES) return NULL;
    *purse = (struct pawl_purse){.name = name};
    if (!own && !(purse->account = pawl_account(p->shared, name))) return p->rc = PAWL_ENOMEM, NULL;
    if (!own) purse->name = purse->account->name;
    all->count++;
    return purse;
}

/* What all runs of an agent, of a day, or all together may spend. */
static void add_sum(struct pawl_pass *p, struct pawl_purses *all, const struct pawl_budget *b, const char *who,
                    const char *when)
{
    char text[PAWL_ACCOUNT_NAME_MAX];
    struct pawl_purse *purse;
    if (!limited(b)) return;
    snprintf(text, sizeof text, "%s%s%s", who, who[0] && when[0] ? " " : "", when[0] || who[0] ? when : "all");
    purse = add(p, all, pawl_str_of(text), false);
    if (purse) memcpy(purse->most, b->most, sizeof purse->most);
}

/* Found once for each day. The run's own comes first. */
static struct pawl_purses *purses_of(struct pawl_pass *p)
{
    struct pawl_purses *all = p->purses;
    const int64_t today = p->wall_ns / day_ns;
    char who[80], when[24] = "day ";
    struct pawl_purse *own;
    if (all && all->day == today) return all;
    all = pawl_arena_zeroed(p->arena, sizeof *all);
    if (!all) return p->rc = PAWL_ENOMEM, NULL;
    all->day = today;
    own = add(p, all, PAWL_STR("run"), true);
    memcpy(own->most, p->agent->budget.most, sizeof own->most);
    if (limited(&p->agent->budget_all) || limited(&p->agent->budget_day) || limited(&p->config->budget_all) ||
        limited(&p->config->budget_day)) { /* mostly there is none: nothing is printed for it */
        snprintf(who, sizeof who, "agent %.*s", p->agent->name.n > 64 ? 64 : (int)p->agent->name.n, p->agent->name.p);
        pawl_day_text(p->wall_ns, when + 4);
        add_sum(p, all, &p->agent->budget_all, who, "");
        add_sum(p, all, &p->agent->budget_day, who, when);
        add_sum(p, all, &p->config->budget_all, "", "");
        add_sum(p, all, &p->config->budget_day, "", when);
    }
    for (uint32_t i = 0; i < p->run->payers_count; i++) {
        struct pawl_purse *one = add(p, all, p->run->payers[i].account, false);
        const bool self = i == 0 && p->run->payers_own;
        if (!one) continue;
        memcpy(one->most, self ? p->agent->budget.most : p->run->payers[i].most, sizeof one->most);
        if (self) memset(all->of[0].most, 0, sizeof all->of[0].most); /* it says so for both */
    }
    p->purses = all;
    return p->rc ? NULL : all;
}

/* Is there anything to count for? Without a limit and a price there is not. */
static bool counts(const struct pawl_pass *p, const struct pawl_purses *all)
{
    if (p->model->price.known || all->count > 1) return true;
    for (int i = 0; i < PAWL_BUDGET_OFS; i++)
        if (all->of[0].most[i]) return true;
    return false;
}

/* ---- does it fit? ---- */

static int64_t own_gone(const struct pawl_pass *p, enum pawl_budget_of of)
{
    const int64_t gone = pawl_spend_gone(&p->run->spending, of) - p->run->gone_before[of];
    return gone > 0 ? gone : 0;
}

static enum pawl_fits fits(const struct pawl_pass *p, const struct pawl_purse *purse, enum pawl_budget_of of,
                           int64_t need, struct pawl_shortage *out)
{
    const struct pawl_spending *s = purse->account ? &purse->account->spending : &p->run->spending;
    const int64_t most = pawl_spend_sum(purse->most[of], s->of[PAWL_GRANTED][of]);
    *out = (struct pawl_shortage){.account = purse->name,
                                  .of = of,
                                  .most = most,
                                  .gone = purse->account ? pawl_spend_gone(s, of) : own_gone(p, of),
                                  .reserved = s->of[PAWL_RESERVED][of],
                                  .need = need,
                                  .more = purse->most[of] ? purse->most[of] : most};
    if (purse->most[of] == 0 && (!purse->account || s->of[PAWL_GRANTED][of] == 0)) return PAWL_FITS;
    return pawl_budget_fits(most, out->gone, out->reserved, need);
}

/* The worst of all; *out and *at say of what. */
static enum pawl_fits judge(struct pawl_pass *p, struct pawl_purses *all, struct pawl_shortage *out,
                            struct pawl_purse **at)
{
    enum pawl_fits worst = PAWL_FITS;
    int64_t need[PAWL_BUDGET_OFS];
    struct pawl_shortage s;
    pawl_budget_need(p, need);
    for (uint32_t i = 0; i < all->count && worst != PAWL_FITS_NEVER; i++)
        for (int of = 0; of < PAWL_BUDGET_OFS && worst != PAWL_FITS_NEVER; of++) {
            const enum pawl_fits f = fits(p, &all->of[i], (enum pawl_budget_of)of, need[of], &s);
            if (f <= worst) continue;
            worst = f;
            *out = s;
            *at = &all->of[i];
        }
    return worst;
}

bool pawl_budget_still(struct pawl_pass *p)
{
    struct pawl_purses *all = purses_of(p);
    struct pawl_shortage s;
    struct pawl_purse *at;
    return all && (!counts(p, all) || judge(p, all, &s, &at) == PAWL_FITS);
}

enum pawl_verdict pawl_stage_budget(struct pawl_pass *p)
{
    struct pawl_purses *all;
    struct pawl_shortage s;
    struct pawl_purse *at = NULL;
    enum pawl_verdict v;
    const bool intended = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    if (!pawl_pass_sends(p) || (!p->model && intended)) return PAWL_GO;
    if (pawl_shortage_early(p, &v)) return v; /* a call that is not yet intended has no time left, either */
    if (!p->model) return PAWL_GO;
    pawl_routing_choose(p);
    if (p->rc) return pawl_pass_wait(p, PAWL_WANT_NOTHING);
    all = purses_of(p);
    if (!all) return pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (!counts(p, all)) return PAWL_GO;
    for (;;) {
        if ((v = pawl_intent_render(p)) != PAWL_GO) return v;
        switch (judge(p, all, &s, &at)) {
        case PAWL_FITS: pawl_line_leave(p); return PAWL_GO;
        case PAWL_FITS_LATER:
            if (!at->account) return pawl_shortage_end(p, &s); /* a run asks for one thing at a time */
            pawl_line_join(&at->account->waiting, p);
            return pawl_pass_wait(p, PAWL_WANT_ROOM);
        case PAWL_FITS_NEVER:
            pawl_line_leave(p);
            if (!pawl_shortage_degrade(p)) return pawl_shortage_end(p, &s);
        }
    }
}

/* ---- reserve ---- */

static void put_amounts(struct pawl_json_writer *w, const int64_t amounts[PAWL_BUDGET_OFS])
{
    for (int i = 0; i < PAWL_BUDGET_OFS; i++) {
        if (!amounts[i]) continue;
        pawl_jw_key(w, pawl_budget_word((enum pawl_budget_of)i));
        pawl_jw_i64(w, amounts[i]);
    }
}

void pawl_budget_write(struct pawl_pass *p, struct pawl_json_writer *w)
{
    const struct pawl_purses *all = purses_of(p);
    int64_t need[PAWL_BUDGET_OFS];
    if (!all || !counts(p, all)) return;
    pawl_budget_need(p, need);
    pawl_jw_key(w, "reserve");
    pawl_jw_open(w, '{');
    put_amounts(w, need);
    if (all->count > 1) {
        pawl_jw_key(w, "accounts");
        pawl_jw_open(w, '[');
        for (uint32_t i = 1; i < all->count; i++) pawl_jw_str(w, all->of[i].name);
        pawl_jw_close(w, ']');
    }
    pawl_jw_close(w, '}');
}

void pawl_budget_reserved(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    char row[160];
    for (uint32_t i = 0; s->reserves && i < s->accounts_count; i++)
        for (int of = 0; of < PAWL_BUDGET_OFS && !p->rc; of++) {
            const struct pawl_shared_op op = {.name = pawl_account_row(row, s->accounts[i], PAWL_RESERVED,
                                                                       (enum pawl_budget_of)of),
                                              .add = s->reserved[of]};
            if (op.add) p->rc = p->book->shared(p, &op);
        }
}

/* ---- settle ---- */

uint32_t pawl_budget_ops_max(const struct pawl_step *s)
{
    return s->accounts_count * PAWL_BUDGET_OFS * 2;
}

int pawl_budget_close(const struct pawl_step *s, const struct pawl_settlement *by, struct pawl_arena *a,
                      struct pawl_str *body, struct pawl_shared_op *ops, uint32_t *count)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    char row[160];
    *count = 0;
    pawl_buf_init_arena(&b, a);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "attempt");
    pawl_jw_i64(&w, s->attempts);
    put_amounts(&w, by->amount);
    if (by->estimated) pawl_jw_key(&w, "estimated"), pawl_jw_bool(&w, true);
    if (by->input >= 0) {
        pawl_jw_key(&w, "input");
        pawl_jw_i64(&w, by->input);
        pawl_jw_key(&w, "cached");
        pawl_jw_i64(&w, by->cached);
        pawl_jw_key(&w, "output");
        pawl_jw_i64(&w, by->output);
    }
    pawl_jw_close(&w, '}');
    *body = pawl_buf_done(&b);
    for (uint32_t i = 0; i < s->accounts_count; i++)
        for (int of = 0; of < PAWL_BUDGET_OFS; of++) {
            const enum pawl_spend to = by->estimated ? PAWL_ESTIMATED : PAWL_SPENT;
            if (by->amount[of])
                ops[(*count)++] =
                    (struct pawl_shared_op){.name = pawl_str_copy(a, pawl_account_row(row, s->accounts[i], to,
                                                                                      (enum pawl_budget_of)of)),
                                            .add = by->amount[of]};
            if (s->reserved[of])
                ops[(*count)++] =
                    (struct pawl_shared_op){.name =
                                                pawl_str_copy(a, pawl_account_row(row, s->accounts[i], PAWL_RESERVED,
                                                                                  (enum pawl_budget_of)of)),
                                            .add = -s->reserved[of]};
        }
    return a->failed || !body->p ? PAWL_ENOMEM : PAWL_OK;
}

/* What the provider says that it was; false: it says nothing. */
static bool counted(struct pawl_pass *p, struct pawl_settlement *out)
{
    const struct pawl_price *price = &p->model->price;
    yyjson_val *v = NULL, *usage;
    if (p->outcome.applied != PAWL_APPLIED_YES || !p->outcome.result.p) return false;
    if (pawl_json_read(p->outcome.result, p->arena, &v, NULL)) return false;
    usage = yyjson_obj_get(v, "usage");
    if (!usage) return false;
    out->input = pawl_json_i64(usage, "input", 0);
    out->cached = pawl_json_i64(usage, "cached", 0);
    out->output = pawl_json_i64(usage, "output", 0);
    if (out->input < 0 || out->output < 0 || out->cached < 0 || out->cached > out->input) return false;
    out->amount[PAWL_BUDGET_STEPS] = pawl_spend_sum(1, (int64_t)yyjson_arr_size(yyjson_obj_get(v, "tool_calls")));
    out->amount[PAWL_BUDGET_TOKENS] = pawl_spend_sum(out->input, out->output);
    if (!price->known) return true;
    out->amount[PAWL_BUDGET_COST] = pawl_spend_sum(pawl_spend_product(out->input - out->cached, price->input_pusd),
                                                   pawl_spend_sum(pawl_spend_product(out->cached, price->cached_pusd),
                                                                  pawl_spend_product(out->output, price->output_pusd)));
    return true;
}

enum pawl_verdict pawl_budget_settle(struct pawl_pass *p, bool unsent)
{
    const struct pawl_step *s = p->step;
    struct pawl_settlement by = {.input = -1};
    struct pawl_shared_op *ops;
    struct pawl_str body;
    uint32_t count = 0;
    if (!s || !s->reserves || p->rc) return PAWL_GO;
    ops = pawl_arena_get(p->arena, (pawl_budget_ops_max(s) + 1) * sizeof *ops);
    const bool nothing = unsent || (p->came && p->outcome.applied == PAWL_APPLIED_NO);
    if (!nothing && !(p->came && counted(p, &by))) {
        memcpy(by.amount, s->reserved, sizeof by.amount);
        by.estimated = true;
    }
    if (!ops || pawl_budget_close(s, &by, p->arena, &body, ops, &count))
        return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    p->rc = p->book->append(p, PAWL_BUDGET_SETTLED, body);
    for (uint32_t i = 0; i < count && !p->rc; i++) p->rc = p->book->shared(p, &ops[i]);
    return p->rc ? pawl_pass_wait(p, PAWL_WANT_NOTHING) : PAWL_GO;
}
