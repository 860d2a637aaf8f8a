/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * event: what the operator's own services hear of (webhook): one table row a
 * kind. An event is told once what it tells has happened for good; whoever
 * wants none pays for none.
 * Owns: nothing.  Thread: any; sig_event_send the core's.
 */
#ifndef FLOE_SIGNALD_CORE_EVENT_H
#define FLOE_SIGNALD_CORE_EVENT_H

#include "lib/json/json.h"
#include "signald/core/core.h"

enum sig_event_kind {
	SIG_EVENT_USER_REGISTERED,
	SIG_EVENT_USER_ONLINE,
	SIG_EVENT_USER_OFFLINE,
	SIG_EVENT_MESSAGE_STORED,
	SIG_EVENT_CALL_ENDED,
	SIG_EVENTS
};

/* By kind; NULL ends. */
extern const char *const sig_event_names[SIG_EVENTS + 1];

/* {"event":NAME,"ts":MS is written. False: nobody wants to hear it. */
bool sig_event_begin(const struct sig_config *, enum sig_event_kind,
    uint64_t wall_ms, struct json_out *, struct buf *);
/* Ends the text and gives it to the shell. */
void sig_event_send(struct sig_core *, struct json_out *);

/* Those that say no more than whom; with a stored message; with the record of
 * a call. */
void sig_event_user(struct sig_core *, enum sig_event_kind, const char *user);
void sig_event_message(struct sig_core *, const struct sig_appended *);
void sig_event_call(struct sig_core *, const char *conv, const char *from,
    const char *to, const struct buf *record);

#endif
