/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>

#include "lib/base/bucket.h"
#include "tests/unit/lib/base/random.h"
#include "tests/unit/test.h"

/* How much passes in pieces, until one does not. */
static uint64_t
drain(struct bucket *b, const struct bucket_rate *r, uint64_t piece,
    uint64_t now_ms)
{
	uint64_t n = 0;

	while (n < 1000000 && bucket_has(b, r, piece, now_ms)) {
		bucket_take(b, piece);
		n += piece;
	}
	return n;
}

static void
rate_and_burst(void **state)
{
	const struct bucket_rate r = { 1000, 500 };
	struct bucket b = { 0, 0 };
	uint64_t t = 77;

	assert_int_equal(drain(&b, &r, 100, t), 500);
	assert_int_equal(drain(&b, &r, 100, t + 99), 0);
	assert_int_equal(drain(&b, &r, 100, t += 100), 100);
	assert_int_equal(drain(&b, &r, 1, t += 1), 1);
	assert_int_equal(drain(&b, &r, 100, t += 499), 400);
	assert_int_equal(drain(&b, &r, 100, t += 3600000), 500);
	/* Longer than the burst: never. */
	assert_false(bucket_has(&b, &r, 501, t += 3600000));
	assert_int_equal(drain(&b, &r, 100, t), 500);
	/* An earlier time is that of a loop turn that began before. */
	assert_int_equal(drain(&b, &r, 100, t - 5), 0);
}

static void
slow_and_fast(void **state)
{
	const struct bucket_rate slow = { 1, 1 }, off = { 0, 0 };
	const struct bucket_rate most = { BUCKET_RATE_MAX, BUCKET_RATE_MAX };
	struct bucket b = { 0, 0 };
	uint64_t t, n = 0;

	/* Asked each millisecond, nothing is lost to rounding. */
	for (t = 1; t <= 10000; t++)
		n += drain(&b, &slow, 1, t);
	assert_int_equal(n, 10);
	assert_int_equal(drain(&b, &off, 1000, t), 1000000);
	memset(&b, 0, sizeof(b));
	assert_true(bucket_has(&b, &most, BUCKET_RATE_MAX, t));
	bucket_take(&b, BUCKET_RATE_MAX);
	assert_false(bucket_has(&b, &most, 1, t));
	assert_true(bucket_has(&b, &most, BUCKET_RATE_MAX / 1000, t + 1));
	assert_true(bucket_has(&b, &most, BUCKET_RATE_MAX, t + 9999999));
}

/* Against what passes by the definition, at random times and sizes. */
static void
agrees_with_a_model(void **state)
{
	const struct bucket_rate r = { 12345, 20000 };
	struct bucket b = { 0, 0 };
	uint64_t seed = 5, t = 1, n;
	double level = 20000;
	int i;

	for (i = 0; i < 100000; i++) {
		n = random_below(&seed, 40);
		t += n;
		level += (double)n * 12.345;
		if (level > 20000)
			level = 20000;
		n = random_below(&seed, 1500);
		/* Not on the edge, where doubles are not sure. */
		if (level - (double)n < 0.001 && level - (double)n > -0.001)
			continue;
		assert_int_equal(bucket_has(&b, &r, n, t), level >= (double)n);
		if (level >= (double)n) {
			bucket_take(&b, n);
			level -= (double)n;
		}
	}
}

static void
shared_rate(void **state)
{
	struct bucket_shared s = { .per_s = 0 };
	uint64_t t = 1000;

	bucket_shared_set(&s, &(struct bucket_rate){ 0, 0 });
	assert_true(bucket_shared_take(&s, 1000000, t));
	bucket_shared_set(&s, &(struct bucket_rate){ 1000, 500 });
	assert_true(bucket_shared_take(&s, 400, t));
	assert_false(bucket_shared_take(&s, 101, t));
	assert_true(bucket_shared_take(&s, 100, t));
	assert_false(bucket_shared_take(&s, 1, t));
	assert_true(bucket_shared_take(&s, 1, t += 1));
	assert_true(bucket_shared_take(&s, 500, t += 10000));
	/* In the middle of use the rate changes. */
	bucket_shared_set(&s, &(struct bucket_rate){ 1000000, 500000 });
	assert_true(bucket_shared_take(&s, 1000, t + 1));
	bucket_shared_set(
	    &s, &(struct bucket_rate){ BUCKET_RATE_MAX, BUCKET_RATE_MAX });
	t += 10000;
	assert_true(bucket_shared_take(&s, BUCKET_RATE_MAX, t));
	assert_false(bucket_shared_take(&s, BUCKET_RATE_MAX / 2, t + 400));
	assert_true(bucket_shared_take(&s, BUCKET_RATE_MAX / 2, t + 501));
}

static void
slices(void **state)
{
	const struct bucket_rate r = { 1000000, 100000 };
	struct bucket_slice a = { 0 }, b = { 0 };
	struct bucket_shared s = { .per_s = 0 };
	uint64_t t = 50, n, sum = 0;

	bucket_shared_set(&s, &r);
	assert_int_equal(s.portion, 10000);
	assert_true(bucket_slice_has(&a, &s, 100, t));
	assert_int_equal(a.left, 10000);
	bucket_slice_take(&a, 100);
	/* Both together get the burst, neither loses what it holds. */
	for (n = 0; bucket_slice_has(&b, &s, 1000, t); n++)
		bucket_slice_take(&b, 1000);
	assert_int_equal(n, 90);
	for (n = 0; bucket_slice_has(&a, &s, 1000, t); n++)
		bucket_slice_take(&a, 1000);
	assert_int_equal(n, 9);
	/* And from then on the rate, the unused 900 with it. */
	for (t = 51; t <= 1050; t++) {
		while (bucket_slice_has(&a, &s, 700, t)) {
			bucket_slice_take(&a, 700);
			sum += 700;
		}
		while (bucket_slice_has(&b, &s, 300, t)) {
			bucket_slice_take(&b, 300);
			sum += 300;
		}
	}
	assert_in_range(sum, 999000, 1000900);
	/* More than a portion at once. */
	assert_true(bucket_slice_has(&a, &s, 50000, t + 1000));
}

#define TAKERS 4

static struct bucket_shared contended;

static void *
take_all(void *arg)
{
	struct bucket_slice slice = { 0 };
	uint64_t *sum = arg, t;

	for (t = 1; t <= 200; t++) {
		while (bucket_slice_has(&slice, &contended, 100, t)) {
			bucket_slice_take(&slice, 100);
			*sum += 100;
		}
	}
	*sum += slice.left;
	return NULL;
}

/* However they meet, workers together do not get more than there is. */
static void
workers_share(void **state)
{
	const struct bucket_rate r = { 10000000, 100000 };
	uint64_t sums[TAKERS] = { 0 }, all = 0;
	pthread_t threads[TAKERS];
	int i;

	bucket_shared_set(&contended, &r);
	for (i = 0; i < TAKERS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, take_all, &sums[i]), 0);
	for (i = 0; i < TAKERS; i++) {
		pthread_join(threads[i], NULL);
		all += sums[i];
	}
	/* 200 ms and the burst. */
	assert_true(all <= 2000000 + 100000);
	assert_true(all >= 1900000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_and_burst),
		cmocka_unit_test(slow_and_fast),
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(shared_rate),
		cmocka_unit_test(slices),
		cmocka_unit_test(workers_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
