/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ws: WebSocket connections (RFC 6455) over wslay, as bytes in and bytes out.
 * An endpoint at rest is a few bytes: what wslay needs to read a message comes
 * from a pool when the first byte of a frame arrives and goes back when no
 * message is half read.
 * Owns: a pool owns idle readers and shared streams; a struct ws owns the
 * reader it holds, and its streams.
 * Thread: a pool is one thread's; a struct ws may move to another thread,
 * whole, and goes on with that thread's pool; or with another of its thread.
 */
#ifndef FLOE_LIB_WS_WS_H
#define FLOE_LIB_WS_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/ws/deflate.h"

/* Close codes of RFC 6455 section 7.4.1 that we send ourselves. */
enum {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_STATUS = 1005, /* never on the wire */
	WS_CLOSE_BAD_DATA = 1007,
	WS_CLOSE_POLICY = 1008,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_INTERNAL = 1011,
};

enum ws_type { WS_TEXT = 1, WS_BINARY = 2, WS_PING = 9 };

struct ws_limits {
	/* Longer, compressed or not: closed with 1009. A message that has
	 * begun keeps the limit of the pool it began with. */
	size_t message_bytes;
	uint32_t fragments; /* a message in more: closed with 1008 */
	bool client;        /* masks what it sends (section 5.3) */
	/* Source of masks; only for clients. */
	void (*random)(void *out, size_t len);
};

struct ws_pool;
struct ws_reader;

struct ws {
	struct ws_reader *reader;   /* NULL at rest */
	struct ws_deflate *deflate; /* NULL: not agreed on */
	uint16_t closed_by_peer;    /* its code, 0: not closed */
	bool close_sent;
};

struct ws_pool *ws_pool_new(const struct ws_limits *);
void ws_pool_free(struct ws_pool *); /* NULL is fine */

/* A struct ws starts zeroed, with its deflate if the handshake agreed. */
void ws_fini(struct ws *);

/* A whole message, borrowed. False: stop reading here. */
typedef bool
ws_message_fn(void *arg, enum ws_type, const uint8_t *, size_t len);

struct ws_sink {
	struct ws_pool *pool;
	struct buf *out; /* pongs, and the answer to a close */
	ws_message_fn *message;
	void *arg;
};

/*
 * Reads bytes of the peer. Returns how many were used: fewer than len only
 * after message() returned false, then the rest is for the next call. -EPIPE:
 * the peer closed, or broke the protocol; nothing is read any more, and what
 * out holds is to be sent before the connection ends. -ENOMEM.
 */
ssize_t
ws_input(struct ws *, const struct ws_sink *, const uint8_t *, size_t len);

/* The most bytes that ws_send makes of len. */
size_t ws_send_room(const struct ws *, size_t len);
/* One whole frame. Nothing after a close was sent. out->err -ENOMEM: the
 * connection cannot go on. */
void ws_send(struct ws *, struct ws_pool *, enum ws_type, const void *,
    size_t len, struct buf *out);
/* The same, never compressed: a frame that may be thrown away unsent must not
 * be what a later one refers to. */
void ws_send_plain(struct ws *, struct ws_pool *, enum ws_type, const void *,
    size_t len, struct buf *out);
/* reason: at most 123 bytes of UTF-8. A second close is not sent. */
void ws_close(struct ws *, struct ws_pool *, uint16_t code, const char *reason,
    struct buf *out);

#endif
