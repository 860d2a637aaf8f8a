/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * op: the requests of floe.v1, one table row each: name, fields, whether it
 * goes before the log-in, handler.
 * Owns: nothing; requests borrow the frame.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_OP_H
#define FLOE_SIGNALD_CORE_OP_H

#include "lib/json/json.h"
#include "signald/core/reply.h"
#include "signald/core/state.h"

struct sig_req {
	uint64_t id;       /* 0: wants no answer */
	int arg;           /* of the table row */
	struct json_in in; /* unknown fields are refused already */
	const char *text;  /* this request and what follows in its frame */
	size_t len;
};

typedef void sig_op_fn(struct sig_core *, struct sig_link *, struct sig_req *);

void sig_op_run(struct sig_core *, struct sig_link *, const struct json *,
    const char *text, size_t len);

/* The ops in table order and their fields, NULL at the end of each; for
 * the document's check and the fuzzer's dictionary. */
const char *sig_op_name(size_t i);
const char *sig_op_field(size_t i, size_t field);

/* All of the list are user names (or "*", with star); errors are the reader's.
 * The list may be NULL. */
void sig_req_names(
    struct json_in *, const char *field, const struct json *list, bool star);
/* True when a field was wrong; then the client has been told. */
bool sig_req_bad(struct sig_core *, struct sig_link *, const struct sig_req *);

/* Whether one more request may be under way; tells the client when not. */
bool sig_op_room(struct sig_core *, struct sig_link *, const struct sig_req *);
/* The link's request is under way until sig_op_done of its ticket. False: it
 * could not be asked (err is not 0), and the client has been told. */
bool sig_op_asked(
    struct sig_core *, struct sig_link *, const struct sig_req *, int err);
/* Whether the ticket's link still lives and can be answered. */
bool sig_op_done(struct sig_core *, const struct sig_ticket *);

#endif
