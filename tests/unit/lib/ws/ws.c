/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/ws/ws.h"
#include "tests/unit/test.h"

#define MESSAGE_MAX 65536
#define FRAGMENTS   8

/* One end, and what it has heard. */
struct end {
	struct ws_pool *pool;
	struct ws ws;
	struct buf out;
	struct buf heard; /* the messages, each with a '|' behind it */
	enum ws_type type;
	bool stop;
};

static void
test_random(void *out, size_t len)
{
	memset(out, 0x5a, len);
}

static void
end_init(struct end *e, bool client)
{
	struct ws_limits limits = { MESSAGE_MAX, FRAGMENTS, client,
		test_random };

	memset(e, 0, sizeof(*e));
	e->pool = ws_pool_new(&limits);
	assert_non_null(e->pool);
	buf_init(&e->out, 1 << 20);
	buf_init(&e->heard, 1 << 20);
}

static void
end_fini(struct end *e)
{
	ws_fini(&e->ws);
	ws_pool_free(e->pool);
	buf_fini(&e->out);
	buf_fini(&e->heard);
}

static bool
hear(void *arg, enum ws_type type, const uint8_t *data, size_t len)
{
	struct end *e = arg;

	e->type = type;
	buf_put(&e->heard, data, len);
	buf_u8(&e->heard, '|');
	return !e->stop;
}

static ssize_t
feed(struct end *e, const void *data, size_t len)
{
	struct ws_sink sink = { e->pool, &e->out, hear, e };

	return ws_input(&e->ws, &sink, data, len);
}

static ssize_t
feed_hex(struct end *e, const char *hex)
{
	uint8_t bytes[256];

	return feed(e, bytes, from_hex(hex, bytes, sizeof(bytes)));
}

static void
check_heard(struct end *e, const char *want)
{
	assert_int_equal(e->heard.len, strlen(want));
	if (*want != '\0')
		assert_memory_equal(e->heard.data, want, e->heard.len);
	buf_reset(&e->heard);
}

static void
check_out(struct end *e, const char *hex)
{
	uint8_t want[256];
	size_t n = from_hex(hex, want, sizeof(want));

	assert_int_equal(e->out.len, n);
	if (n > 0)
		assert_memory_equal(e->out.data, want, n);
	buf_reset(&e->out);
}

/* "Hello", masked: RFC 6455 section 5.7. */
#define HELLO "81 85 37 fa 21 3d 7f 9f 4d 51 58"

static void
test_rfc_examples(void **state)
{
	struct end s, c;

	end_init(&s, false);
	end_init(&c, true);
	assert_int_equal(feed_hex(&s, HELLO), 11);
	assert_int_equal(s.type, WS_TEXT);
	check_heard(&s, "Hello|");
	ws_send(&s.ws, s.pool, WS_TEXT, "Hello", 5, &s.out);
	check_out(&s, "81 05 48 65 6c 6c 6f");
	assert_int_equal(feed_hex(&c, "01 03 48 65 6c 80 02 6c 6f"), 9);
	check_heard(&c, "Hello|");
	/* A ping, unmasked from the server, is answered masked. */
	assert_int_equal(feed_hex(&c, "89 05 48 65 6c 6c 6f"), 7);
	check_out(&c, "8a 85 5a 5a 5a 5a 12 3f 36 36 35");
	end_fini(&s);
	end_fini(&c);
}

static void
test_byte_by_byte(void **state)
{
	struct end s;
	uint8_t bytes[64];
	size_t i, n;

	end_init(&s, false);
	n = from_hex(HELLO " 89 80 01 02 03 04 " HELLO, bytes, sizeof(bytes));
	for (i = 0; i < n; i++)
		assert_int_equal(feed(&s, bytes + i, 1), 1);
	check_heard(&s, "Hello|Hello|");
	check_out(&s, "8a 00");
	end_fini(&s);
}

/* At rest nothing is held; half-way through a message something is. */
static void
test_rest(void **state)
{
	struct end s;
	uint8_t bytes[64];
	size_t i, n;

	end_init(&s, false);
	n = from_hex(HELLO, bytes, sizeof(bytes));
	assert_null(s.ws.reader);
	for (i = 0; i < n - 1; i++) {
		feed(&s, bytes + i, 1);
		assert_non_null(s.ws.reader);
	}
	feed(&s, bytes + i, 1);
	assert_null(s.ws.reader);
	/* Between fragments, a control frame in the middle too. */
	feed_hex(&s, "01 83 00 00 00 00 48 65 6c");
	assert_non_null(s.ws.reader);
	feed_hex(&s, "89 80 00 00 00 00");
	assert_non_null(s.ws.reader);
	feed_hex(&s, "80 82 00 00 00 00 6c 6f");
	assert_null(s.ws.reader);
	check_heard(&s, "Hello|Hello|");
	end_fini(&s);
}

static void
test_stops_after_a_message(void **state)
{
	struct end s, other;
	uint8_t bytes[64];
	size_t n;

	end_init(&s, false);
	end_init(&other, false);
	n = from_hex(HELLO " " HELLO " 81 83", bytes, sizeof(bytes));
	s.stop = true;
	assert_int_equal(feed(&s, bytes, n), 11);
	check_heard(&s, "Hello|");
	/* It goes on with the pool of another thread. */
	other.ws = s.ws;
	memset(&s.ws, 0, sizeof(s.ws));
	assert_int_equal(feed(&other, bytes + 11, n - 11), n - 11);
	check_heard(&other, "Hello|");
	assert_int_equal(feed_hex(&other, "00 00 00 00 61 62 63"), 7);
	check_heard(&other, "abc|");
	end_fini(&s);
	end_fini(&other);
}

/* A message keeps the limit it began with; a reader does not bring it into
 * the next pool. */
static void
test_pools_of_other_limits(void **state)
{
	struct ws_limits five = { 5, FRAGMENTS, false, NULL };
	struct ws_pool *small = ws_pool_new(&five), *large;
	struct end s;

	assert_non_null(small);
	end_init(&s, false);
	large = s.pool;
	s.pool = small;
	assert_int_equal(feed_hex(&s, "81 85 00 00 00 00 61"), 7);
	s.pool = large;
	assert_int_equal(feed_hex(&s, "62 63 64 65"), 4);
	check_heard(&s, "abcde|");
	assert_int_equal(
	    feed_hex(&s, "81 86 00 00 00 00 61 62 63 64 65 66"), 12);
	check_heard(&s, "abcdef|");
	s.pool = small;
	assert_int_equal(
	    feed_hex(&s, "81 86 00 00 00 00 61 62 63 64 65 66"), -EPIPE);
	check_out(&s, "88 02 03 f1");
	s.pool = large;
	end_fini(&s);
	ws_pool_free(small);
}

/* What ends a link, and with which code. */
static void
test_violations(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{ "81 05 48 65 6c 6c 6f", "88 02 03 ea" }, /* unmasked */
		{ "c1 80 00 00 00 00", "88 02 03 ea" },    /* RSV1 */
		{ "83 80 00 00 00 00", "88 02 03 ea" },    /* opcode 3 */
		{ "09 80 00 00 00 00", "88 02 03 ea" },    /* fragmented ping */
		{ "89 fe 00 7e 00 00 00 00", "88 02 03 ea" }, /* long ping */
		{ "80 80 00 00 00 00", "88 02 03 ea" }, /* nothing to go on */
		{ "01 80 00 00 00 00 81 80 00 00 00 00",
		    "88 02 03 ea" }, /* a message inside a message */
		{ "81 82 00 00 00 00 c3 28", "88 02 03 ef" }, /* no UTF-8 */
		{ "81 83 00 00 00 00 ed a0 80", "88 02 03 ef" },
		/* no UTF-8, and the message goes on: fails at once */
		{ "01 82 00 00 00 00 c3 28", "88 02 03 ef" },
		/* 65537 bytes announced */
		{ "81 ff 00 00 00 00 00 01 00 01 00 00 00 00 61",
		    "88 02 03 f1" },
		{ "81 ff 7f ff ff ff ff ff ff ff 00 00 00 00 61",
		    "88 02 03 f1" },
	};
	struct end s;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		end_init(&s, false);
		assert_int_equal(feed_hex(&s, rows[i].in), -EPIPE);
		check_out(&s, rows[i].out);
		check_heard(&s, "");
		assert_null(s.ws.reader);
		assert_int_equal(feed_hex(&s, HELLO), -EPIPE);
		ws_send(&s.ws, s.pool, WS_TEXT, "x", 1, &s.out);
		check_out(&s, "");
		end_fini(&s);
	}
}

static void
test_fragment_limit(void **state)
{
	struct end s;
	int i;

	end_init(&s, false);
	assert_true(feed_hex(&s, "01 81 00 00 00 00 61") > 0);
	for (i = 1; i < FRAGMENTS; i++)
		assert_true(feed_hex(&s, "00 81 00 00 00 00 61") > 0);
	assert_int_equal(feed_hex(&s, "00 81 00 00 00 00 61"), -EPIPE);
	check_out(&s, "88 02 03 f0");
	end_fini(&s);
}

static void
test_close(void **state)
{
	struct end s;

	/* The peer's close is answered with its code. */
	end_init(&s, false);
	assert_int_equal(feed_hex(&s, "88 82 00 00 00 00 03 e8"), -EPIPE);
	assert_int_equal(s.ws.closed_by_peer, WS_CLOSE_NORMAL);
	check_out(&s, "88 02 03 e8");
	end_fini(&s);
	end_init(&s, false);
	assert_int_equal(feed_hex(&s, "88 80 00 00 00 00"), -EPIPE);
	assert_int_equal(s.ws.closed_by_peer, WS_CLOSE_NO_STATUS);
	end_fini(&s);
	/* Ours is said once. */
	end_init(&s, false);
	ws_close(&s.ws, s.pool, 4001, "gone", &s.out);
	check_out(&s, "88 06 0f a1 67 6f 6e 65");
	ws_close(&s.ws, s.pool, 4002, "slow", &s.out);
	check_out(&s, "");
	end_fini(&s);
}

/* A close that arrives in pieces is judged as a whole. */
static void
test_close_in_pieces(void **state)
{
	struct end s;
	uint8_t bytes[64];
	size_t i, n;

	end_init(&s, false);
	n = from_hex("88 85 00 00 00 00 10 e1 62 79 65", bytes, sizeof(bytes));
	for (i = 0; i < n - 1; i++)
		assert_int_equal(feed(&s, bytes + i, 1), 1);
	assert_int_equal(feed(&s, bytes + i, 1), -EPIPE);
	assert_int_equal(s.ws.closed_by_peer, 4321);
	check_out(&s, "88 05 10 e1 62 79 65");
	end_fini(&s);
	/* A reason that is no UTF-8. */
	end_init(&s, false);
	n = from_hex("88 85 00 00 00 00 03 e8 df 79 65", bytes, sizeof(bytes));
	for (i = 0; i < n - 1; i++)
		assert_int_equal(feed(&s, bytes + i, 1), 1);
	assert_int_equal(feed(&s, bytes + i, 1), -EPIPE);
	check_out(&s, "88 02 03 ef");
	end_fini(&s);
}

/* Every size at which the header changes its form, there and back. */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 4095, 4096, 4097,
		65535, 65536 };
	struct end s, c;
	char *text;
	size_t i;

	end_init(&s, false);
	end_init(&c, true);
	text = malloc(MESSAGE_MAX + 1);
	memset(text, 'x', MESSAGE_MAX);
	for (i = 0; i < LEN(sizes); i++) {
		text[sizes[i]] = '|';
		ws_send(&c.ws, c.pool, WS_BINARY, text, sizes[i], &c.out);
		assert_int_equal(feed(&s, c.out.data, c.out.len), c.out.len);
		assert_int_equal(s.heard.len, sizes[i] + 1);
		assert_memory_equal(s.heard.data, text, s.heard.len);
		buf_reset(&s.heard);
		buf_reset(&c.out);
		ws_send(&s.ws, s.pool, WS_TEXT, text, sizes[i], &s.out);
		assert_int_equal(feed(&c, s.out.data, s.out.len), s.out.len);
		assert_int_equal(c.heard.len, sizes[i] + 1);
		assert_memory_equal(c.heard.data, text, c.heard.len);
		buf_reset(&c.heard);
		buf_reset(&s.out);
		text[sizes[i]] = 'x';
	}
	free(text);
	end_fini(&s);
	end_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_examples),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_stops_after_a_message),
		cmocka_unit_test(test_pools_of_other_limits),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_fragment_limit),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_in_pieces),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
