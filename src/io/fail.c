/* src/io/fail.c - the one table from errno to what pawl does about it. */
#include "io/fail.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

int pawl_io_code(int sys_errno)
{
    assert(sys_errno >= 0);
    switch (sys_errno) {
    case 0: return PAWL_OK;
    case ENOENT:
    case ENOTDIR: return PAWL_ENOTFOUND;
    case EEXIST: return PAWL_ECONFLICT;
    case EACCES:
    case EPERM:
    case EROFS: return PAWL_EREADONLY;
    case ENOSPC:
    case EDQUOT: return PAWL_EFULL;
    case ENOMEM: return PAWL_ENOMEM;
    case ETIMEDOUT: return PAWL_ETIMEDOUT;
    case EMFILE:
    case ENFILE:
    case ENAMETOOLONG:
    case E2BIG:
    case EFBIG: return PAWL_ELIMIT;
    case EADDRINUSE:
    case EBUSY:
    case ETXTBSY: return PAWL_EBUSY;
    case EISDIR:
    case EINVAL: return PAWL_EINVAL;
    case ECANCELED: return PAWL_ECANCELLED;
    default: return PAWL_EIO;
    }
}

static const char *next_for(int sys_errno)
{
    switch (sys_errno) {
    case EACCES:
    case EPERM: return "look at its owner and permissions (ls -l)";
    case EROFS: return "it is on a file system that is mounted read-only";
    case ENOSPC:
    case EDQUOT: return "make room on that file system";
    case EISDIR: return "it is a folder: name a file";
    case EMFILE: return "raise the limit on open files (ulimit -n)";
    default: return "";
    }
}

/* strerror is not for threads, and strerror_r comes in two kinds that one name cannot tell apart everywhere. */
static const char *words_of(int sys_errno, char *room, size_t size)
{
#ifdef __GLIBC__
    return strerror_r(sys_errno, room, size);
#else
    return strerror_r(sys_errno, room, size) == 0 ? room : "unknown error";
#endif
}

int pawl_io_fail(struct pawl_error *err, int sys_errno, const char *where, const char *doing)
{
    char room[128];
    assert(sys_errno > 0);
    return pawl_fail(err, pawl_io_code(sys_errno), where, next_for(sys_errno), "cannot %s: %s", doing,
                     words_of(sys_errno, room, sizeof room));
}
