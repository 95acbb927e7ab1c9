/* src/contract/contract.h - what a configuration says, as plain immutable structs: models, tools, agents.
 *
 * Made by config.c (from YAML or JSON) or by hand in tests. All memory is the config's arena. Everything is already
 * checked: who reads these structs asserts, and never reports. A run keeps the configuration it started with:
 * `json` is stored as a blob by `hash`, and loading that text again gives the same structs.
 *
 * Secrets: `${env:NAME}` in a URL, a command word or a path is a target: resolved at load, recorded with the intent.
 * In a header value or api_key it stays a reference here and in the journal; the driver fills it in at sending. */
#pragma once
#include "base/sha256.h"
#include "contract/guard.h"
#include "contract/schema.h"

enum pawl_effect { PAWL_EFFECT_READ, PAWL_EFFECT_IDEMPOTENT, PAWL_EFFECT_MUTATE, PAWL_EFFECT_IRREVERSIBLE };
enum pawl_repeat { PAWL_REPEAT_ANSWER, PAWL_REPEAT_CONFIRM, PAWL_REPEAT_ALLOW };
enum pawl_scope { PAWL_SCOPE_RUN, PAWL_SCOPE_AGENT, PAWL_SCOPE_KEY, PAWL_SCOPE_GLOBAL };
enum pawl_provider { PAWL_PROVIDER_OPENAI, PAWL_PROVIDER_SCRIPT };
enum pawl_driver {
    PAWL_DRIVER_INPROCESS,
    PAWL_DRIVER_HTTP,
    PAWL_DRIVER_COMMAND,
    PAWL_DRIVER_SIGNAL,
    PAWL_DRIVER_AGENT,
    PAWL_DRIVER_JOURNAL /* pawl's own: answered from the run's journal (policy/recall.c) */
};
enum pawl_gate_mode { PAWL_GATE_NONE, PAWL_GATE_ALWAYS, PAWL_GATE_IF };

/* Error classes of DESIGN 5: what went wrong with a step, in words a program can switch on. */
enum pawl_class {
    PAWL_CLASS_NONE,
    PAWL_CLASS_TIMEOUT,
    PAWL_CLASS_RATE_LIMITED,
    PAWL_CLASS_OVERLOADED,
    PAWL_CLASS_UNAVAILABLE,
    PAWL_CLASS_MALFORMED,
    PAWL_CLASS_OUT_OF_CONTRACT,
    PAWL_CLASS_REJECTED,
    PAWL_CLASS_UNAUTHORIZED,
    PAWL_CLASS_UNKNOWN_TOOL,
    PAWL_CLASS_BAD_ARGUMENTS,
    PAWL_CLASS_BUDGET_EXCEEDED,
    PAWL_CLASS_DEADLINE_EXCEEDED,
    PAWL_CLASS_BREAKER_OPEN,
    PAWL_CLASS_LANE_FULL,
    PAWL_CLASS_CANCELLED,
    PAWL_CLASS_IN_DOUBT,
    PAWL_CLASS_GUARD_STOPPED,
    PAWL_CLASS_DENIED,
    PAWL_CLASS_CONFLICT,
    PAWL_CLASS_NONDETERMINISM,
    PAWL_CLASS_INTERNAL,
    PAWL_CLASS_CRASHED_ITS_OWNER,
    PAWL_CLASS_SUPERSEDED,
    PAWL_CLASS_COUNT
};
const char *pawl_class_name(enum pawl_class c);      /* "rate_limited", ...; "" for NONE. class.c */
enum pawl_class pawl_class_of(struct pawl_str name); /* NONE: no such */

/* What is known of the effect after an attempt (LEDGER 2). */
enum pawl_applied {
    PAWL_APPLIED_NO,       /* nothing happened there */
    PAWL_APPLIED_YES,      /* it happened, and the answer is usable */
    PAWL_APPLIED_UNUSABLE, /* it happened, the answer does not fit the contract */
    PAWL_APPLIED_UNKNOWN,  /* nobody knows */
    PAWL_APPLIED_RUNNING,  /* 409 on a keyed resend: still running, ask again */
    PAWL_APPLIED_ACCEPTED  /* 202: completes later */
};

struct pawl_pair {
    struct pawl_str name, value; /* a template; value may hold ${env:NAME} references */
};
enum pawl_jitter { PAWL_JITTER_NONE, PAWL_JITTER_FULL, PAWL_JITTER_DECORRELATED };
struct pawl_retry_rule;
struct pawl_retry {
    uint32_t attempts; /* in all, the first included; > 0 */
    int64_t first_ns, max_ns;
    double factor;
    enum pawl_jitter jitter;
    double
        budget; /* further attempts are at most so many percent of the first ones (policy/backoff.h); 0: not bounded */
    uint32_t reserve;                 /* ... and so many beside that */
    const struct pawl_retry_rule *on; /* other rules for errors of some classes */
    uint32_t on_count;
};
struct pawl_retry_rule {
    enum pawl_class error_class;
    struct pawl_retry retry; /* whole: what the rule leaves out is the retry's own; its budget and `on` are not asked */
};

/* When calls to a dependency (a tool, a model) are held back for a while (DESIGN 5, stage 9). */
struct pawl_breaker {
    bool on;               /* false: never opens */
    int64_t window_ns;     /* the failures of this time count */
    uint32_t window_calls; /* of so many last calls, instead of a time; 0: by time */
    double threshold;      /* share of failures that opens it, in percent */
    int64_t slow_ns;       /* an answer that takes longer is slow; 0: no answer is */
    double slow_threshold; /* share of slow answers that opens it, in percent */
    uint32_t min_calls;    /* in the window, before any share counts */
    uint32_t probes;       /* calls let through to see whether it is back; all must succeed */
    int64_t cooldown_ns;   /* how long it stays open; twice as long each time that probes fail */
    int64_t cooldown_max_ns;
};
/* What a step gets where its dependency cannot be called. */
struct pawl_fallback {
    enum {
        PAWL_FALLBACK_NONE,
        PAWL_FALLBACK_CACHED, /* the last good answer to the same call, not older than cached_for_ns */
        PAWL_FALLBACK_ANSWER, /* a fixed answer */
        PAWL_FALLBACK_ERROR,  /* a fixed sentence for the model */
        PAWL_FALLBACK_TOOL    /* another tool, with the same arguments; reads only */
    } kind;
    int64_t cached_for_ns;
    struct pawl_str answer, error, tool; /* answer: JSON text */
};

/* What is limited, whoever calls: a provider, a database (DESIGN 5, stage 10). 0: not limited. */
struct pawl_pool {
    struct pawl_str name;
    uint32_t concurrency;
    int64_t requests_per_minute, tokens_per_minute;
    bool adaptive; /* concurrency is an upper bound; what the other end bears is found out (AIMD) */
    uint32_t line;
};
struct pawl_lane_share { /* of a pool, in percent: nobody else may use it, and this lane not more */
    struct pawl_str pool;
    double percent;
};
/* A class of agents, which cannot starve another one (stage 8). */
struct pawl_lane {
    struct pawl_str name;
    uint32_t concurrency; /* calls at a time; 0: not limited */
    uint32_t queue;       /* calls that may wait before starts are refused; 0: not limited */
    uint32_t weight;      /* where lanes draw from what no share covers; > 0 */
    int64_t memory_bytes; /* of its runs in memory; those beyond it that only wait are put out. 0: not limited */
    const struct pawl_lane_share *shares;
    uint32_t shares_count;
    uint32_t line;
};

/* What a budget limits (DESIGN 5, stage 6). Money is in picodollars, 10^-12 USD: a token's price, given to six decimals
 * for a million of them, is a whole number of these. */
enum pawl_budget_of { PAWL_BUDGET_STEPS, PAWL_BUDGET_TOKENS, PAWL_BUDGET_COST, PAWL_BUDGET_OFS };
struct pawl_budget {
    int64_t most[PAWL_BUDGET_OFS]; /* 0: not limited */
};
struct pawl_price { /* of one token */
    bool known;
    int64_t input_pusd, cached_pusd, output_pusd;
};
/* What is done where the worst case of a model call does not fit into a budget any more. */
struct pawl_exhausted {
    const struct pawl_str *degrade; /* cheaper models, tried in this order; */
    uint32_t degrade_count;
    bool ask; /* then a person is asked for more; else the run ends */
    int64_t expires_ns;
};

/* The cheapest of these models is asked whose recent runs of the agent ended well so often. */
struct pawl_routing {
    const struct pawl_str *models;
    uint32_t models_count; /* 0: no routing */
    uint32_t runs_min;     /* so many runs, before the share counts */
    double success;        /* percent */
    int64_t recent_ns;     /* what is longer ago is forgotten */
};

struct pawl_model {
    struct pawl_str name;
    enum pawl_provider provider;
    struct pawl_str base_url, model, api_key; /* api_key with references; {NULL,0}: none */
    const struct pawl_pair *headers;
    uint32_t headers_count;
    int64_t first_token_ns, total_ns;
    struct pawl_retry retry;
    struct pawl_breaker breaker;
    struct pawl_str pool;            /* {NULL,0}: none */
    const struct pawl_str *fallback; /* other models, asked in this order where this one cannot be */
    uint32_t fallback_count;
    struct pawl_price price;
    uint32_t max_tokens;    /* of an answer, told to the provider; 0: it is not bounded */
    struct pawl_str script; /* provider script: JSON text, an array of answers; see model/script.h */
    yyjson_val *answers;    /* the same, read; NULL: not read yet, whoever needs it reads the text */
    uint32_t line;          /* where it stands in the file, for messages */
};

/* errors: {409: already_done, 422: rejected, "exit 3": not_applied}: how this tool's own codes refine LEDGER 2. */
struct pawl_error_rule {
    int32_t status; /* HTTP status, or exit code where `exit` */
    bool exit;
    enum pawl_applied applied;   /* already_done: YES, with its body as the result where that fits; not_applied,
                                  rejected, ...: NO; unknown: UNKNOWN */
    enum pawl_class error_class; /* for NO and UNKNOWN */
    bool already_done, retry;    /* retry: worth another attempt (rate_limited, overloaded, unavailable) */
};

struct pawl_verify {
    struct pawl_str tool;       /* {NULL,0}: no verify declared. A read tool of this configuration */
    struct pawl_str by_key;     /* JSON pointer into its answer that gives our idempotency key; {NULL,0}: none */
    struct pawl_str args;       /* JSON text with {"$arg": POINTER} over {args, result, run, key} */
    struct pawl_schema *expect; /* NULL: only by_key tells. Context {args, result, run, key} */
    int64_t settles_ns;         /* < 0: not declared */
};

/* What must have come of a call: a schema over {args, run, result, before, after} (policy/check.c, DESIGN 5, stage 16). */
enum { PAWL_CHECK_TELL = 1, PAWL_CHECK_ASK = 2, PAWL_CHECK_FAIL = 4, PAWL_CHECK_UNDO = 8 }; /* what follows; bits */
enum { PAWL_CHECK_RESULT = 1, PAWL_CHECK_BEFORE = 2, PAWL_CHECK_AFTER = 4 };                /* what it looks at; bits */
enum { PAWL_CHECKS_MAX = 16 };
struct pawl_check {
    struct pawl_str name, says; /* says: what is meant by it, in words; {NULL,0}: not said */
    struct pawl_schema *when;   /* `if`: it counts where this holds; NULL: always */
    struct pawl_schema *schema;
    unsigned then, looks;
};
struct pawl_place_read {  /* a read of the place that a call changes */
    struct pawl_str tool; /* {NULL,0}: none */
    struct pawl_str args; /* JSON text with {"$arg": POINTER}; {NULL,0}: the call's own */
};

/* A tool that may accept a call (202) and end it later, how that is heard of, and until when (DESIGN 7). */
struct pawl_async {
    bool on;
    int64_t deadline_ns;          /* from the 202 on; then the call is in doubt (DESIGN 4.1) */
    bool polls;                   /* the monitor that the 202 names is asked */
    int64_t first_ns, max_ns;     /* between two polls: at first; at the most */
    const struct pawl_str *hosts; /* HOST or HOST:PORT where monitors may be beside the tool's own */
    uint32_t hosts_count;
    struct pawl_str cancel,
        cancel_suffix;             /* the method that tells the monitor (its URL, and this behind it) to stop the call
                                              at its deadline; {NULL,0}: it is not told */
    struct pawl_str header, field; /* where the request carries the URL to call back; both {NULL,0}: nowhere */
    struct pawl_str
        secret; /* callbacks are signed with it, too (Standard Webhooks); a reference; {NULL,0}: not signed */
    struct pawl_schema *done, *failed; /* of what the monitor or the callback says; NULL: the usual forms */
    struct pawl_str result;            /* JSON pointer into that, to the result; {NULL,0}: the usual places */
};
static inline bool pawl_async_calls_back(const struct pawl_async *a)
{
    return a->header.p || a->field.p;
}

struct pawl_tool {
    struct pawl_str name, description;
    enum pawl_driver driver;
    struct pawl_str method, url; /* http: templates; the host part holds no template */
    const struct pawl_pair *headers;
    uint32_t headers_count;
    struct pawl_str body;        /* http: JSON text with {"$arg": ...} over {args, run}; {NULL,0}: args whole, for
                                     methods that have a body; GET, HEAD, DELETE: none */
    const struct pawl_str *argv; /* command: templates; argv[0] holds none */
    uint32_t argv_count;
    struct pawl_str signal;             /* signal: the name that it waits for, */
    int64_t signal_ns;                  /* for so long, */
    struct pawl_str child;              /* agent: the agent that it starts a run of, */
    struct pawl_str child_input;        /* with this input: JSON text with {"$arg": ...}; {NULL,0}: the arguments */
    struct pawl_str otherwise;          /* and what it answers when none has come by then, JSON; {NULL,0}: it fails */
    struct pawl_schema *input, *output; /* NULL: anything */
    struct pawl_str input_json;         /* the schema's own text, for the model; {NULL,0}: {"type":"object"} */
    enum pawl_effect effect;
    bool effect_declared;
    bool key_declared;          /* the tool honours idempotency keys */
    struct pawl_str key_header; /* header (http) or variable (command) that carries it; a default is filled in */
    const struct pawl_str
        *redact; /* JSON pointers into its arguments and its result: what nobody is to read (LEDGER 5) */
    uint32_t redact_count;
    int64_t remembered_for_ns;        /* 24 h where the contract is silent */
    const struct pawl_str *dedupe_by; /* JSON pointers; count 0: all arguments, or none where dedupe_any */
    uint32_t dedupe_by_count;
    bool dedupe_any; /* by: []: whatever the arguments, each call says the same intent */
    enum pawl_scope scope;
    int64_t within_ns; /* how long a done claim counts in a scope wider than the run; 0: for good */
    enum pawl_repeat repeat;
    enum pawl_gate_mode gate;              /* the default by effect is filled in */
    struct pawl_schema *gate_if;           /* GATE_IF: ask where {args, run} fits it, */
    struct pawl_schema *gate_when;         /* or where the arguments fit this one; NULL: the other is given */
    const struct pawl_str *gate_approvers; /* who may answer; count 0: anybody */
    uint32_t gate_approvers_count;
    uint32_t gate_quorum;    /* how many must say yes; 0 counts as 1 */
    int64_t gate_expires_ns; /* 24 h by default */
    bool gate_then_approve;  /* what an expired question is answered with; default deny */
    struct pawl_verify verify;
    struct pawl_str undo_tool, undo_args; /* {NULL,0}: none; args like verify's */
    const struct pawl_check *checks;
    uint32_t checks_count;
    struct pawl_place_read before, after; /* for checks; where there is none: each other's, else verify's */
    const struct pawl_error_rule *errors;
    uint32_t errors_count;
    struct pawl_retry retry;
    struct pawl_breaker breaker;
    struct pawl_fallback fallback;
    struct pawl_async async;
    struct pawl_str pool;         /* {NULL,0}: none */
    int64_t timeout_ns, fresh_ns; /* fresh 0: never answered from before */
    int64_t hedge_ns;             /* a read without an answer by then is asked a second time beside it; 0: never */
    int64_t cpu_ns;               /* command limits; 0: default */
    int64_t memory_bytes, output_bytes;
    struct pawl_str source;             /* of what a read says: a name; {NULL,0}: the tool's own */
    const struct pawl_fact_rule *facts; /* what its answers say */
    uint32_t facts_count;
    bool untrusted, egress; /* trust: untrusted: its answers may be hostile; egress: a call can carry data out */
    uint32_t line;
};

enum pawl_prune { PAWL_PRUNE_NONE, PAWL_PRUNE_RESULTS, PAWL_PRUNE_EXCHANGES };
/* How the conversation is kept within what a model can read (agent/context.c). */
struct pawl_context {
    uint32_t limit_tokens; /* budget.context; 0: no limit, and nothing of this is asked */
    double to_pct;         /* where it would be passed, it is brought down to this share of it */
    uint32_t keep_last;    /* so many messages at the end are told in full */
    bool keep_first_user;  /* and the user's first one */
    enum pawl_prune prune;
    struct pawl_str summarize; /* the model that sums up what is left out; {NULL,0}: none does */
    bool failed_ends;          /* a summary that fails ends the run; else exchanges are left out without one */
};

enum pawl_opinion_of { PAWL_OPINION_MODEL, PAWL_OPINION_TOOL, PAWL_OPINION_RULE };
struct pawl_opinion { /* who is asked before a call leaves (policy/opinion.c) */
    enum pawl_opinion_of of;
    struct pawl_str name;       /* of the model, of the tool; rule: {NULL,0} */
    struct pawl_str args;       /* tool, a read: JSON text with {"$arg": POINTER} over {args, run} */
    struct pawl_schema *expect; /* tool: of its answer; rule: of {args, run}. $arg refers to {args, run} */
};
enum pawl_disagreed { PAWL_DISAGREED_ASK, PAWL_DISAGREED_TELL, PAWL_DISAGREED_STOP };
struct pawl_second_opinion {
    const struct pawl_str *tools; /* of which tools' calls */
    uint32_t tools_count;
    const struct pawl_opinion *by; /* count 0: nobody is asked */
    uint32_t by_count;
    uint32_t needed; /* so many must agree */
    enum pawl_disagreed otherwise;
    bool failed_agrees; /* an opinion that could not be had counts as agreement */
};

struct pawl_agent {
    struct pawl_str name, model, instructions, lane; /* lane {NULL,0}: none */
    const struct pawl_tool *const *tools;
    uint32_t tools_count;
    int64_t deadline_ns, ends_by_ns; /* active time; wall-clock time since the start; 0: none (ends_by) */
    uint32_t steps_max;              /* budget.steps */
    struct pawl_budget budget;       /* of each run, what its children spend included; its steps are steps_max */
    struct pawl_budget budget_all;   /* of all runs of this agent together, */
    struct pawl_budget budget_day;   /* and of those of a day (UTC) */
    int64_t budget_time_ns;          /* of a run, by the wall clock; 0: not limited */
    struct pawl_exhausted exhausted;
    struct pawl_routing routing;
    struct pawl_schema *output; /* of the final answer; NULL: text */
    struct pawl_str output_json;
    const struct pawl_guard *guards; /* rules over the run as a whole; of one rule the lower limits come first */
    uint32_t guards_count;
    struct pawl_context context;
    struct pawl_second_opinion opinion;
    uint32_t line;
};

/* `pawl serve`: the resident owner of the store, and its listener. */
struct pawl_serve {
    char host[64];          /* a loopback address */
    int port;               /* 0: any free one */
    struct pawl_str url;    /* where tools reach it; {NULL,0}: http://HOST:PORT */
    struct pawl_str secret; /* makes the tokens of callbacks; a reference; {NULL,0}: none, and nothing is called back */
    int64_t drain_ns;       /* how long what is under way may take when it is told to end */
};

struct pawl_config {
    struct pawl_arena arena;
    struct pawl_str path;  /* the file it came from, for messages; {NULL,0}: none */
    struct pawl_str json;  /* what is stored: canonical JSON, references unresolved */
    struct pawl_hash hash; /* of json */
    struct pawl_str store; /* "sqlite:PATH", made absolute against the file's folder */
    bool sync_every_step;  /* durability: every-step */
    const struct pawl_model *models;
    const struct pawl_tool *tools;
    const struct pawl_agent *agents;
    const struct pawl_pool *pools;
    const struct pawl_lane *lanes;
    const struct pawl_schedule *schedules; /* schedule.h */
    struct pawl_serve serve;
    struct pawl_budget budget_all, budget_day; /* of all runs, whatever their agent */
    bool redacts;                              /* some tool does */
    uint32_t models_count, tools_count, agents_count, pools_count, lanes_count, schedules_count;
    const struct pawl_pair *secrets; /* NAME -> value, captured at load; never written anywhere */
    uint32_t secrets_count;
};

const struct pawl_model *pawl_config_model(const struct pawl_config *c,
                                           struct pawl_str name); /* NULL: none. config_find.c */
const struct pawl_tool *pawl_config_tool(const struct pawl_config *c, struct pawl_str name);
const struct pawl_pool *pawl_config_pool(const struct pawl_config *c, struct pawl_str name);
const struct pawl_lane *pawl_config_lane(const struct pawl_config *c, struct pawl_str name);
const struct pawl_agent *pawl_config_agent(const struct pawl_config *c, struct pawl_str name);
extern const struct pawl_tool pawl_recall_tool; /* of every agent with a limit of context. config_context.c */
const struct pawl_tool *pawl_agent_tool(const struct pawl_agent *a, struct pawl_str name);

/* Nothing is sent for it: the run waits for what comes in by itself. */
static inline bool pawl_tool_waits(const struct pawl_tool *t)
{
    return t->driver == PAWL_DRIVER_SIGNAL || t->driver == PAWL_DRIVER_AGENT;
}

static inline bool pawl_tool_hears(const struct pawl_tool *t, struct pawl_str signal)
{
    return t->driver == PAWL_DRIVER_SIGNAL && pawl_str_eq(t->signal, signal);
}

/* Replace every ${env:NAME} and ${env:NAME:-default} of text by its captured value. PAWL_ENOTFOUND: *err names it. */
int pawl_config_fill(const struct pawl_config *c, struct pawl_str text, struct pawl_buf *out, struct pawl_error *err);
bool pawl_same_header(struct pawl_str a, struct pawl_str b); /* names of headers, in any case. config_http.c */
/* "127.0.0.1:7295", "[::1]:0", "localhost:80". NULL: host (64 bytes) and port are set; else what is wrong with it.
 * config_serve.c */
const char *pawl_listen_fault(struct pawl_str text, char host[64], int *port);
