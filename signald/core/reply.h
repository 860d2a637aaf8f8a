/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reply: the three envelopes of the server: ok, err and push.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_REPLY_H
#define FLOE_SIGNALD_CORE_REPLY_H

#include "lib/base/buf.h"
#include "lib/json/json.h"
#include "signald/core/state.h"

enum sig_err {
	SIG_OK,
	SIG_BAD_REQUEST,
	SIG_UNKNOWN_OP,
	SIG_NOT_READY,
	SIG_UNAUTHORIZED,
	SIG_BANNED,
	SIG_FORBIDDEN,
	SIG_NOT_FOUND,
	SIG_CONFLICT,
	SIG_TOO_LARGE,
	SIG_RATE_LIMITED,
	SIG_OVERLOADED,
	SIG_STORAGE,
	SIG_ERRS
};

/* {"id":n,"ok":{ is written; the caller writes members, then sends. */
void sig_ok_begin(struct json_out *, struct buf *, uint64_t request);
/* Nothing is sent for request 0 (the client wants no answer). */
void sig_ok_send(
    struct sig_core *, uint64_t link, uint64_t request, struct json_out *);
/* An answer without members. */
void sig_ok(struct sig_core *, uint64_t link, uint64_t request);
void sig_fail(struct sig_core *, uint64_t link, uint64_t request, enum sig_err,
    const char *msg);
/* The same, with its own time after which trying again helps. */
void sig_fail_later(struct sig_core *, uint64_t link, uint64_t request,
    enum sig_err, const char *msg, uint64_t retry_ms);
/* Why an op that the log has judged or read failed, as its client is told. */
struct sig_reason {
	int err; /* -errno; 0: any other, the last of an array */
	enum sig_err code;
	const char *msg;
};

void sig_fail_for(struct sig_core *, const struct sig_ticket *,
    const struct sig_reason *, int err);
/* The refusal of something that had no usable id: "id":null. */
void sig_fail_no_id(struct sig_core *, uint64_t link, const char *msg);

/* {"push":"name" is written. */
void sig_push_begin(struct json_out *, struct buf *, const char *name);

/* A stored message's members (see log.h) as the object called name, or as
 * the next item when name is NULL. */
void sig_out_message(
    struct json_out *, const char *name, const char *text, size_t len);

#endif
