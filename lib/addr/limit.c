/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/addr/limit.h"

#define WAYS  4 /* slots of 16 bytes in a cache line */
#define NS_MS UINT64_C(1000000)
#define NS_S  UINT64_C(1000000000)

/* Of a back-off the count of failures is in the low bits of the tag. */
#define COUNT_BITS 16
#define COUNT_MAX  ((UINT64_C(1) << COUNT_BITS) - 1)

struct slot {
	uint64_t tag;
	/* A rate: until when all is paid, ns. A back-off: when it is
	 * forgotten, ms. */
	uint64_t until;
};

struct line {
	struct slot slots[WAYS];
};

struct limit {
	struct hash_key key;
	size_t mask; /* lines - 1 */
	struct line *lines;
};

struct limit *
limit_new(size_t slots, const struct hash_key *key)
{
	struct limit *l = calloc(1, sizeof(*l));
	size_t lines = 1;

	if (l == NULL)
		return NULL;
	while (lines * WAYS < slots)
		lines *= 2;
	l->key = *key;
	l->mask = lines - 1;
	l->lines = aligned_alloc(sizeof(*l->lines), lines * sizeof(*l->lines));
	if (l->lines == NULL) {
		free(l);
		return NULL;
	}
	memset(l->lines, 0, lines * sizeof(*l->lines));
	return l;
}

void
limit_free(struct limit *l)
{
	if (l == NULL)
		return;
	free(l->lines);
	free(l);
}

static struct prefix
prefix_of(const struct addr *a, uint8_t v4, uint8_t v6)
{
	struct prefix p = { .addr = { .family = a->family } };

	p.bits = a->family == ADDR_V6 ? v6 : v4;
	memcpy(p.addr.ip, a->ip, p.bits / 8);
	return p;
}

struct prefix
limit_network(const struct addr *a)
{
	return prefix_of(a, 24, 48);
}

struct prefix
limit_host(const struct addr *a)
{
	return prefix_of(a, 32, 64);
}

const char *
limit_format(const struct prefix *p, char out[LIMIT_STRLEN])
{
	char text[ADDR_STRLEN];

	snprintf(
	    out, LIMIT_STRLEN, "%s/%d", addr_format(&p->addr, text), p->bits);
	return out;
}

static uint64_t
hash_of(const struct limit *l, const struct prefix *p, uint64_t what)
{
	struct {
		struct addr addr;
		uint32_t bits;
		uint64_t what;
	} key = { p->addr, p->bits, what };

	static_assert(sizeof(key) == 32, "hashed as bytes: no holes");
	return hash_bytes(&l->key, &key, sizeof(key));
}

static struct line *
line_of(const struct limit *l, uint64_t hash)
{
	return &l->lines[hash >> 32 & l->mask];
}

/* The slot with this tag, but for the bits of mask; else the one that ends
 * first. */
static struct slot *
slot_find(struct line *line, uint64_t tag, uint64_t mask)
{
	struct slot *s, *least = line->slots;
	int i;

	for (i = 0; i < WAYS; i++) {
		s = &line->slots[i];
		if (((s->tag ^ tag) & ~mask) == 0)
			return s;
		if (s->until < least->until)
			least = s;
	}
	return least;
}

struct limit_rate
limit_rate(uint64_t per_s, uint64_t burst)
{
	struct limit_rate r = { 0, 0 };

	if (per_s == 0)
		return r;
	r.interval_ns = per_s < NS_S ? NS_S / per_s : 1;
	r.room_ns = r.interval_ns * (burst > 1 ? burst : 1);
	return r;
}

struct limit_rate
limit_rate_share(uint64_t per_s, uint64_t burst, int workers)
{
	uint64_t n = (uint64_t)workers;

	return limit_rate((per_s + n - 1) / n, (burst + n - 1) / n);
}

/*
 * The bucket as the time at which it will be full again: one number, and a
 * time that has passed is a full bucket, so that no slot ever has to be freed.
 */
bool
limit_take(struct limit *l, const struct limit_rate *r, const struct prefix *p,
    uint64_t now_ms)
{
	uint64_t now_ns = now_ms * NS_MS, hash, until;
	struct slot *s;

	if (r->interval_ns == 0)
		return true;
	hash = hash_of(l, p, 0);
	s = slot_find(line_of(l, hash), hash, 0);
	until = s->until > now_ns ? s->until : now_ns;
	if (until + r->interval_ns > now_ns + r->room_ns)
		return false;
	s->tag = hash;
	s->until = until + r->interval_ns;
	return true;
}

/* The time to wait since the last of so many failures. */
static uint64_t
wait_ms(const struct limit_backoff *b, uint64_t failures)
{
	uint64_t ms = b->first_ms;

	if (failures <= b->free)
		return 0;
	for (failures -= b->free; failures > 1 && ms < b->most_ms; failures--)
		ms *= 2;
	return ms < b->most_ms ? ms : b->most_ms;
}

uint64_t
limit_failures(const struct limit *l, const struct prefix *p, uint64_t what,
    uint64_t now_ms)
{
	uint64_t hash = hash_of(l, p, what);
	const struct slot *s = slot_find(line_of(l, hash), hash, COUNT_MAX);

	if (((s->tag ^ hash) & ~COUNT_MAX) != 0 || s->until <= now_ms)
		return 0;
	return s->tag & COUNT_MAX;
}

bool
limit_waits(const struct limit *l, const struct limit_backoff *b,
    const struct prefix *p, uint64_t what, uint64_t now_ms)
{
	uint64_t hash, failed_ms;
	const struct slot *s;

	if (b->free == 0)
		return false;
	hash = hash_of(l, p, what);
	s = slot_find(line_of(l, hash), hash, COUNT_MAX);
	if (((s->tag ^ hash) & ~COUNT_MAX) != 0 || s->until <= now_ms)
		return false;
	failed_ms = s->until - b->forget_ms;
	return now_ms < failed_ms + wait_ms(b, s->tag & COUNT_MAX);
}

void
limit_failed(struct limit *l, const struct limit_backoff *b,
    const struct prefix *p, uint64_t what, uint64_t now_ms)
{
	uint64_t hash = hash_of(l, p, what), count;
	struct slot *s;

	if (b->free == 0)
		return;
	s = slot_find(line_of(l, hash), hash, COUNT_MAX);
	count = s->tag & COUNT_MAX;
	if (((s->tag ^ hash) & ~COUNT_MAX) != 0 || s->until <= now_ms)
		count = 0;
	s->tag = (hash & ~COUNT_MAX) | (count < COUNT_MAX ? count + 1 : count);
	s->until = now_ms + b->forget_ms;
}
