/* src/host/rest.c - where there has been nothing to do for a second, what was kept for speed goes back to the system: the
 * loop's shelf, the store's page cache, what libc holds. Once: then nothing wakes any more. */
#include "host/host.h"
#include "io/alloc.h"

enum { WORTH_IT = 256, AFTER_MS = 1000 };

static int store_rests(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    (void)job, (void)err;
    s->rest(s);
    return PAWL_OK;
}

static void rested(struct pawl_host_job *job)
{
    pawl_host_job_free(job);
    pawl_alloc_trim();
}

static void on_rest(uv_timer_t *t)
{
    struct pawl *p = t->data;
    struct pawl_host_job *job;
    if (p->worked != p->worked_before_rest) { /* it went on */
        pawl_host_rest_later(p);
        return;
    }
    p->worked = p->worked_before_rest = 0;
    pawl_shelf_trim(&p->shelf);
    if (!p->writer || !(job = pawl_host_job_new(p))) return;
    job->read = store_rests;
    job->after = rested;
    pawl_host_job_submit(job);
    pawl_host_flush(p);
}

void pawl_host_rest_later(struct pawl *p)
{
    if (p->worked < WORTH_IT || uv_is_active((uv_handle_t *)&p->rest)) return;
    p->worked_before_rest = p->worked;
    uv_timer_start(&p->rest, on_rest, AFTER_MS, 0);
}
