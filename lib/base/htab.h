/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * htab: open-addressing table of pointers by a keyed 64-bit hash, linear
 * probing with backward-shift deletion (no tombstones, so churn does not
 * slow it down). The caller hashes (lib/base/hash.h) and compares.
 * At most 3/4 full; grows by doubling up to the entries given at init, and in
 * steps: a put clears and moves at most so many slots, because a relay that
 * stands still for 40 ms while 800,000 entries move is heard.
 * Owns: the slots, never the objects.  Thread: one.
 */
#ifndef FLOE_LIB_BASE_HTAB_H
#define FLOE_LIB_BASE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one put does for a growing table, at most. */
#define HTAB_CLEAR_STEP 64   /* slots of the new array made empty */
#define HTAB_MOVE_STEP  16   /* entries moved, or empty slots passed over */
#define HTAB_FREE_STEP  4096 /* slots of the old array given back */

struct htab_slot {
	uint64_t hash;
	void *obj; /* NULL: empty */
};

struct htab_array {
	struct htab_slot *slots;
	size_t mask; /* slots - 1; slots is a power of two */
};

struct htab {
	struct htab_array now;
	struct htab_array next; /* twice as big; slots NULL: not growing */
	size_t cleared;         /* slots of next that are empty by now */
	size_t moved;           /* slots of now that are */
	struct htab_slot *old;  /* what is left of the array before */
	size_t nold;
	bool moving; /* next takes what is put; both are looked through */
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
size_t htab_bytes(const struct htab *); /* of its arrays */

#endif
