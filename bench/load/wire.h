/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire: UDP sockets of a load, and receiving many datagrams by one call, those
 * that the kernel merged (UDP_GRO) included.
 * Owns: a receiver its slab; sockets are the caller's.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_WIRE_H
#define FLOE_BENCH_LOAD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/addr/addr.h"

#define WIRE_BATCH 32
/* Of one UDP_SEGMENT send. */
#define WIRE_SEGMENTS      64
#define WIRE_SEGMENT_BYTES 65000

/* What one source sent in a row: datagrams of stride bytes each, but for the
 * last, which may be shorter. */
struct wire_in {
	uint8_t *data; /* valid until the next receive */
	size_t len, stride;
	const struct sockaddr_storage *src;
};

struct wire_rx;

/* Bound to at, non-blocking, with room for what comes while its owner is busy.
 * Ends the program when it cannot be had. */
int wire_open(const struct addr *at);
void wire_roomy(int fd);
void wire_merge(int fd);                 /* may give more than one at a time */
void wire_segment(int fd, size_t bytes); /* sends are cut to it; 0: no more */

struct wire_rx *wire_rx_new(void);
/* How many, at most WIRE_BATCH; 0: there is none. */
int wire_read(struct wire_rx *, int fd);
struct wire_in *wire_at(struct wire_rx *, int i);

uint64_t wire_now_us(void);
/* Prints why, and ends the program. why: NULL for that of errno. */
_Noreturn void wire_die(const char *what, const char *why);

#endif
