/* src/cli/completion.c - completions for bash, zsh and fish, from the table of commands. */
#include "cli/completion.h"
#include <string.h>
#include "cli/cli.h"

static bool has(const struct cli_command *k, int o)
{
    return (k->options & (1u << o)) != 0;
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
        for (int o = 0; o < OPT_COUNT; o++)
            if (has(&cli_commands[i], o)) pawl_buf_printf(out, " --%s", cli_options[o].name);
        if (takes_run(&cli_commands[i])) pawl_buf_text(out, " @last");
        pawl_buf_text(out, "' ;;\n");
    }
    pawl_buf_text(out, "    esac\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\ncomplete -o default -F _pawl pawl\n");
}

static void zsh(struct pawl_buf *out)
{
    pawl_buf_text(out, "#compdef pawl\n# pawl help --completion zsh\nlocal -a commands\ncommands=(\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        pawl_buf_printf(out, "    '%s:", cli_commands[i].name);
        for (const char *s = cli_commands[i].summary; *s; s++) pawl_buf_text(out, *s == '\'' ? "'\\''" : (char[]){*s, 0});
        pawl_buf_text(out, "'\n");
    }
    pawl_buf_text(out, ")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\ncase $words[2] in\n");
    for (uint32_t i = 0; i < cli_commands_count; i++) {
        pawl_buf_printf(out, "%s) _arguments '--help[show the options]'", cli_commands[i].name);
        for (int o = 0; o < OPT_COUNT; o++) {
            if (!has(&cli_commands[i], o)) continue;
            pawl_buf_printf(out, " '--%s[%s]", cli_options[o].name, cli_options[o].what);
            if (cli_options[o].value) pawl_buf_printf(out, ":%s:%s", cli_options[o].value, o == OPT_CONFIG ? "_files" : "");
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
        for (int o = 0; o < OPT_COUNT; o++) {
            if (!has(k, o)) continue;
            pawl_buf_printf(out, "complete -c pawl -n '__fish_seen_subcommand_from %s' -l %s%s -d \"%s\"\n", k->name,
                            cli_options[o].name, cli_options[o].value ? o == OPT_CONFIG ? " -r -F" : " -r" : "", cli_options[o].what);
        }
        if (takes_run(k)) pawl_buf_printf(out, "complete -c pawl -n '__fish_seen_subcommand_from %s' -a @last\n", k->name);
    }
}

int cli_completion(const char *shell, struct pawl_buf *out)
{
    if (strcmp(shell, "bash") == 0) bash(out);
    else if (strcmp(shell, "zsh") == 0) zsh(out);
    else if (strcmp(shell, "fish") == 0) fish(out);
    else return PAWL_EINVAL;
    return PAWL_OK;
}
