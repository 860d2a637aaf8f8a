/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quota: how many relayed addresses of each family each user has: a dual
 * allocation is one of both. Users are known by a keyed hash
 * of their identity, so an entry is small whatever the length of a name; only
 * users with allocations have one, and with it what they may relay a second.
 * Owns: its entries.  Thread: one at a time; the shell shares one among the
 * workers behind a lock.
 */
#ifndef FLOE_TURND_CORE_QUOTA_H
#define FLOE_TURND_CORE_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "turnd/core/config.h"

/* One side of a call may hold 9: three transports to each of three servers, or
 * of three interfaces; both may be one user. */
#define TURN_QUOTA_CALL 18

struct turn_quota;

/* What a user gets of so many relayed addresses when nobody has said: enough
 * for a call, and a tenth, so that no single credential starves the rest. */
uint32_t turn_quota_default(size_t room);

/* At most per_user of one and of a family, per_realm of a realm (0: no limit)
 * and max in all. NULL: no memory. */
struct turn_quota *
turn_quota_new(uint32_t per_user, uint32_t per_realm, size_t max);
void turn_quota_free(struct turn_quota *);
/* Counts one more. 0, -EDQUOT (the user's), -EUSERS (the realm's), -ENOSPC
 * (all), -ENOMEM. */
int turn_quota_take(struct turn_quota *, const struct turn_share *);
void turn_quota_give(struct turn_quota *, const struct turn_share *);
/* The worker's part of what a user who is counted may relay, until he is not.
 * *part NULL: no limit. 0 or -ENOMEM. */
int
turn_quota_part(struct turn_quota *, uint64_t user, const struct bucket_rate *,
    unsigned int worker, unsigned int workers, struct turn_part **part);
uint32_t
turn_quota_of(const struct turn_quota *, uint64_t user, enum turn_family);

#endif
