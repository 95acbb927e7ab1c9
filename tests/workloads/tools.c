/* tests/workloads/tools.c - the tools, as functions of the process that owns the store: each call is answered with what was
 * recorded for it. A success was applied, a refusal was not; where the recording breaks off nobody knows. */
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
#include "replay.h"

static void call(void *ctx, const struct pawl_tool_call *call,
                 void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct wl_recording *rec = wl_recording_of(ctx, call->run);
    struct wl_call *c = rec ? wl_call_at(rec, call->step) : NULL;
    static const char stray[] = "nothing was recorded for this call", lost[] = "the recording ends here";
    struct pawl_buf text;
    if (!c || !pawl_str_is(c->name, call->tool)) {
        if (rec) wl_trouble(ctx, rec, "step %u called %s, which was not recorded", call->step, call->tool);
        answer(answer_ctx, PAWL_TOOL_NOT_APPLIED, stray, sizeof stray - 1);
        return;
    }
    c->sent++;
    if (!c->has_result) {
        answer(answer_ctx, PAWL_TOOL_UNKNOWN, lost, sizeof lost - 1);
    } else if (c->refused) {
        answer(answer_ctx, PAWL_TOOL_NOT_APPLIED, c->content.p, c->content.n);
    } else if (c->tool->json) {
        answer(answer_ctx, PAWL_TOOL_APPLIED, c->content.p, c->content.n);
    } else {
        pawl_buf_init(&text, pawl_alloc_libc());
        pawl_json_quote(c->content, &text);
        answer(answer_ctx, PAWL_TOOL_APPLIED, pawl_buf_done(&text).p, text.n);
        pawl_buf_fini(&text);
    }
}

int wl_tools_register(struct wl_replay *r, struct pawl *p, struct pawl_error *err)
{
    for (uint32_t i = 0; i < r->data->envs_count; i++) {
        const struct wl_env *env = &r->data->envs[i];
        for (uint32_t k = 0; k < env->tools_count; k++) {
            const int rc = pawl_register_tool(p, env->tools[k].name, call, r, err);
            if (rc && rc != PAWL_ECONFLICT) return rc; /* two environments may share a name */
        }
    }
    return PAWL_OK;
}
