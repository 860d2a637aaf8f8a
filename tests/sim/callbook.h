/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * callbook: what the server told devices about calls, and what has to be true
 * of it: a call is accepted by one device at most, all sides hear the same
 * end, and it is the end of the one record that stands in the conversation,
 * also when servers are killed meanwhile. Of a call whose record a full disk
 * did not take only the first is asked. Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CALLBOOK_H
#define FLOE_TESTS_SIM_CALLBOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "signald/core/mail.h"

#define CALLBOOK_CALLS   64
#define CALLBOOK_DEVICES 16

struct sim;
struct told;

struct callbook_call {
	char id[SIG_CALL_MAX + 1];
	bool orphan;     /* the disk may not have what was told of it */
	int accepted_by; /* device; -1: none */
	char reason[24]; /* "": no end was told yet */
	int64_t duration_ms;
	bool elsewhere[CALLBOOK_DEVICES]; /* was told that another answered */
	uint64_t record;                  /* seq in the conversation; 0: none */
	char outcome[16];
};

struct callbook {
	struct callbook_call calls[CALLBOOK_CALLS];
	uint32_t ncalls;
	bool append_failed; /* a record may be missing for it, or be there twice
			     */
};

/* The server gave a device this call: by a push or in an answer. */
void callbook_seen(struct sim *, const char *call);
void callbook_accepted(struct sim *, const char *call, int device);
/* A call.ended; duration -1: none. */
void callbook_ended(struct sim *, const char *call, int device,
    const char *reason, int64_t duration_ms);
void callbook_record(struct sim *, const struct told *);
void callbook_killed(struct sim *);

void callbook_check(struct sim *); /* at the end */

#endif
