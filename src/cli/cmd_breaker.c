/* src/cli/cmd_breaker.c - circuit breakers: which dependencies are left alone, and a person's word on one. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

static const char *state_of(yyjson_val *circuit, enum cli_colour *colour)
{
    const struct pawl_str forced = pawl_json_str(circuit, "forced");
    const int64_t until_ns = pawl_json_i64(circuit, "until", 0);
    *colour = CLI_RED;
    if (pawl_str_is(forced, "open")) return "switched off by a person";
    *colour = CLI_YELLOW;
    if (pawl_str_is(forced, "closed")) return "always let through, by a person's word";
    if (pawl_str_is(pawl_json_str(circuit, "state"), "open"))
        return cli_wall_ns() < until_ns ? "open: left alone until " : "open: the next calls are probes, since ";
    *colour = CLI_GREEN;
    return "closed";
}

static void line(struct cli *c, yyjson_val *breaker)
{
    yyjson_val *circuit = yyjson_obj_get(breaker, "circuit");
    const int64_t opened = pawl_json_i64(circuit, "opened", 0);
    enum cli_colour colour;
    const char *state = state_of(circuit, &colour);
    const size_t n = strlen(state);
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(breaker, "name"), 72, &b);
    cli_column(c, CLI_BOLD, pawl_buf_done(&b), 24);
    cli_text(c, CLI_PLAIN, " ");
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_text(&b, state);
    if (state[n - 1] == ' ') cli_time(pawl_json_i64(circuit, "until", 0), &b);
    cli_text(c, colour, pawl_buf_done(&b).p);
    if (opened) cli_printf(c, ", has opened %lld time%s", (long long)opened, opened == 1 ? "" : "s");
    cli_text(c, CLI_PLAIN, "\n");
}

static int list(struct cli *c)
{
    yyjson_val *last = NULL;
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = cli_each(c, "breakers", line, &last)) != 0) return cli_status(c, rc);
    if (!c->opt[OPT_JSON] && !yyjson_arr_size(yyjson_obj_get(last, "breakers")))
        cli_text(c, CLI_PLAIN, "no breaker has ever opened\n");
    cli_flush(c);
    return CLI_DONE;
}

int cli_breaker(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    int rc;
    if (c->count == 0) return list(c);
    if (c->count != 2 || (strcmp(c->args[1], "open") && strcmp(c->args[1], "closed") && strcmp(c->args[1], "auto")))
        return cli_usage(c, "say what it shall be: pawl breaker %.60s open, closed or auto", c->args[0]);
    if ((rc = cli_open(c, CLI_HOLD)) != 0) return rc;
    cli_begin(c, &b, &w, "breaker", NULL);
    cli_put(&w, "name", c->args[0]);
    cli_put(&w, "to", c->args[1]);
    if ((rc = cli_ask(c, &b, NULL)) != 0) return cli_status(c, rc);
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"recorded\":\"%s\"}\n", c->args[1]);
    else cli_printf(c, "%s: recorded\n", c->args[1]);
    cli_flush(c);
    return CLI_DONE;
}
