/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "turnd/core/quota.h"

static void
test_per_user(void **state)
{
	struct turn_quota *q = turn_quota_new(2, 100);

	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), -EDQUOT);
	assert_int_equal(turn_quota_take(q, 8, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_of(q, 7, TURN_V4), 2);
	turn_quota_give(q, 7, TURN_V4);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), 0);
	turn_quota_give(q, 9, TURN_V4); /* has none */
	assert_int_equal(turn_quota_of(q, 9, TURN_V4), 0);
	turn_quota_free(q);
}

/* A dual allocation takes one of each family and leaves the other's alone. */
static void
test_families_are_apart(void **state)
{
	struct turn_quota *q = turn_quota_new(1, 100);

	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V6, 0), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), -EDQUOT);
	turn_quota_give(q, 7, TURN_V6);
	turn_quota_give(q, 7, TURN_V6); /* has none */
	assert_int_equal(turn_quota_of(q, 7, TURN_V4), 1);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), -EDQUOT);
	assert_int_equal(turn_quota_take(q, 7, TURN_V6, 0), 0);
	turn_quota_free(q);
}

/* One user's own number counts, be it more or less than the others'. */
static void
test_own_limit(void **state)
{
	struct turn_quota *q = turn_quota_new(2, 100);

	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 1), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 1), -EDQUOT);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 3), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 3), 0);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 3), -EDQUOT);
	assert_int_equal(turn_quota_take(q, 7, TURN_V4, 0), -EDQUOT);
	turn_quota_free(q);
}

static void
test_in_all(void **state)
{
	struct turn_quota *q = turn_quota_new(0, 3);
	uint64_t user;

	for (user = 1; user <= 3; user++)
		assert_int_equal(turn_quota_take(q, user, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_take(q, 4, TURN_V4, 0), -ENOSPC);
	assert_int_equal(turn_quota_take(q, 1, TURN_V4, 0), -ENOSPC);
	turn_quota_give(q, 2, TURN_V4);
	assert_int_equal(turn_quota_take(q, 1, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_of(q, 1, TURN_V4), 2);
	turn_quota_free(q);
}

static void
test_entries_are_given_back(void **state)
{
	struct turn_quota *q = turn_quota_new(1, 2);
	uint64_t user;

	for (user = 1; user < 10000; user++) {
		assert_int_equal(turn_quota_take(q, user, TURN_V4, 0), 0);
		turn_quota_give(q, user, TURN_V4);
	}
	turn_quota_free(q);
	turn_quota_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_user),
		cmocka_unit_test(test_families_are_apart),
		cmocka_unit_test(test_own_limit),
		cmocka_unit_test(test_in_all),
		cmocka_unit_test(test_entries_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
