/* src/host/embed.c - see embed.h. */
#include "host/embed.h"
#include "host/host.h"

uv_loop_t *pawl_host_loop(struct pawl *p)
{
    return &p->loop;
}

const struct pawl_config *pawl_host_config(const struct pawl *p)
{
    return p->config;
}

const char *pawl_host_store_path(const struct pawl *p)
{
    return p->store_path;
}

uint32_t pawl_host_hot(const struct pawl *p)
{
    return p->engine ? pawl_engine_hot(p->engine) : 0;
}

uint32_t pawl_host_under_way(const struct pawl *p)
{
    uint32_t n = 0;
    for (const struct pawl_attempt_run *r = p->attempts; r; r = r->next) n++;
    return n;
}

bool pawl_host_handing_over(const struct pawl *p)
{
    return p->handing_over;
}

void pawl_host_watch(struct pawl *p, void (*committed)(void *ctx, const struct pawl_commit *c), void *ctx)
{
    p->watch = committed;
    p->watch_ctx = ctx;
}

void pawl_host_listens(struct pawl *p, const char *url)
{
    p->listens_at = url;
}
