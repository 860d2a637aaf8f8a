/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "turnd/core/token.h"

#define NOW UINT64_C(1700000000)

static struct turn_oauth oauth;

static int
setup(void **state)
{
	oauth = (struct turn_oauth){ .server = "turn.example", .nkeys = 2 };
	strcpy(oauth.keys[0].kid, "north");
	strcpy(oauth.keys[1].kid, "union");
	if (crypto_init() != 0)
		return 1;
	return turn_token_key_parse(&oauth.keys[0],
		   "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=") |
	    turn_token_key_parse(
		&oauth.keys[1], "MTIzNDU2Nzg5MDEyMzQ1Ng:A128GCM");
}

/* Made by coturn 4.6.1: turnutils_oauth -e --server-name turn.example
 * --auth-key-id KID --auth-key BASE64 --auth-key-as-rs-alg ALG
 * --token-nonce aDQzMjFoMTIzNDU2 --token-mac-key WmtzanB3ZW9peFhtdm42NzUzNG0=
 * --token-timestamp 111411200000000 --token-lifetime=3600 ... */
static const struct {
	const char *kid, *base64url;
} made[] = {
	{ "north",
	    "AAxoNDMyMWgxMjM0NTZdS5o-CuIYOETqbl8c0L1OJ4A1-CAZSxSf11WKYe13xOJU"
	    "Ri-HSqechTvq4CLDAL_xAg" },
	{ "union",
	    "AAxoNDMyMWgxMjM0NTaUBCONM_OeXVBTkw_SUw31P-vgg-oTce-8MH5-HZoEgJys"
	    "nUqquCPkS_UULtqUq9HoSA" },
};

static size_t
token_of(const char *base64url, uint8_t out[128])
{
	size_t len = 128;

	assert_int_equal(
	    crypto_base64url_decode(base64url, strlen(base64url), out, &len),
	    0);
	return len;
}

static const struct turn_token_key *
key_of(const char *kid)
{
	return turn_token_key(&oauth, kid, strlen(kid), NOW);
}

static void
test_coturns_tokens(void **state)
{
	struct turn_token t;
	uint8_t token[128];
	size_t i, len;

	for (i = 0; i < LEN(made); i++) {
		len = token_of(made[i].base64url, token);
		assert_int_equal(turn_token_open(&oauth, key_of(made[i].kid),
				     token, len, &t),
		    0);
		assert_int_equal(t.key.len, 20);
		assert_memory_equal(t.key.bytes, "ZksjpweoixXmvn67534m", 20);
		assert_int_equal(t.issued_s, NOW);
		assert_int_equal(t.lifetime_s, 3600);
	}
}

/* Every byte of it counts, and who it is for, and its length. */
static void
test_nothing_can_be_changed(void **state)
{
	struct turn_token t;
	uint8_t token[128];
	size_t i, len = token_of(made[0].base64url, token);

	for (i = 0; i < len; i++) {
		token[i] ^= 1;
		assert_int_not_equal(
		    turn_token_open(&oauth, key_of("north"), token, len, &t),
		    0);
		token[i] ^= 1;
		assert_int_not_equal(
		    turn_token_open(&oauth, key_of("north"), token, i, &t), 0);
	}
	assert_int_not_equal(
	    turn_token_open(&oauth, key_of("north"), token, len + 1, &t), 0);
	assert_int_equal(
	    turn_token_open(&oauth, key_of("union"), token, len, &t), -EACCES);
	oauth.server = "turn.example.net";
	assert_int_equal(
	    turn_token_open(&oauth, key_of("north"), token, len, &t), -EACCES);
}

static void
test_keys_by_kid(void **state)
{
	assert_null(key_of("nort"));
	assert_null(key_of("northern"));
	assert_null(key_of(""));
	oauth.keys[0].until_s = NOW;
	assert_null(key_of("north"));
	oauth.keys[0].until_s = NOW + 1;
	assert_non_null(key_of("north"));
}

static void
test_sealed_and_opened(void **state)
{
	struct turn_token t = { .issued_s = NOW, .lifetime_s = 7 }, got;
	uint8_t token[128];
	size_t len, n;

	memset(t.key.bytes, 'k', sizeof(t.key.bytes));
	for (n = 18; n <= 32; n++) {
		t.key.len = n;
		len = turn_token_seal(
		    &oauth, &oauth.keys[1], &t, token, sizeof(token));
		assert_true(len > 0);
		assert_int_equal(
		    turn_token_open(&oauth, &oauth.keys[1], token, len, &got),
		    n < 20 ? -EBADMSG : 0);
	}
	assert_int_equal(got.key.len, 32);
	assert_int_equal(got.lifetime_s, 7);
	assert_int_equal(
	    turn_token_seal(&oauth, &oauth.keys[1], &t, token, 40), 0);
}

static void
test_time(void **state)
{
	struct turn_token t = { .issued_s = NOW, .lifetime_s = 100 };

	assert_true(turn_token_good(&t, NOW));
	assert_true(turn_token_good(&t, NOW + 104));
	assert_false(turn_token_good(&t, NOW + 105));
	assert_true(turn_token_good(&t, NOW - 104));
	assert_false(turn_token_good(&t, NOW - 105));
	t.issued_s = UINT64_C(0xffffffffffff);
	t.lifetime_s = UINT32_MAX;
	assert_false(turn_token_good(&t, NOW));
}

static void
test_bad_keys(void **state)
{
	static const char *const rows[] = { "", "MTIz", "MTIzNDU2Nzg5MDEyMzQ1",
		"MTIzNDU2Nzg5MDEyMzQ1Njc", "MTIz*DU2Nzg5MDEyMzQ1Ng",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:A256GCM",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:", "MTIzNDU2Nzg5MDEyMzQ1Ng==:AES",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:A128GCM:",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:A128GCM:0",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:A128GCM:-1",
		"MTIzNDU2Nzg5MDEyMzQ1Ng==:A128GCM:12x" };
	struct turn_token_key k;
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(turn_token_key_parse(&k, rows[i]), -EINVAL);
	assert_int_equal(turn_token_key_parse(
			     &k, "MTIzNDU2Nzg5MDEyMzQ1Ng==:A128GCM:1800000000"),
	    0);
	assert_int_equal(k.until_s, 1800000000);
	/* Both alphabets. */
	assert_int_equal(
	    turn_token_key_parse(&k, "+/+/+/+/+/+/+/+/+/+/+w=="), 0);
	assert_int_equal(k.key.bytes[0], 0xfb);
	assert_int_equal(turn_token_key_parse(&k, "-_-_-_-_-_-_-_-_-_-_-w"), 0);
	assert_int_equal(k.key.bytes[0], 0xfb);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_coturns_tokens),
		CASE(test_nothing_can_be_changed),
		CASE(test_keys_by_kid),
		CASE(test_sealed_and_opened),
		CASE(test_time),
		CASE(test_bad_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
