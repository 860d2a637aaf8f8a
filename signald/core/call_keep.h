/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_keep: what a call is made of, and its record in the log (keep.h), by
 * which the next core takes it up: the call on the shard of the conversation,
 * its legs on those of the users.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_KEEP_H
#define FLOE_SIGNALD_CORE_CALL_KEEP_H

#include "lib/json/json.h"
#include "signald/core/state.h"

enum state { INVITING, RINGING, ACTIVE, STATES };
enum side { CALLER, CALLEE, SIDES };

struct party {
	char user[SIG_NAME_MAX + 1];
	char session[SIG_SESSION_MAX + 1]; /* callee: "" until accepted */
	char device[SIG_DEVICE_MAX + 1];
};

struct sig_call {
	LIST_ENTRY(sig_call) of_core;
	char id[SIG_CALL_MAX + 1];
	char conv[SIG_CONV_MAX + 1];
	enum state state;
	struct party party[SIDES];
	char *media; /* JSON */
	size_t media_len;
	bool unrung; /* the callee's devices have not been told of it */
	uint64_t invite_ts;
	uint64_t active_ms; /* may be before the clock's zero: subtract only */
	struct sig_timer ring_timer;
};

/* Writes the record of the state it is in; ticket as sig_append, NULL: nobody
 * waits for it. 0 or -errno. */
int
sig_call_keep(struct sig_core *, const struct sig_call *, struct sig_ticket *);
void sig_call_keep_end(struct sig_core *, const struct sig_call *);
/* A record: takes up what of it is this shard's. False: it is of no use. */
bool sig_call_wake(struct sig_core *, const char *conv, struct json_in *);

#endif
