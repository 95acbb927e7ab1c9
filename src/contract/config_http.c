/* src/contract/config_http.c - URLs and headers of a configuration (RFC 3986, RFC 9110).
 *
 * The host is the contract's alone: no reference in it, so that nothing that a model writes chooses where a call goes.
 * No user and password in a URL, because URLs are recorded. Headers that belong to the connection are not given here. */
#include "contract/config_env.h"
#include "contract/config_read.h"
#include <stdio.h>
#include <string.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *port_fault(struct pawl_str port)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < port.n; i++) {
        if (!digit(port.p[i]) || i >= 5) return "has a port that is none";
        value = value * 10 + (uint32_t)(port.p[i] - '0');
    }
    return value >= 1 && value <= 65535 ? NULL : "has a port that is none";
}

static const char *authority_fault(struct pawl_str s)
{
    uint32_t host = 0;
    if (s.n == 0) return "names no host";
    if (memchr(s.p, '{', s.n))
        return "has a reference in its host: what a model writes must not choose where a call goes";
    if (memchr(s.p, '@', s.n)) return "holds a user name or password, which would be recorded: use a header";
    if (s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        if (!end || end == s.p + 1) return "has a host that is none";
        host = (uint32_t)(end + 1 - s.p);
        for (uint32_t i = 1; i + 1 < host; i++)
            if (!digit(s.p[i]) && !(alpha(s.p[i]) && (s.p[i] | 32) <= 'f') && s.p[i] != ':' && s.p[i] != '.')
                return "has a host that is none";
    } else {
        while (host < s.n && (alpha(s.p[host]) || digit(s.p[host]) || strchr("-._~", s.p[host]))) host++;
    }
    if (host == 0) return "has a host that is none";
    if (host == s.n) return NULL;
    if (s.p[host] != ':') return "has a host that is none";
    return port_fault((struct pawl_str){s.p + host + 1, s.n - host - 1});
}

/* Behind the host. A reference's own braces are skipped: {args.x}; {{ is a brace, and none belongs into a URL. */
static const char *path_fault(struct pawl_str s, bool template)
{
    for (uint32_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if (c == '#') return "has a fragment (#), which is never sent";
        if (c == '{' && template && i + 1 < s.n && s.p[i + 1] != '{') {
            const char *end = memchr(s.p + i, '}', s.n - i);
            if (end) i = (uint32_t)(end - s.p);
            continue;
        }
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c)) return "has a character that must be percent-encoded";
    }
    return NULL;
}

static const char *url_fault(struct pawl_str url, bool template)
{
    const char *const schemes[] = {"http://", "https://"};
    uint32_t at = 0, end;
    for (size_t i = 0; i < 2; i++) {
        const uint32_t n = (uint32_t)strlen(schemes[i]);
        if (url.n >= n && memcmp(url.p, schemes[i], n) == 0) at = n;
    }
    if (at == 0) return "does not begin with http:// or https://";
    for (end = at; end < url.n && !strchr("/?#", url.p[end]); end++) {
    }
    const char *why = authority_fault((struct pawl_str){url.p + at, end - at});
    return why ? why : path_fault((struct pawl_str){url.p + end, url.n - end}, template);
}

bool pawl_reader_url(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                     struct pawl_str url)
{
    const char *why = url_fault(url, template);
    const bool from_env = pawl_env_has(v->text);
    const char *next = from_env ? "see what the environment makes of it" : "";
    if (!why) return !template || pawl_reader_template(r, v, key, url);
    if (memchr(url.p, '@', url.n))
        pawl_fault(r->faults, v->line, v->column, next, "%s: the URL %s", key, why); /* not shown */
    else
        pawl_fault(r->faults, v->line, v->column, next, "%s: '%.*s' %s", key, url.n > 200 ? 200 : (int)url.n, url.p,
                   why);
    return false;
}

bool pawl_is_header_name(struct pawl_str name) /* RFC 9110, 5.6.2: a token */
{
    for (uint32_t i = 0; i < name.n; i++)
        if (!alpha(name.p[i]) && !digit(name.p[i]) && (!name.p[i] || !strchr("!#$%&'*+-.^_`|~", name.p[i])))
            return false;
    return name.n > 0 && name.n <= 128;
}

bool pawl_same_header(struct pawl_str a, struct pawl_str b)
{
    if (a.n != b.n) return false;
    for (uint32_t i = 0; i < a.n; i++) {
        const char x = a.p[i], y = b.p[i];
        if (x != y && !(alpha(x) && alpha(y) && (x | 32) == (y | 32))) return false;
    }
    return true;
}

static bool is_one_of(struct pawl_str name, const char *const *names)
{
    for (; *names; names++)
        if (pawl_same_header(name, pawl_str_of(*names))) return true;
    return false;
}

/* Why this header may not be given; NULL: it may. */
static const char *header_fault(const struct pawl_yaml_member *m, const struct pawl_pair *before, uint32_t count)
{
    static const char *const connection[] = {"Content-Length", "Transfer-Encoding", "Connection", "Host",       "TE",
                                             "Trailer",        "Upgrade",           "Expect",     "Keep-Alive", NULL};
    static const char *const secrets[] = {"Authorization", "Proxy-Authorization",
                                          "Cookie",        "X-Api-Key",
                                          "Api-Key",       NULL};
    if (!pawl_is_header_name(m->key)) return "is no name of a header";
    if (is_one_of(m->key, connection)) return "belongs to the connection and cannot be given";
    for (uint32_t i = 0; i < count; i++)
        if (pawl_same_header(before[i].name, m->key)) return "stands twice (names of headers are the same in any case)";
    if (is_one_of(m->key, secrets) && m->value->kind == PAWL_YAML_TEXT && !pawl_env_has(m->value->text))
        return "holds a secret that would be stored: write ${env:NAME} in it";
    return NULL;
}

void pawl_reader_headers(struct pawl_reader *r, const struct pawl_yaml *map, bool template,
                         const struct pawl_pair **out, uint32_t *count)
{
    const struct pawl_yaml *v = pawl_reader_map(r, map, "headers");
    struct pawl_pair *pairs = v ? pawl_arena_zeroed(r->arena, v->count * sizeof *pairs) : NULL;
    if (v && !pawl_reader_few(r, v, "headers", 64)) return;
    for (uint32_t i = 0; pairs && i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        const char *why = header_fault(m, pairs, *count);
        char key[64];
        if (why) {
            pawl_fault(r->faults, m->line, m->column, "", "headers: '%.*s' %s", m->key.n > 80 ? 80 : (int)m->key.n,
                       m->key.p, why);
            continue;
        }
        snprintf(key, sizeof key, "header %.*s", m->key.n > 50 ? 50 : (int)m->key.n, m->key.p);
        pairs[*count].name = m->key;
        if (pawl_reader_secret(r, m->value, key, template, &pairs[*count].value)) ++*count;
    }
    *out = pairs;
}
