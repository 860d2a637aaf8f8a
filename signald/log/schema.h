/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema: the tables of the message log and what their bytes mean. Keys are
 * big-endian, so that they sort as numbers; users and conversations have
 * numbers (uid, cid), so that keys stay short.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_LOG_SCHEMA_H
#define FLOE_SIGNALD_LOG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/store.h"
#include "signald/core/log.h"

enum schema_table {
	T_META,      /* name -> value */
	T_USER_IDS,  /* user -> uid */
	T_USERS,     /* uid -> struct schema_user */
	T_SEEN,      /* uid -> ts */
	T_CONV_IDS,  /* conv -> cid */
	T_CONVS,     /* cid -> struct schema_conv */
	T_MEMBERS,   /* uid cid -> struct schema_member */
	T_ROSTERS,   /* cid uid -> struct schema_seat */
	T_RECENT,    /* uid place -> cid; the highest place is the newest */
	T_LARGE,     /* uid cid -> 0: in no inbox, and not in T_RECENT */
	T_PINS,      /* uid cid -> 0 */
	T_JOINS,     /* cid uid -> struct schema_join */
	T_MENTIONS,  /* uid cid seq -> uid of the sender; uid 0: of everybody */
	T_MESSAGES,  /* cid seq -> struct schema_message */
	T_INBOX,     /* uid sync -> cid seq */
	T_CURSORS,   /* uid device -> sync */
	T_MIDS,      /* uid mid -> struct schema_mid */
	T_MID_AGES,  /* id -> ts uid mid; ids grow, so oldest first */
	T_CONTACTS,  /* uid uid -> what the first keeps of the second */
	T_CONTACTED, /* uid -> struct sig_contacts */
	T_NICKS,     /* nick in small letters, NUL, uid -> uid */

	/* Uploaded files; what each is for is in file.c. */
	T_FILE_IDS,    /* hash -> fid */
	T_FILES,       /* fid -> struct file_record */
	T_FILE_OWNERS, /* fid uid -> ts name */
	T_USER_FILES,  /* uid fid -> ts */
	T_FILE_CONVS,  /* fid cid seq -> ts: the message refers to it */
	T_FILE_BYTES,  /* uid -> what its files count; 0: all there are */
	T_FILE_IDLE,   /* ts fid -> fid: nobody refers to it; oldest first */
	T_FILE_GONE,   /* hash -> fid: forgotten, bytes still on the disk */

	T_KEPT,    /* key -> struct schema_kept */
	T_PRIVACY, /* uid -> SIG_HIDE_... of core/log.h */
	T_ERASING, /* uid -> stage at seq: how far its erasing is */
	T_FLOORS,  /* cid -> seq count: of the last message that is gone */
	T_COUNT,
};

/* Names of the tables on disk, in the order above; NULL ends. */
extern const char *const schema_tables[];

#define SCHEMA_VERSION 3

/* Up to two numbers and a name, or three numbers. */
struct schema_key {
	uint8_t bytes[16 + SIG_CONV_MAX];
	size_t len;
};

struct schema_key schema_key1(uint64_t);
struct schema_key schema_key2(uint64_t, uint64_t);
struct schema_key schema_key3(uint64_t, uint64_t, uint64_t);
struct schema_key schema_key_named(uint64_t, const char *name);
struct schema_key schema_name(const char *name);

static inline struct store_val
schema_val(const struct schema_key *k)
{
	return (struct store_val){ k->bytes, k->len };
}

/* Numbers at the start of a value; false when it is too short. */
bool schema_nums(const struct store_val *, uint64_t *, size_t n);

/* Strings of decoded records are NUL-terminated and borrowed. */
struct schema_user {
	uint64_t created_ts;
	const char *name, *nick, *pwhash;
	struct sig_standing standing;
	const char *avatar, *signature, *extend; /* NULL is written as "" */
};

enum schema_kind { SCHEMA_DIRECT, SCHEMA_GROUP, SCHEMA_DISSOLVED };

struct schema_conv {
	enum schema_kind kind;
	bool large; /* read by cursor; stays so */
	enum sig_join join;
	enum sig_history history;
	uint64_t created_ts;
	uint64_t member[2]; /* uids, of a 1:1 conversation */
	uint64_t members;   /* how many */
	const char *name, *title, *avatar, *announcement;
};

/* How one of its members keeps a conversation. */
struct schema_member {
	uint64_t place; /* of the row in T_RECENT, 0: none */
	uint64_t since; /* seq that the member came with; sees it and later */
	uint64_t read;  /* seq up to which the user has read */
	uint64_t count; /* of the message at read, as it stands there */
	/* Of the member's own messages that count as unread to others: all, and
	 * those up to read. */
	uint64_t own, own_read;
	uint64_t muted_until;
	/* Of a 1:1 conversation: read, as far as the other member is told; and
	 * the seq of the last message that this one sent it while blocked. */
	uint64_t told, hidden;
};

/* What a member is in a conversation. */
struct schema_seat {
	enum sig_role role;
	uint64_t joined_ts;
	uint64_t muted_until; /* may not speak until then */
};

struct schema_join {
	uint64_t ts;
	const char *memo;
};

struct schema_message {
	uint64_t id, ts;
	uint64_t from; /* uid */
	/* Messages that count as unread up to this one, of everybody and of
	 * the sender: so the unread ones are a subtraction. */
	uint64_t count, own;
	/* seq of the last that is no change and not hidden, this or before */
	uint64_t latest;
	/* Said to one who had blocked the sender: for the sender alone. */
	bool hidden;
	/* The inside of the JSON object that is stored; "": it is gone, and the
	 * head stays while it is the newest, so that seq and counts go on. */
	const char *text;
	size_t text_len;
};

/* Messages up to here are gone, and count is of the last of them. */
struct schema_floor {
	uint64_t seq, count;
};

struct schema_mid {
	uint64_t cid, seq;
	uint64_t sync; /* in the sender's inbox, or 0 */
};

/* What the core keeps of its sessions and calls. */
struct schema_kept {
	const char *key, *text;
	size_t text_len;
};

struct buf;
void schema_put_user(struct buf *, const struct schema_user *);
void schema_put_conv(struct buf *, const struct schema_conv *);
void schema_put_member(struct buf *, const struct schema_member *);
void schema_put_seat(struct buf *, const struct schema_seat *);
void schema_put_join(struct buf *, const struct schema_join *);
/* The head only; the JSON object follows it. */
void schema_put_message(struct buf *, const struct schema_message *);
void schema_put_mid(struct buf *, const struct schema_mid *);
void schema_put_kept(struct buf *, const struct schema_kept *);
/* 0, or -EIO: not what we wrote. */
int schema_get_user(const struct store_val *, struct schema_user *);
int schema_get_conv(const struct store_val *, struct schema_conv *);
int schema_get_member(const struct store_val *, struct schema_member *);
int schema_get_seat(const struct store_val *, struct schema_seat *);
int schema_get_join(const struct store_val *, struct schema_join *);
int schema_get_message(const struct store_val *, struct schema_message *);
int schema_get_mid(const struct store_val *, struct schema_mid *);
int schema_get_kept(const struct store_val *, struct schema_kept *);

/* Look-ups: 0, -ENOENT or -EIO. */
int schema_find(struct store_txn *, enum schema_table,
    const struct schema_key *, uint64_t *num);
int schema_user(struct store_txn *, uint64_t uid, struct schema_user *);
int schema_conv(struct store_txn *, uint64_t cid, struct schema_conv *);
int schema_member(
    struct store_txn *, uint64_t uid, uint64_t cid, struct schema_member *);
int schema_message(
    struct store_txn *, uint64_t cid, uint64_t seq, struct schema_message *);
/* Whether it is there, and hidden from uid. 0 or -EIO. */
int schema_hidden(
    struct store_txn *, uint64_t cid, uint64_t seq, uint64_t uid, bool *hidden);
/* The newest one and its seq; -ENOENT: there is none. */
int schema_newest(
    struct store_txn *, uint64_t cid, uint64_t *seq, struct schema_message *);
int schema_seat(
    struct store_txn *, uint64_t cid, uint64_t uid, struct schema_seat *);
/* All 0 where nothing is gone. 0 or -EIO. */
int schema_floor(struct store_txn *, uint64_t cid, struct schema_floor *);
/* The messages that the member has not read, of those that there are. */
int schema_unread(struct store_txn *, uint64_t cid,
    const struct schema_member *, uint64_t *unread);
/* The first row whose key is from lo to hi; both are good until the next
 * write. Who deletes it asks anew: what goes under a walk moves the walk. */
int
schema_first(struct store_txn *, enum schema_table, const struct schema_key *lo,
    const struct schema_key *hi, struct store_val *key, struct store_val *val);
/* The same of a key of numbers, of which as many are told as lo has. */
int schema_first_nums(struct store_txn *, enum schema_table,
    const struct schema_key *lo, const struct schema_key *hi, uint64_t *nums,
    struct store_val *val);
/* The rows whose first number is id, counted up to max. */
int schema_count(
    struct store_txn *, enum schema_table, uint64_t id, size_t max, size_t *n);
/* The second number of the last row whose first is id; 0 without rows. */
int
schema_last(struct store_txn *, enum schema_table, uint64_t id, uint64_t *last);

#endif
