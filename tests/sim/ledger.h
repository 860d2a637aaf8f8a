/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ledger: what was written, answered, pushed, shown and read, as the devices
 * saw it, and what has to be true of it: no answered text is lost, none stands
 * twice, everybody is told the same in the same order, and unread counts are
 * those of an independent count. Who may have been told what is memberbook's.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_LEDGER_H
#define FLOE_TESTS_SIM_LEDGER_H

#include "tests/sim/told.h"

#define LEDGER_USERS   4
#define LEDGER_GROUPS  3
#define LEDGER_CONVS   12
#define LEDGER_SEQS    256 /* of a conversation */
#define LEDGER_TEXTS   256 /* of a user */
#define LEDGER_TARGETS (LEDGER_USERS + LEDGER_CONVS)

struct ledger_entry {
	bool known;
	struct told told; /* as it came first */
	uint8_t pushed;   /* bits of users */
	uint8_t read;     /* likewise: who found it in the history */
	uint8_t members;  /* likewise: who is to have it; memberbook.h */
	bool stated;      /* in the end, and so */
	struct told_state state;
};

struct ledger_conv {
	char name[SIG_CONV_MAX + 1];
	bool group;
	int members[2]; /* unless it is a group */
	int owner;      /* of a group; -1: not known yet */
	uint64_t top;   /* highest seq known */
	struct ledger_entry entries[LEDGER_SEQS];
	uint64_t read[LEDGER_USERS]; /* the highest that a device told */
	/* Who is in the group by the last notices known; seq of those. */
	uint32_t in;
	uint64_t moved[LEDGER_USERS];
};

/* What a device has written, or does: a text, a change, about a group. */
struct ledger_text {
	enum told_kind kind;
	int device;
	int to; /* a user, or LEDGER_USERS and more: a conversation */
	uint32_t mentions; /* TEXT */
	uint64_t target;   /* of a change */
	int emoji;         /* REACTION, likewise */
	bool on;
	bool gone;    /* nobody asks on: whether it was stored is not known */
	bool refused; /* likewise, and it may still come late */
	bool acked;
	int conv;
	uint64_t seq, id;
};

struct ledger {
	struct ledger_conv convs[LEDGER_CONVS];
	int nconvs;
	struct ledger_text texts[LEDGER_USERS][LEDGER_TEXTS];
	uint32_t ntexts[LEDGER_USERS]; /* the last number */
	struct {
		int conv; /* -1: not known */
		uint64_t seq;
	} inbox[LEDGER_USERS][LEDGER_SEQS]; /* by sync */
	uint64_t head[LEDGER_USERS];
};

void ledger_init(struct ledger *);
/* -1 after complaining: neither a group nor of two of our users. */
int ledger_conv(struct sim *, const char *name);
/* The n-th group that is known. */
int ledger_group(const struct ledger *, uint32_t n);
uint32_t ledger_ngroups(const struct ledger *);

/* The number of a new one, or 0: there is no room. */
uint32_t ledger_wrote(struct sim *, const struct ledger_text *);
void ledger_acked(struct sim *, int user, uint32_t mid, struct json_in *ok);
/* On the wire to a user, for the first time or again. */
void ledger_told(struct sim *, int user, const struct told *, bool push);
/* A device tells how far its user has read. */
void ledger_marked(struct sim *, int user, int conv, uint64_t seq);

/* At the end. */
void ledger_check(struct sim *);

#endif
