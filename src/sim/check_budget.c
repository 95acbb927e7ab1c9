/* src/sim/check_budget.c - budgets, counted anew from the records as they become durable, and from what leaves: what is spent
 * and estimated never passes a limit, no attempt leaves that is not paid for, no reservation outlives the life of its run,
 * nothing is refused but what does not fit, and the store's shared rows are the sum of what the journals say. */
#include "sim/world.h"
#include <stdio.h>
#include <string.h>

static const char *const ofs[PAWL_BUDGET_OFS] = {"steps", "tokens", "cost"};
static const char *const whats[PAWL_SPENDS] = {"spent", "reserved", "estimated", "granted"};

static struct pawl_sim_purse *purse(struct pawl_sim *w, struct pawl_str name)
{
    struct pawl_sim_purse *p = w->purses;
    while (p && !pawl_str_eq(p->name, name)) p = p->next;
    if (p) return p;
    p = pawl_sim_get(w, sizeof *p);
    *p = (struct pawl_sim_purse){.next = w->purses, .name = pawl_str_copy(&w->arena, name)};
    return w->purses = p;
}

static struct pawl_sim_purse *own(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    char name[24];
    snprintf(name, sizeof name, "run%u", run->index);
    return purse(w, pawl_str_of(name));
}

/* "run ID": the account of a run and those that it starts; "run7" is what one alone has spent. */
static bool is_family(struct pawl_str name)
{
    return name.n > 4 && memcmp(name.p, "run ", 4) == 0;
}

static bool is_own(struct pawl_str name)
{
    return name.n > 3 && memcmp(name.p, "run", 3) == 0 && !is_family(name);
}

static int64_t family_limit(const struct pawl_sim *w, struct pawl_str id, int of)
{
    for (uint32_t i = 0; i < w->runs_count; i++)
        if (pawl_str_is(id, w->runs[i]->text))
            return pawl_config_agent(&w->config, w->runs[i]->stored.agent)->budget.most[of];
    return 0;
}

/* The limit that is configured for it; 0: none. */
static int64_t limit_of(const struct pawl_sim *w, const struct pawl_sim_run *run, struct pawl_str name, int of)
{
    char text[40];
    if (is_family(name)) return family_limit(w, (struct pawl_str){name.p + 4, name.n - 4}, of);
    if (run && is_own(name) && run->family) return 0;
    if (pawl_str_is(name, "all")) return w->config.budget_all.most[of];
    if (name.n > 4 && memcmp(name.p, "day ", 4) == 0) return w->config.budget_day.most[of];
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        const struct pawl_agent *a = &w->config.agents[i];
        const int n = snprintf(text, sizeof text, "agent %.*s", (int)a->name.n, a->name.p);
        if (run && pawl_str_eq(run->stored.agent, a->name) && is_own(name))
            return of == PAWL_BUDGET_STEPS ? 0 : a->budget.most[of];
        if (pawl_str_is(name, text)) return a->budget_all.most[of];
        if (name.n > (uint32_t)n && memcmp(name.p, text, (size_t)n) == 0 && name.p[n] == ' ')
            return a->budget_day.most[of];
    }
    return 0;
}

static void check_limit(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_sim_purse *p)
{
    for (int of = 0; of < PAWL_BUDGET_OFS; of++) {
        const int64_t most = limit_of(w, run, p->name, of);
        const int64_t gone = p->of[PAWL_SPENT][of] + p->of[PAWL_ESTIMATED][of] - p->before[of];
        if (p->of[PAWL_RESERVED][of] < 0)
            pawl_sim_broken(w, "budget", "%.*s: less than no %s are reserved", (int)p->name.n, p->name.p, ofs[of]);
        /* two owners at a time, as no store of one machine has them, cannot know of each other */
        if (!most || (w->out->counts[PAWL_SIM_N_TAKEOVERS] && !is_own(p->name))) continue;
        if (of == PAWL_BUDGET_STEPS) continue; /* one answer may call for more than one */
        if (gone + p->of[PAWL_RESERVED][of] > most + p->of[PAWL_GRANTED][of])
            pawl_sim_broken(w, "budget", "%.*s: %lld %s are gone and %lld reserved, the limit is %lld and %lld",
                            (int)p->name.n, p->name.p, (long long)gone, ofs[of], (long long)p->of[PAWL_RESERVED][of],
                            (long long)most, (long long)p->of[PAWL_GRANTED][of]);
    }
}

static void add(struct pawl_sim *w, struct pawl_sim_run *run, yyjson_val *accounts, enum pawl_spend what,
                yyjson_val *by, int sign)
{
    yyjson_val *name;
    size_t i, n;
    struct pawl_sim_purse *p = own(w, run);
    for (int of = 0; of < PAWL_BUDGET_OFS; of++) p->of[what][of] += sign * pawl_json_i64(by, ofs[of], 0);
    yyjson_arr_foreach(accounts, i, n, name)
    {
        p = purse(w, pawl_json_value_str(name));
        for (int of = 0; of < PAWL_BUDGET_OFS; of++) p->of[what][of] += sign * pawl_json_i64(by, ofs[of], 0);
    }
}

static void check_limits(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    for (const struct pawl_sim_purse *p = w->purses; p; p = p->next)
        if (!is_own(p->name)) check_limit(w, NULL, p);
    check_limit(w, run, own(w, (struct pawl_sim_run *)(uintptr_t)run));
}

static bool counts(const struct pawl_sim *w, const struct pawl_sim_run *run)
{
    const struct pawl_agent *a = pawl_config_agent(&w->config, run->stored.agent);
    bool any = w->models[0].price.known;
    for (int of = 0; of < PAWL_BUDGET_OFS; of++)
        any = any || a->budget.most[of] || a->budget_all.most[of] || a->budget_day.most[of] ||
              w->config.budget_all.most[of] || w->config.budget_day.most[of];
    return any;
}

/* Its own account and those of the runs above it, and of nobody else; none of them has ended. */
static void check_payers(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r,
                         yyjson_val *accounts)
{
    yyjson_val *v;
    size_t i, n;
    uint32_t count = 0;
    yyjson_arr_foreach(accounts, i, n, v)
    {
        const struct pawl_str name = pawl_json_value_str(v);
        if (!is_family(name)) continue;
        count++;
        for (uint32_t k = 0; k < w->runs_count; k++)
            if (pawl_str_is((struct pawl_str){name.p + 4, name.n - 4}, w->runs[k]->text) && w->runs[k]->stored.ended)
                pawl_sim_broken(w, "budget", "run%u #%u: it spends from run%u, which has ended", run->index, r->step,
                                w->runs[k]->index);
    }
    if (count != run->payers)
        pawl_sim_broken(w, "budget", "run%u #%u: paid for by %u runs, and should be by %u", run->index, r->step, count,
                        run->payers);
}

static void reserves(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body)
{
    yyjson_val *reserve = yyjson_obj_get(body, "reserve");
    struct pawl_sim_step *f = &run->steps[r->step - 1];
    const struct pawl_step *s = pawl_run_step(&run->stored, r->step);
    const bool model = s ? pawl_step_asks_model(s) : pawl_str_is(pawl_json_str(body, "kind"), "model");
    if (!model || yyjson_obj_get(body, "ended")) return;
    pawl_sim_check_routed(w, run, r, yyjson_obj_get(body, "routed"));
    if (pawl_json_str(body, "degraded").p) pawl_sim_count(w, PAWL_SIM_N_DEGRADED);
    if (!reserve && counts(w, run)) pawl_sim_broken(w, "budget", "run%u #%u: nothing is reserved", run->index, r->step);
    if (!reserve) return;
    if (f->reserve) pawl_sim_broken(w, "budget", "run%u #%u: reserved twice", run->index, r->step);
    check_payers(w, run, r, yyjson_obj_get(reserve, "accounts"));
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &w->arena);
    pawl_json_write(reserve, &b);
    f->reserve = pawl_buf_done(&b).p;
    add(w, run, yyjson_obj_get(reserve, "accounts"), PAWL_RESERVED, reserve, 1);
    check_limits(w, run);
}

static void settles(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body)
{
    struct pawl_sim_step *f = &run->steps[r->step - 1];
    const bool estimated = pawl_json_bool(body, "estimated", false);
    yyjson_val *reserve = NULL;
    if (!f->reserve || pawl_json_read(pawl_str_of(f->reserve), &w->scratch, &reserve, NULL)) {
        pawl_sim_broken(w, "budget", "run%u #%u: settled, and nothing was reserved", run->index, r->step);
        return;
    }
    yyjson_val *accounts = yyjson_obj_get(reserve, "accounts");
    add(w, run, accounts, PAWL_RESERVED, reserve, -1);
    add(w, run, accounts, estimated ? PAWL_ESTIMATED : PAWL_SPENT, body, 1);
    for (int of = 1; of < PAWL_BUDGET_OFS; of++) {
        const int64_t by = pawl_json_i64(body, ofs[of], 0), at_most = pawl_json_i64(reserve, ofs[of], 0);
        if (by > at_most || (estimated && by != at_most))
            pawl_sim_broken(w, "budget", "run%u #%u: %lld %s of the %lld that were reserved%s", run->index, r->step,
                            (long long)by, ofs[of], (long long)at_most, estimated ? ", estimated" : "");
    }
    f->reserve = NULL;
    f->settled_seq = r->seq;
    f->estimated = estimated;
    f->settled[0] = pawl_json_i64(body, "tokens", 0);
    f->settled[1] = pawl_json_i64(body, "cost", 0);
    if (estimated) pawl_sim_count(w, PAWL_SIM_N_ESTIMATED);
    check_limits(w, run);
}

/* What the answer says that it took is what was settled, at the price of who gave it. */
static void answered(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body)
{
    const struct pawl_step *s = pawl_run_step(&run->stored, r->step);
    const struct pawl_sim_step *f = &run->steps[r->step - 1];
    yyjson_val *usage = yyjson_obj_get(yyjson_obj_get(body, "result"), "usage");
    const int64_t input = pawl_json_i64(usage, "input", 0), output = pawl_json_i64(usage, "output", 0);
    if (!s || !pawl_step_asks_model(s) || !f->settled_seq) return;
    if (f->estimated != (usage == NULL))
        pawl_sim_broken(w, "budget", "run%u #%u: %s, and its answer %s what it took", run->index, r->step,
                        f->estimated ? "estimated" : "settled", usage ? "says" : "does not say");
    for (uint32_t i = 0; usage && i < w->config.models_count; i++) {
        const struct pawl_price *price = &w->models[i].price;
        if (!pawl_str_eq(w->models[i].name, s->name)) continue;
        if (f->settled[0] != input + output ||
            (price->known && f->settled[1] != input * price->input_pusd + output * price->output_pusd))
            pawl_sim_broken(w, "budget", "run%u #%u: %lld tokens for %lld were settled; it took %lld and %lld",
                            run->index, r->step, (long long)f->settled[0], (long long)f->settled[1], (long long)input,
                            (long long)output);
    }
}

/* What does not fit: by what is spent and estimated, or may be by now; a shared account's may be ahead of the store. */
static void refused(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *shortage)
{
    const struct pawl_str account = pawl_json_str(shortage, "account"), word = pawl_json_str(shortage, "of");
    const bool self = pawl_str_is(account, "run");
    const struct pawl_sim_purse *p = self ? own(w, run) : purse(w, account);
    const int64_t most = pawl_json_i64(shortage, "most", 0), gone = pawl_json_i64(shortage, "gone", 0);
    int of = 0;
    if (!shortage) return;
    pawl_sim_count(w, PAWL_SIM_N_SHORT);
    while (of < PAWL_BUDGET_OFS - 1 && !pawl_str_is(word, ofs[of])) of++;
    if (gone + pawl_json_i64(shortage, "need", 0) <= most)
        pawl_sim_broken(w, "budget", "run%u #%u: refused, and it would have fitted", run->index, r->step);
    if (of == PAWL_BUDGET_STEPS)
        return; /* a settled call's steps may be more than were reserved, and not yet stored (seed 1342) */
    const int64_t known = p->of[PAWL_SPENT][of] + p->of[PAWL_ESTIMATED][of] - p->before[of];
    /* a call in memory may have settled with its message's calls, three at most, for the one step that is reserved */
    const int64_t each = of == PAWL_BUDGET_STEPS ? 4 : 1;
    const int64_t may = self ? known : known + each * p->of[PAWL_RESERVED][of];
    if ((gone > may || (self && gone != known)) && !w->out->counts[PAWL_SIM_N_TAKEOVERS])
        pawl_sim_broken(w, "budget", "run%u #%u: refused for %lld %s that are gone; it is %lld", run->index, r->step,
                        (long long)gone, ofs[of], (long long)may);
    if (most != limit_of(w, run, self ? p->name : account, of) + p->of[PAWL_GRANTED][of] && self)
        pawl_sim_broken(w, "budget", "run%u #%u: refused by a limit of %lld, which is not configured", run->index,
                        r->step, (long long)most);
}

static void granted(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body)
{
    const struct pawl_step *s = pawl_run_step(&run->stored, r->step);
    const int64_t more = pawl_json_i64(body, "more", 0);
    if (!s || !(s->why & PAWL_WHY_BUDGET) || !more) return;
    struct pawl_sim_purse *p = pawl_str_is(s->shortage.account, "run") ? own(w, run) : purse(w, s->shortage.account);
    p->of[PAWL_GRANTED][s->shortage.of] += more;
    pawl_sim_count(w, PAWL_SIM_N_GRANTED);
}

/* Who pays: whoever may start runs and has a limit, and with it all below it. */
static void pays(struct pawl_sim *w, struct pawl_sim_run *run, yyjson_val *body)
{
    const struct pawl_agent *a = pawl_config_agent(&w->config, pawl_json_str(body, "agent"));
    const struct pawl_str above = pawl_json_str(yyjson_obj_get(body, "parent"), "run");
    yyjson_val *payers = yyjson_obj_get(body, "payers");
    for (uint32_t i = 0; i < a->tools_count; i++) run->family = run->family || a->tools[i]->child.p;
    run->family = run->family && (a->budget.most[PAWL_BUDGET_TOKENS] || a->budget.most[PAWL_BUDGET_COST]);
    run->payers = run->family;
    for (uint32_t i = 0; above.p && i < w->runs_count; i++)
        if (pawl_str_is(above, w->runs[i]->text)) run->payers += w->runs[i]->payers;
    if (run->payers != yyjson_arr_size(payers))
        pawl_sim_broken(w, "budget", "run%u has %u payers, and should have %u", run->index,
                        (unsigned)yyjson_arr_size(payers), run->payers);
}

/* Its account goes with its run: nothing of it is out, and nobody goes on who pays from it. */
static void closes(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    char name[PAWL_ID_TEXT + 8];
    if (!run->family) return;
    snprintf(name, sizeof name, "run %s", run->text);
    struct pawl_sim_purse *p = purse(w, pawl_str_of(name));
    for (int of = 0; of < PAWL_BUDGET_OFS; of++)
        if (p->of[PAWL_RESERVED][of])
            pawl_sim_broken(w, "budget", "run%u has ended, and %lld %s of its account are reserved", run->index,
                            (long long)p->of[PAWL_RESERVED][of], ofs[of]);
    memset(p->of, 0, sizeof p->of);
}

/* A person's word: what went before counts no more, and neither do those above it. */
static void anew(struct pawl_sim *w, struct pawl_sim_run *run)
{
    struct pawl_sim_purse *p = own(w, run);
    for (int of = 0; of < PAWL_BUDGET_OFS; of++) p->before[of] = p->of[PAWL_SPENT][of] + p->of[PAWL_ESTIMATED][of];
    run->payers = run->family;
}

void pawl_sim_check_budget(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body)
{
    switch (r->kind) {
    case PAWL_RUN_CREATED: pays(w, run, body); break;
    case PAWL_RUN_ENDED:
        closes(w, run);
        pawl_sim_check_quality(w, run, r, body);
        break;
    case PAWL_STEP_INTENDED:
    case PAWL_STEP_ATTEMPTED: reserves(w, run, r, body); break;
    case PAWL_BUDGET_SETTLED: settles(w, run, r, body); break;
    case PAWL_STEP_COMPLETED: answered(w, run, r, body); break;
    case PAWL_GATE_ASKED:
    case PAWL_NOTE: refused(w, run, r, yyjson_obj_get(body, "budget")); break;
    case PAWL_GATE_ANSWERED: granted(w, run, r, body); break;
    case PAWL_RUN_RETRIED: anew(w, run); break;
    default: break;
    }
}

/* A model call leaves: it is paid for, whatever it may come to. */
void pawl_sim_check_paid(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_attempt *a)
{
    const struct pawl_step *s = pawl_run_step(&run->stored, a->step);
    const int64_t input = a->request.n, output = a->model->max_tokens ? a->model->max_tokens : 4096;
    const struct pawl_price *price = &a->model->price;
    if (!s || !counts(w, run)) return;
    if (!s->reserves) {
        pawl_sim_broken(w, "budget", "run%u #%u: leaves, and nothing is reserved for it", run->index, a->step);
        return;
    }
    if (s->reserved[PAWL_BUDGET_TOKENS] < input + output ||
        (price->known && s->reserved[PAWL_BUDGET_COST] < input * price->input_pusd + output * price->output_pusd))
        pawl_sim_broken(w, "budget", "run%u #%u: leaves with %lld tokens reserved; it may take %lld", run->index,
                        a->step, (long long)s->reserved[PAWL_BUDGET_TOKENS], (long long)(input + output));
}

/* Nobody is at it any more, and it did not die: nothing of it is out. */
void pawl_sim_check_unreserved(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    for (uint32_t i = 0; i < run->stored.steps_count; i++)
        if (run->stored.steps[i]->reserves)
            pawl_sim_broken(w, "budget", "run%u is at rest, and #%u has a reservation", run->index, i + 1);
}

/* The rows of the store are what the journals say. */
void pawl_sim_check_rows(struct pawl_sim *w)
{
    struct pawl_shared *rows = NULL;
    uint32_t count = 0;
    char name[160];
    if (w->door->shared(w->door, &w->scratch, &rows, &count, NULL)) {
        w->no_memory = true;
        return;
    }
    for (const struct pawl_sim_purse *p = w->purses; p; p = p->next)
        for (int k = 0; k < PAWL_SPENDS * PAWL_BUDGET_OFS && !is_own(p->name); k++) {
            const int what = k / PAWL_BUDGET_OFS, of = k % PAWL_BUDGET_OFS;
            int64_t value = 0;
            snprintf(name, sizeof name, "budget %s %s %.*s", ofs[of], whats[what], (int)p->name.n, p->name.p);
            for (uint32_t i = 0; i < count; i++)
                if (pawl_str_is(rows[i].name, name)) value = rows[i].value;
            if (value != p->of[what][of])
                pawl_sim_broken(w, "budget", "the row %s says %lld, the journals %lld", name, (long long)value,
                                (long long)p->of[what][of]);
            if (what == PAWL_RESERVED && value)
                pawl_sim_broken(w, "budget", "the row %s says %lld, and no run is live", name, (long long)value);
        }
}
