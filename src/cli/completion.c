/* src/cli/completion.c - completions for bash, zsh and fish, and the manual page, from the table of commands. */
#include "cli/completion.h"
#include <string.h>
#include "cli/cli.h"

static bool has(const struct cli_command *k, int o)
{
    return (k->options & (UINT64_C(1) << o)) != 0;
}

/* Every option of a command, one after the other: those of the one table, then its own. */
static const struct cli_option *option(const struct cli_command *k, int *i)
{
    while (*i < OPT_COUNT)
        if (has(k, (*i)++)) return &cli_options[*i - 1];
    const struct cli_option *own = cli_own(k);
    for (int at = OPT_COUNT; own && own->name; own++, at++)
        if (at == *i) return ++*i, own;
    return NULL;
}

static bool is_path(const struct cli_option *o)
{
    return o->value && strcmp(o->value, "FILE") == 0;
}

static bool takes_run(const struct cli_command *k)
{
    return strstr(k->args, "RUN") != NULL;
}

static void names(struct pawl_buf *out)
{
    for (uint32_t i = 0; i < cli_commands_count; i++) pawl_buf_printf(out, "%s%s", i ? " " : "", cli_commands[i].name);
}

static void bash(struct pawl_buf *out)
{
    pawl_buf_text(out, "# pawl help --completion bash\n_pawl() {\n    local word=${COMP_WORDS[COMP_CWORD]} options=\n"
                       "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '");
    names(out);
    pawl_buf_text(out, "' -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        pawl_buf_printf(out, "    %s) options='--help", cli_commands[i].name);
        const struct cli_option *o;
        for (int at = 0; (o = option(&cli_commands[i], &at)) != NULL;) pawl_buf_printf(out, " --%s", o->name);
        if (takes_run(&cli_commands[i])) pawl_buf_text(out, " @last");
        pawl_buf_text(out, "' ;;\n");
    }
    pawl_buf_text(
        out,
        "    esac\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\ncomplete -o default -F _pawl pawl\n");
}

/* Within _arguments' [...] and :...: `stops` would end it. */
static void bracketed(struct pawl_buf *out, const char *text, const char *stops)
{
    for (const char *s = text; *s; s++) {
        if (strchr(stops, *s)) pawl_buf_char(out, '\\');
        pawl_buf_text(out, *s == '\'' ? "'\\''" : (char[]){*s, 0});
    }
}

static void zsh(struct pawl_buf *out)
{
    pawl_buf_text(out, "#compdef pawl\n# pawl help --completion zsh\nlocal -a commands\ncommands=(\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        pawl_buf_printf(out, "    '%s:", cli_commands[i].name);
        for (const char *s = cli_commands[i].summary; *s; s++)
            pawl_buf_text(out, *s == '\'' ? "'\\''" : (char[]){*s, 0});
        pawl_buf_text(out, "'\n");
    }
    pawl_buf_text(
        out, ")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\ncase $words[2] in\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        pawl_buf_printf(out, "%s) _arguments '--help[show the options]'", cli_commands[i].name);
        const struct cli_option *o;
        for (int at = 0; (o = option(&cli_commands[i], &at)) != NULL;) {
            pawl_buf_printf(out, " '--%s[", o->name);
            bracketed(out, o->what, "[]\\");
            pawl_buf_char(out, ']');
            if (o->value) pawl_buf_text(out, ":"), bracketed(out, o->value, "[]:\\");
            if (o->value) pawl_buf_printf(out, ":%s", is_path(o) ? "_files" : "");
            pawl_buf_char(out, '\'');
        }
        if (takes_run(&cli_commands[i])) pawl_buf_text(out, " '*:run:(@last)'");
        else pawl_buf_text(out, " '*:file:_files'");
        pawl_buf_text(out, " ;;\n");
    }
    pawl_buf_text(out, "esac\n");
}

static void fish(struct pawl_buf *out)
{
    pawl_buf_text(out, "# pawl help --completion fish\ncomplete -c pawl -f\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        const struct cli_command *k = &cli_commands[i];
        pawl_buf_printf(out, "complete -c pawl -n __fish_use_subcommand -a %s -d \"%s\"\n", k->name, k->summary);
        const struct cli_option *o;
        for (int at = 0; (o = option(k, &at)) != NULL;)
            pawl_buf_printf(out, "complete -c pawl -n '__fish_seen_subcommand_from %s' -l %s%s -d \"%s\"\n", k->name,
                            o->name,
                            is_path(o) ? " -r -F"
                            : o->value ? " -r"
                                       : "",
                            o->what);
        if (takes_run(k))
            pawl_buf_printf(out, "complete -c pawl -n '__fish_seen_subcommand_from %s' -a @last\n", k->name);
    }
}

static const char man_head[] =
    ".Dd $Mdocdate$\n.Dt PAWL 1\n.Os\n.Sh NAME\n.Nm pawl\n.Nd durable runtime for agents\n.Sh SYNOPSIS\n.Nm\n.Ar command\n"
    ".Op Ar options\n.Sh DESCRIPTION\n.Nm\n"
    "runs agents that are declared in a file,\n.Pa pawl.yaml ,\nso that being killed anywhere does not matter.\n"
    "Every step of a run is in a journal before anybody is told of it;\n"
    "a run that was interrupted goes on where it stopped,\nand what changed something in the world is not done twice.\n.Pp\n"
    "A\n.Ar RUN\nis named by any unique beginning of its id, or by\n.Cm @last .\n"
    "A\n.Ar STEP\nis a number from the list of\n.Nm Cm show .\n.Pp\nThe commands are as follows.\n.Bl -tag -width Ds\n";
static const char man_tail[] =
    ".El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev NO_COLOR\nIf set and not empty, no colours are used.\n"
    ".El\n.Pp\nA configuration may name other variables as\n"
    ".Li ${env:NAME} .\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa pawl.yaml\nThe configuration.\n.It Pa pawl.db\n"
    "The store, beside the configuration unless that says otherwise.\n"
    "One process owns it at a time; the others speak to that one through\n.Pa pawl.db.sock .\n.El\n"
    ".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\ndone\n.It 1\nfailed\n.It 2\nusage, or an error of the configuration\n"
    ".It 3\nwaits for a person\n.It 4\nin doubt: a person must say what happened\n"
    ".It 5\nstopped by a limit or a guard\n.It 130\ninterrupted, and safe to resume\n.El\n"
    ".Pp\nAn interrupt\n.Pq Ctrl-C\nlets what is under way finish and parks the run; a second one stops at once.\nBoth are safe.\n";

static void roff(struct pawl_buf *out, const char *text)
{
    for (const char *s = text; *s; s++) {
        if (*s == '\\') pawl_buf_text(out, "\\e");
        else if (*s == '\'') pawl_buf_text(out, "\\(aq");
        else if (*s == '-') pawl_buf_text(out, "\\-");
        else if (*s == '"') pawl_buf_text(out, "\\(dq");
        else pawl_buf_char(out, *s);
    }
}

/* Several words are one argument of a macro in quotes. */
static void man_words(struct pawl_buf *out, const char *text)
{
    const char *quote = strchr(text, ' ') ? "\"" : "";
    pawl_buf_text(out, quote);
    roff(out, text);
    pawl_buf_text(out, quote);
}

static void man_more(struct pawl_buf *out, const struct cli_command *k)
{
    struct pawl_buf more;
    pawl_buf_init(&more, out->from);
    cli_more(k, &more);
    const struct pawl_str text = pawl_buf_done(&more);
    if (text.n) {
        pawl_buf_text(out, ".Bd -literal\n");
        roff(out, text.p + (*text.p == '\n'));
        pawl_buf_text(out, ".Ed\n");
    }
    pawl_buf_fini(&more);
}

static void man(struct pawl_buf *out)
{
    pawl_buf_text(out, man_head);
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        const struct cli_command *k = &cli_commands[i];
        pawl_buf_printf(out, ".It Cm %s%s%s\n", k->name, *k->args ? " Ar " : "", *k->args ? k->args : "");
        pawl_buf_char(out, (char)(*k->summary >= 'a' && *k->summary <= 'z' ? *k->summary - 'a' + 'A' : *k->summary));
        roff(out, k->summary + 1);
        pawl_buf_text(out, ".\n");
        if (k->options || cli_own(k)) pawl_buf_text(out, ".Bl -tag -width Ds -compact\n");
        const struct cli_option *o;
        for (int at = 0; (o = option(k, &at)) != NULL;) {
            pawl_buf_text(out, ".It Fl \\-");
            roff(out, o->name);
            if (o->value) pawl_buf_text(out, " Ar "), man_words(out, o->value);
            pawl_buf_char(out, '\n');
            roff(out, o->what);
            pawl_buf_char(out, '\n');
        }
        if (k->options || cli_own(k)) pawl_buf_text(out, ".El\n");
        man_more(out, k);
    }
    pawl_buf_text(out, man_tail);
    pawl_buf_text(out, ".Sh EXAMPLES\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        if (!cli_commands[i].run || strcmp(cli_commands[i].name, "help") == 0) continue;
        pawl_buf_text(out, ".Dl ");
        roff(out, cli_commands[i].example);
        pawl_buf_char(out, '\n');
    }
}

int cli_completion(const char *shell, struct pawl_buf *out)
{
    if (strcmp(shell, "bash") == 0) bash(out);
    else if (strcmp(shell, "zsh") == 0) zsh(out);
    else if (strcmp(shell, "fish") == 0) fish(out);
    else if (strcmp(shell, "man") == 0) man(out);
    else return PAWL_EINVAL;
    return PAWL_OK;
}
