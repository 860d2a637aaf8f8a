/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/hello.h"
#include "signald/core/peer.h"
#include "signald/core/presence.h"
#include "signald/core/reply.h"
#include "signald/core/user.h"

#define ASK_MS 1000 /* a log-in waits no longer for its peers' states */

/* Flags of SIG_MAIL_PRESENCE and _ASK, above the state. */
#define STATE_MASK 7u
#define HERE       8u  /* who it is from wants to hear of changes */
#define UNSEEN     16u /* and is last seen by nobody */
#define JOINED     32u /* they are friends from now on */
#define ANSWER     64u /* to the ask of a log-in */

static bool
peer_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_peer *)obj)->name, key) == 0;
}

struct sig_peer *
sig_peer_find(
    const struct sig_core *core, const struct sig_user *user, const char *name)
{
	return htab_find(&user->peers, sig_hash(core, name), peer_is, name);
}

static void
peer_free(struct sig_peer *peer)
{
	free(peer->status);
	free(peer);
}

void
sig_peer_free_all(struct sig_user *user)
{
	struct sig_peer *peer;
	size_t pos = 0;

	while ((peer = htab_next(&user->peers, &pos)) != NULL)
		peer_free(peer);
	htab_fini(&user->peers);
}

/* Found or new; NULL: no room. */
static struct sig_peer *
peer_get(struct sig_core *core, struct sig_user *user, const char *name)
{
	struct sig_peer *peer = sig_peer_find(core, user, name);

	if (peer != NULL)
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return NULL;
	memcpy(peer->name, name, strnlen(name, SIG_NAME_MAX));
	if (htab_put(&user->peers, sig_hash(core, name), peer) != 0) {
		peer_free(peer);
		return NULL;
	}
	return peer;
}

static struct sig_mail *
peer_mail(enum sig_mail_kind kind, const char *to, const char *from)
{
	struct sig_mail *mail = sig_mail_new(kind, to);

	if (mail != NULL)
		memcpy(mail->from, from, strnlen(from, SIG_NAME_MAX));
	return mail;
}

/* To one of them, how the user is. user NULL: it is not loaded. */
static void
peer_send(struct sig_core *core, const struct sig_user *user, const char *name,
    const char *to, uint32_t flags)
{
	struct sig_mail *mail = peer_mail(SIG_MAIL_PRESENCE, to, name);
	struct sig_face face = { .state = SIG_STATE_OFFLINE };

	if (user != NULL)
		sig_presence_face(user, &face);
	if (mail != NULL) {
		mail->flags = flags | face.state | (face.here ? HERE : 0) |
		    (face.unseen ? UNSEEN : 0);
		mail->ts = face.last_seen;
		if (face.status[0] != '\0') {
			/* Without it the state is still right. */
			mail->text = strdup(face.status);
			mail->text_len = strlen(face.status);
		}
	}
	sig_post(core, mail);
}

void
sig_peer_tell(struct sig_core *core, struct sig_user *user)
{
	uint32_t flags = user->answers ? ANSWER : 0;
	const struct sig_peer *peer;
	size_t pos = 0;

	while ((peer = htab_next(&user->peers, &pos)) != NULL) {
		if (peer->here)
			peer_send(core, user, user->name, peer->name, flags);
	}
	user->answers = false;
}

void
sig_peer_ask(struct sig_core *core, struct sig_user *user)
{
	struct sig_peer *peer;
	size_t pos = 0;

	while ((peer = htab_next(&user->peers, &pos)) != NULL) {
		if (peer->ask != SIG_ASK_DUE)
			continue;
		peer->ask = SIG_ASK_SENT;
		sig_post(core,
		    peer_mail(SIG_MAIL_PRESENCE_ASK, peer->name, user->name));
	}
}

static void
asked_long(struct sig_core *core, struct sig_timer *t)
{
	struct sig_user *user = (struct sig_user *)((char *)t -
	    offsetof(struct sig_user, ask_timer));

	sig_hello_answer_all(core, user);
}

/* One answer more that log-ins wait for, but not for long. */
static void
wait_more(struct sig_core *core, struct sig_user *user)
{
	if (user->asking++ == 0)
		sig_timer_set(
		    core, &user->ask_timer, core->now + ASK_MS, asked_long);
}

static void
wait_less(struct sig_core *core, struct sig_user *user)
{
	if (--user->asking > 0)
		return;
	sig_timer_clear(core, &user->ask_timer);
	sig_hello_answer_all(core, user);
}

static void
more_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_user *user = sig_user_find(core, ticket->user);

	if (user == NULL || !user->reading)
		return;
	user->reading = false;
	if (rows->err == 0) {
		/* The first of a look-up. */
		if (ticket->peer[0] == '\0')
			user->privacy = rows->privacy;
		sig_peer_meet(core, user, rows, ticket->op != 0);
	} else {
		core->stats.errors++;
		user->met = true;
	}
	wait_less(core, user);
	sig_user_release(core, user);
}

/* The friends after this one; "": from the first on. */
static void
read_more(
    struct sig_core *core, struct sig_user *user, const char *after, bool here)
{
	struct sig_read read = { .kind = SIG_READ_PEERS };
	struct sig_ticket *ticket;

	if (user->reading)
		return;
	if (after[0] == '\0')
		read.kind = SIG_READ_LOGIN;
	ticket = sig_ticket_new(NULL, 0);
	memcpy(read.user, user->name, sizeof(read.user));
	memcpy(read.peer, after, strnlen(after, SIG_NAME_MAX));
	if (ticket != NULL) {
		ticket->rows = more_rows;
		ticket->op = here;
		memcpy(ticket->user, user->name, sizeof(ticket->user));
		memcpy(ticket->peer, read.peer, sizeof(ticket->peer));
	}
	if (sig_read(core, ticket, &read) != 0) {
		core->stats.errors++;
		return;
	}
	user->reading = true;
	wait_more(core, user);
}

void
sig_peer_look_up(struct sig_core *core, struct sig_user *user)
{
	read_more(core, user, "", true);
}

void
sig_peer_meet(struct sig_core *core, struct sig_user *user,
    const struct sig_rows *rows, bool here)
{
	const struct sig_row *row;
	struct sig_peer *peer;
	size_t i;

	for (i = 0; i < rows->nrows; i++) {
		row = &rows->rows[i];
		/* Of one that is known mail has told more, but for whether it
		 * asked before the log-in's rows came. */
		peer = sig_peer_find(core, user, row->peer);
		if (peer != NULL) {
			peer->here = peer->here || here;
			continue;
		}
		peer = peer_get(core, user, row->peer);
		if (peer == NULL)
			continue;
		peer->last_seen = row->last_seen;
		peer->here = here;
		if (!here) {
			peer->ask = SIG_ASK_DUE;
			user->asks = true;
			wait_more(core, user);
		}
	}
	if (!rows->complete && rows->nrows > 0)
		read_more(core, user, rows->rows[rows->nrows - 1].peer, here);
	else
		user->met = true;
	sig_presence_queue(core, user);
}

static void
peer_members(struct json_out *o, const struct sig_peer *peer)
{
	json_out_str(o, "user", peer->name);
	json_out_str(o, "state", sig_presence_name(peer->state));
	json_out_int(o, "last_seen", (int64_t)peer->last_seen);
	if (peer->status != NULL)
		json_out_str(o, "status_text", peer->status);
}

void
sig_peer_write(struct json_out *o, const struct sig_user *user)
{
	const struct sig_peer *peer;
	size_t pos = 0;

	json_out_array(o, "peers");
	while ((peer = htab_next(&user->peers, &pos)) != NULL) {
		json_out_object(o, NULL);
		peer_members(o, peer);
		json_out_close(o);
	}
	json_out_close(o);
}

static void
peer_push(
    struct sig_core *core, struct sig_user *user, const struct sig_peer *peer)
{
	struct sig_session *s;
	struct json_out o;
	struct buf b;

	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s->link == NULL)
			continue;
		sig_push_begin(&o, &b, "presence");
		peer_members(&o, peer);
		json_out_end(&o);
		core->stats.pushes++;
		sig_send(core, s->link->id, &b, true);
	}
}

void
sig_peer_join(struct sig_core *core, struct sig_user *user, const char *name)
{
	struct sig_mail *mail;

	if (peer_get(core, user, name) == NULL)
		return;
	mail = peer_mail(SIG_MAIL_PRESENCE_ASK, name, user->name);
	if (mail != NULL)
		mail->flags = JOINED;
	sig_post(core, mail);
}

void
sig_peer_part(struct sig_core *core, struct sig_user *user, const char *name)
{
	struct sig_peer *peer = sig_peer_find(core, user, name);
	bool waited;

	if (peer == NULL)
		return;
	htab_del(&user->peers, sig_hash(core, name), peer);
	if (peer->state != SIG_STATE_OFFLINE) {
		peer->state = SIG_STATE_OFFLINE;
		peer->last_seen = 0;
		free(peer->status);
		peer->status = NULL;
		peer_push(core, user, peer);
	}
	waited = peer->ask != SIG_ASK_NOT;
	peer_free(peer);
	if (waited)
		wait_less(core, user);
}

void
sig_peer_vanish(struct sig_core *core, struct sig_user *user, const char *name)
{
	const struct sig_peer *peer = sig_peer_find(core, user, name);
	struct sig_mail *mail;
	struct sig_face face;

	if (peer != NULL && peer->here) {
		sig_presence_face(user, &face);
		mail = peer_mail(SIG_MAIL_PRESENCE, name, user->name);
		if (mail != NULL) {
			mail->flags =
			    SIG_STATE_OFFLINE | (face.unseen ? UNSEEN : 0);
			if (face.state != SIG_STATE_OFFLINE && !face.unseen)
				mail->ts = core->wall;
		}
		sig_post(core, mail);
	}
	sig_peer_part(core, user, name);
}

void
sig_peer_asked(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	bool joined = (mail->flags & JOINED) != 0;
	struct sig_peer *peer = NULL;

	if (user != NULL) {
		peer = sig_peer_find(core, user, mail->from);
		if (peer != NULL)
			peer->here = true;
		/* Whether it hides is not known yet: all are answered then. */
		if (!user->met && user->online) {
			memset(&user->told, 0, sizeof(user->told));
			user->answers = true;
			sig_peer_look_up(core, user);
			return;
		}
	}
	/* Whom the user has blocked, or who is no friend yet or any more, hears
	 * what is said for one that is not loaded. */
	peer_send(core, peer != NULL ? user : NULL, mail->to, mail->from,
	    joined ? JOINED : ANSWER);
}

/* Takes over what the mail tells; whether it is news. */
static bool
peer_take(struct sig_peer *peer, const struct sig_mail *mail)
{
	enum sig_state state = (enum sig_state)(mail->flags & STATE_MASK);
	bool news = peer->state != state || (mail->flags & JOINED) != 0;
	char *status = NULL;

	peer->state = state;
	/* One that logs in right now has asked us, and answers that it is not
	 * here yet. */
	if ((mail->flags & HERE) != 0)
		peer->here = true;
	else if ((mail->flags & (ANSWER | JOINED)) == 0)
		peer->here = false;
	if ((mail->flags & UNSEEN) != 0) {
		news = news || peer->last_seen != 0;
		peer->last_seen = 0;
	} else if (mail->ts > peer->last_seen) {
		peer->last_seen = mail->ts;
	}
	if (mail->text_len > 0)
		status = strndup(mail->text, mail->text_len);
	news = news || (status == NULL) != (peer->status == NULL) ||
	    (status != NULL && strcmp(status, peer->status) != 0);
	free(peer->status);
	peer->status = status;
	return news;
}

void
sig_peer_told(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	struct sig_peer *peer;
	bool here;

	if (user == NULL)
		return;
	peer = sig_peer_find(core, user, mail->from);
	if (peer == NULL)
		return;
	here = peer->here;
	if (peer_take(peer, mail))
		peer_push(core, user, peer);
	/* It came late, and has not heard of us. */
	if (!here && peer->here && user->told.here)
		peer_send(core, user, user->name, peer->name, 0);
	if ((mail->flags & ANSWER) != 0 && peer->ask != SIG_ASK_NOT) {
		peer->ask = SIG_ASK_NOT;
		wait_less(core, user);
	}
}
