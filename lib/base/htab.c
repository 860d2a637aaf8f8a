/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

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
	free(t->slots);
	*t = (struct htab){ .slots = NULL };
}

void *
htab_find(const struct htab *t, uint64_t hash, htab_eq_fn *eq, const void *key)
{
	const struct htab_slot *s;
	size_t i;

	if (t->slots == NULL)
		return NULL;
	for (i = hash & t->mask;; i = (i + 1) & t->mask) {
		s = &t->slots[i];
		if (s->obj == NULL)
			return NULL;
		if (s->hash == hash && eq(s->obj, key))
			return s->obj;
	}
}

static void
htab_insert(struct htab *t, uint64_t hash, void *obj)
{
	size_t i = hash & t->mask;

	while (t->slots[i].obj != NULL)
		i = (i + 1) & t->mask;
	t->slots[i] = (struct htab_slot){ hash, obj };
}

static int
htab_grow(struct htab *t)
{
	struct htab old = *t;
	size_t n, i;

	n = old.slots == NULL ? HTAB_FIRST_SLOTS : 2 * (old.mask + 1);
	t->slots = calloc(n, sizeof(*t->slots));
	if (t->slots == NULL) {
		*t = old;
		return -ENOMEM;
	}
	t->mask = n - 1;
	for (i = 0; old.slots != NULL && i <= old.mask; i++) {
		if (old.slots[i].obj != NULL)
			htab_insert(t, old.slots[i].hash, old.slots[i].obj);
	}
	free(old.slots);
	return 0;
}

int
htab_put(struct htab *t, uint64_t hash, void *obj)
{
	int err;

	if (t->used >= t->max)
		return -ENOSPC;
	if (t->slots == NULL || 4 * (t->used + 1) > 3 * (t->mask + 1)) {
		err = htab_grow(t);
		if (err != 0)
			return err;
	}
	htab_insert(t, hash, obj);
	t->used++;
	return 0;
}

/*
 * Closes the gap at i: an entry further on in the run moves back unless its
 * home lies (cyclically) behind the gap.
 */
static void
htab_close_gap(struct htab *t, size_t i)
{
	size_t j, home;

	for (j = (i + 1) & t->mask; t->slots[j].obj != NULL;
	     j = (j + 1) & t->mask) {
		home = t->slots[j].hash & t->mask;
		if (((j - home) & t->mask) < ((j - i) & t->mask))
			continue;
		t->slots[i] = t->slots[j];
		i = j;
	}
	t->slots[i].obj = NULL;
}

bool
htab_del(struct htab *t, uint64_t hash, const void *obj)
{
	size_t i;

	if (t->slots == NULL)
		return false;
	for (i = hash & t->mask; t->slots[i].obj != NULL;
	     i = (i + 1) & t->mask) {
		if (t->slots[i].obj != obj)
			continue;
		htab_close_gap(t, i);
		t->used--;
		return true;
	}
	return false;
}

void *
htab_next(const struct htab *t, size_t *pos)
{
	if (t->slots == NULL)
		return NULL;
	while (*pos <= t->mask) {
		void *obj = t->slots[(*pos)++].obj;

		if (obj != NULL)
			return obj;
	}
	return NULL;
}
