/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profile: what a user tells of itself: nick, avatar, signature, and an object
 * that is the client's own. Whoever sees the user online hears of a change.
 * Owns: nothing.  Thread: the core's; sig_profile_write any.
 */
#ifndef FLOE_SIGNALD_CORE_PROFILE_H
#define FLOE_SIGNALD_CORE_PROFILE_H

#include "signald/core/op.h"

sig_op_fn sig_op_profile_get, sig_op_profile_set;

/* The members of a profile; what is "" or NULL is left out. */
void sig_profile_write(struct json_out *, const char *user,
    const char *const profile[SIG_PROFILE_FIELDS]);
/* https, or a path of this host. */
bool sig_profile_avatar_ok(const char *);

#endif
