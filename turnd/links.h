/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * links: the server's halves of the 5-tuples, each by the number that the core
 * knows it by. A listener on one address is one link, with the listener's
 * index as its number; one on 0.0.0.0 or [::] is a link for each address of
 * this machine that clients come to.
 * Invariant: a number means the same as long as an allocation has it.
 * Owns: the table.  Thread: the worker's.
 */
#ifndef FLOE_TURND_LINKS_H
#define FLOE_TURND_LINKS_H

#include "lib/addr/addr.h"
#include "lib/base/hash.h"

struct turn_server;

/* More than machines have addresses, unless whole prefixes are local. */
#define LINKS_MAX 4096

struct link {
	uint16_t listener;
	/* 0; or the number, from 1, of another worker, that hears the client
	 * (roam.c). */
	uint16_t via;
	/* The source of everything sent to the client; ADDR_NONE: what the
	 * listener is bound to. */
	struct addr local;
};

struct links;

/* Borrows the server, whose allocations tell which links are in use. NULL: no
 * memory, or more listeners than LINKS_MAX. */
struct links *
links_new(const struct turn_server *, struct hash_key, size_t listeners);
void links_free(struct links *);
/* The number; local may be ADDR_NONE. -ENOSPC: clients have allocations at
 * LINKS_MAX addresses. -ENOMEM */
int links_get(struct links *, uint16_t listener, const struct addr *local,
    uint64_t now_ms);
/* The same for what worker (from 0), another one, hears. */
int links_get_via(struct links *, uint16_t worker, uint16_t listener,
    const struct addr *local, uint64_t now_ms);
const struct link *links_at(const struct links *, uint16_t number);

#endif
