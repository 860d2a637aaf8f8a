/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * presence: how available a user is: each device has a state, the most
 * available one counts, and privacy may hide it. Friends are told of changes,
 * but of one user at most once each SIG_QUIET_MS, and of all users only so many
 * at a time: those who flap cost no more than those who stay.
 * Invariant: a user is here from its first session until the last has gone
 * for good, so a link that breaks and comes back is not seen by anybody.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_PRESENCE_H
#define FLOE_SIGNALD_CORE_PRESENCE_H

#include "signald/core/op.h"

#define SIG_QUIET_MS 5000
/* Mail of all users in such a time, and what one user's friends are beyond. */
#define SIG_TELL_WINDOW_MS 50
#define SIG_TELL_MAX       4096

sig_op_fn sig_op_presence;

const char *sig_presence_name(enum sig_state);
/* Whether a client may say so. */
bool sig_presence_named(const char *, enum sig_state *);
void sig_presence_set(struct sig_core *, struct sig_session *, enum sig_state);
/* How the user is to its friends. */
void sig_presence_face(const struct sig_user *, struct sig_face *);

/* Sessions came or went, or what they say of themselves has changed. */
void sig_presence_changed(struct sig_core *, struct sig_user *);
/* The user has a session of an earlier core, which told that it is online. */
void sig_presence_woken(struct sig_core *, struct sig_user *);
/* There is something to ask or to tell, soon. */
void sig_presence_queue(struct sig_core *, struct sig_user *);
/* At the end of an event: tells what may be told now; whether it did. */
bool sig_presence_run(struct sig_core *);
/* It is not free to go yet. */
bool sig_presence_holds(const struct sig_user *);
/* Frees what holds it, at the end of the core. */
void sig_presence_forget(struct sig_core *, struct sig_user *);

#endif
