/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/net/census.h"
#include "tests/unit/test.h"

static const struct hash_key key = { 1, 2 };

static int
enter(struct census *c, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return census_enter(c, &a);
}

static void
leave(struct census *c, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	census_leave(c, &a);
}

static void
so_many_of_a_host(void **state)
{
	struct census *c = census_new(2, 2, &key);

	assert_int_equal(enter(c, "192.0.2.1:1"), 0);
	assert_int_equal(enter(c, "192.0.2.1:2"), 0);
	assert_int_equal(enter(c, "192.0.2.1:3"), -EUSERS);
	assert_int_equal(enter(c, "192.0.2.2:1"), 0);
	leave(c, "192.0.2.1:1");
	assert_int_equal(enter(c, "192.0.2.1:3"), 0);
	assert_int_equal(enter(c, "192.0.2.1:4"), -EUSERS);
	census_free(c);
}

static void
a_host_of_ipv6_is_its_network(void **state)
{
	struct census *c = census_new(2, 1, &key);

	assert_int_equal(enter(c, "[2001:db8::1]:1"), 0);
	assert_int_equal(enter(c, "[2001:db8::2]:1"), -EUSERS);
	assert_int_equal(enter(c, "[2001:db8:0:1::1]:1"), 0);
	leave(c, "[2001:db8::1]:1");
	assert_int_equal(enter(c, "[2001:db8::2]:1"), 0);
	census_free(c);
}

/* Those who left leave nothing behind. */
static void
so_many_hosts(void **state)
{
	struct census *c = census_new(2, 1, &key);
	int i;

	for (i = 0; i < 1000; i++) {
		assert_int_equal(enter(c, "192.0.2.1"), 0);
		assert_int_equal(enter(c, "192.0.2.2"), 0);
		assert_int_equal(enter(c, "192.0.2.3"), -ENOSPC);
		leave(c, "192.0.2.1");
		assert_int_equal(enter(c, "192.0.2.3"), 0);
		leave(c, "192.0.2.2");
		leave(c, "192.0.2.3");
	}
	census_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_of_a_host),
		cmocka_unit_test(a_host_of_ipv6_is_its_network),
		cmocka_unit_test(so_many_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
