/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * erase: takes a deleted account out of the store, a bounded step at a time:
 * its contacts, its groups, all that it has said, its files, and what else is
 * kept of it. A row in T_ERASING says how far that is, so that it goes on
 * after a crash. What the peers see of 1:1 conversations stays, without texts.
 * Invariant: the user is deleted already, so that nothing new comes of it.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_ERASE_H
#define FLOE_SIGNALD_LOG_ERASE_H

#include "signald/log/run.h"

/* The next step of the user's; the result is a notice of a group, or the
 * contact of the only receiver, or neither. */
run_fn erase_step;

/* From now on there is something to do. 0 or the store's. */
int erase_begin(struct run *, uint64_t uid);

#endif
