/* src/cli/guard_lines.c - what guards did, in words: the lines of `pawl show` and `pawl explain`. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

static bool is(yyjson_val *object, const char *name, const char *word)
{
    return pawl_str_is(pawl_json_str(object, name), word);
}

void cli_guard_words(yyjson_val *trip, struct pawl_buf *b)
{
    static const char *const did[][2] = {{"tell", "; the model was told"},
                                         {"verify", "; pawl looked itself"},
                                         {"narrow", "; from there on only reads were open to the model"},
                                         {"ask", "; a person was asked"},
                                         {"stop", "; the run was ended"}};
    pawl_shown(pawl_json_str(trip, "rule"), 64, b);
    pawl_buf_text(b, ": ");
    pawl_shown(pawl_json_str(trip, "says"), 400, b);
    for (size_t i = 0; i < sizeof did / sizeof *did; i++)
        if (is(trip, "answer", did[i][0])) pawl_buf_text(b, did[i][1]);
}

void cli_guard_lines(struct cli *c, yyjson_val *view, int64_t after, int64_t step)
{
    yyjson_val *trip;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "guards"), i, n, trip)
    {
        const int64_t at = pawl_json_i64(trip, "step", 0);
        struct pawl_buf b;
        if (at <= after || at > step) continue;
        pawl_buf_init_arena(&b, &c->arena);
        cli_guard_words(trip, &b);
        cli_text(c, CLI_PLAIN, "     ");
        cli_column(c, CLI_YELLOW, PAWL_STR("guard"), 6);
        cli_colour(c, CLI_YELLOW);
        cli_wrap(c, pawl_buf_done(&b), 11, 11);
        cli_colour(c, CLI_PLAIN);
        cli_text(c, CLI_PLAIN, "\n");
    }
}
