/* src/cli/bench_conversation.c - what a long conversation takes on the disk: each message once. */
#include <string.h>
#include "base/prng.h"
#include "cli/bench.h"

enum { CALLS = 100, TOKENS = 209000, TOKEN_BYTES = 4, SAID = 120, ARGS = 80 };

struct teller { /* the tool: long answers, no two alike */
    struct pawl_prng prng;
    uint64_t bytes; /* of all that it has said */
    char text[16384];
};

/* Words as they come in documents: 27 signs, some of which JSON must escape. */
static void tell(struct teller *t, size_t bytes)
{
    static const char signs[] = "etaoinshrdlcumwfgypbvk ,.\n\"";
    for (size_t i = 0; i < bytes; i++) t->text[i] = signs[pawl_prng_below(&t->prng, sizeof signs - 1)];
    t->text[bytes] = 0;
}

static void answer_long(void *ctx, const struct pawl_tool_call *call,
                        void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    const size_t share = (size_t)TOKENS * TOKEN_BYTES / CALLS - SAID - ARGS;
    struct teller *t = ctx;
    char json[2 * sizeof t->text];
    size_t n = 0;
    (void)call;
    tell(t, share / 2 + pawl_prng_below(&t->prng, share)); /* as long as it is on the average */
    json[n++] = '"';
    for (const char *s = t->text; *s; s++) {
        if (*s == '"' || *s == '\n') json[n++] = '\\';
        json[n++] = *s == '\n' ? 'n' : *s;
    }
    json[n++] = '"';
    t->bytes += strlen(t->text);
    answer(answer_ctx, PAWL_TOOL_APPLIED, json, n);
}

/* The script: each answer says a sentence and makes one call. Gives how many bytes it says. */
static uint64_t write_script(const char *folder, struct teller *t)
{
    FILE *f = bench_create(folder, "pawl.yaml");
    uint64_t bytes = 0;
    fprintf(f, "version: 1\nmodels:\n  main:\n    provider: script\n    script:\n");
    for (int i = 0; i < CALLS; i++) {
        tell(t, SAID);
        for (char *s = t->text; *s; s++)
            if (strchr("\"\n,.", *s)) *s = ' ';
        bytes += SAID + ARGS;
        fprintf(f, "      - {say: \"%.*s\", call: {step: {n: %3d, why: \"%.*s\"}}}\n", SAID, t->text, i, ARGS - 19,
                t->text);
    }
    fprintf(
        f,
        "      - say: Done.\ntools:\n  step: {description: Looks something up and notes it., effect: mutate, key: {}}\n"
        "agents:\n  bench: {model: main, tools: [step], instructions: Take the steps., budget: {steps: 100000}}\n");
    bench_close(f);
    return bytes;
}

void bench_conversation(struct bench *b)
{
    static struct teller teller;
    struct teller *t = &teller;
    struct pawl_error err;
    char folder[BENCH_PATH];
    pawl_prng_seed(&t->prng, 1);
    bench_folder(b, folder, "conversation");
    const uint64_t said = write_script(folder, t);
    struct pawl *p = bench_open(folder);
    if (pawl_register_tool(p, "step", answer_long, t, &err)) bench_die("%s", err.what);
    bench_post_start(p, "");
    bench_finish(p);
    if (bench_count_runs(p, "done") != 1) bench_die("the conversation did not end well");
    pawl_close(p);
    const double messages = (double)(said + t->bytes), journal = (double)bench_file_bytes(folder, "pawl.db");
    struct bench_row *r = bench_row(b, "conversation", "<= 1.2 x its messages");
    bench_value(r, "%.2f x", journal / messages);
    bench_detail(r, "%d calls, %.0f tokens: %.0f bytes of messages, a file of %.0f", CALLS, messages / TOKEN_BYTES,
                 messages, journal);
    bench_judge(r, journal <= 1.2 * messages);
    bench_remove(folder);
}
