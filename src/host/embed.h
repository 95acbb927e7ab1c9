/* src/host/embed.h - what serve/ has of a handle beside the public API: its loop, to listen on, and what became durable.
 * For the thread that drives the handle. */
#pragma once
#include <uv.h>
#include "contract/contract.h"
#include "journal/store.h"
#include "pawl/pawl.h"

uv_loop_t *pawl_host_loop(struct pawl *p);
const struct pawl_config *pawl_host_config(
    const struct pawl *p); /* of the working folder; NULL: none that can be used */
const char *pawl_host_store_path(const struct pawl *p);
uint32_t pawl_host_hot(const struct pawl *p);       /* runs in memory */
uint32_t pawl_host_under_way(const struct pawl *p); /* attempts that have left */
bool pawl_host_handing_over(const struct pawl *p);
/* `committed` is called for each commit once it is durable, from within the loop; it may call nothing of the handle but
 * pawl_interrupt and pawl_post. NULL: no more. */
void pawl_host_watch(struct pawl *p, void (*committed)(void *ctx, const struct pawl_commit *c), void *ctx);
/* From here on what the configuration's schedules say begins by itself here. Nothing happens where there are none. */
void pawl_host_schedules(struct pawl *p);
/* Callbacks of tools are taken at this URL (without a slash at its end), until NULL is said; it must live until then. */
void pawl_host_listens(struct pawl *p, const char *url);
