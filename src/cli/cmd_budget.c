/* src/cli/cmd_budget.c - budget: what agents and days have spent, of how much. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

static void line(struct cli *c, yyjson_val *budget)
{
    struct pawl_str whose = pawl_json_str(budget, "whose");
    struct pawl_buf b;
    if (whose.n > 3) whose.p += 3, whose.n -= 3; /* without its "of" */
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(whose, 90, &b);
    cli_text(c, CLI_BOLD, pawl_buf_done(&b).p);
    cli_text(c, CLI_PLAIN, ": ");
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(budget, "says"), 300, &b);
    cli_wrap(c, pawl_buf_done(&b), 4, cli_columns(whose) + 2);
    cli_text(c, CLI_PLAIN, "\n");
}

int cli_budgets(struct cli *c, const char *only)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL, *all, *one;
    size_t i, n;
    int shown = 0;
    cli_begin(c, &b, &w, "budgets", NULL);
    if (cli_ask(c, &b, &last)) return -1;
    all = yyjson_obj_get(last, "budgets");
    yyjson_arr_foreach(all, i, n, one)
    {
        const struct pawl_str account = pawl_json_str(one, "account");
        const bool dated = account.n > 10 && account.p[account.n - 3] == '-' && account.p[account.n - 6] == '-';
        const bool run = account.n > 4 && memcmp(account.p, "run ", 4) == 0;
        if (only && (run || (dated && memcmp(account.p + account.n - 10, only, 10) != 0))) continue;
        if (c->opt[OPT_JSON]) pawl_json_write(one, &c->out), pawl_buf_char(&c->out, '\n');
        else line(c, one);
        shown++;
    }
    return shown;
}

int cli_budget(struct cli *c)
{
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    rc = cli_budgets(c, NULL);
    if (rc < 0) return CLI_FAILED;
    if (!c->opt[OPT_JSON] && rc == 0)
        cli_text(c, CLI_PLAIN, "nothing was spent that an agent's or a day's budget counts\n");
    cli_flush(c);
    return CLI_DONE;
}
