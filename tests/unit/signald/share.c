/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/crypto/crypto.h"
#include "signald/share.h"
#include "tests/unit/test.h"

static void
test_each_has_its_share(void **state)
{
	struct share *s = share_new(2);

	assert_true(share_take(s, "a", 1));
	assert_true(share_take(s, "a", 1));
	assert_false(share_take(s, "a", 1));
	assert_true(share_take(s, "b", 1));
	/* What was refused need not be given back. */
	share_give(s, "a", 1);
	assert_true(share_take(s, "a", 1));
	assert_false(share_take(s, "a", 1));
	share_give(s, "a", 1);
	share_give(s, "a", 1);
	assert_true(share_take(s, "a", 1));
	assert_true(share_take(s, "a", 1));
	assert_false(share_take(s, "a", 1));
	share_free(s);
}

static void
test_names_do_not_disturb_each_other(void **state)
{
	struct share *s = share_new(4);
	uint32_t i, refused = 0;

	/* As many as the daemon takes connections by default. */
	for (i = 0; i < 100000; i++)
		refused += !share_take(s, &i, sizeof(i));
	assert_true(refused < 2000);
	share_free(s);
	share_free(NULL);
}

static int
setup(void **state)
{
	return crypto_init();
}

static int
teardown(void **state)
{
	crypto_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_has_its_share),
		cmocka_unit_test(test_names_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
