/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stream/frames.h"
#include "tests/unit/test.h"

#define SIZE 100

/* Messages that fit in: their own bytes and some for keeping them. */
#define CAP (6 * SIZE)

static int
put(struct frames *q, bool media, char c)
{
	char data[SIZE];
	/* In parts, as a header in front of borrowed data is. */
	const struct iovec parts[] = { { data, 4 }, { data + 4, SIZE - 4 } };

	memset(data, c, sizeof(data));
	return frames_put(q, media, parts, LEN(parts));
}

/* The first letter of each waiting message. */
static const char *
waiting(const struct frames *q)
{
	static char text[32];
	struct iovec parts[16];
	int i, n = frames_next(q, parts, (int)LEN(parts));

	for (i = 0; i < n; i++)
		text[i] = *(const char *)parts[i].iov_base;
	text[n] = '\0';
	return text;
}

static void
oldest_media_goes(void **state)
{
	struct frames q;
	char c;
	int dropped = 0;

	frames_init(&q, CAP);
	for (c = 'a'; c <= 'z'; c++)
		dropped += put(&q, true, c);
	assert_true(q.bytes <= CAP);
	assert_int_equal(26, dropped + (int)strlen(waiting(&q)));
	assert_int_equal('z', waiting(&q)[strlen(waiting(&q)) - 1]);
	frames_fini(&q);
}

static void
answers_stay(void **state)
{
	struct frames q;
	char c;

	frames_init(&q, CAP);
	assert_int_equal(0, put(&q, false, 'A'));
	for (c = 'a'; c <= 'z'; c++)
		put(&q, true, c);
	assert_int_equal('A', waiting(&q)[0]);
	for (c = 'B'; c <= 'Z'; c++)
		assert_true(put(&q, false, c) >= 0);
	assert_string_equal("ABCDEFGHIJKLMNOP", waiting(&q));
	assert_int_equal(q.bytes, q.answers);
	assert_int_equal(1, put(&q, true, 'm')); /* no room: itself */
	frames_fini(&q);
	assert_int_equal(0, q.bytes);
	assert_int_equal(0, q.answers);
}

static void
begun_message_stays(void **state)
{
	struct frames q;
	struct iovec part;
	char c;

	frames_init(&q, CAP);
	put(&q, true, 'a');
	put(&q, true, 'b');
	frames_sent(&q, SIZE + 30);
	for (c = 'c'; c <= 'z'; c++)
		put(&q, true, c);
	assert_int_equal(1, frames_next(&q, &part, 1));
	assert_int_equal('b', *(const char *)part.iov_base);
	assert_int_equal(SIZE - 30, part.iov_len);
	frames_sent(&q, SIZE - 30);
	assert_int_not_equal('b', waiting(&q)[0]);
	frames_fini(&q);
}

static void
pinned_messages_stay(void **state)
{
	struct frames q;
	char c;

	frames_init(&q, CAP);
	put(&q, true, 'a');
	put(&q, true, 'b');
	put(&q, true, 'c');
	frames_pin(&q, SIZE + 1);
	for (c = 'd'; c <= 'z'; c++)
		put(&q, true, c);
	assert_memory_equal("ab", waiting(&q), 2);
	assert_null(strchr(waiting(&q), 'c'));
	frames_fini(&q);
}

static void
all_is_sent(void **state)
{
	struct frames q;

	frames_init(&q, CAP);
	put(&q, true, 'a');
	put(&q, false, 'b');
	frames_sent(&q, SIZE);
	assert_string_equal("b", waiting(&q));
	frames_sent(&q, SIZE);
	assert_true(frames_empty(&q));
	assert_int_equal(0, q.bytes);
	frames_fini(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_media_goes),
		cmocka_unit_test(answers_stay),
		cmocka_unit_test(begun_message_stays),
		cmocka_unit_test(pinned_messages_stay),
		cmocka_unit_test(all_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
