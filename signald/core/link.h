/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link: one WebSocket as the core sees it: the hello deadline, the silence
 * timer, and frames cut into requests. Closing forgets the link at once, so
 * whatever the shell still says about it finds nobody.
 * Owns: the links of a core.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_LINK_H
#define FLOE_SIGNALD_CORE_LINK_H

#include "signald/core/state.h"

/* NULL: too many links, and the caller closes it. */
struct sig_link *sig_link_new(struct sig_core *, uint64_t id);
struct sig_link *sig_link_find(const struct sig_core *, uint64_t id);
void sig_link_welcome(struct sig_core *, struct sig_link *);
/* Its client lives. */
void sig_link_heard(struct sig_core *, struct sig_link *);
void sig_link_frame(struct sig_core *, struct sig_link *, const char *, size_t);

/* The log-in is over: hears what was said meanwhile, and frees it. */
void sig_link_hear_said(struct sig_core *, uint64_t id, struct buf *said);
/* Back to waiting for a hello, with a new deadline. */
void sig_link_await_hello(struct sig_core *, struct sig_link *);
/* The log-in is done: from now on silence is what closes it. */
void sig_link_ready(struct sig_core *, struct sig_link *, struct sig_session *);

/* Ends the link from our side; unknown ids are ignored. */
void sig_link_close(
    struct sig_core *, uint64_t id, uint16_t code, const char *reason);
/* A send was lost: closes the link when the event at hand is over. */
void sig_link_break(struct sig_core *, uint64_t id);
/* It is gone (closed or moved away): its session goes on without it. */
void sig_link_forget(struct sig_core *, struct sig_link *);

#endif
