/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memberbook: who was in which group when, by its notices alone, and what has
 * to be true of that: a member was told what was said from its coming to its
 * going and nothing else, finds that in the history, and counts, mentions and
 * rosters are those of an independent count.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_MEMBERBOOK_H
#define FLOE_TESTS_SIM_MEMBERBOOK_H

#include "tests/sim/ledger.h"

#define MEMBERBOOK_HOLES 256

struct memberbook {
	struct {
		uint64_t large;  /* read by cursor behind this seq; 0: never */
		uint32_t in;     /* bits of users, in the end */
		uint32_t admins; /* likewise */
		bool all;        /* newcomers see all there is */
		uint64_t since[LEDGER_USERS]; /* seq of the last coming */
	} convs[LEDGER_CONVS];
	/* Of a large group a link was told from, then to; from 0: to was the
	 * first. */
	struct {
		int user, conv;
		uint64_t from, to;
	} holes[MEMBERBOOK_HOLES];
	uint32_t nholes;
};

void
memberbook_hole(struct sim *, int user, int conv, uint64_t from, uint64_t to);

/* At the end, when all notices are known; the checks follow it. */
void memberbook_settle(struct sim *);
/* Whether a device of the user has to have the entry. */
bool memberbook_due(const struct sim *, int user, int conv, uint64_t seq);
/* ... and of all that comes of it, for the user has not gone since. */
bool memberbook_stays(const struct sim *, int user, int conv, uint64_t seq);
/* A row of conversation.list; the answers of group.members and group.get. */
void memberbook_check_row(struct sim *, int user, struct json_in *row);
void memberbook_check_rows(struct sim *, int user, uint32_t groups);
void memberbook_check_roster(struct sim *, int conv, struct json_in *ok);
void
memberbook_check_group(struct sim *, int user, int conv, struct json_in *ok);
void memberbook_check(struct sim *);

#endif
