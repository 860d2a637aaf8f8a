/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place: a session's place in a room or chatroom, on the shard of its user.
 * Takes the session's requests to the room's shard, brings answers and pushes
 * back, and tells the room when the session's link goes or the session ends.
 * A place is there from the moment its join is asked, and counts when the room
 * has said yes. A hall is all places of one room on this shard: what the room
 * tells its members comes here once.
 * Owns: the halls.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_PLACE_H
#define FLOE_SIGNALD_CORE_PLACE_H

#include "signald/core/crowd.h"
#include "signald/core/op.h"

struct sig_hall;

struct sig_place {
	LIST_ENTRY(sig_place) of_session;
	LIST_ENTRY(sig_place) of_hall;
	struct sig_session *session;
	struct sig_hall *hall;
	uint64_t first, newest; /* tickets of the joins that ask for it */
	bool taken;             /* the room has said yes */
	bool founder;           /* of a room that its session created */
};

/* One request to a room. */
struct sig_place_ask {
	enum sig_mail_kind kind; /* SIG_MAIL_ROOM or SIG_MAIL_CHATROOM */
	enum sig_room_event event;
	const char *room; /* its key */
	uint64_t number;
	char *text; /* becomes the mail's; may be NULL */
	size_t len;
};

struct sig_place *sig_place_find(const struct sig_session *, const char *room);
const char *sig_place_room(const struct sig_place *);
/* How many rooms, or chatrooms, the session is in. */
uint32_t sig_place_count(const struct sig_session *, enum sig_mail_kind);
/* Found, or a new one that a join has yet to be asked for; NULL: no memory. */
struct sig_place *sig_place_get(struct sig_core *, struct sig_session *,
    enum sig_mail_kind, const char *room);
void sig_place_free(struct sig_core *, struct sig_place *);

/* Asks for the link's session, or tells the client that it cannot be asked;
 * then a place that was asked for is freed. A leave frees it as well. */
void sig_place_ask(struct sig_core *, struct sig_link *, struct sig_req *,
    const struct sig_place_ask *);
void sig_place_answered(struct sig_core *, const struct sig_mail *);
void sig_place_told(struct sig_core *, const struct sig_mail *);

/* The session's link is gone; has come; the session ends. */
void sig_places_away(struct sig_core *, struct sig_session *);
void sig_places_back(struct sig_core *, struct sig_session *);
void sig_places_gone(struct sig_core *, struct sig_session *);

#endif
