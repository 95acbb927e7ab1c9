/* src/contract/outcome.h - what came back from an attempt, raw and understood; and the messages of a conversation.
 * Drivers (host/, sim/) make a pawl_reply; the codecs (tool/, model/) read it into a pawl_outcome; the engine decides. */
#pragma once
#include "contract/contract.h"

enum pawl_transport {
    PAWL_ANSWERED,      /* a whole reply: HTTP status and body, or the process exited, or the function returned */
    PAWL_NOT_SENT,      /* nothing left: no connection, DNS, not exec'd, refused before sending */
    PAWL_LOST,          /* sent, then the connection was lost or the reply cut */
    PAWL_NO_ANSWER,     /* sent, and the time was over */
    PAWL_KILLED,        /* a process ended by a signal (ours at the time limit, or another) */
    PAWL_OWNER_CRASHED, /* we died while it was under way; only recovery says this */
    PAWL_TOO_LARGE,     /* the reply passed its bound */
    PAWL_STOPPED        /* cancelled by us after it was sent */
};

struct pawl_reply { /* raw. All text is untrusted and borrowed until the call it is given to returns */
    enum pawl_transport transport;
    int32_t status;       /* HTTP status; exit code of a command; in-process: 0 or a pawl code */
    struct pawl_str type; /* Content-Type */
    struct pawl_str body; /* HTTP body (a stream: the whole text so far); a command's stdout; a function's JSON */
    struct pawl_str retry_after, retry_after_ms, should_retry, date, location; /* header values; {NULL,0}: absent */
    struct pawl_str operation_location;         /* Operation-Location, or Azure-AsyncOperation: goes before location */
    struct pawl_str requests_left, tokens_left; /* x-ratelimit-remaining-requests, -tokens */
    struct pawl_str detail;                     /* the transport's own words; a command's stderr (its tail) */
    enum pawl_applied verdict;                  /* in-process only: the function's own */
    bool has_verdict;
    bool hedged;     /* it was asked a second time beside the first */
    int64_t wall_ns; /* when it came */
};

struct pawl_outcome { /* understood. Text is in the arena that the codec was handed */
    enum pawl_applied applied;
    enum pawl_class error_class; /* NONE where applied is YES */
    bool retry;                  /* worth another attempt, where the effect allows one */
    bool no_money;               /* a 429 or 402 that no waiting mends */
    bool already_done;           /* errors: said so (409: already_done) */
    int64_t retry_after_ns;      /* the server's word, from the reply's arrival; -1: none */
    struct pawl_str result;      /* JSON text; {NULL,0}: none */
    struct pawl_str message;     /* one sentence: what came; safe to show */
    struct pawl_str monitor;     /* 202: where it says that its end can be asked for, as it came; {NULL,0}: nowhere */
};

/* What is heard of a call that was accepted: by asking its monitor, or by being called back. */
struct pawl_news {
    enum pawl_news_is {
        PAWL_NEWS_NONE,      /* nothing was learnt: ask again later */
        PAWL_NEWS_RUNNING,   /* not over yet */
        PAWL_NEWS_DONE,      /* it happened */
        PAWL_NEWS_FAILED,    /* it ended, and did not happen */
        PAWL_NEWS_ELSEWHERE, /* ask at `monitor` */
        PAWL_NEWS_GONE       /* nobody will tell here any more */
    } is;
    bool not_found;          /* NONE: 404. Just behind the 202 that may be a copy that is late */
    bool at_result;          /* ELSEWHERE: what is there is the result itself */
    int64_t retry_after_ns;  /* the server's word; -1: none */
    struct pawl_str monitor; /* ELSEWHERE, RUNNING: as it came; {NULL,0}: where it was */
    struct pawl_str word;    /* the status that it gives, shown; {NULL,0}: none */
    struct pawl_str result;  /* DONE: JSON text */
    struct pawl_str message; /* a sentence; {NULL,0}: none */
};

enum pawl_role { PAWL_ROLE_SYSTEM, PAWL_ROLE_USER, PAWL_ROLE_ASSISTANT, PAWL_ROLE_TOOL };
struct pawl_call {
    struct pawl_str id, name, arguments; /* arguments: the model's own text, perhaps not JSON */
};
struct pawl_message {
    enum pawl_role role;
    struct pawl_str content;       /* {NULL,0}: null */
    const struct pawl_call *calls; /* assistant */
    uint32_t calls_count;
    struct pawl_str call_id, name; /* tool: which call this answers */
    uint32_t stands_for;           /* so many of the assistant's were left out in its place */
};
