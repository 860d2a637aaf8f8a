/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader: messages out of frames. wslay takes the frames apart; what a message
 * is (RFC 6455 sections 5.4 to 5.6, 7.4 and 8.1) is judged here, as its own
 * layer for that looks at a text byte by byte and copies it twice.
 * Invariant: wslay is given one frame's bytes at a time, so that between frames
 * nothing of the input is inside. That lets a reader serve another connection,
 * and lets reading stop after a message.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/ws/internal.h"

#define IDLE_READERS 16
#define IDLE_BYTES   (16 << 10) /* that one of them keeps */

struct ws_reader {
	struct ws_reader *next; /* idle, in the pool */
	wslay_frame_context_ptr frames;
	size_t message_bytes;
	/* Of the frame being read, what wslay was given: */
	uint8_t head[WS_HEAD_MAX];
	uint8_t head_len;
	uint64_t payload_left;
	/* and what it gave back. */
	bool begun;
	uint64_t seen;
	uint8_t control[WS_CONTROL_MAX];
	uint8_t control_len;
	/* The data message being read. */
	uint8_t opcode; /* WS_TEXT or WS_BINARY; 0: none */
	bool packed;
	uint32_t fragments;
	struct utf8 text;
	struct buf message; /* what came before the frame in hand */
	/* Only during a run. */
	struct ws *ws;
	const struct ws_sink *sink;
	const uint8_t *in;
	size_t in_left;
	bool frame_taken; /* wslay has bytes of this round's frame */
	bool stop;
};

/* Bytes that the head of the frame has, as far as can be told. */
static size_t
head_need(const struct ws_reader *r)
{
	size_t need = 2;

	if (r->head_len < 2)
		return need;
	if ((r->head[1] & 0x7f) == 126)
		need += 2;
	else if ((r->head[1] & 0x7f) == 127)
		need += 8;
	return need + ((r->head[1] & 0x80) != 0 ? 4 : 0);
}

static uint64_t
head_payload(const struct ws_reader *r)
{
	uint64_t len = r->head[1] & 0x7f;
	size_t i, n = len == 126 ? 2 : len == 127 ? 8 : 0;

	if (n != 0)
		len = 0;
	for (i = 0; i < n; i++)
		len = len << 8 | r->head[2 + i];
	return len;
}

static bool
between_frames(const struct ws_reader *r)
{
	return r->head_len == 0 && r->payload_left == 0;
}

bool
ws_reader_at_rest(const struct ws_reader *r)
{
	return between_frames(r) && r->fragments == 0;
}

static void
take(struct ws_reader *r, uint8_t *to, size_t n)
{
	memcpy(to, r->in, n);
	r->in += n;
	r->in_left -= n;
}

static size_t
hand_out_head(struct ws_reader *r, uint8_t *to)
{
	size_t before = r->head_len, n, need;

	while ((need = head_need(r)) > r->head_len && r->in_left > 0) {
		n = need - r->head_len;
		if (n > r->in_left)
			n = r->in_left;
		take(r, r->head + r->head_len, n);
		r->head_len += (uint8_t)n;
	}
	n = r->head_len - before;
	memcpy(to, r->head + before, n);
	if (r->head_len == need) {
		r->payload_left = head_payload(r);
		r->head_len = 0;
	}
	return n;
}

static size_t
hand_out_payload(struct ws_reader *r, uint8_t *to, size_t room)
{
	size_t n = r->in_left < room ? r->in_left : room;

	if (n > r->payload_left)
		n = (size_t)r->payload_left;
	take(r, to, n);
	r->payload_left -= n;
	return n;
}

static ssize_t
on_recv(uint8_t *to, size_t room, int flags, void *arg)
{
	struct ws_reader *r = arg;
	size_t n = 0;

	if (r->frame_taken && between_frames(r))
		return -1;
	r->frame_taken = true;
	assert(room >= WS_HEAD_MAX); /* what a frame leaves there is no more */
	if (r->payload_left == 0)
		n = hand_out_head(r, to);
	if (r->payload_left > 0)
		n += hand_out_payload(r, to + n, room - n);
	return n > 0 ? (ssize_t)n : -1;
}

struct ws_reader *
ws_reader_get(struct ws_pool *pool)
{
	static const struct wslay_frame_callbacks calls = {
		.recv_callback = on_recv,
	};
	struct ws_reader *r = pool->idle;

	if (r != NULL) {
		pool->idle = r->next;
		pool->nidle--;
		r->message_bytes = pool->limits.message_bytes;
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	if (wslay_frame_context_init(&r->frames, &calls, r) != 0) {
		free(r);
		return NULL;
	}
	buf_init(&r->message, SIZE_MAX);
	r->message_bytes = pool->limits.message_bytes;
	return r;
}

void
ws_reader_free(struct ws_reader *r)
{
	wslay_frame_context_free(r->frames);
	buf_fini(&r->message);
	free(r);
}

void
ws_reader_put(struct ws_pool *pool, struct ws_reader *r)
{
	if (pool->nidle == IDLE_READERS) {
		ws_reader_free(r);
		return;
	}
	if (r->message.cap > IDLE_BYTES) {
		buf_fini(&r->message);
		buf_init(&r->message, SIZE_MAX);
	}
	r->next = pool->idle;
	pool->idle = r;
	pool->nidle++;
}

void
ws_readers_free(struct ws_pool *pool)
{
	struct ws_reader *r;

	while ((r = pool->idle) != NULL) {
		pool->idle = r->next;
		ws_reader_free(r);
	}
}

/*
 * What follows says 0, or the code that the link is closed with, or -ENOMEM.
 */

/* Packed, it may be noise, which grows a little. */
static size_t
longest(const struct ws_reader *r)
{
	return r->packed ? ws_send_room(r->ws, r->message_bytes)
			 : r->message_bytes;
}

static int
data_begins(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	bool first = f->opcode != WSLAY_CONTINUATION_FRAME;

	if (f->opcode > WSLAY_BINARY_FRAME || first != (r->fragments == 0))
		return WS_CLOSE_PROTOCOL;
	if (++r->fragments > r->sink->pool->limits.fragments)
		return WS_CLOSE_POLICY;
	if (first) {
		r->opcode = f->opcode;
		r->packed = f->rsv != WSLAY_RSV_NONE;
		r->text = (struct utf8){ 0 };
	}
	return f->payload_length > longest(r) - r->message.len
	    ? WS_CLOSE_TOO_BIG
	    : 0;
}

static int
frame_begins(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	bool control = wslay_is_ctrl_frame(f->opcode);
	uint8_t rsv = WSLAY_RSV_NONE;

	r->begun = true;
	r->seen = 0;
	/* RFC 7692 section 6: the first frame tells of the whole message. */
	if (!control && f->opcode != WSLAY_CONTINUATION_FRAME &&
	    r->ws->deflate != NULL)
		rsv = WSLAY_RSV1_BIT;
	/* Section 5.1: clients mask, servers do not. */
	if ((f->rsv & ~rsv) != 0 ||
	    (f->mask != 0) == r->sink->pool->limits.client)
		return WS_CLOSE_PROTOCOL;
	if (control)
		return f->opcode > WSLAY_PONG ? WS_CLOSE_PROTOCOL : 0;
	return data_begins(r, f);
}

/* Of a message that is this piece of this frame, nothing is copied. */
static bool
in_one_piece(const struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	return f->fin && r->fragments == 1 &&
	    f->data_length == f->payload_length;
}

static int
frame_brings(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	r->seen += f->data_length;
	if (wslay_is_ctrl_frame(f->opcode)) {
		memcpy(r->control + r->control_len, f->data, f->data_length);
		r->control_len += (uint8_t)f->data_length;
		return 0;
	}
	if (r->opcode == WS_TEXT && !r->packed &&
	    !utf8_more(&r->text, f->data, f->data_length))
		return WS_CLOSE_BAD_DATA;
	if (!in_one_piece(r, f))
		buf_put(&r->message, f->data, f->data_length);
	return r->message.err != 0 ? -ENOMEM : 0;
}

static bool
close_code_valid(uint16_t code)
{
	if (code >= 3000)
		return code <= 4999;
	return code >= 1000 && code <= 1011 && code != 1004 &&
	    code != WS_CLOSE_NO_STATUS && code != 1006;
}

/* Section 5.5.1; the answer is the same. */
static int
close_arrives(struct ws_reader *r, const uint8_t *body, size_t len)
{
	uint16_t code = WS_CLOSE_NO_STATUS;

	if (len == 1)
		return WS_CLOSE_PROTOCOL;
	if (len >= 2) {
		code = (uint16_t)(body[0] << 8 | body[1]);
		if (!close_code_valid(code))
			return WS_CLOSE_PROTOCOL;
		if (!utf8_valid(body + 2, len - 2))
			return WS_CLOSE_BAD_DATA;
	}
	r->ws->closed_by_peer = code;
	ws_close_with(r->ws, r->sink->pool, body, len, r->sink->out);
	return code;
}

static int
control_ends(struct ws_reader *r, uint8_t opcode)
{
	const struct ws_sink *sink = r->sink;
	size_t len = r->control_len;

	r->control_len = 0;
	if (opcode == WSLAY_CONNECTION_CLOSE)
		return close_arrives(r, r->control, len);
	if (opcode == WSLAY_PING)
		ws_send_plain(r->ws, sink->pool, (enum ws_type)WSLAY_PONG,
		    r->control, len, sink->out);
	return sink->out->err != 0 ? -ENOMEM : 0;
}

/* The pool's unpacked holds the message then. */
static int
unpack(struct ws_reader *r, const uint8_t *data, size_t len)
{
	struct ws_pool *pool = r->sink->pool;
	struct buf *out = &pool->unpacked;

	switch (ws_deflate_recv(r->ws->deflate, pool->zips, data, len,
	    pool->limits.message_bytes, out)) {
	case 0:
		return r->opcode != WS_TEXT || utf8_valid(out->data, out->len)
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
hand_on(struct ws_reader *r, const uint8_t *data, size_t len)
{
	r->fragments = 0;
	if (!r->sink->message(r->sink->arg, (enum ws_type)r->opcode, data, len))
		r->stop = true;
}

static int
message_ends(struct ws_reader *r, const uint8_t *data, size_t len)
{
	struct buf *unpacked = &r->sink->pool->unpacked;
	int code = 0;

	if (!r->packed) {
		if (r->opcode == WS_TEXT && !utf8_whole(&r->text))
			return WS_CLOSE_BAD_DATA;
		hand_on(r, data, len);
		return 0;
	}
	code = unpack(r, data, len);
	if (code == 0)
		hand_on(r, unpacked->data, unpacked->len);
	ws_scratch_done(unpacked);
	return code;
}

static int
frame_ends(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	int code;

	r->begun = false;
	if (wslay_is_ctrl_frame(f->opcode))
		return control_ends(r, f->opcode);
	if (!f->fin)
		return 0;
	code = in_one_piece(r, f)
	    ? message_ends(r, f->data, f->data_length)
	    : message_ends(r, r->message.data, r->message.len);
	ws_scratch_done(&r->message);
	return code;
}

/* What has come of one frame. */
static int
frame_run(struct ws_reader *r)
{
	struct wslay_frame_iocb f;
	ssize_t n;
	int code = 0;

	r->frame_taken = false;
	do {
		n = wslay_frame_recv(r->frames, &f);
		if (n == WSLAY_ERR_WANT_READ)
			return 0;
		if (n < 0)
			return WS_CLOSE_PROTOCOL;
		if (!r->begun)
			code = frame_begins(r, &f);
		if (code == 0)
			code = frame_brings(r, &f);
		if (code == 0 && r->seen == f.payload_length)
			return frame_ends(r, &f);
	} while (code == 0);
	return code;
}

int
ws_reader_run(struct ws_reader *r, struct ws *ws, const struct ws_sink *sink,
    const uint8_t *data, size_t *len)
{
	int code = 0;

	r->ws = ws;
	r->sink = sink;
	r->in = data;
	r->in_left = *len;
	r->stop = false;
	while (code == 0 && r->in_left > 0 && !(r->stop && between_frames(r)))
		code = frame_run(r);
	*len = r->in_left;
	return code;
}
