/* tests/model/pawl.pml - the protocol by which pawl records, leases, fences and sends, for the model checker spin.
 *
 * Every `atomic` below is one thing that the real program does without being seen in between: an engine step, a
 * transaction, a request that lands. docs/model.md names the function of src/ beside each. All orders of these are tried,
 * with a crash of the process or of the machine anywhere between two of them.
 *
 * One run is one step that changes something, behind a model call that decides it, and with GATE behind a yes. What the
 * records of a run say is its Fold; a commit is (epoch, seq before, the fold after it, a claim); so a run's journal is as
 * long as its fold's seq, and folding is what `load` does. tools/model runs it:
 *
 *   TOOL     KEYED honours keys, as long as it remembers them; LOOKED can be asked by key; BLIND can do neither
 *   RUNS     with 2 both want the same thing, under one claim (scope wider than a run)
 *   LEASE    two live owners: one's lease may run out while it lives, paused; else the lock lets only one live
 *   GATE     an irreversible step: a person says yes or no first
 *   FORGETS  the tool remembers a key for some time only
 *   SHORT    the run has been started, and the model has decided, before it begins
 *   CANCEL   a client may stop the run at any moment
 *   SYNC_FAILS  how often a sync fails: refused, and yet what was written may be found after a crash
 *   CRASHES  how often a process is killed or the power goes, all together
 *   BUG      one mistake, planted; the checker must find it */
#define KEYED 1
#define LOOKED 2
#define BLIND 3
#ifndef TOOL
#define TOOL KEYED
#endif
#ifndef RUNS
#define RUNS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef STEALS
#define STEALS 1
#endif
#ifdef LEASE
#define OWNERS 2
#else
#define OWNERS 1
#endif
#define ATTEMPTS 2 /* retry.attempts */
#define LOOKS 1    /* LOOKS_MAX */
#ifndef BUG
#define BUG 0
#endif
#define SENT_BEFORE_DURABLE 1
#define ACKED_BEFORE_DURABLE 2
#define NO_EPOCH_CHECK 3
#define CRASH_IS_NO 4
#define NO_CLEARS_UNKNOWN 5
#define LOOKS_TOO_EARLY 6
#define CLAIM_NOT_CHECKED 7
#define DECIDES_AGAIN 8
#define OPENS_UNSYNCED 9
#define GUESSES 10
#define KEY_FOR_EVER 11
#define RETRY_UNRECORDED 12
#define SENDS_WITHOUT_LEASE 13
#define HALF_A_COMMIT 14
#define SENT_UNASKED 15
#define RESULT_NOT_KEPT 16
#define STOPS_AS_NO 17
#define FAILED_IS_DONE 18

/* ---- what is stored ---- */

#define NONE 0     /* no such run */
#define CREATED 1  /* run.created */
#define ASKING 2   /* step.intended of the model call */
#define DECIDED 3  /* its step.completed: the call is known, with its arguments */
#define ASKED 4    /* gate.asked */
#define INTENDED 5 /* step.intended: the exact request */
#define DOUBT 6    /* step.in_doubt */
#define DONE 7     /* step.completed and run.ended */
#define NOT_DONE 8 /* step.failed, known not applied, and run.ended */
#define NOT_KNOWN 9 /* step.failed by a person's stop: it counts as applied; and run.ended */
typedef Fold {
    byte st;
    byte seq;     /* records so far */
    byte tries;   /* attempts recorded */
    bool open;    /* the last of them has no recorded end */
    bool unknown; /* some attempt may have been applied (LEDGER 1) */
    bool yes;     /* gate.answered yes */
    bool resend;  /* step.resolved: did not happen */
    bool ending;  /* run.cancelled */
    bit arg;      /* what was decided: stands for the request and its digest */
    bool parked   /* the head's wake time: nobody takes it up unasked */
#ifdef POISON
    ; byte claims /* of its owners, without progress */
#endif
};
#ifdef POISON
#define COPY_CLAIMS(to, from) to.claims = from.claims
#define MOVED h.moved = true
#else
#define COPY_CLAIMS(to, from) skip
#define MOVED skip
#endif
#define COPY(to, from)                                                                                       \
    to.st = from.st; to.seq = from.seq; to.tries = from.tries; to.open = from.open; to.unknown = from.unknown; \
    to.yes = from.yes; to.resend = from.resend; to.ending = from.ending; to.arg = from.arg; to.parked = from.parked; COPY_CLAIMS(to, from)

#define FREE 0
#define IN_FLIGHT 1
#define CLAIM_DONE 2
typedef Store {
    Fold fold[RUNS];
    byte epoch[RUNS];
    byte holder; /* of the claim: run + 1 */
    byte state   /* of the claim */
};
Store seen;  /* what a process reads: the database with all of its log */
Store disk;  /* what survives the machine */
#define COPY_STORE(to, from)            \
    for (k : 0 .. RUNS - 1) {           \
        COPY(to.fold[k], from.fold[k]);   \
        to.epoch[k] = from.epoch[k]     \
    }                                   \
    to.holder = from.holder; to.state = from.state
hidden byte k; /* to count with */
byte writing = 0; /* owner + 1 whose transaction is in the log, not synced */
bool in_tx[RUNS]; /* its commits */
#ifdef SYNC_FAILS
Store odd;        /* what a failed sync may have left in the log */
bool is_odd;
byte fails = 0;
#define NO_LONGER_ODD is_odd = false
#else
#define NO_LONGER_ODD skip
#endif

/* ---- what an owner has in memory ---- */

#define GO 0
#define WANT_DURABLE 1
#define WANT_MODEL 2   /* to be sent */
#define WANT_ATTEMPT 3 /* to be sent */
#define OUT_MODEL 4    /* sent */
#define OUT_ATTEMPT 5  /* sent */
#define WANT_TIME 6
#define WANT_SETTLED 7
#define WANT_LOOK 8
#define WANT_PERSON 9
#define WANT_CLAIM 10
#define WANT_CLAIM_FREE 11
#define NOTHING 0
#define YES 1
#define NO 2
#define UNKNOWN 3
#define FLIES 1 /* .result of a commit */
#define COMMITTED 2
#define FENCED 3
#define CONFLICT 4
#define FAILED 5
#define KEEP 9 /* a batch that leaves the claim alone */
typedef Hot {
    bool on;
    Fold m; /* folded, durable or not */
    Fold f; /* as the commit on its way has it */
    byte epoch;
    byte durable; /* seq */
    byte before;  /* seq before the commit on its way */
    byte result;  /* of the commit on its way; NOTHING: none is */
    byte claim;   /* claim state that the batch being filled sets; KEEP */
    bool take;    /* ... which must be free */
    byte fclaim;
    bool ftake;
    bool create, holds, counted, recovered;
    byte want, need, came, tries, looks;
    bool unknown;
    bool gone;    /* the request on its way has landed */
    bool owed_start, owed_word, owed_stop /* replies that wait for durability */
#ifdef POISON
    ; byte claims; bool moved
#endif
};
Hot hot[OWNERS * RUNS];
bool alive[OWNERS];
byte crashes = 0, steals = 0;

/* ---- the world ---- */

byte strays[RUNS];  /* requests on the wire that nobody waits for any more */
byte applied[RUNS]; /* how often it was really done */
bool knows[RUNS];   /* the tool remembers the key */
bool old[RUNS];     /* remembered_for, by pawl's reckoning, is over */
bool maybe[RUNS];   /* sent, and neither an answer nor anybody who can know has said that it did not happen */
byte words[RUNS];   /* how often a person has said: it did not happen, try again */
bool told_start[RUNS], told_word[RUNS], told_stop[RUNS]; /* what clients were told is durable */

#define h hot[i]
#define ENDED(fold) (fold.st >= DONE)
#define RECORD h.m.seq++
#define ON_THE_WIRE(o) (hot[(o) * RUNS + r].want == OUT_ATTEMPT && !hot[(o) * RUNS + r].gone)
#define SENDING(o) (hot[(o) * RUNS + r].want == WANT_ATTEMPT || hot[(o) * RUNS + r].want == OUT_ATTEMPT)
#define SETTLED (strays[r] == 0 && !ON_THE_WIRE(0) && !ON_THE_WIRE(OWNERS - 1))

/* Invariants on what survives: whatever was confirmed is there (Nothing lost). */
inline check_disk()
{
    for (k : 0 .. RUNS - 1) {
        assert(!told_start[k] || disk.fold[k].st >= CREATED);
        assert(!told_word[k] || disk.fold[k].yes || disk.fold[k].st == NOT_DONE);
        assert(!told_stop[k] || disk.fold[k].ending || ENDED(disk.fold[k]));
        assert(disk.fold[k].st != NOT_DONE || (applied[k] == 0 && strays[k] == 0)); /* what is called not done is not */
    }
}

inline land() /* a request of this run reaches the tool */
{
    applied[r] = applied[r] + (TOOL == KEYED && knows[r] -> 0 : 1);
    knows[r] = true;
    assert(applied[0] + (RUNS > 1 -> applied[RUNS - 1] : 0) <= 1); /* Once */
    assert(disk.fold[r].st != NOT_DONE)
}

/* ---- the store: src/store/sqlite.c ---- */

/* Group commit: all that one owner has on its way, each commit judged, then written together. */
inline judge()
{
    if
    :: h.create && seen.fold[r].st != NONE -> h.result = CONFLICT
    :: !h.create && BUG != NO_EPOCH_CHECK && (seen.epoch[r] != h.epoch || seen.fold[r].seq != h.before) -> h.result = FENCED
    :: else ->
        if
        :: h.ftake && BUG != CLAIM_NOT_CHECKED && seen.state != FREE -> h.result = CONFLICT
        :: else
        fi
    fi
}

inline apply_commit()
{
    assert(h.create || seen.epoch[r] == h.epoch);             /* One owner */
    assert(h.create || seen.fold[r].seq == h.before);          /* nothing is written over */
    assert(seen.fold[r].st < DECIDED || (h.f.st >= DECIDED && h.f.arg == seen.fold[r].arg)); /* decided once */
    COPY(seen.fold[r], h.f);
    if
    :: h.create -> seen.epoch[r] = h.epoch
    :: else
    fi;
    if
    :: h.fclaim != KEEP && !(BUG == HALF_A_COMMIT && h.ftake) ->
        seen.state = h.fclaim;
        seen.holder = (h.fclaim == FREE -> 0 : r + 1)
    :: else
    fi
}

proctype StoreOf(byte o)
{
    byte r, i;
    end:
    do
    :: atomic { writing == 0 && alive[o] && (hot[o * RUNS].result == FLIES || hot[o * RUNS + RUNS - 1].result == FLIES) ->
        d_step {
            writing = o + 1;
            NO_LONGER_ODD; /* the failed one's place in the log is written over */
            for (r : 0 .. RUNS - 1) {
                i = o * RUNS + r;
                if
                :: h.result == FLIES ->
                    judge();
                    if
                    :: h.result == FLIES -> in_tx[r] = true; apply_commit()
                    :: else
                    fi
                :: else
                fi
            }
            r = 0; i = 0
        } }
    :: atomic { writing == o + 1 -> /* the sync succeeds: PAWL_OK */
        d_step {
            COPY_STORE(disk, seen);
            NO_LONGER_ODD;
            check_disk();
            for (r : 0 .. RUNS - 1) {
                if
                :: in_tx[r] -> hot[o * RUNS + r].result = COMMITTED; in_tx[r] = false
                :: else
                fi
            }
            writing = 0; r = 0
        } }
#ifdef SYNC_FAILS
    :: atomic { writing == o + 1 && fails < SYNC_FAILS -> /* it fails: rolled back, PAWL_EIO */
        d_step {
            fails++;
            is_odd = true;
            COPY_STORE(odd, seen);
            COPY_STORE(seen, disk);
            for (r : 0 .. RUNS - 1) {
                if
                :: in_tx[r] -> hot[o * RUNS + r].result = (BUG == FAILED_IS_DONE -> COMMITTED : FAILED); in_tx[r] = false
                :: else
                fi
            }
            writing = 0; r = 0
        } }
#endif
    od
}

/* ---- a run in an owner's memory: src/engine and src/policy ---- */

inline forget_run() /* pawl_hot_drop; a request on its way goes on without us */
{
    if
    :: h.want == OUT_ATTEMPT && !h.gone -> strays[r]++
    :: else
    fi;
    h.on = false; h.result = NOTHING; h.claim = KEEP; h.take = false; h.fclaim = KEEP; h.ftake = false;
    h.create = false; h.holds = false; h.counted = false; h.recovered = false; h.want = GO; h.need = 0; h.came = NOTHING;
    h.tries = 0; h.looks = 0; h.unknown = false; h.gone = false; h.epoch = 0; h.durable = 0;
    h.before = 0; h.owed_start = false; h.owed_word = false; h.owed_stop = false;
#ifdef POISON
    h.claims = 0; h.moved = false; h.m.claims = 0;
#endif
    h.m.st = NONE; h.m.seq = 0; h.m.tries = 0; h.m.open = false; h.m.unknown = false; h.m.yes = false;
    h.m.resend = false; h.m.ending = false; h.m.arg = 0; h.m.parked = false;
    COPY(h.f, h.m)
}

inline hold(what) /* pawl_claim_hold */
{
    if
    :: RUNS > 1 ->
        if
        :: !h.holds -> h.take = true; h.holds = true
        :: else
        fi;
        h.claim = what
    :: else
    fi
}

inline end_step(as) /* pawl_stage_record, pawl_dedupe_leave */
{
    h.m.st = as; h.m.open = false; RECORD; MOVED; h.want = GO;
    if
    :: h.holds -> h.claim = (as == NOT_DONE -> FREE : CLAIM_DONE)
    :: else
    fi
}

inline wait_durable()
{
    h.need = h.m.seq;
    h.want = WANT_DURABLE;
    if
    :: BUG == SENT_BEFORE_DURABLE -> h.want = (h.m.st == ASKING -> WANT_MODEL : WANT_ATTEMPT)
    :: else
    fi
}

#define MAY_TRY (h.tries < ATTEMPTS && !h.m.ending)
#define REMEMBERED (TOOL == KEYED && (!old[r] || BUG == KEY_FOR_EVER))

inline again() /* retry.c */
{
    if
    :: !h.recovered -> h.m.open = false; h.m.unknown = h.unknown; RECORD
    :: else
    fi;
    h.recovered = false; h.came = NOTHING; h.counted = false;
    h.want = WANT_TIME
}

inline doubt()
{
    h.m.st = DOUBT; h.m.open = false; h.m.unknown = true; RECORD; MOVED;
    h.came = NOTHING; h.counted = false; h.recovered = false; h.looks = 0;
    if
    :: h.holds -> h.claim = IN_FLIGHT
    :: else
    fi;
    h.want = WANT_PERSON
}

inline ladder()
{
    if
    :: h.looks == 0 && REMEMBERED && MAY_TRY -> again()
    :: else ->
        if
        :: TOOL == LOOKED ->
            if
            :: SETTLED || BUG == LOOKS_TOO_EARLY -> h.looks++; h.want = WANT_LOOK
            :: else ->
                if
                :: !h.recovered -> h.m.open = false; h.m.unknown = true; RECORD; h.recovered = true
                :: else
                fi;
                h.want = WANT_SETTLED
            fi
        :: else ->
            if
            :: BUG == GUESSES && MAY_TRY -> again()
            :: else -> doubt()
            fi
        fi
    fi
}

/* An outcome is here: classify.c, retry.c. */
inline judge_outcome()
{
    if
    :: h.came == UNKNOWN -> h.unknown = true
    :: h.came == YES && (TOOL == KEYED || h.tries == 1) -> h.unknown = false
    :: h.came == NO && BUG == NO_CLEARS_UNKNOWN -> h.unknown = false
    :: else
    fi;
    if
    :: h.came == YES && !h.unknown ->
        if
        :: BUG == RESULT_NOT_KEPT -> h.m.open = false; h.m.st = INTENDED; RECORD; h.came = NOTHING; h.want = WANT_TIME
        :: else -> end_step(DONE)
        fi
    :: h.came == NO && !h.unknown ->
        if
        :: MAY_TRY -> again()
        :: else -> end_step(NOT_DONE)
        fi
    :: else -> ladder()
    fi
}

inline next_attempt() /* attempt.c: next() */
{
    if
    :: h.unknown && TOOL == KEYED && !REMEMBERED -> h.recovered = true; h.came = UNKNOWN; ladder() /* forgotten() */
    :: else ->
        h.tries++; h.counted = true; h.came = NOTHING;
        if
        :: BUG == RETRY_UNRECORDED -> h.want = WANT_ATTEMPT
        :: else -> h.m.tries = h.tries; h.m.open = true; h.m.resend = false; RECORD; wait_durable()
        fi
    fi
}

inline recover() /* attempt.c */
{
    h.tries = h.m.tries; h.unknown = h.m.unknown;
    if
    :: h.m.open && BUG != CRASH_IS_NO -> h.came = UNKNOWN /* PAWL_OWNER_CRASHED */
    :: else -> h.recovered = !h.m.open; h.came = (h.m.unknown -> UNKNOWN : NO)
    fi;
    judge_outcome()
}

inline stage_attempt() /* attempt.c */
{
    if
    :: h.came != NOTHING -> judge_outcome()
    :: else ->
        if
        :: h.m.resend ->
            h.unknown = false; h.tries = h.m.tries;
            if
            :: h.m.ending -> end_step(NOT_DONE)
            :: else -> next_attempt()
            fi
        :: !h.m.resend && h.tries == 0 -> recover()
        :: else -> next_attempt()
        fi
    fi
}

/* Before the intent: dedupe.c, gate.c, intent.c. */
inline stage_intent()
{
    if
    :: h.m.ending -> end_step(NOT_DONE)
    :: RUNS > 1 && !h.m.ending && !h.holds && h.came == NOTHING -> h.want = WANT_CLAIM
    :: else ->
        h.came = NOTHING;
#ifdef GATE
        if
        :: h.m.st == DECIDED && !h.m.yes && BUG != SENT_UNASKED -> h.m.st = ASKED; RECORD; MOVED; hold(IN_FLIGHT); h.want = WANT_PERSON
        :: h.m.st == ASKED && !h.m.yes -> h.want = WANT_PERSON
        :: else ->
#endif
            h.m.st = INTENDED; h.m.tries = 1; h.m.open = true; RECORD;
            hold(IN_FLIGHT);
            h.tries = 1; h.counted = true;
            wait_durable()
#ifdef GATE
        fi
#endif
    fi
}

/* The run is being stopped: nothing new leaves; what may have left is awaited, then resolved (LEDGER 16). */
inline stop_slot()
{
    if
    :: h.m.st < INTENDED -> h.want = GO; h.came = NOTHING
    :: h.m.st == INTENDED && h.want == WANT_DURABLE -> h.came = NO; h.want = GO
    :: h.m.st == INTENDED && (h.want == WANT_TIME || h.want == WANT_SETTLED) ->
        h.recovered = true; h.came = (h.unknown -> UNKNOWN : NO); h.want = GO
    :: else
    fi;
    if
    :: BUG == STOPS_AS_NO && h.m.st == INTENDED && h.want == GO -> h.unknown = false; h.came = NO
    :: else
    fi
}

inline abort_run() /* pawl_hot_abort: a client's cancel, a deadline, a dead letter */
{
    h.m.ending = true; RECORD;
    stop_slot()
}

inline drive() /* pawl_hot_advance, pawl_slot_drive: until it waits */
{
    do
    :: h.want == GO && h.m.st == CREATED && h.m.ending -> end_step(NOT_DONE)
    :: h.want == GO && h.m.st == ASKING && h.m.ending -> end_step(NOT_DONE)
    :: h.want == GO && (h.m.st == CREATED || h.m.st == ASKING) && !h.m.ending -> h.m.st = ASKING; RECORD; wait_durable()
    :: h.want == GO && (h.m.st == DECIDED || h.m.st == ASKED) -> stage_intent()
    :: h.want == GO && h.m.st == INTENDED -> stage_attempt()
    :: h.want == GO && h.m.st == DOUBT -> h.want = WANT_PERSON
    :: else -> break
    od
}

inline settle() /* pawl_hot_settle: one commit on its way, the next one gathers */
{
    h.m.parked = (h.want == WANT_PERSON);
    if
    :: h.result == NOTHING && (h.m.seq > h.durable || h.claim != KEEP) ->
#ifdef POISON
        h.m.claims = (h.moved -> 0 : h.claims - (h.want == WANT_PERSON && h.claims > 0 -> 1 : 0));
#endif
        COPY(h.f, h.m);
        h.before = h.durable; h.fclaim = h.claim; h.ftake = h.take; h.claim = KEEP; h.take = false;
        h.result = FLIES
    :: h.result == NOTHING && h.m.seq == h.durable && h.claim == KEEP && (h.want == WANT_PERSON || ENDED(h.m)) -> forget_run()
    :: else
    fi
}

inline pay_replies() /* commit.c: replies() */
{
    if
    :: h.owed_start -> told_start[r] = true; h.owed_start = false
    :: else
    fi;
    if
    :: h.owed_word -> told_word[r] = true; h.owed_word = false
    :: else
    fi;
    if
    :: h.owed_stop -> told_stop[r] = true; h.owed_stop = false
    :: else
    fi
}

/* Replies are owed for what was said before the commit left, or since: those come with the next one. */
inline committed() /* pawl_hot_committed */
{
    if
    :: h.result == COMMITTED ->
        h.durable = h.f.seq; h.result = NOTHING; h.create = false;
        if
        :: h.m.seq == h.durable -> pay_replies(); check_disk()
        :: else
        fi;
        if
        :: h.want == WANT_DURABLE && h.need <= h.durable ->
            if
            :: h.m.st == ASKING -> h.want = WANT_MODEL
            :: h.m.st == INTENDED && h.unknown && TOOL == KEYED && !REMEMBERED -> h.came = NO; h.want = GO /* not_sent() */
            :: else -> h.want = WANT_ATTEMPT
            fi
        :: else
        fi
    :: h.result == FAILED -> /* again(): clients are told no, the rest is tried once more */
        h.owed_start = false; h.owed_word = false; h.owed_stop = false;
        if
        :: h.create && h.m.seq == h.f.seq -> forget_run()
        :: else -> h.result = FLIES
        fi
    :: h.result == FENCED || h.result == CONFLICT -> forget_run() /* refused(): fold the stored records again */
    fi
}

/* Claim and load: the epoch rises, and all that is read is durable before anything is done with it. */
inline load()
{
    seen.epoch[r]++;
    seen.fold[r].parked = false;
#ifdef POISON
    seen.fold[r].claims++;
#endif
    if
    :: BUG != OPENS_UNSYNCED -> COPY_STORE(disk, seen); NO_LONGER_ODD; check_disk()
    :: else
    fi;
    h.on = true; h.epoch = seen.epoch[r];
    COPY(h.m, seen.fold[r]);
    h.durable = h.m.seq; h.holds = (seen.holder == r + 1);
    if
    :: BUG == DECIDES_AGAIN && h.m.st >= DECIDED && h.m.st <= INTENDED -> h.m.st = ASKING; h.m.tries = 0; h.m.open = false
    :: else
    fi;
#ifdef POISON
    h.claims = h.m.claims;
    if
    :: h.claims >= POISON && !h.m.ending -> h.m.ending = true; RECORD; h.moved = true /* crashed_its_owner */
    :: else
    fi
#endif
}

#ifdef LEASE
#define HAS_IT(o) (hot[(o) * RUNS + r].on && hot[(o) * RUNS + r].epoch == seen.epoch[r])
#define SOMEBODY_HAS_IT (HAS_IT(0) || HAS_IT(1))
#define MY_LEASE (seen.epoch[r] == h.epoch || BUG == SENDS_WITHOUT_LEASE)
#else
#define SOMEBODY_HAS_IT hot[r].on
#define MY_LEASE true
#endif

#define NOBODY_ASKS 0
#define TAKE_UP 1
#define SAY_YES 2
#define SAY_NO 3
#define SAY_HAPPENED 4
#define SAY_AGAIN 5
#define SAY_STOP 6
#define CANCEL_IT 7
#define REACHABLE (alive[o] && (h.on || (writing == 0 && !SOMEBODY_HAS_IT)))
#define STATE (h.on -> h.m.st : seen.fold[r].st)

inline request() /* src/engine/request.c: the run is hot, or has been taken up for this */
{
    if
    :: asked == SAY_YES -> h.m.yes = true; RECORD; h.owed_word = true; h.want = GO; h.came = NOTHING
    :: asked == SAY_NO -> end_step(NOT_DONE); h.owed_word = true
    :: asked == SAY_HAPPENED -> end_step(DONE)
    :: asked == SAY_STOP -> end_step(NOT_KNOWN)
    :: asked == SAY_AGAIN ->
        words[r]++; maybe[r] = false;
        h.m.st = INTENDED; h.m.resend = true; h.m.unknown = false; RECORD; h.want = GO; h.came = NOTHING
    :: asked == CANCEL_IT -> h.owed_stop = true; abort_run()
    :: asked == TAKE_UP
    fi
}

/* What one owner does with one run. Each round is one event, then what the engine makes of it. */
proctype RunOf(byte o; byte r)
{
    byte i = o * RUNS + r, asked;
    end:
    do
    :: atomic {
        if
        /* -- taken up: on its own, or because its owner's lease has run out -- */
        :: alive[o] && !h.on && writing == 0 && seen.fold[r].st != NONE && !ENDED(seen.fold[r]) && !seen.fold[r].parked &&
            (!SOMEBODY_HAS_IT || steals < STEALS) ->
            steals = steals + (SOMEBODY_HAS_IT -> 1 : 0);
            asked = TAKE_UP
#ifdef LEASE
        :: h.on && h.epoch < seen.epoch[r] && h.result == NOTHING && h.want != OUT_ATTEMPT -> d_step { forget_run() }
#endif
        /* -- the store has answered -- */
        :: h.result > FLIES -> d_step { committed() }
        /* -- the model call leaves, and is answered with a decision -- */
        :: h.want == WANT_MODEL && MY_LEASE ->
            assert(disk.fold[r].st >= ASKING); /* Output commit */
            h.want = OUT_MODEL
        :: h.want == OUT_MODEL -> h.m.arg = 0; h.m.st = DECIDED; RECORD; MOVED; h.want = GO
        :: h.want == OUT_MODEL -> h.m.arg = 1; h.m.st = DECIDED; RECORD; MOVED; h.want = GO
        /* -- the change leaves -- */
        :: h.want == WANT_ATTEMPT && MY_LEASE ->
            d_step {
                assert(disk.fold[r].st >= INTENDED && disk.fold[r].arg == h.m.arg && disk.fold[r].tries >= h.tries); /* Output commit */
                assert(!ENDED(disk.fold[r]));        /* nothing is sent whose result is durable */
#ifdef GATE
                assert(disk.fold[r].yes);            /* Gated */
#endif
                assert(TOOL != BLIND || !maybe[r]);  /* Once: never again without somebody's word */
                maybe[r] = true; h.gone = false; h.want = OUT_ATTEMPT
            }
        /* ... and lands; or is refused, known not to have been done. (One that is lost on the way: its time is over, and
         * the stray never lands.) */
        :: h.want == OUT_ATTEMPT && !h.gone -> d_step { h.gone = true; land() }
        :: h.want == OUT_ATTEMPT && !h.gone -> maybe[r] = h.unknown; h.gone = true; h.came = NO; h.want = GO
        :: h.want == OUT_ATTEMPT && h.gone -> h.came = YES; h.want = GO /* the answer comes */
        :: h.want == OUT_ATTEMPT -> /* or its time is over first */
            strays[r] = strays[r] + (h.gone -> 0 : 1);
            h.gone = true; h.came = UNKNOWN; h.want = GO
        /* -- it waits: for time, for the dust to settle, for a look, for another run's claim -- */
        :: h.want == WANT_TIME && !h.m.ending -> h.want = GO; h.came = NOTHING
        :: h.want == WANT_SETTLED && SETTLED -> h.want = GO; h.came = UNKNOWN
        :: h.want == WANT_LOOK && MY_LEASE && applied[r] > 0 -> h.unknown = false; h.came = YES; h.want = GO
        :: h.want == WANT_LOOK && MY_LEASE && applied[r] == 0 ->
            h.unknown = false; h.m.unknown = false; h.came = NO; maybe[r] = false;
            h.m.open = false; RECORD; h.recovered = true; h.want = GO
        :: h.want == WANT_LOOK && MY_LEASE -> /* the look itself failed */
            if
            :: h.looks >= LOOKS -> doubt()
            :: else -> h.came = UNKNOWN; h.want = GO
            fi
#if RUNS > 1
        :: h.want == WANT_CLAIM && h.result == NOTHING && writing == 0 -> /* find_claim */
            if
            :: seen.state == FREE -> h.came = YES; h.want = GO
            :: seen.state != FREE && seen.holder == r + 1 -> h.holds = true; h.came = YES; h.want = GO
            :: seen.state == IN_FLIGHT && seen.holder != r + 1 -> h.want = WANT_CLAIM_FREE
            :: seen.state == CLAIM_DONE && seen.holder != r + 1 -> end_step(DONE) /* answered from the first */
            fi
        :: h.want == WANT_CLAIM_FREE && seen.state != IN_FLIGHT -> h.want = WANT_CLAIM
#endif
        /* -- clients and people; they may say it again until it is confirmed -- */
        :: alive[o] && !told_start[r] && !h.on && writing == 0 && seen.fold[r].st != NONE -> /* the same id again */
            told_start[r] = true; check_disk()
        :: alive[o] && !told_start[r] && !h.on && writing == 0 && seen.fold[r].st == NONE ->
            h.on = true; h.create = true; h.epoch = 1; h.m.st = CREATED; RECORD;
            h.owed_start = true;
            if
            :: BUG == ACKED_BEFORE_DURABLE -> pay_replies(); check_disk()
            :: else
            fi
#ifdef GATE
        :: REACHABLE && STATE == ASKED && !(h.on && h.m.yes) && !(!h.on && seen.fold[r].yes) -> asked = SAY_YES
        :: REACHABLE && STATE == ASKED && !(h.on && h.m.yes) && !(!h.on && seen.fold[r].yes) -> asked = SAY_NO
#endif
#ifdef CANCEL
        :: alive[o] && !told_stop[r] && !h.on && (ENDED(seen.fold[r]) || seen.fold[r].ending) -> told_stop[r] = true; check_disk()
        :: alive[o] && !told_stop[r] && h.on && ENDED(h.m) && !h.owed_stop -> h.owed_stop = true
        :: REACHABLE && !told_stop[r] && STATE != NONE && STATE < DONE && !(h.on && h.m.ending) &&
            !(!h.on && seen.fold[r].ending) -> asked = CANCEL_IT
#endif
        /* a person who has looked, when the dust has settled: pawl resolve */
        :: REACHABLE && STATE == DOUBT && SETTLED && applied[r] > 0 -> asked = SAY_HAPPENED
        :: REACHABLE && STATE == DOUBT && SETTLED && applied[r] == 0 && words[r] < 1 -> asked = SAY_AGAIN
        :: REACHABLE && STATE == DOUBT && SETTLED -> asked = SAY_STOP
        fi;
        d_step {
            if
            :: asked != NOBODY_ASKS ->
                if
                :: !h.on -> load(); drive()
                :: else
                fi;
                request();
                asked = NOBODY_ASKS
            :: else
            fi;
            drive();
            settle()
        } }
    od
}

/* ---- the world goes on by itself, and breaks ---- */

proctype World(byte r)
{
    end:
    do
    :: atomic { strays[r] > 0 -> /* late: lands after all, or never */
        if
        :: d_step {
            strays[r]--;
            land() }
        :: strays[r]--
        fi }
#ifdef FORGETS
    :: atomic { !old[r] && maybe[r] -> old[r] = true }
    :: atomic { old[r] && knows[r] && strays[r] == 0 && !SENDING(0) && !SENDING(OWNERS - 1) -> knows[r] = false }
#endif
    od
}

inline kill_owner()
{
    alive[o] = false;
    for (r : 0 .. RUNS - 1) {
        i = o * RUNS + r;
        forget_run()
    }
}

/* The log ends in a transaction that was not synced: it is there whole, or not at all. */
inline log_as_it_was()
{
    if
    :: writing == 0
    :: writing > 0
    :: writing > 0 -> COPY_STORE(seen, disk)
    fi;
    writing = 0;
    for (r : 0 .. RUNS - 1) {
        in_tx[r] = false
    }
}

/* Opening counts the instance, in a transaction that is synced: what is read from then on is durable. */
inline open_store()
{
    if
    :: BUG != OPENS_UNSYNCED -> COPY_STORE(disk, seen); NO_LONGER_ODD
    :: else
    fi
}

proctype Fate()
{
    byte o, r, i;
    end:
    do
    :: atomic { !alive[0] && writing == 0 -> d_step { open_store(); alive[0] = true } }
#ifdef LEASE
    :: atomic { !alive[1] && writing == 0 -> d_step { open_store(); alive[1] = true } }
#endif
    :: atomic { crashes < CRASHES && (alive[0] || alive[OWNERS - 1]) -> /* SIGKILL: what was written stays written */
        crashes++;
        if
        :: alive[0] -> o = 0
#ifdef LEASE
        :: alive[1] -> o = 1
#endif
        fi;
        if
        :: writing == o + 1 -> log_as_it_was()
#ifdef SYNC_FAILS
        :: writing == 0 && is_odd -> COPY_STORE(seen, odd) /* whoever opens it finds one commit more, whole */
#endif
        :: writing != o + 1
        fi;
        d_step { kill_owner(); o = 0; r = 0; i = 0 } }
    :: atomic { crashes < CRASHES -> /* the power goes: what was not synced may be gone */
        crashes++;
        if
        :: COPY_STORE(disk, seen)
        :: COPY_STORE(seen, disk)
#ifdef SYNC_FAILS
        :: writing == 0 && is_odd -> COPY_STORE(seen, odd); COPY_STORE(disk, odd)
#endif
        fi;
        check_disk();
        for (o : 0 .. OWNERS - 1) {
            d_step { kill_owner() }
        }
        writing = 0;
        for (r : 0 .. RUNS - 1) {
            in_tx[r] = false
        }
        o = 0; r = 0; i = 0 }
    od
}

/* Nothing moves any more: every run has ended (Bounded), and nobody waits for an answer. */
proctype Rest()
{
    byte r;
    timeout ->
    for (r : 0 .. RUNS - 1) {
        assert(ENDED(disk.fold[r]));
        assert(told_start[r]);
        assert(disk.fold[r].st != DONE || RUNS > 1 || applied[r] == 1)
    }
}

init {
    byte o, r;
    atomic {
#ifdef SHORT
        for (r : 0 .. RUNS - 1) {
            seen.fold[r].st = DECIDED; seen.fold[r].seq = 1;
            told_start[r] = true
        }
        COPY_STORE(disk, seen);
#endif
        for (o : 0 .. OWNERS - 1) {
            run StoreOf(o);
            for (r : 0 .. RUNS - 1) {
                hot[o * RUNS + r].claim = KEEP; hot[o * RUNS + r].fclaim = KEEP;
                run RunOf(o, r)
            }
        }
        for (r : 0 .. RUNS - 1) {
            run World(r)
        }
        run Fate();
        run Rest()
    }
}
