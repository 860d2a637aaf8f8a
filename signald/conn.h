/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conn: a connection of the public port: socket, TLS session, what was read
 * and not used, what is to be sent. It begins as HTTP (front.h) and may become
 * a WebSocket (link.h). An idle one holds no buffer.
 * Owns: the descriptor, the TLS session, chunks, a file, ws state, request.
 * Thread: its worker's; it may be handed over, whole (link.c).
 */
#ifndef FLOE_SIGNALD_CONN_H
#define FLOE_SIGNALD_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"
#include "lib/base/wheel.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls.h"
#include "lib/ws/ws.h"

struct desk;
struct worker;
struct front_route;
struct account_job;
struct rest_job;
struct shelf_job;
struct export;

enum conn_state {
	CONN_HTTP,    /* between and within requests */
	CONN_WAITING, /* a request is with another thread */
	CONN_LINK,    /* WebSocket to the core */
	CONN_ECHO,    /* WebSocket to itself */
	CONN_ENDING,  /* sends what is left, then waits for the peer's end */
	CONN_DEAD,
};

struct chunk {
	TAILQ_ENTRY(chunk) next;
	const uint8_t *data; /* own, or what outlives every connection */
	size_t len, sent;
	bool droppable;
	uint8_t own[];
};

/* A file on its way out, read piece by piece as the socket drains. */
struct conn_file {
	int fd; /* -1: none */
	uint64_t at, left;
};

TAILQ_HEAD(chunks, chunk);
TAILQ_HEAD(conn_list, conn);

struct conn {
	struct worker *worker;
	struct desk *desk;     /* of the app that its request is for */
	uint64_t id;           /* never used again in this process */
	TAILQ_ENTRY(conn) all; /* or dead */
	TAILQ_ENTRY(conn) dirty;
	struct loop_io *io;
	struct tls *tls; /* NULL: plain */
	struct wheel_timer timer;
	struct buf in; /* not used yet */
	struct chunks out;
	size_t out_bytes;
	struct conn_file file; /* comes after out */
	struct export *export; /* likewise; owned, NULL: none */
	struct addr peer;
	int fd;
	int what;         /* of io */
	uint8_t state;    /* enum conn_state */
	uint8_t tls_wait; /* TLS_WANTS_*: of the last read that had to wait */
	bool is_dirty;
	bool tried;   /* bytes of the first chunk are in the TLS session */
	bool shut;    /* our end is sent */
	bool counted; /* among those of its host */
	/* HTTP */
	bool keep_alive, head_only, has_head;
	bool more; /* in holds requests that wait for the next turn */
	uint32_t head_len, body_len;
	const struct front_route *route;
	struct account_job *job;
	struct rest_job *rest;
	/* A body that is used as it comes. */
	bool streams;
	uint64_t body_left, began_ms;
	struct shelf_job *upload; /* NULL while the shelf has it */
	/* WebSocket */
	bool linked;  /* among its app's links */
	bool greeted; /* has logged in */
	struct ws ws;
	int32_t move_to; /* worker, -1: stays */
	char *hello;     /* goes along */
	size_t hello_len;
	uint64_t opened_ms; /* as a link */
};

/* An accepted socket; takes fd. NULL: no memory, fd is closed. */
struct conn *conn_new(struct worker *, int fd, struct tls_ctx *);
/* Whom it comes from, without port: of IPv6 the /64, since hosts have all of it
 * to choose addresses from. */
struct addr conn_host(const struct conn *);
/* Out of its worker's hands, into those of w. -ENOMEM: it is dead. */
void conn_leave(struct conn *);
int conn_join(struct conn *, struct worker *w);
void conn_free(struct conn *); /* of a conn that belongs to no worker */

/* A chunk with room for len bytes, NULL without memory. */
struct chunk *chunk_new(size_t len);
/* Takes the chunk. False: over the limit, nothing was queued. */
bool conn_send(struct conn *, struct chunk *);
bool conn_send_static(struct conn *, const void *, size_t len);
/* After what is queued; takes fd. */
void conn_send_file(struct conn *, int fd, uint64_t at, uint64_t len);
/* Likewise what export_piece gives until it is nothing; takes it. */
void conn_send_export(struct conn *, struct export *);
bool conn_sends(const struct conn *); /* something is queued */
/* Throws away what has not begun to be sent. */
void conn_drop_output(struct conn *);
/* Tries to send now; otherwise it happens when the turn ends. */
void conn_flush(struct conn *);
/* No more input is used; ends after what is queued is sent, or after a
 * while. */
void conn_end(struct conn *);
/* At once. The core hears of it; memory goes when the turn ends. */
void conn_kill(struct conn *);
/* Dead after so long; 0 never. */
void conn_deadline(struct conn *, uint64_t after_ms);
/* Watches for what its state needs. */
void conn_watch(struct conn *);
void conn_on_timer(struct wheel_timer *);

#endif
