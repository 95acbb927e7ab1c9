/* src/policy/budget.h - stage 6: what a model call may cost at worst is reserved before it leaves, in the commit of its
 * intent, against the run, its agent, the day and the runs that it is a child of; what it did cost is settled in the commit
 * of its result. What nobody knows the cost of (a crash, a lost answer) is charged in full, as `estimated`.
 *
 *   step.intended, step.attempted {reserve} --> out --> budget.settled {spent} | budget.settled {estimated}
 *
 * The worst case: every byte of the request a token (no tokenizer makes more of one), and the longest answer that the
 * provider is told to give. So what is spent and estimated never passes a limit. A call that does not fit because of what
 * others have out waits for them; one that does not fit even so is answered as the configuration says. */
#pragma once
#include "policy/account.h"
#include "policy/pass.h"

enum { PAWL_BUDGET_PURSES = 16, PAWL_OUTPUT_TOKENS = 4096 };

struct pawl_purse {                /* one thing that a call must be paid from */
    struct pawl_str name;          /* "run": the run's own fold; else an account's */
    struct pawl_account *account;  /* NULL: the run's own */
    int64_t most[PAWL_BUDGET_OFS]; /* the configured limit; 0: none */
};
struct pawl_purses {
    struct pawl_purse of[PAWL_BUDGET_PURSES];
    uint32_t count;
    int64_t day; /* for which they were found */
};

/* What this pass's call may cost at worst, for its request as it stands. */
void pawl_budget_need(const struct pawl_pass *p, int64_t need[PAWL_BUDGET_OFS]);
/* Is it still so, in the commit that announces the attempt? What does not fit any more goes back to the stage. */
bool pawl_budget_still(struct pawl_pass *p);
/* The member `reserve` of the record that announces the attempt; then, behind that record, the accounts. Nothing is
 * reserved where no limit and no price is: fine. May set p->rc. */
void pawl_budget_write(struct pawl_pass *p, struct pawl_json_writer *w);
void pawl_budget_reserved(struct pawl_pass *p);
/* The attempt has ended: by its outcome, where there is one. Nothing is reserved: fine. */
enum pawl_verdict pawl_budget_settle(struct pawl_pass *p, bool unsent);

/* Who pays for a run, beside its agent and the day: the member `payers` of run.created, where there is a limit to keep: its
 * own account ("run ID", where it may start runs), and those of the runs above it, with what each may spend. */
enum { PAWL_PAYER_NAME = 48, PAWL_PAYER_ROWS = PAWL_SPENDS * PAWL_BUDGET_OFS };
void pawl_payers_write(struct pawl_id run, const struct pawl_config *c, const struct pawl_agent *agent,
                       const struct pawl_run *parent, struct pawl_json_writer *w);
/* The run has ended: its account's rows go. How many operations, names in `a`. */
uint32_t pawl_payers_close(const struct pawl_run *run, struct pawl_arena *a,
                           struct pawl_shared_op ops[PAWL_PAYER_ROWS]);

struct pawl_settlement { /* what becomes of a step's reservation */
    int64_t amount[PAWL_BUDGET_OFS];
    bool estimated;
    int64_t input, cached, output; /* tokens as the provider counted them; < 0: it did not */
};
/* The record's body, and the operations on accounts: at most `pawl_budget_ops_max(s)` of them, names in `a`. */
uint32_t pawl_budget_ops_max(const struct pawl_step *s);
int pawl_budget_close(const struct pawl_step *s, const struct pawl_settlement *by, struct pawl_arena *a,
                      struct pawl_str *body, struct pawl_shared_op *ops, uint32_t *count);
/* A yes to the question of a budget: how much more there is. `text`: what the person said ("0.50 USD", "100k", as JSON
 * text), {NULL,0}: as much as was proposed. false: it is no such amount. */
bool pawl_budget_more(const struct pawl_shortage *s, yyjson_val *said, int64_t *more);
/* For people: an amount of it, "0.50 USD", "12.4k tokens", "3 steps". */
void pawl_budget_amount_text(enum pawl_budget_of of, int64_t amount, struct pawl_buf *out);
/* Whose it is, for people: "of this run", "of agent refunds on 2026-11-21". */
void pawl_budget_whose(struct pawl_str account, struct pawl_buf *out);
