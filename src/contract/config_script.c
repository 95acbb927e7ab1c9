/* src/contract/config_script.c - the answers of provider script, each checked with its line; their forms: model/script.h. */
#include "contract/config_read.h"

static void check_kind(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, enum pawl_yaml_kind kind)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    if (v && v->kind != kind) pawl_reader_expected(r, v, key, kind == PAWL_YAML_TEXT ? "a text" : "true or false");
}

static bool is_args(const struct pawl_yaml *v)
{
    return !v || v->kind == PAWL_YAML_MAP || v->kind == PAWL_YAML_TEXT;
}

/* {name: TEXT, args: {…}, id: TEXT} or {TOOL: {…}}; args may be a text, which goes out as it is. */
static void check_call(struct pawl_reader *r, const struct pawl_yaml *v)
{
    static const char *const known[] = {"name", "args", "id", NULL};
    static const char form[] = "a call: {name: TOOL, args: {...}} or {TOOL: {...}}";
    if (v->kind != PAWL_YAML_MAP || v->count == 0) {
        pawl_reader_expected(r, v, "call", form);
        return;
    }
    const struct pawl_yaml *name = pawl_reader_get(v, "name"), *args = pawl_reader_get(v, "args");
    if (name && name->kind == PAWL_YAML_TEXT) {
        pawl_reader_keys(r, v, known, NULL);
        if (name->text.n == 0) pawl_reader_expected(r, name, "name", "the name of a tool");
        if (!is_args(args)) pawl_reader_expected(r, args, "args", "a mapping, or the text of one");
        check_kind(r, v, "id", PAWL_YAML_TEXT);
    } else if (v->count != 1 || !is_args(v->members[0].value) || v->members[0].key.n == 0) {
        pawl_reader_expected(r, v, "call", form);
    }
}

static void check_fail(struct pawl_reader *r, const struct pawl_yaml *answer)
{
    static const char *const known[] = {"status",       "code",        "type",
                                        "message",      "retry_after", "retry_after_ms",
                                        "should_retry", "body",        "content_type",
                                        "times",        "hang",        "cut",
                                        "refuse",       NULL};
    static const char *const texts[] = {"code", "type", "message", "body", "content_type", NULL};
    static const char *const flags[] = {"should_retry", "hang", "cut", "refuse", NULL};
    const struct pawl_yaml *v = pawl_reader_get(answer, "fail");
    uint32_t count = 100;
    if (!v) return;
    if (v->kind == PAWL_YAML_NUMBER) {
        if (pawl_reader_count(r, answer, "fail", 999, &count) && count < 100)
            pawl_reader_expected(r, v, "fail", "a status from 100 to 999");
        return;
    }
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, "fail", "a status, or a mapping such as {status: 429}");
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_count(r, v, "status", 999, &count);
    if (count < 100) pawl_reader_expected(r, pawl_reader_get(v, "status"), "status", "a status from 100 to 999");
    pawl_reader_count(r, v, "times", 1000, &count);
    for (const char *const *k = texts; *k; k++) check_kind(r, v, *k, PAWL_YAML_TEXT);
    for (const char *const *k = flags; *k; k++) check_kind(r, v, *k, PAWL_YAML_BOOL);
    for (int i = 0; i < 2; i++) {
        const char *key = i == 0 ? "retry_after" : "retry_after_ms";
        const struct pawl_yaml *wait = pawl_reader_get(v, key);
        if (wait && wait->kind != PAWL_YAML_NUMBER && wait->kind != PAWL_YAML_TEXT)
            pawl_reader_expected(r, wait, key, "a number or a text");
    }
}

static void check_usage(struct pawl_reader *r, const struct pawl_yaml *answer)
{
    static const char *const known[] = {"input", "cached", "output", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, answer, "usage");
    double count;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    for (const char *const *k = known; *k; k++) pawl_reader_number(r, v, *k, 0, 1000000000, &count);
}

static void check_answer(struct pawl_reader *r, const struct pawl_yaml *v)
{
    static const char *const known[] = {"say", "call", "calls", "refusal", "fail", "finish", "usage", NULL};
    static const char *const finishes[] = {"stop", "length", "tool_calls", "content_filter", NULL};
    const struct pawl_yaml *call, *calls;
    bool any = false;
    int finish;
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, "script", "an answer such as {say: TEXT} or {call: {name: TOOL, args: {...}}}");
        return;
    }
    for (size_t i = 0; i < 5; i++) any = any || pawl_reader_get(v, known[i]);
    pawl_reader_keys(r, v, known, NULL);
    if (!any) pawl_fault(r->faults, v->line, v->column, "", "script: an answer has say, call, calls, refusal or fail");
    check_kind(r, v, "say", PAWL_YAML_TEXT);
    check_kind(r, v, "refusal", PAWL_YAML_TEXT);
    if ((call = pawl_reader_get(v, "call")) != NULL) check_call(r, call);
    if ((calls = pawl_reader_list(r, v, "calls")) != NULL) {
        if (calls->count == 0) pawl_reader_expected(r, calls, "calls", "at least one call");
        for (uint32_t i = 0; i < calls->count; i++) check_call(r, calls->items[i]);
    }
    check_fail(r, v);
    check_usage(r, v);
    pawl_reader_choice(r, v, "finish", finishes, &finish);
}

bool pawl_read_script(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_str *out)
{
    if (v->kind != PAWL_YAML_LIST) {
        pawl_reader_expected(r, v, "script", "a list of answers");
        return false;
    }
    for (uint32_t i = 0; i < v->count; i++) check_answer(r, v->items[i]);
    pawl_reader_literal(r, v, "script");
    *out = pawl_reader_canonical(r, v, NULL);
    return out->p != NULL;
}
