/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowd: in whose inboxes an entry is written.
 * Owns: its list.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_CROWD_H
#define FLOE_SIGNALD_LOG_CROWD_H

#include "signald/log/run.h"

struct crowd_one {
	uint64_t uid;
	bool joined, left; /* as in struct sig_receiver */
};

struct crowd {
	struct crowd_one *all;
	size_t n, room;
};

/* Valid until the next one; NULL without memory. */
struct crowd_one *crowd_add(struct crowd *, uint64_t uid);
struct crowd_one *crowd_find(const struct crowd *, uint64_t uid);
/* All members of a conversation. 0, -ENOMEM or -EIO. */
int crowd_members(struct crowd *, struct run *, uint64_t cid);
void crowd_fini(struct crowd *);

#endif
