/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/crowd.h"
#include "signald/core/effect.h"

static bool
crowd_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_crowd *)obj)->id, key) == 0;
}

static struct sig_crowd *
crowd_find(const struct sig_core *core, const char *id)
{
	return htab_find(&core->crowds, sig_hash(core, id), crowd_is, id);
}

/* For at most max members. */
static struct sig_crowd *
crowd_new(struct sig_core *core, const char *id, uint32_t max)
{
	struct sig_crowd *crowd = calloc(
	    1, sizeof(*crowd) + core->cfg.shards * sizeof(struct sig_members));

	if (crowd == NULL)
		return NULL;
	memcpy(crowd->id, id, strnlen(id, SIG_ROOM_MAX));
	TAILQ_INIT(&crowd->members);
	htab_init(&crowd->sessions, max);
	if (htab_put(&core->crowds, sig_hash(core, id), crowd) != 0) {
		free(crowd);
		return NULL;
	}
	LIST_INSERT_HEAD(&core->all_crowds, crowd, of_core);
	core->stats.rooms++;
	return crowd;
}

static void
member_free(
    struct sig_core *core, struct sig_crowd *crowd, struct sig_member *member)
{
	htab_del(&crowd->sessions, sig_hash(core, member->session), member);
	TAILQ_REMOVE(&crowd->members, member, of_crowd);
	LIST_REMOVE(member, of_shard);
	free(member->own);
	free(member);
}

void
sig_crowd_free(struct sig_core *core, struct sig_crowd *crowd)
{
	struct sig_member *member;

	while ((member = TAILQ_FIRST(&crowd->members)) != NULL)
		member_free(core, crowd, member);
	htab_fini(&crowd->sessions);
	htab_del(&core->crowds, sig_hash(core, crowd->id), crowd);
	LIST_REMOVE(crowd, of_core);
	core->stats.rooms--;
	free(crowd);
}

static bool
member_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_member *)obj)->session, key) == 0;
}

static struct sig_member *
crowd_session(const struct sig_core *core, const struct sig_crowd *crowd,
    const char *session)
{
	return htab_find(
	    &crowd->sessions, sig_hash(core, session), member_is, session);
}

struct sig_member *
sig_crowd_number(const struct sig_crowd *crowd, uint64_t number)
{
	struct sig_member *member;

	TAILQ_FOREACH (member, &crowd->members, of_crowd) {
		if (member->number == number)
			return member;
	}
	return NULL;
}

static void
member_seat(struct sig_crowd *crowd, struct sig_member *member, uint64_t wanted)
{
	struct sig_member *before;

	member->number = crowd->last + 1;
	if (crowd->again && wanted != 0 &&
	    sig_crowd_number(crowd, wanted) == NULL)
		member->number = wanted;
	if (member->number > crowd->last)
		crowd->last = member->number;
	TAILQ_FOREACH_REVERSE (before, &crowd->members, sig_seats, of_crowd) {
		if (before->number < member->number)
			break;
	}
	if (before != NULL)
		TAILQ_INSERT_AFTER(&crowd->members, before, member, of_crowd);
	else
		TAILQ_INSERT_HEAD(&crowd->members, member, of_crowd);
	LIST_INSERT_HEAD(&crowd->shards[member->shard], member, of_shard);
}

/* The session that the mail is from. */
static struct sig_member *
member_new(struct sig_core *core, struct sig_crowd *crowd,
    const struct sig_mail *mail, uint64_t wanted, size_t own)
{
	struct sig_member *member = calloc(1, sizeof(*member));

	if (member == NULL)
		return NULL;
	memcpy(member->user, mail->from, sizeof(member->user));
	memcpy(member->session, mail->session, sizeof(member->session));
	memcpy(member->device, mail->device, sizeof(member->device));
	member->shard = sig_shard_of(&core->cfg, member->user);
	member->own = calloc(1, own);
	if (member->own == NULL ||
	    htab_put(&crowd->sessions, sig_hash(core, member->session),
		member) != 0) {
		free(member->own);
		free(member);
		return NULL;
	}
	member_seat(crowd, member, wanted);
	return member;
}

void
sig_crowd_leave(
    struct sig_core *core, struct sig_crowd *crowd, struct sig_member *member)
{
	member_free(core, crowd, member);
	if (TAILQ_EMPTY(&crowd->members))
		sig_crowd_free(core, crowd);
}

static void
crowd_post(struct sig_core *core, const struct sig_crowd *crowd,
    const char *user, uint32_t flags, const char *session,
    const struct buf *text)
{
	struct sig_mail *mail = NULL;

	if (text->err == 0)
		mail = sig_mail_text(SIG_MAIL_ROOM_TELL, user,
		    (const char *)text->data, text->len);
	if (mail != NULL) {
		memcpy(mail->call, crowd->id, sizeof(crowd->id));
		memcpy(
		    mail->session, session, strnlen(session, SIG_SESSION_MAX));
		mail->flags = flags;
	}
	sig_post(core, mail);
}

void
sig_crowd_tell(struct sig_core *core, const struct sig_crowd *crowd,
    uint32_t flags, const struct sig_member *but, struct buf *text)
{
	const struct sig_member *first;
	uint32_t i;

	for (i = 0; i < core->cfg.shards; i++) {
		first = LIST_FIRST(&crowd->shards[i]);
		if (first == NULL ||
		    (first == but && LIST_NEXT(first, of_shard) == NULL))
			continue;
		if (but != NULL)
			crowd_post(core, crowd, first->user,
			    flags | SIG_TELL_BUT, but->session, text);
		else
			crowd_post(core, crowd, first->user, flags, "", text);
	}
	buf_fini(text);
}

void
sig_crowd_tell_one(struct sig_core *core, const struct sig_crowd *crowd,
    uint32_t flags, const struct sig_member *member, struct buf *text)
{
	crowd_post(core, crowd, member->user, flags | SIG_TELL_ONE,
	    member->session, text);
	buf_fini(text);
}

static void
crowd_reply(struct sig_core *core, const struct sig_mail *ask,
    struct sig_mail *reply, enum sig_err err)
{
	if (ask->request == 0) { /* nobody asked: it befell the session */
		sig_mail_free(reply);
		return;
	}
	if (reply != NULL) {
		memcpy(reply->call, ask->to, sizeof(reply->call));
		memcpy(reply->session, ask->session, sizeof(reply->session));
		reply->request = ask->request;
		reply->flags = err;
	}
	sig_post(core, reply);
}

void
sig_crowd_answer(
    struct sig_core *core, const struct sig_mail *ask, struct buf *answer)
{
	if (answer->err == 0)
		crowd_reply(core, ask,
		    sig_mail_text(SIG_MAIL_ROOM_REPLY, ask->from,
			(const char *)answer->data, answer->len),
		    SIG_OK);
	else
		sig_crowd_refuse(
		    core, ask, SIG_OVERLOADED, "the server is out of room");
	buf_fini(answer);
}

void
sig_crowd_refuse(struct sig_core *core, const struct sig_mail *ask,
    enum sig_err err, const char *why)
{
	crowd_reply(core, ask,
	    sig_mail_text(SIG_MAIL_ROOM_REPLY, ask->from, why, strlen(why)),
	    err);
}

bool
sig_crowd_enter(struct sig_core *core, struct sig_crowd_ask *ask,
    uint64_t wanted, uint32_t max, size_t own, const char *why)
{
	const struct sig_mail *mail = ask->mail;

	if (ask->crowd == NULL) {
		ask->crowd = crowd_new(core, mail->to, max);
		if (ask->crowd != NULL)
			ask->crowd->again = wanted != 0;
	}
	if (ask->crowd != NULL && ask->crowd->sessions.used >= max) {
		sig_crowd_refuse(core, mail, SIG_CONFLICT, "room: full");
		return false;
	}
	if (ask->crowd != NULL)
		ask->from = member_new(core, ask->crowd, mail, wanted, own);
	if (ask->from != NULL)
		return true;
	if (ask->crowd != NULL && TAILQ_EMPTY(&ask->crowd->members))
		sig_crowd_free(core, ask->crowd);
	sig_crowd_refuse(core, mail, SIG_OVERLOADED, why);
	return false;
}

static bool
may_be_outside(enum sig_room_event event)
{
	/* To leave is asked again, or by one that never was in. */
	return event == SIG_ROOM_JOIN || event == SIG_ROOM_CREATE ||
	    event == SIG_ROOM_LEAVE;
}

void
sig_crowd_asked(struct sig_core *core, const struct sig_mail *mail,
    sig_crowd_fn *const does[SIG_ROOM_EVENTS])
{
	struct sig_crowd_ask ask = { mail, crowd_find(core, mail->to), NULL };
	uint32_t event = mail->flags;

	if (event >= SIG_ROOM_EVENTS || does[event] == NULL)
		return;
	if (ask.crowd != NULL)
		ask.from = crowd_session(core, ask.crowd, mail->session);
	if (ask.from != NULL || may_be_outside((enum sig_room_event)event))
		does[event](core, &ask);
	else
		sig_crowd_refuse(core, mail, SIG_NOT_FOUND, "room: not in it");
}
