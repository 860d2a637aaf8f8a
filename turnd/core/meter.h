/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * meter: how many bytes a second an allocation, a user, the whole server may
 * relay. The first is its worker's alone; the others are a pipe, shared by the
 * workers, of which each has a part that it fills in portions: no datagram
 * takes a lock. Directions are metered apart, as links have them.
 * Owns: a pipe its parts.  Thread: a part is its worker's; making and ending a
 * pipe one at a time.
 */
#ifndef FLOE_TURND_CORE_METER_H
#define FLOE_TURND_CORE_METER_H

#include "lib/base/bucket.h"
#include "turnd/core/stats.h"

/* A cache line of its own. */
struct turn_part {
	_Alignas(64) struct bucket_shared *from; /* TURN_DIRECTIONS of them */
	struct bucket_slice left[TURN_DIRECTIONS];
};

struct turn_pipe;

/* NULL: no memory. */
struct turn_pipe *turn_pipe_new(const struct bucket_rate *, unsigned int parts);
void turn_pipe_free(struct turn_pipe *);
/* Any time; a rate of 0 is no limit. */
void turn_pipe_set(struct turn_pipe *, const struct bucket_rate *);
struct turn_part *turn_pipe_part(struct turn_pipe *, unsigned int i);

#endif
