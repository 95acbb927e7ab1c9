/* src/store/sqlite_known.c - what the file has of the runs that are at work: kept beside it, so that no commit of theirs asks
 * for it, and so that one that moves no index can be told from one that does. The file has one writer, this one, so what
 * was committed is what is there; a rollback forgets all. A run that parks or ends is forgotten: a parked run costs a
 * row, nothing here. Where there is no memory for it the file is asked, as ever. */
#include <string.h>
#include "base/error.h"
#include "store/sqlite_db.h"

struct pawl_sqlite_known *pawl_sqlite_known(const struct pawl_sqlite *q, struct pawl_id run)
{
    return pawl_map_get(&q->known, run.b, sizeof run.b);
}

static void forget(struct pawl_sqlite *q, struct pawl_id run)
{
    struct pawl_sqlite_known *k = pawl_map_take(&q->known, run.b, sizeof run.b);
    if (k != NULL) q->from->resize(q->from->ctx, k, sizeof *k, 0);
}

void pawl_sqlite_know(struct pawl_sqlite *q, const struct pawl_head *h, int64_t run, int64_t last)
{
    struct pawl_sqlite_known *k;
    if (h->wake_ns != 0 || pawl_status_ended(h->status)) {
        forget(q, h->run);
        return;
    }
    k = pawl_sqlite_known(q, h->run);
    if (k == NULL) {
        k = q->from->resize(q->from->ctx, NULL, 0, sizeof *k);
        if (k == NULL) return;
        if (pawl_map_put(&q->known, h->run.b, sizeof h->run.b, k) != PAWL_OK) {
            q->from->resize(q->from->ctx, k, sizeof *k, 0);
            return;
        }
    }
    *k = (struct pawl_sqlite_known){.run = run, .last = last, .head = *h};
    k->head.agent = k->head.key = (struct pawl_str){NULL, 0}; /* the caller's memory */
}

void pawl_sqlite_forget_all(struct pawl_sqlite *q)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&q->known, &i)) != NULL;)
        q->from->resize(q->from->ctx, e->value, sizeof(struct pawl_sqlite_known), 0);
    pawl_map_fini(&q->known);
}

bool pawl_sqlite_moves_on(const struct pawl_sqlite_known *k, const struct pawl_head *h)
{
    const struct pawl_head *was = &k->head;
    return was->status == h->status && was->waiting == h->waiting && was->waiting_step == h->waiting_step &&
           was->epoch == h->epoch && was->owner == h->owner &&
           was->claims_without_progress == h->claims_without_progress && was->wake_ns == h->wake_ns &&
           was->created_ns == h->created_ns && memcmp(was->config.b, h->config.b, sizeof h->config.b) == 0;
}
