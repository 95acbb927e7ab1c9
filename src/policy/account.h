/* src/policy/account.h - what several runs spend together: an agent's runs, those of a day, of all, a run and its children.
 * The amounts are the store's shared rows, a row each ("budget cost spent agent refunds"), changed by adding to them in the
 * very commit of the record that says why: so they are the sum of what the journal says, whatever order commits take and
 * whichever of them are refused.
 *
 * Names: "all", "day 2026-11-21", "agent NAME", "agent NAME day 2026-11-21", "run ID". */
#pragma once
#include "journal/spending.h"
#include "policy/shared.h"

struct pawl_account {
    struct pawl_str name;
    struct pawl_spending spending; /* what was committed, and of what is on its way there all that leaves less room */
    struct pawl_line waiting;      /* for reservations of others to be settled */
};

enum { PAWL_ACCOUNT_NAME_MAX = 96 };

/* Made where there is none; NULL: no memory. Valid as long as the state. */
struct pawl_account *pawl_account(struct pawl_shared_state *s, struct pawl_str name);
const struct pawl_account *pawl_account_find(const struct pawl_shared_state *s, struct pawl_str name); /* NULL: none */
void pawl_accounts_fini(struct pawl_shared_state *s);

/* The row of one amount; the name is written into `text`. */
struct pawl_str pawl_account_row(char text[160], struct pawl_str account, enum pawl_spend what, enum pawl_budget_of of);
/* A row that was read, or an operation on one, into the account that it is of. What leaves less room counts as soon as it is
 * on its way; what leaves more (a reservation that is settled, a grant) not before it is stored: another reservation that
 * used that room and was durable first would not be covered after a crash between the two. Who waits there is woken where
 * there may be more room now. Other names: fine. PAWL_OK or PAWL_ENOMEM. */
enum pawl_account_when {
    PAWL_ACCOUNT_READ,   /* a row of the store: its value */
    PAWL_ACCOUNT_ASKED,  /* an operation is put into a commit, */
    PAWL_ACCOUNT_STORED, /* and that is durable, */
    PAWL_ACCOUNT_LOST    /* or came to nothing */
};
int pawl_account_apply(struct pawl_shared_state *s, struct pawl_str row, int64_t add, enum pawl_account_when when);

/* The row is gone: nothing of that amount is left. */
void pawl_account_dropped(struct pawl_shared_state *s, struct pawl_str row);

/* "2026-11-21", the UTC day of a wall clock time. */
void pawl_day_text(int64_t wall_ns, char out[16]);

/* Does one call more fit? `most` is the limit, `gone` what counts for good. */
enum pawl_fits {
    PAWL_FITS,
    PAWL_FITS_LATER, /* once others that are out have settled, it may */
    PAWL_FITS_NEVER  /* not with what is spent and estimated */
};
enum pawl_fits pawl_budget_fits(int64_t most, int64_t gone, int64_t reserved, int64_t need);
const char *pawl_budget_word(enum pawl_budget_of of); /* "steps", "tokens", "cost" */
