/* src/model/model.c - which provider's protocol is spoken. */
#include "model/openai.h"
#include <assert.h>

static void write_script(const struct pawl_message *messages, uint32_t count, struct pawl_json_writer *w)
{
    int64_t turn = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (messages[i].stands_for) turn += messages[i].stands_for;
        else turn += messages[i].role == PAWL_ROLE_ASSISTANT;
    }
    pawl_jw_key(w, "script");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "turn");
    pawl_jw_i64(w, turn);
    pawl_jw_close(w, '}');
}

int pawl_model_render(yyjson_val *document, const struct pawl_model *m, const struct pawl_message *messages,
                      uint32_t messages_count, const struct pawl_tool *const *tools, uint32_t tools_count,
                      struct pawl_str output_json, struct pawl_buf *out, struct pawl_error *err)
{
    _Alignas(16) char first[4096];
    struct pawl_arena a;
    struct pawl_buf text;
    yyjson_val *root = NULL;
    int code = PAWL_OK;
    assert(messages_count > 0);
    pawl_arena_init_on(&a, out->arena != NULL ? out->arena->from : out->from, first, sizeof first);
    pawl_buf_init_arena(&text, &a);
    struct pawl_json_writer w = {.out = &text};
    pawl_jw_open(&w, '{');
    if (m->provider == PAWL_PROVIDER_SCRIPT) write_script(messages, messages_count, &w);
    else code = pawl_openai_render(m, messages, messages_count, tools, tools_count, output_json, document, &a, &w, err);
    pawl_jw_close(&w, '}');
    const struct pawl_str written = pawl_buf_done(&text);
    if (code == PAWL_OK && (text.failed || a.failed)) code = PAWL_ENOMEM;
    if (code == PAWL_OK) code = pawl_json_read(written, &a, &root, err);
    if (code == PAWL_OK) code = pawl_json_canonical(root, out, err);
    if (code == PAWL_OK && out->failed) code = PAWL_ENOMEM;
    if (code == PAWL_ENOMEM) pawl_fail(err, code, "", "", "no memory for the request of a model");
    pawl_arena_fini(&a);
    return code;
}

/* A script's answers are in OpenAI's form, so that one reader reads both. */
void pawl_model_read(const struct pawl_model *m, const struct pawl_reply *reply, struct pawl_arena *a,
                     struct pawl_outcome *out)
{
    (void)m;
    pawl_openai_read(reply, a, out);
}
