/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/test.h"

/* RFC 4648 section 10, and the two characters in which the alphabets part. */
static const struct {
	const char *bytes;
	const char *base64;
	const char *base64url;
} rows[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xef\xff", "++//", "--__" },
};

static void
test_encode(void **state)
{
	char out[CRYPTO_BASE64_LEN(8)];
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		crypto_base64(rows[i].bytes, strlen(rows[i].bytes), out);
		assert_string_equal(out, rows[i].base64);
		crypto_base64url(rows[i].bytes, strlen(rows[i].bytes), out);
		assert_string_equal(out, rows[i].base64url);
	}
}

static void
test_decode(void **state)
{
	uint8_t out[8];
	size_t i, len;

	for (i = 0; i < LEN(rows); i++) {
		const char *text = rows[i].base64url;
		size_t want = strlen(rows[i].bytes);

		len = want; /* no more room than needed */
		assert_int_equal(
		    crypto_base64url_decode(text, strlen(text), out, &len), 0);
		assert_int_equal(len, want);
		assert_memory_equal(out, rows[i].bytes, want);
	}
}

static void
test_decode_refuses(void **state)
{
	static const char *const bad[] = { "Z", "Zg==", "Zh", "Zm9vY", "++//",
		"Zm 9v", "Zm9v\n", "Zm9v.", "Zm9" };
	uint8_t out[8];
	size_t i, len;

	for (i = 0; i < LEN(bad); i++) {
		len = sizeof(out);
		assert_int_equal(
		    crypto_base64url_decode(bad[i], strlen(bad[i]), out, &len),
		    -EINVAL);
		assert_int_equal(len, sizeof(out));
	}
	len = 2;
	assert_int_equal(
	    crypto_base64url_decode("Zm9v", 4, out, &len), -ENOSPC);
	assert_int_equal(len, 2);
}

static void
test_hex(void **state)
{
	char out[9];

	crypto_hex("\xde\xad\xbe\xef", 4, out);
	assert_string_equal(out, "deadbeef");
	crypto_hex("", 0, out);
	assert_string_equal(out, "");
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
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
