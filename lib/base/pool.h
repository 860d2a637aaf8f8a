/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool: equal objects in slabs, up to a fixed count. Running out is normal
 * and means "refuse". Slabs are taken when first needed, so an idle daemon
 * stays small, and given back only by pool_free.
 * Owns: the slabs.  Thread: the one that created it.
 */
#ifndef FLOE_LIB_BASE_POOL_H
#define FLOE_LIB_BASE_POOL_H

#include <stddef.h>

struct pool;

/* obj_size bytes each, at most count of them. NULL: no memory. */
struct pool *pool_new(size_t obj_size, size_t count);
/* The caller has put back every object it still uses; NULL is fine. */
void pool_free(struct pool *);
/* A zeroed object; NULL when count are out or memory is short. */
void *pool_get(struct pool *);
void pool_put(struct pool *, void *obj); /* obj NULL is fine */
size_t pool_used(const struct pool *);

#endif
