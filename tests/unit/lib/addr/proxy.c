/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/addr/proxy.h"
#include "tests/unit/test.h"

#define SIGNATURE "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a "

/* Byte by byte: it is not known before the last byte, nor later. */
static void
decodes(const void *data, size_t len, struct proxy_header *h)
{
	char *part, tail[64] = "";
	size_t i;

	for (i = 0; i < len; i++) {
		part = malloc(i + 1); /* alone, for the sanitizer */
		memcpy(part, data, i);
		assert_int_equal(proxy_decode(part, i, h), 0);
		free(part);
	}
	assert_int_equal(proxy_decode(data, len, h), len);
	/* What follows is another's. */
	part = malloc(len + sizeof(tail));
	memcpy(part, data, len);
	memcpy(part + len, tail, sizeof(tail));
	assert_int_equal(proxy_decode(part, len + sizeof(tail), h), len);
	free(part);
}

static void
is_told(const struct proxy_header *h, const char *client, const char *server)
{
	char text[ADDR_STRLEN];

	assert_true(h->told);
	assert_string_equal(addr_format(&h->client, text), client);
	assert_string_equal(addr_format(&h->server, text), server);
}

static void
text(void **state)
{
	static const struct {
		const char *line, *client, *server;
	} rows[] = {
		{ "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n",
		    "192.0.2.1:56324", "198.51.100.2:443" },
		{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		    "255.255.255.255:65535", "255.255.255.255:65535" },
		{ "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0", "0.0.0.0" },
		{ "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1",
		    "[::1]:2" },
		{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
		{ "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 7 8\r\n",
		    "192.0.2.1:7", "198.51.100.2:8" },
	};
	struct proxy_header h;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		decodes(rows[i].line, strlen(rows[i].line), &h);
		is_told(&h, rows[i].client, rows[i].server);
	}
}

static void
text_of_nobody(void **state)
{
	static const char *const lines[] = {
		"PROXY UNKNOWN\r\n",
		"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"
	};
	struct proxy_header h;
	size_t i;

	for (i = 0; i < LEN(lines); i++) {
		decodes(lines[i], strlen(lines[i]), &h);
		assert_false(h.told);
	}
}

static void
broken_text(void **state)
{
	static const char *const lines[] = {
		"GET / HTTP/1.1\r\n",
		"PROXX",
		"proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
		"PROXY \r\n",
		"PROXY\r\n",
		"PROXY UNKNOWNS\r\n",
		"PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1\r2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2\r\n",
		"PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n",
		"PROXY TCP4 192.0.2.1 198.51.100.2 1 4294967298\r\n",
		"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1:5 198.51.100.2 1 2\r\n",
		"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
		"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
		"PROXY TCP6 [2001:db8::1] 2001:db8::2 1 2\r\n",
		"PROXY TCP4 localhost 198.51.100.2 1 2\r\n",
	};
	char endless[200];
	struct proxy_header h;
	size_t i;

	for (i = 0; i < LEN(lines); i++)
		assert_int_equal(
		    proxy_decode(lines[i], strlen(lines[i]), &h), -EBADMSG);
	assert_int_equal(
	    proxy_decode("PROXY TCP4 1\0.2.3.4 1.2.3.4 1 2\r\n", 34, &h),
	    -EBADMSG);
	memset(endless, ' ', sizeof(endless));
	memcpy(endless, "PROXY UNKNOWN", 13);
	assert_int_equal(proxy_decode(endless, 106, &h), 0);
	assert_int_equal(proxy_decode(endless, 107, &h), -EBADMSG);
	memcpy(endless + 105, "\r\n", 2);
	assert_int_equal(proxy_decode(endless, 107, &h), 107);
	assert_int_equal(proxy_decode(endless, 200, &h), 107);
	/* Noise is known by its first byte. */
	assert_int_equal(proxy_decode("\x16", 1, &h), -EBADMSG);
	assert_int_equal(proxy_decode("\0", 1, &h), -EBADMSG);
	assert_int_equal(proxy_decode("", 0, &h), 0);
}

static size_t
binary_of(const char *rest, uint8_t *out, size_t room)
{
	size_t n = from_hex(SIGNATURE, out, room);

	return n + from_hex(rest, out + n, room - n);
}

static void
binary(void **state)
{
	uint8_t data[512];
	struct proxy_header h;

	decodes(data,
	    binary_of(
		"21 11 000c c0000201 c6336402 dc04 01bb", data, sizeof(data)),
	    &h);
	is_told(&h, "192.0.2.1:56324", "198.51.100.2:443");
	decodes(data,
	    binary_of("21 21 0024 20010db8000000000000000000000001"
		      "20010db8000000000000000000000002 0001 0002",
		data, sizeof(data)),
	    &h);
	is_told(&h, "[2001:db8::1]:1", "[2001:db8::2]:2");
	/* ::ffff:192.0.2.1, and what HAProxy calls TLVs: CRC32C and NOOP. */
	decodes(data,
	    binary_of("21 21 0030 00000000000000000000ffffc0000201"
		      "00000000000000000000ffffc6336402 0001 0002"
		      "03 0004 deadbeef 04 0002 0000",
		data, sizeof(data)),
	    &h);
	is_told(&h, "192.0.2.1:1", "198.51.100.2:2");
}

static void
binary_of_nobody(void **state)
{
	static const char *const rows[] = {
		"20 00 0000",                             /* LOCAL */
		"20 11 000c c0000201 c6336402 dc04 01bb", /* LOCAL */
		"21 00 0000",                             /* UNSPEC */
		"21 00 0003 010203",                      /* UNSPEC */
		"21 12 000c c0000201 c6336402 dc04 01bb", /* UDP */
		"21 31 0004 2f746d70", /* AF_UNIX, cut at will */
	};
	uint8_t data[512];
	struct proxy_header h;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		decodes(data, binary_of(rows[i], data, sizeof(data)), &h);
		assert_false(h.told);
	}
}

static void
broken_binary(void **state)
{
	static const char *const rows[] = {
		"11", /* version 1 */
		"22", /* a command of the future */
		"21 11 000b c0000201 c6336402 dc04 01", /* too short inside */
		"21 21 000c c0000201 c6336402 dc04 01bb",
		"21 11 0000",
		"21 11 1001", /* more than is taken */
		"20 00 ffff",
	};
	static uint8_t data[PROXY_HEADER_MAX + 1];
	struct proxy_header h = { .told = true };
	size_t i, n;

	for (i = 0; i < LEN(rows); i++) {
		n = binary_of(rows[i], data, sizeof(data));
		assert_int_equal(proxy_decode(data, n, &h), -EBADMSG);
		assert_true(h.told); /* untouched */
	}
	n = binary_of(
	    "21 11 1000 c0000201 c6336402 dc04 01bb", data, sizeof(data));
	assert_int_equal(proxy_decode(data, n, &h), 0);
	assert_int_equal(proxy_decode(data, PROXY_HEADER_MAX - 1, &h), 0);
	assert_int_equal(
	    proxy_decode(data, PROXY_HEADER_MAX, &h), PROXY_HEADER_MAX);
	data[11] = 0; /* the last of the signature */
	assert_int_equal(proxy_decode(data, 12, &h), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(text_of_nobody),
		cmocka_unit_test(broken_text),
		cmocka_unit_test(binary),
		cmocka_unit_test(binary_of_nobody),
		cmocka_unit_test(broken_binary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
