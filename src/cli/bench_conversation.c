/* src/cli/bench_conversation.c - what a long conversation takes on the disk: each message once. Beside it the bytes of its
 * distinct messages, as a chat API is sent them: what a store of whole requests would hold for the last turn alone. */
#include <string.h>
#include "base/prng.h"
#include "cli/bench.h"
#include "contract/json.h"
#include "io/alloc.h"

enum { CALLS = 100, TOKENS = 209000, TOKEN_BYTES = 4, SAID = 120, WHY = 60, WORDS = 90 };

struct talk {
    struct pawl_prng prng;
    struct pawl_buf answer;     /* of the tool */
    uint64_t content, messages; /* bytes of what was said, and of the messages that say it */
    uint32_t calls;
    char words[WORDS * 2];
};

static const char *words(struct talk *t, size_t bytes)
{
    static const char signs[] = "etaoinshrdlcumwfgypbvketaoin  ,. ";
    for (size_t i = 0; i < bytes; i++) t->words[i] = signs[pawl_prng_below(&t->prng, sizeof signs - 1)];
    t->words[bytes] = 0;
    return t->words;
}

/* A message as it is sent: {"role": ..., members, "content": content}. */
static void message(struct talk *t, const char *members, struct pawl_str content)
{
    struct pawl_buf b;
    pawl_buf_init(&b, pawl_alloc_libc());
    pawl_buf_text(&b, members);
    pawl_json_quote(content, &b);
    t->content += content.n;
    t->messages += b.n + 1;
    pawl_buf_fini(&b);
}

/* The tool: records, as services give them; no two answers alike, as long as they must be on the average. */
static void answer_long(void *ctx, const struct pawl_tool_call *call,
                        void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    const size_t share = (size_t)TOKENS * TOKEN_BYTES / CALLS - SAID - WHY - 20;
    struct talk *t = ctx;
    const size_t bytes = share / 2 + pawl_prng_below(&t->prng, share);
    char members[128];
    (void)call;
    t->answer.n = 0;
    pawl_buf_text(&t->answer, "{\"records\":[");
    for (uint32_t i = 0; t->answer.n < bytes; i++)
        pawl_buf_printf(&t->answer, "%s{\"id\":%u,\"note\":\"%s\"}", i ? "," : "", i, words(t, WORDS));
    pawl_buf_text(&t->answer, "]}");
    const struct pawl_str said = pawl_buf_done(&t->answer);
    if (!said.p) bench_die("no memory");
    snprintf(members, sizeof members, "{\"role\":\"tool\",\"tool_call_id\":\"call_%u_1\",\"content\":}", ++t->calls);
    message(t, members, said);
    answer(answer_ctx, PAWL_TOOL_APPLIED, said.p, said.n);
}

/* The script: each answer says a sentence and makes one call. */
static void write_script(const char *folder, struct talk *t)
{
    FILE *f = bench_create(folder, "pawl.yaml");
    fprintf(f, "version: 1\nmodels:\n  main:\n    provider: script\n    script:\n");
    for (int i = 0; i < CALLS; i++) {
        char members[512], args[2 * WORDS + 64];
        snprintf(args, sizeof args, "{\\\"n\\\":%d,\\\"why\\\":\\\"%s\\\"}", i, words(t, WHY));
        snprintf(members, sizeof members,
                 "{\"role\":\"assistant\",\"content\":,\"tool_calls\":[{\"id\":\"call_%d_1\",\"type\":\"function\","
                 "\"function\":{\"name\":\"step\",\"arguments\":\"%s\"}}]}",
                 i + 1, args);
        t->content += WHY + 20;
        fprintf(f, "      - {call: {step: {n: %d, why: \"%s\"}}, say: ", i, t->words);
        message(t, members, (struct pawl_str){words(t, SAID), SAID});
        fprintf(f, "\"%s\"}\n", t->words);
    }
    fprintf(
        f,
        "      - say: Done.\ntools:\n  step: {description: Looks something up and notes it., effect: mutate, key: {}}\n"
        "agents:\n  bench: {model: main, tools: [step], instructions: Take the steps., budget: {steps: 100000}}\n");
    bench_close(f);
}

void bench_conversation(struct bench *b)
{
    static struct talk t;
    struct pawl_error err;
    char folder[BENCH_PATH];
    pawl_prng_seed(&t.prng, 1);
    pawl_buf_init(&t.answer, pawl_alloc_libc());
    bench_folder(b, folder, "conversation");
    write_script(folder, &t);
    struct pawl *p = bench_open(folder);
    if (pawl_register_tool(p, "step", answer_long, &t, &err)) bench_die("%s", err.what);
    bench_post_start(p, "");
    bench_finish(p);
    if (bench_count_runs(p, "done") != 1) bench_die("the conversation did not end well");
    pawl_close(p);
    const double messages = (double)t.messages, journal = (double)bench_file_bytes(folder, "pawl.db");
    struct bench_row *r = bench_row(b, "conversation", "<= 1.2 x its messages");
    bench_value(r, "%.2f x", journal / messages);
    bench_detail(r, "%d calls, %.0f tokens: %.0f bytes of messages, a file of %.0f", CALLS,
                 (double)t.content / TOKEN_BYTES, messages, journal);
    bench_judge(r, journal <= 1.2 * messages);
    pawl_buf_fini(&t.answer);
    bench_remove(folder);
}
