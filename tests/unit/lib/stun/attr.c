/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stun/attr.h"
#include "tests/unit/test.h"

/* Look-up is by bisection, so the order of the rows is part of it. */
static void
test_rows(void **state)
{
	const struct stun_attr_info *r, *last = NULL;
	unsigned int i;

	for (i = 0; (r = stun_attr_row(i)) != NULL; i++) {
		if (last != NULL)
			assert_true(last->type < r->type);
		assert_ptr_equal(stun_attr_info(r->type), r);
		assert_true(r->min_len <= r->max_len);
		assert_true(strlen(r->name) > 0);
		assert_true(strlen(r->rfc) > 0);
		last = r;
	}
	assert_true(i > 30);
	assert_null(stun_attr_row(i + 1));
}

static void
test_info(void **state)
{
	assert_string_equal(
	    stun_attr_info(STUN_FINGERPRINT)->name, "FINGERPRINT");
	assert_null(stun_attr_info(0x0000));
	assert_null(stun_attr_info(0x0002));
	assert_null(stun_attr_info(0xffff));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
