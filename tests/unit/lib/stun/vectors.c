/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sample messages of RFC 5769 and RFC 8489, read and made again byte for
 * byte. Those of RFC 5769 sections 2.1 to 2.3 pad with spaces, which our
 * encoder never does: there the test writes them itself before the MAC.
 */
#include "lib/stun/message.h"
#include "tests/unit/test.h"

#define SHORT_TERM "VOkJxbRl1RmTxUk/WvJxBt"
#define USER       "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
#define REALM      "example.org"
#define PASSWORD   "TheMatrIX" /* as OpaqueString leaves it */

/* RFC 5769 section 2.1 */
static const char request[] =
    "00010058 2112a442 b7e7a701bc34d686fa87dfae"
    "80220010 5354554e207465737420636c69656e74"
    "00240004 6e0001ff"
    "80290008 932ff9b151263b36"
    "00060009 6576746a3a68367659 202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004 e57a3bcf";
/* section 2.2 */
static const char ipv4_response[] =
    "0101003c 2112a442 b7e7a701bc34d686fa87dfae"
    "8022000b 7465737420766563746f72 20"
    "00200008 0001a147e112a643"
    "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004 c07d4c96";
/* section 2.3 */
static const char ipv6_response[] =
    "01010048 2112a442 b7e7a701bc34d686fa87dfae"
    "8022000b 7465737420766563746f72 20"
    "00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004 c8fb0b4c";
/* section 2.4 */
static const char long_term[] =
    "00010060 2112a442 78ad3433c6ad72c029da412e"
    "00060012 e3839ee38388e383aae38383e382afe382b9 0000"
    "0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b 6578616d706c652e6f7267 00"
    "00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";
/* RFC 8489 appendix B.1, as verified erratum 6268 corrects it */
static const char sha256_userhash[] =
    "00010090 2112a442 78ad3433c6ad72c029da412e"
    "001e0020 4a3cf38fef6992bda952c6780417da0f"
    "         24819415569e60b205c46e41407f1704"
    "00150029 6f624d61744a6f733241414143662f2f3439396b"
    "         39353464364f4c33346f4c39465354767936347341 000000"
    "0014000b 6578616d706c652e6f7267 00"
    "001d0004 00020000"
    "001c0020 b5c7bf005b6c52a21c51c5e892f81924"
    "         136296cb927c43149309278cc6518e65";

static uint8_t wire[256];
static size_t wire_len;
static struct stun_msg msg;

static void
load(const char *hex)
{
	wire_len = from_hex(hex, wire, sizeof(wire));
	assert_true(stun_looks_like(wire, wire_len));
	assert_int_equal(stun_decode(wire, wire_len, &msg), 0);
	assert_false(msg.rfc3489);
	assert_null(stun_malformed(&msg));
}

static void
check_text(uint16_t type, const char *want)
{
	const struct stun_attr *a = stun_find(&msg, type);

	assert_non_null(a);
	assert_int_equal(a->len, strlen(want));
	assert_memory_equal(stun_value(&msg, a), want, a->len);
}

static void
put_text(struct stun_out *o, uint16_t type, const char *s, char pad)
{
	size_t n;

	stun_put(o, type, s, strlen(s));
	for (n = strlen(s); n % 4 != 0; n++)
		o->buf->data[o->buf->len - 4 + n % 4] = (uint8_t)pad;
}

static void
check_same(struct stun_out *o)
{
	assert_int_equal(stun_end(o), 0);
	assert_int_equal(o->buf->len, wire_len);
	assert_memory_equal(o->buf->data, wire, wire_len);
}

static void
check_integrity(enum crypto_hash hash, const void *key, size_t len)
{
	uint8_t other[64];

	assert_int_equal(stun_check_integrity(&msg, hash, key, len), 0);
	memcpy(other, key, len);
	other[0] ^= 1;
	assert_int_not_equal(stun_check_integrity(&msg, hash, other, len), 0);
}

static void
test_request(void **state)
{
	uint8_t mem[256];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;
	uint32_t priority;

	load(request);
	assert_int_equal(msg.method, STUN_BINDING);
	assert_int_equal(msg.class, STUN_REQUEST);
	assert_int_equal(msg.nattrs, 6);
	check_text(STUN_SOFTWARE, "STUN test client");
	check_text(STUN_USERNAME, "evtj:h6vY");
	assert_int_equal(stun_get_u32(&msg, STUN_PRIORITY, &priority), 0);
	assert_int_equal(priority, 0x6e0001ff);
	check_integrity(CRYPTO_SHA1, SHORT_TERM, strlen(SHORT_TERM));

	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, stun_txid(&msg));
	put_text(&o, STUN_SOFTWARE, "STUN test client", 0);
	stun_put_u32(&o, STUN_PRIORITY, 0x6e0001ff);
	stun_put(
	    &o, STUN_ICE_CONTROLLED, "\x93\x2f\xf9\xb1\x51\x26\x3b\x36", 8);
	put_text(&o, STUN_USERNAME, "evtj:h6vY", ' ');
	stun_put_integrity(&o, CRYPTO_SHA1, SHORT_TERM, strlen(SHORT_TERM));
	stun_put_fingerprint(&o);
	check_same(&o);
}

static void
check_response(const char *hex, const char *address)
{
	struct addr want, got;
	uint8_t mem[256];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;

	load(hex);
	assert_int_equal(msg.method, STUN_BINDING);
	assert_int_equal(msg.class, STUN_SUCCESS);
	check_text(STUN_SOFTWARE, "test vector");
	assert_int_equal(addr_parse(address, &want), 0);
	assert_int_equal(
	    stun_get_xor_addr(&msg, STUN_XOR_MAPPED_ADDRESS, &got), 0);
	assert_true(addr_equal(&got, &want));
	check_integrity(CRYPTO_SHA1, SHORT_TERM, strlen(SHORT_TERM));

	o = stun_begin_reply(&b, &msg, STUN_SUCCESS);
	put_text(&o, STUN_SOFTWARE, "test vector", ' ');
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &want);
	stun_put_integrity(&o, CRYPTO_SHA1, SHORT_TERM, strlen(SHORT_TERM));
	stun_put_fingerprint(&o);
	check_same(&o);
}

static void
test_ipv4_response(void **state)
{
	check_response(ipv4_response, "192.0.2.1:32853");
}

static void
test_ipv6_response(void **state)
{
	check_response(
	    ipv6_response, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void
test_long_term(void **state)
{
	uint8_t mem[256], key[CRYPTO_MD5_LEN];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;

	load(long_term);
	check_text(STUN_USERNAME, USER);
	check_text(STUN_NONCE, "f//499k954d6OL34oL9FSTvy64sA");
	check_text(STUN_REALM, REALM);
	assert_int_equal(
	    stun_long_term_key(CRYPTO_MD5, USER, REALM, PASSWORD, key), 0);
	check_integrity(CRYPTO_SHA1, key, sizeof(key));

	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, stun_txid(&msg));
	put_text(&o, STUN_USERNAME, USER, 0);
	put_text(&o, STUN_NONCE, "f//499k954d6OL34oL9FSTvy64sA", 0);
	put_text(&o, STUN_REALM, REALM, 0);
	stun_put_integrity(&o, CRYPTO_SHA1, key, sizeof(key));
	check_same(&o);
}

static void
test_sha256_userhash(void **state)
{
	const char *nonce = "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA";
	uint8_t mem[256], key[CRYPTO_SHA256_LEN], hash[CRYPTO_SHA256_LEN];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;

	load(sha256_userhash);
	check_text(STUN_NONCE, nonce);
	check_text(STUN_REALM, REALM);
	assert_int_equal(stun_userhash(USER, REALM, hash), 0);
	assert_memory_equal(
	    stun_value(&msg, stun_find(&msg, STUN_USERHASH)), hash, 32);
	assert_int_equal(
	    stun_long_term_key(CRYPTO_SHA256, USER, REALM, PASSWORD, key), 0);
	check_integrity(CRYPTO_SHA256, key, sizeof(key));

	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, stun_txid(&msg));
	stun_put(&o, STUN_USERHASH, hash, sizeof(hash));
	put_text(&o, STUN_NONCE, nonce, 0);
	put_text(&o, STUN_REALM, REALM, 0);
	stun_put_u32(&o, STUN_PASSWORD_ALGORITHM, STUN_PASSWORD_SHA256);
	stun_put_integrity(&o, CRYPTO_SHA256, key, sizeof(key));
	check_same(&o);
}

/* The check value of every CRC-32/ISO-HDLC. */
static void
test_crc32(void **state)
{
	assert_int_equal(stun_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(stun_crc32("", 0), 0);
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
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_ipv4_response),
		cmocka_unit_test(test_ipv6_response),
		cmocka_unit_test(test_long_term),
		cmocka_unit_test(test_sha256_userhash),
		cmocka_unit_test(test_crc32),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
