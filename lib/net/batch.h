/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch: receives and sends datagrams many at a time. The receive side is
 * recvmmsg into a slab with room around each datagram; what the kernel merged
 * by UDP_GRO is taken apart. The send side queues datagrams by
 * socket, local address and destination and flushes them once a loop turn;
 * equal sizes of one such flow leave as one UDP_SEGMENT send. Order is kept
 * within a flow, not among flows.
 * Owns: its slab and queue; queued payload is borrowed until the flush.
 * Thread: one.
 */
#ifndef FLOE_LIB_NET_BATCH_H
#define FLOE_LIB_NET_BATCH_H

#include <sys/socket.h>

#include "lib/addr/addr.h"

#define BATCH_MAX      128  /* datagrams that a queue takes */
#define BATCH_READ     32   /* messages of a receive: datagrams, or merges */
#define BATCH_BYTES    2048 /* the longest datagram; a longer one is cut */
#define BATCH_HEADROOM 64   /* writable bytes in front of every payload */
#define BATCH_TAILROOM 8    /* and behind it */
#define BATCH_HEAD     8    /* bytes that a queued datagram can carry itself */

struct batch_in {
	uint8_t *data; /* valid until batch_rx_read or batch_rx_reset */
	size_t len;
	struct addr src;
	struct addr local; /* that it came to, on a socket of all addresses;
			      ADDR_NONE on others */
	uint32_t drops; /* before it, for want of room in the socket's buffer:
			   since the socket is there, modulo 2^32 */
	bool truncated;
};

struct batch_rx;
struct batch_tx;

struct batch_rx *batch_rx_new(void);
void batch_rx_free(struct batch_rx *);
/* Has the kernel merge what comes in a row from one source: far cheaper for
 * bursts. Only batch_rx_read may read the socket then. */
void batch_rx_merge(int fd);
/* Receives; the count of datagrams, at most BATCH_READ unless the socket
 * merges, 0 when it is empty. Pending ICMP errors are skipped.
 * -errno: the socket cannot be read, now or at all; do not loop. */
int batch_rx_read(struct batch_rx *, int fd);
/* The same, but what was received before stays where it is as well: it goes
 * into the slots that are left. */
int batch_rx_read_on(struct batch_rx *, int fd);
int batch_rx_room(const struct batch_rx *); /* slots that are left */
void batch_rx_reset(struct batch_rx *);     /* all are: nothing has to stay */
/* Did the last receive leave something, perhaps? */
bool batch_rx_more(const struct batch_rx *);
/* Did it meet an ICMP error? */
bool batch_rx_erred(const struct batch_rx *);
struct batch_in *batch_rx_at(struct batch_rx *, int i);

/* What became of one datagram: err 0, or -errno when the kernel refused it.
 * Must not queue or flush. dst is NULL when it was queued so. */
typedef void
batch_sent_fn(void *arg, int fd, const struct addr *dst, size_t len, int err);

struct batch_tx *batch_tx_new(batch_sent_fn *, void *arg);
void batch_tx_free(struct batch_tx *);
/*
 * Hands messages to the kernel, those of one socket side by side and in order;
 * errs tells of each what it said, 0 or -errno, ICMP of earlier ones aside.
 * Returns how many that was, at least one, and is called again for the others.
 * What they point at is the caller's again then.
 */
typedef int
batch_send_fn(void *arg, const int *fds, struct mmsghdr *, int n, int *errs);
batch_send_fn batch_send; /* by sendmmsg, what a queue does if not told else */
void batch_tx_by(struct batch_tx *, batch_send_fn *, void *arg);
/*
 * Queues head (may be empty, copied, at most BATCH_HEAD bytes) followed by
 * data (borrowed). Flushes by itself when full. dst may be NULL on a connected
 * socket. A refused datagram costs only itself: it is told to batch_sent_fn.
 * What ICMP said of an earlier one costs none. Flush before closing a socket,
 * or its number may be another's by then.
 */
void batch_tx_add(struct batch_tx *, int fd, const struct addr *dst,
    const void *head, size_t head_len, const void *data, size_t len);
/* Where from and to; local as batch_in has it. */
struct batch_route {
	int fd;
	const struct addr *local, *dst; /* either may be NULL */
};
/* The same, leaving from a local address. */
void batch_tx_add_from(struct batch_tx *, const struct batch_route *,
    const void *head, size_t head_len, const void *data, size_t len);
void batch_tx_flush(struct batch_tx *);

#endif
