/* src/policy/routing.c - see routing.h. */
#include "policy/routing.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW = 50, ROWS = 3 };
static const int64_t all_ppm = 1000000, second = 1000000000;
static const char *const rows[ROWS] = {"runs", "rate", "at"};

static bool known(const struct pawl_quality *q, const struct pawl_routing *rule, int64_t now_s)
{
    return q->runs > 0 && now_s - q->at_s <= rule->recent_ns / second;
}

bool pawl_quality_holds(const struct pawl_quality *q, const struct pawl_routing *rule, int64_t now_s)
{
    if (!known(q, rule, now_s) || q->runs < (int64_t)rule->runs_min) return true;
    return q->rate_ppm >= (int64_t)(rule->success * 10000);
}

struct pawl_quality pawl_quality_after(struct pawl_quality q, const struct pawl_routing *rule, bool good, int64_t now_s)
{
    if (!known(&q, rule, now_s)) q.runs = q.rate_ppm = 0;
    q.runs++;
    q.rate_ppm += ((good ? all_ppm : 0) - q.rate_ppm) / (q.runs < WINDOW ? q.runs : WINDOW);
    q.at_s = now_s;
    return q;
}

static struct pawl_quality *quality(struct pawl_shared_state *s, struct pawl_str name)
{
    struct pawl_quality *q = pawl_map_get(&s->qualities, name.p, name.n);
    if (q) return q;
    q = s->from->resize(s->from->ctx, NULL, 0, sizeof *q + name.n);
    if (!q) return NULL;
    *q = (struct pawl_quality){.name = {(const char *)(q + 1), name.n}};
    memcpy(q + 1, name.p, name.n);
    if (pawl_map_put(&s->qualities, name.p, name.n, q) == PAWL_OK) return q;
    s->from->resize(s->from->ctx, q, sizeof *q + name.n, 0);
    return NULL;
}

void pawl_routing_fini(struct pawl_shared_state *s)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&s->qualities, &i)) != NULL;) {
        struct pawl_quality *q = e->value;
        s->from->resize(s->from->ctx, q, sizeof *q + q->name.n, 0);
    }
    pawl_map_fini(&s->qualities);
}

static struct pawl_str name_of(char text[160], const char *before, struct pawl_str agent, struct pawl_str model)
{
    const int n = snprintf(text, 160, "%s%.*s %.*s", before, agent.n > 64 ? 64 : (int)agent.n, agent.p,
                           model.n > 64 ? 64 : (int)model.n, model.p);
    assert(n > 0 && n < 160);
    return (struct pawl_str){text, (uint32_t)n};
}

int pawl_routing_apply(struct pawl_shared_state *s, struct pawl_str row, int64_t add, int sign)
{
    static const char begin[] = "routing ";
    const uint32_t n = sizeof begin - 1;
    if (row.n <= n || memcmp(row.p, begin, n) != 0) return PAWL_OK;
    row = (struct pawl_str){row.p + n, row.n - n};
    for (int i = 0; i < ROWS; i++) {
        const uint32_t k = (uint32_t)strlen(rows[i]);
        if (row.n <= k + 1 || memcmp(row.p, rows[i], k) != 0 || row.p[k] != ' ') continue;
        struct pawl_quality *q = quality(s, (struct pawl_str){row.p + k + 1, row.n - k - 1});
        if (!q) return PAWL_ENOMEM;
        *(i == 0 ? &q->runs : i == 1 ? &q->rate_ppm : &q->at_s) += sign * add;
        return PAWL_OK;
    }
    return PAWL_OK;
}

/* Three tokens in for one out, as conversations go. */
static int64_t price_of(const struct pawl_model *m)
{
    return pawl_spend_sum(pawl_spend_product(3, m->price.input_pusd), m->price.output_pusd);
}

void pawl_routing_choose(struct pawl_pass *p)
{
    const struct pawl_routing *rule = &p->agent->routing;
    const struct pawl_model *best = p->decision->model;
    const int64_t now_s = p->wall_ns / second;
    char text[160];
    if (!rule->models_count || p->routed || p->step || p->run->retries || p->model != p->decision->model) return;
    p->routed = true;
    if (p->run->routed.p) { /* as it began */
        best = pawl_config_model(p->config, p->run->routed);
        if (best && best != p->model) p->model = best, p->request = (struct pawl_str){NULL, 0};
        return;
    }
    for (uint32_t i = 0; i < rule->models_count; i++) {
        const struct pawl_model *m = pawl_config_model(p->config, rule->models[i]);
        const struct pawl_quality *q = quality(p->shared, name_of(text, "", p->agent->name, rule->models[i]));
        if (!q) p->rc = PAWL_ENOMEM;
        if (p->rc) return;
        if (m && price_of(m) < price_of(best) && pawl_quality_holds(q, rule, now_s)) best = m;
    }
    p->routes = true;
    if (best == p->model) return;
    p->model = best;
    p->request = (struct pawl_str){NULL, 0};
}

void pawl_routing_write(const struct pawl_pass *p, struct pawl_json_writer *w)
{
    char text[160];
    if (!p->routes) return;
    const struct pawl_quality *q = quality(p->shared, name_of(text, "", p->agent->name, p->model->name));
    pawl_jw_key(w, "routed");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "to");
    pawl_jw_str(w, p->model->name);
    pawl_jw_key(w, "from");
    pawl_jw_str(w, p->decision->model->name);
    pawl_jw_key(w, "runs");
    pawl_jw_i64(w, q ? q->runs : 0);
    pawl_jw_key(w, "rate_ppm");
    pawl_jw_i64(w, q ? q->rate_ppm : 0);
    pawl_jw_close(w, '}');
}

/* Does this end say anything of the model's work? 1 well, 0 badly, -1 nothing. */
static int says(const struct pawl_run *run)
{
    if (run->status == PAWL_DONE) return 1;
    if (run->status != PAWL_FAILED_RUN) return -1;
    switch (run->error_class) {
    case PAWL_CLASS_MALFORMED:
    case PAWL_CLASS_OUT_OF_CONTRACT:
    case PAWL_CLASS_REJECTED:
    case PAWL_CLASS_UNKNOWN_TOOL:
    case PAWL_CLASS_BAD_ARGUMENTS:
    case PAWL_CLASS_DEADLINE_EXCEEDED:
    case PAWL_CLASS_GUARD_STOPPED: return 0;
    default: return -1;
    }
}

uint32_t pawl_routing_ended(struct pawl_shared_state *s, const struct pawl_run *run, const struct pawl_agent *agent,
                            int64_t wall_ns, struct pawl_arena *a, struct pawl_shared_op ops[3])
{
    const int how = says(run);
    char text[160], before[24];
    struct pawl_quality *q;
    uint32_t count = 0;
    if (!agent || !agent->routing.models_count || !run->routed.p || run->retries || how < 0) return 0;
    q = quality(s, name_of(text, "", agent->name, run->routed));
    if (!q) return 0; /* it is only a figure */
    const struct pawl_quality now = pawl_quality_after(*q, &agent->routing, how == 1, wall_ns / second);
    const int64_t by[ROWS] = {now.runs - q->runs, now.rate_ppm - q->rate_ppm, now.at_s - q->at_s};
    for (int i = 0; i < ROWS; i++) {
        snprintf(before, sizeof before, "routing %s ", rows[i]);
        if (by[i])
            ops[count++] =
                (struct pawl_shared_op){.name = pawl_str_copy(a, name_of(text, before, agent->name, run->routed)),
                                        .add = by[i]};
    }
    return count;
}
