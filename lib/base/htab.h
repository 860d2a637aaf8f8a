/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * htab: open-addressing table of pointers by a keyed 64-bit hash, linear
 * probing with backward-shift deletion (no tombstones, so churn does not
 * slow it down). The caller hashes (lib/base/hash.h) and compares.
 * At most 3/4 full; grows by doubling up to the entries given at init.
 * Owns: the slots, never the objects.  Thread: one.
 */
#ifndef FLOE_LIB_BASE_HTAB_H
#define FLOE_LIB_BASE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct htab_slot {
	uint64_t hash;
	void *obj; /* NULL: empty */
};

struct htab {
	struct htab_slot *slots;
	size_t mask; /* slots - 1; slots is a power of two */
	size_t used;
	size_t max;
};

/* True when obj is the one that key names. */
typedef bool htab_eq_fn(const void *obj, const void *key);

void htab_init(struct htab *, size_t max);
void htab_fini(struct htab *);
void *
htab_find(const struct htab *, uint64_t hash, htab_eq_fn *, const void *key);
/* 0, -ENOSPC (max reached) or -ENOMEM. The key must not be there yet. */
int htab_put(struct htab *, uint64_t hash, void *obj);
/* Removes exactly this object; false when it is not there. */
bool htab_del(struct htab *, uint64_t hash, const void *obj);
/* Walks all objects: start with *pos = 0; NULL at the end. No changes while
 * walking. */
void *htab_next(const struct htab *, size_t *pos);

#endif
