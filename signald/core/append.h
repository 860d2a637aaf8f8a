/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * append: what the core asks the log to write, and what comes of it.
 * Owns: requests own their strings.  Thread: handed over whole.
 */
#ifndef FLOE_SIGNALD_CORE_APPEND_H
#define FLOE_SIGNALD_CORE_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/account.h"
#include "signald/core/bond.h"
#include "signald/core/member.h"
#include "signald/core/sizes.h"

/* What an entry does to an earlier one; see change.h. */
enum sig_change {
	SIG_CHANGE_NONE,
	SIG_CHANGE_EDIT,     /* body: seq, text */
	SIG_CHANGE_RETRACT,  /* body: seq */
	SIG_CHANGE_REACTION, /* body: seq, emoji, on */
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

#endif
