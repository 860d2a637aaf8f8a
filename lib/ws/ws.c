/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ws/internal.h"

#define PACKED       0x40        /* RSV1 in a frame's first byte */
#define SCRATCH_KEEP (256 << 10) /* longer messages give their room back */

void
ws_scratch_done(struct buf *b)
{
	size_t max = b->max;

	buf_reset(b);
	if (b->cap <= SCRATCH_KEEP)
		return;
	buf_fini(b);
	buf_init(b, max);
}

void
ws_fini(struct ws *ws)
{
	if (ws->reader != NULL)
		ws_reader_free(ws->reader);
	ws->reader = NULL;
	ws_deflate_free(ws->deflate);
	ws->deflate = NULL;
}

ssize_t
ws_input(
    struct ws *ws, const struct ws_sink *sink, const uint8_t *data, size_t len)
{
	size_t left = len;
	int code;

	if (ws->closed_by_peer != 0 || ws->close_sent)
		return -EPIPE;
	if (ws->reader == NULL)
		ws->reader = ws_reader_get(sink->pool);
	if (ws->reader == NULL)
		return -ENOMEM;
	code = ws_reader_run(ws->reader, ws, sink, data, &left);
	if (code != 0) {
		ws_fini(ws);
		if (code < 0)
			return -ENOMEM;
		ws_close(ws, sink->pool, (uint16_t)code, "", sink->out);
		return -EPIPE;
	}
	if (ws_reader_at_rest(ws->reader)) {
		ws_reader_put(sink->pool, ws->reader);
		ws->reader = NULL;
	}
	return (ssize_t)(len - left);
}

static ssize_t
put_frame(const uint8_t *data, size_t len, int flags, void *arg)
{
	struct ws_pool *pool = arg;

	buf_put(pool->out, data, len);
	return (ssize_t)len;
}

static int
mask_frame(uint8_t *out, size_t len, void *arg)
{
	struct ws_pool *pool = arg;

	pool->limits.random(out, len);
	return 0;
}

struct ws_pool *
ws_pool_new(const struct ws_limits *limits)
{
	static const struct wslay_frame_callbacks calls = {
		.send_callback = put_frame,
		.genmask_callback = mask_frame,
	};
	struct ws_pool *pool;

	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return NULL;
	pool->limits = *limits;
	buf_init(&pool->packed, SIZE_MAX);
	buf_init(&pool->unpacked, limits->message_bytes);
	pool->zips = ws_zips_new();
	if (pool->zips == NULL ||
	    wslay_frame_context_init(&pool->sender, &calls, pool) != 0) {
		ws_zips_free(pool->zips);
		free(pool);
		return NULL;
	}
	return pool;
}

void
ws_pool_free(struct ws_pool *pool)
{
	if (pool == NULL)
		return;
	ws_readers_free(pool);
	wslay_frame_context_free(pool->sender);
	ws_zips_free(pool->zips);
	buf_fini(&pool->packed);
	buf_fini(&pool->unpacked);
	free(pool);
}

static void
frame_put(struct ws_pool *pool, uint8_t first, const void *data, size_t len,
    struct buf *out)
{
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.rsv = (first & PACKED) != 0 ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE,
		.opcode = first & 0x0f,
		.payload_length = len,
		.mask = pool->limits.client,
		.data = data,
		.data_length = len,
	};
	ssize_t n;

	pool->out = out;
	/* The callback takes everything; an overflow is the buf's error. */
	do {
		n = wslay_frame_send(pool->sender, &frame);
		if (n > 0) {
			frame.data += n;
			frame.data_length -= (size_t)n;
		}
	} while (n > 0 && frame.data_length > 0);
	pool->out = NULL;
}

size_t
ws_send_room(const struct ws *ws, size_t len)
{
	/* What zlib says of streams with any settings: deflateBound(). */
	return WS_HEAD_MAX + len +
	    (ws->deflate != NULL ? (len + 7) / 8 + (len + 63) / 64 + 11 : 0);
}

void
ws_send_plain(struct ws *ws, struct ws_pool *pool, enum ws_type type,
    const void *data, size_t len, struct buf *out)
{
	if (!ws->close_sent)
		frame_put(pool, (uint8_t)type, data, len, out);
}

void
ws_send(struct ws *ws, struct ws_pool *pool, enum ws_type type,
    const void *data, size_t len, struct buf *out)
{
	struct buf *packed = &pool->packed;

	if (ws->deflate == NULL || wslay_is_ctrl_frame((uint8_t)type)) {
		ws_send_plain(ws, pool, type, data, len, out);
		return;
	}
	if (ws->close_sent)
		return;
	if (ws_deflate_send(ws->deflate, pool->zips, data, len, packed) != 0)
		out->err = -ENOMEM;
	else
		frame_put(pool, (uint8_t)type | PACKED, packed->data,
		    packed->len, out);
	ws_scratch_done(packed);
}

void
ws_close_with(struct ws *ws, struct ws_pool *pool, const void *body, size_t len,
    struct buf *out)
{
	frame_put(pool, WSLAY_CONNECTION_CLOSE, body, len, out);
	ws->close_sent = true;
}

void
ws_close(struct ws *ws, struct ws_pool *pool, uint16_t code, const char *reason,
    struct buf *out)
{
	uint8_t body[WS_CONTROL_MAX] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t len = strlen(reason);

	if (ws->close_sent)
		return;
	if (len > sizeof(body) - 2)
		len = sizeof(body) - 2;
	memcpy(body + 2, reason, len);
	ws_close_with(ws, pool, body, len + 2, out);
}
