/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "turnd/core/quota.h"

static int
take(struct turn_quota *q, uint64_t user, enum turn_family family,
    uint32_t limit)
{
	const struct turn_share share = { user, limit, 0, family };

	return turn_quota_take(q, &share);
}

static void
give(struct turn_quota *q, uint64_t user, enum turn_family family)
{
	const struct turn_share share = { user, 0, 0, family };

	turn_quota_give(q, &share);
}

static void
test_per_realm(void **state)
{
	struct turn_quota *q = turn_quota_new(0, 2, 100);
	struct turn_share a = { .user = 1, .realm = 1 };
	struct turn_share b = { .user = 2, .realm = 1, .family = TURN_V6 };
	struct turn_share c = { .user = 3, .realm = 2 };

	assert_int_equal(turn_quota_take(q, &a), 0);
	assert_int_equal(turn_quota_take(q, &b), 0);
	assert_int_equal(turn_quota_take(q, &a), -EUSERS);
	assert_int_equal(turn_quota_take(q, &c), 0);
	turn_quota_give(q, &b);
	assert_int_equal(turn_quota_take(q, &a), 0);
	turn_quota_free(q);
}

static void
test_per_user(void **state)
{
	struct turn_quota *q = turn_quota_new(2, 0, 100);

	assert_int_equal(take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(take(q, 7, TURN_V4, 0), -EDQUOT);
	assert_int_equal(take(q, 8, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_of(q, 7, TURN_V4), 2);
	give(q, 7, TURN_V4);
	assert_int_equal(take(q, 7, TURN_V4, 0), 0);
	give(q, 9, TURN_V4); /* has none */
	assert_int_equal(turn_quota_of(q, 9, TURN_V4), 0);
	turn_quota_free(q);
}

/* A dual allocation takes one of each family and leaves the other's alone. */
static void
test_families_are_apart(void **state)
{
	struct turn_quota *q = turn_quota_new(1, 0, 100);

	assert_int_equal(take(q, 7, TURN_V4, 0), 0);
	assert_int_equal(take(q, 7, TURN_V6, 0), 0);
	assert_int_equal(take(q, 7, TURN_V4, 0), -EDQUOT);
	give(q, 7, TURN_V6);
	give(q, 7, TURN_V6); /* has none */
	assert_int_equal(turn_quota_of(q, 7, TURN_V4), 1);
	assert_int_equal(take(q, 7, TURN_V4, 0), -EDQUOT);
	assert_int_equal(take(q, 7, TURN_V6, 0), 0);
	turn_quota_free(q);
}

/* One user's own number counts, be it more or less than the others'. */
static void
test_own_limit(void **state)
{
	struct turn_quota *q = turn_quota_new(2, 0, 100);

	assert_int_equal(take(q, 7, TURN_V4, 1), 0);
	assert_int_equal(take(q, 7, TURN_V4, 1), -EDQUOT);
	assert_int_equal(take(q, 7, TURN_V4, 3), 0);
	assert_int_equal(take(q, 7, TURN_V4, 3), 0);
	assert_int_equal(take(q, 7, TURN_V4, 3), -EDQUOT);
	assert_int_equal(take(q, 7, TURN_V4, 0), -EDQUOT);
	turn_quota_free(q);
}

/* Both sides of a call, 9 allocations each, fit whatever there is; nobody gets
 * all of it. */
static void
test_default(void **state)
{
	static const size_t rooms[] = { 1, 18, 100, 180, 16384, 1000000 };
	struct turn_quota *q;
	size_t i, n;

	for (i = 0; i < LEN(rooms); i++) {
		q = turn_quota_new(turn_quota_default(rooms[i]), 0, 2000000);
		for (n = 0; n < TURN_QUOTA_CALL; n++)
			assert_int_equal(take(q, 7, TURN_V4, 0), 0);
		while (take(q, 7, TURN_V4, 0) == 0)
			n++;
		assert_true(n == 18 || n <= rooms[i] / 10);
		assert_int_equal(take(q, 8, TURN_V4, 0), 0);
		turn_quota_free(q);
	}
	assert_int_equal(turn_quota_default(16384), 1638);
}

static void
test_in_all(void **state)
{
	struct turn_quota *q = turn_quota_new(0, 0, 3);
	uint64_t user;

	for (user = 1; user <= 3; user++)
		assert_int_equal(take(q, user, TURN_V4, 0), 0);
	assert_int_equal(take(q, 4, TURN_V4, 0), -ENOSPC);
	assert_int_equal(take(q, 1, TURN_V4, 0), -ENOSPC);
	give(q, 2, TURN_V4);
	assert_int_equal(take(q, 1, TURN_V4, 0), 0);
	assert_int_equal(turn_quota_of(q, 1, TURN_V4), 2);
	turn_quota_free(q);
}

static void
test_entries_are_given_back(void **state)
{
	struct turn_quota *q = turn_quota_new(1, 0, 2);
	uint64_t user;

	for (user = 1; user < 10000; user++) {
		assert_int_equal(take(q, user, TURN_V4, 0), 0);
		give(q, user, TURN_V4);
	}
	turn_quota_free(q);
	turn_quota_free(NULL);
}

static struct turn_share
share_of_user(uint64_t user)
{
	return (struct turn_share){ .user = user, .family = TURN_V4 };
}

/* What passes in pieces of 100. */
static size_t
passes(struct turn_part *p, uint64_t now_ms)
{
	size_t n = 0;

	while (bucket_slice_has(
	    &p->left[TURN_UP], &p->from[TURN_UP], 100, now_ms)) {
		bucket_slice_take(&p->left[TURN_UP], 100);
		n += 100;
	}
	return n;
}

/* Of one user all workers' parts are one pipe, and lines of their own. */
static void
parts_share_a_pipe(void **state)
{
	struct turn_quota *q = turn_quota_new(0, 0, 10);
	const struct bucket_rate rate = { 10000, 10000 }, none = { 0, 0 };
	struct turn_share a = share_of_user(1), b = share_of_user(2);
	struct turn_part *one, *two, *other;
	size_t n;

	/* Nobody who is not counted has one. */
	assert_int_equal(turn_quota_part(q, 1, &rate, 0, 2, &one), 0);
	assert_null(one);
	assert_int_equal(turn_quota_take(q, &a), 0);
	assert_int_equal(turn_quota_take(q, &b), 0);
	assert_int_equal(turn_quota_part(q, 1, &none, 0, 2, &one), 0);
	assert_null(one);
	assert_int_equal(turn_quota_part(q, 1, &rate, 0, 2, &one), 0);
	assert_int_equal(turn_quota_part(q, 1, &rate, 1, 2, &two), 0);
	assert_int_equal(turn_quota_part(q, 2, &rate, 1, 2, &other), 0);
	assert_true((uintptr_t)one % 64 == 0 && two == one + 1);
	n = passes(one, 1000);
	assert_in_range(n, 9900, 10000);
	assert_true(passes(two, 1000) <= 10000 - n);
	assert_in_range(passes(other, 1000), 9900, 10000);
	n = passes(two, 1500) + passes(one, 1500);
	assert_in_range(n, 4900, 5100);
	/* His limit is gone, and with him the rest. */
	assert_int_equal(turn_quota_part(q, 1, &none, 0, 2, &one), 0);
	assert_true(bucket_slice_has(
	    &one->left[TURN_UP], &one->from[TURN_UP], 1000000, 1500));
	turn_quota_give(q, &a);
	assert_int_equal(turn_quota_part(q, 1, &rate, 0, 2, &one), 0);
	assert_null(one);
	turn_quota_free(q); /* b still has his */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_user),
		cmocka_unit_test(test_families_are_apart),
		cmocka_unit_test(test_per_realm),
		cmocka_unit_test(test_own_limit),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_in_all),
		cmocka_unit_test(test_entries_are_given_back),
		cmocka_unit_test(parts_share_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
