/* src/cli/sim_cmd.h - `pawl sim`. argv[0] is the subcommand's name; returns the exit status. */
#pragma once
int pawl_cmd_sim(int argc, char **argv);
