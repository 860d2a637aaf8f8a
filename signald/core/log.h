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

#define SIG_PINS_MAX 100 /* of a user */
#define SIG_LARGE_MAX                                                          \
	256                 /* conversations of a user that are read by cursor \
			     */
#define SIG_MENTIONS_MAX 64 /* of a message */
#define SIG_SUBJECTS_MAX 200 /* users of one group operation */

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

enum sig_role { SIG_ROLE_MEMBER, SIG_ROLE_ADMIN, SIG_ROLE_OWNER };

/* Who lets people into a group, and how much newcomers see. */
enum sig_join { SIG_JOIN_INVITE, SIG_JOIN_REQUEST, SIG_JOIN_OPEN };
enum sig_history { SIG_HISTORY_JOINED, SIG_HISTORY_ALL };

enum sig_group_op {
	SIG_GROUP_CREATE,
	SIG_GROUP_INVITE,
	SIG_GROUP_JOIN,
	SIG_GROUP_APPROVE,
	SIG_GROUP_REJECT,
	SIG_GROUP_LEAVE,
	SIG_GROUP_KICK,
	SIG_GROUP_ROLE,
	SIG_GROUP_TRANSFER,
	SIG_GROUP_MUTE, /* a member may not speak until then */
	SIG_GROUP_SET,
	SIG_GROUP_DISSOLVE,
};

/* What is to become of a group; see group.h. */
struct sig_group {
	enum sig_group_op op;
	char (*users)[SIG_NAME_MAX + 1]; /* whom it is about; owned */
	size_t nusers;
	char *title, *avatar, *announcement; /* NULL: stays; owned */
	char *memo;                          /* JOIN: why; may be NULL; owned */
	int join, history;                   /* -1: stays */
	enum sig_role role;
	uint64_t until;       /* MUTE: wall ms, 0: speaks again */
	uint32_t members_max; /* of a group */
	uint32_t fanout; /* beyond so many it is read by cursor, for good */
};
/* What a user keeps from others; bits. */
#define SIG_HIDE_SEEN     1u /* when it was here last */
#define SIG_HIDE_PRESENCE 2u /* whether it is here */
#define SIG_HIDE_USER     4u /* from a search */
#define SIG_HIDE_ALL      7u

/* What a deed has made of two users. */
enum sig_bond {
	SIG_BOND_SAME,
	SIG_BOND_MADE,
	SIG_BOND_BROKEN,
	SIG_BOND_BLOCKED, /* broken, and the other takes it for whole */
};

/* What a user may do. Banned: nothing. */
enum sig_user_role {
	SIG_USER_NORMAL,
	SIG_USER_ADMIN,
	SIG_USER_BANNED,
	SIG_USER_DELETED, /* for good; the name stays taken */
	SIG_USER_ROLES
};

/* Whether nobody may come in as that user. */
static inline bool
sig_role_is_out(enum sig_user_role role)
{
	return role == SIG_USER_BANNED || role == SIG_USER_DELETED;
}

/* What a user's tokens are worth: an own one is of this generation or void,
 * an outside one is issued at voided_ts or later, or void. */
struct sig_standing {
	enum sig_user_role role;
	uint32_t generation;
	uint64_t voided_ts; /* 0: never */
};

/* What a user tells of itself; see profile.h. */
enum sig_profile_field {
	SIG_PROFILE_NICK,
	SIG_PROFILE_AVATAR,
	SIG_PROFILE_SIGNATURE,
	SIG_PROFILE_EXTEND, /* a JSON object */
	SIG_PROFILE_FIELDS
};
#define SIG_PROFILE_NICK_MAX 64
#define SIG_AVATAR_MAX       512
#define SIG_SIGNATURE_MAX    256
#define SIG_EXTEND_MAX       4096

/* What becomes of an account. */
enum sig_account {
	SIG_ACCOUNT_ROLE,     /* role; a ban voids all tokens */
	SIG_ACCOUNT_PASSWORD, /* pwhash; all tokens are void */
	SIG_ACCOUNT_LOGOUT,   /* all tokens are void */
	SIG_ACCOUNT_DELETE,   /* and what is stored of it will go */
};

enum sig_append_kind {
	SIG_APPEND_MESSAGE,
	SIG_APPEND_CURSOR, /* a device's acked sync; need not be fsynced alone
			    */
	SIG_APPEND_SEEN,   /* a user's last_seen; likewise */
	SIG_APPEND_READ, /* how far a user has read a conversation; likewise */
	SIG_APPEND_USER, /* register: fails with -EEXIST */
	SIG_APPEND_ACCOUNT, /* account of user */
	SIG_APPEND_PROFILE, /* profile of user; answered with all of it */
	SIG_APPEND_GROUP,   /* answered as a message: the notice of it */
	SIG_APPEND_CONV,    /* how a user keeps a conversation: pinned, muted */
	SIG_APPEND_PRIVACY, /* user hides, among mask, what hide says */
	SIG_APPEND_CONTACT, /* user does contact about peer; body: its text */
	SIG_APPEND_FILE,    /* user has uploaded file: fails with -EDQUOT (more
			     * than its quota) or -ENFILE (than that of all) */
	SIG_APPEND_FILE_SWEEP, /* forgets some files that nobody refers to,
				* uploaded sync or longer before ts */
	SIG_APPEND_FILE_GONE,  /* the forgotten file's bytes are gone */
	SIG_APPEND_KEEP,       /* a record under a key, see keep.h */
	SIG_APPEND_ERASE,      /* takes away some of what is stored of the
				* deleted user */
	SIG_APPEND_RETAIN, /* takes away some of what is older than sync, from
			    * target on (0: the beginning) */
};

struct sig_file;

struct sig_append {
	enum sig_append_kind kind;
	char user[SIG_NAME_MAX + 1]; /* sender, owner of the cursor, new user */
	char device[SIG_DEVICE_MAX + 1];
	uint64_t ts; /* wall ms */
	/* MESSAGE */
	char conv[SIG_CONV_MAX + 1]; /* KEEP: the key */
	/* The other member of a 1:1 conversation, "" of a group. */
	char peer[SIG_NAME_MAX + 1];
	bool found;   /* a 1:1 conversation may begin with this message */
	bool friends; /* and is for friends only: -EPERM */
	char mid[SIG_MID_MAX + 1]; /* "" : no idempotency key (server's own) */
	char type[16];
	bool counts;                  /* as unread to the others */
	char drops[SIG_CONV_MAX + 1]; /* key of a record that goes with it */
	uint64_t reply; /* seq of the message that it answers, or 0 */
	enum sig_change change;
	uint64_t target; /* of the change: the seq in the body */
	char *body;      /* JSON text; KEEP: NULL removes the record */
	size_t body_len;
	char (*mentions)[SIG_NAME_MAX + 1]; /* owned */
	size_t nmentions;
	bool mentions_all;
	uint64_t sync;            /* CURSOR; READ: the seq; CONTACT: BLOCK */
	enum sig_contact contact; /* CONTACT */
	bool lazy;                /* KEEP: need not be fsynced alone */
	/* CONV; -1: stays */
	int pinned;
	int64_t muted_until;      /* wall ms */
	struct sig_group *group;  /* GROUP; owned */
	uint32_t hide, mask;      /* PRIVACY */
	enum sig_account account; /* ACCOUNT */
	enum sig_user_role role;
	/* PROFILE; NULL: stays, "": removed */
	char *profile[SIG_PROFILE_FIELDS];
	/* USER, ACCOUNT */
	char *pwhash;
	char *nick;
	struct sig_file *file; /* FILE, FILE_GONE; MESSAGE of a file */
};

void sig_append_free(struct sig_append *);
void sig_group_free(struct sig_group *); /* NULL is fine */

/* Somebody in whose inbox an entry stands. */
struct sig_receiver {
	char user[SIG_NAME_MAX + 1];
	uint64_t sync;
	bool joined, left; /* a group that is read by cursor */
};

struct sig_appended {
	/* 0; -EEXIST (user); -ENOENT (peer, conversation or what is changed or
	 * answered unknown, or not the user's to know); -EPERM (the role does
	 * not allow it), -EACCES (muted in the group), -EBUSY (an owner goes
	 * last), -EALREADY (nothing would change), -E2BIG (too many members);
	 * of a change what sig_change_apply says, of a contact
	 * sig_relation_apply; -EAGAIN (too much is under
	 * way); -ENOSPC, -EIO */
	int err;
	/* mid seen before: the fields are the first answer's; READ: was there
	 * already */
	bool duplicate;
	bool first; /* this message founded the conversation */
	uint64_t id, seq, ts;
	uint64_t sync; /* position in the sender's inbox, 0: not there */
	const struct sig_receiver *to; /* borrowed; whose inboxes it is in */
	size_t nto;
	bool large;      /* those who are here read it from the conversation */
	uint64_t unread; /* READ; seq is how far it is now, maybe further */
	/* READ: what the other member of a 1:1 conversation is told, 0:
	 * nothing */
	uint64_t peer_read;
	/* The stored message as the members of a push, without braces:
	 * "conv":...,"seq":...,...,"body":{...} */
	const char *text;
	size_t text_len;
	struct sig_standing standing; /* ACCOUNT; duplicate: it was so */
	/* CONTACT: text is the user's row (sig_relation_write), peer_text the
	 * peer's; the versions of their contacts, 0: unchanged. */
	uint64_t version, peer_version;
	const char *peer_text;
	size_t peer_text_len;
	enum sig_bond bond, peer_bond;
	uint32_t privacy; /* PRIVACY: all that the user hides now */
	/* ERASE: there is more to do; the result is a notice of a group (text),
	 * or the contact of the only receiver (peer_text), or neither.
	 * RETAIN: the pass is not over and goes on at target; gone: rows that
	 * were taken away. */
	bool more;
	uint64_t target, gone;
};

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
