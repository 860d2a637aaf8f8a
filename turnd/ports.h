/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ports: which ports of the relay addresses are in use, over all workers, for
 * UDP and for TCP apart.
 * Ports come in the order of a keyed permutation, so that nobody can foretell
 * the next one and nothing is shuffled at start-up; a port that the kernel
 * refuses is passed over. One that was given back rests before it is given out
 * again. Ports kept by RESERVATION-TOKEN are here too, since
 * the client that asks for one may be another worker's.
 * Owns: bitmaps, reserved sockets.  Thread: any.
 */
#ifndef FLOE_TURND_PORTS_H
#define FLOE_TURND_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/base/hash.h"
#include "turnd/core/server.h"

struct ports;

/* NULL: no memory. */
struct ports *ports_new(const struct addr *addrs, size_t n, uint16_t low,
    uint16_t high, const struct hash_key *);
void ports_free(struct ports *);
/*
 * A bound socket on a relay address (for TCP a listening one), told in
 * relay->addr (and a token): on near, where the client is, if that is one and
 * has room, else on each in turn. The descriptor, or -EAFNOSUPPORT, -ENOENT,
 * -EADDRINUSE as turn_ops has them.
 */
int ports_open(struct ports *, const struct turn_want *,
    const struct addr *near, uint64_t now_ms, struct turn_relay *);
/* Closes the socket and frees its port. */
void ports_close(struct ports *, int fd, const struct addr *, bool tcp);
/* Of an allocation that lives now; a port kept by a token is not. */
bool ports_live(const struct ports *, const struct addr *, bool tcp);
/* Gives up reservations that nobody came for; 0, or when to call again. */
uint64_t ports_expire(struct ports *, uint64_t now_ms);

#endif
