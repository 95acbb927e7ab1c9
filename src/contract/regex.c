/* src/contract/regex.c - PCRE2 with memory that is handed to it, and limits on what matching may cost.
 *
 * A pattern that backtracks without end ((a+)+$) is stopped by a count of PCRE2's steps. PCRE2 counts them for one
 * starting place and does not tell how many there were, so a match is tried with few steps first, which is enough for
 * nearly all, and again with many times more: what a try may have cost is never much more than what it did cost. */
#include "contract/regex.h"
#include <assert.h>
#include <string.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    STEPS_MAX = 8 * 1024 * 1024, /* of one match: about a tenth of a second; more for a long text */
    STEPS_BYTE = 64,
    STEPS_FIRST = 16, /* from one starting place, at the first try */
    STEPS_MORE = 16,  /* times as many at the next */
    HEAP_KIB_MAX = 16 * 1024,
    ALIGN = 16
};

struct pawl_regex {
    pcre2_code *code;
    bool anchored;
};

static void *arena_get(size_t bytes, void *arena)
{
    return pawl_arena_get(arena, bytes);
}

static void arena_keep(void *p, void *arena)
{
    (void)p, (void)arena; /* goes with all the rest */
}

static int compile_error(int code, size_t at, struct pawl_error *err)
{
    char says[160];
    if (code == PCRE2_ERROR_HEAP_FAILED) return PAWL_ENOMEM;
    if (code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH)
        return pawl_fail(err, PAWL_EINVAL, "", "write it without look-behind",
                         "look-behind of no fixed length cannot be run");
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)says, sizeof says) < 0) says[0] = 0;
    return pawl_fail(err, PAWL_EINVAL, "", "write a simpler pattern", "cannot be run: %s, near its place %zu", says,
                     at);
}

int pawl_regex_compile_native(struct pawl_str pattern, struct pawl_arena *a, struct pawl_regex **out,
                              struct pawl_error *err)
{
    uint32_t options = 0;
    int code = 0;
    PCRE2_SIZE at = 0;
    *out = NULL;
    struct pawl_regex *re = pawl_arena_zeroed(a, sizeof *re);
    pcre2_general_context *memory = re ? pcre2_general_context_create(arena_get, arena_keep, a) : NULL;
    pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
    if (!context) return PAWL_ENOMEM;
    re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                             PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C,
                             &code, &at, context);
    if (!re->code && a->failed) return PAWL_ENOMEM;
    if (!re->code) return compile_error(code, at, err);
    pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    re->anchored = (options & PCRE2_ANCHORED) != 0;
    *out = re;
    return PAWL_OK;
}

int pawl_regex_compile(struct pawl_str pattern, struct pawl_arena *a, struct pawl_regex **out, struct pawl_error *err)
{
    struct pawl_buf b;
    int rc;
    *out = NULL;
    pawl_buf_init_arena(&b, a);
    if ((rc = pawl_regex_translate(pattern, &b, err)) != PAWL_OK) return rc;
    const struct pawl_str native = pawl_buf_done(&b);
    return native.p ? pawl_regex_compile_native(native, a, out, err) : PAWL_ENOMEM;
}

/* Every piece begins with its size. The last one in `first` can be given back; others there wait for fini. */
static void *run_get(size_t bytes, void *ctx)
{
    struct pawl_regex_run *run = ctx;
    unsigned char *p;
    if (bytes > SIZE_MAX / 2) return NULL;
    const size_t need = ALIGN + ((bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    if (need <= sizeof run->first - run->used) {
        p = run->first + run->used;
        run->used += need;
    } else if (!(p = run->from->resize(run->from->ctx, NULL, 0, need))) {
        return NULL;
    }
    memcpy(p, &need, sizeof need);
    return p + ALIGN;
}

static void run_free(void *q, void *ctx)
{
    struct pawl_regex_run *run = ctx;
    size_t bytes;
    if (!q) return;
    unsigned char *p = (unsigned char *)q - ALIGN;
    memcpy(&bytes, p, sizeof bytes);
    if ((uintptr_t)p < (uintptr_t)run->first || (uintptr_t)p >= (uintptr_t)run->first + sizeof run->first)
        run->from->resize(run->from->ctx, p, bytes, 0);
    else if (p + bytes == run->first + run->used) run->used -= bytes;
}

void pawl_regex_run_init(struct pawl_regex_run *run, const struct pawl_alloc *from)
{
    run->from = from;
    run->data = run->limits = NULL;
    run->used = 0;
    run->left = PAWL_REGEX_STEPS;
}

void pawl_regex_run_fini(struct pawl_regex_run *run)
{
    pcre2_match_data_free(run->data); /* NULL is fine for both */
    pcre2_match_context_free(run->limits);
    run->data = run->limits = NULL;
}

static bool begin(struct pawl_regex_run *run)
{
    pcre2_general_context *memory = pcre2_general_context_create(run_get, run_free, run);
    if (memory && !run->limits) run->limits = pcre2_match_context_create(memory);
    if (memory && run->limits) run->data = pcre2_match_data_create(1, memory);
    pcre2_general_context_free(memory);
    if (run->limits) pcre2_set_heap_limit(run->limits, HEAP_KIB_MAX);
    return run->data != NULL;
}

static int match(const struct pawl_regex *re, struct pawl_str text, struct pawl_regex_run *run, uint64_t steps)
{
    pcre2_set_match_limit(run->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    return pcre2_match(re->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK, run->data,
                       run->limits);
}

/* False: the run has no more of them. */
static bool pay(struct pawl_regex_run *run, uint64_t steps)
{
    if (steps > run->left) return false;
    run->left -= steps;
    return true;
}

int pawl_regex_match(const struct pawl_regex *re, struct pawl_str text, struct pawl_regex_run *run)
{
    int rc;
    assert(re && run->from);
    const uint64_t bytes = (uint64_t)text.n + 1, places = re->anchored ? 1 : bytes;
    const uint64_t most = (STEPS_MAX + STEPS_BYTE * bytes) / places;
    uint64_t steps = STEPS_FIRST * (re->anchored ? bytes + 3 : 1);
    if (!run->data && !begin(run)) return PAWL_ENOMEM;
    if (!pay(run, bytes)) return PAWL_ELIMIT; /* most places fail at once */
    while ((rc = match(re, text, run, steps)) == PCRE2_ERROR_MATCHLIMIT) {
        if (steps >= most) return PAWL_ELIMIT;
        steps = steps < most / STEPS_MORE ? steps * STEPS_MORE : most;
        if (!pay(run, steps * places)) return PAWL_ELIMIT;
    }
    if (rc >= 0) return PAWL_OK;
    if (rc == PCRE2_ERROR_NOMATCH) return PAWL_ENOTFOUND;
    return rc == PCRE2_ERROR_NOMEMORY ? PAWL_ENOMEM : PAWL_ELIMIT;
}
