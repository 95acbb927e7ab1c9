/* src/policy/payers.c - what a run and those that it starts spend together (budget.h): a run that is limited and may start
 * others has an account of its own, "run ID", and pays from it and from those of the runs above it. Nobody ends
 * before those that it started, so an account goes with its run; where a person makes one of them go on later, it pays for itself. */
#include "policy/budget.h"
#include <stdio.h>
#include <string.h>

static struct pawl_str name_of(struct pawl_id run, char text[PAWL_PAYER_NAME])
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(run, id);
    snprintf(text, PAWL_PAYER_NAME, "run %s", id);
    return pawl_str_of(text);
}

static bool starts(const struct pawl_config *c, struct pawl_str tool)
{
    const struct pawl_tool *t = tool.p ? pawl_config_tool(c, tool) : NULL;
    return t && t->child.p;
}

/* By a tool of its own, by what stands in for one or by what undoes one. */
static bool shares(const struct pawl_config *c, const struct pawl_agent *agent)
{
    if (!agent->budget.most[PAWL_BUDGET_TOKENS] && !agent->budget.most[PAWL_BUDGET_COST]) return false;
    for (uint32_t i = 0; i < agent->tools_count; i++) {
        const struct pawl_tool *t = agent->tools[i];
        if (t->child.p || starts(c, t->undo_tool)) return true;
        if (t->fallback.kind == PAWL_FALLBACK_TOOL && starts(c, t->fallback.tool)) return true;
    }
    return false;
}

static void put(struct pawl_json_writer *w, struct pawl_str account, const int64_t most[PAWL_BUDGET_OFS])
{
    pawl_jw_open(w, '{');
    pawl_jw_put_str(w, "account", account);
    for (int of = 0; of < PAWL_BUDGET_OFS; of++)
        if (most[of]) pawl_jw_put_i64(w, pawl_budget_word((enum pawl_budget_of)of), most[of]);
    pawl_jw_close(w, '}');
}

void pawl_payers_write(struct pawl_id run, const struct pawl_config *c, const struct pawl_agent *agent,
                       const struct pawl_run *parent, struct pawl_json_writer *w)
{
    const uint32_t above = parent ? parent->payers_count : 0;
    const bool own = shares(c, agent);
    char text[PAWL_PAYER_NAME];
    if (!own && !above) return;
    pawl_jw_key(w, "payers");
    pawl_jw_open(w, '[');
    if (own) put(w, name_of(run, text), agent->budget.most);
    for (uint32_t i = 0; i < above; i++) put(w, parent->payers[i].account, parent->payers[i].most);
    pawl_jw_close(w, ']');
}

uint32_t pawl_payers_close(const struct pawl_run *run, struct pawl_arena *a, struct pawl_shared_op ops[PAWL_PAYER_ROWS])
{
    char row[160];
    if (!run->payers_own) return 0;
    for (uint32_t k = 0; k < PAWL_PAYER_ROWS;
         k++) { /* all of them: which the store has, another owner may know better */
        const enum pawl_spend what = (enum pawl_spend)(k / PAWL_BUDGET_OFS);
        const enum pawl_budget_of of = (enum pawl_budget_of)(k % PAWL_BUDGET_OFS);
        const struct pawl_str name = pawl_account_row(row, run->payers[0].account, what, of);
        ops[k] = (struct pawl_shared_op){.name = pawl_str_copy(a, name), .drop = true};
    }
    return PAWL_PAYER_ROWS;
}
