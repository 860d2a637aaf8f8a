/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/message.h"
#include "tests/unit/test.h"

static const struct {
	const char *hex;
	int err;
	uint16_t channel;
	const char *data;
} datagrams[] = {
	{ "4000 0003 616263", 0, 0x4000, "abc" },
	{ "4000 0003 616263 00", 0, 0x4000, "abc" }, /* padded */
	{ "4fff 0000", 0, 0x4fff, "" },
	{ "7ffe 0001 61", 0, 0x7ffe, "a" },
	{ "7fff 0001 61", -EBADMSG, 0, NULL },
	{ "3fff 0001 61", -EBADMSG, 0, NULL },
	{ "8000 0001 61", -EBADMSG, 0, NULL },
	{ "4000 0004 616263", -EBADMSG, 0, NULL },
	{ "4000 ffff 616263", -EBADMSG, 0, NULL },
	{ "4000 00", -EBADMSG, 0, NULL },
	{ "", -EBADMSG, 0, NULL },
};

static void
test_decode(void **state)
{
	uint8_t bytes[64];
	const uint8_t *data;
	uint16_t channel;
	size_t i, len, data_len;

	for (i = 0; i < LEN(datagrams); i++) {
		len = from_hex(datagrams[i].hex, bytes, sizeof(bytes));
		assert_int_equal(
		    stun_channel_decode(bytes, len, &channel, &data, &data_len),
		    datagrams[i].err);
		if (datagrams[i].err != 0)
			continue;
		assert_int_equal(channel, datagrams[i].channel);
		assert_int_equal(data_len, strlen(datagrams[i].data));
		assert_memory_equal(data, datagrams[i].data, data_len);
	}
}

static void
test_header(void **state)
{
	uint8_t head[STUN_CHANNEL_HEADER_LEN];

	stun_channel_header(head, 0x4a5b, 0x1234);
	assert_memory_equal(head, "\x4a\x5b\x12\x34", 4);
}

static void
test_looks_like(void **state)
{
	assert_true(stun_channel_looks_like("\x40\x00\x00\x00", 4));
	assert_true(stun_channel_looks_like("\x7f\x00\x00\x00", 4));
	assert_false(stun_channel_looks_like("\x40\x00\x00", 3));
	assert_false(stun_channel_looks_like("\x00\x01\x00\x00", 4));
	assert_false(stun_channel_looks_like("\x80\x00\x00\x00", 4));
}

static const struct {
	const char *hex;
	int want;
} streams[] = {
	{ "", 0 },
	{ "00", 0 },
	{ "0001 00", 0 },
	{ "0001 0008", 0 }, /* the cookie tells */
	{ "0001 0008 2112a4", 0 },
	{ "0001 0008 2112a442", 28 },
	{ "0001 0008 2112a443", -EBADMSG },
	{ "0001 0007", -EBADMSG },
	{ "0001 fffc 2112a442", 65552 },
	{ "16030100 c8010000", -EBADMSG }, /* TLS ClientHello */
	{ "40", 0 },
	{ "4000 0000", 4 },
	{ "4000 0001", 8 },
	{ "4000 0004", 8 },
	{ "4000 0005 6162", 12 },
	{ "4000 ffff", 65540 },
	{ "7fff 0000", -EBADMSG },
	{ "80", -EBADMSG },
	{ "ff", -EBADMSG },
};

static void
test_stream(void **state)
{
	uint8_t bytes[64];
	size_t i, len;

	for (i = 0; i < LEN(streams); i++) {
		len = from_hex(streams[i].hex, bytes, sizeof(bytes));
		assert_int_equal(stun_stream_next(bytes, len), streams[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_looks_like),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
