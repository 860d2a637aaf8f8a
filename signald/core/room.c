/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/name.h"
#include "signald/core/payload.h"
#include "signald/core/room.h"
#include "signald/core/place.h"

#define MEMBERS    8 /* more streams than that are too much for an uplink */
#define MEDIA_MAX  96
#define NUMBER_MAX ((INT64_C(1) << 53) - 1)

/* What a room keeps of a member. */
struct side {
	uint32_t slot; /* 0..MEMBERS-1, given again */
	char media[MEDIA_MAX];
	uint64_t said[MEMBERS]; /* hash of the last offer or answer to each */
};

/* What goes from one member to another: the push and its field. */
static const struct {
	const char *push, *field;
} relays[] = {
	[SIG_ROOM_OFFER] = { "room.offer", "sdp" },
	[SIG_ROOM_ANSWER] = { "room.answer", "sdp" },
	[SIG_ROOM_CANDIDATE] = { "room.candidate", "candidates" },
};

static struct side *
side(const struct sig_member *member)
{
	return member->own;
}

static void
push_begin(struct json_out *o, struct buf *b, const char *name,
    const struct sig_crowd *room)
{
	sig_push_begin(o, b, name);
	json_out_str(o, "room", room->id);
}

static void
member_write(struct json_out *o, const struct sig_member *member)
{
	const char *media = side(member)->media;

	json_out_int(o, "member", (int64_t)member->number);
	json_out_str(o, "user", member->user);
	json_out_str(o, "device", member->device);
	json_out_bool(o, "away", member->away);
	json_out_raw(o, "media", media, strlen(media));
}

static void
others_write(struct json_out *o, const struct sig_crowd *room,
    const struct sig_member *but)
{
	const struct sig_member *member;

	json_out_array(o, "members");
	TAILQ_FOREACH (member, &room->members, of_crowd) {
		if (member == but)
			continue;
		json_out_object(o, NULL);
		member_write(o, member);
		json_out_close(o);
	}
	json_out_close(o);
}

static void
answer_empty(struct sig_core *core, const struct sig_mail *mail)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_end(&o);
	sig_crowd_answer(core, mail, &b);
}

static void
answer_joined(struct sig_core *core, const struct sig_crowd_ask *ask)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_str(&o, "room", ask->crowd->id);
	json_out_int(&o, "member", (int64_t)ask->from->number);
	others_write(&o, ask->crowd, ask->from);
	if (ask->crowd->again)
		json_out_bool(&o, "again", true);
	json_out_end(&o);
	sig_crowd_answer(core, ask->mail, &b);
}

static void
tell_joined(struct sig_core *core, const struct sig_crowd_ask *ask)
{
	struct json_out o;
	struct buf b;

	push_begin(&o, &b, "room.joined", ask->crowd);
	member_write(&o, ask->from);
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, 0, ask->from, &b);
}

/* A slot that nobody has, clean of what was said to the one before. */
static uint32_t
slot_take(const struct sig_crowd *room, const struct sig_member *fresh)
{
	const struct sig_member *member;
	uint32_t slot, used = 0;

	TAILQ_FOREACH (member, &room->members, of_crowd) {
		if (member != fresh)
			used |= 1u << side(member)->slot;
	}
	for (slot = 0; (used & (1u << slot)) != 0; slot++)
		continue;
	TAILQ_FOREACH (member, &room->members, of_crowd)
		side(member)->said[slot] = 0;
	return slot;
}

static void
media_keep(struct sig_member *member, const struct sig_mail *mail)
{
	memcpy(side(member)->media, mail->text, mail->text_len);
	side(member)->media[mail->text_len] = '\0';
}

static void
do_join(struct sig_core *core, struct sig_crowd_ask *ask)
{
	const struct sig_mail *mail = ask->mail;

	if (ask->from != NULL) { /* asked again */
		answer_joined(core, ask);
		return;
	}
	/* Who was in it before a restart makes it anew. */
	if (ask->crowd == NULL && mail->flags == SIG_ROOM_JOIN &&
	    mail->sync == 0) {
		sig_crowd_refuse(
		    core, mail, SIG_NOT_FOUND, "room: no such room");
		return;
	}
	if (!sig_crowd_enter(core, ask, mail->sync, MEMBERS,
		sizeof(struct side), "no room for another room"))
		return;
	side(ask->from)->slot = slot_take(ask->crowd, ask->from);
	media_keep(ask->from, mail);
	answer_joined(core, ask);
	tell_joined(core, ask);
}

static void
do_leave(struct sig_core *core, struct sig_crowd_ask *ask)
{
	struct json_out o;
	struct buf b;

	answer_empty(core, ask->mail);
	if (ask->from == NULL)
		return;
	push_begin(&o, &b, "room.left", ask->crowd);
	json_out_int(&o, "member", (int64_t)ask->from->number);
	json_out_str(
	    &o, "reason", ask->mail->flags == SIG_ROOM_GONE ? "lost" : "left");
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, 0, ask->from, &b);
	sig_crowd_leave(core, ask->crowd, ask->from);
}

/* Whether this is what the member has last said to that one: then it asks
 * again, and the other would take it for a new offer or answer. */
static bool
said_again(const struct sig_core *core, struct sig_crowd_ask *ask,
    const struct sig_member *to)
{
	const struct sig_mail *mail = ask->mail;
	uint64_t *said = &side(ask->from)->said[side(to)->slot];
	uint64_t hash;

	if (mail->flags == SIG_ROOM_CANDIDATE)
		return false;
	hash = hash_bytes(&core->key, mail->text, mail->text_len) ^ mail->flags;
	if (*said == hash)
		return true;
	*said = hash;
	return false;
}

static void
do_relay(struct sig_core *core, struct sig_crowd_ask *ask)
{
	const struct sig_mail *mail = ask->mail;
	const struct sig_member *to;
	struct json_out o;
	struct buf b;

	to = sig_crowd_number(ask->crowd, mail->sync);
	if (to == NULL || to == ask->from) {
		sig_crowd_refuse(
		    core, mail, SIG_NOT_FOUND, "to: no such member");
		return;
	}
	answer_empty(core, mail);
	if (said_again(core, ask, to))
		return;
	push_begin(&o, &b, relays[mail->flags].push, ask->crowd);
	json_out_int(&o, "from", (int64_t)ask->from->number);
	json_out_raw(&o, relays[mail->flags].field, mail->text, mail->text_len);
	json_out_end(&o);
	sig_crowd_tell_one(core, ask->crowd, 0, to, &b);
}

static void
do_media(struct sig_core *core, struct sig_crowd_ask *ask)
{
	const char *media = side(ask->from)->media;
	struct json_out o;
	struct buf b;

	answer_empty(core, ask->mail);
	if (strlen(media) == ask->mail->text_len &&
	    memcmp(media, ask->mail->text, ask->mail->text_len) == 0)
		return;
	media_keep(ask->from, ask->mail);
	push_begin(&o, &b, "room.media", ask->crowd);
	json_out_int(&o, "member", (int64_t)ask->from->number);
	json_out_raw(&o, "media", media, strlen(media));
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, SIG_TELL_NOW, ask->from, &b);
}

static void
tell_peer(struct sig_core *core, const struct sig_crowd_ask *ask)
{
	struct json_out o;
	struct buf b;

	push_begin(&o, &b, "room.peer", ask->crowd);
	json_out_int(&o, "member", (int64_t)ask->from->number);
	json_out_str(&o, "state", ask->from->away ? "away" : "back");
	json_out_end(&o);
	sig_crowd_tell(core, ask->crowd, SIG_TELL_NOW, ask->from, &b);
}

static void
do_away(struct sig_core *core, struct sig_crowd_ask *ask)
{
	ask->from->away = true;
	tell_peer(core, ask);
}

/* What was not held for it, it is told as it stands now. */
static void
do_back(struct sig_core *core, struct sig_crowd_ask *ask)
{
	struct json_out o;
	struct buf b;

	if (ask->from->away) {
		ask->from->away = false;
		tell_peer(core, ask);
	}
	push_begin(&o, &b, "room.members", ask->crowd);
	others_write(&o, ask->crowd, ask->from);
	json_out_end(&o);
	sig_crowd_tell_one(core, ask->crowd, 0, ask->from, &b);
}

void
sig_room_asked(struct sig_core *core, const struct sig_mail *mail)
{
	static sig_crowd_fn *const does[SIG_ROOM_EVENTS] = {
		[SIG_ROOM_JOIN] = do_join,
		[SIG_ROOM_CREATE] = do_join,
		[SIG_ROOM_LEAVE] = do_leave,
		[SIG_ROOM_OFFER] = do_relay,
		[SIG_ROOM_ANSWER] = do_relay,
		[SIG_ROOM_CANDIDATE] = do_relay,
		[SIG_ROOM_MEDIA] = do_media,
		[SIG_ROOM_GONE] = do_leave,
		[SIG_ROOM_AWAY] = do_away,
		[SIG_ROOM_BACK] = do_back,
	};

	sig_crowd_asked(core, mail, does);
}

/* The requests, on the shard of the session. */

/* The text that goes to the room's shard; NULL with an error in the reader, or
 * when the event has none. */
static char *
ask_text(const struct sig_config *cfg, struct json_in *in,
    enum sig_room_event event, size_t *len)
{
	struct json_out o;
	struct buf b;

	if (in->code != 0 || event == SIG_ROOM_LEAVE)
		return NULL;
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	if (event == SIG_ROOM_CANDIDATE)
		sig_payload_candidates(&o, NULL, in, cfg->candidates);
	else if (event == SIG_ROOM_OFFER || event == SIG_ROOM_ANSWER)
		sig_payload_sdp(&o, NULL, in, cfg->sdp_bytes);
	else
		sig_payload_media_object(&o, in);
	if (in->code != 0 || json_out_end(&o) != 0) {
		buf_fini(&b);
		return NULL;
	}
	*len = b.len;
	return (char *)b.data;
}

static bool
user_has_room(const struct sig_user *user)
{
	const struct sig_session *s;
	uint32_t n = 0;

	LIST_FOREACH (s, &user->sessions, of_user)
		n += sig_place_count(s, SIG_MAIL_ROOM);
	return n < SIG_USER_ROOMS;
}

/* Any room, or one that a group owns: then its members only, which is to be
 * asked here, before the room is. */
static void
join(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct sig_place_ask *ask)
{
	struct sig_session *s = link->session;
	struct sig_place *place = sig_place_find(s, ask->room);

	ask->text = ask_text(&core->cfg, &req->in, ask->event, &ask->len);
	if (sig_req_bad(core, link, req))
		return;
	if (place == NULL && !user_has_room(s->user)) {
		sig_fail(core, link->id, req->id, SIG_TOO_LARGE,
		    "room: the user is in too many");
		free(ask->text);
		return;
	}
	if (!sig_op_room(core, link, req)) {
		free(ask->text);
		return;
	}
	place = sig_place_get(core, s, SIG_MAIL_ROOM, ask->room);
	if (place != NULL && ask->event == SIG_ROOM_CREATE)
		place->founder = true;
	sig_place_ask(core, link, req, ask);
}

/* A session that is in a room of its own making gets that one: it has asked
 * again. */
void
sig_op_room_create(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_place_ask ask = { .kind = SIG_MAIL_ROOM,
		.event = SIG_ROOM_CREATE };
	uint8_t nonce[SIG_ROOM_NONCE];
	char room[SIG_ROOM_MAX + 1];
	const struct sig_place *place;

	LIST_FOREACH (place, &link->session->places, of_session) {
		if (place->founder)
			break;
	}
	if (place != NULL) {
		ask.room = sig_place_room(place);
	} else {
		core->cfg.random(nonce, sizeof(nonce));
		sig_name_room(room, nonce);
		ask.room = room;
	}
	join(core, link, req, &ask);
}

/* The room that a request names; NULL after telling the client what is
 * wrong. */
static const char *
named_room(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *room = json_in_str(&req->in, "room", 1, SIG_ROOM_MAX);

	if (sig_req_bad(core, link, req))
		return NULL;
	if (sig_name_room_ok(room, strlen(room)))
		return room;
	sig_fail(core, link->id, req->id, SIG_NOT_FOUND, "room: no such room");
	return NULL;
}

void
sig_op_room_join(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_place_ask ask = { .kind = SIG_MAIL_ROOM,
		.event = SIG_ROOM_JOIN };

	ask.room = named_room(core, link, req);
	ask.number =
	    (uint64_t)json_in_int_opt(&req->in, "member", 1, UINT32_MAX, 0);
	if (ask.room != NULL)
		join(core, link, req, &ask);
}

void
sig_op_room_say(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_place_ask ask = { .kind = SIG_MAIL_ROOM,
		.event = (enum sig_room_event)req->arg };
	bool to = ask.event != SIG_ROOM_LEAVE && ask.event != SIG_ROOM_MEDIA;

	ask.room = named_room(core, link, req);
	if (ask.room == NULL)
		return;
	if (to)
		ask.number =
		    (uint64_t)json_in_int(&req->in, "to", 1, NUMBER_MAX);
	ask.text = ask_text(&core->cfg, &req->in, ask.event, &ask.len);
	if (sig_req_bad(core, link, req))
		return;
	if (sig_op_room(core, link, req))
		sig_place_ask(core, link, req, &ask);
	else
		free(ask.text);
}
