/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "bench/micro/bench.h"
#include "lib/addr/addr.h"
#include "lib/base/hash.h"
#include "lib/base/htab.h"
#include "lib/base/pool.h"
#include "lib/base/wheel.h"

#define FLOWS  10000
#define TIMERS 10000

static const struct hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };

static uint64_t
hash_addr(uint64_t n)
{
	struct addr a = { .family = ADDR_V4 };
	uint64_t sum = 0;

	while (n-- > 0) {
		a.port = (uint16_t)n;
		sum += hash_bytes(&key, &a, sizeof(a));
	}
	return sum;
}

static uint64_t
hash_kilobyte(uint64_t n)
{
	static uint8_t data[1024];
	uint64_t sum = 0;

	while (n-- > 0) {
		data[0] = (uint8_t)n;
		sum += hash_bytes(&key, data, sizeof(data));
	}
	return sum;
}

static struct addr flows[FLOWS];
static struct htab table;

static bool
is_addr(const void *obj, const void *addr)
{
	return addr_equal(obj, addr);
}

static uint64_t
hash_of(const struct addr *a)
{
	return hash_bytes(&key, a, sizeof(*a));
}

static void
htab_fill(void)
{
	size_t i;

	htab_fini(&table);
	htab_init(&table, FLOWS);
	for (i = 0; i < FLOWS; i++) {
		flows[i] = addr_v4(10, 0, i >> 8 & 255, i & 255, 5000);
		htab_put(&table, hash_of(&flows[i]), &flows[i]);
	}
}

static uint64_t
htab_hit(uint64_t n)
{
	uint64_t sum = 0, seed = 1;
	const struct addr *a;

	while (n-- > 0) {
		a = &flows[bench_random(&seed) % FLOWS];
		sum += htab_find(&table, hash_of(a), is_addr, a) != NULL;
	}
	return sum;
}

static uint64_t
htab_miss(uint64_t n)
{
	struct addr a = addr_v4(192, 0, 2, 1, 0);
	uint64_t sum = 0;

	while (n-- > 0) {
		a.port = (uint16_t)n;
		sum += htab_find(&table, hash_of(&a), is_addr, &a) != NULL;
	}
	return sum;
}

static uint64_t
htab_churn(uint64_t n)
{
	uint64_t sum = 0, seed = 1, h;
	struct addr *a;

	while (n-- > 0) {
		a = &flows[bench_random(&seed) % FLOWS];
		h = hash_of(a);
		sum += htab_del(&table, h, a);
		htab_put(&table, h, a);
	}
	return sum;
}

/* From nothing to MANY entries, over and over: growing is part of a put. */
#define MANY 1000000

static uint64_t
htab_grow(uint64_t n)
{
	struct htab t;
	uint64_t i, seed = 1;

	htab_init(&t, MANY);
	for (i = 0; i < n; i++) {
		if (t.used == MANY) {
			htab_fini(&t);
			htab_init(&t, MANY);
		}
		htab_put(&t, bench_random(&seed), &table);
	}
	i = t.used;
	htab_fini(&t);
	return i;
}

static uint64_t
pool_cycle(uint64_t n)
{
	struct pool *p = pool_new(256, 64);
	uint64_t sum = 0;
	void *o;

	while (n-- > 0) {
		o = pool_get(p);
		sum += (uintptr_t)o;
		pool_put(p, o);
	}
	pool_free(p);
	return sum;
}

static struct wheel_timer timers[TIMERS];
static struct wheel wheel;

/* Lifetimes as an allocation, its permissions and channels have them. */
static void
wheel_fill(void)
{
	uint64_t seed = 1;
	size_t i;

	memset(timers, 0, sizeof(timers));
	wheel_init(&wheel, 0);
	for (i = 0; i < TIMERS; i++)
		wheel_set(&wheel, &timers[i], bench_random(&seed) % 600000);
}

static uint64_t
wheel_refresh(uint64_t n)
{
	uint64_t seed = 1;

	while (n-- > 0)
		wheel_set(&wheel, &timers[bench_random(&seed) % TIMERS],
		    wheel.now_ms + 600000);
	return wheel.count;
}

static uint64_t
wheel_ask(uint64_t n)
{
	uint64_t sum = 0;

	while (n-- > 0) {
		wheel.now_ms++;
		sum += wheel_next_ms(&wheel);
	}
	return sum;
}

/* A millisecond passes, and what fires is set again for 600 s. */
static uint64_t
wheel_tick(uint64_t n)
{
	uint64_t now = wheel.now_ms, sum = 0;
	struct wheel_timer *t;

	while (n-- > 0) {
		now++;
		while ((t = wheel_pop(&wheel, now)) != NULL) {
			wheel_set(&wheel, t, now + 600000);
			sum++;
		}
	}
	return sum;
}

const struct bench base_benches[] = {
	{ "hash: an address (20 bytes)", NULL, hash_addr },
	{ "hash: 1024 bytes", NULL, hash_kilobyte },
	{ "htab: hash and find, 10k flows", htab_fill, htab_hit },
	{ "htab: hash and miss, 10k flows", htab_fill, htab_miss },
	{ "htab: hash, delete and put, 10k flows", htab_fill, htab_churn },
	{ "htab: put, growing to 1M entries", NULL, htab_grow },
	{ "pool: get and put 256 bytes", NULL, pool_cycle },
	{ "wheel: move one of 10k timers", wheel_fill, wheel_refresh },
	{ "wheel: when is the next of 10k timers", wheel_fill, wheel_ask },
	{ "wheel: 1 ms of 10k timers of 600 s", wheel_fill, wheel_tick },
	{ .name = NULL },
};
