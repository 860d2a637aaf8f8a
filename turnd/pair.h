/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair: the two data connections of RFC 6062, a client's and a peer's: what
 * comes from one goes to the other as it is, and the end of what one says is
 * passed on while the other may still speak. A side is not read while the other
 * does not take what was read before, or while its bandwidth is used up, so
 * what is kept is bounded and the kernel's window tells the sender. Invariant:
 * bytes are never dropped, reordered or made up while both live. Owns: both
 * descriptors, the TLS session.  Thread: the loop's.
 */
#ifndef FLOE_TURND_PAIR_H
#define FLOE_TURND_PAIR_H

#include "lib/loop/loop.h"
#include "lib/stream/stream.h"
#include "turnd/core/stats.h"

struct pair;

struct pair_ops {
	void *arg;
	/* May so many be read? Else it is asked again, a little later. */
	bool (*may)(void *arg, enum turn_direction, size_t bytes);
	/* So many bytes were read and go on. */
	void (*moved)(void *arg, enum turn_direction, size_t bytes);
	/* Nothing more will go either way: pair_free is due, and allowed. */
	void (*over)(void *arg);
};

/* Takes the client's parts, unread and unsent bytes included, and the peer's
 * socket; NULL: no memory, and they stay the caller's. Nothing happens before
 * the loop's next turn. */
struct pair *pair_new(
    struct loop *, struct stream_parts *, int peer_fd, const struct pair_ops *);
void pair_free(struct pair *); /* closes what is open; NULL is fine */

#endif
