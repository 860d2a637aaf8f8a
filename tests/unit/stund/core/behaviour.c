/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stun/message.h"
#include "stund/core/binding.h"
#include "tests/unit/test.h"

#define COOKIE "2112a442"
#define TXID   "6162636465666768696a6b6c"
#define FLAT   "000102030405060708090a0b0c0d0e0f" /* an RFC 3489 id */

static struct behaviour square;
static uint8_t request[4096], answer[BINDING_ANSWER_MAX];
static size_t request_len;
static struct stun_msg got;
static struct binding_out out;

static enum binding_result
send_from(const struct addr *client, size_t len, unsigned int corner)
{
	struct buf buf = buf_fixed(answer, sizeof(answer));
	const struct binding_in in = { request, len, client, &square, corner,
		false };
	enum binding_result result;

	request_len = len;
	out = (struct binding_out){ .buf = &buf };
	result = binding_input(&in, &out);
	if (binding_is_answer(result))
		assert_int_equal(stun_decode(answer, buf.len, &got), 0);
	out.buf = NULL;
	return result;
}

static enum binding_result
give(const char *hex, unsigned int corner)
{
	const struct addr client = addr_v4(192, 0, 2, 9, 5000);

	return send_from(
	    &client, from_hex(hex, request, sizeof(request)), corner);
}

static void
expect_addr(uint16_t type, const char *want)
{
	char text[ADDR_STRLEN];
	struct addr a;

	assert_int_equal(stun_get_addr(&got, type, &a), 0);
	assert_string_equal(addr_format(&a, text), want);
}

static int
setup(void **state)
{
	const struct addr first = addr_v4(198, 51, 100, 1, 3478);
	const struct addr second = addr_v4(203, 0, 113, 1, 3479);

	square = behaviour_of(&first, &second);
	return 0;
}

/* RFC 5780 section 6.1: all four are in every answer. */
static void
test_plain_request(void **state)
{
	const struct addr client = addr_v4(192, 0, 2, 9, 5000);
	struct addr mapped;

	assert_int_equal(give("0001 0000" COOKIE TXID, 0), BINDING_SUCCESS);
	assert_int_equal(
	    stun_get_xor_addr(&got, STUN_XOR_MAPPED_ADDRESS, &mapped), 0);
	assert_true(addr_equal(&mapped, &client));
	expect_addr(STUN_MAPPED_ADDRESS, "192.0.2.9:5000");
	expect_addr(STUN_RESPONSE_ORIGIN, "198.51.100.1:3478");
	expect_addr(STUN_OTHER_ADDRESS, "203.0.113.1:3479");
	assert_int_equal(out.corner, 0);
	assert_true(addr_equal(&out.to, &client));
	assert_int_equal(got.len, 68);
}

/* Its table 1, for a request to each of the four. */
static void
test_table(void **state)
{
	static const char *const at[] = { "198.51.100.1:3478",
		"198.51.100.1:3479", "203.0.113.1:3478", "203.0.113.1:3479" };
	static const struct {
		const char *flags;
		unsigned int from[BEHAVIOUR_CORNERS];
	} rows[] = {
		{ "00000000", { 0, 1, 2, 3 } },
		{ "00000002", { 1, 0, 3, 2 } }, /* change port */
		{ "00000004", { 2, 3, 0, 1 } }, /* change IP */
		{ "00000006", { 3, 2, 1, 0 } },
		{ "fffffff9", { 0, 1, 2, 3 } }, /* no flags of ours */
	};
	char hex[80];
	unsigned int k;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		snprintf(hex, sizeof(hex), "0001 0008" COOKIE TXID "00030004%s",
		    rows[i].flags);
		for (k = 0; k < BEHAVIOUR_CORNERS; k++) {
			assert_int_equal(give(hex, k), BINDING_SUCCESS);
			assert_int_equal(out.corner, rows[i].from[k]);
			expect_addr(STUN_RESPONSE_ORIGIN, at[rows[i].from[k]]);
			expect_addr(STUN_OTHER_ADDRESS, at[3 - k]);
		}
	}
}

/* RFC 3489 sections 8.1 and 11.2: other names, and no masked address. */
static void
test_rfc3489(void **state)
{
	assert_int_equal(
	    give("0001 0008" FLAT "0003 0004 00000006", 0), BINDING_SUCCESS);
	assert_int_equal(out.corner, 3);
	expect_addr(STUN_MAPPED_ADDRESS, "192.0.2.9:5000");
	expect_addr(STUN_SOURCE_ADDRESS, "203.0.113.1:3479");
	expect_addr(STUN_CHANGED_ADDRESS, "203.0.113.1:3479");
	assert_int_equal(got.nattrs, 3);
	/* Their RESPONSE-ADDRESS would name a victim. */
	assert_int_equal(
	    give("0001 000c" FLAT "0002 0008 0001 1388 c0000207", 0),
	    BINDING_UNKNOWN_ATTRIBUTE);
}

/* Section 7.5: another port, never another address. */
static void
test_response_port(void **state)
{
	const struct addr want = addr_v4(192, 0, 2, 9, 0x1388 + 1);

	assert_int_equal(give("0001 0008" COOKIE TXID "0027 0002 1389 0000", 0),
	    BINDING_SUCCESS);
	assert_true(addr_equal(&out.to, &want));
	expect_addr(STUN_MAPPED_ADDRESS, "192.0.2.9:5000");
	assert_int_equal(give("0001 0010" COOKIE TXID
			      "0027 0004 1389 ffff 0003 0004 00000004",
			     1),
	    BINDING_SUCCESS);
	assert_true(addr_equal(&out.to, &want));
	assert_int_equal(out.corner, 3);
	assert_int_equal(give("0001 0008" COOKIE TXID "0027 0002 0000 0000", 0),
	    BINDING_BAD_REQUEST);
	assert_int_equal(out.to.port, 5000);
}

/* Section 10: otherwise many bytes could go to a port that asked for none. */
static void
test_padding_and_response_port(void **state)
{
	assert_int_equal(give("0001 0010" COOKIE TXID
			      "0027 0002 1389 0000 0026 0004 00000000",
			     0),
	    BINDING_BAD_REQUEST);
	assert_int_equal(out.to.port, 5000);
	assert_int_equal(out.corner, 0);
	assert_memory_equal(
	    stun_value(&got, stun_find(&got, STUN_ERROR_CODE)), "\0\0\4\0", 4);
	assert_true(got.len * 5 <= request_len * 8);
}

static size_t
padded(const struct addr *client, size_t n)
{
	struct buf b = buf_fixed(request, sizeof(request));
	static const uint8_t text[2000];
	const struct stun_attr *a;
	struct stun_out o = stun_begin(
	    &b, STUN_BINDING, STUN_REQUEST, (const uint8_t *)"abcdefghijkl");

	stun_put(&o, STUN_PADDING, text, n);
	stun_put_fingerprint(&o);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(send_from(client, b.len, 0), BINDING_SUCCESS);
	a = stun_find(&got, STUN_PADDING);
	assert_non_null(a);
	return a->len;
}

/* Section 6.1: it comes back, but no more of it than came. */
static void
test_padding(void **state)
{
	const struct addr v4 = addr_v4(192, 0, 2, 9, 5000);
	struct addr v6;

	assert_int_equal(addr_parse("[2001:db8::9]:5000", &v6), 0);
	assert_int_equal(padded(&v4, 0), 0);
	assert_int_equal(padded(&v4, 3), 3);
	assert_int_equal(padded(&v4, 1500), 1500);
	assert_true(got.len > 1500 && got.len <= request_len + 48);
	assert_int_equal(padded(&v4, 2000), 1500);
	/* The longest answer there is has its room. */
	assert_int_equal(addr_parse("[2001:db8::1]:3478", &square.at[0]), 0);
	assert_int_equal(addr_parse("[2001:db8::2]:3479", &square.at[3]), 0);
	assert_int_equal(padded(&v6, 2000), 1500);
}

static void
test_unknown_and_malformed(void **state)
{
	assert_int_equal(give("0001 0008" COOKIE TXID "0003 0003 00000000", 0),
	    BINDING_MALFORMED);
	assert_int_equal(
	    give("0001 000c" COOKIE TXID "7001 0000 0003 0004 00000006", 0),
	    BINDING_UNKNOWN_ATTRIBUTE);
	/* An error says nothing about the NAT, so it goes the way back. */
	assert_int_equal(out.corner, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plain_request, setup),
		cmocka_unit_test_setup(test_table, setup),
		cmocka_unit_test_setup(test_rfc3489, setup),
		cmocka_unit_test_setup(test_response_port, setup),
		cmocka_unit_test_setup(test_padding_and_response_port, setup),
		cmocka_unit_test_setup(test_padding, setup),
		cmocka_unit_test_setup(test_unknown_and_malformed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
