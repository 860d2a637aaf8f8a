/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * external: relay addresses that the world sees as others, because a 1:1 NAT
 * stands before this host (most clouds). Clients are told the public one, the
 * sockets are bound to the private one, and two clients of this server meet
 * by the public one without leaving the host.
 * Owns: the table.  Thread: built on main, then read by any.
 */
#ifndef FLOE_TURND_EXTERNAL_H
#define FLOE_TURND_EXTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr/addr.h"

struct external {
	struct addr bound, told; /* port 0 */
};

struct externals {
	struct external *items;
	size_t n;
};

/* One more; told replaces what bound had before. 0 or -ENOMEM. */
int externals_add(
    struct externals *, const struct addr *bound, const struct addr *told);
void externals_fini(struct externals *);
/* Replace the IP address, in the direction of the name; an address that is
 * none of ours stays. */
void externals_tell(const struct externals *, struct addr *bound);
void externals_reach(const struct externals *, struct addr *told);
/* A private address that is told as another one is nobody's relayed address. */
bool externals_hides(const struct externals *, const struct addr *bound);

/*
 * Asks a STUN server ("HOST:PORT", RFC 8489 Binding) how it sees bound. Takes
 * up to PROBE_MS, so only at the start.
 * 0; -EINVAL: not HOST:PORT; -ENOENT: no address of this family for HOST;
 * -ETIMEDOUT: no answer; or another -errno.
 */
int
external_probe(const char *server, const struct addr *bound, struct addr *told);

#endif
