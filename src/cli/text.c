/* src/cli/text.c - what reaches the terminal: colours, columns, durations and times. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include "cli/cli.h"
#include "contract/shown.h"

void cli_terminal(struct cli *c)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM"), *columns = getenv("COLUMNS");
    struct winsize size;
    setlocale(LC_CTYPE, "C.UTF-8");
    c->terminal = isatty(STDOUT_FILENO) != 0;
    c->person = c->terminal && isatty(STDIN_FILENO) != 0;
    c->colour = c->terminal && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
    if (!c->terminal) return;
    c->width = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) c->width = size.ws_col;
    else if (columns && atoi(columns) > 0) c->width = (uint32_t)atoi(columns);
    if (c->width < 20) c->width = 20;
}

bool cli_flush(struct cli *c)
{
    size_t at = 0;
    while (at < c->out.n && !c->closed) {
        const ssize_t n = write(STDOUT_FILENO, c->out.p + at, c->out.n - at);
        struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (n > 0) at += (size_t)n;
        else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && errno == EAGAIN) poll(&ready, 1, -1); /* somebody made it non-blocking */
        else c->closed = true, c->closed_errno = n < 0 ? errno : EPIPE;
    }
    c->out.n = 0;
    return !c->closed;
}

const char *cli_user(void)
{
    static char name[64];
    const struct passwd *who = name[0] ? NULL : getpwuid(geteuid());
    if (who) snprintf(name, sizeof name, "%s", who->pw_name);
    else if (!name[0]) snprintf(name, sizeof name, "uid %ld", (long)geteuid());
    return name;
}

static const char *const codes[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"};

void cli_colour(struct cli *c, enum cli_colour colour)
{
    if (c->colour) pawl_buf_text(&c->out, colour ? codes[colour] : "\x1b[0m");
}

static void colour_on(struct cli *c, enum cli_colour colour)
{
    if (colour) cli_colour(c, colour);
}

static void colour_off(struct cli *c, enum cli_colour colour)
{
    if (colour) cli_colour(c, CLI_PLAIN);
}

void cli_text(struct cli *c, enum cli_colour colour, const char *text)
{
    colour_on(c, colour);
    pawl_buf_text(&c->out, text);
    colour_off(c, colour);
}

void cli_shown(struct cli *c, enum cli_colour colour, struct pawl_str text, size_t max_bytes)
{
    colour_on(c, colour);
    pawl_shown(text, max_bytes, &c->out);
    colour_off(c, colour);
}

void cli_lines(struct cli *c, struct pawl_str text)
{
    for (uint32_t at = 0; at < text.n;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        const uint32_t n = end ? (uint32_t)(end - (text.p + at)) : text.n - at;
        uint32_t blanks = 0;
        while (blanks < n && text.p[at + blanks] == ' ') pawl_buf_char(&c->out, text.p[at + blanks++]);
        pawl_shown((struct pawl_str){text.p + at + blanks, n - blanks}, SIZE_MAX, &c->out);
        pawl_buf_char(&c->out, '\n');
        at += n + 1;
    }
}

void cli_printf(struct cli *c, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    pawl_buf_text(&c->out, text);
}

static uint32_t width_of(int32_t code)
{
    const int w = code < 0 ? 1 : wcwidth((wchar_t)code);
    return w < 0 ? 1 : (uint32_t)w;
}

uint32_t cli_columns(struct pawl_str text)
{
    uint32_t columns = 0;
    for (uint32_t at = 0; at < text.n;) columns += width_of(pawl_utf8_next(text, &at));
    return columns;
}

void cli_column(struct cli *c, enum cli_colour colour, struct pawl_str text, uint32_t columns)
{
    uint32_t used = 0, at = 0;
    const bool cut = cli_columns(text) > columns;
    colour_on(c, colour);
    while (at < text.n) {
        uint32_t next = at;
        const uint32_t w = width_of(pawl_utf8_next(text, &next));
        if (used + w + cut > columns) break;
        pawl_buf_add(&c->out, text.p + at, next - at);
        used += w;
        at = next;
    }
    if (cut && columns) pawl_buf_text(&c->out, "…"), used++;
    colour_off(c, colour);
    while (used++ < columns) pawl_buf_char(&c->out, ' ');
}

static uint32_t new_line(struct cli *c, uint32_t indent)
{
    pawl_buf_char(&c->out, '\n');
    for (uint32_t i = 0; i < indent; i++) pawl_buf_char(&c->out, ' ');
    return indent;
}

/* A word that no line has room for, in pieces. The column behind it. */
static uint32_t broken_word(struct cli *c, struct pawl_str word, uint32_t indent, uint32_t width, uint32_t at)
{
    for (uint32_t i = 0; i < word.n;) {
        uint32_t next = i;
        const uint32_t w = width_of(pawl_utf8_next(word, &next));
        if (at + w > width) at = new_line(c, indent);
        pawl_buf_add(&c->out, word.p + i, next - i);
        at += w;
        i = next;
    }
    return at;
}

void cli_wrap(struct cli *c, struct pawl_str text, uint32_t indent, uint32_t at)
{
    const uint32_t width = c->width ? c->width - 1 : UINT32_MAX;
    bool first = true;
    for (uint32_t i = 0; i < text.n;) {
        const char *end = memchr(text.p + i, ' ', text.n - i);
        const uint32_t n = end ? (uint32_t)(end - (text.p + i)) : text.n - i;
        const struct pawl_str word = {text.p + i, n};
        const uint32_t w = cli_columns(word), room = width > indent ? width - indent : 1;
        if (!first && at + 1 + w > width && w <= room) {
            at = new_line(c, indent);
        } else if (!first) {
            pawl_buf_char(&c->out, ' ');
            at++;
        } else if (w <= room && at > indent && at + w > width) {
            at = new_line(c, indent);
        }
        if (at + w <= width) {
            pawl_buf_str(&c->out, word);
            at += w;
        } else {
            at = broken_word(c, word, indent, width, at);
        }
        first = false;
        i += n + 1;
    }
}

void cli_duration(int64_t ns, struct pawl_buf *out)
{
    const int64_t ms = (ns < 0 ? 0 : ns) / 1000000, s = ms / 1000;
    if (s < 10) pawl_buf_printf(out, "%lld.%02lld s", (long long)s, (long long)(ms % 1000 / 10));
    else if (s < 60) pawl_buf_printf(out, "%lld.%lld s", (long long)s, (long long)(ms % 1000 / 100));
    else if (s < 3600) pawl_buf_printf(out, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400) pawl_buf_printf(out, "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
    else pawl_buf_printf(out, "%lld d %lld h", (long long)(s / 86400), (long long)(s % 86400 / 3600));
}

int64_t cli_wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void cli_time(int64_t wall_ns, struct pawl_buf *out)
{
    const time_t then = (time_t)(wall_ns / 1000000000), now = time(NULL);
    struct tm a, b;
    char text[64];
    localtime_r(&then, &a);
    localtime_r(&now, &b);
    if (a.tm_year == b.tm_year && a.tm_yday == b.tm_yday) strftime(text, sizeof text, "%H:%M:%S", &a);
    else strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &a);
    pawl_buf_text(out, text);
}

/* Commands as they can be typed: with the short name, and without the digest for a person, who is shown the call anyway. */
void cli_next(struct cli *c, yyjson_val *view)
{
    const struct pawl_str id = pawl_json_str(view, "run");
    yyjson_val *next = yyjson_obj_get(view, "next"), *command;
    char name[37];
    size_t i, n;
    if (!yyjson_arr_size(next) || id.n != 36) return;
    cli_short(c, id, name);
    yyjson_arr_foreach(next, i, n, command)
    {
        const char *text = yyjson_get_str(command);
        const char *at = text ? strstr(text, id.p) : NULL;
        const char *digest = at && c->person ? strstr(at, " --digest ") : NULL;
        cli_text(c, CLI_PLAIN, "→ ");
        if (at)
            cli_printf(c, "%.*s%s%.*s\n", (int)(at - text), text, name,
                       (int)(digest ? digest - (at + 36) : (ptrdiff_t)strlen(at + 36)), at + 36);
        else if (text) cli_shown(c, CLI_PLAIN, pawl_str_of(text), 200), cli_text(c, CLI_PLAIN, "\n");
    }
}
