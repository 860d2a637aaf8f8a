/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client: a WebSocket client of a load generator, one of many on one loop.
 * What goes wrong ends the program: a load with a link less is another load.
 * Owns: its socket, its queue.  Thread: the program's only one.
 */
#ifndef FLOE_BENCH_LOAD_CLIENT_H
#define FLOE_BENCH_LOAD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/buf.h"
#include "lib/loop/loop.h"
#include "lib/ws/ws.h"

#define CLIENT_TOKEN_MAX 512

struct client;

/* A whole message, borrowed. */
typedef void client_hear_fn(struct client *, const char *text, size_t len);

struct client {
	int fd;
	struct loop_io *io;
	struct ws ws;
	struct buf out;
	bool upgraded, queued;
	TAILQ_ENTRY(client) next; /* of those with something to send */
};

/* What all clients of a program share. */
struct client_side {
	const char *name; /* the program's, for what it says at its end */
	const char *path, *protocol; /* of the WebSocket; NULL: no protocol */
	const char *port;            /* of 127.0.0.1 */
	client_hear_fn *hear;
};

/* Once, first; with as many descriptors as the system allows. The loop. */
struct loop *client_init(const struct client_side *);
void client_open(struct client *); /* blocks until it is connected */
/* Sent when the loop's turn ends. */
void client_say(struct client *, const char *text, size_t len);
void client_flush(void);

/* Prints why, and ends the program. */
_Noreturn void client_die(const char *what, const char *why);
uint64_t client_now_us(void);
/* A token of user, an hour long, as an identity service with this secret for
 * HS256 makes it, under the kid "load". */
void
client_token(const char *secret, const char *user, char out[CLIENT_TOKEN_MAX]);
/* The whole file, without the newline at its end. */
void client_secret(const char *path, char *out, size_t size);

#endif
