/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peer: what is known of a user's friends: how each is, and whether it is here
 * and to be told how the user is. A log-in reads who they are and asks each of
 * them; from then on they tell by themselves.
 * Owns: the peers of a user.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_PEER_H
#define FLOE_SIGNALD_CORE_PEER_H

#include "lib/json/json.h"
#include "signald/core/state.h"

/* NULL: not one. */
struct sig_peer *
sig_peer_find(const struct sig_core *, const struct sig_user *, const char *);
void sig_peer_free_all(struct sig_user *);

/* The log has told of friends, to a log-in or for peer_tell; there may be
 * more, which are asked for. here: they are to be told in any case. */
void sig_peer_meet(
    struct sig_core *, struct sig_user *, const struct sig_rows *, bool here);
/* Reads them for a user whose sessions are of an earlier core. */
void sig_peer_look_up(struct sig_core *, struct sig_user *);
/* Asks all that are still to be asked. */
void sig_peer_ask(struct sig_core *, struct sig_user *);
/* Tells all that are here how the user is (user->told). */
void sig_peer_tell(struct sig_core *, struct sig_user *);

/* They are friends from now on, or no longer. */
void sig_peer_join(struct sig_core *, struct sig_user *, const char *);
void sig_peer_part(struct sig_core *, struct sig_user *, const char *);
/* The user has blocked this one, to whom it is offline from now on. */
void sig_peer_vanish(struct sig_core *, struct sig_user *, const char *);

/* All of them, as an array called peers. */
void sig_peer_write(struct json_out *, const struct sig_user *);

void sig_peer_asked(struct sig_core *, const struct sig_mail *);
void sig_peer_told(struct sig_core *, const struct sig_mail *);

#endif
