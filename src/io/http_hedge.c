/* src/io/http_hedge.c - see http_hedge.h. An answer below 500 is good; of two that are not, the last one counts. */
#include "io/http_hedge.h"
#include <assert.h>
#include <stdlib.h>

struct pawl_http_hedge {
    struct pawl_http_client *client;
    struct pawl_http_call call; /* the caller's; its texts are lent until we are done */
    struct side {
        struct pawl_http_hedge *of;
        struct pawl_http_request *request; /* NULL: not under way */
    } sides[2];
    uv_timer_t timer;
    bool hedged;
};

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

static void end(struct pawl_http_hedge *h)
{
    for (int i = 0; i < 2; i++)
        if (h->sides[i].request) pawl_http_cancel(h->sides[i].request);
    uv_close((uv_handle_t *)&h->timer, on_closed);
}

static void on_done(void *ctx, const struct pawl_http_result *result)
{
    struct side *side = ctx;
    struct pawl_http_hedge *h = side->of;
    const struct side *other = &h->sides[side == h->sides];
    const bool good = result->end == PAWL_HTTP_ANSWERED && result->status < 500;
    struct pawl_http_result told = *result;
    side->request = NULL;
    if (!good && other->request) return; /* perhaps the other one is luckier */
    told.hedged = h->hedged;
    const struct pawl_http_call call = h->call;
    end(h);
    call.on_done(call.ctx, &told);
}

static int ask(struct pawl_http_hedge *h, struct side *side, struct pawl_error *err)
{
    struct pawl_http_call call = h->call;
    side->of = h;
    call.on_done = on_done;
    call.ctx = side;
    return pawl_http_start(h->client, &call, &side->request, err);
}

static void on_timer(uv_timer_t *t)
{
    struct pawl_http_hedge *h = t->data;
    struct pawl_error err;
    h->call.total_timeout_ns -= (int64_t)uv_timer_get_repeat(t) * 1000000;
    uv_timer_stop(t);
    if (h->call.first_byte_timeout_ns > h->call.total_timeout_ns)
        h->call.first_byte_timeout_ns = h->call.total_timeout_ns;
    if (h->call.connect_timeout_ns > h->call.total_timeout_ns) h->call.connect_timeout_ns = h->call.total_timeout_ns;
    if (ask(h, &h->sides[1], &err) == PAWL_OK) h->hedged = true; /* else the first one goes on alone */
}

int pawl_http_hedge_start(struct pawl_http_client *c, uv_loop_t *loop, const struct pawl_http_call *call,
                          int64_t after_ns, struct pawl_http_hedge **out, struct pawl_error *err)
{
    const uint64_t after_ms = (uint64_t)((after_ns + 999999) / 1000000);
    struct pawl_http_hedge *h = calloc(1, sizeof *h);
    int rc;
    assert(!call->changes && !call->on_head && !call->on_data);
    *out = NULL;
    if (!h) return PAWL_ENOMEM;
    h->client = c;
    h->call = *call;
    if ((rc = ask(h, &h->sides[0], err)) != PAWL_OK) {
        free(h);
        return rc;
    }
    uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    uv_update_time(loop);
    if ((int64_t)after_ms * 1000000 < call->total_timeout_ns) uv_timer_start(&h->timer, on_timer, after_ms, after_ms);
    *out = h;
    return PAWL_OK;
}

void pawl_http_hedge_cancel(struct pawl_http_hedge *h)
{
    end(h);
}
