/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What replay scripts do not reach: bytes that a man in the middle changed
 * after a client had sealed them, and the forms of one message. The rules one
 * by one are in tests/replay/turnd/sha256*.script.
 */
#include "tests/unit/test.h"

#include "tests/turn/client.h"

static struct fake f;
static struct client c;

static int
setup(void **state)
{
	fake_init(&f);
	fake_start(&f);
	client_init(&c, &f, "192.0.2.1:5000");
	client_be_modern(&c);
	assert_int_equal(client_allocate(&c), 0);
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&f);
	return 0;
}

/* What becomes of the last request when byte at of the first attribute of the
 * type is flipped; the request is there again afterwards. */
static enum turn_reason
altered(uint16_t type, size_t at)
{
	const struct stun_attr *a;
	struct stun_msg m;

	assert_int_equal(stun_decode(c.buf.data, c.buf.len, &m), 0);
	a = stun_find(&m, type);
	assert_non_null(a);
	c.mem[a->off + at] ^= 1;
	fake_from_client(&f, &c.addr, c.buf.data, c.buf.len);
	c.mem[a->off + at] ^= 1;
	return f.out.note.reason;
}

/* A Refresh as client_send makes it, but without FINGERPRINT, which would have
 * an altered message dropped before anybody looks at its credentials. */
static void
refresh_unprinted(void)
{
	struct stun_msg m;

	assert_int_equal(client_refresh(&c, 600), 0);
	assert_int_equal(stun_decode(c.buf.data, c.buf.len, &m), 0);
	assert_int_equal(m.attrs[m.nattrs - 1].type, STUN_FINGERPRINT);
	c.buf.len -= 8;
	c.mem[3] -= 8;
	fake_from_client(&f, &c.addr, c.buf.data, c.buf.len);
	assert_int_equal(f.out.note.reason, TURN_OK);
}

static void
test_nothing_can_be_changed(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t at;
		enum turn_reason reason;
	} rows[] = {
		{ STUN_LIFETIME, 3, TURN_WRONG_PASSWORD },
		{ STUN_MESSAGE_INTEGRITY_SHA256, 0, TURN_WRONG_PASSWORD },
		{ STUN_MESSAGE_INTEGRITY_SHA256, 31, TURN_WRONG_PASSWORD },
		{ STUN_REALM, 0, TURN_WRONG_REALM },
		{ STUN_USERHASH, 31, TURN_UNKNOWN_USER },
		{ STUN_NONCE, 8, TURN_STALE_NONCE },  /* the cookie */
		{ STUN_NONCE, 12, TURN_STALE_NONCE }, /* features */
		{ STUN_NONCE, 20, TURN_STALE_NONCE }, /* the rest */
		{ STUN_PASSWORD_ALGORITHMS, 1, TURN_BAD_ALGORITHM },
		{ STUN_PASSWORD_ALGORITHMS, 7, TURN_BAD_ALGORITHM },
		{ STUN_PASSWORD_ALGORITHM, 1, TURN_BAD_ALGORITHM },
		{ STUN_PASSWORD_ALGORITHM, 3, TURN_BAD_ALGORITHM },
	};
	size_t i;

	refresh_unprinted();
	for (i = 0; i < LEN(rows); i++)
		assert_int_equal(
		    altered(rows[i].type, rows[i].at), rows[i].reason);
	fake_from_client(&f, &c.addr, c.buf.data, c.buf.len);
	assert_int_equal(f.out.note.reason, TURN_OK);
}

/* RFC 8489 section 14.6: the weaker seal neither helps nor harms. */
static void
test_both_seals(void **state)
{
	c.sha1_too = true;
	refresh_unprinted();
	assert_int_equal(
	    altered(STUN_MESSAGE_INTEGRITY_SHA256, 0), TURN_WRONG_PASSWORD);
	/* The stronger one covers the weaker one. */
	assert_int_equal(
	    altered(STUN_MESSAGE_INTEGRITY, 0), TURN_WRONG_PASSWORD);
}

/* RFC 8489 section 14.6: TURN does not allow a seal to be cut. */
static int
refresh_cut(size_t len)
{
	uint8_t key[CRYPTO_SHA256_LEN], mac[CRYPTO_SHA256_LEN];
	struct buf *b = &c.buf;
	struct crypto_span span;

	c.no_integrity = true;
	stun_long_term_key(CRYPTO_SHA256, c.user, FAKE_REALM, c.password, key);
	assert_int_equal(client_refresh(&c, 600), 401);
	b->len -= 8; /* FINGERPRINT */
	b->err = 0;
	stun_put(&c.out, STUN_MESSAGE_INTEGRITY_SHA256, key, len);
	assert_int_equal(stun_end(&c.out), 0);
	span = (struct crypto_span){ b->data, b->len - 4 - len };
	crypto_hmac(CRYPTO_SHA256, key, sizeof(key), &span, 1, mac);
	memcpy(b->data + b->len - len, mac, len);
	fake_from_client(&f, &c.addr, b->data, b->len);
	return f.out.note.reason;
}

static void
test_cut_seals(void **state)
{
	assert_int_equal(refresh_cut(32), TURN_OK);
	assert_int_equal(refresh_cut(28), TURN_WRONG_PASSWORD);
	assert_int_equal(refresh_cut(16), TURN_WRONG_PASSWORD);
	assert_int_equal(refresh_cut(0), TURN_WRONG_PASSWORD);
}

/* A user who is there in both forms is meant by name. */
static void
test_name_and_hash(void **state)
{
	uint8_t hash[CRYPTO_SHA256_LEN] = { 0 };

	c.userhash = false;
	client_begin(&c, STUN_REFRESH);
	stun_put(&c.out, STUN_USERHASH, hash, sizeof(hash));
	assert_int_equal(client_send(&c), 0);
	assert_string_equal(f.out.note.user, "alice");
	/* By hash alone the log has the name all the same. */
	c.userhash = true;
	assert_int_equal(client_refresh(&c, 600), 0);
	assert_string_equal(f.out.note.user, "alice");
	/* A hash of another length is nobody's. */
	client_begin(&c, STUN_REFRESH);
	stun_put(&c.out, STUN_USERHASH, hash, 31);
	assert_int_equal(client_send(&c), 401);
	assert_int_equal(f.out.note.reason, TURN_UNKNOWN_USER);
}

/* What stands behind a seal does not count: no late PASSWORD-ALGORITHM. */
static void
test_behind_the_seal(void **state)
{
	c.algorithm = 0;
	c.sha256 = c.userhash = false;
	refresh_unprinted();
	stun_put_u32(&c.out, STUN_PASSWORD_ALGORITHM, STUN_PASSWORD_SHA256);
	assert_int_equal(stun_end(&c.out), 0);
	fake_from_client(&f, &c.addr, c.buf.data, c.buf.len);
	assert_int_equal(f.out.note.reason, TURN_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_can_be_changed),
		CASE(test_both_seals),
		CASE(test_cut_seals),
		CASE(test_name_and_hash),
		CASE(test_behind_the_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
