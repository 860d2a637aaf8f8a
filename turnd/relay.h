/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relay: sockets at relayed addresses: of datagrams, and the listening ones of
 * TCP allocations with their data connections (RFC 6062).
 * Owns: sockets and connections.  Thread: the worker's.
 */
#ifndef FLOE_TURND_RELAY_H
#define FLOE_TURND_RELAY_H

#include "turnd/turnd.h"

/* A relay socket; the core knows it by its descriptor. */
struct relay {
	struct worker *worker;
	int fd;
	bool tcp; /* it listens */
	struct addr addr;
	struct loop_io *io; /* tcp */
	struct dgram *in;   /* else */
};

/* As struct turn_ops has them; the id is the descriptor. */
int relay_open(void *worker, const struct turn_want *, struct turn_relay *);
void relay_close(void *worker, uint32_t id);
bool relay_live(void *worker, const struct addr *, bool tcp);
/* Is this one of the last descriptors? */
bool relay_spare(int fd);

/* tcp.c: data connections of TCP allocations. 0 or -ENOMEM, and close is due.
 */
int tcp_open(struct worker *);
void tcp_close(struct worker *);                  /* after the server's end */
void tcp_readable(void *relay, int fd, int what); /* a loop_io_fn */
/* As struct turn_ops has them. */
int tcp_conn_open(
    void *worker, uint32_t relay, const struct addr *peer, uint32_t conn);
void tcp_conn_close(void *worker, uint32_t conn);
/* The client's connection for it has come: the parts are taken. */
void tcp_join(struct worker *, uint32_t conn, struct stream_parts *);
/* Gives a client's connection to another worker: the parts are taken. */
void tcp_move(struct worker *, int worker, struct stream_parts *);

#endif
