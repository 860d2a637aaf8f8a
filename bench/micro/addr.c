/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "bench/micro/bench.h"
#include "lib/addr/addr.h"
#include "lib/addr/limit.h"
#include "lib/addr/prefix.h"

static struct prefix_list *list;

static void
special(void)
{
	prefix_list_free(list);
	list = prefix_list_new();
	if (list == NULL || prefix_list_add_special(list) != 0)
		exit(1);
}

/* And what an operator may import from a list of bad networks. */
static void
special_and_10k(void)
{
	struct prefix_rule r = { .verdict = PREFIX_DENY, .name = "bad" };
	uint64_t seed = 1, x;
	int i;

	special();
	for (i = 0; i < 10000; i++) {
		x = bench_random(&seed);
		r.prefix.addr =
		    addr_v4(x & 255, x >> 8 & 255, x >> 16 & 255, 0, 0);
		r.prefix.bits = 24;
		if (prefix_list_add(list, &r) != 0)
			exit(1);
	}
}

static uint64_t
find_v4(uint64_t n)
{
	uint64_t seed = 1, sum = 0, x;
	struct addr a;

	while (n-- > 0) {
		x = bench_random(&seed);
		a = addr_v4(
		    x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24 & 255, 0);
		sum += prefix_list_find(list, &a) != NULL;
	}
	return sum;
}

static uint64_t
find_many(uint64_t n, const char *text)
{
	uint64_t sum = 0;
	struct addr a;

	addr_parse(text, &a);
	while (n-- > 0) {
		a.ip[15] ^= (uint8_t)n;
		sum += prefix_list_find(list, &a) != NULL;
	}
	return sum;
}

static uint64_t
find_v6(uint64_t n)
{
	return find_many(n, "2a00:1450:4001:80b::200e");
}

static uint64_t
find_mapped(uint64_t n)
{
	return find_many(n, "::ffff:8.8.8.8");
}

static uint64_t
parse(uint64_t n)
{
	uint64_t sum = 0;
	struct addr a;

	while (n-- > 0) {
		addr_parse("192.0.2.1:3478", &a);
		sum += a.port;
	}
	return sum;
}

static uint64_t
format(uint64_t n)
{
	struct addr a = addr_v4(192, 0, 2, 1, 0);
	char out[ADDR_STRLEN];
	uint64_t sum = 0;

	while (n-- > 0) {
		a.port = (uint16_t)n;
		sum += (uint8_t)addr_format(&a, out)[3];
	}
	return sum;
}

static struct limit *limit;

static void
limit_open(void)
{
	if (limit == NULL)
		limit = limit_new(16384, &(struct hash_key){ 1, 2 });
	if (limit == NULL)
		exit(1);
}

/* A flood from everywhere, 100 in a millisecond. */
static uint64_t
limit_flood(uint64_t n)
{
	struct limit_rate rate = limit_rate(1000, 5000);
	uint64_t sum = 0, seed = 1;
	struct prefix network;
	struct addr a;

	while (n-- > 0) {
		a = addr_v4(0, 0, 0, 0, 5000);
		a.ip[0] = (uint8_t)bench_random(&seed);
		a.ip[1] = (uint8_t)(seed >> 8);
		a.ip[2] = (uint8_t)(seed >> 16);
		network = limit_network(&a);
		sum += limit_take(limit, &rate, &network, n / 100);
	}
	return sum;
}

const struct bench addr_benches[] = {
	{ "prefix: random IPv4, special list", special, find_v4 },
	{ "prefix: random IPv4, 10k more rules", special_and_10k, find_v4 },
	{ "prefix: one IPv6, special list", special, find_v6 },
	{ "prefix: one ::ffff:, special list", special, find_mapped },
	{ "limit: one of 16M networks", limit_open, limit_flood },
	{ "addr: parse \"192.0.2.1:3478\"", NULL, parse },
	{ "addr: format the same", NULL, format },
	{ .name = NULL },
};
