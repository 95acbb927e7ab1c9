/* src/contract/yaml_fuzz.c - any bytes as YAML: a tree, or faults with their lines, or both. A tree keeps the limits, its members
 * are sorted and stand once, it can be written as JSON, and that is read as the same tree. */
#include "base/test.h"
#include "contract/yaml.h"

static uint64_t check(const struct pawl_yaml *v, uint32_t depth, bool *bad)
{
    uint64_t nodes = 1;
    if (depth > PAWL_YAML_DEPTH || v->line == 0) abort();
    if (v->kind == PAWL_YAML_BAD) *bad = true;
    if ((v->kind == PAWL_YAML_TEXT || v->kind == PAWL_YAML_NUMBER) && v->text.p[v->text.n] != 0) abort();
    if (v->kind == PAWL_YAML_NUMBER && pawl_yaml_number_fault(v->text.p)) abort();
    for (uint32_t i = 0; v->kind == PAWL_YAML_LIST && i < v->count; i++) nodes += check(v->items[i], depth + 1, bad);
    for (uint32_t i = 0; v->kind == PAWL_YAML_MAP && i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        if (i > 0 && pawl_str_eq(m[-1].key, m->key)) abort();
        if (pawl_yaml_find(v, m->key) != m) abort();
        nodes += check(m->value, depth + 1, bad);
    }
    /* counted before a key that stood twice was dropped */
    if (v->nodes < nodes || v->nodes > PAWL_YAML_NODES || v->bytes > PAWL_YAML_BYTES) abort();
    return nodes;
}

static void check_faults(const struct pawl_faults *f)
{
    static struct pawl_config_report report;
    unsigned last = 0;
    pawl_faults_report(f, &report);
    if (report.count != f->count) abort();
    for (uint32_t i = 0; i < report.count && i < PAWL_CONFIG_ERRORS; i++) {
        const char *at = strrchr(report.errors[i].where, ':');
        const unsigned line = at ? (unsigned)strtoul(at + 1, NULL, 10) : 0;
        if (line == 0 || line < last || !report.errors[i].what[0]) abort();
        last = line;
    }
}

static void check_json(const struct pawl_yaml *v, struct pawl_arena *a)
{
    struct pawl_buf once, twice;
    struct pawl_json_writer w = {.out = &once}, w2 = {.out = &twice};
    struct pawl_faults f = {.arena = a};
    const struct pawl_yaml *again = NULL;
    pawl_buf_init_arena(&once, a);
    pawl_buf_init_arena(&twice, a);
    pawl_yaml_json(v, &w);
    if (pawl_yaml_read(pawl_buf_done(&once), a, &f, &again) != PAWL_OK || f.count) abort();
    pawl_yaml_json(again, &w2);
    if (once.n != twice.n || memcmp(once.p, twice.p, once.n) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    struct pawl_arena a;
    const struct pawl_yaml *v = NULL;
    bool bad = false;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    struct pawl_faults f = {.arena = &a};
    const int rc = pawl_yaml_read((struct pawl_str){(const char *)data, (uint32_t)size}, &a, &f, &v);
    if (rc != PAWL_OK && rc != PAWL_ECONFIG) abort();
    if (rc == PAWL_ECONFIG && f.count == 0) abort();
    if (f.count) check_faults(&f);
    if (rc == PAWL_OK) {
        check(v, 0, &bad);
        if (bad && f.count == 0) abort();
        if (v->kind == PAWL_YAML_MAP) check_json(v, &a); /* only an object is read as JSON */
    }
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
