/* src/io/http_hedge.h - a read that is asked a second time beside the first where no answer has come for a while: the
 * first good answer counts, the other question is cancelled (J. Dean and L. Barroso, "The Tail at Scale", 2013).
 * Never for what may change something. */
#pragma once
#include "io/http_client.h"

struct pawl_http_hedge; /* valid until its on_done returns, or cancelled */

/* As pawl_http_start; call->changes must not be set, nor on_head and on_data. after_ns > 0 and below the total timeout, which
 * bounds both. result->hedged: a second question was sent. Errors are those of pawl_http_start. */
int pawl_http_hedge_start(struct pawl_http_client *c, uv_loop_t *loop, const struct pawl_http_call *call,
                          int64_t after_ns, struct pawl_http_hedge **out, struct pawl_error *err);
void pawl_http_hedge_cancel(struct pawl_http_hedge *h);
