/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stun/message.h"
#include "stund/core/binding.h"
#include "tests/unit/test.h"

#define COOKIE "2112a442"
#define TXID   "6162636465666768696a6b6c"
#define FLAT   "000102030405060708090a0b0c0d0e0f" /* an RFC 3489 id */

static uint8_t request[1024], answer[BINDING_PLAIN_MAX];
static size_t request_len, answer_len;

static enum binding_result
input(size_t len, const struct addr *client)
{
	struct buf buf = buf_fixed(answer, sizeof(answer));
	struct binding_out out = { .buf = &buf };
	const struct binding_in in = {
		.data = request,
		.len = len,
		.client = client,
	};
	enum binding_result result = binding_input(&in, &out);

	answer_len = buf.len;
	assert_true(binding_is_answer(result) == (answer_len > 0));
	if (answer_len > 0)
		assert_true(addr_equal(&out.to, client));
	return result;
}

static enum binding_result
give(const char *hex, const char *client)
{
	struct addr a;

	request_len = from_hex(hex, request, sizeof(request));
	assert_int_equal(addr_parse(client, &a), 0);
	return input(request_len, &a);
}

static void
expect(const char *hex)
{
	uint8_t want[BINDING_PLAIN_MAX];
	size_t len = from_hex(hex, want, sizeof(want));

	assert_int_equal(answer_len, len);
	assert_memory_equal(answer, want, len);
}

static void
test_success(void **state)
{
	assert_int_equal(
	    give("0001 0000" COOKIE TXID, "192.0.2.1:32853"), BINDING_SUCCESS);
	expect("0101 000c" COOKIE TXID "0020 0008 0001 a147 e112a643");
	assert_int_equal(give("0001 0000" COOKIE TXID, "[2001:db8::1]:32853"),
	    BINDING_SUCCESS);
	expect("0101 0018" COOKIE TXID
	       "0020 0014 0002 a147 0113a9fa 61626364 65666768 696a6b6d");
}

/* RFC 8489 section 11: all 16 bytes of the id, and the address in clear. */
static void
test_rfc3489(void **state)
{
	assert_int_equal(
	    give("0001 0000" FLAT, "192.0.2.1:32853"), BINDING_SUCCESS);
	expect("0101 000c" FLAT "0001 0008 0001 8055 c0000201");
	assert_int_equal(
	    give("0001 0008" FLAT "0003 0004 00000000", "192.0.2.1:32853"),
	    BINDING_SUCCESS);
	assert_int_equal(
	    give("0001 0008" FLAT "0003 0004 00000006", "192.0.2.1:32853"),
	    BINDING_UNKNOWN_ATTRIBUTE);
	expect("0111 0010" FLAT "0009 0004 00000414 000a 0002 0003 0000");
}

/* RFC 5780 section 6.1: nothing can be changed without a second address. Only
 * clients of RFC 3489 may say that nothing is to. */
static void
test_change_request(void **state)
{
	static const char *const flags[] = { "00000000", "00000002", "00000004",
		"00000006" };
	char hex[64];
	size_t i;

	for (i = 0; i < LEN(flags); i++) {
		snprintf(hex, sizeof(hex), "0001 0008" COOKIE TXID "00030004%s",
		    flags[i]);
		assert_int_equal(
		    give(hex, "192.0.2.1:5000"), BINDING_UNKNOWN_ATTRIBUTE);
	}
	assert_int_equal(give("0001 0008" COOKIE TXID "0027 0002 1388 0000",
			     "192.0.2.1:5000"),
	    BINDING_UNKNOWN_ATTRIBUTE);
	assert_int_equal(
	    give("0001 0004" COOKIE TXID "0026 0000", "192.0.2.1:5000"),
	    BINDING_UNKNOWN_ATTRIBUTE);
}

static void
test_fingerprint(void **state)
{
	struct buf b = buf_fixed(request, sizeof(request));
	const struct addr client = addr_v4(192, 0, 2, 1, 5000);
	struct stun_msg m;
	struct stun_out o;

	o = stun_begin(
	    &b, STUN_BINDING, STUN_REQUEST, (const uint8_t *)"abcdefghijkl");
	stun_put_fingerprint(&o);
	assert_int_equal(stun_end(&o), 0);
	assert_int_equal(input(b.len, &client), BINDING_SUCCESS);
	assert_int_equal(stun_decode(answer, answer_len, &m), 0);
	assert_non_null(stun_find(&m, STUN_FINGERPRINT));
	/* One that is wrong is not STUN at all. */
	request[b.len - 1] ^= 1;
	assert_int_equal(input(b.len, &client), BINDING_MALFORMED);
}

/* Each unknown type is told once, in the order of the request. */
static void
test_unknown(void **state)
{
	assert_int_equal(give("0001 0014" COOKIE TXID
			      "7002 0000 7001 0000 7002 0000 8099 0000"
			      "0024 0000",
			     "192.0.2.1:5000"),
	    BINDING_MALFORMED); /* PRIORITY has 4 bytes */
	assert_int_equal(give("0001 0018" COOKIE TXID
			      "7002 0000 7001 0000 7002 0000 8099 0000"
			      "0024 0004 00000001",
			     "192.0.2.1:5000"),
	    BINDING_UNKNOWN_ATTRIBUTE);
	expect("0111 0028" COOKIE TXID "0009 0015 00000414"
	       "556e6b6e6f776e20417474726962757465 000000"
	       "000a 0006 7002 7001 0024 0000");
}

/* Credentials are understood, and not looked at. */
static void
test_credentials(void **state)
{
	assert_int_equal(
	    give("0001 0020" COOKIE TXID "0006 0003 616c6900"
		 "0008 0014 0000000000000000000000000000000000000000",
		"192.0.2.1:5000"),
	    BINDING_SUCCESS);
}

static void
test_drops(void **state)
{
	static const struct {
		const char *hex;
		enum binding_result want;
	} rows[] = {
		{ "", BINDING_MALFORMED },
		{ "0001", BINDING_MALFORMED },
		{ "0001 0004" COOKIE TXID, BINDING_MALFORMED },
		{ "0001 0008" COOKIE TXID "0003 0003 00000000",
		    BINDING_MALFORMED },
		{ "4000 0010" COOKIE TXID, BINDING_MALFORMED },
		{ "0011 0000" COOKIE TXID, BINDING_NOT_REQUEST },
		{ "0101 0000" COOKIE TXID, BINDING_NOT_REQUEST },
		{ "0111 0000" COOKIE TXID, BINDING_NOT_REQUEST },
		{ "0003 0000" COOKIE TXID, BINDING_OTHER_METHOD },
		{ "0002 0000" FLAT, BINDING_OTHER_METHOD },
	};
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(
		    give(rows[i].hex, "192.0.2.1:5000"), rows[i].want);
		assert_true(strlen(binding_result_name(rows[i].want)) > 0);
	}
}

/* Whatever is asked over IPv4, the answer is at most 1.6 times as long. */
static void
test_no_amplifier(void **state)
{
	const struct addr client = addr_v4(192, 0, 2, 1, 5000);
	struct stun_out o;
	struct buf b;
	int seal;
	size_t i, n;

	for (n = 0; n <= STUN_MAX_ATTRS - 1; n++) {
		for (seal = 0; seal < 2; seal++) {
			b = buf_fixed(request, sizeof(request));
			o = stun_begin(&b, STUN_BINDING, STUN_REQUEST,
			    (const uint8_t *)"abcdefghijkl");
			for (i = 0; i < n; i++)
				stun_put(&o, (uint16_t)(0x7000 + i), NULL, 0);
			if (seal != 0)
				stun_put_fingerprint(&o);
			assert_int_equal(stun_end(&o), 0);
			assert_true(binding_is_answer(input(b.len, &client)));
			assert_true(answer_len * 5 <= b.len * 8);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_rfc3489),
		cmocka_unit_test(test_change_request),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_no_amplifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
