/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/ws/ws.h"
#include "tests/unit/test.h"

#define MESSAGE_MAX (1 << 20)

/* What is chosen among the offers, as the answer's header field. */
static const char *
chosen(const char *offers, bool keep, int bits)
{
	const struct ws_deflate_policy policy = { keep, bits };
	struct ws_deflate_params params;
	static char text[256];
	struct buf b = buf_fixed(text, sizeof(text) - 1);

	if (ws_deflate_choose(offers, &policy, &params) != 0)
		return NULL;
	ws_deflate_answer(&params, &b);
	text[b.len] = '\0';
	return text;
}

#define US "Sec-WebSocket-Extensions: permessage-deflate"

static void
test_offers(void **state)
{
	static const struct {
		const char *offers;
		int bits;
		const char *answer; /* after US; NULL: declined */
	} rows[] = {
		{ "permessage-deflate", 15, "" },
		{ "Permessage-Deflate", 15, "" },
		{ "permessage-deflate; client_max_window_bits", 15,
		    "; client_max_window_bits=15" },
		{ "permessage-deflate;client_max_window_bits=10", 15,
		    "; client_max_window_bits=10" },
		{ "permessage-deflate; client_max_window_bits=8", 15,
		    "; client_max_window_bits=8" },
		{ "permessage-deflate; client_max_window_bits", 11,
		    "; client_max_window_bits=11" },
		{ "permessage-deflate; server_max_window_bits=9", 15,
		    "; server_max_window_bits=9" },
		{ "permessage-deflate; server_max_window_bits=\"12\"", 15,
		    "; server_max_window_bits=12" },
		{ "permessage-deflate; server_max_window_bits=14", 10,
		    "; server_max_window_bits=10" },
		{ "permessage-deflate; server_no_context_takeover;"
		  "\tclient_no_context_takeover ; client_max_window_bits = 9",
		    15,
		    "; server_no_context_takeover"
		    "; client_no_context_takeover"
		    "; client_max_window_bits=9" },
		/* The first that can be had. */
		{ "x-webkit-deflate-frame, permessage-deflate", 15, "" },
		{ "permessage-deflate; server_max_window_bits=8, "
		  "permessage-deflate; server_max_window_bits=10",
		    15, "; server_max_window_bits=10" },
		{ "permessage-deflate; colour=red, permessage-deflate", 15,
		    "" },
		{ ", ,permessage-deflate,", 15, "" },
		/* None can be had. */
		{ "", 15, NULL },
		{ "permessage-deflate2", 15, NULL },
		{ "permessage-deflate=1", 15, NULL },
		{ "permessage-deflate; server_max_window_bits", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=8", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=16", 15, NULL },
		{ "permessage-deflate; server_max_window_bits=09", 15, NULL },
		{ "permessage-deflate; client_max_window_bits=7", 15, NULL },
		{ "permessage-deflate; client_max_window_bits=", 15, NULL },
		{ "permessage-deflate; server_no_context_takeover=1", 15,
		    NULL },
		{ "permessage-deflate; client_no_context_takeover; "
		  "client_no_context_takeover",
		    15, NULL },
		{ "permessage-deflate; client_max_window_bits; "
		  "client_max_window_bits",
		    15, NULL },
		{ "permessage-deflate; ; server_no_context_takeover", 15,
		    NULL },
		{ "permessage-deflate; a_name_that_is_longer_than_any_of_ours",
		    15, NULL },
		{ "permessage-deflate x", 15, NULL },
	};
	const char *answer;
	char want[256];
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		answer = chosen(rows[i].offers, true, rows[i].bits);
		if (rows[i].answer == NULL) {
			assert_null(answer);
			continue;
		}
		snprintf(want, sizeof(want), US "%s\r\n", rows[i].answer);
		assert_non_null(answer);
		assert_string_equal(answer, want);
	}
	assert_string_equal(chosen("permessage-deflate", false, 15),
	    US "; server_no_context_takeover; client_no_context_takeover\r\n");
}

/* One end, and the last message that it heard. */
struct end {
	struct ws_pool *pool;
	struct ws ws;
	struct buf out, heard;
	int messages;
};

static void
no_random(void *out, size_t len)
{
	memset(out, 0, len);
}

static void
end_init(struct end *e, bool client, struct ws_deflate_way send,
    struct ws_deflate_way recv)
{
	const struct ws_limits limits = { MESSAGE_MAX, 8, client, no_random };
	const struct ws_deflate_params params = { .send = send, .recv = recv };

	memset(e, 0, sizeof(*e));
	e->pool = ws_pool_new(&limits);
	e->ws.deflate = ws_deflate_new(&params);
	assert_true(e->pool != NULL && e->ws.deflate != NULL);
	buf_init(&e->out, 8 * MESSAGE_MAX);
	buf_init(&e->heard, 8 * MESSAGE_MAX);
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

	buf_reset(&e->heard);
	buf_put(&e->heard, data, len);
	e->messages++;
	return true;
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

static const struct ws_deflate_way keeps = { true, 15 };
static const struct ws_deflate_way forgets = { false, 15 };

/* The frames of RFC 7692 sections 7.2.3.1 to 7.2.3.6, as a server sends. */
static void
test_rfc_examples(void **state)
{
	static const char *const frames[] = {
		"c1 07 f2 48 cd c9 c9 07 00",
		"41 03 f2 48 cd 80 04 c9 c9 07 00",
		"c1 05 f2 00 11 00 00", /* refers to the message before it */
		"c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00",
		"c1 08 f3 48 cd c9 c9 07 00 00",
		"c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
	};
	struct end c;
	size_t i;

	end_init(&c, true, keeps, keeps);
	for (i = 0; i < LEN(frames); i++) {
		assert_true(feed_hex(&c, frames[i]) > 0);
		assert_int_equal(c.messages, i + 1);
		assert_int_equal(c.heard.len, 5);
		assert_memory_equal(c.heard.data, "Hello", 5);
	}
	/* What is not packed is heard all the same; nothing is a message. */
	assert_true(feed_hex(&c, "81 02 6f 6b") > 0);
	assert_memory_equal(c.heard.data, "ok", 2);
	assert_true(feed_hex(&c, "c1 01 00") > 0);
	assert_int_equal(c.heard.len, 0);
	assert_int_equal(c.messages, LEN(frames) + 2);
	assert_int_equal(c.out.len, 0);
	end_fini(&c);
}

/* A message to the other end; the bytes that it took on the way. */
static size_t
pass(struct end *from, struct end *to, const void *data, size_t len)
{
	size_t n;

	buf_reset(&from->out);
	to->messages = 0;
	ws_send(&from->ws, from->pool, WS_BINARY, data, len, &from->out);
	assert_int_equal(from->out.err, 0);
	n = from->out.len;
	assert_true(n <= ws_send_room(&from->ws, len));
	assert_int_equal(feed(to, from->out.data, n), n);
	assert_int_equal(to->messages, 1);
	assert_int_equal(to->heard.len, len);
	if (len > 0)
		assert_memory_equal(to->heard.data, data, len);
	return n;
}

static void
test_there_and_back(void **state)
{
	static const size_t sizes[] = { 0, 0, 1, 100, 5000, 70000,
		MESSAGE_MAX };
	static const struct ws_deflate_way ways[] = { { true, 15 }, { true, 9 },
		{ false, 15 }, { false, 9 }, { true, 12 }, { false, 10 } };
	uint32_t x = 1;
	uint8_t *data = malloc(MESSAGE_MAX);
	struct end s, c;
	size_t i, j, k;

	for (i = 0; i < LEN(ways); i++) {
		end_init(&s, false, ways[i], ways[LEN(ways) - 1 - i]);
		end_init(&c, true, ways[LEN(ways) - 1 - i], ways[i]);
		for (j = 0; j < LEN(sizes); j++) {
			/* Noise, and text with repetitions. */
			for (k = 0; k < sizes[j]; k++)
				data[k] = (uint8_t)((x = x * 1664525 + 1) >>
				    (j % 2 == 0 ? 24 : 30));
			pass(&s, &c, data, sizes[j]);
			pass(&c, &s, data, sizes[j]);
			pass(&s, &c, data, sizes[j]);
		}
		end_fini(&s);
		end_fini(&c);
	}
	free(data);
}

/* What was said before makes the next message short; or it does not. */
static void
test_context(void **state)
{
	static const char text[] = "{\"push\":\"presence\",\"user\":\"alice\"}";
	struct end s, c;
	size_t first;

	end_init(&s, false, keeps, keeps);
	end_init(&c, true, keeps, keeps);
	first = pass(&s, &c, text, sizeof(text));
	assert_true(pass(&s, &c, text, sizeof(text)) < first / 2);
	end_fini(&s);
	end_fini(&c);

	end_init(&s, false, forgets, forgets);
	end_init(&c, true, forgets, forgets);
	first = pass(&s, &c, text, sizeof(text));
	assert_int_equal(pass(&s, &c, text, sizeof(text)), first);
	end_fini(&s);
	end_fini(&c);
}

/* One that is thrown away unsent is missed by nobody. */
static void
test_plain(void **state)
{
	static const char text[] = "a message that comes again and again";
	struct end s, c;

	end_init(&s, false, keeps, keeps);
	end_init(&c, true, keeps, keeps);
	pass(&s, &c, text, sizeof(text));
	buf_reset(&s.out);
	ws_send_plain(&s.ws, s.pool, WS_TEXT, "typing", 6, &s.out);
	assert_memory_equal(s.out.data, "\x81\x06typing", 8);
	pass(&s, &c, text, sizeof(text));
	end_fini(&s);
	end_fini(&c);
}

/* A broken stream ends its own connection and nobody else's. */
static void
test_shared_streams(void **state)
{
	struct end c, other;

	end_init(&c, true, forgets, forgets);
	end_init(&other, true, forgets, forgets);
	ws_pool_free(other.pool);
	other.pool = c.pool;
	assert_int_equal(feed_hex(&c, "c1 02 ff ff"), -EPIPE);
	assert_true(feed_hex(&other, "c1 07 f2 48 cd c9 c9 07 00") > 0);
	assert_memory_equal(other.heard.data, "Hello", 5);
	other.pool = NULL;
	end_fini(&c);
	end_fini(&other);
}

static void
closes_with(const char *hex, const char *want)
{
	uint8_t close[4];
	struct end s;

	end_init(&s, false, keeps, keeps);
	assert_int_equal(feed_hex(&s, hex), -EPIPE);
	assert_int_equal(s.messages, 0);
	assert_int_equal(s.out.len, from_hex(want, close, sizeof(close)));
	assert_memory_equal(s.out.data, close, s.out.len);
	end_fini(&s);
}

static void
test_violations(void **state)
{
	/* not DEFLATE: a block of the reserved type */
	closes_with("c1 82 00 00 00 00 ff ff", "88 02 03 ef");
	/* a reference before the beginning */
	closes_with("c1 85 00 00 00 00 f2 00 11 00 00", "88 02 03 ef");
	/* text that is not UTF-8 when unpacked: a lone 0xc0 */
	closes_with("c1 87 00 00 00 00 00 01 00 fe ff c0 00", "88 02 03 ef");
	/* RSV1 on a control frame, on a continuation, and RSV2 */
	closes_with("c9 80 00 00 00 00", "88 02 03 ea");
	closes_with("41 83 00 00 00 00 f2 48 cd c0 84 00 00 00 00 c9 c9 07 00",
	    "88 02 03 ea");
	closes_with("a1 80 00 00 00 00", "88 02 03 ea");
}

/* A megabyte of zeros in a kilobyte is fine, one byte more is too much. */
static void
test_bomb(void **state)
{
	uint8_t *zeros = calloc(1, MESSAGE_MAX + 1);
	struct end s, c;

	end_init(&s, false, keeps, keeps);
	end_init(&c, true, keeps, keeps);
	assert_true(pass(&c, &s, zeros, MESSAGE_MAX) < MESSAGE_MAX / 100);
	buf_reset(&c.out);
	ws_send(&c.ws, c.pool, WS_TEXT, zeros, MESSAGE_MAX + 1, &c.out);
	s.messages = 0;
	assert_int_equal(feed(&s, c.out.data, c.out.len), -EPIPE);
	assert_int_equal(s.messages, 0);
	assert_memory_equal(s.out.data, "\x88\x02\x03\xf1", 4);
	end_fini(&s);
	end_fini(&c);
	free(zeros);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_rfc_examples),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_shared_streams),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
