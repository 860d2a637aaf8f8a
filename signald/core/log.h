/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log: what the core asks of the message log, in words that no engine shows
 * through. Every message lives once in its conversation log (seq, dense) and
 * is indexed once per member in the member's inbox log (sync, dense).
 * Appends are grouped by the engine and come back after they are durable, in
 * the order of asking per shard; reads see everything that came back.
 * Owns: requests own their strings.  Thread: handed over whole.
 */
#ifndef FLOE_SIGNALD_CORE_LOG_H
#define FLOE_SIGNALD_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIG_NAME_MAX   32 /* user name, without NUL */
#define SIG_DEVICE_MAX 64
#define SIG_MID_MAX    64
#define SIG_CONV_MAX   128
#define SIG_EPOCH_LEN  33 /* hex and NUL */
#define SIG_MEMO_MAX   256
#define SIG_REMARK_MAX 64
#define SIG_QUERY_MAX  64

/* What an entry does to an earlier one; see change.h. */
enum sig_change {
	SIG_CHANGE_NONE,
	SIG_CHANGE_EDIT,     /* body: seq, text */
	SIG_CHANGE_RETRACT,  /* body: seq */
	SIG_CHANGE_REACTION, /* body: seq, emoji, on */
};

/* What a user does about another one; see relation.h. */
enum sig_contact {
	SIG_CONTACT_REQUEST, /* body: the memo */
	SIG_CONTACT_ACCEPT,
	SIG_CONTACT_REFUSE,
	SIG_CONTACT_CANCEL,
	SIG_CONTACT_REMOVE,
	SIG_CONTACT_REMARK, /* body: the remark */
	SIG_CONTACT_JOIN,   /* the operator's: friends from now on */
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
};

/* Which contacts a list is of. */
enum sig_contact_list {
	SIG_LIST_FRIENDS, /* the one-sided too */
	SIG_LIST_INCOMING,
	SIG_LIST_OUTGOING, /* the refused too */
	SIG_LIST_REMOVED,
};

enum sig_append_kind {
	SIG_APPEND_MESSAGE,
	SIG_APPEND_CURSOR, /* a device's acked sync; need not be fsynced alone
			    */
	SIG_APPEND_SEEN,   /* a user's last_seen; likewise */
	SIG_APPEND_READ, /* how far a user has read a conversation; likewise */
	SIG_APPEND_USER, /* register: fails with -EEXIST */
	SIG_APPEND_CONTACT, /* user does contact about peer; body: its text */
	SIG_APPEND_FILE,    /* user has uploaded file: fails with -EDQUOT (more
			     * than its quota) or -ENFILE (than that of all) */
	SIG_APPEND_FILE_SWEEP, /* forgets some files that nobody refers to,
				* uploaded sync or longer before ts */
	SIG_APPEND_FILE_GONE,  /* the forgotten file's bytes are gone */
	SIG_APPEND_KEEP,       /* a record under a key, see keep.h */
};

struct sig_file;

struct sig_append {
	enum sig_append_kind kind;
	char user[SIG_NAME_MAX + 1]; /* sender, owner of the cursor, new user */
	char device[SIG_DEVICE_MAX + 1];
	uint64_t ts; /* wall ms */
	/* MESSAGE */
	char conv[SIG_CONV_MAX + 1]; /* KEEP: the key */
	char
	    peer[SIG_NAME_MAX + 1]; /* the other member of a 1:1 conversation */
	char mid[SIG_MID_MAX + 1];  /* "" : no idempotency key (server's own) */
	char type[16];
	bool counts;    /* as unread to the peer */
	uint64_t reply; /* seq of the message that it answers, or 0 */
	enum sig_change change;
	uint64_t target; /* of the change: the seq in the body */
	char *body;      /* JSON text; KEEP: NULL removes the record */
	size_t body_len;
	uint64_t sync;            /* CURSOR; READ: the seq */
	enum sig_contact contact; /* CONTACT */
	bool lazy;                /* KEEP: need not be fsynced alone */
	/* USER */
	char *pwhash;
	char *nick;
	struct sig_file *file; /* FILE, FILE_GONE */
};

void sig_append_free(struct sig_append *);

struct sig_appended {
	/* 0; -EEXIST (user); -ENOENT (peer, conversation or what is changed or
	 * answered unknown); of a change also what sig_change_apply says, of a
	 * contact sig_relation_apply;
	 * -EAGAIN (too much is under way); -ENOSPC, -EIO */
	int err;
	/* mid seen before: the fields are the first answer's; READ: was there
	 * already */
	bool duplicate;
	bool first; /* this message founded the conversation */
	uint64_t id, seq, ts;
	uint64_t sync_user, sync_peer; /* inbox positions of the two members */
	uint64_t unread; /* READ; seq is how far it is now, maybe further */
	/* The stored message as the members of a push, without braces:
	 * "conv":...,"seq":...,...,"body":{...} */
	const char *text;
	size_t text_len;
	/* CONTACT: text is the user's row (sig_relation_write), peer_text the
	 * peer's; the syncs are the versions of their contacts, 0: unchanged.
	 */
	const char *peer_text;
	size_t peer_text_len;
};

enum sig_read_kind {
	SIG_READ_LOGIN,    /* user, device -> struct sig_rows.login */
	SIG_READ_INBOX,    /* user, from (exclusive), limit -> rows by sync */
	SIG_READ_HISTORY,  /* user, conv, before/after (exclusive), limit ->
			    * rows by ascending seq; before a seq that does not
			    * exist yet means the newest */
	SIG_READ_CONVS,    /* user, limit -> rows newest activity first */
	SIG_READ_USER,     /* user -> exists, nick */
	SIG_READ_CONTACTS, /* user, list, peer (exclusive, or ""), limit ->
			    * rows in an order that stays */
	SIG_READ_SEARCH,   /* user, query, limit -> rows of people */
	SIG_READ_KEPT,     /* conv: a key (exclusive), limit -> records by
			    * key */
};

struct sig_read {
	enum sig_read_kind kind;
	char user[SIG_NAME_MAX + 1];
	char device[SIG_DEVICE_MAX + 1];
	char conv[SIG_CONV_MAX + 1];
	uint64_t from; /* INBOX; HISTORY: before or after */
	bool newer;    /* HISTORY: after instead of before */
	uint32_t limit;
	enum sig_contact_list list;    /* CONTACTS */
	char peer[SIG_NAME_MAX + 1];   /* CONTACTS */
	char query[SIG_QUERY_MAX + 1]; /* SEARCH */
};

struct sig_row {
	uint64_t sync; /* INBOX */
	uint64_t seq;
	const char *text; /* as in sig_appended; "" in a CONVS row without one;
			     KEPT: all of it */
	size_t text_len;
	const char *conv; /* CONVS; KEPT: the key */
	const char *
	    peer; /* CONVS, LOGIN (the people one shares a conversation with) */
	const char *nick;                 /* CONVS, CONTACTS, SEARCH */
	uint64_t read, peer_read, unread; /* CONVS */
	uint64_t last_seen;               /* LOGIN */
	struct sig_relation relation;     /* CONTACTS, SEARCH */
};

struct sig_rows {
	int err;       /* 0; -ENOENT: no such user, or not a member; -EIO */
	bool complete; /* nothing lies beyond in that direction */
	const struct sig_row *rows; /* borrowed for the call */
	size_t nrows;
	/* LOGIN, USER */
	const char *nick;
	char epoch[SIG_EPOCH_LEN];
	uint64_t head;     /* highest sync of the user's inbox */
	uint64_t cursor;   /* what this device acked, 0 for a new one */
	uint64_t contacts; /* LOGIN: the version of the user's contacts */
};

#endif
