/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "lib/addr/addr.h"
#include "tests/unit/test.h"

static void
parse_and_format_agree(void **state)
{
	static const struct {
		const char *text, *again;
		int family;
		unsigned int port;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", ADDR_V4, 0 },
		{ "192.0.2.1:80", "192.0.2.1:80", ADDR_V4, 80 },
		{ "192.0.2.1:0", "192.0.2.1", ADDR_V4, 0 },
		{ "0.0.0.0:65535", "0.0.0.0:65535", ADDR_V4, 65535 },
		{ "2001:db8::1", "2001:db8::1", ADDR_V6, 0 },
		{ "2001:DB8:0:0::1", "2001:db8::1", ADDR_V6, 0 },
		{ "[2001:db8::1]:80", "[2001:db8::1]:80", ADDR_V6, 80 },
		{ "[::]", "::", ADDR_V6, 0 },
		{ "::1", "::1", ADDR_V6, 0 },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1", ADDR_V6, 0 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", ADDR_V6,
		    65535 },
	};
	char out[ADDR_STRLEN];
	struct addr a, b;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(addr_parse(rows[i].text, &a), 0);
		assert_int_equal(a.family, rows[i].family);
		assert_int_equal(a.port, rows[i].port);
		assert_string_equal(addr_format(&a, out), rows[i].again);
		assert_int_equal(addr_parse(out, &b), 0);
		assert_true(addr_equal(&a, &b));
	}
}

static void
parse_refuses(void **state)
{
	static const char *const rows[] = { "", " ", "localhost", "192.0.2",
		"192.0.2.256", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+8",
		"192.0.2.1: 8", "192.0.2.1:8x", "192.0.2.1:000080",
		" 192.0.2.1", "192.0.2.1 ", "192.0.2.01", "0x7f.0.0.1",
		"[192.0.2.1]:80", "[192.0.2.1]", "[::1", "::1]", "[::1]80",
		"[::1]:", "[::1]:80:1", "[]:80", "fe80::1%eth0",
		":::", "1::2::3", "[::1]:80 ", ":80",
		"2001:db8:1:2:3:4:5:6:7:8:9:10:11:12:13:14",
		"1111111111111111111111111111111111111111111111111111111111" };
	struct addr a = addr_v4(192, 0, 2, 7, 7), before = a;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		if (addr_parse(rows[i], &a) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i]);
		assert_true(addr_equal(&a, &before));
	}
}

static void
formats_none(void **state)
{
	struct addr a = { .family = ADDR_NONE };
	char out[ADDR_STRLEN];

	assert_string_equal(addr_format(&a, out), "none");
	assert_int_equal(addr_ip_len(&a), 0);
}

static void
compares(void **state)
{
	struct addr a = addr_v4(192, 0, 2, 1, 1), b = addr_v4(192, 0, 2, 1, 2);
	struct addr c = {
		.family = ADDR_V6, .port = 1, .ip = { 192, 0, 2, 1 }
	};

	assert_false(addr_equal(&a, &b));
	assert_true(addr_equal_ip(&a, &b));
	assert_false(addr_equal_ip(&a, &c));
	assert_int_equal(addr_ip_len(&a), 4);
	assert_int_equal(addr_ip_len(&c), 16);
}

static void
canonical_spellings(void **state)
{
	static const struct {
		const char *spelling, *canonical;
	} rows[] = {
		{ "10.1.2.3", "10.1.2.3" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
		{ "::ffff:a01:203", "10.1.2.3" },
		{ "::ffff:0:10.1.2.3", "10.1.2.3" },
		{ "::10.1.2.3", "10.1.2.3" },
		{ "::2", "0.0.0.2" },
		{ "64:ff9b::10.1.2.3", "10.1.2.3" },
		{ "64:ff9b:1::10.1.2.3", "10.1.2.3" },
		{ "64:ff9b:1:abcd::10.1.2.3", "10.1.2.3" },
		{ "64:ff9b:1:a01:2:300::", "10.1.2.3" },
		{ "2002:a01:203::", "10.1.2.3" },
		{ "2002:a01:203:1:2:3:4:5", "10.1.2.3" },
		{ "2001:0:4136:e378:8000:63bf:f5fe:fdfc", "10.1.2.3" },
		{ "2001:db8::5efe:10.1.2.3", "10.1.2.3" },
		{ "2001:db8::200:5efe:10.1.2.3", "10.1.2.3" },
		{ "fe80::5efe:10.1.2.3", "10.1.2.3" },
		/* Not spellings of anything. */
		{ "::", "::" },
		{ "::1", "::1" },
		{ "64:ff9b:2::10.1.2.3", "64:ff9b:2::a01:203" },
		{ "64:ff9b:0:1::10.1.2.3", "64:ff9b:0:1::a01:203" },
		{ "2001:1::a01:203", "2001:1::a01:203" },
		{ "2001:db8::100:5efe:a01:203", "2001:db8::100:5efe:a01:203" },
		{ "2003:a01:203::", "2003:a01:203::" },
	};
	char out[ADDR_STRLEN], want[ADDR_STRLEN];
	struct addr a, c;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(addr_parse(rows[i].spelling, &a), 0);
		assert_int_equal(addr_parse(rows[i].canonical, &c), 0);
		addr_format(&c, want);
		a.port = 0;
		c = addr_canonical(&a);
		assert_string_equal(addr_format(&c, out), want);
		a.port = 5000;
		c = addr_canonical(&a);
		assert_int_equal(c.port, 5000);
	}
}

static void
readings_of_each_hop(void **state)
{
	static const struct {
		const char *addr, *readings;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2a00::1", "2a00::1" },
		{ "::1", "::1" },
		{ "fe80::5efe:192.0.2.1", "fe80::5efe:c000:201 192.0.2.1" },
		{ "2002:a01:203::", "2002:a01:203:: 10.1.2.3" },
		{ "2002:a01:203::5efe:192.0.2.1",
		    "2002:a01:203::5efe:c000:201 10.1.2.3 192.0.2.1" },
	};
	char all[3 * ADDR_STRLEN], out[ADDR_STRLEN];
	struct addr a, r[ADDR_READINGS];
	size_t i, k, n;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(addr_parse(rows[i].addr, &a), 0);
		n = addr_readings(&a, r);
		assert_in_range(n, 1, ADDR_READINGS);
		all[0] = '\0';
		for (k = 0; k < n; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all),
			    "%s%s", k > 0 ? " " : "", addr_format(&r[k], out));
		assert_string_equal(all, rows[i].readings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_format_agree),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(formats_none),
		cmocka_unit_test(compares),
		cmocka_unit_test(canonical_spellings),
		cmocka_unit_test(readings_of_each_hop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
