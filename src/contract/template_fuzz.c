/* src/contract/template_fuzz.c - two texts with a newline between: a template, and the JSON of {"args":…, "run":…} that it
 * refers to. What the check lets pass renders or names what is missing; a URL or a header that comes out has nothing in it that the template had not. */
#include "contract/template.h"
#include "base/test.h"

static void check_url(struct pawl_str template, struct pawl_str url)
{
    uint32_t had = 0, has = 0;
    for (uint32_t i = 0; i < template.n; i++) had += strchr("/?#@:", template.p[i]) != NULL && template.p[i];
    for (uint32_t i = 0; i < url.n; i++) has += strchr("/?#@:", url.p[i]) != NULL && url.p[i];
    if (has > had) abort(); /* no part, no query, no host of a model's making */
}

static void check_header(struct pawl_str template, struct pawl_str header)
{
    uint32_t had = 0, has = 0;
    for (uint32_t i = 0; i + 1 < template.n; i++) had += template.p[i] == '$' && template.p[i + 1] == '{';
    for (uint32_t i = 0; i + 1 < header.n; i++) has += header.p[i] == '$' && header.p[i + 1] == '{';
    if (has > had) abort(); /* names no secret that the contract does not name */
}

static void render(struct pawl_str template, yyjson_val *document, enum pawl_template_for how, bool fine,
                   struct pawl_arena *a)
{
    struct pawl_buf out;
    struct pawl_error err = {0};
    pawl_buf_init_arena(&out, a);
    const int rc = pawl_template_text(template, document, how, &out, &err);
    if (rc != PAWL_OK) {
        if (rc != PAWL_EINVAL || !err.what[0]) abort();
        return;
    }
    if (!fine) abort();
    const struct pawl_str text = pawl_buf_done(&out);
    if (how == PAWL_TEMPLATE_URL) check_url(template, text);
    if (how == PAWL_TEMPLATE_HEADER) check_header(template, text);
    if (!pawl_template_has(template) && how == PAWL_TEMPLATE_TEXT && text.n > template.n) abort();
}

/* Every reference that is told of stands in the text, in order. */
static void walk(struct pawl_str template)
{
    struct pawl_str path;
    const char *last = template.p;
    bool any = false;
    for (uint32_t at = 0, before; before = at, pawl_template_next(template, &at, &path); any = true) {
        if (at <= before || at > template.n || path.p < last || path.p + path.n > template.p + template.n) abort();
        last = path.p + path.n;
    }
    if (any != pawl_template_has(template)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    struct test_alloc t;
    struct pawl_arena a;
    struct pawl_buf out;
    struct pawl_error err = {0};
    yyjson_val *document = NULL;
    if (!line) return 0;
    const struct pawl_str template = {(const char *)data, (uint32_t)(line - data)};
    const struct pawl_str json = {(const char *)line + 1, (uint32_t)(data + size - line - 1)};
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    const bool fine = pawl_template_check(template, &err) == PAWL_OK;
    if (!fine && !err.what[0]) abort();
    if (fine) walk(template);
    if (pawl_json_read(json, &a, &document, NULL) == PAWL_OK && yyjson_is_obj(document)) {
        for (int how = PAWL_TEMPLATE_TEXT; how <= PAWL_TEMPLATE_HEADER; how++)
            render(template, document, (enum pawl_template_for)how, fine, &a);
        pawl_buf_init_arena(&out, &a);
        const int rc = pawl_template_json(template, document, &a, &out, &err);
        if (rc != PAWL_OK && (rc != PAWL_EINVAL || !err.what[0])) abort();
        if (rc == PAWL_OK && pawl_json_read(pawl_buf_done(&out), &a, &document, NULL) != PAWL_OK) abort();
    }
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
