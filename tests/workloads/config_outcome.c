/* tests/workloads/config_outcome.c - what the configuration says of checks, undo, signals and schedules (part.h). */
#include <stdio.h>
#include <time.h>
#include "config.h"

static bool undoes(const struct wl_config *c)
{
    return c->part == WL_CHECKS || c->part == WL_UNDO;
}

void wl_config_outcome(const struct wl_config *c, const struct wl_env *env, const struct wl_tool *t,
                       struct pawl_buf *out)
{
    static const char *const then[] = {"tell", "ask", "fail", "undo"};
    if (t->effect == WL_READ) return;
    if (undoes(c)) pawl_buf_text(out, "    undo: {tool: back, args: {rec: {$arg: /run/key}, key: {$arg: /key}}}\n");
    if (c->part != WL_CHECKS) return;
    pawl_buf_printf(
        out,
        "    after: {tool: books, args: {rec: {$arg: /run/key}, tool: %s, args: {$arg: /args}}}\n"
        "    check:\n"
        "      - {name: as_asked, says: it stands there as it was asked for, then: %s,"
        " schema: {properties: {after: {properties: {as: {const: asked}}}}}}\n"
        "      - {name: once, says: it stands there once more than before, then: tell,"
        " schema: {properties: {after: {properties: {times: {exclusiveMinimum: {$arg: /before/times}}}}}}}\n",
        t->name, then[wl_then_of(env, t)]);
}

void wl_config_outcome_tools(const struct wl_config *c, struct pawl_buf *out)
{
    if (undoes(c))
        pawl_buf_printf(out,
                        "  back: {http: {method: POST, url: \"%s/back/{args.rec}\"}, effect: mutate,"
                        " key: {header: Idempotency-Key}}\n",
                        c->url);
    if (c->schedules)
        pawl_buf_printf(out,
                        "  tick: {http: {method: POST, url: \"%s/ticks/{run.key}\"}, effect: mutate,"
                        " key: {header: Idempotency-Key}}\n",
                        c->url);
    if (c->part == WL_CHECKS)
        pawl_buf_printf(out, "  books: {http: {method: POST, url: \"%s/books/{args.rec}\"}, effect: read}\n", c->url);
}

bool wl_by_signal(const struct wl_config *c, const struct wl_tool *t)
{
    return c->part == WL_SIGNALS && wl_hears(t);
}

void wl_config_signal(const struct wl_tool *t, struct pawl_buf *out)
{
    pawl_buf_printf(out, "    signal: {name: %s, timeout: 1h}\n", t->name);
}

static void add_schedule(const struct wl_config *c, const struct wl_recording *r, struct pawl_buf *out)
{
    static const char *const how[] = {"last", "none", "last, within: 2m", "last, within: 5h"};
    const struct wl_plan p = wl_plan_of(r, c->kills);
    const time_t at = (time_t)(c->begins_ns / 1000000000) + (time_t)p.first * 60;
    char minutes[16], day[32];
    struct tm utc;
    gmtime_r(&at, &utc);
    const int minute = utc.tm_min;
    if (p.last > p.first) snprintf(minutes, sizeof minutes, "%d-%d", minute, minute + (int)(p.last - p.first));
    else snprintf(minutes, sizeof minutes, "%d", minute);
    strftime(day, sizeof day, "%H %d %m", &utc);
    pawl_buf_printf(out, "  %s: {cron: \"%s %s *\", agent: %s, catch_up: %s, input: ", r->name, minutes, day, r->name,
                    how[p.how]);
    pawl_json_quote(r->input, out);
    pawl_buf_text(out, "}\n");
}

/* Of the store's owner: what begins by the clock, and an agent of its own whose times are all caught up. */
void wl_config_schedules(const struct wl_config *c, const struct wl_recording *const *list, uint32_t count,
                         struct pawl_buf *out)
{
    pawl_buf_printf(out,
                    "  ticker: {model: ticker, tools: [tick]}\nschedules:\n"
                    "  %s: {cron: \"*/2 * * * *\", agent: ticker, catch_up: all, overlap: queue, input: tick}\n",
                    wl_ticks);
    for (uint32_t i = 0; i < count; i++) add_schedule(c, list[i], out);
}
