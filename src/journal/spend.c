/* src/journal/spend.c - see spend.h. */
#include "journal/spend.h"
#include <string.h>

static const char *const amounts[PAWL_BUDGET_OFS] = {"steps", "tokens", "cost"};

/* false: one is negative. */
static bool read_amounts(yyjson_val *v, int64_t out[PAWL_BUDGET_OFS])
{
    bool fine = true;
    for (int i = 0; i < PAWL_BUDGET_OFS; i++) {
        out[i] = pawl_json_i64(v, amounts[i], 0);
        fine = fine && out[i] >= 0;
    }
    return fine;
}

static void add_amounts(int64_t to[PAWL_BUDGET_OFS], const int64_t by[PAWL_BUDGET_OFS], int sign)
{
    for (int i = 0; i < PAWL_BUDGET_OFS; i++) to[i] = pawl_spend_sum(to[i], sign * by[i]);
}

/* A list of names, kept. PAWL_ENOMEM. */
static int keep_names(struct pawl_run *run, yyjson_val *list, const struct pawl_str **out, uint32_t *count)
{
    struct pawl_str *names = pawl_arena_get(run->arena, (yyjson_arr_size(list) + 1) * sizeof *names);
    yyjson_val *v;
    size_t i, n;
    *count = 0;
    if (!names) return PAWL_ENOMEM;
    yyjson_arr_foreach(list, i, n, v) names[(*count)++] = pawl_str_copy(run->arena, pawl_json_value_str(v));
    *out = names;
    return PAWL_OK;
}

int pawl_spend_payers(struct pawl_run *run, yyjson_val *body)
{
    yyjson_val *list = yyjson_obj_get(body, "payers"), *v;
    struct pawl_payer *payers;
    char own[PAWL_ID_TEXT + 4] = "run ";
    size_t i, n;
    if (!yyjson_arr_size(list)) return PAWL_OK;
    payers = pawl_arena_zeroed(run->arena, yyjson_arr_size(list) * sizeof *payers);
    if (!payers) return PAWL_ENOMEM;
    yyjson_arr_foreach(list, i, n, v)
    {
        struct pawl_payer *p = &payers[run->payers_count++];
        p->account = pawl_str_copy(run->arena, pawl_json_str(v, "account"));
        read_amounts(v, p->most);
    }
    run->payers = payers;
    pawl_id_text(run->id, own + 4);
    run->payers_own = pawl_str_is(payers[0].account, own);
    return PAWL_OK;
}

/* An attempt leaves: what it may cost at worst. */
int pawl_spend_reserve(struct pawl_run *run, struct pawl_step *s, yyjson_val *body, const char **what)
{
    yyjson_val *reserve = yyjson_obj_get(body, "reserve");
    if (!reserve) return PAWL_OK;
    if (s->reserves) return *what = "reserves before what is out was settled", PAWL_ECORRUPT;
    if (!read_amounts(reserve, s->reserved)) return *what = "reserves less than nothing", PAWL_ECORRUPT;
    if (keep_names(run, yyjson_obj_get(reserve, "accounts"), &s->accounts, &s->accounts_count)) return PAWL_ENOMEM;
    s->reserves = true;
    add_amounts(run->spending.of[PAWL_RESERVED], s->reserved, 1);
    return PAWL_OK;
}

int pawl_spend_settle(struct pawl_run *run, struct pawl_step *s, yyjson_val *body, const char **what)
{
    const bool estimated = pawl_json_bool(body, "estimated", false);
    int64_t by[PAWL_BUDGET_OFS];
    if (!s->reserves) return *what = "settles what was not reserved", PAWL_ECORRUPT;
    if (!read_amounts(body, by)) return *what = "spends less than nothing", PAWL_ECORRUPT;
    add_amounts(run->spending.of[PAWL_RESERVED], s->reserved, -1);
    add_amounts(run->spending.of[estimated ? PAWL_ESTIMATED : PAWL_SPENT], by, 1);
    add_amounts(estimated ? s->estimated : s->spent, by, 1);
    s->reserves = false;
    memset(s->reserved, 0, sizeof s->reserved);
    return PAWL_OK;
}

void pawl_spend_short(struct pawl_run *run, struct pawl_step *s, yyjson_val *body)
{
    yyjson_val *v = yyjson_obj_get(body, "budget");
    const struct pawl_str what = pawl_json_str(v, "of"), account = pawl_json_str(v, "account");
    s->shortage = (struct pawl_shortage){.account = account.p ? pawl_str_copy(run->arena, account) : account,
                                         .most = pawl_json_i64(v, "most", 0),
                                         .gone = pawl_json_i64(v, "gone", 0),
                                         .reserved = pawl_json_i64(v, "reserved", 0),
                                         .need = pawl_json_i64(v, "need", 0),
                                         .more = pawl_json_i64(v, "more", 0)};
    for (int i = 0; i < PAWL_BUDGET_OFS; i++)
        if (pawl_str_is(what, amounts[i])) s->shortage.of = (enum pawl_budget_of)i;
}

void pawl_spend_grant(struct pawl_run *run, const struct pawl_step *s, yyjson_val *body)
{
    int64_t *granted = &run->spending.of[PAWL_GRANTED][s->shortage.of];
    const int64_t more = pawl_json_i64(body, "more", 0);
    const bool own = pawl_str_is(s->shortage.account, "run") ||
                     (run->payers_own && pawl_str_eq(s->shortage.account, run->payers[0].account));
    if (own && more > 0) *granted = pawl_spend_sum(*granted, more);
}

void pawl_spend_anew(struct pawl_run *run)
{
    for (int i = 0; i < PAWL_BUDGET_OFS; i++)
        run->gone_before[i] = pawl_spend_gone(&run->spending, (enum pawl_budget_of)i);
    run->payers_count = run->payers_own;
}
