/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * privacy: what a user keeps from others, and says so.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_PRIVACY_H
#define FLOE_SIGNALD_CORE_PRIVACY_H

#include "signald/core/op.h"

sig_op_fn sig_op_privacy;

/* SIG_HIDE_... as members. */
void sig_privacy_write(struct json_out *, uint32_t hides);

#endif
