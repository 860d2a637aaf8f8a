/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mid: the idempotency keys of requests: a repeat gets the first answer, for
 * as long as the configuration says.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_MID_H
#define FLOE_SIGNALD_LOG_MID_H

#include "signald/log/entry.h"

int mid_put(struct run *, const struct sig_append *, const struct place *);
/* A mid that is known gets its first answer. -ENOENT: it is new. */
int mid_answer(struct run *, struct apply_request *);
/* Forgets some that are old enough. */
int mid_expire(struct run *);

#endif
