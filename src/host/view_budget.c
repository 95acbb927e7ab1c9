/* src/host/view_budget.c - see view_budget.h. Costs are in picodollars, 10^-12 USD; "says" has them for people. */
#include "host/view_budget.h"
#include <string.h>
#include "policy/budget.h"

enum { ACCOUNTS_MAX = 1024 };

static bool any(const int64_t amounts[PAWL_BUDGET_OFS])
{
    for (int i = 0; i < PAWL_BUDGET_OFS; i++)
        if (amounts[i]) return true;
    return false;
}

static void put(struct pawl_json_writer *w, const char *name, const int64_t amounts[PAWL_BUDGET_OFS])
{
    if (!any(amounts)) return;
    pawl_jw_key(w, name);
    pawl_jw_open(w, '{');
    for (int i = 0; i < PAWL_BUDGET_OFS; i++) {
        if (!amounts[i]) continue;
        pawl_jw_key(w, pawl_budget_word((enum pawl_budget_of)i));
        pawl_jw_i64(w, amounts[i]);
    }
    pawl_jw_close(w, '}');
}

void pawl_view_step_budget(const struct pawl_step *s, struct pawl_json_writer *w)
{
    put(w, "spent", s->spent);
    put(w, "estimated", s->estimated);
    put(w, "reserved", s->reserved);
    if (s->routed.p) pawl_jw_key(w, "routed"), pawl_jw_raw(w, s->routed);
    if (s->degraded_from.p) pawl_jw_key(w, "degraded"), pawl_jw_str(w, s->degraded_from);
}

/* "0.12 USD of 0.50 USD, 12.4k tokens of 200k tokens spent; 0.01 USD reserved; 0.02 USD estimated, for what nobody knows" */
static void says(const struct pawl_spending *s, const int64_t limit[PAWL_BUDGET_OFS], struct pawl_buf *b)
{
    static const int order[] = {PAWL_BUDGET_COST, PAWL_BUDGET_TOKENS, PAWL_BUDGET_STEPS};
    bool begun = false;
    for (int k = 0; k < PAWL_BUDGET_OFS; k++) {
        const enum pawl_budget_of of = (enum pawl_budget_of)order[k];
        const int64_t most = limit[of] ? pawl_spend_sum(limit[of], s->of[PAWL_GRANTED][of]) : 0;
        if (!s->of[PAWL_SPENT][of] && !most) continue;
        if (of == PAWL_BUDGET_STEPS && !most) continue;
        if (begun) pawl_buf_text(b, ", ");
        begun = true;
        pawl_budget_amount_text(of, s->of[PAWL_SPENT][of], b);
        if (most) pawl_buf_text(b, " of "), pawl_budget_amount_text(of, most, b);
    }
    if (begun) pawl_buf_text(b, " spent");
    for (int what = PAWL_RESERVED; what <= PAWL_GRANTED; what++) {
        static const char *const words[] = {"", " reserved", " estimated, for what nobody knows the cost of",
                                            " granted by people"};
        bool first = true;
        for (int k = 0; k < 2; k++) {
            const enum pawl_budget_of of = (enum pawl_budget_of)order[k];
            if (s->of[what][of] <= 0) continue;
            pawl_buf_text(b, !first ? ", " : begun ? "; " : "");
            pawl_budget_amount_text(of, s->of[what][of], b);
            first = false;
            begun = true;
        }
        if (!first) pawl_buf_text(b, words[what]);
    }
}

static void write(const struct pawl_spending *s, const int64_t limit[PAWL_BUDGET_OFS], const char *also,
                  struct pawl_arena *a, struct pawl_json_writer *w)
{
    struct pawl_buf b;
    put(w, "spent", s->of[PAWL_SPENT]);
    put(w, "reserved", s->of[PAWL_RESERVED]);
    put(w, "estimated", s->of[PAWL_ESTIMATED]);
    put(w, "granted", s->of[PAWL_GRANTED]);
    put(w, "limit", limit);
    pawl_buf_init_arena(&b, a);
    says(s, limit, &b);
    pawl_buf_text(&b, also);
    pawl_jw_key(w, "says");
    pawl_jw_str(w, pawl_buf_done(&b));
}

void pawl_view_budget(const struct pawl_run *run, const struct pawl_config *config, struct pawl_arena *a,
                      struct pawl_json_writer *w)
{
    const struct pawl_agent *agent = config ? pawl_config_agent(config, run->agent) : NULL;
    struct pawl_spending s = run->spending;
    int64_t limit[PAWL_BUDGET_OFS] = {0};
    bool counted = false;
    for (int what = 0; what < PAWL_SPENDS; what++) counted = counted || any(s.of[what]);
    if (agent) memcpy(limit, agent->budget.most, sizeof limit);
    if (!counted && !any(limit)) return;
    /* whatever nobody counts in it: calls of tools are steps, too, and one that failed was one */
    s.of[PAWL_SPENT][PAWL_BUDGET_STEPS] = (int64_t)run->steps_count;
    if (agent) limit[PAWL_BUDGET_STEPS] = agent->steps_max;
    pawl_jw_key(w, "budget");
    pawl_jw_open(w, '{');
    if (run->payers_own) pawl_jw_key(w, "account"), pawl_jw_str(w, run->payers[0].account);
    write(&s, limit, run->payers_own ? "; the runs that it starts spend from the same limits" : "", a, w);
    pawl_jw_close(w, '}');
}

/* ---- what runs share ---- */

static void limits_of(const struct pawl_config *c, struct pawl_str name, int64_t out[PAWL_BUDGET_OFS])
{
    static const char agent[] = "agent ";
    const uint32_t n = sizeof agent - 1;
    const struct pawl_budget *b = NULL;
    memset(out, 0, PAWL_BUDGET_OFS * sizeof *out);
    if (!c) return;
    if (pawl_str_is(name, "all")) b = &c->budget_all;
    else if (name.n > 4 && memcmp(name.p, "day ", 4) == 0) b = &c->budget_day;
    else if (name.n > n && memcmp(name.p, agent, n) == 0) {
        struct pawl_str rest = {name.p + n, name.n - n};
        const struct pawl_agent *a = pawl_config_agent(c, rest);
        if (a) b = &a->budget_all;
        else if (rest.n > 15 && memcmp(rest.p + rest.n - 15, " day ", 5) == 0) {
            rest.n -= 15;
            a = pawl_config_agent(c, rest);
            if (a) b = &a->budget_day;
        }
    }
    if (b) memcpy(out, b->most, sizeof b->most);
}

static void write_all(const struct pawl_shared *rows, uint32_t count, const struct pawl_config *config,
                      struct pawl_arena *a, struct pawl_json_writer *w)
{
    struct pawl_shared_state state;
    struct pawl_map_entry *e;
    struct pawl_account *all[ACCOUNTS_MAX];
    uint32_t n = 0;
    pawl_shared_init(&state, a->from);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].value && pawl_account_apply(&state, rows[i].name, rows[i].value, PAWL_ACCOUNT_READ))
            a->failed = true;
    for (uint32_t i = 0; (e = pawl_map_next(&state.accounts, &i)) != NULL && n < ACCOUNTS_MAX;) {
        struct pawl_account *one = e->value;
        uint32_t at = n++;
        for (; at > 0 && strncmp(all[at - 1]->name.p, one->name.p,
                                 all[at - 1]->name.n < one->name.n ? all[at - 1]->name.n : one->name.n) > 0;
             at--)
            all[at] = all[at - 1];
        all[at] = one;
    }
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < n; i++) {
        int64_t limit[PAWL_BUDGET_OFS];
        struct pawl_buf b;
        limits_of(config, all[i]->name, limit);
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "account");
        pawl_jw_str(w, all[i]->name);
        pawl_buf_init_arena(&b, a);
        pawl_budget_whose(all[i]->name, &b);
        pawl_jw_key(w, "whose");
        pawl_jw_str(w, pawl_buf_done(&b));
        write(&all[i]->spending, limit, "", a, w);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
    pawl_shared_fini(&state);
}

int pawl_view_budgets(struct pawl_store *s, const struct pawl_config *config, struct pawl_arena *a,
                      struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_shared *rows = NULL;
    struct pawl_json_writer w = {.out = out};
    uint32_t count = 0;
    const int rc = s->shared(s, a, &rows, &count, err);
    if (rc) return rc;
    pawl_buf_text(out, "\"budgets\":");
    write_all(rows, count, config, a, &w);
    return a->failed || out->failed ? PAWL_ENOMEM : PAWL_OK;
}
