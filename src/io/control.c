/* src/io/control.c - the owner's side. Nothing here waits for a client: reads and writes are what the socket has or
 * takes at once, the rest is kept, within bounds, until it is ready.
 *
 * A client that is to go is only marked; the tick closes it and calls on_gone, so that no hook is called from within
 * the caller's own call. Ids count up, so an id of one that has gone finds nobody. */
#include "io/control.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "io/clock.h"
#include "io/control_path.h"
#include "io/fail.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE instead */
#endif

enum { READ_AT_ONCE = 256 * 1024, ACCEPT_AT_ONCE = 16, KEPT_BYTES = 64 * 1024, BACKLOG = 64 };
#define MS INT64_C(1000000)
#define LEAVE_NS (5000 * MS) /* how long one that is dropped may take to read its last lines */

struct control_client {
    uv_poll_t poll;
    struct pawl_control *server;
    uint64_t id;
    int fd;
    struct pawl_buf in, out;
    size_t scanned; /* of in: no newline before */
    size_t out_at;
    bool leaving; /* nothing is read any more; goes when out is empty, */
    bool gone;    /* or now */
    int64_t leave_by_ns;
};

struct pawl_control {
    const struct pawl_alloc *from;
    uv_loop_t *loop;
    struct pawl_control_hooks hooks;
    char *refusal; /* hooks.refusal's copy, with its newline */
    struct pawl_control_path path;
    char *path_text;
    uv_poll_t listener;
    uv_timer_t tick;
    int fd;
    bool accepting, closing, ticking;
    struct control_client *clients[PAWL_CONTROL_CLIENTS_MAX];
    uint32_t count;
    uint64_t ids;
    uint32_t handles;
};

static void on_tick(uv_timer_t *timer);

static void tick_in(struct pawl_control *c, uint64_t ms)
{
    if (uv_is_active((uv_handle_t *)&c->tick) && ms > 0) return; /* the sooner one arms again */
    uv_timer_start(&c->tick, on_tick, ms, 0);
}

static void free_text(const struct pawl_alloc *from, char *text)
{
    if (text) from->resize(from->ctx, text, strlen(text) + 1, 0);
}

static void handle_closed(struct pawl_control *c)
{
    const struct pawl_alloc *from = c->from;
    assert(c->handles > 0);
    if (--c->handles > 0 || !c->closing) return;
    free_text(from, c->refusal);
    free_text(from, c->path_text);
    from->resize(from->ctx, c, sizeof *c, 0);
}

static void on_closed(uv_handle_t *h)
{
    handle_closed(h->data);
}

static void on_client_closed(uv_handle_t *h)
{
    struct control_client *k = h->data;
    struct pawl_control *c = k->server;
    pawl_buf_fini(&k->in);
    pawl_buf_fini(&k->out);
    c->from->resize(c->from->ctx, k, sizeof *k, 0);
    handle_closed(c);
}

/* Clients leave */

static void shut(struct pawl_control *c, uint32_t i)
{
    struct control_client *k = c->clients[i];
    c->clients[i] = c->clients[--c->count];
    uv_close((uv_handle_t *)&k->poll, on_client_closed);
    close(k->fd);
}

static void mark_gone(struct control_client *k)
{
    k->gone = true;
    tick_in(k->server, 0);
}

static void listen_again(struct pawl_control *c);

static void on_tick(uv_timer_t *timer)
{
    struct pawl_control *c = timer->data;
    const int64_t now_ns = pawl_clock_mono_ns();
    bool some_leave = false;
    for (uint32_t i = 0; i < c->count && !c->closing;) {
        struct control_client *k = c->clients[i];
        if (k->gone || (k->leaving && now_ns >= k->leave_by_ns)) {
            const uint64_t id = k->id;
            shut(c, i);
            if (c->hooks.on_gone) c->hooks.on_gone(c->hooks.ctx, id);
            i = 0; /* whatever the hook did */
        } else {
            some_leave = some_leave || k->leaving;
            i++;
        }
    }
    if (c->closing) return;
    if (!c->accepting) listen_again(c);
    if (some_leave) tick_in(c, 1000);
}

/* What is sent */

static void on_client(uv_poll_t *poll, int status, int events);

static void want(struct control_client *k)
{
    const int events = (k->leaving ? 0 : UV_READABLE) | (k->out.n > k->out_at ? UV_WRITABLE : 0);
    if (events && !k->gone) uv_poll_start(&k->poll, events, on_client);
    else uv_poll_stop(&k->poll);
}

/* How much of it the socket took; one that cannot be written to has gone. */
static size_t write_now(struct control_client *k, const char *p, size_t n)
{
    size_t sent = 0;
    while (sent < n) {
        const ssize_t got = send(k->fd, p + sent, n - sent, MSG_NOSIGNAL);
        if (got >= 0) {
            sent += (size_t)got;
        } else if (errno != EINTR) {
            if (errno != EAGAIN) mark_gone(k);
            break;
        }
    }
    return sent;
}

static void release(struct pawl_buf *b, const struct pawl_alloc *from)
{
    if (b->size <= KEPT_BYTES) {
        b->n = 0;
        return;
    }
    pawl_buf_fini(b);
    pawl_buf_init(b, from);
}

static void flush(struct control_client *k)
{
    k->out_at += write_now(k, k->out.p + k->out_at, k->out.n - k->out_at);
    if (k->out_at < k->out.n) return;
    release(&k->out, k->server->from);
    k->out_at = 0;
    if (k->leaving) mark_gone(k);
}

/* Line and newline in one call, as far as the socket takes them. */
static size_t write_line_now(struct control_client *k, struct pawl_str line)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)line.p, line.n}, {(void *)(uintptr_t) "\n", 1}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n;
    do n = sendmsg(k->fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) mark_gone(k);
    return n < 0 ? 0 : (size_t)n;
}

static void queue(struct control_client *k, struct pawl_str line, size_t from)
{
    if (from > line.n) return;
    if (k->out_at > 0) {
        memmove(k->out.p, k->out.p + k->out_at, k->out.n - k->out_at);
        k->out.n -= k->out_at;
        k->out_at = 0;
    }
    if (from < line.n) pawl_buf_add(&k->out, line.p + from, line.n - from);
    pawl_buf_char(&k->out, '\n');
}

static int send_line(struct control_client *k, struct pawl_str line)
{
    const size_t waiting = k->out.n - k->out_at;
    if (waiting > 0 && waiting + line.n + 1 > PAWL_CONTROL_LINE_MAX) {
        mark_gone(k);
        return PAWL_EFULL;
    }
    queue(k, line, waiting == 0 ? write_line_now(k, line) : 0);
    if (k->out.failed) {
        mark_gone(k);
        return PAWL_ENOMEM;
    }
    want(k);
    return k->gone ? PAWL_ENOTFOUND : PAWL_OK;
}

static struct control_client *find(struct pawl_control *c, uint64_t id)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->clients[i]->id == id && !c->clients[i]->gone && !c->clients[i]->leaving) return c->clients[i];
    return NULL;
}

int pawl_control_send(struct pawl_control *c, uint64_t client, struct pawl_str line)
{
    assert(!memchr(line.p ? line.p : "", '\n', line.n));
    if (line.n > PAWL_CONTROL_LINE_MAX) return PAWL_ELIMIT;
    struct control_client *k = find(c, client);
    return k ? send_line(k, line) : PAWL_ENOTFOUND;
}

static void leave(struct control_client *k)
{
    k->leaving = true;
    k->leave_by_ns = pawl_clock_mono_ns() + LEAVE_NS;
    tick_in(k->server, 1000);
    flush(k);
    want(k);
}

void pawl_control_drop(struct pawl_control *c, uint64_t client)
{
    struct control_client *k = find(c, client);
    if (k) leave(k);
}

uint32_t pawl_control_clients(const struct pawl_control *c)
{
    return c->count;
}

/* What is read */

static void refuse(struct control_client *k)
{
    struct pawl_control *c = k->server;
    if (c->refusal) send_line(k, (struct pawl_str){c->refusal, (uint32_t)strlen(c->refusal)});
    leave(k);
}

/* Hands out the whole lines of k->in. */
static void hand_out(struct control_client *k)
{
    struct pawl_control *c = k->server;
    size_t begun = 0;
    while (!k->gone && !k->leaving && !c->closing) {
        const char *p = k->in.p;
        const char *end = k->scanned < k->in.n ? memchr(p + k->scanned, '\n', k->in.n - k->scanned) : NULL;
        if (!end) break;
        const struct pawl_str line = {p + begun, (uint32_t)(end - (p + begun))};
        begun = k->scanned = (size_t)(end - p) + 1;
        if (line.n > 0) c->hooks.on_message(c->hooks.ctx, k->id, line);
    }
    if (c->closing) return;
    if (begun == k->in.n) {
        release(&k->in, c->from);
    } else if (begun > 0) {
        memmove(k->in.p, k->in.p + begun, k->in.n - begun);
        k->in.n -= begun;
    }
    k->scanned = k->in.n;
    if (k->in.n > PAWL_CONTROL_LINE_MAX && !k->gone && !k->leaving) refuse(k);
}

static void hear(struct control_client *k)
{
    struct pawl_control *c = k->server;
    for (size_t total = 0; total < READ_AT_ONCE && !k->gone && !k->leaving && !c->closing;) {
        char piece[65536];
        const ssize_t n = recv(k->fd, piece, sizeof piece, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            mark_gone(k);
            break;
        }
        total += (size_t)n;
        pawl_buf_add(&k->in, piece, (size_t)n);
        if (k->in.failed) mark_gone(k);
        else hand_out(k);
    }
}

static void on_client(uv_poll_t *poll, int status, int events)
{
    struct control_client *k = poll->data;
    struct pawl_control *c = k->server;
    if (k->gone) return;
    if (events & UV_WRITABLE) flush(k);
    if ((events & UV_READABLE) || status < 0) hear(k);
    if (c->closing) return; /* and k is being closed */
    if (status < 0 && !k->gone) mark_gone(k);
    want(k);
}

/* Clients come */

static void turn_away(struct pawl_control *c, int fd)
{
    if (c->refusal) {
        send(fd, c->refusal, strlen(c->refusal), MSG_NOSIGNAL);
        send(fd, "\n", 1, MSG_NOSIGNAL);
    }
    close(fd);
}

static void welcome(struct pawl_control *c, int fd)
{
    struct control_client *k = NULL;
    if (c->count < PAWL_CONTROL_CLIENTS_MAX) k = c->from->resize(c->from->ctx, NULL, 0, sizeof *k);
    if (!k) {
        turn_away(c, fd);
        return;
    }
    *k = (struct control_client){.server = c, .fd = fd, .id = ++c->ids};
    k->poll.data = k;
    if (uv_poll_init(c->loop, &k->poll, fd)) {
        c->from->resize(c->from->ctx, k, sizeof *k, 0);
        turn_away(c, fd);
        return;
    }
    pawl_buf_init(&k->in, c->from);
    pawl_buf_init(&k->out, c->from);
    c->handles++;
    c->clients[c->count++] = k;
    want(k);
    if (c->hooks.on_client) c->hooks.on_client(c->hooks.ctx, k->id);
}

static int take_one(int listener)
{
#ifdef __linux__
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
    const int fd = accept(listener, NULL, NULL);
    const int on = 1;
    if (fd < 0) return fd;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    return fd;
#endif
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct pawl_control *c = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE && !c->closing; i++) {
        const int fd = take_one(c->fd);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0) {
            if (errno == EAGAIN) return;
            /* No descriptors left: the knocking would go on and on. Look again when there may be some. */
            c->accepting = false;
            uv_poll_stop(&c->listener);
            tick_in(c, 100);
            return;
        }
        if (pawl_control_peer_is_us(fd)) welcome(c, fd);
        else close(fd);
    }
}

static void listen_again(struct pawl_control *c)
{
    c->accepting = uv_poll_start(&c->listener, UV_READABLE, on_knock) == 0;
}

/* The server comes and goes */

static char *copy(const struct pawl_alloc *from, struct pawl_str s)
{
    assert(!s.n || !memchr(s.p, 0, s.n));
    char *text = from->resize(from->ctx, NULL, 0, s.n + 1);
    if (!text) return NULL;
    if (s.n) memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return text;
}

static int bind_and_listen(struct pawl_control *c, struct pawl_error *err)
{
    const int code = pawl_control_path_open(&c->path, c->path_text, err);
    if (code) return code;
    c->fd = pawl_control_socket();
    if (c->fd < 0) return pawl_io_fail(err, errno, c->path_text, "make the control socket");
    /* On Linux the name gets the mode that the socket has, so at no time may another user open it. */
    fchmod(c->fd, 0600);
    struct stat there;
    if (fstatat(c->path.folder, c->path.name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return pawl_fail(err, PAWL_ECONFLICT, c->path_text, "move it away",
                             "expected the control socket of a former owner or nothing, found another file");
        if (unlinkat(c->path.folder, c->path.name, 0))
            return pawl_io_fail(err, errno, c->path_text, "remove the control socket of a former owner");
    }
    if (bind(c->fd, (const struct sockaddr *)&c->path.address, c->path.bytes))
        return pawl_io_fail(err, errno, c->path_text, "bind the control socket");
    if (fchmodat(c->path.folder, c->path.name, 0600, 0) == 0 && listen(c->fd, BACKLOG) == 0) return PAWL_OK;
    const int failed = errno;
    unlinkat(c->path.folder, c->path.name, 0);
    return pawl_io_fail(err, failed, c->path_text, "listen on the control socket");
}

int pawl_control_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *path,
                      const struct pawl_control_hooks *hooks, struct pawl_control **out, struct pawl_error *err)
{
    assert(hooks->on_message);
    *out = NULL;
    struct pawl_control *c = from->resize(from->ctx, NULL, 0, sizeof *c);
    if (!c) return pawl_fail(err, PAWL_ENOMEM, path, "", "no memory for the control socket");
    memset(c, 0, sizeof *c);
    c->from = from, c->loop = loop, c->hooks = *hooks, c->fd = c->path.folder = -1;
    c->path_text = copy(from, pawl_str_of(path));
    if (hooks->refusal.p) c->refusal = copy(from, hooks->refusal);
    int code = PAWL_OK;
    if (!c->path_text || (hooks->refusal.p && !c->refusal))
        code = pawl_fail(err, PAWL_ENOMEM, path, "", "no memory for the control socket");
    if (!code) code = bind_and_listen(c, err);
    if (!code && uv_poll_init(loop, &c->listener, c->fd))
        code = pawl_fail(err, PAWL_EIO, path, "", "the loop does not take the control socket");
    if (code) {
        if (c->fd >= 0) close(c->fd);
        pawl_control_path_close(&c->path);
        free_text(from, c->refusal);
        free_text(from, c->path_text);
        from->resize(from->ctx, c, sizeof *c, 0);
        return code;
    }
    uv_timer_init(loop, &c->tick);
    c->handles = 2;
    c->listener.data = c->tick.data = c;
    listen_again(c);
    *out = c;
    return PAWL_OK;
}

void pawl_control_close(struct pawl_control *c)
{
    if (!c) return;
    assert(!c->closing);
    c->closing = true;
    unlinkat(c->path.folder, c->path.name, 0);
    pawl_control_path_close(&c->path);
    while (c->count > 0) {
        struct control_client *k = c->clients[0];
        if (!k->gone && k->out.n > k->out_at) write_now(k, k->out.p + k->out_at, k->out.n - k->out_at);
        shut(c, 0);
    }
    uv_close((uv_handle_t *)&c->listener, on_closed);
    uv_close((uv_handle_t *)&c->tick, on_closed);
    close(c->fd);
}
