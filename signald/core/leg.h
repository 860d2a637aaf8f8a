/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leg: a call as seen from one of its users: which of its sessions is a side
 * of it, whether the user is busy, and what rings at every device, also at one
 * that comes late. What a session asks of a call is leg_ask.h.
 * Owns: the legs of a user.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_LEG_H
#define FLOE_SIGNALD_CORE_LEG_H

#include "signald/core/op.h"

/* Flags of SIG_MAIL_CALL_PUSH. Without ONE or OTHERS it is for all sessions
 * of the user. */
#define SIG_PUSH_ONE    1u /* only the session named */
#define SIG_PUSH_OTHERS 2u /* all but the session named */
#define SIG_PUSH_ENDED  4u /* the call is over */

/* The session's own invite in this conversation, not answered yet; or NULL. */
struct sig_leg *
sig_leg_pending(const struct sig_user *, const char *conv, const char *session);
/* call "": not known yet; session "": it rings. NULL: no room. */
struct sig_leg *sig_leg_new(
    struct sig_user *, const char *conv, const char *call, const char *session);
/* The session is a side of the call now. 0 or -ENOMEM. */
int sig_leg_engage(
    struct sig_user *, const char *conv, const char *call, const char *session);
/* Tells a call something about a session. */
void sig_leg_tell(struct sig_core *, enum sig_mail_kind, const char *call,
    const char *user, const char *session);
void sig_leg_free(struct sig_user *, struct sig_leg *);
/* A session has said hello: what it missed, and what rings now. */
void sig_leg_hello(struct sig_core *, struct sig_session *);
/* Its link is gone: its calls hear of it. */
void sig_leg_session_away(struct sig_core *, struct sig_session *);
/* The calls that an unsure session takes part in or that ring at it, as the
 * member "calls". */
void sig_leg_write(struct json_out *, const struct sig_session *);
/* It is gone for good: its calls are lost. */
void sig_leg_session_gone(struct sig_core *, struct sig_session *);

/* A call that an earlier core kept, for its user of this shard; session "":
 * it rings, and ring is the invitation's mail. */
void sig_leg_wake(struct sig_core *, const char *user, const char *session,
    const struct sig_mail *ring);
/* All is woken: calls whose session is not are lost. */
void sig_leg_start(struct sig_core *);

void sig_leg_ring(struct sig_core *, const struct sig_mail *);
void sig_leg_pushed(struct sig_core *, const struct sig_mail *);

#endif
