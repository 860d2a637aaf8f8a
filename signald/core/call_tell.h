/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_tell: what a call says: answers to the sessions that ask, pushes to its
 * sides, and at the end a message in the conversation.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_TELL_H
#define FLOE_SIGNALD_CORE_CALL_TELL_H

#include "signald/core/call_parts.h"
#include "signald/core/reply.h"

/* A mail about the call, with a copy of the text; NULL: no memory. */
struct sig_mail *sig_call_mail(enum sig_mail_kind, const char *to,
    const char *call, const char *text, size_t len);
/* Answers the session that asked; text: the call's state, or what is wrong. */
void sig_call_reply(struct sig_core *, const struct sig_mail *ask,
    const char *call, enum sig_err, const char *text);
/* flags: of leg.h. */
void sig_call_push(struct sig_core *, const struct sig_call *, enum side to,
    uint32_t flags, const char *text, size_t len);
/* A push of a name, the call, and at most one string more. */
void sig_call_tell(struct sig_core *, const struct sig_call *, enum side to,
    uint32_t flags, const char *name, const char *field, const char *value);
/* Whether the other side has a link, when that one has, and does not know. */
void sig_call_show_link(struct sig_core *, struct sig_call *, enum side of);
void sig_call_show_media(struct sig_core *, struct sig_call *, enum side of);
#endif
