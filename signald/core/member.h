/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * member: what a member of a group may be and do.
 * Owns: what is marked so.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_MEMBER_H
#define FLOE_SIGNALD_CORE_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "signald/core/sizes.h"

enum sig_role { SIG_ROLE_MEMBER, SIG_ROLE_ADMIN, SIG_ROLE_OWNER };

/* Who lets people into a group, and how much newcomers see. */
enum sig_join { SIG_JOIN_INVITE, SIG_JOIN_REQUEST, SIG_JOIN_OPEN };
enum sig_history { SIG_HISTORY_JOINED, SIG_HISTORY_ALL };

enum sig_group_op {
	SIG_GROUP_CREATE,
	SIG_GROUP_INVITE,
	SIG_GROUP_JOIN,
	SIG_GROUP_APPROVE,
	SIG_GROUP_REJECT,
	SIG_GROUP_LEAVE,
	SIG_GROUP_KICK,
	SIG_GROUP_ROLE,
	SIG_GROUP_TRANSFER,
	SIG_GROUP_MUTE, /* a member may not speak until then */
	SIG_GROUP_SET,
	SIG_GROUP_DISSOLVE,
};

/* What is to become of a group; see group.h. */
struct sig_group {
	enum sig_group_op op;
	char (*users)[SIG_NAME_MAX + 1]; /* whom it is about; owned */
	size_t nusers;
	char *title, *avatar, *announcement; /* NULL: stays; owned */
	char *memo;                          /* JOIN: why; may be NULL; owned */
	int join, history;                   /* -1: stays */
	enum sig_role role;
	uint64_t until;       /* MUTE: wall ms, 0: speaks again */
	uint32_t members_max; /* of a group */
	uint32_t fanout; /* beyond so many it is read by cursor, for good */
};

void sig_group_free(struct sig_group *); /* NULL is fine */

#endif
