/* src/journal/record.c - names of kinds, the hash of a record, the check of a chain. The rule is record.h's. */
#include "journal/record.h"
#include <assert.h>
#include <string.h>

static const char *const names[PAWL_KIND_COUNT] = {
    [PAWL_KIND_NONE] = "",
    [PAWL_RUN_CREATED] = "run.created",
    [PAWL_RUN_ENDED] = "run.ended",
    [PAWL_RUN_CANCELLED] = "run.cancelled",
    [PAWL_RUN_FORKED] = "run.forked",
    [PAWL_STEP_INTENDED] = "step.intended",
    [PAWL_STEP_ATTEMPTED] = "step.attempted",
    [PAWL_STEP_COMPLETED] = "step.completed",
    [PAWL_STEP_FAILED] = "step.failed",
    [PAWL_STEP_IN_DOUBT] = "step.in_doubt",
    [PAWL_STEP_RESOLVED] = "step.resolved",
    [PAWL_GATE_ASKED] = "gate.asked",
    [PAWL_GATE_ANSWERED] = "gate.answered",
    [PAWL_TIMER_SET] = "timer.set",
    [PAWL_TIMER_FIRED] = "timer.fired",
    [PAWL_SIGNAL_RECEIVED] = "signal.received",
    [PAWL_CHILD_STARTED] = "child.started",
    [PAWL_CHILD_ENDED] = "child.ended",
    [PAWL_EVENT_PUBLISHED] = "event.published",
    [PAWL_EVENT_RECEIVED] = "event.received",
    [PAWL_FACT_WRITTEN] = "fact.written",
    [PAWL_BUDGET_SETTLED] = "budget.settled",
    [PAWL_GUARD_TRIPPED] = "guard.tripped",
    [PAWL_CONTEXT_PRUNED] = "context.pruned",
    [PAWL_UNDO_STARTED] = "undo.started",
    [PAWL_UNDO_ENDED] = "undo.ended",
    [PAWL_NOTE] = "note",
    [PAWL_RUN_RETRIED] = "run.retried",
    [PAWL_UNDO_ASKED] = "undo.asked",
    [PAWL_STEP_ACCEPTED] = "step.accepted",
    [PAWL_STEP_POLLED] = "step.polled",
    [PAWL_STEP_CALLED] = "step.called",
    [PAWL_OPINION_ASKED] = "opinion.asked",
    [PAWL_OPINION_JUDGED] = "opinion.judged",
};
enum { NAME_MAX_BYTES = 16 }; /* the longest: signal.received */

const char *pawl_kind_name(enum pawl_kind k)
{
    assert((unsigned)k < PAWL_KIND_COUNT);
    return names[k];
}

enum pawl_kind pawl_kind_of(struct pawl_str name)
{
    for (int k = PAWL_KIND_NONE + 1; k < PAWL_KIND_COUNT; k++)
        if (pawl_str_is(name, names[k])) return (enum pawl_kind)k;
    return PAWL_KIND_NONE;
}

static uint8_t *put(uint8_t *to, const void *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

static uint8_t *put_u64(uint8_t *to, uint64_t v)
{
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(v >> (56 - 8 * i));
    return to + 8;
}

struct pawl_hash pawl_record_hash(const struct pawl_record *r, struct pawl_hash previous)
{
    const char *name = pawl_kind_name(r->kind);
    const size_t name_bytes = strlen(name);
    const struct pawl_str salted[2] = {{(const char *)r->salt, sizeof r->salt}, r->body};
    const struct pawl_hash body = pawl_sha256_parts(salted, 2);
    uint8_t all[32 + 16 + 8 + 8 + 8 + NAME_MAX_BYTES + 8 + 8 + 32], *end = all;

    assert(r->kind != PAWL_KIND_NONE);
    assert(name_bytes <= NAME_MAX_BYTES);
    end = put(end, previous.b, sizeof previous.b);
    end = put(end, r->run.b, sizeof r->run.b);
    end = put_u64(end, r->seq);
    end = put_u64(end, (uint64_t)r->at_ns);
    end = put_u64(end, name_bytes);
    end = put(end, name, name_bytes);
    end = put_u64(end, r->step);
    end = put_u64(end, r->cause);
    end = put(end, body.b, sizeof body.b);
    return pawl_sha256(all, (size_t)(end - all));
}

static int broken(const struct pawl_record *r, const char *what, struct pawl_error *err)
{
    char run[PAWL_ID_TEXT];
    pawl_id_text(r->run, run);
    return pawl_fail(err, PAWL_ECORRUPT, run, "compare with a backup: this journal was changed after it was written",
                     "record %llu: %s", (unsigned long long)r->seq, what);
}

int pawl_chain_check(const struct pawl_record *records, uint32_t count, struct pawl_hash *last, struct pawl_error *err)
{
    struct pawl_hash hash = {{0}};
    for (uint32_t i = 0; i < count; i++) {
        const struct pawl_record *r = &records[i];
        if (r->seq != (uint64_t)i + 1) {
            char run[PAWL_ID_TEXT];
            pawl_id_text(r->run, run);
            return pawl_fail(err, PAWL_ECORRUPT, run, "compare with a backup: records are missing or out of order",
                             "record %llu: expected here, found record %llu", (unsigned long long)i + 1,
                             (unsigned long long)r->seq);
        }
        if (!pawl_id_eq(r->run, records[0].run)) return broken(r, "expected the run of record 1, found another", err);
        if ((unsigned)r->kind - 1U >= PAWL_KIND_COUNT - 1U) return broken(r, "its kind is none that there is", err);
        if (i > 0 && r->at_ns < records[i - 1].at_ns) return broken(r, "its time is before the record before it", err);
        hash = pawl_record_hash(r, hash);
        if (memcmp(hash.b, r->hash.b, sizeof hash.b) != 0) return broken(r, "its hash is not what it must be", err);
    }
    if (last != NULL) *last = hash;
    return PAWL_OK;
}
