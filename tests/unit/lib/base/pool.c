/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdalign.h>

#include "lib/base/pool.h"
#include "tests/unit/test.h"

#define COUNT 1000

static void
hands_out_count_zeroed_objects(void **state)
{
	static const size_t sizes[] = { 1, 8, 24, 64, 65, 200, 20000 };
	static unsigned char *objects[COUNT];
	size_t s, i, k, align;
	struct pool *p;

	for (s = 0; s < LEN(sizes); s++) {
		p = pool_new(sizes[s], COUNT);
		align = sizes[s] >= 64 ? 64 : alignof(max_align_t);
		for (i = 0; i < COUNT; i++) {
			objects[i] = pool_get(p);
			assert_non_null(objects[i]);
			assert_int_equal((uintptr_t)objects[i] % align, 0);
			for (k = 0; k < sizes[s]; k++)
				assert_int_equal(objects[i][k], 0);
			memset(objects[i], (int)i | 1, sizes[s]);
		}
		assert_int_equal(pool_used(p), COUNT);
		assert_null(pool_get(p));
		for (i = 0; i < COUNT; i++) {
			assert_int_equal(objects[i][0], (unsigned char)(i | 1));
			assert_int_equal(
			    objects[i][sizes[s] - 1], (unsigned char)(i | 1));
		}
		pool_put(p, objects[7]);
		pool_put(p, NULL);
		assert_int_equal(pool_used(p), COUNT - 1);
		objects[7] = pool_get(p);
		for (k = 0; k < sizes[s]; k++)
			assert_int_equal(objects[7][k], 0);
		assert_null(pool_get(p));
		for (i = 0; i < COUNT; i++)
			pool_put(p, objects[i]);
		assert_int_equal(pool_used(p), 0);
		pool_free(p);
	}
	pool_free(NULL);
}

static void
none_means_none(void **state)
{
	struct pool *p = pool_new(16, 0);

	assert_null(pool_get(p));
	pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_count_zeroed_objects),
		cmocka_unit_test(none_means_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
