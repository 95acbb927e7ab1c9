/* src/policy/account.c - see account.h. */
#include "policy/account.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const whats[PAWL_SPENDS] = {"spent", "reserved", "estimated", "granted"};
static const char *const ofs[PAWL_BUDGET_OFS] = {"steps", "tokens", "cost"};

const char *pawl_budget_word(enum pawl_budget_of of)
{
    assert((unsigned)of < PAWL_BUDGET_OFS);
    return ofs[of];
}

enum pawl_fits pawl_budget_fits(int64_t most, int64_t gone, int64_t reserved, int64_t need)
{
    assert(most >= 0 && gone >= 0 && reserved >= 0 && need >= 0);
    if (pawl_spend_sum(gone, need) > most) return PAWL_FITS_NEVER;
    return pawl_spend_sum(pawl_spend_sum(gone, reserved), need) > most ? PAWL_FITS_LATER : PAWL_FITS;
}

const struct pawl_account *pawl_account_find(const struct pawl_shared_state *s, struct pawl_str name)
{
    return pawl_map_get(&s->accounts, name.p, name.n);
}

struct pawl_account *pawl_account(struct pawl_shared_state *s, struct pawl_str name)
{
    struct pawl_account *a = pawl_map_get(&s->accounts, name.p, name.n);
    const size_t bytes = sizeof *a + name.n;
    if (a) return a;
    a = s->from->resize(s->from->ctx, NULL, 0, bytes);
    if (!a) return NULL;
    memset(a, 0, sizeof *a);
    memcpy(a + 1, name.p, name.n);
    a->name = (struct pawl_str){(const char *)(a + 1), name.n};
    if (pawl_map_put(&s->accounts, name.p, name.n, a) == PAWL_OK) return a;
    s->from->resize(s->from->ctx, a, bytes, 0);
    return NULL;
}

void pawl_accounts_fini(struct pawl_shared_state *s)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&s->accounts, &i)) != NULL;) {
        struct pawl_account *a = e->value;
        s->from->resize(s->from->ctx, a, sizeof *a + a->name.n, 0);
    }
    pawl_map_fini(&s->accounts);
}

struct pawl_str pawl_account_row(char text[160], struct pawl_str account, enum pawl_spend what, enum pawl_budget_of of)
{
    const int n = snprintf(text, 160, "budget %s %s %.*s", ofs[of], whats[what],
                           account.n > PAWL_ACCOUNT_NAME_MAX ? PAWL_ACCOUNT_NAME_MAX : (int)account.n, account.p);
    assert(n > 0 && n < 160);
    return (struct pawl_str){text, (uint32_t)n};
}

/* The next word is one of these? Then *rest begins behind it. */
static int word_of(struct pawl_str *rest, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        const uint32_t n = (uint32_t)strlen(words[i]);
        if (rest->n <= n || rest->p[n] != ' ' || memcmp(rest->p, words[i], n) != 0) continue;
        *rest = (struct pawl_str){rest->p + n + 1, rest->n - n - 1};
        return i;
    }
    return -1;
}

/* Which amount of which account this row is; {NULL,0}: none. */
static struct pawl_str row_of(struct pawl_str row, int *of, int *what)
{
    static const char *const begin[] = {"budget"};
    const struct pawl_str none = {NULL, 0};
    if (word_of(&row, begin, 1) < 0 || (*of = word_of(&row, ofs, PAWL_BUDGET_OFS)) < 0) return none;
    return (*what = word_of(&row, whats, PAWL_SPENDS)) < 0 ? none : row;
}

int pawl_account_apply(struct pawl_shared_state *s, struct pawl_str row, int64_t add, enum pawl_account_when when)
{
    struct pawl_account *a;
    int of = 0, what = 0;
    const struct pawl_str name = row_of(row, &of, &what);
    if (!name.p) return PAWL_OK;
    const bool loosens = what == PAWL_GRANTED ? add > 0 : add < 0;
    a = pawl_account(s, name);
    if (!a) return PAWL_ENOMEM;
    if (when == PAWL_ACCOUNT_STORED ? !loosens : when != PAWL_ACCOUNT_READ && loosens) return PAWL_OK;
    int64_t *v = &a->spending.of[what][of];
    *v = pawl_spend_sum(*v, when == PAWL_ACCOUNT_LOST ? -add : add);
    if (*v < 0) *v = 0; /* its run has ended meanwhile, and the row is gone */
    if (when == PAWL_ACCOUNT_STORED || when == PAWL_ACCOUNT_LOST) pawl_line_wake(s, &a->waiting, a->waiting.count);
    return PAWL_OK;
}

void pawl_account_dropped(struct pawl_shared_state *s, struct pawl_str row)
{
    int of = 0, what = 0;
    const struct pawl_str name = row_of(row, &of, &what);
    struct pawl_account *a = name.p ? pawl_map_get(&s->accounts, name.p, name.n) : NULL;
    if (!a) return;
    a->spending.of[what][of] = 0;
    pawl_line_wake(s, &a->waiting, a->waiting.count);
}

/* Days of the proleptic Gregorian calendar, counted in eras of 400 years from 1 March of year 0. */
void pawl_day_text(int64_t wall_ns, char out[16])
{
    const int64_t day_ns = INT64_C(86400000000000);
    const int64_t days = (wall_ns >= 0 ? wall_ns / day_ns : -((day_ns - 1 - wall_ns) / day_ns)) + 719468;
    const int64_t era = days / 146097, in_era = days % 146097;
    const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const int64_t in_year = in_era - (365 * year + year / 4 - year / 100), month = (5 * in_year + 2) / 153;
    const int day = (int)(in_year - (153 * month + 2) / 5 + 1), m = (int)(month < 10 ? month + 3 : month - 9);
    const int y = (int)(year + era * 400 + (m <= 2));
    snprintf(out, 16, "%04u-%02u-%02u", (unsigned)y % 10000, (unsigned)m % 100, (unsigned)day % 100);
}
