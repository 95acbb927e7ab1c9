/* tests/workloads/books.c - see books.h: one HTTP request over a blocking socket. */
#include "books.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "world.h"

static int connect_to(int port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

bool wl_look_up(int port, const struct wl_recording *rec, uint32_t call, int kind, uint32_t *effects)
{
    const int of = kind == WL_SAYS_REPEAT ? WL_AGAIN : kind == WL_SAYS_REWORD ? WL_OTHER : WL_RECORDED;
    const int fd = connect_to(port);
    char text[1024];
    size_t n = 0;
    ssize_t got = 0;
    if (fd < 0) return false;
    const int m =
        snprintf(text, sizeof text, "GET /deed/%s/%u/%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                 rec->name, call, of);
    if (send(fd, text, (size_t)m, MSG_NOSIGNAL) == m)
        while (n < sizeof text - 1 && (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0) n += (size_t)got;
    close(fd);
    text[n] = 0;
    const char *landing = strstr(text, "\"landing\":"), *count = strstr(text, "\"effects\":");
    if (!landing || !count || strncmp(landing + 10, "false", 5) != 0) return false;
    *effects = (uint32_t)strtoul(count + 10, NULL, 10);
    return true;
}
