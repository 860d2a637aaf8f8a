/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate: how often a name may do something, in memory that does not depend on
 * how many names there are. Two rows of time stamps, each indexed by a hash of
 * the name; a name is over its rate only when both say so, so others
 * that fall on one of its places do it no harm.
 * Owns: its rows.  Thread: any (a lock inside; not for hot paths).
 */
#ifndef FLOE_SIGNALD_RATE_H
#define FLOE_SIGNALD_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate;

/* count at once, and after that count in each window_ms. NULL: no memory. */
struct rate *rate_new(uint32_t count, uint64_t window_ms);
void rate_free(struct rate *); /* NULL is fine */
/* Counts one and returns 0, or counts nothing and tells in how many ms the
 * next may come. */
uint64_t
rate_take(struct rate *, const void *name, size_t len, uint64_t now_ms);

#endif
