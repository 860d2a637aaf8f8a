/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mark: how far somebody has come: a device in its inbox, a user in a
 * conversation, a user in time. Marks go forward only, never beyond what is
 * there.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_MARK_H
#define FLOE_SIGNALD_LOG_MARK_H

#include "signald/log/run.h"

run_fn mark_cursor, mark_read, mark_seen;
/* How a user keeps a conversation. -E2BIG: too many pins. */
run_fn mark_conv;

#endif
