/* src/contract/config_fault.c - see config_fault.h. */
#include "contract/config_fault.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct pawl_fault {
    uint32_t line, column;
    struct pawl_error error;
};

/* "pawl.yaml:12". The line always fits: of a long path the end is shown. */
static void set_where(struct pawl_str path, uint32_t line, char *out, size_t size)
{
    const size_t room = size - 20;
    if (!path.p) path = PAWL_STR("configuration");
    if (path.n > room) snprintf(out, size, "...%.*s:%u", (int)room, path.p + path.n - room, line);
    else snprintf(out, size, "%.*s:%u", (int)path.n, path.p, line);
}

static int order(const struct pawl_fault *a, const struct pawl_fault *b)
{
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

/* Puts it in its place, behind others at the same one. False: told already, or too far back to be kept. */
static bool insert(struct pawl_faults *f, struct pawl_fault *made)
{
    uint32_t at = f->kept;
    while (at > 0 && order(made, f->sorted[at - 1]) < 0) at--;
    for (uint32_t i = at; i-- > 0 && order(made, f->sorted[i]) == 0;)
        if (strcmp(f->sorted[i]->error.what, made->error.what) == 0) return false;
    f->count++;
    if (at == PAWL_CONFIG_ERRORS) return false;
    if (f->kept == PAWL_CONFIG_ERRORS) f->spare = f->sorted[--f->kept];
    memmove(f->sorted + at + 1, f->sorted + at, (f->kept - at) * sizeof *f->sorted);
    f->sorted[at] = made;
    f->kept++;
    return true;
}

void pawl_fault(struct pawl_faults *f, uint32_t line, uint32_t column, const char *next, const char *what, ...)
{
    char text[sizeof((struct pawl_error *)0)->what], where[sizeof((struct pawl_error *)0)->where];
    struct pawl_fault *made = f->spare ? f->spare : pawl_arena_get(f->arena, sizeof *made);
    va_list args;
    assert(next);
    if (!made) return;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    *made = (struct pawl_fault){.line = line, .column = column};
    f->spare = NULL;
    set_where(f->path, line, where, sizeof where);
    pawl_fail(&made->error, PAWL_ECONFIG, where, next, "%s", text);
    if (!insert(f, made)) f->spare = made;
}

void pawl_faults_report(const struct pawl_faults *f, struct pawl_config_report *report)
{
    report->count = f->count;
    for (uint32_t i = 0; i < f->kept; i++) report->errors[i] = f->sorted[i]->error;
}
