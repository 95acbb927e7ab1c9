/* src/host/view.h - a run as `pawl show` tells it: VIEW of docs/protocol.md, made from the records alone. */
#pragma once
#include "contract/contract.h"
#include "journal/run.h"

/* `config` may be NULL: then effects are left out, and `missing`, where it is not {NULL,0}, says why;
 * of a run that waits for another one's step it says for which. Pure and deterministic. PAWL_ECORRUPT, PAWL_ENOMEM. */
int pawl_view_write(const struct pawl_config *config, struct pawl_str missing, const struct pawl_head *head,
                    const struct pawl_record *records, uint32_t count, struct pawl_buf *out, struct pawl_error *err);
