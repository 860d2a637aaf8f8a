/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * latency: how long each of many things took, and percentiles of it.
 * Owns: its samples.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_LATENCY_H
#define FLOE_BENCH_LOAD_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_MAX 20000000 /* what comes after is not counted */

struct latency {
	uint32_t *us; /* zeroed at first */
	size_t n;
};

int latency_init(struct latency *); /* 0 or -ENOMEM */
void latency_add(struct latency *, uint64_t us);
void latency_sort(struct latency *);
/* The one below which a part of them are, 0 to 1; when they are sorted. */
uint32_t latency_us(const struct latency *, double part);
/* A line of percentiles in ms, after this word. */
void latency_print(struct latency *, const char *what);

#endif
