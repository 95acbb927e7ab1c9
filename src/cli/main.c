/* src/cli/main.c - the binary pawl. All of it is in the table of cli/table.c. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
