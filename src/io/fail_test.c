/* src/io/fail_test.c - errno's codes and words; and SIGPIPE, which some of them come with. */
#include "io/fail.h"
#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include "base/test.h"
#include "io/sigpipe.h"

static void test_codes(void)
{
    static const struct {
        int sys, code;
    } rows[] = {{0, PAWL_OK},
                {ENOENT, PAWL_ENOTFOUND},
                {ENOTDIR, PAWL_ENOTFOUND},
                {EEXIST, PAWL_ECONFLICT},
                {EACCES, PAWL_EREADONLY},
                {EROFS, PAWL_EREADONLY},
                {ENOSPC, PAWL_EFULL},
                {ENOMEM, PAWL_ENOMEM},
                {ETIMEDOUT, PAWL_ETIMEDOUT},
                {EMFILE, PAWL_ELIMIT},
                {EADDRINUSE, PAWL_EBUSY},
                {EIO, PAWL_EIO},
                {EPIPE, PAWL_EIO},
                {ECONNRESET, PAWL_EIO},
                {99999, PAWL_EIO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) CHECK_INT(pawl_io_code(rows[i].sys), rows[i].code);
    struct pawl_error err = {0};
    CHECK_INT(pawl_io_fail(&err, ENOSPC, "a/file", "write"), PAWL_EFULL);
    CHECK_INT(err.code, PAWL_EFULL);
    CHECK_TEXT(err.where, "a/file");
    CHECK_TEXT(err.what, "cannot write: No space left on device");
    CHECK_TEXT(err.next, "make room on that file system");
    CHECK_INT(pawl_io_fail(NULL, EIO, "a/file", "write"), PAWL_EIO);
    CHECK_INT(pawl_io_fail(&err, 99999, "a/file", "write"), PAWL_EIO);
    CHECK_TEXT(err.next, "");
}

static int caught;
static void on_pipe(int number)
{
    (void)number;
    caught++;
}

static void write_into_nothing(void)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    close(ends[0]);
    errno = 0;
    CHECK(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    close(ends[1]);
}

static void test_sigpipe(void)
{
    struct pawl_sigpipe s, inner;
    const struct sigaction a = {.sa_handler = on_pipe};
    sigaction(SIGPIPE, &a, NULL);
    write_into_nothing();
    CHECK_INT(caught, 1); /* so the story can fail */
    pawl_sigpipe_hold(&s);
    write_into_nothing();
    pawl_sigpipe_hold(&inner);
    write_into_nothing();
    pawl_sigpipe_release(&inner);
    errno = EPIPE;
    pawl_sigpipe_release(&s);
    CHECK_INT(errno, EPIPE);
    CHECK_INT(caught, 1);
    write_into_nothing();
    CHECK_INT(caught, 2); /* as it was before */
    /* One that waited before, sent by somebody else, stays. */
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe, NULL);
    raise(SIGPIPE);
    pawl_sigpipe_hold(&s);
    write_into_nothing();
    pawl_sigpipe_release(&s);
    CHECK_INT(caught, 2);
    sigprocmask(SIG_UNBLOCK, &pipe, NULL);
    CHECK_INT(caught, 3);
}

int main(void)
{
    test_codes();
    test_sigpipe();
    return TEST_END();
}
