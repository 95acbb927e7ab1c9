/* tests/workloads/faults.c - see faults.h. */
#include "faults.h"
#include <string.h>
#include "base/prng.h"

enum { IN_A_ROW_MAX = 2, MODEL_PERMILLE = 120, TOOL_PERMILLE = 220, SAYS_PERMILLE = 60, FORGETS_PERMILLE = 400 };
enum { OF_MODEL = 1, OF_TOOL, OF_MALFORMED, OF_UNKNOWN, OF_FORGETTING };

const char *const wl_fault_names[WL_FAULTS] = {
    [WL_MODEL_429] = "model_429",
    [WL_MODEL_500] = "model_500",
    [WL_MODEL_HANG] = "model_hang",
    [WL_MODEL_TRUNCATED] = "model_truncated",
    [WL_MODEL_CUT] = "model_cut",
    [WL_MODEL_DROP] = "model_drop",
    [WL_SAYS_MALFORMED] = "malformed",
    [WL_SAYS_UNKNOWN_TOOL] = "unknown",
    [WL_SAYS_REPEAT] = "repeat",
    [WL_SAYS_REWORD] = "reword",
    [WL_TOOL_429] = "429",
    [WL_TOOL_401] = "401",
    [WL_TOOL_500_BEFORE] = "500_before",
    [WL_TOOL_500_AFTER] = "500_after",
    [WL_TOOL_HANG_BEFORE] = "hang_before",
    [WL_TOOL_HANG_AFTER] = "hang_after",
    [WL_TOOL_DROP_BEFORE] = "drop_before",
    [WL_TOOL_DROP_AFTER] = "drop_after",
    [WL_TOOL_SLOW] = "slow",
    [WL_TOOL_LATE] = "late",
    [WL_TOOL_GARBAGE] = "garbage",
    [WL_TOOL_HTML] = "html",
    [WL_TOOL_HTML_IN_JSON] = "html_in_json",
    [WL_TOOL_OUT_OF_CONTRACT] = "out_of_contract",
    [WL_TOOL_202_BEFORE] = "202_before",
    [WL_TOOL_202_AFTER] = "202_after",
    [WL_KILLS] = "kills",
};
static const struct group {
    const char *name;
    enum wl_fault from, to;
} groups[] = {
    {"all", WL_MODEL_429, WL_KILLS},
    {"model", WL_MODEL_429, WL_MODEL_DROP},
    {"says", WL_SAYS_MALFORMED, WL_SAYS_UNKNOWN_TOOL},
    {"forgetful", WL_SAYS_REPEAT, WL_SAYS_REWORD},
    {"tools", WL_TOOL_429, WL_TOOL_202_AFTER},
};

static bool turn_on(struct wl_faults *f, struct pawl_str word)
{
    for (const struct group *g = groups; g < groups + sizeof groups / sizeof *groups; g++) {
        if (!pawl_str_is(word, g->name)) continue;
        for (int i = (int)g->from; i <= (int)g->to; i++) f->on[i] = true;
        return true;
    }
    for (int i = 1; i < WL_FAULTS; i++)
        if (pawl_str_is(word, wl_fault_names[i])) return f->on[i] = true;
    return false;
}

bool wl_faults_read(struct wl_faults *f, const char *list, const char **unknown)
{
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, ",");
        *unknown = p;
        if (!turn_on(f, (struct pawl_str){p, (uint32_t)n})) return false;
        p += n + (p[n] == ',');
    }
    return true;
}

static void seed(struct pawl_prng *p, const struct wl_faults *f, const struct wl_recording *r, uint32_t of,
                 uint32_t place, uint32_t nth)
{
    uint64_t x = f->seed;
    const uint64_t parts[] = {r->index, of, place, nth};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) x = (x ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    pawl_prng_seed(p, x);
}

/* One of those from..to that are on, evenly; WL_FINE: none is. */
static enum wl_fault one_of(const struct wl_faults *f, struct pawl_prng *p, enum wl_fault from, enum wl_fault to)
{
    uint32_t count = 0;
    for (int i = (int)from; i <= (int)to; i++) count += f->on[i];
    if (count == 0) return WL_FINE;
    uint64_t chosen = pawl_prng_below(p, count);
    for (int i = (int)from; i <= (int)to; i++)
        if (f->on[i] && chosen-- == 0) return (enum wl_fault)i;
    return WL_FINE;
}

static enum wl_fault draw(const struct wl_faults *f, const struct wl_recording *r, uint32_t of, uint32_t place,
                          uint32_t nth, uint32_t permille, enum wl_fault from, enum wl_fault to)
{
    struct pawl_prng p;
    seed(&p, f, r, of, place, nth);
    /* a thing that has begun to go wrong goes on to do so more often */
    if (pawl_prng_below(&p, 1000) >= (nth ? 2 * permille : permille)) return WL_FINE;
    return one_of(f, &p, from, to);
}

enum wl_fault wl_faults_model(const struct wl_faults *f, const struct wl_recording *r, uint32_t place, uint32_t nth)
{
    if (nth >= IN_A_ROW_MAX) return WL_FINE;
    return draw(f, r, OF_MODEL, place, nth, MODEL_PERMILLE, WL_MODEL_429, WL_MODEL_DROP);
}

enum wl_fault wl_faults_tool(const struct wl_faults *f, const struct wl_recording *r, uint32_t place, uint32_t nth)
{
    if (nth >= IN_A_ROW_MAX) return WL_FINE;
    const enum wl_fault fault = draw(f, r, OF_TOOL, place, nth, TOOL_PERMILLE, WL_TOOL_429, WL_TOOL_202_AFTER);
    return fault == WL_TOOL_401 && nth == 0 ? WL_FINE : fault;
}

/* The last call of the answer before that changed something; NULL: none. */
static const struct wl_call *last_change(const struct wl_recording *r, uint32_t turn)
{
    const struct wl_turn *before = turn > 0 ? &r->turns[turn - 1] : NULL;
    for (uint32_t i = before ? before->calls_count : 0; i-- > 0;) {
        const struct wl_call *c = &r->calls[before->first_call + i];
        if (c->tool->effect != WL_READ && c->has_result && !c->refused) return c;
    }
    return NULL;
}

enum wl_fault wl_faults_says(const struct wl_faults *f, const struct wl_recording *r, uint32_t turn, uint32_t nth,
                             uint32_t *of)
{
    const struct wl_call *change = last_change(r, turn);
    enum wl_fault says[3];
    uint32_t count = 0;
    if (change) says[count] = draw(f, r, OF_FORGETTING, turn, 0, FORGETS_PERMILLE, WL_SAYS_REPEAT, WL_SAYS_REWORD);
    if (change && says[count]) count++, *of = (uint32_t)(change - r->calls);
    if (turn < r->turns_count && r->turns[turn].calls_count) {
        says[count] = draw(f, r, OF_MALFORMED, turn, 0, SAYS_PERMILLE, WL_SAYS_MALFORMED, WL_SAYS_MALFORMED);
        if (says[count]) count++;
    }
    says[count] = draw(f, r, OF_UNKNOWN, turn, 0, SAYS_PERMILLE, WL_SAYS_UNKNOWN_TOOL, WL_SAYS_UNKNOWN_TOOL);
    if (says[count]) count++;
    return nth < count ? says[nth] : WL_FINE;
}
