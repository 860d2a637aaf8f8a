/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowd: who is in a room or chatroom, on the shard of its id. Members are
 * sessions, numbered as they join, and a number is never given again while the
 * room lives. What all are told costs one mail a shard, whose sessions find
 * each other there by the room (place.h). A crowd without members is freed.
 * Owns: its members.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CROWD_H
#define FLOE_SIGNALD_CORE_CROWD_H

#include "lib/base/buf.h"
#include "signald/core/reply.h"
#include "signald/core/state.h"

/* What befalls a room or chatroom: the flags of its mail. */
enum sig_room_event {
	SIG_ROOM_JOIN,   /* text of a room's: the media object */
	SIG_ROOM_CREATE, /* likewise; founds the room */
	SIG_ROOM_LEAVE,
	SIG_ROOM_OFFER, /* to: the member; text of these: the value to relay */
	SIG_ROOM_ANSWER,
	SIG_ROOM_CANDIDATE,
	SIG_ROOM_MEDIA,   /* text: the media object */
	SIG_ROOM_SEND,    /* text: the body; number: 1 to hear it too */
	SIG_ROOM_MEMBERS, /* number: those after it */
	SIG_ROOM_GONE,    /* the session is, for good */
	SIG_ROOM_AWAY,    /* its link is */
	SIG_ROOM_BACK,
};

/* Flags of SIG_MAIL_ROOM_TELL. */
#define SIG_TELL_ONE  1u /* only the session named */
#define SIG_TELL_BUT  2u /* all but the session named */
#define SIG_TELL_NOW  4u /* not held for a session without a link */
#define SIG_TELL_DROP 8u /* nor for a slow one */

struct sig_member {
	TAILQ_ENTRY(sig_member) of_crowd; /* by number */
	LIST_ENTRY(sig_member) of_shard;
	uint64_t number;
	uint32_t shard; /* of its user */
	bool away;
	char user[SIG_NAME_MAX + 1];
	char session[SIG_SESSION_MAX + 1];
	char device[SIG_DEVICE_MAX + 1];
	void *own; /* what the room keeps of it; freed with it */
};
LIST_HEAD(sig_members, sig_member);

struct sig_crowd {
	LIST_ENTRY(sig_crowd) of_core;
	char id[SIG_ROOM_MAX + 1];
	uint64_t last; /* number */
	TAILQ_HEAD(, sig_member) members;
	struct htab sessions;        /* of members, by their session */
	struct sig_members shards[]; /* one for each of the server's */
};

struct sig_crowd *sig_crowd_find(const struct sig_core *, const char *id);
/* For at most max members; NULL: no room for another one. */
struct sig_crowd *
sig_crowd_new(struct sig_core *, const char *id, uint32_t max);
/* Frees it with its members, without telling anybody. */
void sig_crowd_free(struct sig_core *, struct sig_crowd *);

struct sig_member *sig_crowd_session(
    const struct sig_core *, const struct sig_crowd *, const char *session);
/* Linear: for small rooms. */
struct sig_member *sig_crowd_number(const struct sig_crowd *, uint64_t number);

/* The session that a mail is from, with own zeroed bytes. NULL: full, or no
 * memory. */
struct sig_member *sig_crowd_join(
    struct sig_core *, struct sig_crowd *, const struct sig_mail *, size_t own);
void
sig_crowd_leave(struct sig_core *, struct sig_crowd *, struct sig_member *);

/* All of them, or all but one. Takes the text. */
void sig_crowd_tell(struct sig_core *, const struct sig_crowd *, uint32_t flags,
    const struct sig_member *but, struct buf *text);
void sig_crowd_tell_one(struct sig_core *, const struct sig_crowd *,
    uint32_t flags, const struct sig_member *, struct buf *text);

/* Answers a session that asked. An answer is an object, taken; a refusal
 * says what is wrong. */
void sig_crowd_answer(
    struct sig_core *, const struct sig_mail *ask, struct buf *answer);
void sig_crowd_refuse(struct sig_core *, const struct sig_mail *ask,
    enum sig_err, const char *why);

#endif
