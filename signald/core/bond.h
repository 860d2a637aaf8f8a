/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bond: what two users may be to each other, and what one may do about it;
 * what that makes of both is relation.h.
 * Owns: nothing; strings are borrowed.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_BOND_H
#define FLOE_SIGNALD_CORE_BOND_H

#include <stdbool.h>
#include <stdint.h>

/* What a user does about another one; see relation.h. */
enum sig_contact {
	SIG_CONTACT_REQUEST, /* body: the memo */
	SIG_CONTACT_ACCEPT,
	SIG_CONTACT_REFUSE,
	SIG_CONTACT_CANCEL,
	SIG_CONTACT_REMOVE,
	SIG_CONTACT_REMARK, /* body: the remark */
	SIG_CONTACT_BLOCK,  /* sync: when the user was last seen to be here */
	SIG_CONTACT_UNBLOCK,
	SIG_CONTACT_JOIN,  /* the operator's: friends from now on */
	SIG_CONTACT_ERASE, /* a deleted user's: neither keeps the other */
};

enum sig_relation_state {
	SIG_NOBODY,
	SIG_INCOMING, /* asks, and waits for our answer */
	SIG_OUTGOING, /* is asked */
	SIG_REFUSED,  /* was asked, and did not want */
	SIG_FRIEND,
	SIG_ONE_SIDED, /* a friend once, who has removed us */
	SIG_REMOVED,   /* a friend once, whom we have removed */
};

/* What a user keeps of another one. */
struct sig_relation {
	enum sig_relation_state state;
	uint64_t ts;        /* since when */
	const char *memo;   /* of the request; "" without */
	const char *remark; /* the owner's name for the other; "" without */
	/* The other has no way to the owner, and takes the state for that at
	 * the block, or for what it has made of it since; seen likewise is
	 * when the owner was here last. */
	bool blocked;
	enum sig_relation_state shown;
	uint64_t seen; /* 0: not known */
};

/* Which contacts a list is of. */
enum sig_contact_list {
	SIG_LIST_FRIENDS, /* the one-sided too */
	SIG_LIST_INCOMING,
	SIG_LIST_OUTGOING, /* the refused too */
	SIG_LIST_REMOVED,
	SIG_LIST_BLOCKED, /* whatever else they are */
};

/* What a deed has made of two users. */
enum sig_bond {
	SIG_BOND_SAME,
	SIG_BOND_MADE,
	SIG_BOND_BROKEN,
	SIG_BOND_BLOCKED, /* broken, and the other takes it for whole */
};

#endif
