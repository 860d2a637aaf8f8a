/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relation: what two users are to each other. Each of them keeps a row about
 * the other; here is what a deed of one makes of both, and how a row is told.
 * For those who keep a log (log.h).
 * Invariant: both are friends or none is; who waits for an answer is one who
 * was asked. A refused deed changes nothing. Of one who has blocked the other
 * this holds for what the other takes the row for; the row stays as it is, and
 * where the two do not fit when the block ends, no request or friendship stays.
 * Owns: nothing; strings are borrowed.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_RELATION_H
#define FLOE_SIGNALD_CORE_RELATION_H

#include "lib/json/json.h"
#include "signald/core/bond.h"

/* Rows of one user. Others may fill the incoming ones, but those only. */
#define SIG_CONTACTS_MAX 5000 /* all that are not incoming */
#define SIG_INCOMING_MAX 500
#define SIG_OUTGOING_MAX 200
/* One who was refused does not ask again before that. */
#define SIG_REFUSED_MS (24 * 3600 * UINT64_C(1000))

/* All contacts of a user. */
struct sig_contacts {
	uint64_t version; /* counts what has changed */
	uint64_t kept, incoming, outgoing;
};

/* One side of a relation. */
struct sig_tie {
	struct sig_relation relation;
	struct sig_contacts contacts; /* of its owner */
	bool changed;
	bool veiled; /* its row has changed, and its owner must not know */
};

/*
 * 0, also when all is as it should be already; -EEXIST: friends already;
 * -ENOENT: there is no such contact, request or block; -EBUSY: refused less
 * than a day ago; -E2BIG: too many contacts or requests.
 */
int sig_relation_apply(enum sig_contact, const char *text, uint64_t ts,
    struct sig_tie *mine, struct sig_tie *theirs);

/* Whether there is a row to keep. */
bool sig_relation_kept(const struct sig_relation *);
bool sig_relation_listed(const struct sig_relation *, enum sig_contact_list);
/* user, nick, state and what else its owner is told, as members. */
void sig_relation_write(struct json_out *, const char *user, const char *nick,
    const struct sig_relation *);

#endif
