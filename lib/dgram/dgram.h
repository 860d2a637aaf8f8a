/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dgram: the UDP sockets of a worker. Datagrams come in many at a time, what is
 * sent waits for the end of the turn: by recvmmsg and sendmmsg on a loop over
 * epoll, by io_uring on a loop over that; there a datagram that meets what ICMP
 * says of another may come behind later ones of its flow.
 * Owns: its buffers and watches; sockets are the caller's.
 * Thread: the loop's.
 */
#ifndef FLOE_LIB_DGRAM_DGRAM_H
#define FLOE_LIB_DGRAM_DGRAM_H

#include "lib/loop/loop.h"
#include "lib/net/batch.h"

struct dgrams;
struct dgram; /* a socket that is read */

struct dgrams_conf {
	struct loop *loop;
	void *arg;
	/* Sends all that is queued, by dgrams_flush: buffers run out. */
	void (*flush)(void *arg);
	batch_sent_fn *sent;
	/* A socket's buffer had no room for n more. */
	void (*lost)(void *arg, int fd, uint32_t n);
	/* A socket cannot be read, now or at all. */
	void (*failed)(void *arg, int fd, int err);
};

struct dgram_ops {
	/* n datagrams, in what order they came. They stay until the flush
	 * after, so that they may be queued as they are. */
	void (*input)(void *arg, struct batch_in *, int n);
	/* ICMP has spoken of datagrams that were sent (sock_next_error); NULL:
	 * nobody listens. */
	void (*erred)(void *arg);
};

/* NULL with errno. */
struct dgrams *dgrams_new(const struct dgrams_conf *);
void dgrams_free(struct dgrams *);
/* Where to queue what is sent. */
struct batch_tx *dgrams_tx(struct dgrams *);
/* Due at the end of each turn and before a socket is closed. */
void dgrams_flush(struct dgrams *);

/* Reads it; what comes in a row from one source is merged on its way
 * (batch_rx_merge). NULL: no memory. */
struct dgram *
dgram_open(struct dgrams *, int fd, const struct dgram_ops *, void *arg);
/* Before the descriptor is closed, and not from one of its own callbacks. NULL
 * is fine. */
void dgram_close(struct dgram *);

#endif
