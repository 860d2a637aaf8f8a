/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * session: one device of a user that has logged in. It outlives its link by
 * resume_ms; while detached it holds the call pushes that come up, and
 * messages wait in the log as ever. What cannot be held ends it. A link breaks
 * before anybody notices, so the last call pushes on it are kept too, until
 * the client has been heard for a while after them.
 * Owns: its held pushes, its places.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_SESSION_H
#define FLOE_SIGNALD_CORE_SESSION_H

#include "lib/json/json.h"
#include "signald/core/state.h"

struct sig_session *sig_session_find(const struct sig_core *, const char *id);
/* With fresh id and secret, detached. NULL: the user or the core has too
 * many that live. */
struct sig_session *
sig_session_new(struct sig_core *, struct sig_user *, const char *device);
/* Writes its record; the ticket comes back when that is on the disk, or could
 * not be. ticket: of the log-in. 0 or -errno. */
int
sig_session_keep(struct sig_core *, struct sig_session *, struct sig_ticket *);
/* One that an earlier core kept, of this shard's user: detached, with a fresh
 * window, and nobody is told. False: no room, or no session. */
bool sig_session_wake(struct sig_core *, const char *user, const char *id,
    struct json_in *record);
/* The user's session that id and secret prove; NULL otherwise. */
struct sig_session *
sig_session_prove(const struct sig_core *, const struct sig_login *);

/* Gives it this link; an older one is closed with 4001. */
void
sig_session_attach(struct sig_core *, struct sig_session *, struct sig_link *);
/* Its link is gone; the resume window opens. */
void sig_session_detach(struct sig_core *, struct sig_session *);
/* Gone for good: calls are lost, the last one takes the user offline. The
 * user may be freed with it. */
void sig_session_end(struct sig_core *, struct sig_session *);
/* Frees the memory, tells nobody. */
void sig_session_free(struct sig_core *, struct sig_session *);

/* A call push, sent or held. invite: the call that it invites to, or "". */
void sig_session_push_call(struct sig_core *, struct sig_session *,
    const char *text, size_t len, const char *invite);
/* Whether an invite to this call waits among the held ones. */
bool sig_session_holds_invite(const struct sig_session *, const char *call);
/* The client talks of this call, so the invite to it has arrived. */
void sig_session_knows_call(struct sig_session *, const char *call);
/* Forgets the pushes that have surely arrived. */
void sig_session_settle(struct sig_session *);
/* Sends what was held, and what the link before may not have brought. */
void sig_session_flush(struct sig_core *, struct sig_session *);

#endif
