/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/name.h"
#include "tests/unit/test.h"

static bool
user_ok(const char *s)
{
	return sig_name_user_ok(s, strlen(s));
}

static void
test_user(void **state)
{
	assert_true(user_ok("alice"));
	assert_true(user_ok("0"));
	assert_true(user_ok("a.b_c-d"));
	assert_true(user_ok("12345678901234567890123456789012"));
	assert_false(user_ok("123456789012345678901234567890123"));
	assert_false(user_ok(""));
	assert_false(user_ok("Alice"));
	assert_false(user_ok(".alice"));
	assert_false(user_ok("-alice"));
	assert_false(user_ok("al:ice"));
	assert_false(user_ok("al ice"));
	assert_false(user_ok("\xc3\xa9"));
	assert_false(sig_name_user_ok("a\0b", 3));
}

static void
test_device(void **state)
{
	assert_true(sig_name_device_ok("Web-7f3a_.", 10));
	assert_false(sig_name_device_ok("", 0));
	assert_false(sig_name_device_ok("a b", 3));
	assert_false(sig_name_device_ok("a\0", 2));
}

static void
test_conv(void **state)
{
	char conv[SIG_CONV_MAX + 1], peer[SIG_NAME_MAX + 1];

	sig_name_conv(conv, "main", "bob", "alice");
	assert_string_equal(conv, "main:1:alice:bob");
	assert_true(sig_name_conv_peer(peer, conv, "main", "alice"));
	assert_string_equal(peer, "bob");
	assert_true(sig_name_conv_peer(peer, conv, "main", "bob"));
	assert_string_equal(peer, "alice");
	assert_false(sig_name_conv_peer(peer, conv, "main", "carol"));
	assert_false(sig_name_conv_peer(peer, conv, "main", "ali"));
	assert_false(sig_name_conv_peer(peer, conv, "other", "alice"));
}

static void
test_conv_has_one_spelling(void **state)
{
	static const char *const bad[] = { "", "main",
		"main:1:", "main:1:alice", "main:1:alice:", "main:1::alice",
		"main:1:bob:alice", "main:1:alice:bob:", "main:1:alice:bob:x",
		"main:2:alice:bob", "main:1:alice:Bob" };
	char peer[SIG_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		assert_false(sig_name_conv_peer(peer, bad[i], "main", "alice"));
}

static void
test_call(void **state)
{
	char call[SIG_CALL_MAX + 1];

	sig_name_call(call, 0x1234abcd, "main:1:alice:bob");
	assert_string_equal(call, "c-000000001234abcd@main:1:alice:bob");
	assert_string_equal(sig_name_call_conv(call), "main:1:alice:bob");
	assert_null(sig_name_call_conv("main:1:alice:bob"));
	assert_null(sig_name_call_conv("c-19"));
	assert_null(sig_name_call_conv("c-000000001234abcd@"));
	assert_null(sig_name_call_conv("c-000000001234abcdX@main:1:a:b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_conv),
		cmocka_unit_test(test_conv_has_one_spelling),
		cmocka_unit_test(test_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
