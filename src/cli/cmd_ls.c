/* src/cli/cmd_ls.c - ls: all runs, what needs a person first. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "policy/account.h"
#include "contract/shown.h"

enum { PAGE = 10000, ENDED = 5 }; /* ENDED: the rank of those that are over */

/* What needs a person first, then what is under way, then what has ended; the newest first in each. */
static int rank(yyjson_val *head)
{
    const struct pawl_str status = pawl_json_str(head, "status"), waiting = pawl_json_str(head, "waiting");
    if (pawl_str_is(waiting, "doubt")) return 0;
    if (pawl_str_is(waiting, "gate")) return 1;
    if (pawl_str_is(waiting, "configuration") || pawl_str_is(waiting, "tool")) return 2;
    if (pawl_str_is(waiting, "message")) return 3;
    if (pawl_str_is(status, "running") || pawl_str_is(status, "waiting") || pawl_str_is(status, "ending")) return 4;
    return ENDED;
}

/* What one that is under way waits for. */
static const char *rests(struct cli *c, yyjson_val *head)
{
    const struct pawl_str waiting = pawl_json_str(head, "waiting");
    const int64_t until_ns = pawl_json_i64(head, "wake_ns", 0);
    struct pawl_buf b;
    if (pawl_str_is(waiting, "claim")) return "waits for another run that does the same";
    if (pawl_str_is(waiting, "signal")) return "waits for a signal: pawl show says which";
    if (pawl_str_is(waiting, "owner")) return "nobody works on it: pawl resume";
    if (pawl_str_is(waiting, "child")) return "waits for a run that it started: pawl show";
    if (pawl_str_is(waiting, "room")) return "waits for room in its lane or pool, or for a breaker";
    if (!pawl_str_is(waiting, "timer") || !until_ns) return "running";
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_text(&b, pawl_json_i64(head, "step", 0) ? "tries again at " : "begins at ");
    cli_time(until_ns, &b);
    return pawl_buf_done(&b).p ? b.p : "running";
}

static void ls_line(struct cli *c, yyjson_val *head, uint32_t keep)
{
    static const char *const words[] = {"in doubt: look there, then pawl resolve",
                                        "waits for your yes or no: pawl approve",
                                        "cannot go on here: pawl resume says why", "waits for a message: pawl send"};
    const int r = rank(head);
    const bool narrow = c->width && c->width < 80;
    const struct pawl_str status = pawl_json_str(head, "status");
    const enum cli_colour colour = r < 2                         ? CLI_YELLOW
                                   : r < 4                       ? CLI_CYAN
                                   : pawl_str_is(status, "done") ? CLI_GREEN
                                   : r == 4                      ? CLI_PLAIN
                                                                 : CLI_RED;
    struct pawl_buf b;
    uint32_t at = keep + 18;
    cli_column(c, CLI_PLAIN, (struct pawl_str){pawl_json_str(head, "run").p, keep}, keep + 2);
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(head, "agent"), 60, &b);
    cli_column(c, CLI_BOLD, pawl_buf_done(&b), 16);
    pawl_buf_init_arena(&b, &c->arena);
    cli_time(pawl_json_i64(head, "updated_ns", 0), &b);
    if (!narrow) cli_text(c, CLI_PLAIN, " "), cli_column(c, CLI_DIM, pawl_buf_done(&b), 20), at += 21;
    else cli_text(c, CLI_DIM, pawl_buf_done(&b).p), cli_text(c, CLI_PLAIN, "\n   "), at = 3;
    pawl_buf_init_arena(&b, &c->arena);
    if (r < 4) pawl_buf_text(&b, words[r]);
    else if (r == 4 && pawl_json_str(head, "waiting").p) pawl_buf_text(&b, rests(c, head));
    else pawl_shown(status, 20, &b);
    if (pawl_json_i64(head, "step", 0)) pawl_buf_printf(&b, ", step %lld", (long long)pawl_json_i64(head, "step", 0));
    if (pawl_json_str(head, "key").p) pawl_buf_text(&b, ", key "), pawl_shown(pawl_json_str(head, "key"), 40, &b);
    cli_colour(c, colour);
    cli_wrap(c, pawl_buf_done(&b), narrow ? 3 : at, at);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
}

struct pages { /* what the store answered, a page at a time; newest first */
    yyjson_val **runs;
    uint32_t count, size;
    size_t heads;
};

/* Adds a page of runs with these statuses, from behind `before`. How many there were; < 0: an error, told. */
static int64_t ask_page(struct cli *c, struct pages *p, const char *const *statuses, uint32_t max,
                        struct pawl_str before)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    cli_begin(c, &b, &w, "list", NULL);
    pawl_jw_key(&w, "max");
    pawl_jw_i64(&w, max);
    pawl_jw_key(&w, "status");
    pawl_jw_open(&w, '[');
    for (; *statuses; statuses++) pawl_jw_text(&w, *statuses);
    pawl_jw_close(&w, ']');
    if (before.p) pawl_jw_key(&w, "before"), pawl_jw_str(&w, before);
    if (cli_ask(c, &b, &last)) return -1;
    if (p->count == p->size) {
        const uint32_t size = p->size ? p->size * 2 : 16;
        yyjson_val **runs = pawl_arena_get(&c->arena, size * sizeof *runs);
        if (!runs) return -1;
        if (p->count) memcpy(runs, p->runs, p->count * sizeof *runs);
        p->runs = runs;
        p->size = size;
    }
    p->runs[p->count++] = yyjson_obj_get(last, "runs");
    p->heads += yyjson_arr_size(yyjson_obj_get(last, "runs"));
    return (int64_t)yyjson_arr_size(yyjson_obj_get(last, "runs"));
}

static struct pawl_str last_id(const struct pages *p)
{
    yyjson_val *runs = p->count ? p->runs[p->count - 1] : NULL;
    return pawl_json_str(yyjson_arr_get_last(runs), "run");
}

/* All of them, or the `max` newest. */
static bool ask_all(struct cli *c, struct pages *p, const char *const *statuses, uint32_t max)
{
    struct pawl_str before = {NULL, 0};
    int64_t n = 0;
    do {
        n = ask_page(c, p, statuses, max ? max : PAGE, before);
        before = last_id(p);
    } while (!max && n == PAGE);
    return n >= 0;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(*(const char *const *)a, *(const char *const *)b, 36);
}

/* How much of an id tells it from all the others in the list; 13 characters at least. */
static uint32_t telling(struct cli *c, const struct pages *live, const struct pages *ended)
{
    const struct pages *both[] = {live, ended};
    const char **ids = pawl_arena_get(&c->arena, (live->heads + ended->heads + 1) * sizeof *ids);
    uint32_t keep = 13, count = 0;
    yyjson_val *head;
    size_t k, n;
    if (!ids) return 36;
    for (int i = 0; i < 2; i++)
        for (uint32_t page = 0; page < both[i]->count; page++) yyjson_arr_foreach(both[i]->runs[page], k, n, head)
            {
                const struct pawl_str id = pawl_json_str(head, "run");
                if (id.n == 36) ids[count++] = id.p;
            }
    qsort(ids, count, sizeof *ids, by_id);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t same = 0;
        while (same < 36 && ids[i][same] == ids[i - 1][same]) same++;
        if (same + 1 > keep) keep = same + 1;
    }
    return keep < 36 ? keep : 36;
}

static bool put_head(struct cli *c, yyjson_val *head, uint32_t keep)
{
    if (c->opt[OPT_JSON]) pawl_json_write(head, &c->out), pawl_buf_char(&c->out, '\n');
    else ls_line(c, head, keep);
    return c->out.n < 16384 || cli_flush(c);
}

static void put_lists(struct cli *c, const struct pages *live, const struct pages *ended, size_t most)
{
    const uint32_t keep = telling(c, live, ended);
    yyjson_val *head;
    size_t i, n, shown = 0;
    for (int r = 0; r < ENDED; r++)
        for (uint32_t page = 0; page < live->count; page++)
            yyjson_arr_foreach(live->runs[page], i, n, head) if (rank(head) == r && !put_head(c, head, keep)) return;
    for (uint32_t page = 0; page < ended->count; page++)
        yyjson_arr_foreach(ended->runs[page], i, n, head) if (shown++ < most && !put_head(c, head, keep)) return;
    if (shown > most) cli_text(c, CLI_PLAIN, "… and more that have ended: pawl ls --all\n");
}

int cli_ls(struct cli *c)
{
    enum { SHOWN = 20 };
    static const char *const open[] = {"running", "waiting", "ending", NULL}, *const over[] = {"done", "failed",
                                                                                               "cancelled", "dead",
                                                                                               NULL};
    const bool all = c->opt[OPT_ALL] || c->opt[OPT_JSON]; /* who reads JSON would not know what is left out */
    struct pages live = {0}, ended = {0};
    char today[16];
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if (!ask_all(c, &live, open, 0) || !ask_all(c, &ended, over, all ? 0 : SHOWN + 1)) return CLI_FAILED;
    put_lists(c, &live, &ended, all ? SIZE_MAX : SHOWN);
    if (!c->opt[OPT_JSON] && !live.heads && !ended.heads)
        cli_text(c, CLI_PLAIN, "no run yet\n→ pawl run AGENT INPUT\n");
    if (!c->opt[OPT_JSON] && (live.heads || ended.heads)) {
        pawl_day_text(cli_wall_ns(), today);
        cli_budgets(c, today);
    }
    cli_flush(c);
    return CLI_DONE;
}
