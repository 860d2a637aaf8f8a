/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/addr/prefix.h"
#include "tests/unit/test.h"

static struct addr
addr_of(const char *s)
{
	struct addr a;

	if (addr_parse(s, &a) != 0)
		fail_msg("bad address \"%s\" in the test", s);
	return a;
}

static void
add(struct prefix_list *l, const char *prefix, enum prefix_verdict v,
    const char *name)
{
	struct prefix_rule r = { .verdict = v, .name = name };

	assert_int_equal(prefix_parse(prefix, &r.prefix), 0);
	assert_int_equal(prefix_list_add(l, &r), 0);
}

static const char *
find(const struct prefix_list *l, const char *addr)
{
	struct addr a = addr_of(addr);
	const struct prefix_rule *r = prefix_list_find(l, &a);

	return r == NULL ? "-" : r->name;
}

static void
parses(void **state)
{
	static const struct {
		const char *text, *addr;
		int bits;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0", 8 },
		{ "0.0.0.0/0", "0.0.0.0", 0 },
		{ "192.0.2.1", "192.0.2.1", 32 },
		{ "192.0.2.1/32", "192.0.2.1", 32 },
		{ "::/0", "::", 0 },
		{ "fe80::/10", "fe80::", 10 },
		{ "2001:db8::1", "2001:db8::1", 128 },
		{ "2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::", 65 },
		{ "::ffff:10.0.0.0/104", "10.0.0.0", 8 },
		{ "::ffff:0.0.0.0/96", "0.0.0.0", 0 },
		{ "64:ff9b::/96", "64:ff9b::", 96 },
	};
	struct addr want;
	struct prefix p;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(prefix_parse(rows[i].text, &p), 0);
		want = addr_of(rows[i].addr);
		assert_true(addr_equal(&p.addr, &want));
		assert_int_equal(p.bits, rows[i].bits);
	}
}

static void
parse_refuses(void **state)
{
	static const char *const rows[] = { "", "/8", "10.0.0.0/",
		"10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/8 ",
		"10.0.0.0/0008", "10.0.0.0:80/8", "[::]:80/0", "::1/127",
		"fe80::/129", "2001:db8::/9", "::/999", "eth0" };
	struct prefix p = { .bits = 77 };
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		if (prefix_parse(rows[i], &p) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i]);
		assert_int_equal(p.bits, 77);
	}
}

static void
contains_every_spelling(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
		{ "10.0.0.0/8", "2002:a00:1::1", true },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "2a00::1", false },
		{ "::/0", "2a00::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "::/0", "::ffff:10.0.0.1", false },
		{ "2001:db8::/65", "2001:db8::7fff:0:0:0", true },
		{ "2001:db8::/65", "2001:db8::8000:0:0:0", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::", false },
	};
	struct prefix p;
	struct addr a;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(prefix_parse(rows[i].prefix, &p), 0);
		a = addr_of(rows[i].addr);
		assert_int_equal(prefix_contains(&p, &a), rows[i].in);
	}
}

/* Anybody may have 10.0.0.1 in the address of his own network. */
static void
covers_the_very_bits(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", false },
		{ "10.0.0.0/8", "2002:a00:1::1", false },
		{ "10.0.0.0/8", "2001:db8::5efe:10.0.0.1", false },
		{ "0.0.0.0/0", "::", false },
		{ "2001:db8::/65", "2001:db8::7fff:0:0:0", true },
		{ "2001:db8::/65", "2001:db8::8000:0:0:0", false },
	};
	struct prefix p;
	struct addr a;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		assert_int_equal(prefix_parse(rows[i].prefix, &p), 0);
		assert_int_equal(addr_parse(rows[i].addr, &a), 0);
		assert_int_equal(prefix_covers(&p, &a), rows[i].in);
	}
}

static void
longest_match_wins(void **state)
{
	struct prefix_list *l = prefix_list_new();
	struct addr none = { .family = ADDR_NONE };

	assert_string_equal(find(l, "10.0.0.1"), "-");
	/* The order of adding must not matter. */
	add(l, "10.1.2.0/24", PREFIX_DENY, "inner");
	add(l, "10.0.0.0/8", PREFIX_DENY, "outer");
	add(l, "10.1.0.0/16", PREFIX_ALLOW, "middle");
	add(l, "255.255.255.255/32", PREFIX_DENY, "last");
	add(l, "ffff::/16", PREFIX_DENY, "last6");
	assert_string_equal(find(l, "9.255.255.255"), "-");
	assert_string_equal(find(l, "10.0.255.255"), "outer");
	assert_string_equal(find(l, "10.1.0.0"), "middle");
	assert_string_equal(find(l, "10.1.2.255"), "inner");
	assert_string_equal(find(l, "10.1.3.0"), "middle");
	assert_string_equal(find(l, "10.255.255.255"), "outer");
	assert_string_equal(find(l, "11.0.0.0"), "-");
	assert_string_equal(find(l, "255.255.255.254"), "-");
	assert_string_equal(find(l, "255.255.255.255"), "last");
	assert_string_equal(
	    find(l, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "last6");
	assert_null(prefix_list_find(l, &none));
	add(l, "10.1.0.0/16", PREFIX_DENY, "changed");
	assert_string_equal(find(l, "10.1.0.0"), "changed");
	assert_string_equal(find(l, "10.1.2.0"), "inner");
	prefix_list_free(l);
}

static void
deny_wins_among_readings(void **state)
{
	struct prefix_list *l = prefix_list_new();

	add(l, "fe80::/10", PREFIX_DENY, "link-local");
	add(l, "8.8.8.0/24", PREFIX_ALLOW, "good");
	add(l, "10.0.0.0/8", PREFIX_DENY, "private");
	add(l, "2002::/16", PREFIX_ALLOW, "6to4");
	add(l, "::/0", PREFIX_DENY, "no-v6");
	assert_string_equal(find(l, "fe80::5efe:8.8.8.8"), "link-local");
	assert_string_equal(find(l, "2002:808:808::1"), "good");
	assert_string_equal(find(l, "2002:909:909::1"), "6to4");
	assert_string_equal(find(l, "2002:a00:1::1"), "private");
	assert_string_equal(find(l, "2002:808:808::5efe:10.0.0.1"), "private");
	/* A mapped address is IPv4 and nothing else. */
	assert_string_equal(find(l, "::ffff:8.8.8.8"), "good");
	prefix_list_free(l);
}

/* Every way to write an IPv4 address in IPv6. */
static const char *const spellings[] = { "%u.%u.%u.%u", "::ffff:%u.%u.%u.%u",
	"::ffff:0:%u.%u.%u.%u", "::%u.%u.%u.%u", "64:ff9b::%u.%u.%u.%u",
	"64:ff9b:1::%u.%u.%u.%u", "2002:%02x%02x:%02x%02x::1",
	"64:ff9b:1:%02x%02x:00%02x:%02x00::", "2a00::5efe:%u.%u.%u.%u",
	"2a00::200:5efe:%u.%u.%u.%u" };

static struct addr
spell(size_t how, const struct addr *v4)
{
	char text[80];
	const uint8_t *b = v4->ip;

	if (how == LEN(spellings)) {
		/* Teredo, RFC 4380 section 4: the client's bits inverted. */
		snprintf(text, sizeof(text),
		    "2001:0:c000:201:0:0:%02x%02x:%02x%02x", b[0] ^ 255,
		    b[1] ^ 255, b[2] ^ 255, b[3] ^ 255);
	} else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(
		    text, sizeof(text), spellings[how], b[0], b[1], b[2], b[3]);
#pragma GCC diagnostic pop
	}
	return addr_of(text);
}

static void
special_is_denied_in_every_spelling(void **state)
{
	static const char *const rows[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1",
		"100.64.0.1", "127.0.0.1", "168.63.129.16", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
		"192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255" };
	struct prefix_list *l = prefix_list_new();
	const struct prefix_rule *r;
	struct addr v4, a;
	size_t i, how;

	assert_int_equal(prefix_list_add_special(l), 0);
	for (i = 0; i < LEN(rows); i++) {
		v4 = addr_of(rows[i]);
		for (how = 0; how <= LEN(spellings); how++) {
			a = spell(how, &v4);
			r = prefix_list_find(l, &a);
			if (r == NULL || r->verdict != PREFIX_DENY)
				fail_msg(
				    "%s passes in spelling %zu", rows[i], how);
		}
	}
	prefix_list_free(l);
}

static void
special_v6_is_denied(void **state)
{
	static const struct {
		const char *addr, *name;
	} rows[] = {
		{ "::", "unspecified" },
		{ "::1", "loopback" },
		{ "64:ff9b:1::8.8.8.8", "nat64-local" },
		{ "100::1", "discard" },
		{ "2001:2::1", "benchmarking" },
		{ "2001:0:4136:e378:8000:63bf:f7f7:f7f7", "teredo" },
		{ "2002:808:808::1", "6to4" },
		{ "2001:db8::1", "documentation" },
		{ "3fff:fff::1", "documentation" },
		{ "fc00::1", "unique-local" },
		{ "fd00:ec2::254", "unique-local" },
		{ "fe80::1", "link-local" },
		{ "fe80::5efe:8.8.8.8", "link-local" },
		{ "febf::1", "link-local" },
		{ "fec0::1", "site-local" },
		{ "ff02::1", "multicast" },
	};
	static const char *const fine[] = { "8.8.8.8", "1.1.1.1",
		"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"172.15.0.1", "172.32.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2001:4860:4860::8888", "2a00::1",
		"3fff:1000::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2003::1",
		"2001:1::1" };
	struct prefix_list *l = prefix_list_new();
	size_t i;

	assert_int_equal(prefix_list_add_special(l), 0);
	for (i = 0; i < LEN(rows); i++)
		assert_string_equal(find(l, rows[i].addr), rows[i].name);
	for (i = 0; i < LEN(fine); i++)
		assert_string_equal(find(l, fine[i]), "-");
	add(l, "10.0.0.0/24", PREFIX_ALLOW, "allow-peer");
	assert_string_equal(find(l, "10.0.0.7"), "allow-peer");
	assert_string_equal(find(l, "::ffff:10.0.0.7"), "allow-peer");
	assert_string_equal(find(l, "10.0.1.7"), "private");
	prefix_list_free(l);
}

/* What the list must answer, by looking at every rule. */
static const struct prefix_rule *
naive_find(const struct prefix_rule *rules, size_t n, const struct addr *a)
{
	const struct prefix_rule *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (prefix_contains(&rules[i].prefix, a) &&
		    (best == NULL || rules[i].prefix.bits >= best->prefix.bits))
			best = &rules[i];
	}
	return best;
}

static uint64_t
rnd(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

/* Few different bytes, so that prefixes nest and addresses hit them. The
 * IPv6 ones begin with 2a, so that they have one reading. */
static struct addr
random_addr(bool v6)
{
	struct addr a = { .family = v6 ? ADDR_V6 : ADDR_V4 };
	size_t i;

	for (i = 0; i < addr_ip_len(&a); i++)
		a.ip[i] = (uint8_t[]){ 0, 255, 128, 1 }[rnd() % 4];
	if (v6)
		a.ip[0] = 0x2a;
	return a;
}

static void
agrees_with_a_naive_list(void **state)
{
	const struct prefix_rule *got, *want;
	struct prefix_rule rules[300];
	struct prefix_list *l = prefix_list_new();
	struct addr a;
	size_t i, k, bit, len;

	for (i = 0; i < LEN(rules); i++) {
		rules[i] = (struct prefix_rule){ .verdict = PREFIX_DENY };
		rules[i].prefix.addr = random_addr(i % 2);
		len = addr_ip_len(&rules[i].prefix.addr) * 8;
		rules[i].prefix.bits = rnd() % (len + 1);
		for (bit = rules[i].prefix.bits; bit < len; bit++)
			rules[i].prefix.addr.ip[bit / 8] &=
			    (uint8_t) ~(0x80 >> bit % 8);
		assert_int_equal(prefix_list_add(l, &rules[i]), 0);
		for (k = 0; k < 200; k++) {
			a = random_addr(rnd() % 2);
			got = prefix_list_find(l, &a);
			want = naive_find(rules, i + 1, &a);
			assert_int_equal(got == NULL, want == NULL);
			if (got != NULL)
				assert_memory_equal(&got->prefix, &want->prefix,
				    sizeof(got->prefix));
		}
	}
	prefix_list_free(l);
	prefix_list_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(contains_every_spelling),
		cmocka_unit_test(covers_the_very_bits),
		cmocka_unit_test(longest_match_wins),
		cmocka_unit_test(deny_wins_among_readings),
		cmocka_unit_test(special_is_denied_in_every_spelling),
		cmocka_unit_test(special_v6_is_denied),
		cmocka_unit_test(agrees_with_a_naive_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
