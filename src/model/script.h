/* src/model/script.h - provider script: a model whose answers stand in the configuration, for tests and the simulator.
 *
 * m->script is a JSON array, checked by contract/config_script.c. Answer number N is given to the request with N
 * assistant messages before it:
 *   {"say": TEXT}                            a final answer
 *   {"call": CALL} {"calls": [CALL, …]}      tool calls; "say" may stand beside them
 *       CALL: {"refund": {"order_id": 7}}    the tool's name and its arguments; a text instead of an object goes out
 *                                            as it is, so {"refund": "{\"ord"} plays a model whose JSON is cut, or
 *             {"name": TEXT, "args": {…} or TEXT, "id": TEXT?}
 *   {"refusal": TEXT}
 *   and beside any of them: "finish": stop|length|tool_calls|content_filter, "usage": {"input": N, "cached": N,
 *       "output": N}
 *   {"fail": FAIL}  FAIL: a status, or {"status": N, "code", "type", "message": TEXT, "retry_after": N or TEXT,
 *       "retry_after_ms": N, "should_retry": true|false, "body": TEXT, "content_type": TEXT, "times": N} or
 *       {"hang": true} (no answer in time), {"cut": true} (lost in the middle), {"refuse": true} (no connection).
 *       Where an answer stands beside "fail" it is given once the first `times` attempts (1 by default) have failed. */
#pragma once
#include "model/model.h"

/* As pawl_script_reply, which is attempt 1. attempt from 1. */
void pawl_script_reply_at(const struct pawl_model *m, uint32_t turn, uint32_t attempt, struct pawl_arena *a,
                          struct pawl_reply *out);
