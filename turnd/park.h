/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * park: requests that wait until their user has been asked for: copies, so
 * many at most, each only once however often the client repeats it.
 * Owns: the copies.  Thread: the worker's.
 */
#ifndef FLOE_TURND_PARK_H
#define FLOE_TURND_PARK_H

#include "turnd/core/server.h"

#define PARK_MAX       256  /* requests of a worker */
#define PARK_BYTES_MAX 2048 /* of one; a whole one is shorter */

struct park;

struct parked {
	struct addr src;
	uint16_t link;
	size_t len;
	uint8_t *data; /* follows */
};

struct park *park_new(void); /* NULL: no memory */
void park_free(struct park *);
/* A request that waits for user until then. 0; -EALREADY: it does so already;
 * -EMSGSIZE; -ENOSPC; -ENOMEM. */
int park_add(struct park *, const struct turn_in *, uint64_t user,
    uint64_t now_ms, uint64_t until_ms);
/* The next one that waits for user, now the caller's to free(); NULL: none. */
struct parked *park_take(struct park *, uint64_t user);
size_t park_count(const struct park *);

#endif
