/* src/io/curl.c - see curl.h. What is opened stays open: other threads may be in it. */
#include "io/curl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A note for tools that look at what a binary needs (uapi-group.org, "ELF Notes for dlopen()"). */
__asm__(".pushsection .note.dlopen, \"a\", %note\n"
        ".balign 4\n"
        ".long 1f - 0f, 3f - 2f, 0x407c0c0a\n"
        "0: .asciz \"FDO\"\n"
        "1: .balign 4\n"
        "2: .asciz \"[{\\\"soname\\\":[\\\"" PAWL_CURL_LIBRARY
        "\\\"],\\\"feature\\\":\\\"http\\\",\\\"description\\\":\\\"models and tools over "
        "HTTP\\\",\\\"priority\\\":\\\"required\\\"}]\"\n"
        "3: .balign 4\n"
        ".popsection\n");

struct pawl_curl pawl_curl;
static char failure[256]; /* why it cannot be had; empty: it can */

static void open_once(void)
{
    static const char *const names[] = {
#define X(name) "curl_" #name,
        PAWL_CURL_CALLS(X)
#undef X
    };
    enum { COUNT = sizeof names / sizeof *names };
    void *found[COUNT];
    CURLcode code;
    _Static_assert(sizeof found == sizeof pawl_curl, "each name has its place, in the same order");
    void *library = dlopen(PAWL_CURL_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        snprintf(failure, sizeof failure, "cannot open it: %s", dlerror());
        return;
    }
    for (int i = 0; i < COUNT; i++) {
        found[i] = dlsym(library, names[i]);
        if (found[i]) continue;
        snprintf(failure, sizeof failure, "it has no %s", names[i]);
        return;
    }
    memcpy(&pawl_curl, found, sizeof pawl_curl);
    code = pawl_curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code) snprintf(failure, sizeof failure, "it cannot begin: %s", pawl_curl.easy_strerror(code));
}

int pawl_curl_open(struct pawl_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    if (!*failure) return PAWL_OK;
    return pawl_fail(err, PAWL_EIO, PAWL_CURL_LIBRARY, "install libcurl (Debian: libcurl4)", "%s", failure);
}
