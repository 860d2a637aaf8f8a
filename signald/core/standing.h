/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * standing: what a user's tokens are still worth. The log keeps it; the shard
 * learns of it with each log-in, and by mail when it changes. Then whatever
 * came in by a token that is void now goes out, at once and for good.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_STANDING_H
#define FLOE_SIGNALD_CORE_STANDING_H

#include "signald/core/state.h"

/* As a log-in of the user has read it. Older news than what is known are
 * ignored. */
void sig_standing_read(
    struct sig_core *, struct sig_user *, const struct sig_standing *);
/* The user may be freed with its sessions. */
void sig_standing_told(struct sig_core *, const struct sig_mail *);

#endif
