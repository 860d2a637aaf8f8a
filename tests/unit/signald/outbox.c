/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>

#include "signald/outbox.h"
#include "tests/unit/test.h"

#define AGE 1000000

static struct outbox *box;
static char mem[65536];
static struct buf out;

static void
begin(size_t bytes, uint32_t batch, size_t batch_bytes)
{
	const struct outbox_conf conf = {
		.prefix = "run",
		.bytes = bytes,
		.age_ms = AGE,
		.retry_min_ms = 1000,
		.retry_max_ms = 60000,
		.batch = batch,
		.batch_bytes = batch_bytes,
	};

	box = outbox_new(&conf);
	assert_non_null(box);
}

static int
teardown(void **state)
{
	outbox_free(box);
	return 0;
}

static void
put(int n, uint64_t now_ms)
{
	char text[32];

	snprintf(text, sizeof(text), "{\"n\":%d}", n);
	assert_int_equal(outbox_put(box, text, strlen(text), now_ms), 0);
}

static void
take(uint64_t now_ms, const char *want)
{
	out = buf_fixed(mem, sizeof(mem));
	assert_int_equal(outbox_take(box, now_ms, &out), want != NULL);
	buf_u8(&out, 0);
	assert_int_equal(out.err, 0);
	assert_string_equal(mem, want != NULL ? want : "");
}

static void
test_in_order(void **state)
{
	begin(65536, 2, 65536);
	take(0, NULL);
	put(1, 0);
	put(2, 0);
	put(3, 0);
	take(0, "{\"id\":\"run-1\",\"n\":1},{\"id\":\"run-2\",\"n\":2}");
	/* One batch at a time. */
	put(4, 0);
	take(1, NULL);
	outbox_ended(box, OUTBOX_TAKEN, 1, 0);
	take(1, "{\"id\":\"run-3\",\"n\":3},{\"id\":\"run-4\",\"n\":4}");
	outbox_ended(box, OUTBOX_TAKEN, 1, 0);
	take(1, NULL);
	assert_int_equal(outbox_stats(box)->taken, 4);
	assert_int_equal(outbox_stats(box)->waiting, 0);
	assert_int_equal(outbox_stats(box)->bytes, 0);
}

static void
test_batch_bytes(void **state)
{
	begin(65536, 100, 40);
	put(1, 0);
	put(2, 0);
	put(3, 0);
	take(0, "{\"id\":\"run-1\",\"n\":1},{\"id\":\"run-2\",\"n\":2}");
	outbox_ended(box, OUTBOX_TAKEN, 0, 0);
	take(0, "{\"id\":\"run-3\",\"n\":3}");
}

static void
test_again_and_again(void **state)
{
	static const uint64_t waits[] = { 500, 1000, 2000, 4000, 8000, 16000,
		30000, 30000, 30000 };
	uint64_t now = 0, i;

	begin(65536, 10, 65536);
	put(1, 0);
	for (i = 0; i < LEN(waits); i++) {
		take(now, "{\"id\":\"run-1\",\"n\":1}");
		outbox_ended(box, OUTBOX_FAILED, now, 0);
		take(now + waits[i] - 1, NULL);
		now += waits[i];
	}
	assert_int_equal(outbox_stats(box)->failures, LEN(waits));
	take(now, "{\"id\":\"run-1\",\"n\":1}");
	/* Up to as long again by chance, and from the start after a success. */
	outbox_ended(box, OUTBOX_FAILED, now, UINT32_MAX - 1);
	assert_false(outbox_take(box, now + 30000, &out));
	take(now + 60000, "{\"id\":\"run-1\",\"n\":1}");
	outbox_ended(box, OUTBOX_TAKEN, now, 0);
	put(2, now);
	take(now, "{\"id\":\"run-2\",\"n\":2}");
	outbox_ended(box, OUTBOX_FAILED, now, 0);
	take(now + 499, NULL);
	take(now + 500, "{\"id\":\"run-2\",\"n\":2}");
}

static void
test_age(void **state)
{
	begin(65536, 10, 65536);
	put(1, 0);
	put(2, AGE);
	take(AGE, "{\"id\":\"run-1\",\"n\":1},{\"id\":\"run-2\",\"n\":2}");
	outbox_ended(box, OUTBOX_FAILED, AGE, 0);
	take(AGE + 500, "{\"id\":\"run-2\",\"n\":2}");
	assert_int_equal(outbox_stats(box)->expired, 1);
	outbox_ended(box, OUTBOX_FAILED, AGE, 0);
	take(AGE * 2 + 2000, NULL);
	assert_int_equal(outbox_stats(box)->expired, 2);
	assert_int_equal(outbox_stats(box)->waiting, 0);
}

static void
test_refused(void **state)
{
	begin(65536, 1, 65536);
	put(1, 0);
	put(2, 0);
	take(0, "{\"id\":\"run-1\",\"n\":1}");
	outbox_ended(box, OUTBOX_REFUSED, 0, 0);
	take(0, "{\"id\":\"run-2\",\"n\":2}");
	assert_int_equal(outbox_stats(box)->refused, 1);
	assert_int_equal(outbox_stats(box)->taken, 0);
}

static void
test_full(void **state)
{
	uint64_t held;
	int i;

	begin(1000, 100, 65536);
	for (i = 1; i <= 100; i++)
		put(i, 0);
	held = outbox_stats(box)->waiting;
	assert_true(held > 10 && held < 50);
	assert_true(outbox_stats(box)->bytes <= 1000);
	assert_int_equal(outbox_stats(box)->dropped, 100 - held);
	/* What is under way may be pushed out; the rest is in order. */
	out = buf_fixed(mem, sizeof(mem));
	assert_true(outbox_take(box, 0, &out));
	for (i = 101; i <= 110; i++)
		put(i, 0);
	outbox_ended(box, OUTBOX_TAKEN, 0, 0);
	assert_int_equal(outbox_stats(box)->waiting, 10);
	out = buf_fixed(mem, sizeof(mem));
	assert_true(outbox_take(box, 0, &out));
	assert_memory_equal(mem, "{\"id\":\"run-101\",\"n\":101},", 25);
	assert_int_equal(outbox_put(box, mem, 1000, 0), -EMSGSIZE);
	assert_int_equal(outbox_stats(box)->waiting, 10);
}

#define CASE(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_in_order),
		CASE(test_batch_bytes),
		CASE(test_again_and_again),
		CASE(test_age),
		CASE(test_refused),
		CASE(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
