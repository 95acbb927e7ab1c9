/* src/journal/run_checked.c - the fold of what a step's end says of its checks (policy/check.c writes it). */
#include "contract/contract.h"
#include "journal/fold.h"

static const char *const then_words[] = {"tell", "ask", "fail", "undo"};
enum { THEN_COUNT = sizeof then_words / sizeof *then_words };

const char *pawl_check_word(unsigned one_bit)
{
    for (unsigned i = 0; i < THEN_COUNT; i++)
        if (one_bit == 1u << i) return then_words[i];
    return "";
}

int pawl_fold_checked(const struct pawl_fold *f, struct pawl_step *s)
{
    yyjson_val *checks = yyjson_obj_get(f->body, "checks"), *check;
    struct pawl_buf b;
    size_t i, n;
    if (!checks) return PAWL_OK;
    s->checks = pawl_fold_json(f, "checks");
    s->after = pawl_fold_json(f, "after");
    pawl_buf_init_arena(&b, f->run->arena);
    yyjson_arr_foreach(checks, i, n, check)
    {
        const struct pawl_str then = pawl_json_str(check, "then");
        if (!then.p) continue; /* it holds, or is none of this call's */
        for (unsigned k = 0; k < THEN_COUNT; k++)
            if (pawl_str_is(then, then_words[k])) s->check_then |= 1u << k;
        if (b.n) pawl_buf_text(&b, "; ");
        pawl_buf_str(&b, pawl_json_str(check, "name"));
        pawl_buf_text(&b, ": ");
        pawl_buf_str(&b, pawl_json_str(check, "says"));
    }
    f->run->check_then |= s->check_then;
    if (b.n) s->check_says = pawl_buf_done(&b);
    return b.failed ? PAWL_ENOMEM : PAWL_OK;
}
