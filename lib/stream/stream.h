/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream: the TCP and TLS connections of one worker. A balancer's header is
 * taken off and the first byte tells TLS, where that is left open; then bytes
 * are cut into
 * messages and handed on; what is sent is queued, written once a loop turn,
 * and bounded: a client that does not read loses its oldest media, and its
 * requests are not read any more while answers wait for it.
 * Invariant: a stream is closed in the loop's own turn or in streams_flush,
 * never inside another call.
 * Owns: connections and what waits on them.  Thread: the worker's; its stats
 * are read by any.
 */
#ifndef FLOE_LIB_STREAM_STREAM_H
#define FLOE_LIB_STREAM_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/addr/addr.h"
#include "lib/loop/loop.h"
#include "lib/net/census.h"
#include "lib/tls/tls.h"

/* Why a connection ended, or did not begin. */
enum stream_end {
	STREAM_BY_CLIENT,
	STREAM_IDLE,
	STREAM_NOT_STUN, /* framing is lost for good */
	STREAM_TOO_LONG, /* a message longer than is served */
	STREAM_TLS,      /* the client broke TLS or refused ours */
	STREAM_PROXY,    /* a balancer did not tell whose it is */
	STREAM_FAILED,   /* the kernel refused to read or write */
	STREAM_REFUSED,  /* as many connections as allowed are there */
	STREAM_CROWDED,  /* as many of one address */
	STREAM_DETACHED, /* it goes on, but not as a stream of ours */
	STREAM_ENDS
};
const char *stream_end_name(enum stream_end); /* for metrics */

/* Counters only (lib/base/counter.h): they are added up as an array. */
struct stream_stats {
	uint64_t accepted;
	uint64_t adopted;
	uint64_t ended[STREAM_ENDS];
	uint64_t received_bytes, sent_bytes; /* inside TLS */
};
/* How many are open; the stats were read while they changed. */
uint64_t stream_stats_open(const struct stream_stats *);

struct stream;
struct streams;

/* The 5-tuple, whose client is the one that a balancer told. Without holes:
 * hashed and compared as bytes. */
struct stream_id {
	uint16_t listener;
	struct addr local; /* ADDR_NONE: what the listener is bound to */
	struct addr client;
};
const struct stream_id *stream_id(const struct stream *);

/* A connection without its stream, which another thread may take. Owns all that
 * it points to, and the descriptor. */
struct stream_parts {
	struct stream_id id;
	int fd;
	struct tls *tls; /* NULL: plain TCP */
	bool ended;      /* the client will send no more */
	uint8_t *unread; /* from the client, and not taken as a message */
	size_t unread_len;
	uint8_t *unsent; /* for the client: goes out before anything else */
	size_t unsent_len;
};
/* Closes and frees what is there. */
void stream_parts_fini(struct stream_parts *);

struct stream_ops {
	void *arg;
	/* As stun_stream_next: bytes of the first message, 0, or -EBADMSG. */
	int (*next)(const void *, size_t len);
	/* 0, or -errno: the connection is refused. May be NULL. */
	int (*opened)(void *arg, struct stream *);
	/* One whole message, its bytes good until flush or streams_flush. */
	void (*message)(void *arg, struct stream *, uint8_t *, size_t len);
	/* Room for messages runs out: those handed on are not to be needed any
	 * more. May be NULL. */
	void (*flush)(void *arg);
	/* Nothing touched it for idle_ms: true keeps it. May be NULL. */
	bool (*idle)(void *arg, struct stream *);
	/* May its message be longer than message_max, up to what a datagram
	 * and a header hold? NULL: no. */
	bool (*known)(void *arg, struct stream *);
	/* Last words of a stream that was opened; it is good until the
	 * return, but for sending. May be NULL. */
	void (*closed)(void *arg, struct stream *);
	/* Instead of closed, after stream_detach: the parts are the callee's
	 * now. May be NULL when that is never called. */
	void (*detached)(void *arg, struct stream *, struct stream_parts *);
};

struct streams_conf {
	struct loop *loop;
	size_t max; /* connections */
	size_t listeners;
	size_t message_max; /* that strangers may send */
	size_t send_max;    /* bytes that may wait on a connection */
	uint64_t idle_ms;   /* all that comes before messages is over by then */
	/* Who sends the PROXY protocol's header first, always (lib/addr); the
	 * others never do. Borrowed. */
	const struct prefix *balancers;
	size_t nbalancers;
	struct census *census; /* counts the clients' hosts; NULL: no cap */
};

/* Both are copied; NULL: no memory. */
struct streams *streams_new(const struct streams_conf *,
    const struct stream_ops *, struct stream_stats *);
void streams_free(struct streams *);
/* What is spoken on a socket: without a context no TLS; else TLS, as the
 * listener secure, and what is in the clear, if that is plain. */
struct stream_kind {
	uint16_t plain, secure; /* the same: nothing in the clear */
	struct tls_ctx *tls;
};
/* Accepts from a listening socket, which stays the caller's, bound to bound.
 * 0 or -ENOMEM. */
int streams_listen(struct streams *, int fd, const struct addr *bound,
    const struct stream_kind *);
/* Due at the end of each loop turn. */
void streams_flush(struct streams *);

/* Queues a message of n parts (copied). How many media messages were dropped:
 * older ones, or it itself. */
int
stream_send(struct stream *, bool media, const struct iovec *parts, size_t n);
/* Its idle time begins anew. */
void stream_touch(struct stream *);
/* Only from within message: it stays unread, and nothing more is read until
 * stream_go_on, which is not for within message. */
void stream_hold(struct stream *);
void stream_go_on(struct stream *);
/* Only from within message: when that has returned, the stream is taken apart.
 * What was read after the message stays unread; with again, it too. */
void stream_detach(struct stream *, bool again);
/* Makes a stream of such parts, that of another worker too, and begins with
 * what is unread. 0; or -ENOBUFS (as many as allowed), -ENOMEM or what opened
 * says, and the parts stay the caller's. */
int streams_adopt(struct streams *, struct stream_parts *);

#endif
