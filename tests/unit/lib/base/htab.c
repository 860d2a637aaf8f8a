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
		if (step % 100 == 0)
			agree(&t);
	}
	agree(&t);
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
	assert_true(t.mask + 1 <= 256);
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
		cmocka_unit_test(full_means_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
