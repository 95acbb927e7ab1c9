/* src/sim/server.c - the tools' end: what a server does with a request, and what it says, which is not always the same.
 *
 * The ledger w->effects is what really happened; it survives everything. A server that honours keys remembers each for
 * as long as its contract says; one that does not does again whatever it is asked. */
#include "sim/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- the ledger ---- */

static const struct pawl_sim_effect *by_key(const struct pawl_sim *w, const char *key)
{
    for (uint32_t i = 0; i < w->effects_count; i++)
        if (key[0] && strcmp(w->effects[i].key, key) == 0) return &w->effects[i];
    return NULL;
}

bool pawl_sim_happened(const struct pawl_sim *w, const char *key)
{
    return by_key(w, key) != NULL;
}

struct pawl_str pawl_sim_receipt(struct pawl_sim *w, const char *key)
{
    const struct pawl_sim_effect *e = by_key(w, key);
    if (!e) return PAWL_STR("{\"ref\":\"none\"}");
    return pawl_sim_text(w, "{\"ok\":true,\"item\":\"%s\",\"amount\":%lld,\"ref\":\"e%u\"}", e->item,
                         (long long)e->amount, (unsigned)(e - w->effects) + 1);
}

static void apply(struct pawl_sim *w, const struct pawl_sim_call *c)
{
    const struct pawl_sim_effect *known = c->tool->key_declared ? by_key(w, c->key) : NULL;
    struct pawl_sim_effect *e;
    if (known && w->now_ns - known->at_ns < c->tool->remembered_for_ns) return;
    if (known) pawl_sim_count(w, PAWL_SIM_N_FORGOTTEN_KEYS);
    if (w->effects_count == w->effects_size) {
        const uint32_t size = w->effects_size ? w->effects_size * 2 : 32;
        struct pawl_sim_effect *more = pawl_sim_get(w, size * sizeof *more);
        if (w->no_memory) return;
        if (w->effects_count) memcpy(more, w->effects, w->effects_count * sizeof *more);
        w->effects = more;
        w->effects_size = size;
    }
    e = &w->effects[w->effects_count++];
    *e = (struct pawl_sim_effect){.tool = c->tool_index,
                                  .run = c->run,
                                  .step = c->step,
                                  .amount = c->amount,
                                  .at_ns = w->now_ns,
                                  .moved = c->moved};
    memcpy(e->key, c->key, sizeof e->key);
    memcpy(e->item, c->item, sizeof e->item);
    pawl_sim_count(w, PAWL_SIM_N_EFFECTS);
    pawl_sim_mix(w, (uint64_t)c->tool_index << 32 | c->step);
    PAWL_SIM_SAY(w, "EFFECT %u: %.*s %s %lld by run%u #%u key %s", w->effects_count, (int)c->tool->name.n,
                 c->tool->name.p, c->item, (long long)c->amount, c->run, c->step, c->key);
    pawl_sim_check_landed(w, c);
}

/* ---- what a read sees ---- */

/* Done at a server that this look does not ask, since the target has moved. */
static bool elsewhere(const struct pawl_sim *w, const struct pawl_sim_call *look, const struct pawl_sim_effect *e)
{
    if (look->tool->driver != PAWL_DRIVER_HTTP || w->contracts[e->tool].driver != PAWL_DRIVER_HTTP) return false;
    return look->moved != e->moved;
}

static struct pawl_str list_by_key(struct pawl_sim *w, const struct pawl_sim_call *c, uint32_t of)
{
    struct pawl_buf b;
    bool any = false;
    pawl_buf_init_arena(&b, &w->arena);
    pawl_buf_char(&b, '[');
    for (uint32_t i = w->effects_count; i-- > 0;) {
        const struct pawl_sim_effect *e = &w->effects[i];
        if (e->tool != of || strcmp(e->item, c->item) != 0 || elsewhere(w, c, e)) continue;
        pawl_buf_printf(&b, "%s{\"idempotency_key\":\"%s\",\"item\":\"%s\",\"amount\":%lld}", any ? "," : "", e->key,
                        e->item, (long long)e->amount);
        any = true;
    }
    pawl_buf_char(&b, ']');
    if (b.failed) w->no_memory = true;
    return any ? pawl_buf_done(&b) : (struct pawl_str){NULL, 0};
}

static struct pawl_str place(struct pawl_sim *w, const struct pawl_sim_call *c, uint32_t of)
{
    uint32_t count = 0;
    int64_t last = 0;
    for (uint32_t i = 0; i < w->effects_count; i++) {
        const struct pawl_sim_effect *e = &w->effects[i];
        if (e->tool != of || strcmp(e->item, c->item) != 0 || elsewhere(w, c, e)) continue;
        count++;
        last = e->amount;
    }
    if (!count) return pawl_sim_text(w, "{\"item\":\"%s\",\"count\":0}", c->item);
    return pawl_sim_text(w, "{\"item\":\"%s\",\"amount\":%lld,\"count\":%u}", c->item, (long long)last, count);
}

static void read_now(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const struct pawl_sim_tool *truth = &w->tools[c->tool_index];
    if (truth->role == PAWL_SIM_READ) {
        c->reply.body = pawl_sim_text(w, "{\"ref\":\"r%u\",\"seen\":%u,\"page\":\"%*s\"}", c->step, w->effects_count,
                                      pawl_sim_chance(w, 300) ? (int)pawl_sim_between(w, 100, 900) : 0, "");
        return;
    }
    c->reply.body = w->tools[truth->of - 1].by_place ? place(w, c, truth->of - 1) : list_by_key(w, c, truth->of - 1);
    if (c->reply.body.p) return;
    c->reply.body = PAWL_STR("[]");
    if (c->tool->driver != PAWL_DRIVER_HTTP || pawl_sim_chance(w, 500)) return;
    c->reply.status = 404;
    c->reply.body = PAWL_STR("{\"error\":\"none\"}");
}

void pawl_sim_server_lands(struct pawl_sim *w, struct pawl_sim_call *c)
{
    if (c->tool->effect == PAWL_EFFECT_READ) {
        if (c->says == PAWL_SIM_SAYS_RESULT) read_now(w, c);
        return;
    }
    apply(w, c);
    if (c->says == PAWL_SIM_SAYS_RESULT) c->reply.body = pawl_sim_receipt(w, c->key);
    if (c->says == PAWL_SIM_SAYS_OTHER) c->reply.body = PAWL_STR("{\"ok\":true}");
    if (c->says == PAWL_SIM_SAYS_HALF) c->reply.body = PAWL_STR("{\"ok\":true,\"ref\":\"e");
}

/* ---- what will come of a request ---- */

static void says_status(struct pawl_sim *w, struct pawl_sim_call *c, int32_t status, enum pawl_sim_tells tells)
{
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    c->says = PAWL_SIM_SAYS_FIXED;
    c->tells = tells;
    c->reply = (struct pawl_reply){.transport = PAWL_ANSWERED,
                                   .status = status,
                                   .type = PAWL_STR("application/json"),
                                   .body = PAWL_STR("{\"error\":{\"message\":\"no\"}}")};
    if (status != 429 && status != 503) return;
    switch (pawl_sim_below(w, 7)) {
    case 0: c->reply.retry_after = pawl_sim_text(w, "%d", (int)pawl_sim_between(w, 0, 400)); break;
    case 5: /* about as long as the key is remembered */
        c->reply.retry_after =
            pawl_sim_text(w, "%d", (int)(c->tool->remembered_for_ns / PAWL_SIM_S * pawl_sim_between(w, 75, 105) / 100));
        break;
    case 1: c->reply.retry_after_ms = pawl_sim_text(w, "%d", (int)pawl_sim_between(w, 0, 5000)); break;
    case 2: c->reply.retry_after = PAWL_STR("soon"); break;
    case 3: c->reply.retry_after = PAWL_STR("99999999999"); break;
    case 4: { /* days of January 2026, where the wall clock begins */
        const int64_t s = pawl_sim_wall(w) / PAWL_SIM_S + pawl_sim_between(w, 0, 300) - INT64_C(1767225600);
        c->reply.retry_after = pawl_sim_text(w, "Thu, %02d %.3s 2026 %02d:%02d:%02d GMT", (int)(s / 86400 % 28) + 1,
                                             months, (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
        break;
    }
    default: break;
    }
}

static void fine(struct pawl_sim_call *c)
{
    c->lands = true;
    c->says = PAWL_SIM_SAYS_RESULT;
    c->tells = PAWL_SIM_TELLS_YES;
    c->reply = (struct pawl_reply){.transport = PAWL_ANSWERED, .status = 200, .type = PAWL_STR("application/json")};
    if (c->tool->driver == PAWL_DRIVER_HTTP) return;
    c->reply.status = 0;
    c->reply.verdict = PAWL_APPLIED_YES;
    c->reply.has_verdict = c->tool->driver == PAWL_DRIVER_INPROCESS;
}

/* Nothing comes back, or nothing that helps; it may have landed, or land later. */
static void lost(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const int64_t late_ns =
        pawl_sim_between(w, 0, 1) * pawl_sim_between(w, 0, w->tools[c->tool_index].settles_ns / PAWL_SIM_MS);
    const uint64_t dice = pawl_sim_below(w, 10);
    c->says = PAWL_SIM_SAYS_FIXED;
    c->tells = PAWL_SIM_TELLS_NOTHING;
    c->reply = (struct pawl_reply){.transport = PAWL_LOST};
    if (dice < 2) { /* refused */
        c->lands = false;
        c->tells = PAWL_SIM_TELLS_NO;
        c->reply.transport = PAWL_NOT_SENT;
        return;
    }
    if (c->tool->driver != PAWL_DRIVER_HTTP) c->reply.transport = PAWL_KILLED;
    if (dice < 6) c->ends_ns = w->now_ns + c->timeout_ns; /* hangs: bound_by_timeout says the rest */
    c->lands = pawl_sim_chance(w, 600);
    c->running = c->lands && dice < 4;
    if (c->running) c->lands_ns = w->now_ns + pawl_sim_between(w, 1, c->timeout_ns / PAWL_SIM_MS * 2) * PAWL_SIM_MS;
    if (c->lands && dice >= 4 && late_ns) c->lands_ns = c->ends_ns + late_ns * PAWL_SIM_MS;
}

static void bad_http(struct pawl_sim *w, struct pawl_sim_call *c)
{
    static const struct {
        int32_t status;
        enum pawl_sim_tells tells;
    } words[] = {{429, PAWL_SIM_TELLS_NO},      {500, PAWL_SIM_TELLS_NOTHING}, {503, PAWL_SIM_TELLS_NOTHING},
                 {422, PAWL_SIM_TELLS_NO},      {400, PAWL_SIM_TELLS_NO},      {408, PAWL_SIM_TELLS_NOTHING},
                 {425, PAWL_SIM_TELLS_NO},      {502, PAWL_SIM_TELLS_NOTHING}, {302, PAWL_SIM_TELLS_NO},
                 {202, PAWL_SIM_TELLS_NOTHING}, {404, PAWL_SIM_TELLS_NO},      {403, PAWL_SIM_TELLS_NO}};
    const uint64_t dice = pawl_sim_below(w, sizeof words / sizeof *words + 4), other = sizeof words / sizeof *words;
    if (dice < other) {
        enum pawl_sim_tells tells = words[dice].tells;
        for (uint32_t i = 0; i < c->tool->errors_count; i++) /* what the contract says of this one is true */
            if (c->tool->errors[i].status == words[dice].status) tells = PAWL_SIM_TELLS_NO;
        const bool lies = words[dice].status == 404 && w->tools[c->tool_index].role == PAWL_SIM_LOOK; /* "not there" */
        says_status(w, c, lies ? 500 : words[dice].status, tells);
        c->lands = tells == PAWL_SIM_TELLS_NOTHING && pawl_sim_chance(w, 500);
        return;
    }
    fine(c);
    if (dice == other) {
        c->says = PAWL_SIM_SAYS_OTHER; /* fits no output schema, but says that it was done */
        return;
    }
    c->tells = PAWL_SIM_TELLS_NOTHING;
    c->lands = pawl_sim_chance(w, 500);
    c->says = dice == other + 1 ? PAWL_SIM_SAYS_HALF : PAWL_SIM_SAYS_FIXED;
    c->reply.body = dice == other + 2 ? PAWL_STR("<html><body>Sign in</body></html>") : PAWL_STR("");
    if (c->says == PAWL_SIM_SAYS_HALF) c->reply.body = PAWL_STR("{\"ok\":tr");
}

static void bad_command(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const uint64_t dice = pawl_sim_below(w, 5);
    fine(c);
    if (dice == 0) {
        c->says = PAWL_SIM_SAYS_OTHER;
        return;
    }
    if (dice == 1) {
        c->says = PAWL_SIM_SAYS_HALF; /* exit 0: done, whatever it printed */
        return;
    }
    c->says = PAWL_SIM_SAYS_FIXED;
    c->reply.status = dice == 2 ? 3 : dice == 3 ? 75 : 1;
    c->reply.detail = PAWL_STR("it did not work");
    c->tells = c->reply.status == 3 && c->tool->errors_count ? PAWL_SIM_TELLS_NO : PAWL_SIM_TELLS_NOTHING;
    c->lands = c->tells == PAWL_SIM_TELLS_NOTHING && pawl_sim_chance(w, 500);
}

static void bad_call(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const uint64_t dice = pawl_sim_below(w, 4);
    fine(c);
    if (dice == 0) {
        c->says = PAWL_SIM_SAYS_OTHER;
        return;
    }
    c->says = PAWL_SIM_SAYS_FIXED;
    c->reply.status = dice == 1 ? PAWL_EINVAL : PAWL_EIO;
    c->reply.has_verdict = dice != 2;
    c->reply.verdict = dice == 1 ? PAWL_APPLIED_NO : PAWL_APPLIED_UNKNOWN;
    c->tells = dice == 1 ? PAWL_SIM_TELLS_NO : PAWL_SIM_TELLS_NOTHING;
    c->lands = dice != 1 && pawl_sim_chance(w, 500);
}

/* A server that honours keys and is still at an earlier request under this one says so. */
static bool still_running(struct pawl_sim *w, struct pawl_sim_call *c)
{
    bool ruled = false;
    const struct pawl_sim_call *o;
    for (o = c->next; o; o = o->next)
        if (o->running && o->lands && !o->landed && strcmp(o->key, c->key) == 0) break;
    if (!o || !c->tool->key_declared) return false;
    for (uint32_t i = 0; i < c->tool->errors_count; i++) ruled = ruled || c->tool->errors[i].status == 409;
    c->lands = false;
    says_status(w, c, ruled || c->attempt == 1 ? 500 : 409, PAWL_SIM_TELLS_NOTHING);
    if (c->tool->driver != PAWL_DRIVER_HTTP) c->reply = (struct pawl_reply){.transport = PAWL_KILLED};
    return true;
}

/* "Already done", where the contract says that this is how it is told. */
static bool already_done(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const struct pawl_sim_effect *known = by_key(w, c->key);
    if (!known || !c->tool->key_declared || w->now_ns - known->at_ns >= c->tool->remembered_for_ns - PAWL_SIM_MIN)
        return false;
    for (uint32_t i = 0; i < c->tool->errors_count; i++) {
        if (!c->tool->errors[i].already_done) continue;
        says_status(w, c, 409, PAWL_SIM_TELLS_YES);
        c->lands = false;
        c->reply.body = pawl_sim_receipt(w, c->key);
        return true;
    }
    return false;
}

/* A read that answers with what is no answer can be told by its output schema alone: without one it does not. */
static void no_half_truths(struct pawl_sim_call *c)
{
    if (c->says != PAWL_SIM_SAYS_OTHER || c->tool->effect != PAWL_EFFECT_READ) return;
    c->says = c->tool->output ? PAWL_SIM_SAYS_FIXED : PAWL_SIM_SAYS_RESULT;
    c->reply.body = PAWL_STR("{\"ok\":true}");
}

static void plan(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const struct pawl_sim_tool *truth = &w->tools[c->tool_index];
    c->ends_ns = w->now_ns + pawl_sim_between(w, 2, pawl_sim_chance(w, 900) ? 400 : 4000) * PAWL_SIM_MS;
    c->lands_ns = w->now_ns + pawl_sim_between(w, 1, (c->ends_ns - w->now_ns) / PAWL_SIM_MS) * PAWL_SIM_MS;
    fine(c);
    if (c->tool->effect != PAWL_EFFECT_READ && (still_running(w, c) || already_done(w, c))) return;
    if (pawl_sim_plays(w, PAWL_SIM_LOSS) && pawl_sim_chance(w, truth->lost)) {
        lost(w, c);
        if (c->tool->async.on && c->lands) pawl_sim_calls_back(w, c); /* it was a 202, or nothing at all */
    } else if (pawl_sim_plays(w, PAWL_SIM_ANSWER) && pawl_sim_chance(w, truth->bad)) {
        if (c->tool->driver == PAWL_DRIVER_HTTP) bad_http(w, c);
        else if (c->tool->driver == PAWL_DRIVER_COMMAND) bad_command(w, c);
        else bad_call(w, c);
        no_half_truths(c);
    } else if (c->tool->effect != PAWL_EFFECT_READ) {
        pawl_sim_accepts(w, c);
    }
}

static yyjson_val *args_of(struct pawl_sim *w, yyjson_val *root)
{
    yyjson_val *http = yyjson_obj_get(root, "http"), *command = yyjson_obj_get(root, "command"), *args = NULL;
    const struct pawl_str text = http      ? pawl_json_str(http, "body")
                                 : command ? pawl_json_str(command, "stdin")
                                           : (struct pawl_str){NULL, 0};
    if (!http && !command) return yyjson_obj_get(yyjson_obj_get(root, "call"), "args");
    if (text.p && pawl_json_read(text, &w->scratch, &args, NULL) == PAWL_OK) return args;
    return NULL;
}

static void set_item(struct pawl_sim_call *c, struct pawl_str s)
{
    memset(c->item, 0, sizeof c->item);
    if (s.p) memcpy(c->item, s.p, s.n < sizeof c->item ? s.n : sizeof c->item - 1);
}

void pawl_sim_server_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a)
{
    yyjson_val *root = NULL, *args;
    if (pawl_json_read(a->request, &w->scratch, &root, NULL) != PAWL_OK) {
        pawl_sim_broken(w, "request", "what leaves is not JSON: %.*s", (int)(a->request.n < 200 ? a->request.n : 200),
                        a->request.p);
        return;
    }
    args = args_of(w, root);
    if (pawl_str_is(pawl_json_str(args, "card"), "[redacted]"))
        pawl_sim_broken(w, "redacted", "run%u #%u: what is struck out of the records is struck out of the call", c->run,
                        c->step);
    set_item(c, pawl_json_str(args, "item"));
    c->amount =
        yyjson_is_num(yyjson_obj_get(args, "amount")) ? (int64_t)yyjson_get_num(yyjson_obj_get(args, "amount")) : 0;
    const struct pawl_str url = pawl_json_str(yyjson_obj_get(root, "http"), "url");
    if (c->tool->driver == PAWL_DRIVER_HTTP && c->tool->effect == PAWL_EFFECT_READ && url.p) {
        uint32_t at = url.n;
        while (at > 0 && url.p[at - 1] != '/') at--;
        set_item(c, (struct pawl_str){url.p + at, url.n - at});
    }
    c->moved = url.n > 14 && memcmp(url.p, "https://moved.", 14) == 0;
    plan(w, c);
}
