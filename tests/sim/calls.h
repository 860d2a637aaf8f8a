/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls: the calls of a page, as web/sdk/calls.js.
 * Owns: nothing; the state is in the device.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CALLS_H
#define FLOE_TESTS_SIM_CALLS_H

#include "signald/core/mail.h"
#include "tests/sim/request.h"

#define CALLS_MAX 24
#define EARLY_MAX 16

struct json;

enum call_state { CALL_NONE, INVITING, RINGING, ACTIVE, ENDED };

struct call {
	enum call_state state;
	char id[SIG_CALL_MAX + 1]; /* "": not answered yet */
	int peer;
	bool caller, invitation; /* whose answer is under way */
	bool reported;           /* the server knows that it is over */
	enum request_kind again; /* what an overloaded server is to be told */
	int tries;
};

/* A push that came before the answer to an invitation. */
struct early {
	char push[24], call[SIG_CALL_MAX + 1], reason[24],
	    from[SIG_NAME_MAX + 1];
};

void calls_page(struct device *);
void calls_session_lost(struct device *);
/* The server came back: these are all the calls there are. */
void calls_restarted(struct device *, const struct json *ids);
void calls_push(struct device *, const char *push, struct json_in *);
void
calls_answer(struct device *, const struct request *, const struct answer *);
/* Something that its user does about calls. */
void calls_act(struct device *);
void calls_hang_up(struct device *);
bool calls_quiet(const struct device *);

#endif
