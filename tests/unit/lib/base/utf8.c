/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/base/utf8.h"
#include "tests/unit/test.h"

#define TEXT(s) (const uint8_t *)(s), sizeof(s) - 1

static void
good(void **state)
{
	assert_true(utf8_valid(TEXT("")));
	assert_true(utf8_valid(TEXT("plain\0text")));
	assert_true(utf8_valid(TEXT("\xc2\x80\xdf\xbf")));
	assert_true(utf8_valid(TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80")));
	assert_true(utf8_valid(TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
}

static void
bad(void **state)
{
	assert_false(utf8_valid(TEXT("\x80")));         /* no beginning */
	assert_false(utf8_valid(TEXT("\xc0\x80")));     /* overlong */
	assert_false(utf8_valid(TEXT("\xe0\x9f\xbf"))); /* overlong */
	assert_false(utf8_valid(TEXT("\xf0\x8f\xbf\xbf")));
	assert_false(utf8_valid(TEXT("\xed\xa0\x80")));     /* surrogate */
	assert_false(utf8_valid(TEXT("\xf4\x90\x80\x80"))); /* above all */
	assert_false(utf8_valid(TEXT("\xf5\x80\x80\x80")));
	assert_false(utf8_valid(TEXT("a\xc3"))); /* cut */
	assert_false(utf8_valid(TEXT("a\xe2\x82")));
	assert_false(utf8_valid(TEXT("\xe2\x28\xa1"))); /* no continuation */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
