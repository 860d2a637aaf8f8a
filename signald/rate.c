/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/hash.h"
#include "lib/crypto/crypto.h"
#include "signald/rate.h"

#define ROWS   2
#define PLACES 4096

struct rate {
	pthread_mutex_t lock;
	struct hash_key key; /* places cannot be aimed at from outside */
	uint64_t burst_ms, period_ms;
	/* When the names of a place will have spent nothing (the "theoretical
	 * arrival time" of the generic cell rate algorithm). */
	uint64_t clear_ms[ROWS][PLACES];
};

struct rate *
rate_new(uint32_t burst, uint64_t period_ms)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	crypto_random(&r->key, sizeof(r->key));
	r->period_ms = period_ms;
	r->burst_ms = burst * period_ms;
	return r;
}

void
rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

uint64_t
rate_take(struct rate *r, const void *name, size_t len, uint64_t now_ms)
{
	uint64_t hash = hash_bytes(&r->key, name, len);
	uint64_t *place[ROWS], clear, wait = 0;
	int i;

	pthread_mutex_lock(&r->lock);
	clear = UINT64_MAX;
	for (i = 0; i < ROWS; i++) {
		place[i] = &r->clear_ms[i][(hash >> (32 * i)) % PLACES];
		if (*place[i] < now_ms)
			*place[i] = now_ms;
		if (*place[i] < clear)
			clear = *place[i];
	}
	if (clear + r->period_ms > now_ms + r->burst_ms)
		wait = clear + r->period_ms - now_ms - r->burst_ms;
	for (i = 0; wait == 0 && i < ROWS; i++)
		*place[i] += r->period_ms;
	pthread_mutex_unlock(&r->lock);
	return wait;
}
