/* src/engine/signal.c - a signal comes in: kept by its name until a step takes it, confirmed when it is durable. One that
 * comes before anybody waits is kept; one with a key that was seen is the same one, however often it is said. */
#include "contract/wait.h"
#include "engine/hot.h"
#include <string.h>

static const struct pawl_refusal fine = {0, NULL, NULL};

bool pawl_signal_known(const struct pawl_run *run, const struct pawl_request *r)
{
    const struct pawl_signal *g = r->what == PAWL_ASK_SIGNAL ? pawl_run_signal_keyed(run, r->agent, r->key) : NULL;
    return g && pawl_str_eq(g->payload, r->result);
}

/* The tool of a step that waits for it now; NULL: none does. */
static const struct pawl_tool *waits(const struct pawl_hot *h, struct pawl_str name)
{
    for (uint32_t i = h->run.ended_to; i < h->run.steps_count; i++) {
        const struct pawl_step *s = h->run.steps[i];
        if (s->state != PAWL_STEP_INTENDED_STATE || !pawl_str_eq(s->awaits, name)) continue;
        return pawl_agent_tool(h->agent, s->name);
    }
    return NULL;
}

/* Who sends it hears at once that nobody can use it, where that is known already. NULL: it fits. */
static const char *misfit(struct pawl_hot *h, const struct pawl_tool *t, struct pawl_str payload)
{
    struct pawl_schema_report report = {0};
    struct pawl_buf b;
    yyjson_val *v;
    if (!t || !t->output || pawl_json_read(payload, &h->e->step, &v, NULL)) return NULL;
    if (pawl_schema_check(t->output, v, NULL, &report) == PAWL_OK || !report.count) return NULL;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_buf_printf(&b, "the signal does not fit what waits for it: %s%s%s", report.violations[0].instance,
                    report.violations[0].instance[0] ? ": " : "", report.violations[0].says);
    return pawl_buf_done(&b).p ? b.p : "the signal does not fit what waits for it";
}

static struct pawl_refusal refused(struct pawl_hot *h, const struct pawl_request *r)
{
    const struct pawl_run *run = &h->run;
    const char *why;
    yyjson_val *v;
    if (!pawl_signal_name(r->agent))
        return (struct pawl_refusal){PAWL_EINVAL,
                                     "a signal's name is 1 to 64 of letters, digits, dots, colons, _ and -",
                                     "pawl signal RUN NAME [JSON]"};
    if (r->result.n > PAWL_SIGNAL_BYTES_MAX)
        return (struct pawl_refusal){PAWL_ELIMIT, "a signal carries at most 64 KiB",
                                     "send where the rest is to be found"};
    if (r->key.n > 256) return (struct pawl_refusal){PAWL_ELIMIT, "a signal's key has at most 256 bytes", "shorten it"};
    if (pawl_json_read(r->result, &h->e->step, &v, NULL))
        return (struct pawl_refusal){PAWL_EINVAL, "the payload is not JSON",
                                     "'{\"paid\": true}', in quotes for the shell"};
    if (run->ending) return (struct pawl_refusal){PAWL_ECONFLICT, "the run is being stopped", "pawl show RUN"};
    if (run->signals_count - run->signals_taken >= PAWL_SIGNALS_KEPT_MAX || run->signals_count >= PAWL_SIGNALS_MAX)
        return (struct pawl_refusal){PAWL_EFULL, "the run has as many signals as it keeps, and nobody takes them",
                                     "pawl show RUN says what it waits for"};
    if ((why = misfit(h, waits(h, r->agent), r->result)) != NULL)
        return (struct pawl_refusal){PAWL_EINVAL, why, "pawl check shows what the tool's output must be"};
    return fine;
}

struct pawl_refusal pawl_signal_take(struct pawl_hot *h, const struct pawl_request *r)
{
    const struct pawl_signal *same = pawl_run_signal_keyed(&h->run, r->agent, r->key);
    const struct pawl_refusal no = same ? fine : refused(h, r);
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (same && !pawl_str_eq(same->payload, r->result))
        return (struct pawl_refusal){PAWL_ECONFLICT, "a signal with this key came already, and said something else",
                                     "use another key"};
    if (no.code || (same && !r->id.p)) return no;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    if (!same) pawl_jw_put_str(&w, "name", r->agent);
    if (!same) pawl_jw_put_str(&w, "key", r->key);
    pawl_jw_put_str(&w, "by", r->by);
    pawl_jw_put_str(&w, "id", r->id);
    if (!same) pawl_jw_key(&w, "payload"), pawl_jw_raw(&w, r->result);
    pawl_jw_close(&w, '}');
    pawl_hot_append(h, same ? PAWL_NOTE : PAWL_SIGNAL_RECEIVED, 0, pawl_buf_done(&b));
    for (struct pawl_slot *s = h->slots; s && !h->e->rc; s = s->next) /* the first step that waits takes it */
        if (s->pass.want == PAWL_WANT_SIGNAL && !s->pass.ended && pawl_tool_hears(s->pass.tool, r->agent))
            pawl_slot_drive(s);
    return fine;
}
