/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/micro/bench.h"
#include "lib/crypto/crypto.h"

#define ROUNDS   7
#define ROUND_NS 20000000u

static volatile uint64_t sink;

/* CPU time, because other programs share the machine. */
static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t
time_ns(const struct bench *b, uint64_t n)
{
	uint64_t from = cpu_ns();

	sink += b->run(n);
	return cpu_ns() - from;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
measure(const struct bench *b)
{
	double ns[ROUNDS];
	uint64_t n = 1;
	int i;

	if (b->setup != NULL)
		b->setup();
	while (time_ns(b, n) < ROUND_NS)
		n *= 2;
	for (i = 0; i < ROUNDS; i++)
		ns[i] = (double)time_ns(b, n) / (double)n;
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("%-44s %10.1f %10.1f\n", b->name, ns[0], ns[ROUNDS / 2]);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const struct bench *const all[] = { base_benches, addr_benches,
		stun_benches, turn_benches, net_benches };
	const struct bench *b;
	size_t i;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fprintf(stderr, "usage: %s [part of a name]\n", argv[0]);
		return 2;
	}
	if (crypto_init() != 0)
		return 1;
	printf(
	    "%-44s %10s %10s\n", "ns of CPU per operation", "best", "median");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (b = all[i]; b->name != NULL; b++) {
			if (argc < 2 || strstr(b->name, argv[1]) != NULL)
				measure(b);
		}
	}
	crypto_fini();
	return 0;
}
