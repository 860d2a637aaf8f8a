/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/base/bucket.h"

#define NS_MS UINT64_C(1000000)
#define NS_S  UINT64_C(1000000000)

#define CENTURIES_S (UINT64_C(1) << 33)

/* What lasts 10 ms, up to the longest datagram. */
#define PORTIONS_A_SECOND 100
#define PORTION_MAX       65536

static uint64_t
load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void
store(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* n at a rate, as the time it takes; in parts, so that 2^40 do not overflow. */
static uint64_t
cost_ns(uint64_t n, uint64_t per_s)
{
	uint64_t s = n / per_s, rest = n % per_s;

	if (s > CENTURIES_S)
		return CENTURIES_S * NS_S;
	if (rest >= UINT64_C(1) << 34)
		return s * NS_S + (rest >> 10) * NS_S / (per_s >> 10);
	return s * NS_S + (rest * NS_S + per_s - 1) / per_s;
}

void
bucket_shared_set(struct bucket_shared *b, const struct bucket_rate *r)
{
	uint64_t portion = r->per_s / PORTIONS_A_SECOND;

	store(&b->per_s, r->per_s);
	if (r->per_s == 0)
		return;
	store(&b->burst_ns, cost_ns(r->burst, r->per_s));
	store(&b->portion, portion < PORTION_MAX ? portion : PORTION_MAX);
}

bool
bucket_shared_take(struct bucket_shared *b, uint64_t n, uint64_t now_ms)
{
	uint64_t per_s = load(&b->per_s), burst_ns = load(&b->burst_ns);
	uint64_t now_ns = now_ms * NS_MS, until, next;

	if (per_s == 0)
		return true;
	until = load(&b->until_ns);
	do {
		next = until > now_ns ? until : now_ns;
		next += cost_ns(n, per_s);
		if (next > now_ns + burst_ns)
			return false;
	} while (!__atomic_compare_exchange_n(&b->until_ns, &until, next, true,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

bool
bucket_slice_fill(struct bucket_slice *s, struct bucket_shared *from,
    uint64_t n, uint64_t now_ms)
{
	uint64_t missing = n - s->left, portion = load(&from->portion);

	if (missing < portion && bucket_shared_take(from, portion, now_ms)) {
		s->left += portion;
		return true;
	}
	if (!bucket_shared_take(from, missing, now_ms))
		return false;
	s->left += missing;
	return true;
}
