/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * door: a worker's sockets of the listeners, and the server's halves of
 * 5-tuples that clients have through them.
 * Owns: the reading of each socket, which is the listener's.  Thread: the
 * worker's.
 */
#ifndef FLOE_TURND_DOOR_H
#define FLOE_TURND_DOOR_H

#include "turnd/turnd.h"

/* What clients of a listener are to us. */
enum door_kind { DOOR_UDP, DOOR_DTLS, DOOR_STREAM };

/* A worker's socket of a listener. */
struct door {
	struct worker *worker;
	enum door_kind kind;
	int fd;
	uint16_t listener;
	uint16_t secure; /* the listener of DTLS that comes here, or NONE */
	struct dgram *in;
};

/* -ENOMEM: what was opened stays to be closed. */
int doors_open(struct worker *);
void doors_close(struct worker *);
/* The server's half of a 5-tuple. */
struct addr link_addr(const struct worker *, uint16_t link);
const char *link_scheme(const struct worker *, uint16_t link);

#endif
