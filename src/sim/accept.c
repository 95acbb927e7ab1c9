/* src/sim/accept.c - tools that answer 202 and end the call later: what their monitors say, and the truth behind it. A tool is
 * async or not by its seed and number alone, so that the worlds of all other seeds stay as they were. */
#include <stdio.h>
#include <string.h>
#include "sim/world.h"

void pawl_sim_draw_async(struct pawl_sim *w, struct pawl_tool *t, uint32_t number)
{
    const uint64_t dice = (w->o->seed * UINT64_C(0x9e3779b97f4a7c15) ^ number * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 40;
    if (t->driver != PAWL_DRIVER_HTTP || dice % 5) return;
    t->async = (struct pawl_async){.on = true,
                                   .polls = true,
                                   .deadline_ns = (int64_t)(20 + dice / 5 % 280) * PAWL_SIM_S,
                                   .first_ns = PAWL_SIM_S,
                                   .max_ns = 30 * PAWL_SIM_S};
    pawl_sim_draw_callback(w, t, dice / (5 * 280));
    if (dice / 5 % 2) t->async.cancel = PAWL_STR("DELETE");
}

/* Half of the calls that would go well. One in eight of these fails later; nothing comes of it then. */
bool pawl_sim_accepts(struct pawl_sim *w, struct pawl_sim_call *c)
{
    if (!c->tool->async.on || !pawl_sim_chance(w, 500)) return false;
    c->op = ++w->ops;
    c->op_fails = pawl_sim_chance(w, 125);
    c->lands = !c->op_fails;
    c->lands_ns = w->now_ns + pawl_sim_between(w, 1, c->tool->async.deadline_ns / PAWL_SIM_MS) * PAWL_SIM_MS;
    c->says = PAWL_SIM_SAYS_FIXED;
    c->tells = PAWL_SIM_TELLS_LATER;
    c->reply = (struct pawl_reply){.transport = PAWL_ANSWERED,
                                   .status = 202,
                                   .type = PAWL_STR("application/json"),
                                   .location = pawl_sim_text(w, "/ops/%u", c->op),
                                   .body = PAWL_STR("{\"status\":\"accepted\"}")};
    if (!c->tool->async.polls || (pawl_async_calls_back(&c->tool->async) && pawl_sim_chance(w, 300)))
        c->reply.location = (struct pawl_str){NULL, 0};
    pawl_sim_calls_back(w, c);
    if (pawl_sim_chance(w, 200)) c->reply.retry_after = pawl_sim_text(w, "%d", (int)pawl_sim_between(w, 1, 90));
    return true;
}

/* The one that is asked about, or told to stop. */
static struct pawl_sim_call *op_of(struct pawl_sim *w, const struct pawl_attempt *a)
{
    yyjson_val *root = NULL;
    if (pawl_json_read(a->request, &w->scratch, &root, NULL)) return NULL;
    const struct pawl_str url = pawl_json_str(yyjson_obj_get(root, "http"), "url");
    for (struct pawl_sim_call *c = w->calls; c; c = c->next) {
        char tail[24];
        const int n = snprintf(tail, sizeof tail, "/ops/%u", c->op);
        if (c->op && url.n > (uint32_t)n && memcmp(url.p + url.n - n, tail, (size_t)n) == 0) return c;
    }
    return NULL;
}

static void says(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_sim_call *op)
{
    const bool over = op->landed || (op->op_fails && w->now_ns >= op->lands_ns);
    c->reply = (struct pawl_reply){.transport = PAWL_ANSWERED, .status = 200, .type = PAWL_STR("application/json")};
    if (!over && pawl_sim_chance(w, 500)) c->reply.status = 202, c->reply.body = PAWL_STR("{}");
    else if (!over) c->reply.body = PAWL_STR("{\"status\":\"Running\"}");
    else if (op->op_fails) c->reply.body = PAWL_STR("{\"status\":\"Failed\",\"error\":{\"message\":\"no\"}}");
    else {
        const struct pawl_str receipt = pawl_sim_receipt(w, op->key);
        c->reply.body = pawl_sim_text(w, "{\"status\":\"Succeeded\",\"result\":%.*s}", (int)receipt.n, receipt.p);
    }
    if (!over && pawl_sim_chance(w, 100))
        c->reply.retry_after = pawl_sim_text(w, "%d", (int)pawl_sim_between(w, 1, 200));
}

void pawl_sim_monitor_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a)
{
    static const int32_t bad[] = {500, 503, 429, 404, 401};
    struct pawl_sim_call *op = op_of(w, a);
    pawl_sim_count(w, a->stop ? PAWL_SIM_N_STOPPED : PAWL_SIM_N_POLLS);
    c->says = PAWL_SIM_SAYS_FIXED;
    c->tells = PAWL_SIM_TELLS_NOTHING;
    c->ends_ns = w->now_ns + pawl_sim_between(w, 2, 400) * PAWL_SIM_MS;
    if (!op) {
        pawl_sim_broken(w, "target", "run%u #%u: a monitor is asked that no answer named", c->run, c->step);
        return;
    }
    if (strcmp(op->key, pawl_run_step(&w->runs[c->run]->stored, c->step)->key) != 0)
        pawl_sim_broken(w, "target", "run%u #%u: the monitor of another call is asked", c->run, c->step);
    if (a->stop && op->told_to_stop++) pawl_sim_broken(w, "heard", "run%u #%u: told to stop twice", c->run, c->step);
    if (a->stop && !op->landed && op->op % 2) { /* some do as they are told: it never lands, and says so */
        op->lands = false;
        op->op_fails = true;
        op->lands_ns = w->now_ns;
    }
    says(w, c, op);
    if (pawl_sim_plays(w, PAWL_SIM_LOSS) && pawl_sim_chance(w, 200)) {
        c->reply = (struct pawl_reply){.transport = PAWL_LOST};
        if (pawl_sim_chance(w, 500)) c->ends_ns = w->now_ns + c->timeout_ns; /* hangs */
    } else if (pawl_sim_plays(w, PAWL_SIM_ANSWER) && pawl_sim_chance(w, 200)) {
        c->reply.status = bad[pawl_sim_below(w, sizeof bad / sizeof *bad)];
        c->reply.body = PAWL_STR("{\"status\":\"Failed\"}");
    }
}
