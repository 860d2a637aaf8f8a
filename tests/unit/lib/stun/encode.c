/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/message.h"
#include "tests/unit/test.h"

static const uint8_t txid[STUN_TXID_LEN] = "abcdefghijkl";

static uint8_t mem[70000];

/* Every method and class survives the shuffle of bits. */
static void
test_types(void **state)
{
	static const uint16_t classes[] = { STUN_REQUEST, STUN_INDICATION,
		STUN_SUCCESS, STUN_ERROR };
	struct stun_msg m;
	struct stun_out o;
	struct buf b;
	uint16_t method;
	size_t i;

	for (method = 0; method < 0x1000; method++) {
		for (i = 0; i < LEN(classes); i++) {
			b = buf_fixed(mem, sizeof(mem));
			o = stun_begin(&b, method, classes[i], txid);
			assert_int_equal(stun_end(&o), 0);
			assert_int_equal(b.len, STUN_HEADER_LEN);
			assert_int_equal(stun_decode(mem, b.len, &m), 0);
			assert_int_equal(m.method, method);
			assert_int_equal(m.class, classes[i]);
			assert_memory_equal(stun_txid(&m), txid, sizeof(txid));
		}
	}
}

static void
test_error(void **state)
{
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;
	uint8_t want[64];
	size_t len;

	o = stun_begin(&b, STUN_ALLOCATE, STUN_ERROR, txid);
	stun_put_error(&o, 420, "Unknown");
	stun_put_types(&o, STUN_UNKNOWN_ATTRIBUTES,
	    (const uint16_t[]){ 0x7001, 0x0002, 0x0003 }, 3);
	assert_int_equal(stun_end(&o), 0);
	len = from_hex("0113 001c 2112a442 6162636465666768696a6b6c"
		       "0009 000b 00000414 556e6b6e6f776e 00"
		       "000a 0006 7001 0002 0003 0000",
	    want, sizeof(want));
	assert_int_equal(b.len, len);
	assert_memory_equal(mem, want, len);
}

/* The masked address depends on the message, wherever in the buf it is. */
static void
test_offset(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 32853);
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_msg m;
	struct stun_out o;
	struct addr got;

	buf_puts(&b, "xyz");
	o = stun_begin(&b, STUN_BINDING, STUN_SUCCESS, txid);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &a);
	stun_put_addr(&o, STUN_MAPPED_ADDRESS, &a);
	stun_put_integrity(&o, CRYPTO_SHA256, "key", 3);
	stun_put_fingerprint(&o);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(stun_decode(mem + 3, b.len - 3, &m), 0);
	assert_int_equal(
	    stun_get_xor_addr(&m, STUN_XOR_MAPPED_ADDRESS, &got), 0);
	assert_true(addr_equal(&got, &a));
	assert_int_equal(stun_get_addr(&m, STUN_MAPPED_ADDRESS, &got), 0);
	assert_true(addr_equal(&got, &a));
	assert_int_equal(stun_check_integrity(&m, CRYPTO_SHA256, "key", 3), 0);
	assert_int_equal(
	    stun_check_integrity(&m, CRYPTO_SHA1, "key", 3), -ENOENT);
}

/* An RFC 3489 client has all 16 bytes of its id back. */
static void
test_rfc3489_reply(void **state)
{
	uint8_t req[STUN_HEADER_LEN], out[64];
	struct buf b = buf_fixed(out, sizeof(out));
	struct stun_msg m;
	struct stun_out o;

	from_hex("0001 0000 000102030405060708090a0b0c0d0e0f", req, 20);
	assert_int_equal(stun_decode(req, sizeof(req), &m), 0);
	assert_true(m.rfc3489);
	o = stun_begin_reply(&b, &m, STUN_SUCCESS);
	assert_int_equal(stun_end(&o), 0);
	assert_memory_equal(out, "\x01\x01\x00\x00", 4);
	assert_memory_equal(out + 4, req + 4, 16);
}

/* Whatever the room, a message that does not fit is an error, no overrun. */
static void
test_no_room(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 32853);
	struct stun_out o;
	struct buf b;
	size_t room, full = 20 + 12 + 12 + 8 + 8 + 24 + 8;

	for (room = 0; room <= full; room++) {
		memset(mem, 0xa5, full + 1);
		b = buf_fixed(mem, room);
		o = stun_begin(&b, STUN_BINDING, STUN_ERROR, txid);
		stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &a);
		stun_put_error(&o, 400, "Bad");
		stun_put_u32(&o, STUN_LIFETIME, 600);
		stun_put_types(
		    &o, STUN_UNKNOWN_ATTRIBUTES, (const uint16_t[]){ 1 }, 1);
		stun_put_integrity(&o, CRYPTO_SHA1, "key", 3);
		stun_put_fingerprint(&o);
		assert_int_equal(stun_end(&o), room < full ? -ENOSPC : 0);
		assert_int_equal(mem[room], 0xa5);
	}
	assert_int_equal(b.len, full);
}

/* 16 bits of length are the other limit. */
static void
test_too_long(void **state)
{
	static uint8_t data[UINT16_MAX + 1];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o;

	o = stun_begin(&b, STUN_SEND, STUN_INDICATION, txid);
	stun_put(&o, STUN_DATA_ATTR, data, 65000);
	assert_int_equal(stun_end(&o), 0);
	stun_put(&o, STUN_DATA_ATTR, data, 600);
	assert_int_equal(stun_end(&o), -ENOSPC);

	b = buf_fixed(mem, sizeof(mem));
	o = stun_begin(&b, STUN_SEND, STUN_INDICATION, txid);
	stun_put(&o, STUN_DATA_ATTR, data, sizeof(data));
	assert_int_equal(stun_end(&o), -ENOSPC);
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
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_rfc3489_reply),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
