/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "signald/hosts.h"
#include "tests/unit/test.h"

static int
find(const struct hosts *h, const char *host)
{
	return hosts_find(h, host, strlen(host));
}

static void
test_finds_whose_it_is(void **state)
{
	struct hosts h = { .n = 0 };

	assert_int_equal(find(&h, "a.example"), -1);
	assert_int_equal(hosts_put(&h, "shop.example", 1), 0);
	assert_int_equal(hosts_put(&h, "Club.example", 2), 0);
	assert_int_equal(hosts_put(&h, "[2001:db8::1]", 3), 0);
	assert_int_equal(hosts_put(&h, "192.0.2.1", 4), 0);
	assert_int_equal(find(&h, "shop.example"), 1);
	assert_int_equal(find(&h, "SHOP.Example:8443"), 1);
	assert_int_equal(find(&h, "shop.example.:80"), 1);
	assert_int_equal(find(&h, "club.example"), 2);
	assert_int_equal(find(&h, "[2001:DB8::1]:8080"), 3);
	assert_int_equal(find(&h, "[2001:db8::1]"), 3);
	assert_int_equal(find(&h, "192.0.2.1:1"), 4);
	hosts_fini(&h);
	assert_int_equal(find(&h, "shop.example"), -1);
}

static void
test_nobodys(void **state)
{
	static const char *const texts[] = { "", ".", ":", "[", "[]",
		"[:", "shop", "shop.exampl", "shop.example.org",
		"xshop.example", "shop.example..", "a" };
	struct hosts h = { .n = 0 };
	size_t i;

	assert_int_equal(hosts_put(&h, "shop.example", 1), 0);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(find(&h, texts[i]), -1);
	assert_int_equal(hosts_find(&h, NULL, 0), -1);
	/* What is behind the host is not looked at. */
	assert_int_equal(hosts_find(&h, "shop.example/ws", 12), 1);
	assert_int_equal(hosts_find(&h, "shop.example/ws", 13), -1);
	hosts_fini(&h);
}

static void
test_each_once_and_not_too_many(void **state)
{
	static char names[HOSTS_MAX][32];
	struct hosts h = { .n = 0 };
	int i;

	for (i = 0; i < HOSTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "h%d.example", i * 7919);
		assert_int_equal(hosts_put(&h, names[i], i), 0);
	}
	assert_int_equal(hosts_put(&h, "H7919.EXAMPLE", 1), -EEXIST);
	assert_int_equal(hosts_put(&h, "other", 1), -ENOSPC);
	for (i = 0; i < HOSTS_MAX; i++)
		assert_int_equal(find(&h, names[i]), i);
	hosts_fini(&h);
}

static void
test_what_may_be_put(void **state)
{
	static const char *const good[] = { "a", "shop.example", "192.0.2.1",
		"[::1]", "A-b_c.D0" };
	static const char *const bad[] = { "", "shop.example:443", "::1",
		"[::1]:80", "[]", "[::1", "https://shop.example", "a b", ".a",
		"a.", "*.example", "[shop]" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(hosts_ok(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hosts_ok(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_whose_it_is),
		cmocka_unit_test(test_nobodys),
		cmocka_unit_test(test_each_once_and_not_too_many),
		cmocka_unit_test(test_what_may_be_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
