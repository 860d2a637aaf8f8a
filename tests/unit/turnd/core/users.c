/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "lib/stun/message.h"
#include "turnd/core/users.h"

static const struct hash_key hash_key = { 3, 4 };

static int
setup(void **state)
{
	struct turn_users *u;

	assert_int_equal(crypto_init(), 0);
	u = turn_users_new("example.org", &hash_key);
	assert_non_null(u);
	*state = u;
	return 0;
}

static int
teardown(void **state)
{
	turn_users_free(*state);
	return 0;
}

static struct turn_name
parse(const struct turn_users *u, const char *name)
{
	struct turn_name n;

	assert_int_equal(turn_users_parse(u, name, strlen(name), &n), 0);
	return n;
}

static void
test_empty(void **state)
{
	struct turn_users *u = *state;

	assert_true(turn_users_empty(u));
	assert_int_equal(turn_users_add(u, "alice", "wonderland"), 0);
	assert_false(turn_users_empty(u));
}

static void
test_secret_is_not_empty(void **state)
{
	struct turn_users *u = *state;

	assert_int_equal(turn_users_add_secret(u, "s3cret"), 0);
	assert_false(turn_users_empty(u));
}

static void
test_static_key(void **state)
{
	struct turn_users *u = *state;
	uint8_t want[CRYPTO_MD5_LEN];
	struct turn_key key;
	struct turn_name n;
	bool known;

	assert_int_equal(turn_users_add(u, "alice", "wonder:land"), 0);
	stun_long_term_key(
	    CRYPTO_MD5, "alice", "example.org", "wonder:land", want);
	n = parse(u, "alice");
	assert_false(n.rest);
	assert_int_equal(turn_users_key(u, &n, 0, CRYPTO_MD5, &key, &known), 0);
	assert_true(known);
	assert_int_equal(key.len, sizeof(want));
	assert_memory_equal(key.bytes, want, sizeof(want));
	assert_int_equal(
	    turn_users_key(u, &n, 1, CRYPTO_MD5, &key, &known), -ENOENT);
}

static void
test_hashed_key(void **state)
{
	static const char hex[] = "0x000102030405060708090a0B0c0D0e0f";
	struct turn_users *u = *state;
	struct turn_key key;
	uint8_t i;
	struct turn_name n;
	bool known;

	assert_int_equal(turn_users_add(u, "bob", hex), 0);
	n = parse(u, "bob");
	assert_int_equal(turn_users_key(u, &n, 0, CRYPTO_MD5, &key, &known), 0);
	for (i = 0; i < CRYPTO_MD5_LEN; i++)
		assert_int_equal(key.bytes[i], i);
}

static void
test_refused_users(void **state)
{
	char longest[TURN_NAME_MAX + 2];
	struct turn_users *u = *state;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(turn_users_add(u, longest, "p"), -EINVAL);
	assert_int_equal(turn_users_add(u, "", "p"), -EINVAL);
	assert_int_equal(turn_users_add(u, "a", ""), -EINVAL);
	assert_int_equal(turn_users_add(u, "a", "0x00"), -EINVAL);
	assert_int_equal(
	    turn_users_add(u, "a", "0xg00102030405060708090a0b0c0d0e0f"),
	    -EINVAL);
	assert_int_equal(turn_users_add(u, "a", "p"), 0);
	assert_int_equal(turn_users_add(u, "a", "q"), -EEXIST);
}

static void
test_unknown_user_has_a_key(void **state)
{
	struct turn_users *u = *state;
	struct turn_key key;
	struct turn_name n = parse(u, "mallory");
	bool known;

	assert_int_equal(turn_users_key(u, &n, 0, CRYPTO_MD5, &key, &known), 0);
	assert_false(known);
	assert_int_equal(
	    turn_users_key(u, &n, 1, CRYPTO_MD5, &key, &known), -ENOENT);
}

static void
test_names(void **state)
{
	struct turn_users *u = *state;
	struct turn_name a, b;

	/* Without secrets a name with a time is just a name. */
	assert_false(parse(u, "1700000000:carol").rest);
	assert_int_equal(turn_users_add_secret(u, "s3cret"), 0);
	a = parse(u, "1700000000:carol");
	assert_true(a.rest);
	assert_int_equal(a.expires_s, 1700000000);
	b = parse(u, "1800000000:carol");
	assert_true(a.id == b.id);
	b = parse(u, "1700000000:dave");
	assert_false(a.id == b.id);
	/* A static carol is another one. */
	assert_false(parse(u, "carol").id == a.id);
	assert_false(parse(u, "carol").rest);
	/* A bare time, as coturn has it; colons in names, as Matrix has them.
	 */
	b = parse(u, "1700000000");
	assert_true(b.rest);
	assert_false(b.id == parse(u, "1700000001").id);
	assert_true(parse(u, "1700000000:@carol:example.org").rest);
	assert_false(parse(u, "17000000x0:carol").rest);
	assert_false(parse(u, ":carol").rest);
	assert_false(parse(u, "9999999999999999999:carol").rest);
}

static void
test_static_name_that_looks_like_rest(void **state)
{
	struct turn_users *u = *state;

	assert_int_equal(turn_users_add_secret(u, "s3cret"), 0);
	assert_int_equal(turn_users_add(u, "12345", "password"), 0);
	assert_false(parse(u, "12345").rest);
}

static void
test_bad_names(void **state)
{
	struct turn_users *u = *state;
	char longest[TURN_NAME_MAX + 1];
	struct turn_name n;

	memset(longest, 'x', sizeof(longest));
	assert_int_equal(turn_users_parse(u, "", 0, &n), -EINVAL);
	assert_int_equal(turn_users_parse(u, "a\0b", 3, &n), -EINVAL);
	assert_int_equal(
	    turn_users_parse(u, longest, sizeof(longest), &n), -EINVAL);
	assert_int_equal(
	    turn_users_parse(u, longest, sizeof(longest) - 1, &n), 0);
}

static void
test_secrets_in_turn(void **state)
{
	struct turn_users *u = *state;
	uint8_t want[CRYPTO_MD5_LEN];
	struct turn_key key;
	struct turn_name n;
	bool known;
	int i;

	assert_int_equal(turn_users_add_secret(u, "north"), 0);
	assert_int_equal(turn_users_add_secret(u, "south"), 0);
	n = parse(u, "1700000600:carol");
	/* printf NAME | openssl dgst -sha1 -hmac south -binary | base64 */
	stun_long_term_key(CRYPTO_MD5, n.name, "example.org",
	    "SEQGjNBvbjvKaJ+DmZRTsj7x/Sg=", want);
	assert_int_equal(turn_users_key(u, &n, 2, CRYPTO_MD5, &key, &known), 0);
	assert_true(known);
	assert_int_equal(key.len, sizeof(want));
	assert_memory_equal(key.bytes, want, sizeof(want));
	/* The same with -sha256 */
	stun_long_term_key(CRYPTO_MD5, n.name, "example.org",
	    "Bxum3jwfD9mViwDmQ9btZjSwLk5X9f2c4sc040gYISE=", want);
	assert_int_equal(turn_users_key(u, &n, 3, CRYPTO_MD5, &key, &known), 0);
	assert_memory_equal(key.bytes, want, sizeof(want));
	assert_int_equal(
	    turn_users_key(u, &n, 4, CRYPTO_MD5, &key, &known), -ENOENT);
	assert_int_equal(turn_users_add_secret(u, ""), -EINVAL);
	for (i = 2; i < TURN_MAX_SECRETS; i++)
		assert_int_equal(turn_users_add_secret(u, "more"), 0);
	assert_int_equal(turn_users_add_secret(u, "one too many"), -ENOSPC);
}

/* RFC 8489 appendix B.1: found by its USERHASH, with its SHA-256 key. */
static void
test_userhash_of_the_rfc(void **state)
{
	static const char name[] = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9";
	static const char hex[] = "4a3cf38fef6992bda952c6780417da0f"
				  "24819415569e60b205c46e41407f1704";
	uint8_t hash[CRYPTO_SHA256_LEN], want[CRYPTO_SHA256_LEN];
	struct turn_users *u = *state;
	struct turn_name n;
	struct turn_key key;
	bool known;

	assert_int_equal(turn_users_add(u, "alice", "wonderland"), 0);
	assert_int_equal(turn_users_add(u, name, "TheMatrIX"), 0);
	from_hex(hex, hash, sizeof(hash));
	assert_int_equal(turn_users_parse_hash(u, hash, sizeof(hash), &n), 0);
	assert_string_equal(n.name, name);
	assert_true(n.id == parse(u, name).id);
	assert_int_equal(
	    turn_users_key(u, &n, 0, CRYPTO_SHA256, &key, &known), 0);
	assert_true(known);
	stun_long_term_key(
	    CRYPTO_SHA256, name, "example.org", "TheMatrIX", want);
	assert_int_equal(key.len, sizeof(want));
	assert_memory_equal(key.bytes, want, sizeof(want));
}

static void
test_userhash_of_nobody(void **state)
{
	uint8_t hash[CRYPTO_SHA256_LEN] = { 1 };
	struct turn_users *u = *state;
	struct turn_name n;
	struct turn_key key;
	bool known;

	assert_int_equal(turn_users_add(u, "alice", "wonderland"), 0);
	assert_int_equal(turn_users_parse_hash(u, hash, sizeof(hash), &n), 0);
	assert_int_equal(
	    turn_users_key(u, &n, 0, CRYPTO_SHA256, &key, &known), 0);
	assert_false(known);
	assert_int_equal(
	    turn_users_key(u, &n, 1, CRYPTO_SHA256, &key, &known), -ENOENT);
	assert_int_equal(turn_users_parse_hash(u, hash, 31, &n), -EINVAL);
	assert_int_equal(turn_users_parse_hash(u, hash, 0, &n), -EINVAL);
}

static size_t
offered(const struct turn_users *u)
{
	size_t len;

	turn_users_offer(u, &len);
	return len;
}

/* What everybody can do is offered, and nothing else. */
static void
test_offer(void **state)
{
	static const char md5[] = "0x000102030405060708090a0b0c0d0e0f";
	struct turn_users *u = *state;

	assert_int_equal(turn_users_add(u, "alice", "wonderland"), 0);
	assert_int_equal(offered(u), 8);
	assert_true(turn_users_offers(u, STUN_PASSWORD_MD5));
	assert_true(turn_users_offers(u, STUN_PASSWORD_SHA256));
	assert_false(turn_users_offers(u, 0));
	assert_false(turn_users_offers(u, STUN_PASSWORD_SHA256 | 4));
	assert_true(turn_users_anonymous(u));
	/* A user that is refused changes nothing. */
	assert_int_equal(turn_users_add(u, "alice", md5), -EEXIST);
	assert_int_equal(offered(u), 8);
	assert_int_equal(turn_users_add(u, "bob", md5), 0);
	assert_int_equal(offered(u), 4);
	assert_int_equal(turn_users_offer(u, &(size_t){ 0 })[1], 1);
	assert_true(turn_users_offers(u, STUN_PASSWORD_MD5));
	assert_false(turn_users_offers(u, STUN_PASSWORD_SHA256));
	assert_int_equal(turn_users_add_secret(u, "s3cret"), 0);
	assert_false(turn_users_anonymous(u));
}

static void
test_both_hashed_keys(void **state)
{
	char hex[2 + 96 + 2 + 1] = "0x";
	struct turn_users *u = *state;
	struct turn_name n;
	struct turn_key key;
	bool known;
	int i;

	for (i = 0; i < 49; i++)
		snprintf(hex + 2 + 2 * i, 3, "%02x", (unsigned int)i);
	assert_int_equal(turn_users_add(u, "bob", hex), -EINVAL);
	hex[2 + 96] = '\0';
	hex[2 + 95] = 'g';
	assert_int_equal(turn_users_add(u, "bob", hex), -EINVAL);
	hex[2 + 95] = 'f';
	assert_int_equal(turn_users_add(u, "bob", hex), 0);
	assert_int_equal(offered(u), 8);
	n = parse(u, "bob");
	turn_users_key(u, &n, 0, CRYPTO_MD5, &key, &known);
	assert_int_equal(key.len, CRYPTO_MD5_LEN);
	assert_int_equal(key.bytes[15], 15);
	turn_users_key(u, &n, 0, CRYPTO_SHA256, &key, &known);
	assert_int_equal(key.len, CRYPTO_SHA256_LEN);
	assert_int_equal(key.bytes[0], 16);
	assert_int_equal(key.bytes[31], 0x2f);
}

/* A record is the same by password and by the hex of its two keys. */
static void
test_records(void **state)
{
	struct turn_record rec = { .expires_s = 0 }, same = rec;
	char longest[TURN_NAME_MAX + 2],
	    hex[2 * sizeof(rec.md5) + 2 * sizeof(rec.sha256) + 1];
	size_t i;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(
	    turn_record_keys(&rec, longest, "example.org", "p"), -EINVAL);
	assert_int_equal(
	    turn_record_keys(&rec, "", "example.org", "p"), -EINVAL);
	assert_int_equal(
	    turn_record_keys(&rec, "alice", "example.org", ""), -EINVAL);
	assert_int_equal(
	    turn_record_keys(&rec, "alice", "example.org", "p"), 0);
	for (i = 0; i < sizeof(rec.md5); i++)
		snprintf(hex + 2 * i, 3, "%02x", rec.md5[i]);
	for (i = 0; i < sizeof(rec.sha256); i++)
		snprintf(
		    hex + 2 * (sizeof(rec.md5) + i), 3, "%02X", rec.sha256[i]);
	assert_int_equal(turn_record_from_hex(&same, hex), 0);
	assert_memory_equal(same.md5, rec.md5, sizeof(rec.md5));
	assert_memory_equal(same.sha256, rec.sha256, sizeof(rec.sha256));
	hex[2 * sizeof(rec.md5)] = 'g';
	assert_int_equal(turn_record_from_hex(&same, hex), -EINVAL);
	hex[0] = 'g';
	assert_int_equal(turn_record_from_hex(&same, hex), -EINVAL);
	hex[sizeof(hex) - 2] = '\0';
	assert_int_equal(turn_record_from_hex(&same, hex), -EINVAL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_empty),
		CASE(test_secret_is_not_empty),
		CASE(test_static_key),
		CASE(test_hashed_key),
		CASE(test_refused_users),
		CASE(test_unknown_user_has_a_key),
		CASE(test_names),
		CASE(test_static_name_that_looks_like_rest),
		CASE(test_bad_names),
		CASE(test_secrets_in_turn),
		CASE(test_userhash_of_the_rfc),
		CASE(test_userhash_of_nobody),
		CASE(test_offer),
		CASE(test_both_hashed_keys),
		CASE(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
