/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "turnd/core/quota.h"

static void
test_per_user(void **state)
{
	struct turn_quota *q = turn_quota_new(2, 100);

	assert_int_equal(turn_quota_take(q, 7), 0);
	assert_int_equal(turn_quota_take(q, 7), 0);
	assert_int_equal(turn_quota_take(q, 7), -EDQUOT);
	assert_int_equal(turn_quota_take(q, 8), 0);
	assert_int_equal(turn_quota_of(q, 7), 2);
	turn_quota_give(q, 7);
	assert_int_equal(turn_quota_take(q, 7), 0);
	turn_quota_give(q, 9); /* has none */
	assert_int_equal(turn_quota_of(q, 9), 0);
	turn_quota_free(q);
}

static void
test_in_all(void **state)
{
	struct turn_quota *q = turn_quota_new(0, 3);
	uint64_t user;

	for (user = 1; user <= 3; user++)
		assert_int_equal(turn_quota_take(q, user), 0);
	assert_int_equal(turn_quota_take(q, 4), -ENOSPC);
	assert_int_equal(turn_quota_take(q, 1), -ENOSPC);
	turn_quota_give(q, 2);
	assert_int_equal(turn_quota_take(q, 1), 0);
	assert_int_equal(turn_quota_of(q, 1), 2);
	turn_quota_free(q);
}

static void
test_entries_are_given_back(void **state)
{
	struct turn_quota *q = turn_quota_new(1, 2);
	uint64_t user;

	for (user = 1; user < 10000; user++) {
		assert_int_equal(turn_quota_take(q, user), 0);
		turn_quota_give(q, user);
	}
	turn_quota_free(q);
	turn_quota_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_user),
		cmocka_unit_test(test_in_all),
		cmocka_unit_test(test_entries_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
