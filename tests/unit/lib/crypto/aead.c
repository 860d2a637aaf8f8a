/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "lib/crypto/crypto.h"

/* The GCM specification (McGrew, Viega), test cases 4 and 16. */
static const struct {
	const char *key, *sealed;
} rows[] = {
	{ "feffe9928665731c6d6a8f9467308308",
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
	    "5bc94fbc3221a5db94fae95ae7121a47" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	    "76fc6ece0f4e1768cddf8853bb2d551b" },
};
static const char text_hex[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

static uint8_t key[32], nonce[12], aad[20], text[60], sealed[76], out[76];

static struct crypto_aead
row(size_t i)
{
	assert_int_equal(from_hex("cafebabefacedbaddecaf888", nonce, 12), 12);
	assert_int_equal(
	    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, 20), 20);
	assert_int_equal(from_hex(text_hex, text, 60), 60);
	assert_int_equal(from_hex(rows[i].sealed, sealed, 76), 76);
	return (struct crypto_aead){ key, from_hex(rows[i].key, key, 32), nonce,
		aad, sizeof(aad) };
}

static void
test_vectors(void **state)
{
	struct crypto_aead a;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		a = row(i);
		assert_int_equal(crypto_aead_seal(&a, text, 60, out), 0);
		assert_memory_equal(out, sealed, 76);
		assert_int_equal(crypto_aead_open(&a, sealed, 76, out), 0);
		assert_memory_equal(out, text, 60);
	}
}

/* Nothing of what does not open is left for anybody. */
static void
test_changed(void **state)
{
	static const uint8_t zero[60];
	struct crypto_aead a = row(1);
	size_t i;

	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x80;
		assert_int_equal(
		    crypto_aead_open(&a, sealed, 76, out), -EACCES);
		assert_memory_equal(out, zero, 60);
		sealed[i] ^= 0x80;
	}
	aad[0] ^= 1;
	assert_int_equal(crypto_aead_open(&a, sealed, 76, out), -EACCES);
	aad[0] ^= 1;
	a.aad_len--;
	assert_int_equal(crypto_aead_open(&a, sealed, 76, out), -EACCES);
}

static void
test_lengths(void **state)
{
	struct crypto_aead a = row(0);

	assert_int_equal(crypto_aead_open(&a, sealed, 15, out), -EINVAL);
	a.aad_len = 0;
	assert_int_equal(crypto_aead_seal(&a, text, 0, out), 0);
	assert_int_equal(crypto_aead_open(&a, out, 16, sealed), 0);
	a.key_len = 24;
	assert_int_equal(crypto_aead_seal(&a, text, 60, out), -EINVAL);
	assert_int_equal(crypto_aead_open(&a, sealed, 76, out), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_lengths),
	};

	return crypto_init() != 0 ? 1
				  : cmocka_run_group_tests(tests, NULL, NULL);
}
