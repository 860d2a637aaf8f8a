/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ledger: what was written, answered, pushed, shown and read, as the devices
 * saw it, and what has to be true of it: no answered text is lost, none stands
 * twice, everybody is told the same in the same order, and unread counts are
 * those of an independent count.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_LEDGER_H
#define FLOE_TESTS_SIM_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "signald/core/log.h"

#define LEDGER_USERS 4
#define LEDGER_CONVS 16
#define LEDGER_SEQS  256 /* of a conversation */
#define LEDGER_TEXTS 256 /* of a user */

struct sim;
struct json_in;

/* A message as a push or the history tells it. */
struct told {
	int conv;                   /* place in the ledger */
	int from;                   /* user */
	uint64_t seq, id, ts, sync; /* sync 0: of the history */
	uint32_t mid; /* number of the text; 0: not written by a device */
	char type[16];
	char call[SIG_CALL_MAX + 1]; /* of a record */
	char outcome[16];
	int64_t duration_ms; /* -1: none */
};

struct ledger_entry {
	bool known, counts;
	int from;
	uint64_t id, ts;
	uint32_t mid;
	char type[16];
};

struct ledger_conv {
	char name[SIG_CONV_MAX + 1];
	int members[2];
	uint64_t top; /* highest seq known */
	struct ledger_entry entries[LEDGER_SEQS];
	uint64_t read[LEDGER_USERS]; /* the highest that a device told */
};

struct ledger_text {
	int device; /* that wrote it; -1: there is no such text */
	int to;
	bool gone; /* with its device: whether it was stored is not known */
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
/* -1 after complaining: not of two of our users. */
int ledger_conv(struct sim *, const char *name);
/* False after complaining: not a message. */
bool ledger_read_message(struct sim *, struct json_in *, struct told *);

/* The number of a new text. */
uint32_t ledger_wrote(struct sim *, int device, int to);
void ledger_acked(struct sim *, int user, uint32_t mid, struct json_in *ok);
/* On the wire to a user, for the first time or again. */
void ledger_told(struct sim *, int user, const struct told *);
/* A device tells how far its user has read. */
void ledger_marked(struct sim *, int user, int conv, uint64_t seq);

/* At the end. */
void ledger_check(struct sim *);
/* A row of conversation.list. */
void ledger_check_row(struct sim *, int user, struct json_in *row);

#endif
