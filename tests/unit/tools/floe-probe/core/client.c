/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"
#include "tools/floe-probe/core/client.h"

static const uint8_t txid[] = "abcdefghijkl";
static uint8_t request[2048], answer[2048];
static struct stun_msg asked, got;

static void
ask(const struct client *c, const struct client_ask *what)
{
	struct buf b = buf_fixed(request, sizeof(request));

	assert_int_equal(client_request(c, what, txid, &b), 0);
	assert_int_equal(stun_decode(request, b.len, &asked), 0);
	assert_null(stun_malformed(&asked));
}

/* An answer to what was asked; put fills it. */
static void
reply(uint16_t class, int code, const char *nonce, const uint8_t *key)
{
	struct buf b = buf_fixed(answer, sizeof(answer));
	const struct addr relay = addr_v4(198, 51, 100, 1, 50000);
	struct stun_out o = stun_begin_reply(&b, &asked, class);

	if (code != 0)
		stun_put_error(&o, code, "No\x1b[2J");
	else
		stun_put_xor_addr(&o, STUN_XOR_RELAYED_ADDRESS, &relay);
	if (nonce != NULL) {
		stun_put(&o, STUN_REALM, "realm", 5);
		stun_put(&o, STUN_NONCE, nonce, strlen(nonce));
	}
	if (key != NULL)
		stun_put_integrity(&o, CRYPTO_SHA1, key, CRYPTO_MD5_LEN);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(stun_decode(answer, b.len, &got), 0);
}

static const struct client_ask allocate = { .method = STUN_ALLOCATE };

static struct client
challenged(const char *user, const char *password)
{
	struct client c = { .user = user, .password = password };
	struct client_reply r;

	ask(&c, &allocate);
	assert_null(stun_find(&asked, STUN_USERNAME));
	reply(STUN_ERROR, 401, "n1", NULL);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_AGAIN);
	return c;
}

/* RFC 8489 section 9.2: asked, challenged, asked again with the password. */
static void
test_credentials(void **state)
{
	struct client c = challenged("alice", "wonderland");
	struct client_reply r;
	uint8_t key[CRYPTO_MD5_LEN];

	assert_int_equal(
	    stun_long_term_key(CRYPTO_MD5, "alice", "realm", "wonderland", key),
	    0);
	ask(&c, &allocate);
	assert_int_equal(
	    stun_check_integrity(&asked, CRYPTO_SHA1, key, sizeof(key)), 0);
	reply(STUN_SUCCESS, 0, NULL, key);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_DONE);
	assert_int_equal(r.relayed.port, 50000);
	assert_int_equal(r.mapped.family, ADDR_NONE);
}

static void
test_wrong_password(void **state)
{
	struct client c = challenged("alice", "wrong");
	struct client_reply r;

	ask(&c, &allocate);
	reply(STUN_ERROR, 401, "n2", NULL);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_REFUSED);
	assert_int_equal(r.code, 401);
	/* A stranger's text does not get to the terminal as it is. */
	assert_string_equal(r.reason, "No?[2J");
}

static void
test_no_credentials(void **state)
{
	struct client c = { .user = NULL };
	struct client_reply r;

	ask(&c, &allocate);
	reply(STUN_ERROR, 401, "n1", NULL);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_REFUSED);
}

/* A new nonce a few times, but not for ever. */
static void
test_stale_nonce(void **state)
{
	struct client c = challenged("alice", "wonderland");
	struct client_reply r;
	int i;

	for (i = 0; i < 3; i++) {
		ask(&c, &allocate);
		reply(STUN_ERROR, 438, "n3", NULL);
		assert_int_equal(client_answer(&c, &got, &r), CLIENT_AGAIN);
		assert_string_equal(c.nonce, "n3");
	}
	ask(&c, &allocate);
	reply(STUN_ERROR, 438, "n4", NULL);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_REFUSED);
}

/* Who does not know the password cannot say yes. */
static void
test_forged(void **state)
{
	static const uint8_t other[CRYPTO_MD5_LEN];
	struct client c = challenged("alice", "wonderland");
	struct client_reply r;

	ask(&c, &allocate);
	reply(STUN_SUCCESS, 0, NULL, NULL);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_FORGED);
	reply(STUN_SUCCESS, 0, NULL, other);
	assert_int_equal(client_answer(&c, &got, &r), CLIENT_FORGED);
}

static void
test_requests(void **state)
{
	const struct client c = { .user = NULL };
	struct client_ask what = {
		.method = STUN_CHANNEL_BIND,
		.peer = addr_v4(192, 0, 2, 1, 9),
		.channel = 0x4001,
	};
	struct addr peer;
	uint32_t v;

	ask(&c, &what);
	assert_int_equal(stun_get_u32(&asked, STUN_CHANNEL_NUMBER, &v), 0);
	assert_int_equal(v, 0x40010000);
	assert_int_equal(
	    stun_get_xor_addr(&asked, STUN_XOR_PEER_ADDRESS, &peer), 0);
	assert_true(addr_equal(&peer, &what.peer));
	what = (struct client_ask){ .method = STUN_ALLOCATE, .ipv6 = true };
	ask(&c, &what);
	assert_int_equal(
	    stun_get_u32(&asked, STUN_REQUESTED_ADDRESS_FAMILY, &v), 0);
	assert_int_equal(v, 0x02000000);
	assert_int_equal(stun_get_u32(&asked, STUN_REQUESTED_TRANSPORT, &v), 0);
	assert_int_equal(v, 0x11000000);
	what = (struct client_ask){ .method = STUN_REFRESH, .lifetime = 7 };
	ask(&c, &what);
	assert_int_equal(stun_get_u32(&asked, STUN_LIFETIME, &v), 0);
	assert_int_equal(v, 7);
}

static void
test_data(void **state)
{
	const struct addr peer = addr_v4(192, 0, 2, 1, 9);
	struct buf b = buf_fixed(request, sizeof(request));
	const uint8_t *data;
	struct stun_out o;
	struct addr from;
	uint16_t channel;
	size_t len;

	assert_int_equal(client_send(&peer, 0x4000, "abc", 3, &b), 0);
	assert_int_equal(b.len, 8);
	assert_int_equal(
	    client_data(request, b.len, &from, &channel, &data, &len), 0);
	assert_int_equal(channel, 0x4000);
	assert_int_equal(from.family, ADDR_NONE);
	assert_memory_equal(data, "abc", len);
	buf_reset(&b);
	assert_int_equal(client_send(&peer, 0, "abc", 3, &b), 0);
	/* Send is not Data: the other direction. */
	assert_int_equal(
	    client_data(request, b.len, &from, &channel, &data, &len),
	    -EBADMSG);
	buf_reset(&b);
	o = stun_begin(&b, STUN_DATA, STUN_INDICATION, txid);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &peer);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(
	    client_data(request, b.len, &from, &channel, &data, &len),
	    -EBADMSG);
	stun_put(&o, STUN_DATA_ATTR, "xyz", 3);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(
	    client_data(request, b.len, &from, &channel, &data, &len), 0);
	assert_true(addr_equal(&from, &peer));
	assert_int_equal(len, 3);
	assert_memory_equal(data, "xyz", len);
	assert_int_equal(
	    client_data("", 0, &from, &channel, &data, &len), -EBADMSG);
}

/* The vector of tests/unit/turnd/core/users is the server's side of it. */
static void
test_secret(void **state)
{
	char user[64], password[64];
	uint8_t mac[CRYPTO_SHA1_LEN];
	char want[CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN)];
	const struct crypto_span name = { "1700000600:floe-probe", 21 };

	assert_int_equal(
	    client_secret("s3cret", 1700000600, user, password, 64), 0);
	assert_string_equal(user, "1700000600:floe-probe");
	assert_int_equal(
	    crypto_hmac(CRYPTO_SHA1, "s3cret", 6, &name, 1, mac), 0);
	crypto_base64(mac, sizeof(mac), want);
	assert_string_equal(password, want);
	assert_int_equal(
	    client_secret("s3cret", 1700000600, user, password, 16), -EIO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_no_credentials),
		cmocka_unit_test(test_stale_nonce),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_secret),
	};

	assert_int_equal(crypto_init(), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
