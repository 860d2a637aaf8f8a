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

/* Whatever the pieces, the answer is that about the whole. */
static void
in_pieces(void **state)
{
	static const char *const texts[] = { "plain text, and more of it",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80, eight bytes, \xc3\xa4",
		"\xf4\x8f\xbf\xbf", "a\xe2\x82", "12345678\xf0\x9f\x98", "\x80",
		"aaaaaaaaa\xe2\x28\xa1", "\xed\xa0\x80" };
	size_t i, first, second, len;
	const uint8_t *p;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		p = (const uint8_t *)texts[i];
		len = strlen(texts[i]);
		for (first = 0; first <= len; first++) {
			for (second = first; second <= len; second++) {
				struct utf8 u = { 0 };
				bool ok = utf8_more(&u, p, first) &&
				    utf8_more(&u, p + first, second - first) &&
				    utf8_more(&u, p + second, len - second) &&
				    utf8_whole(&u);

				assert_int_equal(utf8_valid(p, len), ok);
			}
		}
	}
}

/* What can become nothing is told before it is whole. */
static void
fails_fast(void **state)
{
	static const char *const beginnings[] = { "\xc1", "\xe0\x9f",
		"\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xf0\x9f\x28" };
	struct utf8 u;
	size_t i;

	for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		u = (struct utf8){ 0 };
		assert_false(utf8_more(
		    &u, (const uint8_t *)beginnings[i], strlen(beginnings[i])));
	}
	u = (struct utf8){ 0 };
	assert_true(utf8_more(&u, TEXT("\xf0\x9f\x98")));
	assert_false(utf8_whole(&u));
	assert_true(utf8_more(&u, TEXT("\x80")));
	assert_true(utf8_whole(&u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(fails_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
