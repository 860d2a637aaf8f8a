/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * told: an entry of a conversation, as a push or the history tells it, read
 * and judged by itself: a text says its own number and author. And what a text
 * has become by the changes of it, which web/sdk/store.js makes of them.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_TOLD_H
#define FLOE_TESTS_SIM_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "signald/core/log.h"
#include "signald/core/mail.h"

#define TOLD_EMOJIS 2
#define TOLD_ALL    (1u << 8) /* among the users who are mentioned: "*" */

struct json;
struct json_in;
struct sim;

enum told_kind {
	TOLD_TEXT,
	TOLD_CALL,
	TOLD_NOTICE,
	TOLD_EDIT,
	TOLD_RETRACT,
	TOLD_REACTION,
};

enum told_event { TOLD_CREATE, TOLD_JOIN, TOLD_LEAVE, TOLD_KICK, TOLD_ROLE };

extern const char *const told_emojis[TOLD_EMOJIS];

/* What a text has become. */
struct told_state {
	uint16_t words; /* number of the text that it shows; 0: gone */
	uint16_t edit;  /* seq of the last edit in it */
	bool retracted;
	uint8_t reactions[TOLD_EMOJIS]; /* bits of users */
};

struct told {
	int conv;                   /* place in the ledger */
	int from;                   /* user */
	uint64_t seq, id, ts, sync; /* sync 0: not of the inbox */
	uint32_t mid; /* number of what it is; 0: not made by a device */
	enum told_kind kind;
	uint32_t mentions;       /* bits of users */
	struct told_state state; /* TEXT */
	uint64_t target;         /* of a change */
	int emoji;               /* REACTION, likewise */
	bool on;
	enum told_event event;       /* NOTICE, likewise */
	uint32_t users;              /* bits */
	bool admin;                  /* ROLE */
	bool all;                    /* CREATE: newcomers see all there is */
	char call[SIG_CALL_MAX + 1]; /* CALL */
	char outcome[16];
	int64_t duration_ms; /* -1: none */
};

/* False after complaining: not an entry. */
bool told_read(struct sim *, struct json_in *, struct told *);
/* The change in a text; the same change twice is the same text. */
void told_change(struct told_state *, const struct told *change);
bool told_same_state(const struct told_state *, const struct told_state *);

#endif
