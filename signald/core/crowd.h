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
	SIG_ROOM_EVENTS
};

/* Flags of SIG_MAIL_ROOM_TELL. */
#define SIG_TELL_ONE  1u /* only the session named */
#define SIG_TELL_BUT  2u /* all but the session named */
#define SIG_TELL_NOW  4u /* not held for a session without a link */
#define SIG_TELL_DROP 8u /* nor for a slow one */

/* An event at a room or chatroom: the room, when it is there, and who the
 * mail is from, when that is a member. */
struct sig_crowd_ask {
	const struct sig_mail *mail;
	struct sig_crowd *crowd;
	struct sig_member *from;
};

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
	bool again;    /* made anew after a restart; see sig_crowd_enter */
	uint64_t last; /* number, the highest */
	TAILQ_HEAD(sig_seats, sig_member) members;
	struct htab sessions;        /* of members, by their session */
	struct sig_members shards[]; /* one for each of the server's */
};

/* Frees it with its members, without telling anybody. */
void sig_crowd_free(struct sig_core *, struct sig_crowd *);

/* Linear: for small rooms. */
struct sig_member *sig_crowd_number(const struct sig_crowd *, uint64_t number);

/* Has what befalls a crowd done by the row of its event. Who is no member is
 * refused but where it joins, creates or leaves; no row: nothing is done. */
typedef void sig_crowd_fn(struct sig_core *, struct sig_crowd_ask *);
void sig_crowd_asked(struct sig_core *, const struct sig_mail *,
    sig_crowd_fn *const does[SIG_ROOM_EVENTS]);

/* Makes the asking session a member, with own zeroed bytes, of a new crowd
 * when there is none. wanted: the number that it had before a restart, which
 * it gets again from a crowd that such a one has made; 0: none. False: it is
 * full (of max), or there is no memory, which why says, and the session has
 * been told. */
bool sig_crowd_enter(struct sig_core *, struct sig_crowd_ask *, uint64_t wanted,
    uint32_t max, size_t own, const char *why);
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
