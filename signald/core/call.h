/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call: the state machine of calls, on the shard of the conversation. One
 * table of state x event for each side decides everything; a call is at most
 * one a conversation, so two users who call each other at once meet here.
 *
 *   inviting -> ringing -> active -> ended (a stored record, the call freed)
 *
 * Requests may be repeated: what has happened already is answered like the
 * first time. A side whose link is gone stays a side; the other one is told,
 * and told again when it is back.
 * Owns: the calls of a core.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_H
#define FLOE_SIGNALD_CORE_CALL_H

#include "signald/core/state.h"

enum sig_call_event {
	SIG_CALL_INVITE, /* mail text: the media object */
	SIG_CALL_RINGING,
	SIG_CALL_ACCEPT,
	SIG_CALL_REFUSE,
	SIG_CALL_CANCEL,
	SIG_CALL_HANGUP,
	SIG_CALL_OFFER, /* mail text of these: the push to the other side */
	SIG_CALL_ANSWER,
	SIG_CALL_CANDIDATE,
	SIG_CALL_MEDIA,
	SIG_CALL_STATE, /* tell the state again */
	SIG_CALL_BUSY,
	SIG_CALL_LOST,
	SIG_CALL_AWAY,
	SIG_CALL_BACK,
	SIG_CALL_EVENTS
};

struct sig_call;
struct sig_mail;

/* Into the tables, with the timer of its state. 0 or -errno. */
int sig_call_put(struct sig_core *, struct sig_call *);
/* At the end of the core; tells nobody. */
void sig_call_free_all(struct sig_core *);

/* flags: the event. */
void sig_call_asked(struct sig_core *, const struct sig_mail *);
void sig_call_lost(struct sig_core *, const struct sig_mail *);
void sig_call_away(struct sig_core *, const struct sig_mail *);
void sig_call_back(struct sig_core *, const struct sig_mail *);
void sig_call_busy(struct sig_core *, const struct sig_mail *);

#endif
