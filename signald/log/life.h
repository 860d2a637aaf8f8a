/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * life: what a store has from its first day: its epoch, the version of its
 * layout, and the next id.
 * Owns: nothing.  Thread: the writer's, or main before it starts.
 */
#ifndef FLOE_SIGNALD_LOG_LIFE_H
#define FLOE_SIGNALD_LOG_LIFE_H

#include "lib/store/store.h"

/* A store_write_fn over SIG_EPOCH_LEN chars: in goes the epoch of a store that
 * is new, out comes that of the store. -EINVAL: not one of ours, or of another
 * version. */
int life_begin(struct store_txn *, void *epoch);

#endif
