/* src/io/control_path.c - where systems differ about Unix sockets. */
#include "io/control_path.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "io/fail.h"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

static int open_folder(struct pawl_control_path *p, const char *path, struct pawl_error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    p->name = slash ? slash + 1 : path;
    const int n = snprintf(folder, sizeof folder, "%.*s", (int)(p->name - path), path);
    if (n < 0 || (size_t)n >= sizeof folder) return pawl_io_fail(err, ENAMETOOLONG, path, "name the control socket");
    p->folder = open(n ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (p->folder < 0) return pawl_io_fail(err, errno, path, "open the folder of the control socket");
    return PAWL_OK;
}

int pawl_control_path_open(struct pawl_control_path *p, const char *path, struct pawl_error *err)
{
    *p = (struct pawl_control_path){.folder = -1};
    p->address.sun_family = AF_UNIX;
    const size_t size = sizeof p->address.sun_path;
    const int code = open_folder(p, path, err);
    if (code) return code;
    size_t n = strlen(path);
    if (n < size) {
        memcpy(p->address.sun_path, path, n + 1);
    } else {
#ifdef __linux__
        const int written = snprintf(p->address.sun_path, size, "/proc/self/fd/%d/%s", p->folder, p->name);
        n = written < 0 ? size : (size_t)written;
#endif
        if (n >= size) {
            pawl_control_path_close(p);
            return pawl_fail(err, PAWL_ELIMIT, path, "put the store in a folder with a shorter name",
                             "expected a control socket's name of at most %zu bytes, found %zu", size - 1, n);
        }
    }
    p->bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return PAWL_OK;
}

void pawl_control_path_close(struct pawl_control_path *p)
{
    if (p->folder >= 0) close(p->folder);
    p->folder = -1;
}

int pawl_control_socket(void)
{
#ifdef __linux__
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    const int on = 1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    return fd;
#endif
}

bool pawl_control_peer_is_us(int fd)
{
#ifdef __linux__
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
#else
    uid_t uid;
    gid_t gid;
    return getpeereid(fd, &uid, &gid) == 0 && uid == geteuid();
#endif
}
