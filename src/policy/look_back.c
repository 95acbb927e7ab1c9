/* src/policy/look_back.c - unverified_depth: verify. Where changes have stood unseen for so many steps, the runtime looks at
 * those whose contract says how (guard.c records that the rule tripped; this follows from it).
 *
 * Each change is looked at once for this; what was seen is a note of its step (looked_back, before the model step to come), so
 * that a restart does not look again, and the model hears what is not as expected. */
#include "policy/guard.h"
#include "policy/look.h"
#include "policy/pipeline.h"

/* Changes before this step are meant: the latest trip's. 0: none. */
static uint32_t tripped_at(const struct pawl_run *run)
{
    const char *rule = pawl_guard_name(PAWL_GUARD_UNVERIFIED_DEPTH);
    for (uint32_t i = run->trips_count; i-- > run->trips_from;) {
        const struct pawl_trip *t = &run->trips[i];
        if (!t->aside && t->answer == PAWL_GUARD_VERIFY && pawl_str_is(t->rule, rule)) return t->step;
    }
    return 0;
}

static const struct pawl_step *next(const struct pawl_guard_look *l)
{
    const uint32_t to = tripped_at(l->run);
    for (uint32_t i = l->run->steps_before; i + 1 < to && i < l->run->steps_count; i++) {
        const struct pawl_step *s = l->run->steps[i];
        if (!s->looked_back && !s->aside && pawl_guard_unread(l, s, false)) return s;
    }
    return NULL;
}

static enum pawl_verdict note(struct pawl_pass *p, const struct pawl_step *s, int told)
{
    static const char *const words[] = {"differs", "", "yes", "could not be told"};
    const uint32_t number = p->number;
    struct pawl_buf b;
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "{\"looked_back\":\"%s\",\"before\":%u}", words[told + 1], number);
    p->number = s->number; /* the note is of the step that was looked at */
    v = pawl_pass_append(p, PAWL_NOTE, &b);
    p->number = number;
    p->step = pawl_run_step(p->run, number);
    return v;
}

enum pawl_verdict pawl_look_back(struct pawl_pass *p, const struct pawl_guard_look *l)
{
    const struct pawl_step *s;
    enum pawl_verdict v;
    bool any = false;
    while ((s = next(l)) != NULL && !p->arena->failed) {
        if (!p->look_came) {
            if (p->left_ns <= 0) break; /* the run ends here */
            p->look_of = s;
            p->look_back = true;
            p->look_tool = pawl_config_tool(p->config, pawl_config_tool(p->config, s->name)->verify.tool);
            return pawl_pass_wait(p, PAWL_WANT_LOOK);
        }
        const int told = pawl_look_back_tells(p);
        p->look_came = p->look_back = false;
        p->look_tool = NULL;
        if ((v = note(p, s, told)) != PAWL_GO) return v;
        any = true;
    }
    if (!any) return PAWL_GO;
    p->anew = true; /* the model may hear of it */
    return PAWL_FAIL;
}
