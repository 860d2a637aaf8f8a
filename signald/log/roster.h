/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roster: the rows that a change of a group writes: its record, the seats and
 * places of those who come and go, and who asks to be let in.
 * Owns: a work its subjects.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_ROSTER_H
#define FLOE_SIGNALD_LOG_ROSTER_H

#include "signald/log/entry.h"

/* One operation on a group, judged step by step. */
struct group_work {
	struct run *run;
	struct apply_request *request;
	uint64_t uid; /* who asks */
	uint64_t cid; /* 0: to be founded */
	bool is_member;
	bool quiet;              /* without a notice: */
	bool asks;               /* wants to be let in */
	struct schema_conv conv; /* as it will be; strings are the store's */
	struct schema_seat seat; /* of the user */
	struct crowd subjects;
	struct place place; /* of the notice */
};

/* All of the subjects have asked to be let in; -ENOENT. */
int roster_asking(struct group_work *);
/* One more may ask; -E2BIG: too many wait. */
int roster_may_ask(struct group_work *);
/* Keeps the subjects' wish, or forgets it. */
int roster_write_asks(struct group_work *);
/* The result names those who decide, in no inbox. */
int roster_tell_admins(struct group_work *);

/* The group's record and all that comes of the subjects; turns: from now on
 * it is read by cursor. */
int roster_write(struct group_work *, bool turns);

#endif
