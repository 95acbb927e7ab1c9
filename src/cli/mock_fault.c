/* src/cli/mock_fault.c - the faults of `pawl mock`: their names, and which call meets which. The nth call of a route meets
 * the first fault that names it; else the seed decides, from the route's name and n alone, so that the same calls meet the
 * same faults again, whatever else comes in between. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/prng.h"
#include "cli/mock.h"
#include "contract/units.h"

enum { ANY = MOCK_MODEL | MOCK_CHANGE | MOCK_READ };

static const struct row {
    const char *word;
    enum pawl_mock_kind kind;
    uint8_t where; /* it fits */
    bool drawn;    /* by a seed, unless --faults says which */
    int status;
    const char *means;
} rows[] = {
    {"429", MOCK_STATUS, ANY, true, 429, "slow down (Retry-After: 0.1)"},
    {"NNN", MOCK_STATUS, ANY, false, 0, "that status from 300 to 599, and nothing happens"},
    {"NNN_after", MOCK_STATUS_AFTER, ANY, false, 0, "it happens, then that status"},
    {"500_before", MOCK_STATUS, ANY, true, 500, "nothing happens, then 500"},
    {"500_after", MOCK_STATUS_AFTER, MOCK_CHANGE, true, 500, "it happens, then 500"},
    {"503", MOCK_STATUS, ANY, true, 503, "overloaded"},
    {"hang_before", MOCK_HANG, ANY, true, 0, "nothing happens, and no answer comes"},
    {"hang_after", MOCK_HANG_AFTER, ANY, true, 0, "it happens, and no answer comes; the model: half of one"},
    {"drop_before", MOCK_DROP, ANY, true, 0, "nothing happens, the connection is closed"},
    {"drop_after", MOCK_DROP_AFTER, MOCK_CHANGE | MOCK_READ, true, 0, "it happens, the connection is closed"},
    {"reset_before", MOCK_RESET, ANY, true, 0, "nothing happens, the connection is reset"},
    {"reset_after", MOCK_RESET_AFTER, ANY, true, 0,
     "it happens, the connection is reset; the model: behind half of it"},
    {"slow", MOCK_SLOW, ANY, true, 0, "it happens, the answer comes later (slow:300ms; 2s)"},
    {"late", MOCK_LATE, ANY, false, 0, "it happens later, even if nobody waits any more (late:300ms; 2s)"},
    {"cut", MOCK_CUT, ANY, true, 0, "it happens; half of the answer, then the connection ends"},
    {"half", MOCK_HALF, ANY, true, 0, "it happens; half of the answer, as if it were whole"},
    {"empty", MOCK_EMPTY, ANY, true, 0, "it happens; 200 and no body"},
    {"garbage", MOCK_GARBAGE, ANY, true, 0, "it happens; 200 and what is not JSON"},
    {"html", MOCK_HTML, ANY, true, 0, "it happens; 200 and a page"},
    {"html_in_json", MOCK_HTML_IN_JSON, ANY, true, 0, "it happens; a page in a valid JSON answer"},
    {"out_of_contract", MOCK_OUT_OF_CONTRACT, ANY, true, 0, "it happens; JSON of another shape"},
    {"202", MOCK_ACCEPTED, MOCK_CHANGE, false, 202, "accepted, and it never happens"},
    {"202_after", MOCK_ACCEPTED_AFTER, MOCK_CHANGE, false, 202, "it happens; accepted, and nobody is called back"},
    {"poll", MOCK_POLL, MOCK_CHANGE, false, 202, "202; it happens later (poll:2s; 300ms), and GET /operations/N tells"},
    {"poll_202", MOCK_POLL_202, MOCK_CHANGE, false, 202, "the same, told by 202 again, then the answer itself"},
    {"poll_303", MOCK_POLL_303, MOCK_CHANGE, false, 202, "the same, told by a redirect to the answer"},
    {"poll_fails", MOCK_POLL_FAILS, MOCK_CHANGE, false, 202, "202; later it has failed, and nothing happened"},
    {"poll_never", MOCK_POLL_NEVER, MOCK_CHANGE, false, 202, "202; it is running for ever"},
    {"poll_gone", MOCK_POLL_GONE, MOCK_CHANGE, false, 202, "202; it happens later, and nobody tells (410)"},
    {"callback", MOCK_CALL, MOCK_CHANGE, false, 202, "202; it happens later (callback:2s; 300ms), and it calls back"},
    {"callback_early", MOCK_CALL_EARLY, MOCK_CHANGE, false, 202, "it calls back first, then comes the 202"},
    {"callback_twice", MOCK_CALL_TWICE, MOCK_CHANGE, false, 202, "it calls back twice"},
    {"callback_fails", MOCK_CALL_FAILS, MOCK_CHANGE, false, 202, "it calls back: failed, and nothing happened"},
    {"callback_forged", MOCK_CALL_FORGED, MOCK_CHANGE, false, 202,
     "it happens, but the callback is not signed as it should"},
    {"forget_key", MOCK_FORGET_KEY, MOCK_CHANGE, false, 0, "the service does not know the key again, and does it anew"},
    {"no_money", MOCK_NO_MONEY, MOCK_MODEL, false, 429, "429 insufficient_quota: no waiting helps"},
    {"malformed_arguments", MOCK_MALFORMED_ARGUMENTS, MOCK_MODEL, true, 0, "a call whose arguments are cut JSON"},
    {"wrong_arguments", MOCK_WRONG_ARGUMENTS, MOCK_MODEL, true, 0, "a call with arguments that no schema wants"},
    {"unknown_tool", MOCK_UNKNOWN_TOOL, MOCK_MODEL, true, 0, "a call of a tool that is not there"},
    {"length", MOCK_LENGTH, MOCK_MODEL, true, 0, "half of an answer, finish_reason length"},
    {"refusal", MOCK_REFUSAL, MOCK_MODEL, false, 0, "the model refuses"},
    {"stream_error", MOCK_STREAM_ERROR, MOCK_MODEL, true, 0, "an error behind half of a stream; else in a 200"},
};
enum { ROWS = sizeof rows / sizeof *rows };

bool pawl_mock_fits(const struct pawl_mock_what *what, enum pawl_mock_where where)
{
    for (const struct row *r = rows; r < rows + ROWS; r++)
        if (r->kind == what->kind) return (r->where & where) != 0;
    return false;
}

bool pawl_mock_happens(enum pawl_mock_kind kind)
{
    return kind == MOCK_FINE || kind >= MOCK_STATUS_AFTER;
}

static const struct row *row_of(const char *word, size_t n)
{
    for (const struct row *r = rows; r < rows + ROWS; r++)
        if (strlen(r->word) == n && memcmp(r->word, word, n) == 0 && r->word[0] != 'N') return r;
    return NULL;
}

/* "429", "500_before", "404_after": any status may be one. */
static bool read_status(const char *word, size_t n, struct pawl_mock_what *out)
{
    const char *rest = word + 3;
    if (n < 3 || !isdigit((unsigned char)word[0]) || !isdigit((unsigned char)word[1]) ||
        !isdigit((unsigned char)word[2]))
        return false;
    out->status = atoi((char[]){word[0], word[1], word[2], 0});
    n -= 3;
    if (n == 0 || (n == 7 && memcmp(rest, "_before", 7) == 0)) out->kind = MOCK_STATUS;
    else if (n == 6 && memcmp(rest, "_after", 6) == 0) out->kind = MOCK_STATUS_AFTER;
    else return false;
    return out->status >= 300 && out->status <= 599;
}

/* What goes with a status: none, 2 (seconds), 50ms, date, date+2, NAME=VALUE; else Retry-After as it stands. */
static bool read_header(const char *text, struct pawl_mock_what *out)
{
    const char *equals = strchr(text, '=');
    const size_t n = strlen(text);
    int written;
    for (const char *s = text; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f) return false;
    if (strcmp(text, "none") == 0) written = snprintf(out->header, sizeof out->header, "%s", "");
    else if (strncmp(text, "date", 4) == 0) written = snprintf(out->header, sizeof out->header, "%s", text);
    else if (equals)
        written = snprintf(out->header, sizeof out->header, "%.*s: %s\r\n", (int)(equals - text), text, equals + 1);
    else if (n > 2 && strcmp(text + n - 2, "ms") == 0)
        written = snprintf(out->header, sizeof out->header, "Retry-After-Ms: %.*s\r\n", (int)n - 2, text);
    else written = snprintf(out->header, sizeof out->header, "Retry-After: %s\r\n", text);
    return written >= 0 && (size_t)written < sizeof out->header;
}

static void from_row(const struct row *r, struct pawl_mock_what *out)
{
    out->kind = r->kind;
    out->status = r->status;
    out->wait_ms = r->kind == MOCK_SLOW || r->kind == MOCK_LATE ? 2000 : pawl_mock_is_async(r->kind) ? 300 : 0;
    if (r->status == 429 && r->kind == MOCK_STATUS) snprintf(out->header, sizeof out->header, "Retry-After: 0.1\r\n");
    snprintf(out->word, sizeof out->word, "%s", r->word);
}

bool pawl_mock_what_read(const char *text, struct pawl_mock_what *out, const char **why)
{
    const char *colon = strchr(text, ':');
    const size_t n = colon ? (size_t)(colon - text) : strlen(text);
    const struct row *r = row_of(text, n);
    int64_t ns;
    *out = (struct pawl_mock_what){.kind = MOCK_FINE};
    *why = "there is no such fault";
    if (r) from_row(r, out);
    else if (!read_status(text, n, out)) return false;
    if ((size_t)snprintf(out->word, sizeof out->word, "%s", text) >= sizeof out->word)
        return *why = "it is too long", false;
    if (!colon) return true;
    if (out->wait_ms) {
        *why = "a time such as 300ms or 2s goes behind it";
        if (!pawl_unit_duration(pawl_str_of(colon + 1), &ns)) return false;
        out->wait_ms = ns / 1000000;
        return true;
    }
    *why = "only a status, slow and late take something behind a colon";
    if (out->kind != MOCK_STATUS && out->kind != MOCK_STATUS_AFTER) return false;
    *why = "that cannot be a header";
    return read_header(colon + 1, out);
}

static bool read_calls(const char *text, size_t n, struct pawl_mock_fault *out)
{
    char digits[24], *end;
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = 0;
    out->from = 1;
    out->to = UINT32_MAX;
    if (strcmp(digits, "*") == 0) return true;
    if (!isdigit((unsigned char)digits[0])) return false;
    out->from = out->to = (uint32_t)strtoul(digits, &end, 10);
    if (strcmp(end, "+") == 0) return out->to = UINT32_MAX, out->from > 0;
    if (*end == '-' && isdigit((unsigned char)end[1])) out->to = (uint32_t)strtoul(end + 1, &end, 10);
    return *end == 0 && out->from > 0 && out->to >= out->from;
}

bool pawl_mock_fault_read(const char *text, struct pawl_mock_fault *out, const char **why)
{
    const char *hash = strchr(text, '#'), *equals = hash ? strchr(hash, '=') : NULL;
    *why = "say ROUTE#N=WHAT, as in 'POST /refunds#1=hang_after'";
    if (!equals || hash == text || (size_t)(hash - text) >= sizeof out->route) return false;
    snprintf(out->route, sizeof out->route, "%.*s", (int)(hash - text), text);
    *why = "the calls of a route are 2, 2-4, 2+ or *";
    if (!read_calls(hash + 1, (size_t)(equals - hash - 1), out)) return false;
    return pawl_mock_what_read(equals + 1, &out->what, why);
}

bool pawl_mock_chance_only(struct pawl_mock_chance *c, const char *list)
{
    for (const char *at = list; *at;) {
        const size_t n = strcspn(at, ",");
        const struct row *r = row_of(at, n);
        if (!r || c->only_count == PAWL_MOCK_FAULTS_MAX) return false;
        c->only[c->only_count++] = (uint32_t)(r - rows);
        at += n + (at[n] == ',');
    }
    return *list != 0;
}

static uint64_t mix(uint64_t seed, const char *route, uint32_t nth)
{
    uint64_t h = 14695981039346656037U; /* FNV-1a */
    for (const char *s = route; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211U;
    return seed * 0x9e3779b97f4a7c15U ^ h ^ (uint64_t)nth << 32;
}

static void draw(const struct pawl_mock_chance *c, const char *route, enum pawl_mock_where where, uint32_t nth,
                 struct pawl_mock_what *out)
{
    uint32_t fit[ROWS], count = 0;
    struct pawl_prng r;
    if (c->share <= 0) return;
    pawl_prng_seed(&r, mix(c->seed, route, nth));
    if ((double)pawl_prng_below(&r, 1000000000) >= c->share * 1e9) return;
    for (uint32_t i = 0; i < ROWS; i++) {
        bool wanted = c->only_count == 0 && rows[i].drawn;
        for (uint32_t k = 0; k < c->only_count; k++) wanted = wanted || c->only[k] == i;
        if (wanted && (rows[i].where & where)) fit[count++] = i;
    }
    if (count) from_row(&rows[fit[pawl_prng_below(&r, count)]], out);
}

void pawl_mock_plan(const struct pawl_mock_fault *faults, uint32_t count, const struct pawl_mock_chance *chance,
                    const char *route, enum pawl_mock_where where, uint32_t nth, struct pawl_mock_what *out)
{
    *out = (struct pawl_mock_what){.kind = MOCK_FINE};
    for (uint32_t i = 0; i < count; i++)
        if (nth >= faults[i].from && nth <= faults[i].to && strcmp(faults[i].route, route) == 0) {
            *out = faults[i].what;
            return;
        }
    draw(chance, route, where, nth, out);
}

void pawl_mock_faults_help(struct pawl_buf *out)
{
    for (const struct row *r = rows; r < rows + ROWS; r++) pawl_buf_printf(out, "  %-20s %s\n", r->word, r->means);
}
