/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/hello.h"
#include "signald/core/presence.h"
#include "signald/core/reply.h"
#include "signald/core/user.h"

#define ASK_MS 1000 /* a log-in waits no longer for its peers' states */

/* Flags of SIG_MAIL_PRESENCE and _ASK. */
#define ONLINE 1u
#define JOINED 2u /* they share a conversation from now on */
#define ANSWER 4u /* to the ask of a log-in */

static void
presence_post(struct sig_core *core, enum sig_mail_kind kind, const char *to,
    const char *from, uint32_t flags, uint64_t ts)
{
	struct sig_mail *mail = sig_mail_new(kind, to);

	if (mail != NULL) {
		memcpy(mail->from, from, strnlen(from, SIG_NAME_MAX));
		mail->flags = flags;
		mail->ts = ts;
	}
	sig_post(core, mail);
}

/* The peers of a user that has gone; unless it came back meanwhile. */
static void
presence_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	const struct sig_user *user = sig_user_find(core, ticket->user);
	size_t i;

	if (user != NULL && user->online)
		return;
	for (i = 0; i < rows->nrows; i++) {
		if (rows->rows[i].peer != NULL)
			presence_post(core, SIG_MAIL_PRESENCE,
			    rows->rows[i].peer, ticket->user, 0, ticket->from);
	}
}

/* No log-in has read whom a woken user talks with. */
static void
presence_look_up(struct sig_core *core, const struct sig_user *user)
{
	struct sig_read read = { .kind = SIG_READ_LOGIN };
	struct sig_ticket *ticket = sig_ticket_new(NULL, 0);

	if (ticket != NULL) {
		ticket->rows = presence_rows;
		ticket->from = user->last_seen;
		memcpy(ticket->user, user->name, sizeof(ticket->user));
	}
	memcpy(read.user, user->name, sizeof(read.user));
	if (sig_read(core, ticket, &read) != 0)
		core->stats.errors++;
}

/* Tells all peers, and the log when the user was last here. */
static void
presence_tell(struct sig_core *core, struct sig_user *user)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	const struct sig_peer *peer;
	size_t pos = 0;

	if (!user->met && !user->online)
		presence_look_up(core, user);
	while (user->met && (peer = htab_next(&user->peers, &pos)) != NULL)
		presence_post(core, SIG_MAIL_PRESENCE, peer->name, user->name,
		    user->online ? ONLINE : 0, user->last_seen);
	if (append != NULL) {
		append->kind = SIG_APPEND_SEEN;
		memcpy(append->user, user->name, sizeof(append->user));
		append->ts = user->last_seen;
	}
	if (sig_append(core, sig_ticket_new(NULL, 0), append) != 0)
		core->stats.errors++;
}

void
sig_presence_online(struct sig_core *core, struct sig_user *user)
{
	if (user->online)
		return;
	user->online = true;
	user->last_seen = core->wall;
	core->stats.users_online++;
	sig_event_user(core, SIG_EVENT_USER_ONLINE, user->name);
	presence_tell(core, user);
}

void
sig_presence_woken(struct sig_core *core, struct sig_user *user)
{
	if (user->online)
		return;
	user->online = true;
	user->last_seen = core->wall;
	core->stats.users_online++;
}

void
sig_presence_offline(struct sig_core *core, struct sig_user *user)
{
	if (!user->online)
		return;
	user->online = false;
	core->stats.users_online--;
	sig_event_user(core, SIG_EVENT_USER_OFFLINE, user->name);
	presence_tell(core, user);
}

static void
presence_asked_long(struct sig_core *core, struct sig_timer *t)
{
	struct sig_user *user = (struct sig_user *)((char *)t -
	    offsetof(struct sig_user, ask_timer));

	sig_hello_answer_all(core, user);
}

void
sig_presence_ask(
    struct sig_core *core, struct sig_user *user, struct sig_peer *peer)
{
	peer->asked = true;
	if (user->asking++ == 0)
		sig_timer_set(core, &user->ask_timer, core->now + ASK_MS,
		    presence_asked_long);
	presence_post(
	    core, SIG_MAIL_PRESENCE_ASK, peer->name, user->name, 0, 0);
}

void
sig_presence_join(struct sig_core *core, const char *a, const char *b)
{
	presence_post(core, SIG_MAIL_PRESENCE_ASK, a, b, JOINED, 0);
	presence_post(core, SIG_MAIL_PRESENCE_ASK, b, a, JOINED, 0);
}

void
sig_presence_asked(struct sig_core *core, const struct sig_mail *mail)
{
	const struct sig_user *user = sig_user_find(core, mail->to);
	uint32_t flags = ANSWER;
	uint64_t seen = 0;

	if ((mail->flags & JOINED) != 0)
		flags = JOINED;
	if (user != NULL && user->online)
		flags |= ONLINE;
	if (user != NULL)
		seen = user->last_seen;
	presence_post(
	    core, SIG_MAIL_PRESENCE, mail->from, mail->to, flags, seen);
}

void
sig_presence_write(struct json_out *o, const struct sig_peer *peer)
{
	json_out_str(o, "user", peer->name);
	json_out_str(o, "state", peer->online ? "online" : "offline");
	json_out_int(o, "last_seen", (int64_t)peer->last_seen);
}

static void
presence_push(
    struct sig_core *core, struct sig_user *user, const struct sig_peer *peer)
{
	struct sig_session *s;
	struct json_out o;
	struct buf b;

	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s->link == NULL)
			continue;
		sig_push_begin(&o, &b, "presence");
		sig_presence_write(&o, peer);
		json_out_end(&o);
		core->stats.pushes++;
		sig_send(core, s->link->id, &b, true);
	}
}

void
sig_presence_told(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	bool online = (mail->flags & ONLINE) != 0, news;
	struct sig_peer *peer;

	if (user == NULL)
		return;
	peer = (mail->flags & JOINED) != 0
	    ? sig_peer_get(core, user, mail->from)
	    : sig_peer_find(core, user, mail->from);
	if (peer == NULL)
		return;
	news = peer->online != online || (mail->flags & JOINED) != 0;
	peer->online = online;
	if (mail->ts > peer->last_seen)
		peer->last_seen = mail->ts;
	if (news)
		presence_push(core, user, peer);
	if ((mail->flags & ANSWER) == 0 || !peer->asked)
		return;
	peer->asked = false;
	if (--user->asking == 0) {
		sig_timer_clear(core, &user->ask_timer);
		sig_hello_answer_all(core, user);
	}
}
