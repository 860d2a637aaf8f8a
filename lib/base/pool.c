/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/pool.h"

#define SLAB_BYTES 16384

/* An idle object is as good as freed: the sanitizer shall say so, too. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p))
#endif

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

	assert(obj_size > 0);
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
make_idle(struct pool *p, void *obj)
{
	struct pool_obj *o = obj;

	SLIST_INSERT_HEAD(&p->idle, o, next);
	ASAN_POISON_MEMORY_REGION(o + 1, p->size - sizeof(*o));
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
		make_idle(p, s->mem + i * p->size);
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
	ASAN_UNPOISON_MEMORY_REGION(o, p->size);
	return memset(o, 0, p->size);
}

void
pool_put(struct pool *p, void *obj)
{
	if (obj == NULL)
		return;
	make_idle(p, obj);
	p->used--;
}

size_t
pool_used(const struct pool *p)
{
	return p->used;
}
