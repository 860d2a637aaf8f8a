/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * user: one account with everything of it that is alive: sessions, log-ins
 * under way, calls, and its friends. Loaded while any of the first three is
 * there, and a little longer (presence.h); a user that is not loaded is
 * offline and gets its messages from the log when it comes.
 * Owns: its sessions, peers and legs.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_USER_H
#define FLOE_SIGNALD_CORE_USER_H

#include "signald/core/state.h"

struct sig_user *sig_user_find(const struct sig_core *, const char *name);
/* Found or new; NULL: no room. Whoever takes it holds it by a session, a
 * log-in or a leg, or releases it. */
struct sig_user *sig_user_get(struct sig_core *, const char *name);
/* Frees the user when nothing holds it any more. */
void sig_user_release(struct sig_core *, struct sig_user *);
/* With all that it owns, without telling anybody: for the end of the core. */
void sig_user_free(struct sig_core *, struct sig_user *);

#endif
