/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * payload: what a relay is given to carry: bytes that tell whose they are,
 * their number, and when they left; and the books of those under way.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_PAYLOAD_H
#define FLOE_BENCH_LOAD_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_MIN 64

struct payload {
	uint32_t flow;
	uint32_t leg; /* 0: as its source sent it; 1: come back from there */
	uint64_t number;
	uint64_t sent_us;
};

void payload_put(uint8_t *at, size_t len, const struct payload *);
/* False: it is not one, not the whole, or not only one. */
bool payload_get(const uint8_t *at, size_t len, struct payload *);
void payload_turn(uint8_t *at); /* to leg 1 */

/* The numbers that have arrived, or are too old to tell. */
struct payload_seen {
	uint64_t top, bits; /* zeroed at first */
};
bool payload_is_first(struct payload_seen *, uint64_t number);

/* Those under way. One that has been for long is taken as lost, so that it
 * does not hold up the others that a window lets leave. */
#define WAY_SLOTS 16
struct way {
	uint64_t out; /* zeroed at first */
	uint64_t newest;
	uint32_t slot[WAY_SLOTS];
};
void way_leave(struct way *, uint64_t now_us, uint32_t n);
void way_arrive(struct way *, uint64_t sent_us);
void way_expire(struct way *, uint64_t now_us);

#endif
