/* src/contract/config_errors.c - errors: what this tool means by a status or an exit code, beyond LEDGER 2.
 *
 *   already_done   it has happened before; the body is its result
 *   running        it is under way under this key: ask again
 *   unknown        nobody knows
 *   timeout        the same, for want of time
 *   not_applied    nothing happened
 *   a class (rejected, unauthorized, bad_arguments, conflict; rate_limited, overloaded, unavailable: again later):
 *                  nothing happened, and why */
#include "contract/config_read.h"
#include <stdio.h>

static const struct meaning {
    const char *name;
    enum pawl_applied applied;
    enum pawl_class error_class;
    bool retry;
} meanings[] = {
    {"already_done", PAWL_APPLIED_YES, PAWL_CLASS_NONE, false},
    {"not_applied", PAWL_APPLIED_NO, PAWL_CLASS_NONE, false}, /* again later, where the code itself says so */
    {"unknown", PAWL_APPLIED_UNKNOWN, PAWL_CLASS_NONE, true},
    {"running", PAWL_APPLIED_RUNNING, PAWL_CLASS_NONE, true},
    {"timeout", PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true},
    {"rejected", PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, false},
    {"unauthorized", PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, false},
    {"bad_arguments", PAWL_APPLIED_NO, PAWL_CLASS_BAD_ARGUMENTS, false},
    {"conflict", PAWL_APPLIED_NO, PAWL_CLASS_CONFLICT, false},
    {"rate_limited", PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, true},
    {"overloaded", PAWL_APPLIED_NO, PAWL_CLASS_OVERLOADED, true},
    {"unavailable", PAWL_APPLIED_NO, PAWL_CLASS_UNAVAILABLE, true},
};
enum { MEANINGS = sizeof meanings / sizeof *meanings };

/* 409 or "exit 3": canonical decimal digits, so that one code has one name. -1: it is no code. */
static int32_t code_of(struct pawl_str key, bool exit)
{
    const uint32_t skip = exit ? 5 : 0;
    int32_t value = 0;
    if (exit && (key.n < 6 || !pawl_str_eq((struct pawl_str){key.p, 5}, PAWL_STR("exit ")))) return -1;
    if (key.n <= skip || key.n > skip + 3 || key.p[skip] == '0') return -1;
    for (uint32_t i = skip; i < key.n; i++) {
        if (key.p[i] < '0' || key.p[i] > '9') return -1;
        value = value * 10 + (key.p[i] - '0');
    }
    return value;
}

/* Codes that say "later" by themselves: of HTTP, and sysexits' EX_TEMPFAIL. */
static bool says_later(int32_t code, bool exit)
{
    if (exit) return code == 75;
    return code == 408 || code == 425 || code == 429 || (code >= 500 && code != 501 && code != 505);
}

static bool read_meaning(struct pawl_reader *r, const struct pawl_yaml *errors, uint32_t i,
                         struct pawl_error_rule *rule)
{
    const char *names[MEANINGS + 1] = {NULL};
    int choice;
    char key[16];
    for (int k = 0; k < MEANINGS; k++) names[k] = meanings[k].name;
    snprintf(key, sizeof key, "%.*s", (int)errors->members[i].key.n, errors->members[i].key.p);
    if (!pawl_reader_choice(r, errors, key, names, &choice)) return false;
    rule->applied = meanings[choice].applied;
    rule->error_class = meanings[choice].error_class;
    rule->already_done = choice == 0;
    rule->retry = meanings[choice].retry || (choice == 1 && says_later(rule->status, rule->exit));
    return true;
}

void pawl_read_errors(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    const struct pawl_yaml *errors = pawl_reader_map(r, v, "errors");
    struct pawl_error_rule *rules = errors ? pawl_arena_zeroed(r->arena, errors->count * sizeof *rules) : NULL;
    if (!rules) return;
    if (t->driver == PAWL_DRIVER_INPROCESS) {
        pawl_fault(r->faults, errors->line, errors->column, "leave it out",
                   "errors: a function of a program says itself what happened");
        return;
    }
    for (uint32_t i = 0; i < errors->count; i++) {
        const struct pawl_yaml_member *m = &errors->members[i];
        struct pawl_error_rule *rule = &rules[t->errors_count];
        rule->exit = t->driver == PAWL_DRIVER_COMMAND;
        rule->status = code_of(m->key, rule->exit);
        if (rule->exit ? rule->status < 1 || rule->status > 255 : rule->status < 200 || rule->status > 599)
            pawl_fault(r->faults, m->line, m->column, "", "errors: expected %s, found '%.*s'",
                       rule->exit ? "an exit code from \"exit 1\" to \"exit 255\"" : "an HTTP status from 200 to 599",
                       m->key.n > 80 ? 80 : (int)m->key.n, m->key.p);
        else if (read_meaning(r, errors, i, rule)) t->errors_count++;
    }
    t->errors = rules;
}
