/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * retain: takes away what is older than it may be, a bounded step at a time: a
 * pass goes through the inboxes of all users, then through all conversations,
 * and always from the oldest row on, so that what stays has no holes. A step
 * that did not reach the disk is done again, and a pass that was cut short
 * begins anew: nothing has to be remembered.
 * Invariant: of an inbox and of a conversation the newest row stays, so that
 * sync, seq and counts go on; the text of a newest message goes.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_RETAIN_H
#define FLOE_SIGNALD_LOG_RETAIN_H

#include "signald/log/run.h"

run_fn retain_step;

#endif
