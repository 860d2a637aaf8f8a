/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/addr/limit.h"
#include "tests/unit/test.h"

#define SLOTS 4096

static const struct hash_key key = { 3, 4 };

static struct prefix
net(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return limit_network(&a);
}

/* The n-th of 2^24 networks. */
static struct prefix
nth(uint32_t n)
{
	struct addr a = addr_v4((uint8_t)(n >> 16), (uint8_t)(n >> 8),
	    (uint8_t)n, (uint8_t)(n * 7), (uint16_t)n);

	return limit_network(&a);
}

/* How many pass of so many. */
static unsigned int
takes(struct limit *l, const struct limit_rate *r, const struct prefix *p,
    unsigned int tries, uint64_t now_ms)
{
	unsigned int n = 0;

	while (tries-- > 0)
		n += limit_take(l, r, p, now_ms);
	return n;
}

static void
what_is_one(void **state)
{
	char text[LIMIT_STRLEN];
	struct prefix p = net("192.0.2.77:4000");
	struct addr a;

	assert_string_equal(limit_format(&p, text), "192.0.2.0/24");
	p = net("[2001:db8:1:2::3]:4000");
	assert_string_equal(limit_format(&p, text), "2001:db8:1::/48");
	addr_parse("[2001:db8:1:2:3::3]:4000", &a);
	p = limit_host(&a);
	assert_string_equal(limit_format(&p, text), "2001:db8:1:2::/64");
	addr_parse("192.0.2.77:4000", &a);
	p = limit_host(&a);
	assert_string_equal(limit_format(&p, text), "192.0.2.77/32");
}

static void
rate_and_burst(void **state)
{
	struct limit *l = limit_new(SLOTS, &key);
	struct limit_rate r = limit_rate(100, 20);
	struct prefix a = net("192.0.2.1"), b = net("192.0.3.1");
	uint64_t t = 5000;

	assert_int_equal(takes(l, &r, &a, 100, t), 20);
	/* Another address of the same network, and another network. */
	a = net("192.0.2.200");
	assert_int_equal(takes(l, &r, &a, 100, t), 0);
	assert_int_equal(takes(l, &r, &b, 100, t), 20);
	/* 100 a second are one in 10 ms. */
	assert_int_equal(takes(l, &r, &a, 100, t += 9), 0);
	assert_int_equal(takes(l, &r, &a, 100, t += 1), 1);
	assert_int_equal(takes(l, &r, &a, 100, t += 50), 5);
	/* What is not used is not saved beyond the burst. */
	assert_int_equal(takes(l, &r, &a, 100, t += 60000), 20);
	a = net("2001:db8:1:2::3");
	b = net("2001:db8:1:ffff::3");
	assert_int_equal(takes(l, &r, &a, 100, t), 20);
	assert_int_equal(takes(l, &r, &b, 100, t), 0);
	limit_free(l);
}

static void
off_and_extremes(void **state)
{
	struct limit *l = limit_new(SLOTS, &key);
	struct limit_rate off = limit_rate(0, 5);
	struct limit_rate one = limit_rate(1, 0);
	struct limit_rate most = limit_rate(2000000000, 7);
	struct prefix a = net("192.0.2.1"), b = net("198.51.100.1");

	assert_int_equal(takes(l, &off, &a, 1000, 1), 1000);
	assert_int_equal(takes(l, &one, &a, 10, 1), 1);
	assert_int_equal(takes(l, &one, &a, 10, 1000), 0);
	assert_int_equal(takes(l, &one, &a, 10, 1001), 1);
	assert_int_equal(takes(l, &most, &b, 10, 1), 7);
	off = limit_rate_share(0, 5, 4);
	assert_int_equal(takes(l, &off, &b, 1000, 1), 1000);
	one = limit_rate_share(10, 9, 4);
	assert_int_equal(takes(l, &one, &b, 10, 5000), 3);
	assert_int_equal(takes(l, &one, &b, 10, 6000), 3);
	limit_free(l);
	limit_free(NULL);
}

/* Ten thousand networks, each below its rate, do not free the one above. */
static void
no_flood_makes_forget(void **state)
{
	struct limit *l = limit_new(64, &key);
	struct limit_rate r = limit_rate(10, 20);
	struct prefix greedy = net("203.0.113.1"), other;
	unsigned int passed = 0;
	uint64_t t;
	uint32_t n = 0;
	int i;

	for (t = 0; t < 10000; t += 10) {
		for (i = 0; i < 10; i++) {
			other = nth(n++);
			limit_take(l, &r, &other, t);
		}
		passed += takes(l, &r, &greedy, 3, t);
	}
	/* Wrongly refused it may be, 64 slots for so many. */
	assert_true(passed <= 20 + 100);
	assert_true(passed > 0);
	limit_free(l);
}

/* Of new networks, how many in 10,000 are refused while busy others are at
 * their limit. */
static unsigned int
wrong_of_10000(uint32_t busy, const struct hash_key *k)
{
	struct limit *l = limit_new(SLOTS, k);
	struct limit_rate r = limit_rate(100, 20);
	unsigned int wrong = 0;
	struct prefix p;
	uint32_t n;

	for (n = 0; n < busy; n++) {
		p = nth(n);
		takes(l, &r, &p, 30, 1000);
	}
	for (n = 0; n < 10000; n++) {
		p = nth(1000000 + n);
		wrong += !limit_take(l, &r, &p, 1001);
	}
	limit_free(l);
	return wrong;
}

static void
few_are_refused_wrongly(void **state)
{
	static const struct hash_key other = { 5, 6 };

	assert_int_equal(wrong_of_10000(0, &key), 0);
	assert_int_equal(wrong_of_10000(SLOTS / 100, &key), 0);
	assert_true(wrong_of_10000(SLOTS / 8, &key) <= 60);
	assert_true(wrong_of_10000(SLOTS / 8, &other) <= 60);
	/* The bound is real: this many are more than it can tell apart. */
	assert_true(wrong_of_10000(8 * SLOTS, &key) > 9000);
}

/* Which networks share a line is the key's secret. */
static void
nobody_can_aim(void **state)
{
	struct hash_key k = { 77, 0 };
	struct limit_rate r = limit_rate(1, 1);
	struct prefix victim = net("192.0.2.1"), p;
	unsigned int hit = 0;
	struct limit *l;
	uint32_t n;

	/* The same 64 networks, against a hundred keys. */
	for (k.k1 = 0; k.k1 < 100; k.k1++) {
		l = limit_new(SLOTS, &k);
		for (n = 0; n < 64; n++) {
			p = nth(n);
			limit_take(l, &r, &p, 0);
		}
		hit += !limit_take(l, &r, &victim, 0);
		limit_free(l);
	}
	assert_int_equal(hit, 0);
}

static const struct limit_backoff backoff = { 3, 1000, 60000, 600000 };

static void
fail_times(struct limit *l, const struct prefix *p, uint64_t what,
    unsigned int n, uint64_t now_ms)
{
	while (n-- > 0)
		limit_failed(l, &backoff, p, what, now_ms);
}

static void
failures_double(void **state)
{
	struct limit *l = limit_new(SLOTS, &key);
	struct prefix p = net("192.0.2.1");
	uint64_t t = 1000000, wait;

	fail_times(l, &p, 0, 3, t);
	assert_false(limit_waits(l, &backoff, &p, 0, t));
	assert_int_equal(limit_failures(l, &p, 0, t + 599999), 3);
	assert_int_equal(limit_failures(l, &p, 0, t + 600000), 0);
	assert_int_equal(limit_failures(l, &p, 1, t), 0);
	for (wait = 1000; wait < 60000; wait *= 2) {
		fail_times(l, &p, 0, 1, t);
		assert_true(limit_waits(l, &backoff, &p, 0, t + wait - 1));
		assert_false(limit_waits(l, &backoff, &p, 0, t + wait));
		t += wait;
	}
	fail_times(l, &p, 0, 5000, t);
	assert_true(limit_waits(l, &backoff, &p, 0, t + 59999));
	assert_false(limit_waits(l, &backoff, &p, 0, t + 60000));
	/* Forgotten, 600 s after the last. */
	t += 600000;
	assert_false(limit_waits(l, &backoff, &p, 0, t));
	fail_times(l, &p, 0, 3, t);
	assert_false(limit_waits(l, &backoff, &p, 0, t));
	fail_times(l, &p, 0, 1, t);
	assert_true(limit_waits(l, &backoff, &p, 0, t));
	limit_free(l);
}

static void
failures_are_ones_own(void **state)
{
	static const struct limit_backoff off = { 0, 1000, 60000, 600000 };
	struct limit *l = limit_new(64, &key);
	struct prefix p = net("192.0.2.1"), other = net("192.0.3.1");
	uint32_t n;

	fail_times(l, &p, 1, 100, 1000);
	assert_true(limit_waits(l, &backoff, &p, 1, 1000));
	assert_false(limit_waits(l, &backoff, &p, 2, 1000));
	assert_false(limit_waits(l, &backoff, &other, 1, 1000));
	assert_false(limit_waits(l, &off, &p, 1, 1000));
	limit_failed(l, &off, &other, 1, 1000);
	for (n = 0; n < 10000; n++) {
		other = nth(n);
		fail_times(l, &other, 0, 100, 2000);
		other = nth(100000 + n);
		assert_false(limit_waits(l, &backoff, &other, 0, 2000));
	}
	limit_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_one),
		cmocka_unit_test(rate_and_burst),
		cmocka_unit_test(off_and_extremes),
		cmocka_unit_test(no_flood_makes_forget),
		cmocka_unit_test(few_are_refused_wrongly),
		cmocka_unit_test(nobody_can_aim),
		cmocka_unit_test(failures_double),
		cmocka_unit_test(failures_are_ones_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
