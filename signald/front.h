/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * front: HTTP/1.1 on the public port: requests one after the other, the page's
 * files, the users' REST calls, and the door to the WebSocket.
 * Functions that return a bool say false when the connection was handed to
 * another worker on the way, and is not to be touched any more.
 * Owns: nothing; state is in the connection.  Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_FRONT_H
#define FLOE_SIGNALD_FRONT_H

#include "lib/h1/h1.h"
#include "signald/conn.h"

#define FRONT_HEAD_MAX (8 * 1024)
#define FRONT_BODY_MAX (8 * 1024)
/* ... and one read more, before reading stops. A record of TLS fits, so that
 * nothing of it stays behind in the session. */
#define FRONT_READ   (16 * 1024)
#define FRONT_IN_MAX (FRONT_HEAD_MAX + FRONT_BODY_MAX + FRONT_READ)

/* A request whose head says all; or, with body, one that goes on there. */
typedef void front_head_fn(struct conn *, const struct h1_head *);
typedef void front_body_fn(struct conn *, const void *, size_t len);
/* A body that is not kept but used as it comes; at its end body is called,
 * without it. False: it is answered already. */
typedef bool front_stream_fn(struct conn *, const void *, size_t len);

struct front_route {
	enum h1_method method;
	const char *path; /* with a slash at its end: all that is below */
	front_head_fn *head;
	front_body_fn *body;
};

/* A new connection: the first request may take so long. */
void front_start(struct conn *);
bool front_input(struct conn *, const uint8_t *, size_t len);
/* Goes on with what was read, after an answer was sent. */
bool front_run(struct conn *);

struct front_answer {
	int status;
	const char *type;   /* NULL: no body */
	const char *fields; /* more of them, each with CRLF; may be NULL */
	const void *body;
	size_t len;
	bool is_static; /* body outlives every connection */
};

/* Ends the request. */
void front_answer(struct conn *, const struct front_answer *);
/* The same with what a user has uploaded, which is not to be trusted: file,
 * whose descriptor is taken, is the body; NULL: there is none. */
void front_answer_file(
    struct conn *, const struct front_answer *, const struct conn_file *);
struct export;
/* Lines without a length, which the end of the connection ends; takes it. */
void front_answer_export(struct conn *, struct export *);
/* {"err":{"code","msg","retry_ms"}}; retry_ms 0: not said. */
void front_error(struct conn *, int status, const char *code, const char *msg,
    uint64_t retry_ms);
/* Writes the JSON answer of a request that was with another thread, and goes
 * on. */
void front_json(struct conn *, int status, const struct buf *);
/* A connection whose wait is over, its answer queued, goes on. */
void front_resume(struct conn *);
/* May pages of this origin speak for their user? Programs, which send no
 * Origin, may. */
bool front_origin_ok(const struct conn *, const struct h1_head *);

#endif
