/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/test.h"
#include "tools/floe-probe/core/exchange.h"

#define NOW 1000000

static void
expect(struct exchange *e, uint64_t after, enum exchange_do want,
    uint64_t want_wait)
{
	uint64_t wait = 0;

	assert_int_equal(exchange_next(e, NOW + after, &wait), want);
	assert_int_equal(wait, want_wait);
}

/* RFC 8489 section 6.2.1: after 500 ms, and each time after twice that. */
static void
test_datagram(void **state)
{
	struct exchange e = exchange_begin(false, NOW);

	expect(&e, 0, EXCHANGE_SEND, 500);
	expect(&e, 0, EXCHANGE_WAIT, 500);
	expect(&e, 499, EXCHANGE_WAIT, 1);
	expect(&e, 500, EXCHANGE_SEND, 1000);
	expect(&e, 1500, EXCHANGE_SEND, EXCHANGE_UDP_MS - 1500);
	expect(&e, EXCHANGE_UDP_MS - 1, EXCHANGE_WAIT, 1);
	expect(&e, EXCHANGE_UDP_MS, EXCHANGE_OVER, 0);
}

/* Its section 6.2.2: once. */
static void
test_stream(void **state)
{
	struct exchange e = exchange_begin(true, NOW);

	expect(&e, 0, EXCHANGE_SEND, EXCHANGE_STREAM_MS);
	expect(&e, 4000, EXCHANGE_WAIT, EXCHANGE_STREAM_MS - 4000);
	expect(&e, EXCHANGE_STREAM_MS, EXCHANGE_OVER, 0);
}

/* A machine that slept owes no more than the next send. */
static void
test_late(void **state)
{
	struct exchange e = exchange_begin(false, NOW);

	expect(&e, 0, EXCHANGE_SEND, 500);
	expect(&e, 100000, EXCHANGE_SEND, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
