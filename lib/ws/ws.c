/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

#include "lib/base/utf8.h"
#include "lib/ws/ws.h"

#define IDLE_ENGINES 16
#define HEAD_MAX     14          /* of a frame: section 5.2 */
#define CONTROL_MAX  125         /* of a control frame's payload: section 5.5 */
#define PACKED       0x40        /* RSV1 in a frame's first byte */
#define SCRATCH_KEEP (256 << 10) /* longer messages give their room back */

/*
 * What reads a message. wslay would take bytes of the next frame into its own
 * buffer; the engine hands out one frame's bytes at a time, so that between
 * frames nothing of the input is inside, which is what lets an engine serve
 * another connection and lets reading stop after a message.
 */
struct ws_engine {
	wslay_event_context_ptr ctx;
	size_t message_bytes;
	struct ws_engine *next; /* idle, in the pool */
	uint8_t head[HEAD_MAX]; /* of the frame being read */
	uint8_t head_len;
	uint64_t payload_left;
	uint8_t control[CONTROL_MAX];
	uint8_t control_len;
	uint32_t fragments; /* of the data message being read, 0: none */
	/* Only during ws_input. */
	const struct ws_sink *sink;
	struct ws *ws;
	const uint8_t *in;
	size_t in_left;
	bool frame_taken; /* wslay has bytes of this round's frame */
	bool broken;      /* a frame that wslay would let pass */
	bool stop;
};

struct ws_pool {
	struct ws_limits limits;
	wslay_frame_context_ptr sender; /* holds nothing between frames */
	struct buf *out;                /* only during a send */
	struct ws_zips *zips;
	struct buf packed, unpacked; /* of the message in hand */
	struct ws_engine *idle;
	size_t nidle;
};

/* Bytes that the head of the frame has, as far as can be told. */
static size_t
head_need(const struct ws_engine *e)
{
	size_t need = 2;

	if (e->head_len < 2)
		return need;
	if ((e->head[1] & 0x7f) == 126)
		need += 2;
	else if ((e->head[1] & 0x7f) == 127)
		need += 8;
	return need + ((e->head[1] & 0x80) != 0 ? 4 : 0);
}

static uint64_t
head_payload(const struct ws_engine *e)
{
	uint64_t len = e->head[1] & 0x7f;
	size_t i, n = len == 126 ? 2 : len == 127 ? 8 : 0;

	if (n != 0)
		len = 0;
	for (i = 0; i < n; i++)
		len = len << 8 | e->head[2 + i];
	return len;
}

static bool
between_frames(const struct ws_engine *e)
{
	return e->head_len == 0 && e->payload_left == 0;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static void
take(struct ws_engine *e, uint8_t *to, size_t n)
{
	memcpy(to, e->in, n);
	e->in += n;
	e->in_left -= n;
}

static size_t
hand_out_head(struct ws_engine *e, uint8_t *to, size_t room)
{
	size_t n = min3(head_need(e) - e->head_len, room, e->in_left);

	take(e, e->head + e->head_len, n);
	memcpy(to, e->head + e->head_len, n);
	e->head_len += (uint8_t)n;
	if (e->head_len >= 2 && e->head_len == head_need(e)) {
		e->payload_left = head_payload(e);
		e->head_len = 0;
	}
	return n;
}

/* wslay looks for UTF-8 in a close's reason only when the payload comes at
 * once, so that of a control frame waits here until it is whole. */
static size_t
hand_out_control(struct ws_engine *e, uint8_t *to, size_t room)
{
	size_t whole = (size_t)e->payload_left;
	size_t n = min3(whole - e->control_len, CONTROL_MAX, e->in_left);

	take(e, e->control + e->control_len, n);
	e->control_len += (uint8_t)n;
	if (e->control_len < whole || room < whole)
		return 0;
	/* Section 5.5.1: a code has two bytes. */
	if ((e->head[0] & 0x0f) == WSLAY_CONNECTION_CLOSE && whole == 1)
		e->broken = true;
	memcpy(to, e->control, whole);
	e->control_len = 0;
	e->payload_left = 0;
	return whole;
}

/* Copies the next bytes of the current frame to wslay. */
static size_t
hand_out(struct ws_engine *e, uint8_t *to, size_t room)
{
	uint8_t opcode = e->head[0] & 0x0f;
	size_t n;

	if (e->payload_left == 0)
		return hand_out_head(e, to, room);
	if (wslay_is_ctrl_frame(opcode) && e->payload_left <= CONTROL_MAX)
		return hand_out_control(e, to, room);
	n = e->payload_left > room ? room : (size_t)e->payload_left;
	n = min3(n, room, e->in_left);
	take(e, to, n);
	e->payload_left -= n;
	return n;
}

static ssize_t
on_recv(
    wslay_event_context_ptr ctx, uint8_t *to, size_t room, int flags, void *arg)
{
	struct ws_engine *e = arg;
	size_t n = 0;

	if (!(e->frame_taken && between_frames(e)))
		n = hand_out(e, to, room);
	e->frame_taken = true;
	if (n == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	return (ssize_t)n;
}

static ssize_t
on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags,
    void *arg)
{
	struct ws_engine *e = arg;

	buf_put(e->sink->out, data, len);
	if (e->sink->out->err != 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	return (ssize_t)len;
}

static int
on_mask(wslay_event_context_ptr ctx, uint8_t *out, size_t len, void *arg)
{
	struct ws_engine *e = arg;

	((struct ws_pool *)e->sink->pool)->limits.random(out, len);
	return 0;
}

static void
refuse(wslay_event_context_ptr ctx, uint16_t code)
{
	wslay_event_shutdown_read(ctx);
	wslay_event_queue_close(ctx, code, NULL, 0);
}

static void
on_frame(wslay_event_context_ptr ctx,
    const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	struct ws_engine *e = arg;

	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	if (++e->fragments > e->sink->pool->limits.fragments)
		refuse(ctx, WS_CLOSE_POLICY);
}

/* The close code against it, or 0: unpacked holds the message. */
static uint16_t
unpack(struct ws_engine *e, const struct wslay_event_on_msg_recv_arg *msg)
{
	struct ws_pool *pool = e->sink->pool;
	struct buf *out = &pool->unpacked;

	switch (ws_deflate_recv(e->ws->deflate, pool->zips, msg->msg,
	    msg->msg_length, pool->limits.message_bytes, out)) {
	case 0:
		/* wslay cannot look into what is packed. */
		return msg->opcode != WS_TEXT || utf8_valid(out->data, out->len)
		    ? 0
		    : WS_CLOSE_BAD_DATA;
	case -EMSGSIZE:
		return WS_CLOSE_TOO_BIG;
	case -EBADMSG:
		return WS_CLOSE_BAD_DATA;
	default:
		return WS_CLOSE_INTERNAL;
	}
}

static void
scratch_done(struct buf *b)
{
	size_t max = b->max;

	buf_reset(b);
	if (b->cap <= SCRATCH_KEEP)
		return;
	buf_fini(b);
	buf_init(b, max);
}

static void
hand_on(struct ws_engine *e, uint8_t opcode, const uint8_t *data, size_t len)
{
	if (!e->sink->message(e->sink->arg, (enum ws_type)opcode, data, len))
		e->stop = true;
}

static void
on_message(wslay_event_context_ptr ctx,
    const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
	struct ws_engine *e = arg;
	struct buf *unpacked = &e->sink->pool->unpacked;
	uint16_t code;

	if (wslay_is_ctrl_frame(msg->opcode))
		return;
	e->fragments = 0;
	if (!wslay_event_get_read_enabled(ctx))
		return;
	if (wslay_get_rsv1(msg->rsv) != 0) {
		code = unpack(e, msg);
		if (code != 0)
			refuse(ctx, code);
		else
			hand_on(e, msg->opcode, unpacked->data, unpacked->len);
		scratch_done(unpacked);
	} else if (msg->msg_length > e->message_bytes) {
		refuse(ctx, WS_CLOSE_TOO_BIG);
	} else {
		hand_on(e, msg->opcode, msg->msg, msg->msg_length);
	}
}

static void
engine_free(struct ws_engine *e)
{
	wslay_event_context_free(e->ctx);
	free(e);
}

static struct ws_engine *
engine_get(struct ws_pool *pool)
{
	static const struct wslay_event_callbacks calls = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_frame_recv_start_callback = on_frame,
		.on_msg_recv_callback = on_message,
	};
	struct ws_engine *e = pool->idle;
	int rc;

	if (e != NULL) {
		pool->idle = e->next;
		pool->nidle--;
		return e;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	rc = pool->limits.client
	    ? wslay_event_context_client_init(&e->ctx, &calls, e)
	    : wslay_event_context_server_init(&e->ctx, &calls, e);
	if (rc != 0) {
		free(e);
		return NULL;
	}
	e->message_bytes = pool->limits.message_bytes;
	return e;
}

static void
engine_put(struct ws_pool *pool, struct ws_engine *e)
{
	/* It may have come with its struct ws from a pool of other limits. */
	if (pool->nidle == IDLE_ENGINES ||
	    e->message_bytes != pool->limits.message_bytes) {
		engine_free(e);
		return;
	}
	e->next = pool->idle;
	pool->idle = e;
	pool->nidle++;
}

void
ws_fini(struct ws *ws)
{
	if (ws->engine != NULL)
		engine_free(ws->engine);
	ws->engine = NULL;
	ws_deflate_free(ws->deflate);
	ws->deflate = NULL;
}

/* Feeds wslay until the input is used, reading stopped, or the link ended. */
static int
engine_run(struct ws_engine *e)
{
	int rc;

	while (wslay_event_get_read_enabled(e->ctx) && e->in_left > 0 &&
	    !(e->stop && between_frames(e))) {
		/* A frame a round, so that its answer goes before what a
		 * later frame may end the link with. */
		e->frame_taken = false;
		rc = wslay_event_recv(e->ctx);
		/* Our callbacks never fail: it is the frame that makes no
		 * sense, for which wslay queues a close without a code. */
		if (rc == WSLAY_ERR_CALLBACK_FAILURE)
			return -EPROTO;
		if (rc != 0)
			return -ENOMEM;
		if (e->broken)
			return -EPROTO;
		if (wslay_event_want_write(e->ctx) &&
		    wslay_event_send(e->ctx) != 0)
			return -ENOMEM;
	}
	return wslay_event_get_read_enabled(e->ctx) ? 0 : -EPIPE;
}

/* What wslay may let pass: noise that is packed grows a little. */
static void
engine_expect(struct ws_engine *e, const struct ws *ws)
{
	bool packed = ws->deflate != NULL;

	wslay_event_config_set_allowed_rsv_bits(
	    e->ctx, packed ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE);
	wslay_event_config_set_max_recv_msg_length(e->ctx,
	    packed ? ws_send_room(ws, e->message_bytes) : e->message_bytes);
}

ssize_t
ws_input(
    struct ws *ws, const struct ws_sink *sink, const uint8_t *data, size_t len)
{
	struct ws_engine *e = ws->engine;
	uint16_t code;
	size_t left;
	int rc;

	if (ws->closed_by_peer != 0 || ws->close_sent)
		return -EPIPE;
	if (e == NULL)
		e = engine_get(sink->pool);
	if (e == NULL)
		return -ENOMEM;
	ws->engine = e;
	engine_expect(e, ws);
	e->ws = ws;
	e->sink = sink;
	e->in = data;
	e->in_left = len;
	e->stop = false;
	rc = engine_run(e);
	if (rc != 0) {
		code = wslay_event_get_status_code_received(e->ctx);
		if (wslay_event_get_close_received(e->ctx))
			ws->closed_by_peer =
			    code != 0 ? code : WS_CLOSE_NO_STATUS;
		ws->close_sent = wslay_event_get_close_sent(e->ctx) != 0;
		ws_fini(ws);
		if (rc == -EPROTO)
			ws_close(
			    ws, sink->pool, WS_CLOSE_PROTOCOL, "", sink->out);
		return rc == -ENOMEM ? -ENOMEM : -EPIPE;
	}
	left = e->in_left;
	if (between_frames(e) && e->fragments == 0) {
		engine_put(sink->pool, e);
		ws->engine = NULL;
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
	struct ws_engine *e;

	if (pool == NULL)
		return;
	while ((e = pool->idle) != NULL) {
		pool->idle = e->next;
		engine_free(e);
	}
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
	return HEAD_MAX + len +
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
	scratch_done(packed);
}

void
ws_close(struct ws *ws, struct ws_pool *pool, uint16_t code, const char *reason,
    struct buf *out)
{
	uint8_t body[125] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t len = strlen(reason);

	if (ws->close_sent)
		return;
	if (len > sizeof(body) - 2)
		len = sizeof(body) - 2;
	memcpy(body + 2, reason, len);
	frame_put(pool, WSLAY_CONNECTION_CLOSE, body, len + 2, out);
	ws->close_sent = true;
}
