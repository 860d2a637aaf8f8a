/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lookup: what somebody else has told about users, kept for a while: those who
 * are there, those who are not, and which are being asked about. Bytes and
 * time in, decisions out; asking is the caller's.
 * Equal questions are asked once. A network may cause so many questions and no
 * more; so many are under way at a time; entries are bounded, the longest
 * unused goes first, and strangers never displace users. When asking fails, a
 * user who is known goes on for a while.
 * Owns: its entries (keys are wiped).  Thread: one at a time.
 */
#ifndef FLOE_TURND_CORE_LOOKUP_H
#define FLOE_TURND_CORE_LOOKUP_H

#include "lib/addr/limit.h"
#include "turnd/core/users.h"

#define LOOKUP_ASKING_MAX 1024

struct lookup;

struct lookup_conf {
	size_t entries;     /* of users, and as many of the others */
	uint32_t asking;    /* questions under way, to LOOKUP_ASKING_MAX */
	uint64_t found_ms;  /* how long an answer is good */
	uint64_t nobody_ms; /* likewise, when there is no such user */
	uint64_t failed_ms; /* until the next try */
	uint64_t stale_ms;  /* how much longer a user is, without an answer */
	struct limit_rate rate; /* of questions for a network */
	struct hash_key hash_key;
};

/* Who asks for whom. */
struct lookup_who {
	const char *realm, *name;
	const struct addr *client;
	unsigned int worker; /* below 64: to be told of the answer */
};

/* A question: ticket 0 is none to ask, for it is under way. */
struct lookup_ask {
	uint64_t ticket;
	uint64_t user; /* a hash of realm and name */
};

enum lookup_result { LOOKUP_FOUND, LOOKUP_NOBODY, LOOKUP_FAILED };

/* One writer at a time, as all of it. */
struct lookup_stats {
	uint64_t hits, asked, limited;
	uint64_t answered[LOOKUP_FAILED + 1];
	uint64_t asking, entries; /* now */
};

struct lookup *lookup_new(const struct lookup_conf *); /* NULL: no memory */
void lookup_free(struct lookup *);
/*
 * 0 and *rec; -ENOENT: there is no such user; -EIO: it could not be asked a
 * moment ago; -EBUSY: too many questions; -EINPROGRESS: ask, if there is a
 * ticket, and look again after the answer.
 */
int lookup_find(struct lookup *, const struct lookup_who *, uint64_t now_ms,
    struct turn_record *rec, struct lookup_ask *ask);
/* Whom a ticket asks for, borrowed until its answer; false: no such ticket. */
bool lookup_asked(const struct lookup *, uint64_t ticket, const char **realm,
    const char **name);
/* The answer to a ticket, rec when it is LOOKUP_FOUND. The workers that wait,
 * a bit each, and whose answer it is. */
uint64_t lookup_answer(struct lookup *, uint64_t ticket, enum lookup_result,
    const struct turn_record *rec, uint64_t now_ms, uint64_t *user);
const struct lookup_stats *lookup_stats(const struct lookup *);

#endif
