/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ws_input: any bytes of a WebSocket client give the same messages, the same
 * answers and the same end whether they arrive at once or one by one, and
 * never a message that is too long, packed or not. They may be offers of
 * permessage-deflate as well.
 */
#include <errno.h>
#include <string.h>

#include "lib/ws/ws.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 1024
#define FRAGMENTS   16

struct end {
	struct ws ws;
	struct buf out, heard;
	ssize_t last;
};

static struct ws_pool *pool;

static bool
hear(void *arg, enum ws_type type, const uint8_t *data, size_t len)
{
	struct end *e = arg;

	MUST(type == WS_TEXT || type == WS_BINARY);
	MUST(len <= MESSAGE_MAX);
	buf_u8(&e->heard, (uint8_t)type);
	buf_u32(&e->heard, (uint32_t)len);
	buf_put(&e->heard, data, len);
	return true;
}

static void
feed(struct end *e, const uint8_t *data, size_t len)
{
	struct ws_sink sink = { pool, &e->out, hear, e };

	e->last = ws_input(&e->ws, &sink, data, len);
	MUST(e->last == (ssize_t)len || e->last == -EPIPE);
	MUST(e->last != -EPIPE || e->ws.reader == NULL);
}

static void
same(const struct buf *a, const struct buf *b)
{
	MUST(a->err == 0 && b->err == 0 && a->len == b->len);
	MUST(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static struct ws_deflate *
packed(const struct ws_deflate_way *way)
{
	const struct ws_deflate_params params = { .send = *way, .recv = *way };

	return way->bits == 0 ? NULL : ws_deflate_new(&params);
}

static void
feed_both(const uint8_t *data, size_t len, const struct ws_deflate_way *way)
{
	struct end whole = { .last = 0 }, pieces = { .last = 0 };
	size_t i;

	whole.ws.deflate = packed(way);
	pieces.ws.deflate = packed(way);
	buf_init(&whole.out, 1 << 24);
	buf_init(&whole.heard, 1 << 24);
	buf_init(&pieces.out, 1 << 24);
	buf_init(&pieces.heard, 1 << 24);
	if (len > 0)
		feed(&whole, data, len);
	for (i = 0; i < len && pieces.last != -EPIPE; i++)
		feed(&pieces, data + i, 1);
	same(&whole.heard, &pieces.heard);
	same(&whole.out, &pieces.out);
	MUST((whole.last == -EPIPE) == (pieces.last == -EPIPE));
	MUST(whole.ws.close_sent == pieces.ws.close_sent);
	MUST(whole.ws.closed_by_peer == pieces.ws.closed_by_peer);
	ws_fini(&whole.ws);
	ws_fini(&pieces.ws);
	buf_fini(&whole.out);
	buf_fini(&whole.heard);
	buf_fini(&pieces.out);
	buf_fini(&pieces.heard);
}

static void
choose(const uint8_t *data, size_t len)
{
	const struct ws_deflate_policy policy = { true, 12 };
	struct ws_deflate_params p;
	char offers[256];

	len = len < sizeof(offers) ? len : sizeof(offers) - 1;
	memcpy(offers, data, len);
	offers[len] = '\0';
	if (ws_deflate_choose(offers, &policy, &p) != 0)
		return;
	MUST(p.send.bits >= ZIP_BITS_MIN && p.send.bits <= policy.bits);
	MUST(p.recv.bits >= 8 && p.recv.bits <= ZIP_BITS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct ws_deflate_way ways[] = { { false, 0 },
		{ true, 15 }, { false, 9 } };
	struct ws_limits limits = { MESSAGE_MAX, FRAGMENTS, false, NULL };
	size_t i;

	if (pool == NULL)
		pool = ws_pool_new(&limits);
	MUST(pool != NULL);
	choose(data, len);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		feed_both(data, len, &ways[i]);
	return 0;
}
