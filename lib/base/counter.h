/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counter: a number with one writer and any number of readers on other
 * threads, so counting is a plain add and reading needs no lock.
 * Owns: nothing.  Thread: one adds, any gets.
 */
#ifndef FLOE_LIB_BASE_COUNTER_H
#define FLOE_LIB_BASE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

static inline void
counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void
counter_sub(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter - n, __ATOMIC_RELAXED);
}

static inline uint64_t
counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds n counters of another thread to one's own sums. */
static inline void
counter_sum(uint64_t *sums, const uint64_t *counters, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sums[i] += counter_get(&counters[i]);
}

#endif
