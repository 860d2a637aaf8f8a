/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/pool.h"

#define SLAB_BYTES 16384

struct pool_obj {
	SLIST_ENTRY(pool_obj) next;
};

struct slab {
	SLIST_ENTRY(slab) next;
	alignas(64) unsigned char mem[];
};

struct pool {
	SLIST_HEAD(, slab) slabs;
	SLIST_HEAD(, pool_obj) idle;
	size_t size; /* of an object, a multiple of its alignment */
	size_t per_slab;
	size_t max;
	size_t made;
	size_t used;
};

struct pool *
pool_new(size_t obj_size, size_t count)
{
	struct pool *p = calloc(1, sizeof(*p));
	/* Objects of a cache line or more start on one. */
	size_t align = obj_size >= 64 ? 64 : alignof(max_align_t);

	if (p == NULL)
		return NULL;
	p->size = (obj_size + align - 1) / align * align;
	p->per_slab = SLAB_BYTES / p->size;
	if (p->per_slab == 0)
		p->per_slab = 1;
	p->max = count;
	return p;
}

void
pool_free(struct pool *p)
{
	struct slab *s;

	if (p == NULL)
		return;
	while ((s = SLIST_FIRST(&p->slabs)) != NULL) {
		SLIST_REMOVE_HEAD(&p->slabs, next);
		free(s);
	}
	free(p);
}

static void
pool_grow(struct pool *p)
{
	struct slab *s;
	size_t i, n = p->per_slab;

	if (n > p->max - p->made)
		n = p->max - p->made;
	if (n == 0)
		return;
	s = aligned_alloc(64, sizeof(*s) + (n * p->size + 63) / 64 * 64);
	if (s == NULL)
		return;
	SLIST_INSERT_HEAD(&p->slabs, s, next);
	for (i = n; i-- > 0;)
		SLIST_INSERT_HEAD(&p->idle,
		    (struct pool_obj *)(void *)(s->mem + i * p->size), next);
	p->made += n;
}

void *
pool_get(struct pool *p)
{
	struct pool_obj *o;

	if (SLIST_EMPTY(&p->idle))
		pool_grow(p);
	o = SLIST_FIRST(&p->idle);
	if (o == NULL)
		return NULL;
	SLIST_REMOVE_HEAD(&p->idle, next);
	p->used++;
	return memset(o, 0, p->size);
}

void
pool_put(struct pool *p, void *obj)
{
	struct pool_obj *o = obj;

	if (o == NULL)
		return;
	SLIST_INSERT_HEAD(&p->idle, o, next);
	p->used--;
}

size_t
pool_used(const struct pool *p)
{
	return p->used;
}
