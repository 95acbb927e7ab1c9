/* src/cli/completion.h - what a shell completes, from the table of commands; docs/completions/ holds what this prints. */
#pragma once
#include "base/bytes.h"
int cli_completion(const char *shell, struct pawl_buf *out); /* bash, zsh, fish; else PAWL_EINVAL */
