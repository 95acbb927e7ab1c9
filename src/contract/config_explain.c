/* src/contract/config_explain.c - a tool's contract in one line, for whoever is about to trust it.
 *
 * It says what policy/gate.c, dedupe.c and retry.c will do, defaults included: whether somebody is asked before, what
 * becomes of an answer that is lost, and what the same call again leads to. */
#include "contract/config.h"
#include "contract/units.h"

static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
static const int64_t day = INT64_C(86400000000000);

static void add_gate(const struct pawl_tool *t, struct pawl_buf *out)
{
    if (t->gate == PAWL_GATE_NONE) return;
    pawl_buf_text(out, t->gate == PAWL_GATE_ALWAYS ? ", asks a human" : ", asks a human where its condition holds");
    if (t->gate_quorum > 1) pawl_buf_printf(out, " (%u of", t->gate_quorum);
    else if (t->gate_approvers_count) pawl_buf_text(out, " (one of");
    if (t->gate_quorum > 1 && !t->gate_approvers_count) pawl_buf_text(out, " them");
    for (uint32_t i = 0; i < t->gate_approvers_count; i++)
        pawl_buf_printf(out, "%s %.*s", i ? "," : "", (int)t->gate_approvers[i].n, t->gate_approvers[i].p);
    if (t->gate_quorum > 1 || t->gate_approvers_count) pawl_buf_char(out, ')');
    if (t->gate_expires_ns == day && !t->gate_then_approve) return;
    pawl_buf_text(out, t->gate_then_approve ? " and is sent without a yes after " : " and is denied after ");
    pawl_unit_duration_text(t->gate_expires_ns, out);
}

/* May a look tell whether it happened, and how late? (LEDGER 3) */
static bool look_tells(const struct pawl_tool *t)
{
    return t->verify.tool.p && t->verify.settles_ns >= 0 && (t->verify.by_key.p || t->verify.expect);
}

static void add_look(const struct pawl_tool *t, struct pawl_buf *out)
{
    pawl_buf_str(out, t->verify.tool);
    if (!t->verify.by_key.p) pawl_buf_text(out, ", which looks before and after,");
    pawl_buf_text(out, " tells");
    if (t->verify.settles_ns > 0) {
        pawl_buf_char(out, ' ');
        pawl_unit_duration_text(t->verify.settles_ns, out);
        pawl_buf_text(out, " later");
    }
    pawl_buf_text(out, " whether it happened");
}

/* What stands in the contract for the day when an answer is lost. */
static void add_means(const struct pawl_tool *t, struct pawl_buf *out)
{
    if (t->key_declared) {
        pawl_buf_text(out, "; key honoured for ");
        pawl_unit_duration_text(t->remembered_for_ns, out);
    } else if (t->effect != PAWL_EFFECT_IDEMPOTENT) {
        pawl_buf_text(out, "; no key");
    }
    if (!t->verify.tool.p) {
        pawl_buf_text(out, t->key_declared || t->effect == PAWL_EFFECT_IDEMPOTENT ? "; no verify" : ", no verify");
    } else if (!look_tells(t)) {
        pawl_buf_text(out, "; ");
        pawl_buf_str(out, t->verify.tool);
        pawl_buf_text(out, t->verify.settles_ns < 0 ? " only reads back (verify says no settles)" : " only reads back");
    }
}

/* What is done about a lost answer, by the ladder of policy/retry.c. */
static void add_doubt(const struct pawl_tool *t, struct pawl_buf *out)
{
    const bool idempotent = t->effect == PAWL_EFFECT_IDEMPOTENT;
    const bool resends = (t->key_declared || idempotent) && t->retry.attempts > 1;
    pawl_buf_text(out, look_tells(t) ? "; a lost answer" : ": a lost answer");
    if (resends) {
        pawl_buf_text(out, idempotent ? " is sent again, " : " is sent again with the same key within that time, ");
        pawl_buf_printf(out, t->retry.attempts == 2 ? "once; " : "up to %u times; ", t->retry.attempts - 1);
        pawl_buf_text(out, "after that ");
    } else {
        pawl_buf_text(out, " is not sent again by itself: ");
    }
    if (!look_tells(t)) {
        pawl_buf_text(out, "a human is asked");
        return;
    }
    add_look(t, out);
    if (!resends && t->retry.attempts > 1) pawl_buf_text(out, ", and what did not is sent again");
    pawl_buf_text(out, "; where that cannot be told a human is asked");
}

/* The same call again, by policy/dedupe.c. */
static void add_repeat(const struct pawl_tool *t, struct pawl_buf *out)
{
    static const char *const scopes[] = {"the run", "its agent's runs", "runs of one key", "all runs"};
    if (t->effect == PAWL_EFFECT_IDEMPOTENT || t->repeat == PAWL_REPEAT_ALLOW) {
        pawl_buf_text(out, "; the same call again is sent again");
        return;
    }
    pawl_buf_text(out, t->dedupe_by_count > 0 ? "; a call with the same "
                       : t->dedupe_any        ? "; any call of it"
                                              : "; the same call");
    for (uint32_t i = 0; i < t->dedupe_by_count; i++) {
        if (i > 0) pawl_buf_text(out, i + 1 < t->dedupe_by_count ? ", " : " and ");
        pawl_buf_add(out, t->dedupe_by[i].p + 1, t->dedupe_by[i].n - 1);
    }
    pawl_buf_printf(out, " again in %s", scopes[t->scope]);
    if (t->within_ns > 0 && t->scope != PAWL_SCOPE_RUN) {
        pawl_buf_text(out, " within ");
        pawl_unit_duration_text(t->within_ns, out);
    }
    pawl_buf_text(out, t->repeat == PAWL_REPEAT_CONFIRM ? " is asked about" : " is answered from the first");
}

/* Its run is in the same store: what became of it is always known. */
static void add_child(const struct pawl_tool *t, struct pawl_buf *out)
{
    pawl_buf_text(out, "; starts a run of agent ");
    pawl_buf_str(out, t->child);
    pawl_buf_text(out, ", once, and waits for its answer");
    if (t->effect != PAWL_EFFECT_READ) add_repeat(t, out);
    if (t->effect != PAWL_EFFECT_READ && !t->undo_tool.p) pawl_buf_text(out, "; undone by undoing that run");
}

static void add_read(const struct pawl_tool *t, struct pawl_buf *out)
{
    if (t->retry.attempts > 1)
        pawl_buf_printf(out, "; a lost answer is asked for again, up to %u times", t->retry.attempts - 1);
    else pawl_buf_text(out, "; a lost answer is not asked for again");
    if (t->fresh_ns == 0) return;
    pawl_buf_text(out, "; the same call within ");
    pawl_unit_duration_text(t->fresh_ns, out);
    pawl_buf_text(out, " is answered from before");
}

static int explain_signal(const struct pawl_tool *t, struct pawl_buf *out)
{
    pawl_buf_text(out, ": waits for the signal ");
    pawl_buf_str(out, t->signal);
    pawl_buf_text(out, " for up to ");
    pawl_unit_duration_text(t->signal_ns, out);
    pawl_buf_text(out, t->otherwise.p ? "; then it answers what is fixed for that" : "; then it fails, as timeout");
    pawl_buf_text(out, "; a signal that comes before is kept");
    return out->failed ? PAWL_ENOMEM : PAWL_OK;
}

/* What becomes of a call that is accepted, by policy/async.c. */
static void add_async(const struct pawl_tool *t, struct pawl_buf *out)
{
    const struct pawl_async *a = &t->async;
    if (!a->on) return;
    pawl_buf_text(out, "; where it answers 202 ");
    if (a->polls) {
        pawl_buf_text(out, "it is asked every ");
        pawl_unit_duration_text(a->first_ns, out);
        if (a->max_ns > a->first_ns) pawl_buf_text(out, " to "), pawl_unit_duration_text(a->max_ns, out);
        if (pawl_async_calls_back(a)) pawl_buf_text(out, " and ");
    }
    if (pawl_async_calls_back(a)) pawl_buf_text(out, a->secret.p ? "it calls back, signed" : "it calls back");
    pawl_buf_text(out, t->effect == PAWL_EFFECT_READ ? "; not over after " : ", and is in doubt after ");
    pawl_unit_duration_text(a->deadline_ns, out);
}

/* What is looked at once it is done, by policy/check.c. */
static void add_checks(const struct pawl_tool *t, struct pawl_buf *out)
{
    unsigned then = 0;
    if (!t->checks_count) return;
    for (uint32_t i = 0; i < t->checks_count; i++) then |= t->checks[i].then;
    pawl_buf_printf(out, "; what came of it is checked (%u), and where that does not hold ", t->checks_count);
    if (then & PAWL_CHECK_UNDO) pawl_buf_text(out, "it is undone, ");
    if (then & PAWL_CHECK_ASK) pawl_buf_text(out, "a human is asked, ");
    pawl_buf_text(out, then & PAWL_CHECK_FAIL ? "the model gets an error" : "the model is told");
}

int pawl_config_explain(const struct pawl_tool *t, struct pawl_buf *out)
{
    pawl_buf_str(out, t->name);
    if (t->driver == PAWL_DRIVER_SIGNAL) return explain_signal(t, out);
    pawl_buf_printf(out, ": %s%s", effects[t->effect], t->effect_declared ? "" : " (no effect is declared)");
    add_gate(t, out);
    if (t->driver == PAWL_DRIVER_AGENT) {
        add_child(t, out);
    } else if (t->effect == PAWL_EFFECT_READ) {
        add_read(t, out);
    } else {
        add_means(t, out);
        add_doubt(t, out);
        add_repeat(t, out);
    }
    add_async(t, out);
    add_checks(t, out);
    if (t->undo_tool.p) {
        pawl_buf_text(out, "; undone by ");
        pawl_buf_str(out, t->undo_tool);
    }
    if (t->driver == PAWL_DRIVER_INPROCESS) pawl_buf_text(out, "; run by a program that registers it");
    return out->failed ? PAWL_ENOMEM : PAWL_OK;
}
