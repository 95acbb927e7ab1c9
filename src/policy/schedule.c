/* src/policy/schedule.c - see schedule.h. */
#include "policy/schedule.h"
#include <assert.h>
#include <string.h>

enum { LOOK_MAX = 1024 }; /* so many times are looked at together; what is older was missed, and is not counted */
static const int64_t DAY_NS = INT64_C(86400000000000);

static const char *const words[PAWL_LEFT_COUNT] = {"missed", "old", "overlap", "full", "paused", "changed"};

const char *pawl_left_out_word(enum pawl_left_out why)
{
    assert((unsigned)why < PAWL_LEFT_COUNT);
    return words[why];
}

/* ---- the row ---- */

void pawl_schedule_row_read(struct pawl_schedule_row *row, yyjson_val *body)
{
    yyjson_val *left = yyjson_obj_get(body, "left_out"), *waiting = yyjson_obj_get(body, "waiting"), *one;
    size_t i, n;
    memset(row, 0, sizeof *row);
    row->seen = pawl_unhex(row->digest.b, sizeof row->digest.b, pawl_json_str(body, "digest"));
    row->to_ns = pawl_json_i64(body, "to", 0);
    row->paused = pawl_json_bool(body, "paused", false);
    row->begun = (uint64_t)pawl_json_i64(body, "begun", 0);
    if (pawl_id_parse(pawl_json_str(body, "run"), &row->run)) row->run_slot_ns = pawl_json_i64(body, "slot", 0);
    for (int w = 0; w < PAWL_LEFT_COUNT; w++) row->left[w] = (uint64_t)pawl_json_i64(left, words[w], 0);
    row->left_slot_ns = pawl_json_i64(body, "left_slot", 0);
    for (int w = 0; w < PAWL_LEFT_COUNT; w++)
        if (pawl_str_is(pawl_json_str(body, "left_why"), words[w])) row->left_why = (enum pawl_left_out)w;
    yyjson_arr_foreach(waiting, i, n, one)
    {
        if (i < PAWL_SCHEDULE_WAITING_MAX && yyjson_is_int(one))
            row->waiting[row->waiting_count++] = yyjson_get_sint(one);
    }
}

static void write_left(const struct pawl_schedule_row *row, struct pawl_json_writer *w)
{
    if (!row->left_slot_ns) return;
    pawl_jw_key(w, "left_out");
    pawl_jw_open(w, '{');
    for (int i = 0; i < PAWL_LEFT_COUNT; i++)
        if (row->left[i]) pawl_jw_put_i64(w, words[i], (int64_t)row->left[i]);
    pawl_jw_close(w, '}');
    if (row->left_now) pawl_jw_put_i64(w, "left_now", row->left_now);
    pawl_jw_put_i64(w, "left_slot", row->left_slot_ns);
    pawl_jw_key(w, "left_why");
    pawl_jw_text(w, words[row->left_why]);
}

void pawl_schedule_row_write(const struct pawl_schedule_row *row, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    char hex[65], id[PAWL_ID_TEXT];
    pawl_jw_open(&w, '{');
    if (row->seen) {
        pawl_hex(hex, row->digest.b, sizeof row->digest.b);
        pawl_jw_key(&w, "digest");
        pawl_jw_text(&w, hex);
    }
    pawl_jw_put_i64(&w, "to", row->to_ns);
    if (row->paused) pawl_jw_key(&w, "paused"), pawl_jw_bool(&w, true);
    pawl_jw_put_i64(&w, "begun", (int64_t)row->begun);
    if (row->run_slot_ns) {
        pawl_id_text(row->run, id);
        pawl_jw_key(&w, "run");
        pawl_jw_text(&w, id);
        pawl_jw_put_i64(&w, "slot", row->run_slot_ns);
    }
    write_left(row, &w);
    if (row->waiting_count) {
        pawl_jw_key(&w, "waiting");
        pawl_jw_open(&w, '[');
        for (uint32_t i = 0; i < row->waiting_count; i++) pawl_jw_i64(&w, row->waiting[i]);
        pawl_jw_close(&w, ']');
    }
    pawl_jw_close(&w, '}');
}

/* ---- what is due ---- */

static bool is_paused(const struct pawl_schedule *s, const struct pawl_schedule_row *row)
{
    return s->paused || row->paused;
}

static bool is_changed(const struct pawl_schedule *s, const struct pawl_schedule_row *row)
{
    return !row->seen || memcmp(s->digest.b, row->digest.b, sizeof row->digest.b) != 0;
}

int64_t pawl_schedule_next(const struct pawl_schedule *s, const struct pawl_schedule_row *row)
{
    if (is_paused(s, row) || !s->zone_known) return PAWL_CRON_NEVER;
    return pawl_cron_next(&s->cron, &s->zone, row->to_ns);
}

bool pawl_schedule_wants(const struct pawl_schedule *s, const struct pawl_schedule_row *row, int64_t now_ns,
                         bool *asks_former)
{
    *asks_former = false;
    if (is_changed(s, row)) return true;
    if (is_paused(s, row)) return false;
    if (!row->waiting_count && pawl_schedule_next(s, row) > now_ns) return false;
    *asks_former = s->overlap != PAWL_OVERLAP_ALLOW;
    return true;
}

static void leave_out(struct pawl_schedule_row *row, int64_t slot_ns, enum pawl_left_out why)
{
    row->left[why]++;
    row->left_now++;
    row->left_slot_ns = slot_ns;
    row->left_why = why;
}

static void leave_out_waiting(struct pawl_schedule_row *row, enum pawl_left_out why)
{
    for (uint32_t i = 0; i < row->waiting_count; i++) leave_out(row, row->waiting[i], why);
    row->waiting_count = 0;
}

struct slots { /* the latest of them, the oldest first */
    int64_t at[LOOK_MAX];
    uint32_t first, count;
};

static int64_t slot(const struct slots *o, uint32_t i)
{
    return o->at[(o->first + i) % LOOK_MAX];
}

/* All that come behind from_ns and up to to_ns; of too many the latest. */
static void list(const struct pawl_schedule *s, int64_t from_ns, int64_t to_ns, struct slots *o)
{
    int64_t at_ns = from_ns;
    o->first = o->count = 0;
    while ((at_ns = pawl_cron_next(&s->cron, &s->zone, at_ns)) <= to_ns) {
        if (o->count == LOOK_MAX) o->first = (o->first + 1) % LOOK_MAX;
        else o->count++;
        o->at[(o->first + o->count - 1) % LOOK_MAX] = at_ns;
    }
}

/* However long nobody was there: back from now in steps that grow, until there are enough of them or all. */
static void list_due(const struct pawl_schedule *s, int64_t from_ns, int64_t now_ns, struct slots *o)
{
    for (int64_t back_ns = DAY_NS / 4;; back_ns *= 2) {
        const bool all = now_ns - from_ns <= back_ns;
        list(s, all ? from_ns : now_ns - back_ns, now_ns, o);
        if (all || o->count == LOOK_MAX) return;
    }
}

/* One that came at its time, or the one that is caught up for all. */
static void take(const struct pawl_schedule *s, struct pawl_schedule_row *row, bool former_runs, int64_t slot_ns)
{
    const bool busy = former_runs || row->waiting_count > 0;
    if (busy && s->overlap == PAWL_OVERLAP_SKIP) leave_out(row, slot_ns, PAWL_LEFT_OVERLAP);
    else if (row->waiting_count >= s->limit) leave_out(row, slot_ns, PAWL_LEFT_FULL);
    else row->waiting[row->waiting_count++] = slot_ns;
}

/* More than one, or one that is late: nobody was there. */
static void take_missed(const struct pawl_schedule *s, struct pawl_schedule_row *row, bool former_runs, int64_t now_ns,
                        const struct slots *o)
{
    const uint32_t room = s->limit > row->waiting_count ? s->limit - row->waiting_count : 0;
    for (uint32_t i = 0; i < o->count; i++) {
        const int64_t at_ns = slot(o, i);
        const bool late = now_ns - at_ns >= PAWL_SCHEDULE_GRACE_NS, last = i + 1 == o->count;
        const bool old = s->within_ns && now_ns - at_ns > s->within_ns;
        if (s->catch_up == PAWL_CATCH_UP_ALL) {
            if (old || o->count - i > room) leave_out(row, at_ns, PAWL_LEFT_OLD);
            else row->waiting[row->waiting_count++] = at_ns;
        } else if (!last || (late && s->catch_up == PAWL_CATCH_UP_NONE)) {
            leave_out(row, at_ns, PAWL_LEFT_MISSED);
        } else if (old) {
            leave_out(row, at_ns, PAWL_LEFT_OLD);
        } else {
            take(s, row, former_runs, at_ns);
        }
    }
}

/* false: nothing was. */
static bool take_due(const struct pawl_schedule *s, struct pawl_schedule_row *row, bool former_runs, int64_t now_ns)
{
    struct slots due;
    if (pawl_schedule_next(s, row) > now_ns) return false;
    list_due(s, row->to_ns, now_ns, &due);
    assert(due.count > 0);
    const int64_t last_ns = slot(&due, due.count - 1);
    if (due.count == 1 && now_ns - last_ns < PAWL_SCHEDULE_GRACE_NS) take(s, row, former_runs, last_ns);
    else take_missed(s, row, former_runs, now_ns, &due);
    row->to_ns = last_ns;
    return true;
}

int64_t pawl_schedule_turn(const struct pawl_schedule *s, struct pawl_schedule_row *row, bool former_runs,
                           int64_t now_ns, bool *changed)
{
    row->left_now = 0;
    *changed = is_changed(s, row);
    if (*changed) {
        leave_out_waiting(row, PAWL_LEFT_CHANGED);
        row->digest = s->digest;
        row->seen = true;
        row->to_ns = now_ns;
        return 0;
    }
    if (is_paused(s, row) || !s->zone_known) return 0;
    *changed = take_due(s, row, former_runs, now_ns);
    if (!row->waiting_count || (former_runs && s->overlap != PAWL_OVERLAP_ALLOW)) return 0;
    *changed = true;
    row->run_slot_ns = row->waiting[0];
    row->begun++;
    memmove(row->waiting, row->waiting + 1, --row->waiting_count * sizeof *row->waiting);
    return row->run_slot_ns;
}

void pawl_schedule_pause(struct pawl_schedule_row *row)
{
    row->paused = true;
    row->left_now = 0;
    leave_out_waiting(row, PAWL_LEFT_PAUSED);
}

void pawl_schedule_resume(struct pawl_schedule_row *row, int64_t now_ns)
{
    if (row->paused || row->to_ns > now_ns) row->to_ns = now_ns;
    row->paused = false;
    row->left_now = 0;
}
