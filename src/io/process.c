/* src/io/process.c - a child under way on the loop.
 *
 *   RUNNING -> ENDING   its time is over, its output too large, stop, cancel          [end, end_hard]
 *   RUNNING, ENDING -> ENDED   it has exited: the group is killed while the zombie still holds its number, what is in
 *                       the pipes is read, it is reaped                               [look]
 *   ENDED -> done       its lock is free, or was not within LINGER                    [settle]
 *   ENDING -> done      SIGKILL did not end it within GIVE_UP (a dead disk): it is left to the system
 *
 * done: the callback, then all handles are closed, then the memory goes back. */
#include "io/process.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/wait.h>
#include "io/clock.h"
#include "io/fail.h"
#include "io/process_spawn.h"
#include "io/sigpipe.h"

enum { ERR_TAIL = 4096, INPUT_MAX = 16 * 1024 * 1024, DRAIN_MAX = 1024 * 1024 };
#define MS INT64_C(1000000)
#define GIVE_UP_NS (10000 * MS)
#define LINGER_NS (500 * MS)
#define LINGER_LOOK_NS (2 * MS)

enum state { RUNNING, ENDING, ENDED, DONE };

struct stream {
    uv_poll_t poll;
    int fd;             /* -1: closed */
    bool open, closing; /* its uv_poll_t */
};

struct pawl_process {
    const struct pawl_alloc *from;
    uv_loop_t *loop;
    struct stream in, out, err, pid;
    uv_signal_t child_signal;
    uv_timer_t timer;
    uint32_t handles;
    pid_t id;
    enum state state;
    enum pawl_process_end end; /* EXITED while nobody has ended it */
    bool by_signal, cancelled, reaped, lingers, killed;
    bool taken; /* somebody else has waited for it: how it ended cannot be known */
    int status; /* as waitpid gave it */
    int64_t began_ns, grace_ns, due_ns, linger_until_ns;
    struct pawl_buf input, out_text;
    size_t input_at, out_bytes, out_bytes_max;
    bool keep_input, no_memory;
    char err_text[2 * ERR_TAIL];
    size_t err_bytes;
    char *lock_path;
    uint32_t *alive;
    void (*on_out)(void *ctx, struct pawl_str piece);
    void (*on_done)(void *ctx, const struct pawl_process_result *result);
    void *ctx;
};

/* The end of the object */

static void free_process(struct pawl_process *p)
{
    const struct pawl_alloc *from = p->from;
    if (p->alive) --*p->alive;
    pawl_buf_fini(&p->input);
    pawl_buf_fini(&p->out_text);
    if (p->lock_path) from->resize(from->ctx, p->lock_path, strlen(p->lock_path) + 1, 0);
    from->resize(from->ctx, p, sizeof *p, 0);
}

static void on_closed(uv_handle_t *h)
{
    struct pawl_process *p = h->data;
    assert(p->handles > 0);
    if (--p->handles == 0) free_process(p);
}

static void close_stream(struct stream *s)
{
    if (s->open) uv_close((uv_handle_t *)&s->poll, on_closed); /* before its descriptor, which may be used anew */
    s->open = false;
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

static void close_handles(struct pawl_process *p)
{
    close_stream(&p->in);
    close_stream(&p->out);
    close_stream(&p->err);
    close_stream(&p->pid);
    if (p->by_signal) uv_close((uv_handle_t *)&p->child_signal, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}

static int32_t shown_status(const struct pawl_process *p)
{
    if (p->taken) return 0;
    if (!p->reaped) return 128 + SIGKILL;
    if (WIFEXITED(p->status)) return WEXITSTATUS(p->status);
    return p->end == PAWL_PROCESS_EXITED ? WTERMSIG(p->status) : 128 + WTERMSIG(p->status);
}

static void done(struct pawl_process *p)
{
    assert(p->state != DONE);
    p->state = DONE;
    if (!p->cancelled) {
        struct pawl_process_result r = {.end = p->end, .status = shown_status(p), .lingers = p->lingers};
        if (p->end == PAWL_PROCESS_EXITED && (p->taken || !WIFEXITED(p->status))) r.end = PAWL_PROCESS_SIGNALLED;
        const size_t tail = p->err_bytes < ERR_TAIL ? p->err_bytes : ERR_TAIL;
        r.out = (struct pawl_str){p->out_text.n ? p->out_text.p : "", (uint32_t)p->out_text.n};
        r.err_tail = (struct pawl_str){p->err_text + (p->err_bytes - tail), (uint32_t)tail};
        r.took_ns = pawl_clock_mono_ns() - p->began_ns;
        p->on_done(p->ctx, &r);
    }
    close_handles(p);
}

/* Time, signals */

static void on_time(uv_timer_t *timer);

static void arm(struct pawl_process *p, int64_t due_ns)
{
    const int64_t left = due_ns - pawl_clock_mono_ns();
    p->due_ns = due_ns;
    uv_update_time(p->loop);
    uv_timer_start(&p->timer, on_time, left > 0 ? (uint64_t)left / 1000000 + 1 : 0, 0);
}

static void kill_group(struct pawl_process *p, int signal)
{
    assert(!p->reaped && p->id > 1);
    kill(-p->id, signal);
}

/* Ends it for a reason, the first of which counts. */
static void end(struct pawl_process *p, enum pawl_process_end why, bool hard)
{
    if (p->state >= ENDED) return;
    if (p->state == RUNNING) p->end = why;
    if (p->killed || (p->state == ENDING && !hard)) return;
    p->state = ENDING;
    p->killed = hard;
    kill_group(p, hard ? SIGKILL : SIGTERM);
    arm(p, pawl_clock_mono_ns() + (hard ? GIVE_UP_NS : p->grace_ns));
}

/* Output */

static void keep_err(struct pawl_process *p, const char *text, size_t n)
{
    if (n > ERR_TAIL) {
        text += n - ERR_TAIL;
        n = ERR_TAIL;
    }
    if (p->err_bytes + n > sizeof p->err_text) {
        memmove(p->err_text, p->err_text + p->err_bytes - ERR_TAIL, ERR_TAIL);
        p->err_bytes = ERR_TAIL;
    }
    memcpy(p->err_text + p->err_bytes, text, n);
    p->err_bytes += n;
}

static void keep_out(struct pawl_process *p, const char *text, size_t n)
{
    const size_t room = p->out_bytes_max - p->out_bytes;
    const size_t taken = n < room ? n : room;
    p->out_bytes += taken;
    if (p->on_out) {
        if (taken > 0 && !p->cancelled) p->on_out(p->ctx, (struct pawl_str){text, (uint32_t)taken});
    } else {
        pawl_buf_add(&p->out_text, text, taken);
    }
    /* Without memory for its output there is no more of it than there is: the same as a bound of that size. */
    if (taken == n && !p->out_text.failed) return;
    if (p->state == ENDED && p->end == PAWL_PROCESS_EXITED) p->end = PAWL_PROCESS_TOO_LARGE;
    end(p, PAWL_PROCESS_TOO_LARGE, true);
}

/* Reads what is there. False: the stream is at its end. */
static bool pump(struct pawl_process *p, struct stream *s, size_t most)
{
    for (size_t total = 0; total < most && s->fd >= 0;) {
        char piece[65536];
        const ssize_t n = read(s->fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return true;
        if (n <= 0) return false;
        total += (size_t)n;
        if (s == &p->err) keep_err(p, piece, (size_t)n);
        else keep_out(p, piece, (size_t)n);
    }
    return true;
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    struct pawl_process *p = poll->data;
    struct stream *s = poll == &p->out.poll ? &p->out : &p->err;
    (void)status, (void)events;
    /* Some of it, then the loop's other work. */
    if (s->fd >= 0 && !pump(p, s, 256 * 1024)) close_stream(s);
}

/* Input */

static void on_input(uv_poll_t *poll, int status, int events);

static int send_input(struct pawl_process *p)
{
    struct pawl_sigpipe sigpipe;
    int failed = 0;
    pawl_sigpipe_hold(&sigpipe);
    while (p->input_at < p->input.n && !failed) {
        const ssize_t n = write(p->in.fd, p->input.p + p->input_at, p->input.n - p->input_at);
        if (n >= 0) p->input_at += (size_t)n;
        else if (errno != EINTR) failed = errno;
    }
    pawl_sigpipe_release(&sigpipe);
    return failed;
}

static void drop_input(struct pawl_process *p)
{
    pawl_buf_fini(&p->input);
    pawl_buf_init(&p->input, p->from);
    p->input_at = 0;
}

static void push(struct pawl_process *p)
{
    if (p->in.fd < 0) return;
    const int failed = send_input(p);
    if (failed == EAGAIN) {
        uv_poll_start(&p->in.poll, UV_WRITABLE, on_input);
        return;
    }
    uv_poll_stop(&p->in.poll);
    drop_input(p);
    if (failed || !p->keep_input) close_stream(&p->in); /* not read to its end: its own business */
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    push(poll->data);
}

int pawl_process_write(struct pawl_process *p, struct pawl_str bytes)
{
    if (p->in.fd < 0 || !p->keep_input || p->state == DONE) return PAWL_EIO;
    if (p->input.n - p->input_at + bytes.n > INPUT_MAX) return PAWL_EFULL;
    if (p->input_at > 0) {
        memmove(p->input.p, p->input.p + p->input_at, p->input.n - p->input_at);
        p->input.n -= p->input_at;
        p->input_at = 0;
    }
    const size_t before = p->input.n;
    pawl_buf_add(&p->input, bytes.p, bytes.n);
    if (p->input.failed) {
        p->input.failed = false;
        p->input.n = before;
        return PAWL_ENOMEM;
    }
    push(p);
    return p->in.fd < 0 ? PAWL_EIO : PAWL_OK;
}

void pawl_process_close_input(struct pawl_process *p)
{
    p->keep_input = false;
    if (p->state != DONE) push(p);
}

/* Its end */

static bool lock_is_free(const struct pawl_process *p)
{
    const int fd = open(p->lock_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return true;
    const bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (is_free) unlink(p->lock_path);
    close(fd);
    return is_free;
}

/* The group was sent SIGKILL, which takes its time; so does what has left the group, if it ends at all. */
static void settle(struct pawl_process *p)
{
    const int64_t now_ns = pawl_clock_mono_ns();
    p->lingers = p->lock_path && !lock_is_free(p);
    if (p->lingers && now_ns < p->linger_until_ns) arm(p, now_ns + LINGER_LOOK_NS);
    else done(p);
}

static bool has_ended(struct pawl_process *p)
{
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)p->id, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        if (errno == EINTR) continue;
        /* A program that embeds us waits for any child, or ignores SIGCHLD. */
        p->taken = p->reaped = true;
        return true;
    }
    return info.si_pid == p->id;
}

/* Has it ended? Then all that follows is done. */
static bool look(struct pawl_process *p)
{
    if (p->state >= ENDED) return true;
    if (!has_ended(p)) return false;
    if (!p->reaped) kill_group(p, SIGKILL);
    p->state = ENDED;
    close_stream(&p->pid);
    if (p->out.fd >= 0) pump(p, &p->out, p->out_bytes_max + DRAIN_MAX);
    if (p->err.fd >= 0) pump(p, &p->err, DRAIN_MAX);
    while (!p->reaped && waitpid(p->id, &p->status, 0) < 0 && errno == EINTR) continue;
    p->reaped = true;
    p->linger_until_ns = pawl_clock_mono_ns() + LINGER_NS;
    settle(p);
    return true;
}

static void on_exit_seen(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    look(poll->data);
}

static void on_child_signal(uv_signal_t *s, int number)
{
    (void)number;
    struct pawl_process *p = s->data;
    if (p->state < ENDED) look(p);
}

static void on_time(uv_timer_t *timer)
{
    struct pawl_process *p = timer->data;
    if (p->state == DONE) return;
    if (p->state == ENDED) {
        settle(p);
        return;
    }
    /* After a loop that was held up its end may be there, unseen. */
    if (look(p)) return;
    if (pawl_clock_mono_ns() < p->due_ns) {
        arm(p, p->due_ns);
    } else if (p->killed) {
        p->lingers = true;
        done(p);
    } else {
        end(p, PAWL_PROCESS_TIMED_OUT, p->state == ENDING || p->grace_ns == 0);
    }
}

void pawl_process_stop(struct pawl_process *p)
{
    end(p, PAWL_PROCESS_STOPPED, p->grace_ns == 0);
}

void pawl_process_cancel(struct pawl_process *p)
{
    p->cancelled = true;
    p->keep_input = false;
    if (p->state == DONE) return;
    drop_input(p);
    end(p, PAWL_PROCESS_STOPPED, true);
}

int64_t pawl_process_id(const struct pawl_process *p)
{
    return p->id;
}

/* Its beginning */

static void open_stream(struct pawl_process *p, struct stream *s, int fd, uv_poll_cb on_ready, int events)
{
    s->fd = fd;
    s->poll.data = p;
    /* A pipe or a pidfd, just made: it can be polled, and nobody polls it yet. */
    const int failed = uv_poll_init(p->loop, &s->poll, fd);
    assert(!failed);
    (void)failed;
    s->open = true;
    p->handles++;
    if (events) uv_poll_start(&s->poll, events, on_ready);
}

static int prepare(struct pawl_process *p, const struct pawl_process_spec *spec)
{
    pawl_buf_init(&p->input, p->from);
    pawl_buf_init(&p->out_text, p->from);
    pawl_buf_add(&p->input, spec->input.p, spec->input.n);
    if (p->input.failed) return PAWL_ENOMEM;
    if (!spec->lock_path) return PAWL_OK;
    const size_t size = strlen(spec->lock_path) + 1;
    p->lock_path = p->from->resize(p->from->ctx, NULL, 0, size);
    if (!p->lock_path) return PAWL_ENOMEM;
    memcpy(p->lock_path, spec->lock_path, size);
    return PAWL_OK;
}

static void watch(struct pawl_process *p, const struct pawl_spawned *s, int64_t timeout_ns)
{
    open_stream(p, &p->in, s->in, on_input, 0);
    open_stream(p, &p->out, s->out, on_output, UV_READABLE);
    open_stream(p, &p->err, s->err, on_output, UV_READABLE);
    uv_timer_init(p->loop, &p->timer);
    p->timer.data = p;
    p->handles++;
    arm(p, p->began_ns + timeout_ns);
    p->by_signal = s->pidfd < 0;
    if (p->by_signal) {
        uv_signal_init(p->loop, &p->child_signal);
        p->child_signal.data = p;
        p->handles++;
        uv_signal_start(&p->child_signal, on_child_signal, SIGCHLD);
        /* It may have ended before we listened: the timer's first look is now. */
        uv_timer_start(&p->timer, on_time, 0, 0);
    } else {
        open_stream(p, &p->pid, s->pidfd, on_exit_seen, UV_READABLE);
    }
}

int pawl_process_start(const struct pawl_alloc *from, uv_loop_t *loop, const struct pawl_process_spec *spec,
                       struct pawl_process **out, struct pawl_error *err)
{
    assert(spec->timeout_ns > 0 && spec->grace_ns >= 0);
    assert(spec->out_bytes_max > 0 && spec->out_bytes_max <= UINT32_MAX);
    assert(spec->on_done);
    *out = NULL;
    struct pawl_process *p = from->resize(from->ctx, NULL, 0, sizeof *p);
    if (!p) return pawl_fail(err, PAWL_ENOMEM, spec->argv[0], "", "no memory for a process");
    memset(p, 0, sizeof *p);
    p->from = from, p->loop = loop;
    p->in.fd = p->out.fd = p->err.fd = p->pid.fd = -1;
    p->grace_ns = spec->grace_ns;
    p->out_bytes_max = spec->out_bytes_max;
    p->keep_input = spec->keep_input;
    p->alive = spec->alive;
    if (p->alive) ++*p->alive;
    p->on_out = spec->on_out, p->on_done = spec->on_done, p->ctx = spec->ctx;
    p->began_ns = pawl_clock_mono_ns();
    struct pawl_spawned s;
    int code = prepare(p, spec);
    if (code) pawl_fail(err, code, spec->argv[0], "", "no memory for its input");
    else code = pawl_process_spawn(from, spec, &s, err);
    if (code) {
        free_process(p);
        return code;
    }
    p->id = s.pid;
    watch(p, &s, spec->timeout_ns);
    push(p);
    *out = p;
    return PAWL_OK;
}
