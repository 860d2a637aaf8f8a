/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/place.h"
#include "signald/core/session.h"

struct sig_hall {
	char room[SIG_ROOM_MAX + 1];
	enum sig_mail_kind kind;
	LIST_HEAD(, sig_place) places;
};

static bool
hall_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_hall *)obj)->room, key) == 0;
}

static struct sig_hall *
hall_find(const struct sig_core *core, const char *room)
{
	return htab_find(&core->halls, sig_hash(core, room), hall_is, room);
}

static struct sig_hall *
hall_get(struct sig_core *core, enum sig_mail_kind kind, const char *room)
{
	struct sig_hall *hall = hall_find(core, room);

	if (hall != NULL)
		return hall;
	hall = calloc(1, sizeof(*hall));
	if (hall == NULL)
		return NULL;
	memcpy(hall->room, room, strnlen(room, SIG_ROOM_MAX));
	hall->kind = kind;
	if (htab_put(&core->halls, sig_hash(core, room), hall) != 0) {
		free(hall);
		return NULL;
	}
	return hall;
}

static void
hall_release(struct sig_core *core, struct sig_hall *hall)
{
	if (!LIST_EMPTY(&hall->places))
		return;
	htab_del(&core->halls, sig_hash(core, hall->room), hall);
	free(hall);
}

struct sig_place *
sig_place_find(const struct sig_session *s, const char *room)
{
	struct sig_place *place;

	LIST_FOREACH (place, &s->places, of_session) {
		if (strcmp(place->hall->room, room) == 0)
			return place;
	}
	return NULL;
}

const char *
sig_place_room(const struct sig_place *place)
{
	return place->hall->room;
}

uint32_t
sig_place_count(const struct sig_session *s, enum sig_mail_kind kind)
{
	const struct sig_place *place;
	uint32_t n = 0;

	LIST_FOREACH (place, &s->places, of_session)
		n += place->hall->kind == kind;
	return n;
}

struct sig_place *
sig_place_get(struct sig_core *core, struct sig_session *s,
    enum sig_mail_kind kind, const char *room)
{
	struct sig_place *place = sig_place_find(s, room);

	if (place != NULL)
		return place;
	place = calloc(1, sizeof(*place));
	if (place == NULL)
		return NULL;
	place->hall = hall_get(core, kind, room);
	if (place->hall == NULL) {
		free(place);
		return NULL;
	}
	place->session = s;
	LIST_INSERT_HEAD(&s->places, place, of_session);
	LIST_INSERT_HEAD(&place->hall->places, place, of_hall);
	return place;
}

void
sig_place_free(struct sig_core *core, struct sig_place *place)
{
	if (place == NULL)
		return;
	LIST_REMOVE(place, of_session);
	LIST_REMOVE(place, of_hall);
	hall_release(core, place->hall);
	free(place);
}

static bool
joins(uint32_t event)
{
	return event == SIG_ROOM_JOIN || event == SIG_ROOM_CREATE;
}

static struct sig_mail *
place_mail(const struct sig_session *s, enum sig_mail_kind kind,
    const char *room, enum sig_room_event event)
{
	struct sig_mail *mail = sig_mail_new(kind, room);

	if (mail == NULL)
		return NULL;
	memcpy(mail->from, s->user->name, sizeof(mail->from));
	memcpy(mail->session, s->id, sizeof(mail->session));
	memcpy(mail->device, s->device, sizeof(mail->device));
	mail->flags = event;
	return mail;
}

/* 0, and *id is the ticket's; or -errno. */
static int
ask_post(struct sig_core *core, struct sig_link *link,
    const struct sig_req *req, const struct sig_place_ask *ask, uint64_t *id)
{
	struct sig_ticket *ticket = sig_ticket_new(link, req->id);
	struct sig_mail *mail =
	    place_mail(link->session, ask->kind, ask->room, ask->event);
	int err = -ENOMEM;

	if (ticket != NULL && mail != NULL) {
		ticket->op = ask->event;
		err = sig_ticket_keep(core, ticket);
	} else {
		sig_ticket_free(ticket);
	}
	if (err != 0) {
		sig_mail_free(mail);
		free(ask->text);
		return err;
	}
	*id = mail->request = ticket->id;
	mail->sync = ask->number;
	mail->text = ask->text;
	mail->text_len = ask->len;
	sig_post(core, mail);
	return 0;
}

void
sig_place_ask(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    const struct sig_place_ask *ask)
{
	struct sig_place *place = sig_place_find(link->session, ask->room);
	uint64_t id = 0;
	int err = -ENOMEM;

	if (joins(ask->event) && place == NULL)
		free(ask->text);
	else
		err = ask_post(core, link, req, ask, &id);
	sig_op_asked(core, link, req, err);
	if (joins(ask->event) && err == 0) {
		place->newest = id;
		if (place->first == 0)
			place->first = id;
	} else if (place != NULL && joins(ask->event) && place->first == 0) {
		sig_place_free(core, place);
	} else if (ask->event == SIG_ROOM_LEAVE && err == 0) {
		sig_place_free(core, place);
	}
}

/* The answer of a join of before a leave is not about the place of today. */
static void
place_keep_up(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_mail *mail)
{
	struct sig_session *s = sig_session_find(core, ticket->session);
	struct sig_place *place = NULL;

	if (s != NULL && joins(ticket->op))
		place = sig_place_find(s, mail->call);
	if (place == NULL || ticket->id < place->first)
		return;
	if (mail->flags == SIG_OK)
		place->taken = true;
	else if (!place->taken && ticket->id == place->newest)
		sig_place_free(core, place);
}

void
sig_place_answered(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_ticket *ticket = sig_ticket_take(core, mail->request);
	struct json_out o;
	struct buf b;
	bool live;

	if (ticket == NULL)
		return;
	place_keep_up(core, ticket, mail);
	live = sig_op_done(core, ticket);
	if (live && mail->flags != SIG_OK) {
		sig_fail(core, ticket->link, ticket->request,
		    (enum sig_err)mail->flags, mail->text);
	} else if (live && ticket->request != 0) {
		buf_init(&b, SIG_TEXT_MAX);
		json_out_init(&o, &b);
		json_out_object(&o, NULL);
		json_out_int(&o, "id", (int64_t)ticket->request);
		json_out_raw(&o, "ok", mail->text, mail->text_len);
		json_out_end(&o);
		sig_send(core, ticket->link, &b, false);
	}
	sig_ticket_free(ticket);
}

static void
place_tell(
    struct sig_core *core, struct sig_session *s, const struct sig_mail *mail)
{
	struct buf b;

	if (s->link == NULL &&
	    (mail->flags & (SIG_TELL_NOW | SIG_TELL_DROP)) != 0)
		return;
	if ((mail->flags & SIG_TELL_DROP) == 0) {
		sig_session_push_call(core, s, mail->text, mail->text_len, "");
		return;
	}
	buf_init(&b, SIG_TEXT_MAX);
	buf_put(&b, mail->text, mail->text_len);
	core->stats.pushes++;
	sig_send(core, s->link->id, &b, true);
}

void
sig_place_told(struct sig_core *core, const struct sig_mail *mail)
{
	const struct sig_hall *hall = hall_find(core, mail->call);
	const struct sig_place *place;
	bool named;

	if (hall == NULL)
		return;
	LIST_FOREACH (place, &hall->places, of_hall) {
		named = strcmp(place->session->id, mail->session) == 0;
		if (!place->taken ||
		    (!named && (mail->flags & SIG_TELL_ONE) != 0) ||
		    (named && (mail->flags & SIG_TELL_BUT) != 0))
			continue;
		place_tell(core, place->session, mail);
	}
}

/* Chatrooms do not care for links: what they tell is not held anyway. */
static void
places_say(
    struct sig_core *core, const struct sig_session *s, enum sig_room_event e)
{
	const struct sig_place *place;

	LIST_FOREACH (place, &s->places, of_session) {
		if (e == SIG_ROOM_GONE || place->hall->kind == SIG_MAIL_ROOM)
			sig_post(core,
			    place_mail(
				s, place->hall->kind, place->hall->room, e));
	}
}

void
sig_places_away(struct sig_core *core, struct sig_session *s)
{
	places_say(core, s, SIG_ROOM_AWAY);
}

void
sig_places_back(struct sig_core *core, struct sig_session *s)
{
	places_say(core, s, SIG_ROOM_BACK);
}

void
sig_places_gone(struct sig_core *core, struct sig_session *s)
{
	places_say(core, s, SIG_ROOM_GONE);
	while (!LIST_EMPTY(&s->places))
		sig_place_free(core, LIST_FIRST(&s->places));
}
