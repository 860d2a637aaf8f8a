/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bucket: token buckets for what passes by the thousand: bytes, lines. One of
 * zeros is full. A shared one is taken from in portions, a slice a worker, so
 * that the worker alone touches what each datagram touches; what is in a slice
 * stays there until used, so nothing is lost, and all workers together may be
 * ahead of the rate by a slice each.
 * Owns: nothing.  Thread: a bucket and a slice have one; a shared bucket any.
 */
#ifndef FLOE_LIB_BASE_BUCKET_H
#define FLOE_LIB_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_RATE_MAX (UINT64_C(1) << 40) /* a second, and of a burst */

struct bucket_rate {
	uint64_t per_s; /* 0: no limit */
	uint64_t burst;
};

struct bucket {
	uint64_t spent_m; /* thousandths */
	uint64_t at_ms;   /* when that was so */
};

/* Are there n? They are taken by bucket_take. */
static inline bool
bucket_has(
    struct bucket *b, const struct bucket_rate *r, uint64_t n, uint64_t now_ms)
{
	uint64_t ms, back;

	if (r->per_s == 0)
		return true;
	if (now_ms > b->at_ms) {
		ms = now_ms - b->at_ms;
		/* After 17 minutes it is full whatever the rate. */
		back = ms < (1 << 20) ? ms * r->per_s : b->spent_m;
		b->spent_m -= back < b->spent_m ? back : b->spent_m;
		b->at_ms = now_ms;
	}
	return b->spent_m + n * 1000 <= r->burst * 1000;
}

static inline void
bucket_take(struct bucket *b, uint64_t n)
{
	b->spent_m += n * 1000;
}

struct bucket_shared {
	uint64_t per_s, burst_ns;
	uint64_t portion;  /* of a slice, at most */
	uint64_t until_ns; /* when all that was taken is paid */
};

struct bucket_slice {
	uint64_t left;
};

/* Sets the rate, also of one in use. */
void bucket_shared_set(struct bucket_shared *, const struct bucket_rate *);
bool bucket_shared_take(struct bucket_shared *, uint64_t n, uint64_t now_ms);
/* Gets a portion when the slice has not enough. */
bool bucket_slice_fill(
    struct bucket_slice *, struct bucket_shared *, uint64_t n, uint64_t now_ms);

static inline bool
bucket_slice_has(struct bucket_slice *s, struct bucket_shared *from, uint64_t n,
    uint64_t now_ms)
{
	return s->left >= n || bucket_slice_fill(s, from, n, now_ms);
}

static inline void
bucket_slice_take(struct bucket_slice *s, uint64_t n)
{
	s->left -= n;
}

#endif
