/* src/contract/config_wait.c - tools that call nothing: they wait for a signal, by a name that the contract alone chooses. */
#include "contract/config_read.h"
#include "contract/wait.h"

/* What would be read and then play no part. */
static void check_useless(struct pawl_reader *r, const struct pawl_yaml *v, const char *const *keys, const char *why)
{
    for (const char *const *k = keys; *k; k++) {
        const struct pawl_yaml_member *m = pawl_yaml_member(v, *k);
        if (m) pawl_fault(r->faults, m->line, m->column, "leave it out", "%s: %s", *k, why);
    }
}

void pawl_wait_effect(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    const struct pawl_yaml *effect = pawl_reader_get(v, "effect");
    if (effect && t->effect != PAWL_EFFECT_READ)
        pawl_fault(r->faults, effect->line, effect->column, "write effect: read, or leave it out",
                   "effect: who waits for a signal changes nothing");
    t->effect = PAWL_EFFECT_READ;
    t->effect_declared = true;
}

/* signal: {name, timeout, otherwise} */
void pawl_read_signal(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"name", "timeout", "otherwise", NULL};
    static const char *const useless[] = {"timeout", "retry",  "breaker", "pool",   "limits", "errors", "fresh",
                                          "key",     "dedupe", "repeat",  "verify", "undo",   NULL};
    const struct pawl_yaml *signal = pawl_reader_map(r, v, "signal"), *otherwise;
    t->driver = PAWL_DRIVER_SIGNAL;
    check_useless(r, v, useless, "nothing is sent for a signal: signal: {timeout} says how long it is awaited");
    if (!signal) return;
    pawl_reader_keys(r, signal, known, NULL);
    if (pawl_reader_need(r, signal, "name", "write name: paid, then `pawl signal RUN paid` ends the wait") &&
        pawl_reader_text(r, signal, "name", &t->signal) && !pawl_signal_name(t->signal))
        pawl_reader_expected(r, pawl_reader_get(signal, "name"), "name",
                             "1 to 64 of letters, digits, dots, colons, _ and -");
    if (pawl_reader_need(r, signal, "timeout", "write timeout: 24h: no wait is without an end"))
        pawl_reader_duration(r, signal, "timeout", 1, &t->signal_ns);
    if ((otherwise = pawl_reader_get(signal, "otherwise")) != NULL)
        pawl_reader_json(r, otherwise, "otherwise", 0, &t->otherwise);
}

bool pawl_signal_name(struct pawl_str name)
{
    for (uint32_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != ':' && c != '_' && c != '-') return false;
    }
    return name.n > 0 && name.n <= PAWL_SIGNAL_NAME_MAX;
}
