/* src/io/control_path.h - inside the control socket only: its address, and whose the other end is. */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/error.h"

/* A socket's address holds 107 bytes, a path may be longer: then it is named by way of the folder's descriptor. */
struct pawl_control_path {
    struct sockaddr_un address;
    socklen_t bytes;
    int folder;       /* open as long as the address is in use; -1: closed */
    const char *name; /* in the folder; borrowed from the path */
};
/* PAWL_ENOTFOUND: no such folder; PAWL_ELIMIT: too long here. */
int pawl_control_path_open(struct pawl_control_path *p, const char *path, struct pawl_error *err);
void pawl_control_path_close(struct pawl_control_path *p);

int pawl_control_socket(void); /* close-on-exec, non-blocking; -1: errno says why */
bool pawl_control_peer_is_us(int fd);
