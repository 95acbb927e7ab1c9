/* tests/workloads/part_judge.c - what must hold of the part that was switched on, by what the world wrote down and by what the
 * journal says of it; a line of figures for each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
#include "part_judge.h"

void wl_complain(struct wl_judging *j, const char *format, ...)
{
    va_list args;
    if (j->complaints++ == 0)
        printf("%s, %s (run %s, %s %s %s):\n", j->rec->name, j->rec->id.p, j->rec->run, j->rec->status, j->rec->waiting,
               j->rec->end_class);
    va_start(args, format);
    printf("  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

bool wl_ended_by(const struct wl_recording *rec, const char *class)
{
    return strcmp(rec->end_class, class) == 0;
}

const struct wl_deed *wl_judged_deed(const struct wl_judging *j, uint32_t call)
{
    return wl_world_deed(j->books->world, j->rec, call, WL_RECORDED);
}

/* ---- budgets ---- */

struct money {
    int64_t spent, estimated, reserved, granted, limit;
};
struct asked {
    const char *of; /* tokens, cost */
    const char *account;
    struct money money;
    bool there;
};

static void read_money(struct asked *q, yyjson_val *v)
{
    q->there = true;
    q->money = (struct money){.spent = pawl_json_i64(yyjson_obj_get(v, "spent"), q->of, 0),
                              .estimated = pawl_json_i64(yyjson_obj_get(v, "estimated"), q->of, 0),
                              .reserved = pawl_json_i64(yyjson_obj_get(v, "reserved"), q->of, 0),
                              .granted = pawl_json_i64(yyjson_obj_get(v, "granted"), q->of, 0),
                              .limit = pawl_json_i64(yyjson_obj_get(v, "limit"), q->of, 0)};
}

static int take_money(void *ctx, const char *json, size_t bytes)
{
    struct asked *q = ctx;
    struct pawl_arena a;
    yyjson_val *v = NULL, *b;
    size_t i, n;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL)) v = NULL;
    if (!q->account && yyjson_obj_get(v, "view")) read_money(q, yyjson_obj_get(yyjson_obj_get(v, "view"), "budget"));
    yyjson_arr_foreach(yyjson_obj_get(v, "budgets"), i, n, b)
    {
        if (q->account && pawl_str_is(pawl_json_str(b, "account"), q->account)) read_money(q, b);
    }
    pawl_arena_fini(&a);
    return 0;
}

static struct asked ask(const struct wl_judging *j, const char *of, const char *account)
{
    struct asked q = {.of = of, .account = account};
    struct pawl_error err;
    char request[96] = "{\"do\":\"budgets\"}";
    if (!account) snprintf(request, sizeof request, "{\"do\":\"show\",\"run\":\"%s\"}", j->rec->run);
    if (pawl_call(j->books->store, request, take_money, &q, &err)) printf("  %s %s\n", err.where, err.what);
    return q;
}

struct spending {
    uint64_t billed, spent, estimated;
    uint32_t stopped, by_steps, by_own, by_all, granted;
};

static void judge_budget(struct wl_judging *j, struct spending *sum)
{
    const enum wl_allowance kind = wl_allowance_of(j->rec);
    const int64_t limit = (int64_t)wl_allowance_limit(j->rec);
    const struct asked t = ask(j, "tokens", NULL), c = ask(j, "cost", NULL);
    const int64_t gone = t.money.spent + t.money.estimated;
    const bool stopped = wl_ended_by(j->rec, "budget_exceeded");
    if (!t.there) wl_complain(j, "no budget is shown");
    if (gone < (int64_t)j->ledger->billed)
        wl_complain(j, "the provider counted %llu tokens, pawl %lld", (unsigned long long)j->ledger->billed,
                    (long long)gone);
    if (t.money.reserved || c.money.reserved) wl_complain(j, "%lld tokens stay reserved", (long long)t.money.reserved);
    if ((kind == WL_TOKENS || kind == WL_ASKS) && gone > limit + t.money.granted)
        wl_complain(j, "%lld tokens of %lld are spent", (long long)gone, (long long)(limit + t.money.granted));
    if (kind == WL_COST && c.money.spent + c.money.estimated > limit * 1000000)
        wl_complain(j, "%lld picodollars of %lld are spent", (long long)(c.money.spent + c.money.estimated),
                    (long long)limit * 1000000);
    if (kind == WL_STEPS && (int64_t)j->rec->answers > limit) wl_complain(j, "more steps than %lld", (long long)limit);
    if (stopped && !strstr(j->rec->end_message, "limit"))
        wl_complain(j, "it does not say why: %s", j->rec->end_message);
    sum->billed += j->ledger->billed;
    sum->spent += (uint64_t)t.money.spent;
    sum->estimated += (uint64_t)t.money.estimated;
    sum->stopped += stopped;
    sum->granted += j->rec->seen.yes;
    sum->by_all += stopped && strstr(j->rec->end_message, "all runs") != NULL;
}

static uint32_t judge_budgets(struct wl_judging *j, const struct spending *sum)
{
    const int64_t all = (int64_t)j->books->replay->config.all_tokens;
    const struct asked t = ask(j, "tokens", "all");
    printf("    %.2fM tokens were counted by the provider, %.2fM by pawl and %.2fM estimated, of %.2fM for all runs\n",
           (double)sum->billed / 1e6, (double)sum->spent / 1e6, (double)sum->estimated / 1e6, (double)all / 1e6);
    printf("    %u stopped by a budget, %u of them by that of all runs; %u times a person gave more\n", sum->stopped,
           sum->by_all, sum->granted);
    if (!t.there || t.money.reserved || t.money.granted || t.money.spent + t.money.estimated > all ||
        (uint64_t)(t.money.spent + t.money.estimated) != sum->spent + sum->estimated)
        return printf("  the account of all runs does not add up: %lld spent, %lld estimated, %lld reserved of %lld\n",
                      (long long)t.money.spent, (long long)t.money.estimated, (long long)t.money.reserved,
                      (long long)t.money.limit),
               1;
    return 0;
}

/* ---- context ---- */

struct telling {
    uint32_t pruned, summed_up, stubs, requests, too_long;
    double fullest;
};

static void judge_context(struct wl_judging *j, struct telling *sum)
{
    const uint32_t limit = wl_context_limit(j->rec);
    const bool over = wl_ended_by(j->rec, "budget_exceeded");
    const double share = (double)j->ledger->longest / (double)limit;
    if (j->ledger->longest > limit + limit / 100) /* what a request has is an estimate before its provider counts it */
        wl_complain(j, "a request of %u tokens, of %u", j->ledger->longest, limit);
    if (j->ledger->torn) wl_complain(j, "%u requests in which a call is without its result", j->ledger->torn);
    if (over && !strstr(j->rec->end_message, "must be kept")) wl_complain(j, "%s", j->rec->end_message);
    if (!over && j->rec->end_class[0] && j->rec->ended != WL_CUT_OFF) wl_complain(j, "%s", j->rec->end_message);
    sum->pruned += j->rec->seen.pruned > 0;
    sum->summed_up += j->rec->seen.summed_up > 0;
    sum->stubs += j->ledger->stubs > 0;
    sum->requests += j->ledger->requests;
    sum->too_long += over;
    if (share > sum->fullest) sum->fullest = share;
}

/* ---- guards ---- */

struct trips {
    struct {
        char rule[24], answer[8];
        uint32_t trips, runs, ended, waits, went_on;
    } rows[32];
    uint32_t count, narrow_held;
};

static void add_trip(struct trips *all, const struct wl_recording *rec, const struct wl_trip *t, bool first)
{
    uint32_t k = 0;
    while (k < all->count && (strcmp(all->rows[k].rule, t->rule) || strcmp(all->rows[k].answer, t->answer))) k++;
    if (k == 32) return;
    if (k == all->count) {
        snprintf(all->rows[k].rule, sizeof all->rows[k].rule, "%s", t->rule);
        snprintf(all->rows[k].answer, sizeof all->rows[k].answer, "%s", t->answer);
        all->count++;
    }
    all->rows[k].trips++;
    if (!first) return;
    all->rows[k].runs++;
    if (wl_ended_by(rec, "guard_stopped")) all->rows[k].ended++;
    else if (strcmp(rec->waiting, "gate") == 0) all->rows[k].waits++;
    else all->rows[k].went_on++;
}

static void judge_guards(struct wl_judging *j, struct trips *all)
{
    const struct wl_seen *s = &j->rec->seen;
    bool may_end = s->no > 0;
    for (uint32_t i = 0; i < s->trips_count; i++) {
        bool first = true;
        for (uint32_t k = 0; k < i; k++)
            first =
                first && (strcmp(s->trips[k].rule, s->trips[i].rule) || strcmp(s->trips[k].answer, s->trips[i].answer));
        add_trip(all, j->rec, &s->trips[i], first);
        may_end = may_end || strcmp(s->trips[i].answer, "stop") == 0;
    }
    if (s->narrow_sent) wl_complain(j, "%u changes were intended while only reads were open to it", s->narrow_sent);
    if (wl_ended_by(j->rec, "guard_stopped") && !may_end) wl_complain(j, "no guard had said stop, and nobody no");
    if (wl_ended_by(j->rec, "guard_stopped") && !j->rec->end_message[0]) wl_complain(j, "it does not say which guard");
    for (uint32_t i = 0; i < j->rec->calls_count; i++) {
        const struct wl_call *c = &j->rec->calls[i];
        if (strcmp(c->error_class, "guard_stopped") != 0) continue;
        all->narrow_held++;
        if (wl_judged_deed(j, i)->attempts)
            wl_complain(j, "step %u, %s: held by a guard, and sent", c->step, c->tool->name);
    }
}

/* ---- second opinions ---- */

struct opinions {
    uint32_t judged, disagreed, held, asked, by_person;
};

static void judge_opinions(struct wl_judging *j, struct opinions *sum)
{
    for (uint32_t i = 0; i < j->rec->calls_count; i++) {
        const struct wl_call *c = &j->rec->calls[i];
        const struct wl_deed *d = wl_judged_deed(j, i);
        if (c->tool->effect == WL_READ) continue;
        const bool by_person = c->yes && (c->asked & WL_ASKED_OPINION);
        sum->asked += d->asked;
        sum->held += d->asked && !d->attempts;
        sum->by_person += d->attempts && by_person;
        if (d->unasked)
            wl_complain(j, "step %u, %s: sent, and nobody was asked about exactly that", c->step, c->tool->name);
        if (d->attempts && !d->agreed && !by_person)
            wl_complain(j, "step %u, %s: sent though who was asked did not agree", c->step, c->tool->name);
        if (d->asked > 1 + j->rec->cut_short)
            wl_complain(j, "step %u, %s: asked about %u times", c->step, c->tool->name, d->asked);
    }
    sum->judged += j->rec->seen.judged;
    sum->disagreed += j->rec->seen.disagreed;
}

/* ---- calls that end later; child runs ---- */

struct later {
    uint32_t accepted, polls, children, kids;
};

static void judge_later(struct wl_judging *j, struct later *sum, enum wl_part part)
{
    const struct wl_seen *s = &j->rec->seen;
    uint32_t made = 0;
    for (uint32_t i = 0; i < j->rec->calls_count; i++) {
        const struct wl_call *c = &j->rec->calls[i];
        const struct wl_deed *d = wl_judged_deed(j, i);
        if (c->tool->effect == WL_READ || !c->has_result) continue;
        made += d->attempts > 0;
        if (d->effects > 1) wl_complain(j, "step %u, %s: done %u times", c->step, c->tool->name, d->effects);
        if (part == WL_ASYNC && c->end == WL_DONE && !d->ready_ns)
            wl_complain(j, "step %u, %s: done, and never accepted", c->step, c->tool->name);
        if (d->landing) wl_complain(j, "step %u, %s: under way still", c->step, c->tool->name);
    }
    if (part == WL_ASYNC && s->accepted < made)
        wl_complain(j, "%u calls were accepted, %u are recorded", made, s->accepted);
    if (part == WL_CHILDREN && s->children < made)
        wl_complain(j, "%u calls of children, %u were started", made, s->children);
    if (part == WL_CHILDREN && s->children != s->children_ended)
        wl_complain(j, "%u children began, %u ended", s->children, s->children_ended);
    sum->accepted += s->accepted;
    sum->polls += j->ledger->polls;
    sum->children += s->children;
    sum->kids += j->ledger->kids;
}

static void print_trips(const struct trips *t)
{
    printf("    %-24s%-8s%7s%7s%9s%7s%9s\n", "guard", "answer", "trips", "runs", "stopped", "waits", "went on");
    for (uint32_t k = 0; k < t->count; k++)
        printf("    %-24s%-8s%7u%7u%9u%7u%9u\n", t->rows[k].rule, t->rows[k].answer, t->rows[k].trips, t->rows[k].runs,
               t->rows[k].ended, t->rows[k].waits, t->rows[k].went_on);
    printf("    %u changes were held back\n", t->narrow_held);
}

uint32_t wl_part_judge(const struct wl_books *b, enum wl_part part)
{
    struct wl_judging j = {.books = b};
    struct spending spending = {.billed = 0};
    struct telling telling = {.pruned = 0};
    struct trips trips = {.count = 0};
    struct opinions opinions = {.judged = 0};
    struct later later = {.accepted = 0};
    struct wl_outcomes outcomes = {.checked = 0};
    uint32_t more = 0;
    for (uint32_t i = 0; i < b->replay->data->recordings_count; i++) {
        j.rec = &b->replay->data->recordings[i];
        j.ledger = wl_world_ledger(b->world, j.rec);
        j.complaints = 0;
        if (part == WL_BUDGETS) judge_budget(&j, &spending);
        if (part == WL_CONTEXT) judge_context(&j, &telling);
        if (part == WL_GUARDS) judge_guards(&j, &trips);
        if (part == WL_OPINIONS) judge_opinions(&j, &opinions);
        if (part == WL_ASYNC || part == WL_CHILDREN) judge_later(&j, &later, part);
        wl_judge_outcome(&j, part, &outcomes);
        j.wrong_runs += j.complaints > 0;
    }
    if (part == WL_BUDGETS) more = judge_budgets(&j, &spending);
    if (part == WL_CONTEXT)
        printf(
            "    %u runs were pruned (%u with results told as a line, %u summed up), %u could not be; %u requests, the longest "
            "%.1f%% of its limit\n",
            telling.pruned, telling.stubs, telling.summed_up, telling.too_long, telling.requests,
            telling.fullest * 100);
    if (part == WL_GUARDS) print_trips(&trips);
    if (part == WL_OPINIONS)
        printf(
            "    %u opinions on changes, %u judged, %u of them not agreed to; %u not sent, %u sent on a person's word\n",
            opinions.asked, opinions.judged, opinions.disagreed, opinions.held, opinions.by_person);
    if (part == WL_ASYNC) printf("    %u calls were accepted, %u polls\n", later.accepted, later.polls);
    if (part == WL_CHILDREN) printf("    %u runs were started by runs\n", later.children);
    more += wl_judge_outcomes(&j, part, &outcomes);
    fflush(stdout);
    return j.wrong_runs + more;
}
