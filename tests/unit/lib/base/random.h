/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * random: the same numbers in every run, so that a failure can be repeated.
 * Owns: the caller's seed.  Thread: any, one at a time.
 */
#ifndef FLOE_TESTS_UNIT_LIB_BASE_RANDOM_H
#define FLOE_TESTS_UNIT_LIB_BASE_RANDOM_H

#include <stdint.h>

/* Below n; xorshift64, the seed must not be 0. */
static inline uint64_t
random_below(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

#endif
