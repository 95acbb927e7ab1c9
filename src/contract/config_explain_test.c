/* src/contract/config_explain_test.c - what a tool's contract means, in one line: every rung of the ladder of DESIGN 4.1. */
#include "base/test.h"
#include "contract/config.h"

static struct test_alloc memory;
static struct pawl_config_report report;

/* A tool `t` of these keys, beside a read `look` and a tool `back`. */
static const struct row {
    const char *keys, *want;
} rows[] = {
    {"effect: read, http: &h {method: GET, url: 'http://h/'}",
     "t: read; a lost answer is asked for again, up to 3 times"},
    {"effect: read, http: *h, retry: {attempts: 1}", "t: read; a lost answer is not asked for again"},
    {"effect: read, http: *h, fresh: 60s, gate: always",
     "t: read, asks a human; a lost answer is asked for again, up to 3 times; the same call within 60 s is answered from before"},
    {"effect: idempotent, http: *h",
     "t: idempotent; no verify: a lost answer is sent again, up to 3 times; after that a human is asked; the same call again is sent again"},
    {"effect: idempotent, http: *h, key: {}, verify: {tool: look, by_key: /k, settles: 0s}",
     "t: idempotent; key honoured for 24 h; a lost answer is sent again, up to 3 times; after that look tells whether it happened; "
     "where that cannot be told a human is asked; the same call again is sent again"},
    {"effect: mutate, http: *h",
     "t: mutate; no key, no verify: a lost answer is not sent again by itself: a human is asked; the same call again in the run is "
     "answered from the first"},
    {"effect: mutate, http: *h, repeat: allow, undo: {tool: back}",
     "t: mutate; no key, no verify: a lost answer is not sent again by itself: a human is asked; the same call again is sent again; "
     "undone by back"},
    {"effect: mutate, http: *h, verify: {tool: look, by_key: /k, settles: 30s}",
     "t: mutate; no key; a lost answer is not sent again by itself: look tells 30 s later whether it happened, and what did not is sent "
     "again; where that cannot be told a human is asked; the same call again in the run is answered from the first"},
    {"effect: mutate, http: *h, retry: {attempts: 1}, verify: {tool: look, by_key: /k, settles: 30s}",
     "t: mutate; no key; a lost answer is not sent again by itself: look tells 30 s later whether it happened; where that cannot be told a "
     "human is asked; the same call again in the run is answered from the first"},
    {"effect: mutate, http: *h, verify: {tool: look, expect: {}, settles: 5s}",
     "t: mutate; no key; a lost answer is not sent again by itself: look, which looks before and after, tells 5 s later whether it "
     "happened, and what did not is sent again; where that cannot be told a human is asked; the same call again in the run is answered "
     "from the first"},
    {"effect: mutate, http: *h, verify: {tool: look, by_key: /k}",
     "t: mutate; no key; look only reads back (verify says no settles): a lost answer is not sent again by itself: a human is asked; the "
     "same call again in the run is answered from the first"},
    {"effect: irreversible, http: *h, key: {header: Idempotency-Key}",
     "t: irreversible, asks a human; key honoured for 24 h; no verify: a lost answer is sent again with the same key within that time, up "
     "to 3 times; after that a human is asked; the same call again in the run is asked about"},
    {"effect: irreversible, http: *h, key: {remembered_for: 7d}, retry: {attempts: 2}, gate: {expires: 1h}",
     "t: irreversible, asks a human and is denied after 1 h; key honoured for 7 d; no verify: a lost answer is sent again with the same key "
     "within that time, once; after that a human is asked; the same call again in the run is asked about"},
    {"effect: irreversible, http: *h, key: {}, retry: {attempts: 1}, gate: {approvers: [ann, bob], quorum: 2}",
     "t: irreversible, asks a human (2 of ann, bob); key honoured for 24 h; no verify: a lost answer is not sent again by itself: a human "
     "is asked; the same call again in the run is asked about"},
    {"effect: irreversible, http: *h, key: {}, retry: {attempts: 1}",
     "t: irreversible, asks a human; key honoured for 24 h; no verify: a lost answer is not sent again by itself: a human is asked; the "
     "same call again in the run is asked about"},
    {"effect: irreversible, http: *h, key: {}, gate: {if: false, then: approve}, verify: {tool: look, by_key: /k, settles: 30s}, "
     "repeat: answer, dedupe: {by: [/order/id, /n, /m], scope: agent, within: 30d}",
     "t: irreversible, asks a human where its condition holds and is sent without a yes after 24 h; key honoured for 24 h; a lost answer is "
     "sent again with the same key within that time, up to 3 times; after that look tells 30 s later whether it happened; where that cannot "
     "be told a human is asked; a call with the same order/id, n and m again in its agent's runs within 30 d is answered from the first"},
    {"http: *h, dedupe: {scope: global}",
     "t: irreversible (no effect is declared), asks a human; no key, no verify: a lost answer is not sent again by itself: a human is asked; "
     "the same call again in all runs is asked about"},
    {"effect: mutate, dedupe: {by: []}",
     "t: mutate; no key, no verify: a lost answer is not sent again by itself: a human is asked; any call of it again in the run is answered "
     "from the first; run by a program that registers it"},
    {"signal: {name: paid, timeout: 24h, otherwise: null}",
     "t: waits for the signal paid for up to 24 h; then it answers what is fixed for that; a signal that comes before is kept"},
    {"agent: x}\nmodels: {m: {provider: script, script: [{say: x}]}}\nagents: {x: {model: m, tools: [look]}",
     "t: read (no effect is declared); starts a run of agent x, once, and waits for its answer"},
    {"effect: irreversible",
     "t: irreversible, asks a human; no key, no verify: a lost answer is not sent again by itself: a human is asked; the same call again in "
     "the run is asked about; run by a program that registers it"},
};

int main(void)
{
    struct pawl_buf text, out;
    struct test_alloc t;
    test_alloc_init(&memory, 0);
    pawl_buf_init(&text, &memory.alloc);
    pawl_buf_init(&out, &memory.alloc);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        struct pawl_config *c = NULL;
        text.n = out.n = 0;
        pawl_buf_printf(&text, "version: 1\ntools:\n  back: {%s}\n  look: {effect: read}\n  t: {%s}\n",
                        rows[0].keys + 14, r->keys);
        CHECK_INT(pawl_config_load(pawl_buf_done(&text), "p", NULL, &memory.alloc, &c, &report), PAWL_OK);
        if (!CHECK(c != NULL)) {
            printf("%s: %s\n", r->keys, report.errors[0].what);
            continue;
        }
        CHECK_INT(pawl_config_explain(pawl_config_tool(c, PAWL_STR("t")), &out), PAWL_OK);
        CHECK_TEXT(pawl_buf_done(&out).p, r->want);
        EVERY_FAILED_ALLOCATION(t) {
            struct pawl_buf poor;
            pawl_buf_init(&poor, &t.alloc);
            const int code = pawl_config_explain(&c->tools[2], &poor);
            CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
            pawl_buf_fini(&poor);
        }
        pawl_config_free(c, &memory.alloc);
    }
    pawl_buf_fini(&text);
    pawl_buf_fini(&out);
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
