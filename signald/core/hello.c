/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/audience.h"
#include "signald/core/auth.h"
#include "signald/core/beat.h"
#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/hello.h"
#include "signald/core/ice.h"
#include "signald/core/inbox.h"
#include "signald/core/leg.h"
#include "signald/core/life.h"
#include "signald/core/link.h"
#include "signald/core/name.h"
#include "signald/core/peer.h"
#include "signald/core/presence.h"
#include "signald/core/place.h"
#include "signald/core/privacy.h"
#include "signald/core/session.h"
#include "signald/core/standing.h"
#include "signald/core/user.h"

#define SYNC_MAX ((INT64_C(1) << 53) - 1)
#define WHY_MAX  160

static void
copy(char *dst, size_t size, const char *src)
{
	if (src != NULL)
		memcpy(dst, src, strnlen(src, size - 1));
}

/* A nick that is too long is cut between two characters of its UTF-8. */
static void
copy_nick(char dst[SIG_NICK_MAX + 1], const char *nick)
{
	size_t len = nick == NULL ? 0 : strlen(nick);

	if (len > SIG_NICK_MAX) {
		len = SIG_NICK_MAX;
		while (len > 0 && ((unsigned char)nick[len] & 0xc0) == 0x80)
			len--;
	}
	if (len > 0)
		memcpy(dst, nick, len);
	dst[len] = '\0';
}

/* What the client said meanwhile is for whoever frees the log-in to hear. */
static struct buf
take_said(struct sig_login *login)
{
	struct buf said = login->said;

	buf_init(&login->said, 0);
	return said;
}

void
sig_login_free(struct sig_core *core, struct sig_login *login)
{
	struct sig_user *user;

	if (login == NULL)
		return;
	user = login->user;
	if (user != NULL) {
		LIST_REMOVE(login, of_user);
		sig_user_release(core, user);
	}
	login->link->login = NULL;
	buf_fini(&login->said);
	free(login);
}

/* NULL after telling the client what is wrong. */
static struct sig_login *
login_read(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_login *login = calloc(1, sizeof(*login));
	struct json_in *in = &req->in;
	const char *device, *state;

	if (login == NULL) {
		sig_fail(core, link->id, req->id, SIG_OVERLOADED, "no memory");
		return NULL;
	}
	buf_init(&login->said, SIG_PRELOGIN_READ);
	login->link = link;
	login->request = req->id;
	device = json_in_str(in, "device", 1, SIG_DEVICE_MAX);
	copy(login->device, sizeof(login->device), device);
	copy(login->session, sizeof(login->session),
	    json_in_str_opt(in, "session", 1, SIG_SESSION_MAX));
	copy(login->secret, sizeof(login->secret),
	    json_in_str_opt(in, "secret", 1, SIG_SECRET_MAX));
	copy(login->epoch, sizeof(login->epoch),
	    json_in_str_opt(in, "epoch", 1, SIG_EPOCH_LEN - 1));
	state = json_in_str_opt(in, "state", 1, 16);
	login->has_sync = json_in_has(in, "sync");
	login->sync = (uint64_t)json_in_int_opt(in, "sync", 0, SYNC_MAX, 0);
	sig_beat_read(in, login);
	if (sig_req_bad(core, link, req)) {
		free(login);
		return NULL;
	}
	if (state != NULL && !sig_presence_named(state, &login->state)) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "state: must be online, away, busy or invisible");
		free(login);
		return NULL;
	}
	if (!sig_name_device_ok(device, strlen(device))) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "device: must be of A-Z a-z 0-9 . _ -");
		free(login);
		return NULL;
	}
	return login;
}

static void
hello_refuse(struct sig_core *core, struct sig_link *link, int err)
{
	uint64_t id = link->id, request = link->login->request;
	struct buf said;

	if (err == -ENOENT) {
		sig_fail(core, id, request, SIG_NOT_FOUND, "no such user");
		sig_link_close(core, id, 4501, "no such user");
		return;
	}
	sig_fail(core, id, request, SIG_STORAGE, "the log does not answer");
	said = take_said(link->login);
	sig_login_free(core, link->login);
	sig_link_await_hello(core, link);
	sig_link_hear_said(core, id, &said);
}

static int hello_read(struct sig_core *, struct sig_link *);

static void
hello_made(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_link *link = sig_link_find(core, ticket->link);
	int err = res->err;

	if (err == 0)
		sig_event_user(core, SIG_EVENT_USER_REGISTERED, ticket->user);
	if (link == NULL || link->login == NULL)
		return;
	link->login->made = true;
	/* Two devices of a new user may come at once. */
	if (err == 0 || err == -EEXIST)
		err = hello_read(core, link);
	if (err != 0)
		hello_refuse(core, link, -EIO);
}

/* A user whom the identity service knows and we do not yet: made without a
 * password, so that only the service can let it in. */
static int
hello_make_user(struct sig_core *core, struct sig_link *link)
{
	struct sig_ticket *ticket = sig_ticket_new(link, link->login->request);
	struct sig_append *append = calloc(1, sizeof(*append));

	if (ticket != NULL)
		ticket->appended = hello_made;
	if (append != NULL) {
		append->kind = SIG_APPEND_USER;
		append->ts = core->wall;
		copy(append->user, sizeof(append->user),
		    link->login->user->name);
	}
	if (ticket != NULL)
		copy(ticket->user, sizeof(ticket->user),
		    link->login->user->name);
	return sig_append(core, ticket, append);
}

static sig_rows_fn hello_large;

/* Asks the log for more of what the log-in needs. 0 or -errno. */
static int
hello_ask(struct sig_core *core, const struct sig_link *link,
    enum sig_read_kind kind, sig_rows_fn *rows)
{
	const struct sig_login *login = link->login;
	struct sig_read read = { .kind = kind };
	struct sig_ticket *ticket = sig_ticket_new(link, login->request);

	copy(read.user, sizeof(read.user), login->user->name);
	copy(read.device, sizeof(read.device), login->device);
	if (ticket != NULL)
		ticket->rows = rows;
	return sig_read(core, ticket, &read);
}

/* What the log knows shuts out a token that is good by itself. */
static bool
hello_unwanted(struct sig_core *core, struct sig_link *link,
    const struct sig_standing *standing)
{
	uint64_t id = link->id, request = link->login->request;

	if (standing->role == SIG_USER_DELETED) {
		sig_fail(core, id, request, SIG_BANNED, "this user is deleted");
		sig_link_close(core, id, 4501, "deleted");
		return true;
	}
	if (standing->role == SIG_USER_BANNED) {
		sig_fail(core, id, request, SIG_BANNED, "this user is banned");
		sig_link_close(core, id, 4501, "banned");
		return true;
	}
	if (!sig_grant_void(&link->login->grant, standing))
		return false;
	sig_fail(core, id, request, SIG_UNAUTHORIZED, "token: it is void");
	sig_link_close(core, id, 4500, "token void");
	return true;
}

static void
hello_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_link *link = sig_link_find(core, ticket->link);
	struct sig_login *login;
	struct sig_user *user;
	int err;

	if (link == NULL || link->login == NULL)
		return;
	login = link->login;
	if (rows->err == -ENOENT && login->grant.outside && !login->made) {
		if (hello_make_user(core, link) != 0)
			hello_refuse(core, link, -EIO);
		return;
	}
	if (rows->err != 0) {
		hello_refuse(core, link, rows->err);
		return;
	}
	if (hello_unwanted(core, link, &rows->standing))
		return;
	user = login->user;
	sig_standing_read(core, user, &rows->standing);
	copy_nick(user->nick, rows->nick);
	memcpy(core->epoch, rows->epoch, sizeof(core->epoch));
	if (rows->head > user->head)
		user->head = rows->head;
	if (rows->contacts > user->contacts)
		user->contacts = rows->contacts;
	login->cursor = rows->cursor;
	user->privacy = rows->privacy;
	sig_peer_meet(core, user, rows, false);
	err = hello_ask(core, link, SIG_READ_LARGE, hello_large);
	if (err != 0)
		hello_refuse(core, link, err);
}

/* The large conversations, from whose entries on the user is told. */
static void
hello_large(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_link *link = sig_link_find(core, ticket->link);
	struct sig_user *user;
	int err = rows->err;
	size_t i;

	if (link == NULL || link->login == NULL)
		return;
	user = link->login->user;
	for (i = 0; err == 0 && i < rows->nrows; i++)
		err = sig_audience_join(
		    core, user, rows->rows[i].conv, rows->rows[i].seq);
	if (err != 0) {
		hello_refuse(core, link, err);
		return;
	}
	link->login->loaded = true;
	/* Who has not answered an earlier log-in is not waited for again. */
	if (user->asking == 0 || !user->ask_timer.wheel.set)
		sig_hello_answer_all(core, user);
}

/* Asks the log what it knows of the user and the device. */
static int
hello_read(struct sig_core *core, struct sig_link *link)
{
	return hello_ask(core, link, SIG_READ_LOGIN, hello_rows);
}

static void
hello_start(struct sig_core *core, struct sig_link *link,
    struct sig_login *login, const char *name)
{
	struct sig_user *user = sig_user_get(core, name);
	int err = -ENOMEM;

	link->login = login;
	if (user != NULL) {
		login->user = user;
		LIST_INSERT_HEAD(&user->logins, login, of_user);
		err = hello_read(core, link);
	}
	if (err != 0) {
		sig_fail(core, link->id, login->request, SIG_OVERLOADED,
		    "the server is out of room");
		sig_login_free(core, login);
		return;
	}
	link->state = SIG_LINK_LOGIN;
	sig_timer_clear(core, &link->timer);
}

void
sig_op_hello(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *token = json_in_str(&req->in, "token", 1, SIG_AUTH_MAX);
	struct sig_login *login = login_read(core, link, req);
	struct sig_claims claims;
	char msg[WHY_MAX];
	const char *why;
	uint32_t shard;

	if (login == NULL)
		return;
	if (sig_auth(&core->cfg, token, strlen(token), core->wall, &claims,
		&why) != 0) {
		free(login);
		snprintf(msg, sizeof(msg), "token: %s", why);
		sig_fail(core, link->id, req->id, SIG_UNAUTHORIZED, msg);
		sig_link_close(core, link->id, 4500, "token bad or expired");
		return;
	}
	login->grant = claims.grant;
	shard = sig_shard_of(&core->cfg, claims.user);
	if (shard != core->cfg.shard) {
		free(login);
		/* With what follows the hello in its frame. */
		sig_move(core, link->id, shard, req->text, req->len);
		sig_link_forget(core, link);
		return;
	}
	hello_start(core, link, login, claims.user);
}

/* What the device has acked, as far as we know: the log hears of it late, but
 * a session of the device that is still there knows. */
static uint64_t
device_cursor(const struct sig_login *login)
{
	const struct sig_session *s;
	uint64_t cursor = login->cursor;

	LIST_FOREACH (s, &login->user->sessions, of_user)
		if (strcmp(s->device, login->device) == 0 &&
		    s->inbox.acked > cursor)
			cursor = s->inbox.acked;
	return cursor;
}

/* Where the session's walk begins. False: the client's state is of another
 * life of the store, or ahead of it: it starts over. */
static bool
hello_cursor(const struct sig_core *core, const struct sig_login *login,
    const struct sig_session *old, uint64_t *from)
{
	*from = old != NULL && !old->woken ? old->inbox.acked
					   : device_cursor(login);
	if (login->has_sync)
		*from = login->sync;
	if ((login->epoch[0] == '\0' ||
		strcmp(login->epoch, core->epoch) == 0) &&
	    *from <= login->user->head)
		return true;
	*from = 0;
	return false;
}

static void
hello_send(struct sig_core *core, struct sig_session *s, uint64_t request,
    bool resumed, bool recovered)
{
	const struct sig_user *user = s->user;
	struct json_out o;
	struct buf b;

	s->hello = ++core->hellos;
	sig_ok_begin(&o, &b, request);
	json_out_str(&o, "user", user->name);
	json_out_str(&o, "nick", user->nick);
	json_out_str(&o, "device", s->device);
	json_out_str(&o, "session", s->id);
	json_out_str(&o, "secret", s->secret);
	json_out_bool(&o, "resumed", resumed);
	json_out_str(&o, "epoch", core->epoch);
	json_out_bool(&o, "recovered", recovered);
	json_out_int(&o, "sync", (int64_t)user->head);
	json_out_int(&o, "contacts_version", (int64_t)user->contacts);
	json_out_int(&o, "expires_ts", (int64_t)s->link->grant.expires_ms);
	json_out_int(&o, "resume_ms", core->cfg.resume_ms);
	sig_beat_write(&o, &core->cfg, s->link);
	sig_ice_write(&o, &core->cfg, user->name, core->wall);
	json_out_object(&o, "privacy");
	sig_privacy_write(&o, user->privacy);
	json_out_close(&o);
	sig_peer_write(&o, user);
	if (s->unsure)
		sig_leg_write(&o, s);
	sig_audience_write(&o, user);
	sig_ok_send(core, s->link->id, request, &o);
}

static void
hello_no_room(struct sig_core *core, struct sig_login *login)
{
	struct sig_link *link = login->link;
	struct buf said = take_said(login);

	sig_fail(core, link->id, login->request, SIG_OVERLOADED,
	    "too many sessions of this user");
	sig_login_free(core, login);
	sig_link_await_hello(core, link);
	sig_link_hear_said(core, link->id, &said);
}

/* Answers with this session. */
static void
hello_finish(struct sig_core *core, struct sig_login *login,
    struct sig_session *s, bool resumed)
{
	struct sig_link *link = login->link;
	uint64_t request = login->request, from;
	enum sig_state state = login->state;
	bool recovered = hello_cursor(core, login, resumed ? s : NULL, &from);
	struct buf said = take_said(login);

	if (!resumed || s->woken)
		s->inbox.saved = login->cursor;
	link->mobile = login->mobile;
	sig_session_attach(core, s, link);
	sig_life_begin(core, link, &login->grant);
	sig_login_free(core, login);
	core->stats.resumes += resumed;
	sig_inbox_start(core, s, from);
	if (resumed && state != SIG_STATE_OFFLINE)
		sig_presence_set(core, s, state);
	else
		sig_presence_changed(core, s->user);
	hello_send(core, s, request, resumed, recovered);
	sig_ice_told(core, s);
	sig_leg_hello(core, s);
	sig_places_back(core, s);
	s->woken = false;
	sig_inbox_pump(core, s);
	sig_link_hear_said(core, link->id, &said);
}

/* The session is on the disk, or the disk is full: then it lives as long as
 * we do. */
static void
hello_kept(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_session *s = sig_session_find(core, ticket->session);
	struct sig_link *link = sig_link_find(core, ticket->link);

	if (res->err != 0)
		core->stats.errors++;
	if (link == NULL || link->login == NULL) {
		/* Nobody will ever know its secret. */
		if (s != NULL)
			sig_session_end(core, s);
	} else if (s == NULL) {
		hello_no_room(core, link->login);
	} else {
		hello_finish(core, link->login, s, false);
	}
}

/* A client gave this link up for the one that the session has by now: its hello
 * has been on the way, or waited for the log, the longer. */
static bool
hello_late(const struct sig_login *login, const struct sig_session *s)
{
	return s->link != NULL && s->link->opened_ms > login->link->opened_ms;
}

static void
hello_answer(struct sig_core *core, struct sig_login *login)
{
	struct sig_session *s = sig_session_prove(core, login);
	struct sig_ticket *ticket;

	if (s != NULL && hello_late(login, s)) {
		sig_link_close(core, login->link->id, 4001,
		    "a newer link has this session");
		return;
	}
	if (s != NULL) {
		hello_finish(core, login, s, true);
		return;
	}
	s = sig_session_new(core, login->user, login->device);
	if (s == NULL) {
		hello_no_room(core, login);
		return;
	}
	s->state =
	    login->state != SIG_STATE_OFFLINE ? login->state : SIG_STATE_ONLINE;
	ticket = sig_ticket_new(login->link, login->request);
	if (ticket != NULL) {
		ticket->appended = hello_kept;
		memcpy(ticket->session, s->id, sizeof(ticket->session));
	}
	login->keeping = sig_session_keep(core, s, ticket) == 0;
	if (!login->keeping)
		hello_finish(core, login, s, false);
}

void
sig_hello_answer_all(struct sig_core *core, struct sig_user *user)
{
	struct sig_login *login, *next;

	/* Each answer frees its log-in; the last one may free the user, but
	 * then the list was at its end. */
	for (login = LIST_FIRST(&user->logins); login != NULL; login = next) {
		next = LIST_NEXT(login, of_user);
		if (login->loaded && !login->keeping)
			hello_answer(core, login);
	}
}
