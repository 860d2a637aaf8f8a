/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats: counters with one writer and any number of readers, so counting is a
 * plain add and reading needs no lock.
 * Owns: nothing.  Thread: written by the owner of the server, read by any.
 */
#ifndef FLOE_TURND_CORE_STATS_H
#define FLOE_TURND_CORE_STATS_H

#include <stdint.h>

#include "turnd/core/reason.h"

enum turn_direction { TURN_UP, TURN_DOWN, TURN_DIRECTIONS };
#define TURN_UP_NAME   "to_peer"
#define TURN_DOWN_NAME "to_client"

struct turn_traffic {
	uint64_t packets, bytes; /* bytes of application data */
};

/* Rows of the method table (server.c), for requests by method. */
#define TURN_METHODS 7

struct turn_stats {
	uint64_t allocations; /* live now */
	uint64_t allocations_total;
	uint64_t connections; /* of TCP allocations with peers, live now */
	uint64_t connections_total;
	struct turn_traffic relayed[TURN_DIRECTIONS];
	uint64_t requests[TURN_METHODS];
	uint64_t refused[TURN_METHODS];
	uint64_t auth_failures; /* wrong user, password or expired */
	uint64_t reasons[TURN_REASON_COUNT];
};

/* "allocate" ...; NULL past the end. */
const char *turn_method_name(unsigned int row);

static inline void
stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t
stat_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void
traffic_add(struct turn_traffic *t, uint64_t bytes)
{
	stat_add(&t->packets, 1);
	stat_add(&t->bytes, bytes);
}

#endif
