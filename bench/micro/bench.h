/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench: nanoseconds of CPU per operation. A bench sets up once, then runs
 * n operations and returns something computed from them, which keeps the
 * compiler from leaving them out.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_BENCH_MICRO_BENCH_H
#define FLOE_BENCH_MICRO_BENCH_H

#include <stdint.h>

struct bench {
	const char *name;
	void (*setup)(void); /* may be NULL */
	uint64_t (*run)(uint64_t n);
};

/* Each ends with a row without a name. */
extern const struct bench base_benches[];
extern const struct bench addr_benches[];
extern const struct bench net_benches[];
extern const struct bench stun_benches[];
extern const struct bench turn_benches[];

/* xorshift64: the same inputs in every run. */
static inline uint64_t
bench_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

#endif
