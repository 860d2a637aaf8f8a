/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tend: what becomes of stored data as time goes by. The log does the work,
 * in steps that are short enough to share a commit with messages, and the core
 * asks for one after another: shard 0 for the passes of retention, a deleted
 * user's shard for what is left of that user.
 * Owns: its timers.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_TEND_H
#define FLOE_SIGNALD_CORE_TEND_H

#include "signald/core/state.h"

#define SIG_TEND_STEP_MS 20 /* from one step to the next */

/* All shards are there. */
void sig_tend_start(struct sig_core *);
/* A user of this shard was deleted. */
void sig_tend_erase(struct sig_core *);

#endif
