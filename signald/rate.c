/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/hash.h"
#include "lib/crypto/crypto.h"
#include "signald/rate.h"

#define ROWS   2
#define PLACES 4096
#define MS     UINT64_C(1000000) /* in ns: high rates have short periods */

struct rate {
	pthread_mutex_t lock;
	struct hash_key key; /* places cannot be aimed at from outside */
	uint64_t window_ns, period_ns;
	/* When the names of a place will have spent nothing (the "theoretical
	 * arrival time" of the generic cell rate algorithm). */
	uint64_t clear_ns[ROWS][PLACES];
};

struct rate *
rate_new(uint32_t count, uint64_t window_ms)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	crypto_random(&r->key, sizeof(r->key));
	r->window_ns = window_ms * MS;
	r->period_ns = r->window_ns / count;
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
	uint64_t *place[ROWS], clear, now = now_ms * MS, wait = 0;
	int i;

	pthread_mutex_lock(&r->lock);
	clear = UINT64_MAX;
	for (i = 0; i < ROWS; i++) {
		place[i] = &r->clear_ns[i][(hash >> (32 * i)) % PLACES];
		if (*place[i] < now)
			*place[i] = now;
		if (*place[i] < clear)
			clear = *place[i];
	}
	if (clear + r->period_ns > now + r->window_ns)
		wait = clear + r->period_ns - now - r->window_ns;
	for (i = 0; wait == 0 && i < ROWS; i++)
		*place[i] += r->period_ns;
	pthread_mutex_unlock(&r->lock);
	return (wait + MS - 1) / MS;
}
