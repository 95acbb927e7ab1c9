/* src/policy/payers.c - what a run and its children spend together (budget.h): its account "run ID" is there from the moment
 * that it has a child, and every run below it pays from it, too. */
#include "policy/budget.h"
#include <stdio.h>
#include <string.h>

static struct pawl_str name_of(const struct pawl_run *run, char text[48])
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(run->id, id);
    snprintf(text, 48, "run %s", id);
    return pawl_str_of(text);
}

static bool limited(const struct pawl_agent *agent)
{
    return agent->budget.most[PAWL_BUDGET_TOKENS] > 0 || agent->budget.most[PAWL_BUDGET_COST] > 0;
}

static void put(struct pawl_json_writer *w, struct pawl_str account, const int64_t most[PAWL_BUDGET_OFS])
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "account");
    pawl_jw_str(w, account);
    for (int of = 0; of < PAWL_BUDGET_OFS; of++) {
        if (!most[of]) continue;
        pawl_jw_key(w, pawl_budget_word((enum pawl_budget_of)of));
        pawl_jw_i64(w, most[of]);
    }
    pawl_jw_close(w, '}');
}

void pawl_payers_write(const struct pawl_run *run, const struct pawl_agent *agent, struct pawl_json_writer *w)
{
    char text[48];
    if (!limited(agent) && !run->payers_count) return;
    pawl_jw_key(w, "payers");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->payers_count; i++) put(w, run->payers[i].account, run->payers[i].most);
    if (limited(agent)) put(w, name_of(run, text), agent->budget.most);
    pawl_jw_close(w, ']');
}

static void add(struct pawl_shared_op *ops, uint32_t *count, struct pawl_arena *a, struct pawl_str account,
                enum pawl_spend what, enum pawl_budget_of of, int64_t by)
{
    char row[160];
    if (by)
        ops[(*count)++] =
            (struct pawl_shared_op){.name = pawl_str_copy(a, pawl_account_row(row, account, what, of)), .add = by};
}

uint32_t pawl_payers_open(const struct pawl_shared_state *s, const struct pawl_run *run, const struct pawl_agent *agent,
                          struct pawl_arena *a, struct pawl_shared_op ops[PAWL_PAYER_OPS])
{
    char text[48];
    const struct pawl_str name = name_of(run, text);
    uint32_t count = 0;
    if (!limited(agent) || pawl_account_find(s, name)) return 0;
    for (int of = PAWL_BUDGET_TOKENS; of < PAWL_BUDGET_OFS; of++) {
        const int64_t gone = pawl_spend_gone(&run->spending, (enum pawl_budget_of)of) - run->gone_before[of];
        const int64_t estimated = run->spending.of[PAWL_ESTIMATED][of];
        const int64_t lost = estimated < gone ? estimated : gone; /* of an earlier try nothing counts */
        add(ops, &count, a, name, PAWL_SPENT, (enum pawl_budget_of)of, gone - lost);
        add(ops, &count, a, name, PAWL_ESTIMATED, (enum pawl_budget_of)of, lost);
        add(ops, &count, a, name, PAWL_GRANTED, (enum pawl_budget_of)of, run->spending.of[PAWL_GRANTED][of]);
    }
    if (!count) add(ops, &count, a, name, PAWL_SPENT, PAWL_BUDGET_STEPS, 1); /* so that it is there */
    return count;
}

uint32_t pawl_payers_close(const struct pawl_shared_state *s, const struct pawl_run *run, bool drop,
                           struct pawl_arena *a, struct pawl_shared_op ops[PAWL_PAYER_ROWS])
{
    char text[48], row[160];
    const struct pawl_str name = name_of(run, text);
    const struct pawl_account *account = pawl_account_find(s, name);
    uint32_t count = 0;
    if (!account) return 0;
    for (int of = 0; of < PAWL_BUDGET_OFS; of++)
        if (account->spending.of[PAWL_RESERVED][of]) drop = false; /* a child is still at it */
    for (int what = 0; what < PAWL_SPENDS; what++)
        for (int of = 0; of < PAWL_BUDGET_OFS; of++) {
            const int64_t value = account->spending.of[what][of];
            if (drop)
                ops[count++] =
                    (struct pawl_shared_op){.name = pawl_str_copy(a, pawl_account_row(row, name, (enum pawl_spend)what,
                                                                                      (enum pawl_budget_of)of)),
                                            .drop = true};
            else if (what == PAWL_SPENT || what == PAWL_ESTIMATED)
                add(ops, &count, a, name, (enum pawl_spend)what, (enum pawl_budget_of)of, -value);
        }
    return count;
}
