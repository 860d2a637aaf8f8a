/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/htab.h"

#define HTAB_FIRST_SLOTS 16

void
htab_init(struct htab *t, size_t max)
{
	*t = (struct htab){ .max = max };
}

void
htab_fini(struct htab *t)
{
	free(t->now.slots);
	free(t->next.slots);
	free(t->old);
	*t = (struct htab){ .max = 0 };
}

static void *
array_find(
    const struct htab_array *a, uint64_t hash, htab_eq_fn *eq, const void *key)
{
	const struct htab_slot *s;
	size_t i;

	for (i = hash & a->mask;; i = (i + 1) & a->mask) {
		s = &a->slots[i];
		if (s->obj == NULL)
			return NULL;
		if (s->hash == hash && eq(s->obj, key))
			return s->obj;
	}
}

void *
htab_find(const struct htab *t, uint64_t hash, htab_eq_fn *eq, const void *key)
{
	void *obj;

	if (t->now.slots == NULL)
		return NULL;
	obj = array_find(&t->now, hash, eq, key);
	return obj == NULL && t->moving ? array_find(&t->next, hash, eq, key)
					: obj;
}

static void
array_insert(struct htab_array *a, uint64_t hash, void *obj)
{
	size_t i = hash & a->mask;

	while (a->slots[i].obj != NULL)
		i = (i + 1) & a->mask;
	a->slots[i] = (struct htab_slot){ hash, obj };
}

/*
 * Closes the gap at i: an entry further on in the run moves back unless its
 * home lies (cyclically) behind the gap.
 */
static void
array_close_gap(struct htab_array *a, size_t i)
{
	size_t j, home;

	for (j = (i + 1) & a->mask; a->slots[j].obj != NULL;
	     j = (j + 1) & a->mask) {
		home = a->slots[j].hash & a->mask;
		if (((j - home) & a->mask) < ((j - i) & a->mask))
			continue;
		a->slots[i] = a->slots[j];
		i = j;
	}
	a->slots[i].obj = NULL;
}

static bool
array_del(struct htab_array *a, uint64_t hash, const void *obj)
{
	size_t i;

	for (i = hash & a->mask; a->slots[i].obj != NULL;
	     i = (i + 1) & a->mask) {
		if (a->slots[i].obj != obj)
			continue;
		array_close_gap(a, i);
		return true;
	}
	return false;
}

/* Of one array more than 3/4 are never in use; a bigger one is begun a little
 * earlier, to be clear of old bytes by then. */
static bool
is_full(const struct htab *t, size_t sixtyfourths)
{
	return 64 * (t->used + 1) > sixtyfourths * (t->now.mask + 1);
}

static int
htab_first(struct htab *t)
{
	t->now.slots = calloc(HTAB_FIRST_SLOTS, sizeof(*t->now.slots));
	if (t->now.slots == NULL)
		return -ENOMEM;
	t->now.mask = HTAB_FIRST_SLOTS - 1;
	return 0;
}

/* Not calloc: of big arrays that would be the stall we are to avoid. */
static void
htab_begin(struct htab *t)
{
	size_t n = 2 * (t->now.mask + 1);

	t->next.slots = malloc(n * sizeof(*t->next.slots));
	t->next.mask = n - 1;
	t->cleared = 0;
}

static void
htab_clear_some(struct htab *t)
{
	size_t left = t->next.mask + 1 - t->cleared;
	size_t n = left < HTAB_CLEAR_STEP ? left : HTAB_CLEAR_STEP;

	memset(t->next.slots + t->cleared, 0, n * sizeof(*t->next.slots));
	t->cleared += n;
	t->moving = n == left;
	t->moved = 0;
}

static void
htab_move_some(struct htab *t)
{
	struct htab_slot *s;
	int i;

	for (i = 0; i < HTAB_MOVE_STEP && t->moved <= t->now.mask; i++) {
		s = &t->now.slots[t->moved];
		if (s->obj == NULL) {
			t->moved++;
			continue;
		}
		array_insert(&t->next, s->hash, s->obj);
		/* Fills s anew when a run goes on behind it. */
		array_close_gap(&t->now, t->moved);
	}
	if (t->moved <= t->now.mask)
		return;
	free(t->old);
	t->old = t->now.slots;
	t->nold = t->now.mask + 1;
	t->now = t->next;
	t->next.slots = NULL;
	t->moving = false;
}

/* From its end on: all at once, a megabyte of pages takes 0.1 ms. */
static void
htab_free_some(struct htab *t)
{
	struct htab_slot *less = NULL;

	t->nold -= t->nold < HTAB_FREE_STEP ? t->nold : HTAB_FREE_STEP;
	if (t->nold > 0)
		less = realloc(t->old, t->nold * sizeof(*less));
	if (less == NULL)
		free(t->old);
	t->old = less;
}

/*
 * From 23/32 on a bigger array is cleared, 1/32 of the entries later it takes
 * over, and the old one is empty long before the new one is full in turn:
 * twice the slots need 1/8 as many puts. Without memory the old one serves
 * until 3/4.
 */
static int
htab_grow(struct htab *t)
{
	if (t->now.slots == NULL)
		return htab_first(t);
	if (t->old != NULL)
		htab_free_some(t);
	if (t->next.slots == NULL && is_full(t, 46) &&
	    4 * t->max > 3 * (t->now.mask + 1))
		htab_begin(t);
	if (t->next.slots == NULL)
		return is_full(t, 48) ? -ENOMEM : 0;
	if (!t->moving)
		htab_clear_some(t);
	if (t->moving)
		htab_move_some(t);
	return 0;
}

int
htab_put(struct htab *t, uint64_t hash, void *obj)
{
	int err;

	if (t->used >= t->max)
		return -ENOSPC;
	err = htab_grow(t);
	if (err != 0)
		return err;
	array_insert(t->moving ? &t->next : &t->now, hash, obj);
	t->used++;
	return 0;
}

bool
htab_del(struct htab *t, uint64_t hash, const void *obj)
{
	if (t->now.slots == NULL)
		return false;
	if (!array_del(&t->now, hash, obj) &&
	    !(t->moving && array_del(&t->next, hash, obj)))
		return false;
	t->used--;
	return true;
}

void *
htab_next(const struct htab *t, size_t *pos)
{
	size_t now = t->now.slots == NULL ? 0 : t->now.mask + 1;
	size_t all = t->moving ? now + t->next.mask + 1 : now;
	void *obj;

	while (*pos < all) {
		obj = *pos < now ? t->now.slots[*pos].obj
				 : t->next.slots[*pos - now].obj;
		(*pos)++;
		if (obj != NULL)
			return obj;
	}
	return NULL;
}

size_t
htab_bytes(const struct htab *t)
{
	size_t n = t->now.slots == NULL ? 0 : t->now.mask + 1;

	if (t->next.slots != NULL)
		n += t->next.mask + 1;
	if (t->old != NULL)
		n += t->nold;
	return n * sizeof(struct htab_slot);
}
