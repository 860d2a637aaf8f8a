/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/test.h"

struct row {
	enum crypto_hash hash;
	const char *key; /* hex */
	const char *data;
	const char *want; /* hex */
};

#define X20 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define X80 X20 X20 X20 X20

#define LARGER "Test Using Larger Than Block-Size Key"

/* RFC 1321 A.5, RFC 3174 7.3, FIPS 180-2 B. */
static const struct row digests[] = {
	{ CRYPTO_MD5, NULL, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ CRYPTO_MD5, NULL, "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ CRYPTO_SHA1, NULL, "abc",
	    "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ CRYPTO_SHA256, NULL, "abc",
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
};

/* RFC 2202 sections 2 and 3, RFC 4231 section 4. */
static const struct row hmacs[] = {
	{ CRYPTO_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
	    "9294727a3638bb1c13f48ef8158bfc9d" },
	{ CRYPTO_MD5, "4a656665", "what do ya want for nothing?",
	    "750c783e6ab0b503eaa86e310a5db738" },
	{ CRYPTO_MD5, X80, LARGER " - Hash Key First",
	    "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd" },
	{ CRYPTO_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
	    "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ CRYPTO_SHA1, "4a656665", "what do ya want for nothing?",
	    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ CRYPTO_SHA1, X80, LARGER " - Hash Key First",
	    "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ CRYPTO_SHA1, X80, LARGER " and Larger Than One Block-Size Data",
	    "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
	{ CRYPTO_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "Hi There",
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7" },
	{ CRYPTO_SHA256, "4a656665", "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843" },
	{ CRYPTO_SHA256, X80 X20 X20 "aaaaaaaaaaaaaaaaaaaaaa",
	    LARGER " - Hash Key First",
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54" },
};

static void
check_row(const struct row *r)
{
	uint8_t key[256], want[CRYPTO_SHA256_LEN], got[CRYPTO_SHA256_LEN];
	size_t cut = strlen(r->data) / 3;
	/* Cut in two: the spans are one message. */
	struct crypto_span spans[2] = {
		{ r->data, cut },
		{ r->data + cut, strlen(r->data) - cut },
	};
	size_t key_len, len = from_hex(r->want, want, sizeof(want));

	assert_int_equal(crypto_hash_len(r->hash), len);
	if (r->key == NULL) {
		assert_int_equal(crypto_digest(r->hash, spans, 2, got), 0);
	} else {
		key_len = from_hex(r->key, key, sizeof(key));
		assert_int_equal(
		    crypto_hmac(r->hash, key, key_len, spans, 2, got), 0);
	}
	assert_memory_equal(got, want, len);
}

/* Bytes that come one by one are the same message. */
static void
test_sum(void **state)
{
	static const char text[] = "message digest, piece by piece";
	const struct crypto_span whole = { text, sizeof(text) };
	struct crypto_sum *sum = crypto_sum_new(CRYPTO_SHA256);
	uint8_t want[CRYPTO_SHA256_LEN], got[CRYPTO_SHA256_LEN];
	size_t i;

	assert_non_null(sum);
	for (i = 0; i < sizeof(text); i++)
		assert_int_equal(crypto_sum_add(sum, text + i, 1), 0);
	assert_int_equal(crypto_sum_end(sum, got), 0);
	crypto_sum_free(sum);
	assert_int_equal(crypto_digest(CRYPTO_SHA256, &whole, 1, want), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static void
test_digest(void **state)
{
	size_t i;

	for (i = 0; i < LEN(digests); i++)
		check_row(&digests[i]);
}

static void
test_hmac(void **state)
{
	size_t i;

	for (i = 0; i < LEN(hmacs); i++)
		check_row(&hmacs[i]);
}

/* A key of no bytes is a key, not "the key of the last call". */
static void
test_empty_key(void **state)
{
	static const uint8_t zeros[64];
	const struct crypto_span span = { "x", 1 };
	uint8_t a[CRYPTO_SHA256_LEN], b[CRYPTO_SHA256_LEN];

	/* HMAC pads keys with zeros, so these are the same key. */
	assert_int_equal(
	    crypto_hmac(CRYPTO_SHA256, zeros, sizeof(zeros), &span, 1, a), 0);
	assert_int_equal(
	    crypto_hmac(CRYPTO_SHA256, "other", 5, &span, 1, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(crypto_hmac(CRYPTO_SHA256, NULL, 0, &span, 1, b), 0);
	assert_memory_equal(a, b, sizeof(a));
}

static void *
many(void *arg)
{
	int i;

	for (i = 0; i < 200; i++) {
		test_digest(NULL);
		test_hmac(NULL);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t threads[4];
	size_t i;

	for (i = 0; i < LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, many, NULL), 0);
	for (i = 0; i < LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
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
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_empty_key),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
