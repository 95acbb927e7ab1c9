/* src/cli/mock.h - `pawl mock`: a model and services that misbehave on request, with an append-only ledger of what really
 * happened. docs/mock.md is its manual. Private to mock*.c.
 *
 *   mock.c         options, life            mock_call.c    a request: its route, its fault, its answer
 *   mock_fault.c   which call misbehaves    mock_service.c what the services do
 *   mock_async.c   what is accepted and done later
 *   mock_ledger.c  the ledger               mock_model.c   what the model says; mock_openai.c: in OpenAI's words */
#pragma once
#include "base/map.h"
#include "base/sha256.h"
#include "cli/cli.h"
#include "contract/config.h"
#include "contract/json.h"
#include "io/http_server.h"

int pawl_cmd_mock(int argc, char **argv);
extern const struct cli_option pawl_mock_options[]; /* for help, manual page and completions; ends in a nameless one */
void pawl_mock_help(struct pawl_buf *out);          /* what goes behind them */

/* ---- faults */

enum { PAWL_MOCK_FAULTS_MAX = 64, PAWL_MOCK_SERVICES_MAX = 32 };
enum pawl_mock_kind {
    MOCK_FINE,
    /* nothing happens, and then: */
    MOCK_STATUS,
    MOCK_NO_MONEY,
    MOCK_HANG,
    MOCK_DROP,
    MOCK_RESET,
    MOCK_ACCEPTED,
    /* 202; it happens later, and that can be asked for (mock_async.c): */
    MOCK_POLL,
    MOCK_POLL_202,
    MOCK_POLL_303,
    MOCK_POLL_FAILS,
    MOCK_POLL_NEVER,
    MOCK_POLL_GONE,
    /* 202; it happens later, and whoever asked is called back: */
    MOCK_CALL,
    MOCK_CALL_EARLY,
    MOCK_CALL_TWICE,
    MOCK_CALL_FAILS,
    MOCK_CALL_FORGED,
    /* it happens, and then: */
    MOCK_STATUS_AFTER,
    MOCK_HANG_AFTER,
    MOCK_DROP_AFTER,
    MOCK_RESET_AFTER,
    MOCK_ACCEPTED_AFTER,
    MOCK_SLOW,
    MOCK_LATE,
    MOCK_CUT,
    MOCK_HALF,
    MOCK_EMPTY,
    MOCK_GARBAGE,
    MOCK_HTML,
    MOCK_HTML_IN_JSON,
    MOCK_OUT_OF_CONTRACT,
    MOCK_FORGET_KEY,
    /* the model only: */
    MOCK_MALFORMED_ARGUMENTS,
    MOCK_WRONG_ARGUMENTS,
    MOCK_UNKNOWN_TOOL,
    MOCK_LENGTH,
    MOCK_REFUSAL,
    MOCK_STREAM_ERROR
};
enum pawl_mock_where { MOCK_MODEL = 1, MOCK_CHANGE = 2, MOCK_READ = 4 }; /* which routes a fault fits */
struct pawl_mock_what {
    enum pawl_mock_kind kind;
    int status;      /* STATUS, STATUS_AFTER */
    int64_t wait_ms; /* SLOW, LATE; of what is accepted: how long it takes */
    char header[64]; /* a header line with CRLF that goes with a status, or "" */
    char word[48];   /* as it was said */
};
struct pawl_mock_fault { /* on the calls from..to of a route */
    char route[64];
    uint32_t from, to;
    struct pawl_mock_what what;
};
struct pawl_mock_chance { /* a share of all calls misbehaves, as the seed says */
    uint64_t seed;
    double share;
    uint32_t only[PAWL_MOCK_FAULTS_MAX]; /* rows of the table; count 0: all that are drawn from */
    uint32_t only_count;
};
/* "429", "503:2", "slow:300ms": false: no such fault; *why says what is wrong. */
bool pawl_mock_what_read(const char *text, struct pawl_mock_what *out, const char **why);
/* "POST /refunds#1=hang_after"; calls are N, N-M, N+ or *. */
bool pawl_mock_fault_read(const char *text, struct pawl_mock_fault *out, const char **why);
bool pawl_mock_chance_only(struct pawl_mock_chance *c, const char *list); /* "429,cut"; false: one is no such fault */
/* What the nth call of a route (from 1) meets. */
void pawl_mock_plan(const struct pawl_mock_fault *faults, uint32_t count, const struct pawl_mock_chance *chance,
                    const char *route, enum pawl_mock_where where, uint32_t nth, struct pawl_mock_what *out);
void pawl_mock_faults_help(struct pawl_buf *out); /* the table, for people */
bool pawl_mock_fits(const struct pawl_mock_what *what, enum pawl_mock_where where);
bool pawl_mock_happens(enum pawl_mock_kind kind); /* does a change take place before it? */

/* ---- what there is */

struct pawl_mock_service { /* POST /NAME changes something; with `look` GET /NAME/OF tells what there is */
    char name[32], kind[32];
    bool keys, look, order; /* keys: honours Idempotency-Key; order: order_id must be there */
};
struct pawl_mock_answer { /* a fixed answer to METHOD /PATH and what is below it */
    char method[8], path[128];
    struct pawl_str json;
};
struct pawl_mock_effect {
    struct pawl_mock_effect *next;
    char kind[32], of[64], key[128], id[48];
    struct pawl_hash body;
    char *answer; /* JSON */
};
struct pawl_mock_row { /* for the table: what was asked of a service about one thing, and what happened */
    struct pawl_mock_row *next;
    char kind[32], of[64];
    double amount;
    bool has_amount;
    uint32_t calls, effects;
};

struct pawl_mock_call;
struct pawl_mock_op;
struct pawl_http_client;
struct pawl_mock {
    const struct pawl_alloc *alloc;
    uv_loop_t loop;
    struct pawl_http_server *server;
    struct pawl_mock_call *calls; /* under way */
    struct pawl_mock_op *ops;     /* accepted, the latest first; mock_async.c */
    struct pawl_http_client *client;
    const char *webhook_secret; /* callbacks are signed with it; NULL: they are not */
    int64_t began_ns;
    struct pawl_mock_fault faults[PAWL_MOCK_FAULTS_MAX];
    uint32_t faults_count;
    struct pawl_mock_chance chance;
    struct pawl_mock_service services[PAWL_MOCK_SERVICES_MAX];
    struct pawl_mock_answer answers[PAWL_MOCK_SERVICES_MAX];
    uint32_t services_count, answers_count;
    struct pawl_config *script; /* its models of provider script speak; NULL: the story of mock_model.c */
    const char *api_key;        /* NULL: anybody may ask */
    bool forgetful, quiet;      /* the story: the model asks for its last change once more */
    char charge_order[64];
    double charge_amount;
    int ledger_fd;        /* -1: none */
    bool ledger_torn;     /* the last line of the file is not whole */
    uint64_t ledger_seq;  /* lines so far */
    struct pawl_map seen; /* route, or "model CONVERSATION", to how often: uint32_t * */
    struct pawl_mock_effect *effects, **effects_end;
    struct pawl_mock_row *rows, **rows_end;
};

/* ---- mock_ledger.c */

/* Folds what is there. path NULL: in memory only. PAWL_EBUSY: another mock writes it; PAWL_ECORRUPT: it is no ledger. */
int pawl_mock_ledger_open(struct pawl_mock *m, const char *path, struct pawl_error *err);
void pawl_mock_ledger_close(struct pawl_mock *m);
struct pawl_mock_entry {                           /* a call, as it is recorded before anything comes of it */
    const char *route, *of, *fault, *conversation; /* "": none */
    struct pawl_str key;
};
int pawl_mock_ledger_call(struct pawl_mock *m, const struct pawl_mock_entry *e);
uint32_t pawl_mock_calls(const struct pawl_mock *m, const char *route);
/* On the disk when it returns. NULL: it is not, and did not happen. */
struct pawl_mock_effect *pawl_mock_effect(struct pawl_mock *m, const char *kind, const char *of, struct pawl_str key,
                                          struct pawl_hash body, const char *id, struct pawl_str answer);
struct pawl_mock_effect *pawl_mock_by_key(const struct pawl_mock *m, const char *kind, struct pawl_str key);
int pawl_mock_ledger_show(const char *path, struct pawl_error *err);          /* the table, on stdout */
void pawl_mock_ledger_write(const struct pawl_mock *m, struct pawl_buf *out); /* as JSON */

/* ---- mock_call.c */

struct pawl_mock_call { /* one request, until it has been answered or its peer has gone */
    struct pawl_mock_call *next, **prev;
    struct pawl_mock *m;
    struct pawl_http_peer *peer; /* NULL: gone */
    struct pawl_arena arena;
    struct pawl_str method, target, body, key, authorization;
    struct pawl_str callback; /* where it wants to be called back: header X-Callback-Url, member callback_url */
    yyjson_val *json;         /* the body; NULL: none, or not JSON */
    char route[64], of[64];
    struct pawl_mock_what what;
    int status; /* 0: not decided */
    const char *type;
    struct pawl_buf out, headers;
    size_t sent;
    bool stream, streaming;
    uv_timer_t timer;
    bool timer_open;
};
struct pawl_http_hooks pawl_mock_hooks(struct pawl_mock *m);
void pawl_mock_say(struct pawl_mock_call *c, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void pawl_mock_calls_end(struct pawl_mock *m); /* all that are under way, before the loop ends */

void pawl_mock_send(struct pawl_mock_call *c); /* what was said */

/* ---- mock_async.c */

bool pawl_mock_is_async(enum pawl_mock_kind kind);
void pawl_mock_accept(struct pawl_mock_call *c, const struct pawl_mock_service *s); /* answers it, now or later */
void pawl_mock_operation(struct pawl_mock_call *c);                                 /* GET /operations/N */
void pawl_mock_leaves(struct pawl_mock_call *c); /* it is over: nobody holds it any more */
void pawl_mock_ops_end(struct pawl_mock *m);

/* ---- mock_service.c */

bool pawl_mock_service_read(struct pawl_mock *m, const char *text, const char **why); /* "bookings:look" */
bool pawl_mock_answer_read(struct pawl_mock *m, const char *text, const char **why);  /* "GET /stock={\"left\":3}" */
void pawl_mock_services_init(struct pawl_mock *m);                                    /* the shop */
/* Which thing the request is about: what of a GET's path is behind "/PATH/", else a member: id, *_id, the first text. */
void pawl_mock_of(struct pawl_mock_call *c, const char *path);
void pawl_mock_change(struct pawl_mock_call *c, const struct pawl_mock_service *s);
void pawl_mock_look(struct pawl_mock_call *c, const struct pawl_mock_service *s);
void pawl_mock_order(struct pawl_mock_call *c);

/* ---- mock_model.c, mock_openai.c */

struct pawl_mock_tool_call {
    struct pawl_str id, name, arguments; /* arguments: text, as the model writes it */
};
struct pawl_mock_said {               /* what the model says, whatever form it leaves in */
    struct pawl_str content, refusal; /* {NULL,0}: none */
    struct pawl_mock_tool_call *calls;
    uint32_t calls_count;
    struct pawl_str finish;        /* "stop", ... */
    int64_t input, cached, output; /* tokens; input 0: to be guessed */
};
void pawl_mock_model(struct pawl_mock_call *c);  /* POST /v1/chat/completions */
void pawl_mock_models(struct pawl_mock_call *c); /* GET /v1/models[/NAME] */
/* The digest of the conversation in the request, 16 digits; "": it has none. */
void pawl_mock_conversation(yyjson_val *request, char out[17]);
/* A script model may be asked for: one at least. PAWL_ECONFIG: every error was printed. */
int pawl_mock_script_read(struct pawl_mock *m, const char *path);

/* What is wrong with the request (of the arena), and where; NULL: nothing. */
const char *pawl_mock_request_fault(yyjson_val *request, struct pawl_arena *a, const char **param);
/* code, message, param NULL: what goes with the status, or null. */
void pawl_mock_openai_error(struct pawl_mock_call *c, int status, const char *code, const char *message,
                            const char *param);
void pawl_mock_openai_answer(struct pawl_mock_call *c, const struct pawl_mock_said *said); /* whole, or as a stream */
