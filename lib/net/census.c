/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr/limit.h"
#include "lib/base/htab.h"
#include "lib/base/pool.h"
#include "lib/net/census.h"

struct host {
	struct addr addr; /* of its network, port 0 */
	uint32_t count;
};

struct census {
	pthread_mutex_t lock; /* taken when a connection begins or ends */
	struct hash_key key;
	uint32_t per_host;
	struct htab table;
	struct pool *pool;
};

struct census *
census_new(size_t max, uint32_t per_host, const struct hash_key *key)
{
	struct census *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->key = *key;
	c->per_host = per_host;
	htab_init(&c->table, max);
	c->pool = pool_new(sizeof(struct host), max);
	if (c->pool == NULL) {
		census_free(c);
		return NULL;
	}
	return c;
}

void
census_free(struct census *c)
{
	if (c == NULL)
		return;
	htab_fini(&c->table);
	pool_free(c->pool);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static bool
host_eq(const void *host, const void *addr)
{
	return addr_equal(&((const struct host *)host)->addr, addr);
}

/* NULL: no room for another host. */
static struct host *
host_new(struct census *c, uint64_t hash, const struct addr *addr)
{
	struct host *h = pool_get(c->pool);

	if (h == NULL)
		return NULL;
	h->addr = *addr;
	if (htab_put(&c->table, hash, h) != 0) {
		pool_put(c->pool, h);
		return NULL;
	}
	return h;
}

int
census_enter(struct census *c, const struct addr *client)
{
	struct addr addr = limit_host(client).addr;
	uint64_t hash = hash_bytes(&c->key, &addr, sizeof(addr));
	struct host *h;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	h = htab_find(&c->table, hash, host_eq, &addr);
	if (h == NULL)
		h = host_new(c, hash, &addr);
	if (h == NULL)
		err = -ENOSPC;
	else if (h->count >= c->per_host)
		err = -EUSERS;
	else
		h->count++;
	pthread_mutex_unlock(&c->lock);
	return err;
}

void
census_leave(struct census *c, const struct addr *client)
{
	struct addr addr = limit_host(client).addr;
	uint64_t hash = hash_bytes(&c->key, &addr, sizeof(addr));
	struct host *h;

	pthread_mutex_lock(&c->lock);
	h = htab_find(&c->table, hash, host_eq, &addr);
	assert(h != NULL && h->count > 0);
	if (--h->count == 0) {
		htab_del(&c->table, hash, h);
		pool_put(c->pool, h);
	}
	pthread_mutex_unlock(&c->lock);
}
