/* src/cli/mock.h - `pawl mock`: a model and a shop's tools that misbehave on request, with an append-only ledger of what
 * really happened. docs/mock.md is its manual. */
#pragma once
#include "base/sha256.h"
#include "contract/json.h"
#include "io/http_server.h"

int pawl_cmd_mock(int argc, char **argv);

enum { PAWL_MOCK_FAULTS_MAX = 64 };
struct pawl_mock_fault { /* on the nth call of a route */
    char route[64], what[32];
    uint32_t nth;
};
struct pawl_mock_effect {
    struct pawl_mock_effect *next;
    char kind[16], order[64], key[128], id[32];
    double amount;
    struct pawl_hash body;
};
struct pawl_mock {
    const struct pawl_alloc *alloc;
    uv_loop_t loop;
    struct pawl_http_server *server;
    struct pawl_mock_fault faults[PAWL_MOCK_FAULTS_MAX];
    uint32_t faults_count;
    uint64_t seed;
    double rate;    /* share of calls that misbehave by the seed */
    bool forgetful; /* the model asks for its last change once more */
    char charge_order[64];
    double charge_amount;
    int ledger_fd; /* -1: none */
    struct pawl_mock_effect *effects, **effects_end;
    struct {
        char route[64];
        uint32_t calls;
    } routes[64];
    uint32_t routes_count;
};

/* mock_ledger.c */
int pawl_mock_ledger_open(struct pawl_mock *m, const char *path, struct pawl_error *err); /* folds what is there */
void pawl_mock_ledger_call(struct pawl_mock *m, const char *route, const char *order);
uint32_t pawl_mock_calls(const struct pawl_mock *m, const char *route);
struct pawl_mock_effect *pawl_mock_effect(struct pawl_mock *m, const char *kind, const char *order, double amount,
                                          struct pawl_str key,
                                          struct pawl_hash body); /* durable when it returns; NULL: no */
struct pawl_mock_effect *pawl_mock_by_key(const struct pawl_mock *m, const char *kind, struct pawl_str key);
int pawl_mock_show_ledger(const char *path, struct pawl_error *err); /* the table of calls and effects, on stdout */
void pawl_mock_ledger_write(const struct pawl_mock *m, struct pawl_buf *out); /* as JSON */
/* mock_model.c: the answer of the scripted model to a chat completion request, as the message's JSON object */
void pawl_mock_model_says(const struct pawl_mock *m, yyjson_val *request, struct pawl_arena *a,
                          struct pawl_buf *message);
void pawl_mock_model_completion(struct pawl_str message, bool stream, struct pawl_arena *a, struct pawl_buf *out);
