/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest: one request of a user who comes without a link, as REST does: it runs
 * like any other, on a session that is nobody's device and that nobody sees.
 * Its link gets one text, the answer, and is closed by the shell then.
 * Owns: the session of such a link.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_GUEST_H
#define FLOE_SIGNALD_CORE_GUEST_H

#include "signald/core/state.h"

/* A link that is ready for the request. NULL: no room. */
struct sig_link *
sig_guest_new(struct sig_core *, uint64_t link, const char *user);
/* Ends the session of a guest; the user may be freed with it. */
void sig_guest_end(struct sig_core *, struct sig_session *);

#endif
