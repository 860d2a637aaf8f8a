/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/load/latency.h"

int
latency_init(struct latency *l)
{
	/* Pages that are not used cost nothing. */
	l->us = malloc(LATENCY_MAX * sizeof(*l->us));
	l->n = 0;
	return l->us != NULL ? 0 : -ENOMEM;
}

void
latency_add(struct latency *l, uint64_t us)
{
	if (l->n < LATENCY_MAX)
		l->us[l->n++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void
latency_sort(struct latency *l)
{
	qsort(l->us, l->n, sizeof(*l->us), by_size);
}

uint32_t
latency_us(const struct latency *l, double p)
{
	size_t i = (size_t)(p * (double)l->n);

	return l->n == 0 ? 0 : l->us[i < l->n ? i : l->n - 1];
}

static double
percentile_ms(const struct latency *l, double p)
{
	return (double)latency_us(l, p) / 1000;
}

void
latency_print(struct latency *l, const char *what)
{
	latency_sort(l);
	printf("%s ms: p50 %.2f p90 %.2f p99 %.2f p99.9 %.2f max %.2f\n", what,
	    percentile_ms(l, 0.50), percentile_ms(l, 0.90),
	    percentile_ms(l, 0.99), percentile_ms(l, 0.999),
	    percentile_ms(l, 1.0));
}
