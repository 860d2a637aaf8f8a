/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * census: how many connections each host has, over all workers, and a cap on
 * that. A host of IPv6 is its /64. A host without a connection costs nothing.
 * Owns: an entry a host that is connected.  Thread: any.
 */
#ifndef FLOE_LIB_NET_CENSUS_H
#define FLOE_LIB_NET_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/base/hash.h"

struct census;

/* max hosts at a time, as many connections of each; NULL: no memory. */
struct census *
census_new(size_t max, uint32_t per_host, const struct hash_key *);
void census_free(struct census *);
/* 0; -EUSERS: it has as many as allowed; -ENOMEM, -ENOSPC. */
int census_enter(struct census *, const struct addr *);
/* One of those that entered is gone. */
void census_leave(struct census *, const struct addr *);

#endif
