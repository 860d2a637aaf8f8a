/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: what the files of lib/stream share.
 * Owns: nothing.  Thread: the worker's.
 */
#ifndef FLOE_LIB_STREAM_INTERNAL_H
#define FLOE_LIB_STREAM_INTERNAL_H

#include "lib/base/pool.h"
#include "lib/base/wheel.h"
#include "lib/log/log.h"
#include "lib/stream/frames.h"
#include "lib/stream/stream.h"

#define STREAM_READ_MAX (32 << 10) /* bytes a read */
/* What may be there before it: less than a message. */
#define STREAM_MESSAGE_MAX (66 << 10)
/* Bytes that are read before what they led to has to be sent. */
#define STREAM_IN (160 << 10)
/* Bytes of TLS a write. What a client does not take of them waits besides what
 * it may have waiting. */
#define STREAM_RECORDS_MAX (32 << 10)

struct stream {
	struct stream_id id;
	struct streams *all;
	int fd;
	int watched; /* LOOP_READ | LOOP_WRITE */
	struct loop_io *io;
	struct tls *tls; /* NULL: plain TCP */
	const struct stream_door *door;
	bool greeting; /* it is not known whose it is, or what is spoken */
	bool counted;  /* in the census */
	bool proxied;  /* and a balancer's header is to come */
	bool ended;    /* the client will send no more */
	bool held;     /* rest, or TLS, may hold whole messages */
	bool drained;  /* TLS has no more for now */
	bool over;     /* nor ever: it ended with end */
	int end;
	bool dirty;    /* in the list of those to flush */
	bool leaving;  /* detached as soon as message has returned */
	bool waits;    /* nothing is read until stream_go_on */
	bool again;    /* and that message stays unread */
	uint8_t *rest; /* read, and not yet handed on */
	size_t rest_len;
	struct frames out;
	struct wheel_timer idle;
	LIST_ENTRY(stream) entry;
	TAILQ_ENTRY(stream) dirty_entry;
};

/* A listening socket. */
struct stream_door {
	struct streams *all;
	struct stream_kind kind;
	bool any; /* bound to all addresses: each connection tells its own */
	struct loop_io *io;
};

struct streams {
	struct streams_conf conf;
	struct stream_ops ops;
	struct stream_stats *stats;
	struct pool *pool;
	LIST_HEAD(, stream) open;
	TAILQ_HEAD(, stream) dirty;
	struct wheel idle;
	struct loop_timer *tick; /* when idle is due */
	struct loop_timer *rest; /* until accepting makes sense again */
	struct log_limit trouble, refusals;
	struct stream_door *doors;
	size_t ndoors;
	uint8_t in[STREAM_IN]; /* what was read in this turn */
	size_t in_used;        /* of it, messages that were handed on */
	uint8_t records[STREAM_RECORDS_MAX]; /* of one stream, while sent */
};

/* stream.c: takes the socket; or -errno, and it stays the caller's. */
int stream_open(struct stream_door *, int fd, const struct stream_id *);
/* What such an error is the end of, counted and told to the operator. */
enum stream_end stream_refused(struct streams *, const struct addr *, int err);
void stream_enter(struct stream *); /* into the lists */
void stream_leave(struct stream *); /* and out of them, counted by the caller */
void stream_free(struct stream *);
void stream_ready(void *stream, int fd, int what); /* a loop_io_fn */
/* parts.c: in place of stream_close */
void stream_take_apart(struct stream *);
/* It speaks; 0, or -errno: it is refused. */
int stream_begin(struct stream *, bool secure);
/* greet.c: must something be read before it may begin? */
bool stream_must_greet(struct stream *);
/* 0, or -EUSERS: its host has as many as allowed. */
int stream_count(struct stream *);
/* 0: it has begun; -EAGAIN, -EBADMSG: a bad header, -ECONNRESET, ... */
int stream_greet(struct stream *);
/* accept.c */
void accept_close(struct streams *);
void accept_resume(void *streams); /* a loop_fn */

#endif
