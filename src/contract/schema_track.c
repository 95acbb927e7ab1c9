/* src/contract/schema_track.c - bits for what has been evaluated: from the run's own words while there are any. */
#include "contract/schema_run.h"
#include <assert.h>
#include <string.h>

bool pawl_track_begin(struct pawl_run *c, struct pawl_track *t, size_t n)
{
    const size_t words = n / 64 + 1;
    *t = (struct pawl_track){.words = words};
    if (words <= PAWL_RUN_WORDS - c->words_used) {
        t->bits = c->words + c->words_used;
        c->words_used += (uint32_t)words;
    } else if (!(t->bits = c->from->resize(c->from->ctx, NULL, 0, words * sizeof *t->bits))) {
        c->rc = PAWL_ENOMEM;
        return false;
    }
    memset(t->bits, 0, words * sizeof *t->bits);
    return true;
}

/* Tracks end in the reverse order of their beginnings. */
void pawl_track_end(struct pawl_run *c, struct pawl_track *t)
{
    if ((uintptr_t)t->bits >= (uintptr_t)c->words && (uintptr_t)t->bits < (uintptr_t)(c->words + PAWL_RUN_WORDS)) {
        assert(t->bits + t->words == c->words + c->words_used);
        c->words_used -= (uint32_t)t->words;
    } else {
        c->from->resize(c->from->ctx, t->bits, t->words * sizeof *t->bits, 0);
    }
    t->bits = NULL;
}

void pawl_track_join(struct pawl_track *t, const struct pawl_track *more)
{
    assert(t->words == more->words);
    t->all |= more->all;
    for (size_t i = 0; i < t->words; i++) t->bits[i] |= more->bits[i];
}
