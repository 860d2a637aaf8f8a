/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limit: how often an address or its network may do something, in memory that
 * never grows: a table of slots, four to a cache line, that a keyed hash of
 * the address picks, so that nobody can aim at the slot of a victim.
 *
 * limit_take is a token bucket. Whoever finds the four slots of his line taken
 * gets the one that owes least, and what it owes with it. So no flood of
 * addresses makes anybody's debt forgotten: a limit is never exceeded. The
 * price: somebody new is refused wrongly when all four owe all they may, which
 * takes about as many networks at their limit at once as there are slots (at
 * an eighth of that one in 500 is). A slot that owes nothing is free.
 *
 * limit_failed and limit_waits are a back-off: so many failures are free, each
 * further one doubles the time to wait. Here the line's slot that failed
 * longest ago is given away with nothing on it: a flood may make a failure
 * forgotten, but nobody waits for what another one did. A table is for one of
 * both, rates or a back-off.
 * Owns: its slots.  Thread: one.
 */
#ifndef FLOE_LIB_ADDR_LIMIT_H
#define FLOE_LIB_ADDR_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/prefix.h"
#include "lib/base/hash.h"

struct limit;

/* At least so many slots of 16 bytes. NULL: no memory. */
struct limit *limit_new(size_t slots, const struct hash_key *);
void limit_free(struct limit *);

/* What is held together: networks are /24 and /48, which is what one party is
 * given at most; a host of IPv6 is its /64, in which it has any address. */
struct prefix limit_network(const struct addr *);
struct prefix limit_host(const struct addr *);
/* "192.0.2.0/24"; returns out. */
#define LIMIT_STRLEN (ADDR_STRLEN + 4)
const char *limit_format(const struct prefix *, char out[LIMIT_STRLEN]);

struct limit_rate {
	uint64_t interval_ns; /* between two that are in time; 0: no limit */
	uint64_t room_ns;     /* how far ahead of time they may be */
};

/* per_s 0: no limit; burst at least 1. */
struct limit_rate limit_rate(uint64_t per_s, uint64_t burst);
/* What each of so many workers lets through by itself, rounded up: the kernel
 * spreads the ports of a network over them. */
struct limit_rate limit_rate_share(uint64_t per_s, uint64_t burst, int workers);
/* Counts one; false: it is over the rate, and was not counted. */
bool limit_take(struct limit *, const struct limit_rate *,
    const struct prefix *, uint64_t now_ms);

struct limit_backoff {
	uint32_t free;      /* failures that cost nothing; 0: no limit */
	uint64_t first_ms;  /* what the next one costs */
	uint64_t most_ms;   /* what any costs at most */
	uint64_t forget_ms; /* without another one, all is as at first */
};

/* what: 0, or what it fails at; another one is counted by itself. */
bool limit_waits(const struct limit *, const struct limit_backoff *,
    const struct prefix *, uint64_t what, uint64_t now_ms);
/* How many are not forgotten. */
uint64_t limit_failures(const struct limit *, const struct prefix *,
    uint64_t what, uint64_t now_ms);
void limit_failed(struct limit *, const struct limit_backoff *,
    const struct prefix *, uint64_t what, uint64_t now_ms);

#endif
