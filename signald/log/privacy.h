/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * privacy: what a user keeps from others.
 * Owns: nothing.  Thread: the writer's; privacy_get any.
 */
#ifndef FLOE_SIGNALD_LOG_PRIVACY_H
#define FLOE_SIGNALD_LOG_PRIVACY_H

#include "signald/log/run.h"

/* SIG_APPEND_PRIVACY. */
run_fn privacy_change;

/* 0, also when nothing was ever said, or -EIO. */
int privacy_get(struct store_txn *, uint64_t uid, uint32_t *hides);

#endif
