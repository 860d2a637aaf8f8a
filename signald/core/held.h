/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * held: the call pushes that a session's next link gets, since none was there
 * to send them or that one may have broken before they arrived. A busy call
 * puts hundreds a second in at one end and takes them out at the other, so
 * they stand one behind the other in a few blocks.
 * Invariant: those that were sent stand before those that were not.
 * Owns: the blocks, all there is.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_HELD_H
#define FLOE_SIGNALD_CORE_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define SIG_HELD_MAX   256
#define SIG_HELD_BYTES (256 * 1024) /* of their texts */

struct sig_held {
	uint64_t sent_ms;
	bool sent;
	uint32_t len;        /* of the text */
	uint32_t invite_len; /* of the call behind it: 0 of what is no invite */
	char text[];
};

struct sig_held_block;

/* Zeroed to begin with. */
struct sig_helds {
	struct sig_held_block *first, *last;
	size_t count, bytes, invites;
};

void sig_helds_fini(struct sig_helds *);
/* The new last one, not sent, in place of the first ones if those were sent.
 * invite: the call that it invites to, or "". NULL: no room, no memory. */
struct sig_held *sig_helds_put(
    struct sig_helds *, const char *text, size_t len, const char *invite);
struct sig_held *sig_helds_first(const struct sig_helds *); /* or NULL */
void sig_helds_drop(struct sig_helds *);                    /* the first */
bool sig_held_invites(const struct sig_held *, const char *call);

/* All of them in order, while nothing is put or dropped. */
struct sig_held_walk {
	const struct sig_held_block *block;
	size_t at;
};
void sig_held_walk_init(struct sig_held_walk *, const struct sig_helds *);
struct sig_held *sig_held_walk_next(struct sig_held_walk *); /* or NULL */

#endif
