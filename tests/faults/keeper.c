/* tests/faults/keeper.c - a program that has the library inside and does nothing but go on with whatever runs there are: the
 * owner of the store in a soak. Ends when it is told to (SIGTERM). Built by tests/faults/soak.py. */
#include <pawl/pawl.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t told;

static void on_signal(int number)
{
    (void)number;
    told = 1;
}

int main(void)
{
    const struct pawl_options o = {.size = sizeof o};
    struct pawl_error err;
    struct pawl *p;
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN);
    int rc = pawl_open(&o, &p, &err);
    while (rc == PAWL_OK && !told) rc = pawl_turn(p, 500000000, &err);
    if (rc != PAWL_OK) fprintf(stderr, "keeper: %s %s\n", err.what, err.next);
    pawl_close(p);
    return rc != PAWL_OK;
}
