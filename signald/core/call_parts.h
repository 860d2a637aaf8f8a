/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_parts: what a call is made of, for the files call*.c alone.
 * Owns: a call its texts.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_PARTS_H
#define FLOE_SIGNALD_CORE_CALL_PARTS_H

#include "signald/core/state.h"

enum state { INVITING, RINGING, ACTIVE, STATES };
enum side { CALLER, CALLEE, SIDES };

struct party {
	char user[SIG_NAME_MAX + 1];
	char session[SIG_SESSION_MAX + 1]; /* callee: "" until accepted */
	char device[SIG_DEVICE_MAX + 1];
	bool away;     /* its link is gone */
	bool told;     /* the other side believes so */
	uint64_t said; /* hash of the last offer or answer */
	char *media;   /* the last call.media as a push, or NULL */
	size_t media_len;
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
	bool muted;  /* and never will be: it has blocked the caller */
	bool untold; /* accepted, which nobody has been told yet */
	uint64_t invite_ts;
	uint64_t active_ms; /* may be before the clock's zero: subtract only */
	struct sig_timer ring_timer;
	/* Of one that ends: why, and who waits for the answer. */
	struct {
		const char *reason;
		uint64_t duration_ms, request;
		char from[SIG_NAME_MAX + 1];
		char session[SIG_SESSION_MAX + 1];
	} end;
};

enum side sig_call_other(enum side);
/* Out of the core's calls; still in memory. */
void sig_call_out(struct sig_core *, struct sig_call *);
void sig_call_free(struct sig_call *);

#endif
