/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames: whole messages that wait to be sent on one stream, in order. Media
 * is worth little when it is late: the oldest goes when there is no room.
 * Answers are never dropped; who queues them stops taking requests instead.
 * Invariant: a message of which a part has been sent is not dropped.
 * Owns: the messages.  Thread: the stream's.
 */
#ifndef FLOE_LIB_STREAM_FRAMES_H
#define FLOE_LIB_STREAM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/uio.h>

struct frame;

struct frames {
	TAILQ_HEAD(frame_list, frame) list;
	size_t cap;     /* of bytes, while there is media to drop */
	size_t bytes;   /* with what a message costs besides its own */
	size_t answers; /* that part of bytes which may not be dropped */
	size_t sent;    /* bytes of the first message that are out */
};

void frames_init(struct frames *, size_t cap);
void frames_fini(struct frames *);
bool frames_empty(const struct frames *);
/* Queues a message of n parts (copied). How many media messages were dropped
 * for it, itself included when it does not fit; or -ENOMEM. */
int
frames_put(struct frames *, bool media, const struct iovec *parts, size_t n);
/* What to send next, at most max parts; their count. */
int frames_next(const struct frames *, struct iovec *parts, int max);
/* The first n bytes are out. */
void frames_sent(struct frames *, size_t n);
/* The first n bytes have to be the next ones out. */
void frames_pin(struct frames *, size_t n);

#endif
