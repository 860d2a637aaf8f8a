/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/crypto/crypto.h"
#include "signald/rate.h"
#include "tests/unit/test.h"

#define NOW 1000000

static uint64_t
take(struct rate *r, const char *name, uint64_t now)
{
	return rate_take(r, name, strlen(name), now);
}

static void
test_burst_then_pace(void **state)
{
	struct rate *r = rate_new(3, 3000);

	assert_int_equal(take(r, "a", NOW), 0);
	assert_int_equal(take(r, "a", NOW), 0);
	assert_int_equal(take(r, "a", NOW + 100), 0);
	assert_int_equal(take(r, "a", NOW + 100), 900);
	assert_int_equal(take(r, "a", NOW + 999), 1);
	assert_int_equal(take(r, "a", NOW + 1000), 0);
	assert_int_equal(take(r, "a", NOW + 1000), 1000);
	/* After a rest the whole burst is there again, and no more. */
	assert_int_equal(take(r, "a", NOW + 100000), 0);
	assert_int_equal(take(r, "a", NOW + 100000), 0);
	assert_int_equal(take(r, "a", NOW + 100000), 0);
	assert_int_equal(take(r, "a", NOW + 100000), 1000);
	rate_free(r);
}

static void
test_names_do_not_disturb_each_other(void **state)
{
	struct rate *r = rate_new(1, 1000);
	char name[16];
	int i, refused = 0;

	assert_int_equal(take(r, "busy", NOW), 0);
	for (i = 0; i < 1000; i++)
		assert_true(take(r, "busy", NOW) > 0);
	/* Few of so many share both their places with a spent one. */
	for (i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		refused += take(r, name, NOW) > 0;
	}
	assert_true(refused < 40);
	rate_free(r);
}

/* The caller's clocks are those of several loops, a little apart. */
static void
test_many_a_millisecond(void **state)
{
	struct rate *r = rate_new(100000, 60000);
	int i;

	for (i = 0; i < 99999; i++)
		assert_int_equal(take(r, "a", NOW + 1 - i % 2), 0);
	assert_int_equal(take(r, "a", NOW + 1), 0);
	assert_int_equal(take(r, "a", NOW + 1), 1);
	rate_free(r);
}

static int
setup(void **state)
{
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_pace),
		cmocka_unit_test(test_names_do_not_disturb_each_other),
		cmocka_unit_test(test_many_a_millisecond),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
