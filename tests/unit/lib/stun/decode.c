/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/message.h"
#include "tests/unit/test.h"

#define COOKIE "2112a442"
#define TXID   "6162636465666768696a6b6c"
#define USER   "0006 0001 61000000"
#define REALM  "0014 0001 62000000"
#define SHA1   "0008 0014 0000000000000000000000000000000000000000"
#define SHA256 "001c 0010 00000000000000000000000000000000"

static uint8_t wire[512];

static int
decode(const char *hex, struct stun_msg *m)
{
	return stun_decode(wire, from_hex(hex, wire, sizeof(wire)), m);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *what;
		const char *hex;
	} rows[] = {
		{ "nothing", "" },
		{ "half a header", "0001 0000 " COOKIE },
		{ "header short by one",
		    "0001 0000" COOKIE "6162636465666768696a6b" },
		{ "first bits 01", "4001 0000" COOKIE TXID },
		{ "first bits 10", "8001 0000" COOKIE TXID },
		{ "first bits 11", "c001 0000" COOKIE TXID },
		{ "length too long", "0001 0008" COOKIE TXID },
		{ "length too short", "0001 0000" COOKIE TXID USER },
		{ "bytes after the message",
		    "0001 0008" COOKIE TXID USER "00000000" },
		{ "length no multiple of 4", "0001 0002" COOKIE TXID "0006" },
		{ "attribute overruns",
		    "0001 0008" COOKIE TXID "0006 0005 61626364" },
		{ "attribute overruns by far",
		    "0001 0008" COOKIE TXID "0006 ffff 61626364" },
		{ "second attribute overruns",
		    "0001 000c" COOKIE TXID USER "0014 0001" },
		{ "overrun after FINGERPRINT",
		    "0001 000c" COOKIE TXID "8028 0004 00000000 0014 0001" },
		{ "overrun after MESSAGE-INTEGRITY",
		    "0001 001c" COOKIE TXID SHA1 "0014 0001" },
		{ "wrong FINGERPRINT",
		    "0001 0008" COOKIE TXID "8028 0004 00000000" },
		{ "short FINGERPRINT",
		    "0001 0008" COOKIE TXID "8028 0003 00000000" },
		{ "empty FINGERPRINT", "0001 0004" COOKIE TXID "8028 0000" },
	};
	struct stun_msg m;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		if (decode(rows[i].hex, &m) != -EBADMSG)
			fail_msg("%s: taken", rows[i].what);
	}
}

/* Whatever the cut, a message cut short is refused. */
static void
test_truncated(void **state)
{
	uint8_t mem[128];
	struct buf b = buf_fixed(mem, sizeof(mem));
	const uint8_t txid[STUN_TXID_LEN] = { 1 };
	struct stun_out o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	struct stun_msg m;
	size_t len;

	stun_put(&o, STUN_USERNAME, "alice", 5);
	stun_put_integrity(&o, CRYPTO_SHA1, "key", 3);
	stun_put_fingerprint(&o);
	assert_int_equal(stun_end(&o), 0);
	for (len = 0; len < b.len; len++) {
		assert_int_equal(stun_decode(mem, len, &m), -EBADMSG);
		assert_false(stun_looks_like(mem, len));
	}
	assert_int_equal(stun_decode(mem, b.len, &m), 0);
}

/* Any single flipped bit that FINGERPRINT covers is noticed. */
static void
test_fingerprint(void **state)
{
	uint8_t mem[128];
	struct buf b = buf_fixed(mem, sizeof(mem));
	const uint8_t txid[STUN_TXID_LEN] = { 1 };
	struct stun_out o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	struct stun_msg m;
	size_t bit;

	stun_put(&o, STUN_USERNAME, "alice", 5);
	stun_put_fingerprint(&o);
	assert_int_equal(stun_end(&o), 0);
	for (bit = 0; bit < (b.len - 8) * 8; bit++) {
		/* A longer USERNAME would swallow the FINGERPRINT. */
		if (bit / 8 == 22 || bit / 8 == 23)
			continue;
		mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(stun_decode(mem, b.len, &m), -EBADMSG);
		mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(stun_decode(mem, b.len, &m), 0);
}

static void
test_many_attributes(void **state)
{
	uint8_t mem[STUN_HEADER_LEN + 4 * (STUN_MAX_ATTRS + 1)];
	struct buf b = buf_fixed(mem, sizeof(mem));
	const uint8_t txid[STUN_TXID_LEN] = { 1 };
	struct stun_out o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	struct stun_msg m;
	int i;

	for (i = 0; i < STUN_MAX_ATTRS; i++)
		stun_put(&o, STUN_USERNAME, NULL, 0);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(stun_decode(mem, b.len, &m), 0);
	assert_int_equal(m.nattrs, STUN_MAX_ATTRS);
	stun_put(&o, STUN_USERNAME, NULL, 0);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(stun_decode(mem, b.len, &m), -EBADMSG);
}

/* RFC 8489 section 14: only the first of a kind counts. */
static void
test_duplicates(void **state)
{
	struct stun_msg m;
	uint32_t v;

	assert_int_equal(decode("0001 0010" COOKIE TXID "000d 0004 00000001"
				"000d 0004 00000002",
			     &m),
	    0);
	assert_int_equal(m.nattrs, 2);
	assert_int_equal(stun_get_u32(&m, STUN_LIFETIME, &v), 0);
	assert_int_equal(v, 1);
}

/* RFC 8489 sections 14.5 to 14.7: what follows the seal does not count. */
static void
test_after_integrity(void **state)
{
	static const struct {
		const char *hex;
		uint16_t types[4];
	} rows[] = {
		{ "0001 0028" COOKIE TXID USER SHA1 REALM,
		    { STUN_USERNAME, STUN_MESSAGE_INTEGRITY } },
		{ "0001 0034" COOKIE TXID SHA1 SHA256 REALM,
		    { STUN_MESSAGE_INTEGRITY, STUN_MESSAGE_INTEGRITY_SHA256 } },
		{ "0001 0034" COOKIE TXID SHA1 REALM SHA256,
		    { STUN_MESSAGE_INTEGRITY, STUN_MESSAGE_INTEGRITY_SHA256 } },
		{ "0001 0034" COOKIE TXID SHA256 SHA1 REALM,
		    { STUN_MESSAGE_INTEGRITY_SHA256 } },
		{ "0001 0030" COOKIE TXID SHA1 SHA1,
		    { STUN_MESSAGE_INTEGRITY } },
	};
	struct stun_msg m;
	size_t i, j;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(decode(rows[i].hex, &m), 0);
		for (j = 0; rows[i].types[j] != 0; j++)
			assert_int_equal(m.attrs[j].type, rows[i].types[j]);
		assert_int_equal(m.nattrs, j);
	}
}

static void
test_after_fingerprint(void **state)
{
	uint8_t mem[128];
	struct buf b = buf_fixed(mem, sizeof(mem));
	const uint8_t txid[STUN_TXID_LEN] = { 1 };
	struct stun_out o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	struct stun_msg m;

	stun_put_fingerprint(&o);
	stun_put(&o, STUN_USERNAME, "alice", 5);
	stun_put_integrity(&o, CRYPTO_SHA1, "key", 3);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(stun_decode(mem, b.len, &m), 0);
	assert_int_equal(m.nattrs, 1);
	assert_int_equal(m.attrs[0].type, STUN_FINGERPRINT);
}

static void
test_getters(void **state)
{
	struct addr a = addr_v4(1, 2, 3, 4, 5), same = a;
	struct stun_msg m;
	uint32_t v = 7;

	/* LIFETIME of 3 bytes, addresses of a wrong family and length. */
	assert_int_equal(decode("0001 0030" COOKIE TXID "000d 0003 00000000"
				"0001 0008 0003 1234 01020304"
				"0012 0008 0002 1234 01020304"
				"0016 000c 0001 1234 01020304 00000000",
			     &m),
	    0);
	assert_int_equal(stun_get_u32(&m, STUN_LIFETIME, &v), -EBADMSG);
	assert_int_equal(stun_get_u32(&m, STUN_PRIORITY, &v), -ENOENT);
	assert_int_equal(v, 7);
	assert_int_equal(stun_get_addr(&m, STUN_MAPPED_ADDRESS, &a), -EBADMSG);
	assert_int_equal(
	    stun_get_xor_addr(&m, STUN_XOR_PEER_ADDRESS, &a), -EBADMSG);
	assert_int_equal(
	    stun_get_xor_addr(&m, STUN_XOR_RELAYED_ADDRESS, &a), -EBADMSG);
	assert_int_equal(
	    stun_get_xor_addr(&m, STUN_XOR_MAPPED_ADDRESS, &a), -ENOENT);
	assert_true(addr_equal(&a, &same));
	assert_ptr_equal(stun_malformed(&m), stun_find(&m, STUN_LIFETIME));
}

static void
test_several_peers(void **state)
{
	struct addr a;
	struct stun_msg m;

	assert_int_equal(
	    decode("0008 0018" COOKIE TXID "0012 0008 0001 3326 211ca6 43"
		   "0012 0008 0001 3326 2112a440",
		&m),
	    0);
	assert_int_equal(stun_read_xor_addr(&m, &m.attrs[1], &a), 0);
	assert_int_equal(a.port, 0x1234);
	assert_memory_equal(a.ip, "\x00\x00\x00\x02", 4);
}

static bool
knows_username(uint16_t type)
{
	return type == STUN_USERNAME;
}

static void
test_unknown(void **state)
{
	struct stun_msg m;
	uint16_t types[4] = { 0 };

	assert_int_equal(
	    decode("0001 001c" COOKIE TXID USER "7001 0000 7002 0000"
		   "7001 0000 8001 0000 0014 0000",
		&m),
	    0);
	assert_int_equal(stun_unknown(&m, knows_username, types, 4), 3);
	assert_int_equal(types[0], 0x7001);
	assert_int_equal(types[1], 0x7002);
	assert_int_equal(types[2], STUN_REALM);
	assert_int_equal(stun_unknown(&m, knows_username, types, 2), 2);
}

/* RFC 8489 section 14.6: truncated only where the usage allows it; here never,
 * though the MAC is over that length. */
static void
test_truncated_sha256(void **state)
{
	static const struct {
		size_t len;
		int want;
	} rows[] = { { 32, 0 }, { 28, -EACCES }, { 16, -EACCES },
		{ 12, -EACCES }, { 18, -EACCES }, { 0, -EACCES } };
	const uint8_t txid[STUN_TXID_LEN] = { 1 };
	uint8_t mem[128], mac[CRYPTO_SHA256_LEN];
	struct crypto_span span = { mem, STUN_HEADER_LEN };
	struct stun_out o;
	struct stun_msg m;
	struct buf b;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		b = buf_fixed(mem, sizeof(mem));
		o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
		mem[3] = (uint8_t)(4 + rows[i].len);
		assert_int_equal(
		    crypto_hmac(CRYPTO_SHA256, "key", 3, &span, 1, mac), 0);
		stun_put(&o, STUN_MESSAGE_INTEGRITY_SHA256, mac, rows[i].len);
		assert_int_equal(stun_end(&o), 0);
		assert_int_equal(stun_decode(mem, b.len, &m), 0);
		assert_int_equal(
		    stun_check_integrity(&m, CRYPTO_SHA256, "key", 3),
		    rows[i].want);
		assert_int_equal(
		    stun_check_integrity(&m, CRYPTO_SHA256, "kez", 3), -EACCES);
	}
}

/* RFC 8489 section 14: padding is whatever it is, and so is the reserved first
 * byte of an address. */
static void
test_what_is_ignored(void **state)
{
	struct stun_msg m;
	struct addr a;

	assert_int_equal(decode("0001 0014" COOKIE TXID "8022 0001 61ffffff"
				"0001 0008 ff01 1234 01020304",
			     &m),
	    0);
	assert_int_equal(m.attrs[0].len, 1);
	assert_null(stun_malformed(&m));
	assert_int_equal(stun_get_addr(&m, STUN_MAPPED_ADDRESS, &a), 0);
	assert_int_equal(a.port, 0x1234);
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
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_many_attributes),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_after_integrity),
		cmocka_unit_test(test_after_fingerprint),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_several_peers),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_truncated_sha256),
		cmocka_unit_test(test_what_is_ignored),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
