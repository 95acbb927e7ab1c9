/* src/io/control_client.c - the side of the command line: it blocks, each call within its time. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "io/clock.h"
#include "io/control.h"
#include "io/control_path.h"
#include "io/fail.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#define MS INT64_C(1000000)

static int left_ms(int64_t until_ns)
{
    const int64_t left = until_ns - pawl_clock_mono_ns();
    if (left <= 0) return 0;
    return left < 1000000 * MS ? (int)(left / MS) + 1 : 1000000;
}

static int64_t after(int64_t wait_ns)
{
    const int64_t now_ns = pawl_clock_mono_ns();
    return wait_ns < INT64_MAX - now_ns ? now_ns + wait_ns : INT64_MAX;
}

/* One try. errno in *why where it failed. */
static int try_once(const char *path, int *why, struct pawl_error *err)
{
    struct pawl_control_path p;
    *why = 0;
    int code = pawl_control_path_open(&p, path, err);
    if (code) {
        if (code == PAWL_ENOTFOUND) *why = ENOENT;
        return code;
    }
    const int fd = pawl_control_socket();
    if (fd < 0 || connect(fd, (const struct sockaddr *)&p.address, p.bytes)) {
        *why = errno;
        code = pawl_io_fail(err, errno, path, "connect to the owner");
    } else if (!pawl_control_peer_is_us(fd)) {
        code = pawl_fail(err, PAWL_EREADONLY, path, "use the user that owns the store", "it is another user's");
    }
    pawl_control_path_close(&p);
    if (!code) return fd;
    if (fd >= 0) close(fd);
    return code;
}

static bool may_come_yet(int why)
{
    return why == ENOENT || why == ECONNREFUSED || why == EAGAIN || why == EINTR;
}

int pawl_control_connect(struct pawl_control_client *k, const struct pawl_alloc *from, const char *path,
                         int64_t wait_ns, struct pawl_error *err)
{
    assert(k->fd_plus_1 == 0);
    const int64_t until_ns = after(wait_ns);
    for (;;) {
        int why;
        const int fd = try_once(path, &why, err);
        if (fd >= 0) {
            *k = (struct pawl_control_client){.fd_plus_1 = fd + 1};
            pawl_buf_init(&k->in, from);
            return PAWL_OK;
        }
        if (!may_come_yet(why)) return fd;
        const int left = left_ms(until_ns);
        if (left == 0) return pawl_fail(err, PAWL_ENOTFOUND, path, "", "expected an owner to answer, nobody does");
        poll(NULL, 0, left < 10 ? left : 10);
    }
}

void pawl_control_disconnect(struct pawl_control_client *k)
{
    if (!k || k->fd_plus_1 == 0) return;
    close(k->fd_plus_1 - 1);
    pawl_buf_fini(&k->in);
    *k = (struct pawl_control_client){0};
}

int pawl_control_fd(const struct pawl_control_client *k)
{
    return k->fd_plus_1 - 1;
}

static int send_all(struct pawl_control_client *k, const char *p, size_t n, int64_t until_ns, struct pawl_error *err)
{
    while (n > 0) {
        const ssize_t sent = send(pawl_control_fd(k), p, n, MSG_NOSIGNAL);
        if (sent >= 0) {
            p += sent;
            n -= (size_t)sent;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = pawl_control_fd(k), .events = POLLOUT};
            const int left = left_ms(until_ns);
            if (left == 0) return pawl_fail(err, PAWL_ETIMEDOUT, "owner", "", "the owner does not take the request");
            poll(&ready, 1, left);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return pawl_fail(err, PAWL_EIO, "owner", "", "the owner has closed the connection");
        } else if (errno != EINTR) {
            return pawl_io_fail(err, errno, "owner", "send the request");
        }
    }
    return PAWL_OK;
}

int pawl_control_say(struct pawl_control_client *k, struct pawl_str line, int64_t timeout_ns, struct pawl_error *err)
{
    assert(k->fd_plus_1 > 0 && !memchr(line.p ? line.p : "", '\n', line.n));
    if (line.n > PAWL_CONTROL_LINE_MAX)
        return pawl_fail(err, PAWL_ELIMIT, "owner", "", "expected a request of at most %d bytes, found %u",
                         PAWL_CONTROL_LINE_MAX, line.n);
    const int64_t until_ns = after(timeout_ns);
    const int code = send_all(k, line.p, line.n, until_ns, err);
    return code ? code : send_all(k, "\n", 1, until_ns, err);
}

/* The line that is at the front of what was read, if it is whole. */
static bool take_line(struct pawl_control_client *k, size_t *scanned, struct pawl_str *line)
{
    const char *end = k->in.n > *scanned ? memchr(k->in.p + *scanned, '\n', k->in.n - *scanned) : NULL;
    *scanned = k->in.n;
    if (!end) return false;
    *line = (struct pawl_str){k->in.p, (uint32_t)(end - k->in.p)};
    k->read_to = line->n + 1;
    return true;
}

static void drop_taken(struct pawl_control_client *k)
{
    if (k->read_to == 0) return;
    memmove(k->in.p, k->in.p + k->read_to, k->in.n - k->read_to);
    k->in.n -= k->read_to;
    k->read_to = 0;
}

int pawl_control_hear(struct pawl_control_client *k, int64_t timeout_ns, struct pawl_str *line, struct pawl_error *err)
{
    assert(k->fd_plus_1 > 0);
    const int64_t until_ns = after(timeout_ns);
    size_t scanned = 0;
    drop_taken(k);
    while (!take_line(k, &scanned, line)) {
        char piece[65536];
        if (k->in.n > PAWL_CONTROL_LINE_MAX)
            return pawl_fail(err, PAWL_ELIMIT, "owner", "", "expected a line of at most %d bytes, found more",
                             PAWL_CONTROL_LINE_MAX);
        const ssize_t n = recv(pawl_control_fd(k), piece, sizeof piece, 0);
        if (n > 0) {
            pawl_buf_add(&k->in, piece, (size_t)n);
            if (k->in.failed) return pawl_fail(err, PAWL_ENOMEM, "owner", "", "no memory for its answer");
        } else if (n == 0 || errno == ECONNRESET) {
            return pawl_fail(err, PAWL_EIO, "owner", "", "the owner has closed the connection");
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = pawl_control_fd(k), .events = POLLIN};
            const int left = left_ms(until_ns);
            if (left == 0) return pawl_fail(err, PAWL_ETIMEDOUT, "owner", "", "no line from the owner within the time");
            if (poll(&ready, 1, left) < 0 && errno == EINTR)
                return pawl_fail(err, PAWL_EPENDING, "owner", "", "a signal came before the owner's line");
        } else if (errno != EINTR) {
            return pawl_io_fail(err, errno, "owner", "read its answer");
        }
    }
    return PAWL_OK;
}
