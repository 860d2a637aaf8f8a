/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/hash.h"
#include "lib/crypto/crypto.h"
#include "signald/share.h"

#define ROWS   2
#define PLACES 65536 /* few of 100,000 names fall on one */

struct share {
	pthread_mutex_t lock;
	struct hash_key key; /* places cannot be aimed at from outside */
	uint32_t most;
	uint32_t held[ROWS][PLACES];
};

struct share *
share_new(uint32_t most)
{
	struct share *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	crypto_random(&s->key, sizeof(s->key));
	s->most = most;
	return s;
}

void
share_free(struct share *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static uint32_t *
place(struct share *s, uint64_t hash, int row)
{
	return &s->held[row][(hash >> (32 * row)) % PLACES];
}

bool
share_take(struct share *s, const void *name, size_t len)
{
	uint64_t hash = hash_bytes(&s->key, name, len);
	bool has_room = false;
	int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < ROWS; i++)
		has_room = has_room || *place(s, hash, i) < s->most;
	for (i = 0; has_room && i < ROWS; i++)
		++*place(s, hash, i);
	pthread_mutex_unlock(&s->lock);
	return has_room;
}

void
share_give(struct share *s, const void *name, size_t len)
{
	uint64_t hash = hash_bytes(&s->key, name, len);
	int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < ROWS; i++)
		--*place(s, hash, i);
	pthread_mutex_unlock(&s->lock);
}
