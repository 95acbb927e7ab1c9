/* src/contract/config_serve.c - serve: where the resident owner listens, and how long it may take to end.
 *
 * Loopback only: what comes in from elsewhere belongs behind a proxy that ends TLS and knows who may speak. */
#include <string.h>
#include "contract/config_env.h"
#include "contract/config_read.h"

static bool is_loopback(const char *host)
{
    uint32_t parts = 0, value = 0, digits = 0;
    if (strcmp(host, "::1") == 0) return true;
    if (strncmp(host, "127.", 4) != 0) return false;
    for (const char *p = host; *p; p++) {
        if (*p == '.') {
            if (!digits || ++parts > 3) return false;
            value = digits = 0;
        } else {
            if (*p < '0' || *p > '9') return false;
            value = value * 10 + (uint32_t)(*p - '0');
            if (++digits > 3 || value > 255) return false;
        }
    }
    return parts == 3 && digits > 0;
}

/* The port behind the last colon; < 0: it is none. */
static int port_of(struct pawl_str text, uint32_t *colon)
{
    int port = 0;
    uint32_t at = text.n;
    while (at > 0 && text.p[at - 1] != ':') at--;
    if (at < 2 || at == text.n || text.n - at > 5) return -1;
    *colon = at - 1;
    for (uint32_t i = at; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') return -1;
        port = port * 10 + (text.p[i] - '0');
    }
    return port <= 65535 ? port : -1;
}

const char *pawl_listen_fault(struct pawl_str text, char host[64], int *port)
{
    uint32_t n = 0, from = 0;
    *port = port_of(text, &n);
    if (*port < 0) return "is not HOST:PORT, as 127.0.0.1:7295";
    if (n > 2 && text.p[0] == '[' && text.p[n - 1] == ']') from = 1, n--;
    if (n - from >= 64 || memchr(text.p, 0, n)) return "is not HOST:PORT, as 127.0.0.1:7295";
    memcpy(host, text.p + from, n - from);
    host[n - from] = 0;
    if (strcmp(host, "localhost") == 0) memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
    return is_loopback(host) ? NULL
                             : "is no loopback address: it listens on 127.0.0.1 or [::1] only, put a proxy before it";
}

bool pawl_reader_signing(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, "secret");
    if (!v || !pawl_reader_secret(r, v, "secret", false, out)) return false;
    if (pawl_env_has(v->text)) return true;
    pawl_fault(r->faults, v->line, v->column, "write ${env:NAME}",
               "secret: a secret that stands here would be stored with every run");
    return false;
}

void pawl_read_serve(struct pawl_reader *r, const struct pawl_yaml *root)
{
    static const char *const known[] = {"listen", "url", "secret", "drain", NULL};
    static const char *const later[] = {"tokens", NULL};
    struct pawl_serve *s = &r->config->serve;
    const struct pawl_yaml *v = pawl_reader_map(r, root, "serve"), *listen, *url;
    struct pawl_str text;
    const char *why;
    *s = (struct pawl_serve){.host = "127.0.0.1", .port = 7295, .drain_ns = 30000000000};
    if (!v) return;
    pawl_reader_keys(r, v, known, later);
    pawl_reader_duration(r, v, "drain", 1000000, &s->drain_ns);
    pawl_reader_signing(r, v, &s->secret);
    url = pawl_reader_get(v, "url");
    if (url && pawl_reader_target(r, url, "url", false, &s->url)) pawl_reader_url(r, url, "url", false, s->url);
    listen = pawl_reader_get(v, "listen");
    if (!listen || !pawl_reader_target(r, listen, "listen", false, &text)) return;
    if ((why = pawl_listen_fault(text, s->host, &s->port)) != NULL)
        pawl_fault(r->faults, listen->line, listen->column, "write listen: 127.0.0.1:7295", "listen: '%.*s' %s",
                   text.n > 80 ? 80 : (int)text.n, text.p, why);
}
