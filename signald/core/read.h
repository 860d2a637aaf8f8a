/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * read: what the core asks the log to look up, and the rows that it gets.
 * Owns: nothing; rows borrow for the call that brings them.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_READ_H
#define FLOE_SIGNALD_CORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/account.h"
#include "signald/core/bond.h"
#include "signald/core/member.h"
#include "signald/core/sizes.h"

enum sig_read_kind {
	SIG_READ_LOGIN,   /* user, device -> struct sig_rows.login, friends as
			   * rows */
	SIG_READ_PEERS,   /* user, peer (exclusive) -> the friends after it */
	SIG_READ_INBOX,   /* user, from (exclusive), limit -> rows by sync */
	SIG_READ_HISTORY, /* user, conv, before/after (exclusive), limit ->
			   * rows by ascending seq; before a seq that does not
			   * exist yet means the newest */
	/* user, from (an id, exclusive), limit -> rows, the newest activity
	 * first; from 0: the pinned ones before all others */
	SIG_READ_CONVS,
	SIG_READ_USER,     /* user, peer (or "") -> exists, nick, blocks */
	SIG_READ_LARGE,    /* user -> conv and head of those read by cursor */
	SIG_READ_ENTRIES,  /* conv, from (exclusive), limit -> rows by seq */
	SIG_READ_GROUP,    /* user, conv -> one row */
	SIG_READ_MEMBERS,  /* user, conv, after (a name), limit -> rows */
	SIG_READ_JOINS,    /* likewise: who asks to be let in; -EPERM */
	SIG_READ_CONTACTS, /* user, list, peer (exclusive, or ""), limit ->
			    * rows in an order that stays */
	SIG_READ_SEARCH,   /* user, query, limit -> rows of people */
	SIG_READ_USERS,    /* query: a prefix, after, limit -> rows by name */
	SIG_READ_MINE,     /* user, conv (exclusive), limit -> conversations in
			    * an order that stays */
	SIG_READ_FILES,    /* user, from (exclusive), limit -> uploaded files */
	SIG_READ_ERASING, /* limit -> deleted users of whom something is left */
	SIG_READ_KEPT,    /* conv: a key (exclusive), limit -> records by
			   * key */
};

struct sig_read {
	enum sig_read_kind kind;
	char user[SIG_NAME_MAX + 1];
	char device[SIG_DEVICE_MAX + 1];
	char conv[SIG_CONV_MAX + 1];
	char after[SIG_NAME_MAX + 1];
	uint64_t from; /* INBOX; HISTORY: before or after; CONVS */
	bool newer;    /* HISTORY: after instead of before */
	uint32_t limit;
	enum sig_contact_list list;    /* CONTACTS */
	char peer[SIG_NAME_MAX + 1];   /* CONTACTS, PEERS, USER */
	char query[SIG_QUERY_MAX + 1]; /* SEARCH */
};

/* Strings are borrowed, NULL where they do not belong. */
struct sig_row {
	uint64_t sync; /* INBOX */
	uint64_t seq;  /* of text; LARGE: the head; FILES: its number */
	uint64_t size; /* FILES; text: the hash, title: the name */
	/* As in sig_appended; "" without one; JOINS: the memo; KEPT: all
	 * of it. */
	const char *text;
	size_t text_len;
	const char *conv; /* CONVS, LARGE, GROUP; KEPT: the key */
	/* CONVS: of a 1:1 conversation; LOGIN, PEERS: a friend; MEMBERS, JOINS,
	 * CONTACTS, SEARCH */
	const char *peer;
	const char *nick;   /* CONVS, MEMBERS, JOINS, CONTACTS, SEARCH */
	uint64_t last_seen; /* LOGIN, PEERS, USERS; 0: not told */
	bool apart;         /* MEMBERS, of two: one has blocked the other */
	uint64_t ts;        /* MEMBERS: joined; JOINS: asked; GROUP: founded;
			     * USERS: made */
	struct sig_standing standing; /* USERS */
	bool password;                /* USERS: there is one */
	struct sig_relation relation; /* CONTACTS, SEARCH */
	/* CONVS: */
	uint64_t activity; /* id of what it is ordered by */
	uint64_t read, peer_read, unread, mentions;
	bool pinned;
	uint64_t until; /* muted; MEMBERS: may not speak */
	/* CONVS and GROUP, of a group: */
	const char *title, *avatar, *announcement;
	uint64_t members;
	bool large;
	enum sig_role role; /* of the user; MEMBERS: of the member */
	enum sig_join join;
	enum sig_history history;
};

struct sig_rows {
	/* 0; -ENOENT: no such user, or not a member; -EPERM; -EIO */
	int err;
	bool complete;              /* nothing lies beyond in that direction */
	const struct sig_row *rows; /* borrowed for the call */
	size_t nrows;
	/* LOGIN, USER */
	const char *nick;
	char epoch[SIG_EPOCH_LEN];
	uint64_t head;     /* highest sync of the user's inbox */
	uint64_t cursor;   /* what this device acked, 0 for a new one */
	uint32_t privacy;  /* LOGIN: what the user hides */
	uint64_t contacts; /* LOGIN: the version of the user's contacts */
	const char *profile[SIG_PROFILE_FIELDS]; /* USER */
	bool blocks; /* USER: has blocked the peer */
	struct sig_standing standing;
};

#endif
