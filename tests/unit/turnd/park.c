/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "turnd/park.h"

static struct park *p;

static int
setup(void **state)
{
	p = park_new();
	return p == NULL;
}

static int
teardown(void **state)
{
	park_free(p);
	return 0;
}

/* A request of the client at that port, with an id, for a user. */
static int
add(uint16_t port, uint8_t id, uint64_t user, uint64_t now_ms)
{
	uint8_t bytes[28] = { 0, 3, 0, 8, [19] = id, [27] = 9 };
	struct addr src = addr_v4(192, 0, 2, 1, port);
	struct turn_in in = {
		.data = bytes, .len = sizeof(bytes), .src = &src, .link = 3
	};

	return park_add(p, &in, user, now_ms, now_ms + 100);
}

static void
test_given_back_as_it_was(void **state)
{
	struct parked *got;

	assert_int_equal(add(1, 1, 7, 0), 0);
	assert_int_equal(add(2, 1, 8, 0), 0);
	assert_int_equal(add(3, 1, 7, 0), 0);
	got = park_take(p, 7);
	assert_int_equal(got->src.port, 1);
	assert_int_equal(got->link, 3);
	assert_int_equal(got->len, 28);
	assert_int_equal(got->data[27], 9);
	free(got);
	got = park_take(p, 7);
	assert_int_equal(got->src.port, 3);
	free(got);
	assert_null(park_take(p, 7));
	assert_int_equal(park_count(p), 1);
}

static void
test_a_repetition_is_one(void **state)
{
	assert_int_equal(add(1, 1, 7, 0), 0);
	assert_int_equal(add(1, 1, 7, 50), -EALREADY);
	assert_int_equal(add(1, 2, 7, 50), 0);
	assert_int_equal(add(2, 1, 7, 50), 0);
	assert_int_equal(park_count(p), 3);
}

static void
test_bounded(void **state)
{
	static uint8_t bytes[PARK_BYTES_MAX + 1];
	struct addr src = addr_v4(192, 0, 2, 1, 1);
	struct turn_in in = { .data = bytes, .src = &src };
	int i;

	in.len = sizeof(bytes);
	assert_int_equal(park_add(p, &in, 1, 0, 100), -EMSGSIZE);
	in.len = 19;
	assert_int_equal(park_add(p, &in, 1, 0, 100), -EMSGSIZE);
	for (i = 0; i < PARK_MAX; i++)
		assert_int_equal(add((uint16_t)(i + 1), 1, 7, 0), 0);
	assert_int_equal(add(9999, 1, 7, 99), -ENOSPC);
	/* What nobody answered for makes room. */
	assert_int_equal(add(9999, 1, 7, 100), 0);
	assert_int_equal(park_count(p), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_given_back_as_it_was),
		CASE(test_a_repetition_is_one),
		CASE(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
