/* src/cli/bench_cmd.h - `pawl bench`. */
#pragma once
int pawl_cmd_bench(int argc, char **argv);
