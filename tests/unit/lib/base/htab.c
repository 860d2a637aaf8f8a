/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/base/htab.h"
#include "tests/unit/lib/base/random.h"
#include "tests/unit/test.h"

#define OBJECTS 600

struct object {
	int key;
	bool in; /* the model: whether the table should hold it */
};

static struct object objects[OBJECTS];

static bool
has_key(const void *obj, const void *key)
{
	return ((const struct object *)obj)->key == *(const int *)key;
}

/* Few homes, and those at the end of the table, so that runs are long, mix
 * several homes and wrap around; and some hashes that are equal. */
static uint64_t
hash_of(int key)
{
	return ~(uint64_t)0 - (uint64_t)(key % 7) * 3 +
	    (uint64_t)(key % 50) * ((uint64_t)1 << 32);
}

static void
agree(const struct htab *t)
{
	size_t i, n = 0, pos = 0;
	struct object *o;

	for (i = 0; i < OBJECTS; i++) {
		o = htab_find(t, hash_of((int)i), has_key, &(int){ (int)i });
		assert_ptr_equal(o, objects[i].in ? &objects[i] : NULL);
		n += objects[i].in;
	}
	assert_int_equal(t->used, n);
	while ((o = htab_next(t, &pos)) != NULL) {
		assert_true(o->in);
		n--;
	}
	assert_int_equal(n, 0);
}

static void
agrees_with_a_model(void **state)
{
	uint64_t seed = 42;
	struct htab t;
	struct object *o;
	int step, k;

	htab_init(&t, OBJECTS);
	memset(objects, 0, sizeof(objects));
	agree(&t);
	for (step = 0; step < 20000; step++) {
		/* Phases that fill the table, and others that empty it. */
		k = (int)random_below(&seed, OBJECTS);
		o = &objects[k];
		o->key = k;
		if (!o->in && random_below(&seed, 4) >= step / 5000u) {
			assert_int_equal(htab_put(&t, hash_of(k), o), 0);
			o->in = true;
		} else {
			assert_int_equal(htab_del(&t, hash_of(k), o), o->in);
			o->in = false;
		}
		/* Half-way of a growth above all. */
		if (step % 100 == 0 || t.moving)
			agree(&t);
	}
	agree(&t);
	htab_fini(&t);
}

static size_t
count(const struct htab_array *a)
{
	size_t i, n = 0;

	for (i = 0; a->slots != NULL && i <= a->mask; i++)
		n += a->slots[i].obj != NULL;
	return n;
}

/* What a put did besides its own entry, to a table that was as before. */
static void
little_was_done(const struct htab *before, const struct htab *t, size_t had)
{
	bool begun = before->next.slots == NULL && t->next.slots != NULL;
	bool ended = before->next.slots != NULL && t->next.slots == NULL;

	if (!ended && t->next.slots != NULL)
		assert_true(t->cleared - (begun ? 0 : before->cleared) <=
		    HTAB_CLEAR_STEP);
	/* What goes back goes in pieces, too. */
	if (before->old != NULL)
		assert_true(t->old == NULL
			? before->nold <= HTAB_FREE_STEP
			: before->nold - t->nold <= HTAB_FREE_STEP);
	if (t->moving)
		assert_true(count(&t->next) - had <= HTAB_MOVE_STEP + 1);
	if (ended)
		assert_true(t->used - had <= HTAB_MOVE_STEP + 1);
}

/* 42 ms once, when 800,000 entries moved in one put. */
static void
no_put_moves_much(void **state)
{
	static struct object many[20000];
	uint64_t seed = 7;
	struct htab t, before;
	size_t i, had, grown = 0;

	htab_init(&t, 20000);
	for (i = 0; i < 20000; i++) {
		before = t;
		had = t.moving ? count(&t.next) : 0;
		assert_int_equal(
		    htab_put(&t, random_below(&seed, UINT32_MAX), &many[i]), 0);
		little_was_done(&before, &t, had);
		grown += before.next.slots != NULL && t.next.slots == NULL;
		/* Never more than 3/4 of what takes new entries. */
		assert_true(4 * count(&t.now) <= 3 * (t.now.mask + 1));
	}
	assert_int_equal(grown, 11);
	assert_int_equal(t.used, 20000);
	assert_true(htab_bytes(&t) <= 65536 * sizeof(struct htab_slot));
	htab_fini(&t);
}

static void
full_means_no(void **state)
{
	struct htab t;
	size_t i;

	htab_init(&t, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(htab_put(&t, i, &objects[i]), 0);
	assert_int_equal(htab_put(&t, 100, &objects[100]), -ENOSPC);
	assert_true(htab_del(&t, 50, &objects[50]));
	assert_false(htab_del(&t, 50, &objects[50]));
	assert_int_equal(htab_put(&t, 100, &objects[100]), 0);
	/* The 128 slots and, since they do not do for 100, the next 256. */
	assert_true(htab_bytes(&t) <= 384 * sizeof(struct htab_slot));
	htab_fini(&t);
	htab_init(&t, 96);
	for (i = 0; i < 96; i++)
		assert_int_equal(htab_put(&t, i, &objects[i]), 0);
	assert_true(htab_bytes(&t) == 128 * sizeof(struct htab_slot));
	htab_fini(&t);
	htab_init(&t, 0);
	assert_int_equal(htab_put(&t, 0, &objects[0]), -ENOSPC);
	assert_false(htab_del(&t, 0, &objects[0]));
	htab_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(no_put_moves_much),
		cmocka_unit_test(full_means_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
