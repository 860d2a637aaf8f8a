/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/peer.h"
#include "signald/core/presence.h"
#include "signald/core/session.h"
#include "signald/core/user.h"

/* Of one user: how often it may say its state. */
#define STATE_PERIOD_MS 500
#define STATE_BURST     20

static const char *const names[] = {
	[SIG_STATE_OFFLINE] = "offline",
	[SIG_STATE_INVISIBLE] = "invisible",
	[SIG_STATE_AWAY] = "away",
	[SIG_STATE_BUSY] = "busy",
	[SIG_STATE_ONLINE] = "online",
};

const char *
sig_presence_name(enum sig_state state)
{
	return names[state];
}

bool
sig_presence_named(const char *name, enum sig_state *state)
{
	enum sig_state i;

	for (i = SIG_STATE_INVISIBLE; i <= SIG_STATE_ONLINE; i++) {
		if (strcmp(names[i], name) == 0) {
			*state = i;
			return true;
		}
	}
	return false;
}

/* The session that counts: the most available, and of those the one that
 * said it last. NULL: there is none. */
static const struct sig_session *
speaker(const struct sig_user *user)
{
	const struct sig_session *s, *best = NULL;

	LIST_FOREACH (s, &user->sessions, of_user) {
		if (best == NULL || s->state > best->state ||
		    (s->state == best->state && s->stated > best->stated))
			best = s;
	}
	return best;
}

static bool
is_visible(const struct sig_user *user)
{
	const struct sig_session *s = speaker(user);

	return s != NULL && s->state > SIG_STATE_INVISIBLE;
}

void
sig_presence_face(const struct sig_user *user, struct sig_face *face)
{
	const struct sig_session *s = speaker(user);
	bool hides = (user->privacy & SIG_HIDE_PRESENCE) != 0;

	memset(face, 0, sizeof(*face));
	face->here = s != NULL;
	face->unseen = (user->privacy & SIG_HIDE_SEEN) != 0;
	/* Who hides may be seen to have been here, but not when it comes. */
	if (!face->unseen && !hides)
		face->last_seen = user->last_seen;
	if (hides || !is_visible(user))
		return;
	face->state = s->state;
	if (s->status != NULL)
		memcpy(face->status, s->status,
		    strnlen(s->status, SIG_STATUS_MAX));
}

static bool
is_told(const struct sig_user *user)
{
	struct sig_face face;

	sig_presence_face(user, &face);
	return face.here == user->told.here &&
	    face.unseen == user->told.unseen &&
	    face.state == user->told.state &&
	    strcmp(face.status, user->told.status) == 0;
}

static void
save_seen(struct sig_core *core, struct sig_user *user)
{
	struct sig_append *append;

	if (user->last_seen == user->seen_saved)
		return;
	append = calloc(1, sizeof(*append));
	if (append != NULL) {
		append->kind = SIG_APPEND_SEEN;
		memcpy(append->user, user->name, sizeof(append->user));
		append->ts = user->last_seen;
	}
	if (sig_append(core, sig_ticket_new(NULL, 0), append) != 0)
		core->stats.errors++;
	else
		user->seen_saved = user->last_seen;
}

static void
window_over(struct sig_core *core, struct sig_timer *t)
{
	/* The end of every event goes on with the queue. */
}

static void
quiet_over(struct sig_core *core, struct sig_timer *t)
{
	struct sig_user *user = (struct sig_user *)((char *)t -
	    offsetof(struct sig_user, tell_timer));

	if (!is_told(user))
		sig_presence_queue(core, user);
	else
		sig_user_release(core, user);
}

static void
tell(struct sig_core *core, struct sig_user *user)
{
	/* No log-in has read whom to tell, since we started; or one has while
	 * those who had asked were looked up. */
	if (!user->met || (user->answers && user->reading)) {
		sig_peer_look_up(core, user);
		return;
	}
	sig_presence_face(user, &user->told);
	sig_peer_tell(core, user);
	save_seen(core, user);
	/* Also one that has gone is remembered so long. */
	user->quiet_ms = core->now + SIG_QUIET_MS;
	sig_timer_set(core, &user->tell_timer, user->quiet_ms, quiet_over);
}

static void
tell_next(struct sig_core *core)
{
	struct sig_user *user = TAILQ_FIRST(&core->to_tell);
	uint32_t work = (uint32_t)user->peers.used + 1;

	TAILQ_REMOVE(&core->to_tell, user, to_tell);
	user->queued = false;
	core->tell_left -= work < core->tell_left ? work : core->tell_left;
	if (user->asks) {
		user->asks = false;
		sig_peer_ask(core, user);
	}
	if (core->now >= user->quiet_ms && !is_told(user))
		tell(core, user);
	sig_user_release(core, user);
}

bool
sig_presence_run(struct sig_core *core)
{
	uint64_t window = core->now / SIG_TELL_WINDOW_MS;
	bool any = false;

	if (window != core->tell_window) {
		core->tell_window = window;
		core->tell_left = SIG_TELL_MAX;
	}
	for (; !TAILQ_EMPTY(&core->to_tell) && core->tell_left > 0; any = true)
		tell_next(core);
	if (!TAILQ_EMPTY(&core->to_tell) && !core->tell_timer.wheel.set)
		sig_timer_set(core, &core->tell_timer,
		    (window + 1) * SIG_TELL_WINDOW_MS, window_over);
	return any;
}

void
sig_presence_queue(struct sig_core *core, struct sig_user *user)
{
	if (user->queued)
		return;
	user->queued = true;
	TAILQ_INSERT_TAIL(&core->to_tell, user, to_tell);
}

bool
sig_presence_holds(const struct sig_user *user)
{
	return user->queued || user->reading || user->tell_timer.wheel.set;
}

void
sig_presence_forget(struct sig_core *core, struct sig_user *user)
{
	sig_timer_clear(core, &user->tell_timer);
	if (user->queued)
		TAILQ_REMOVE(&core->to_tell, user, to_tell);
	user->queued = false;
}

void
sig_presence_changed(struct sig_core *core, struct sig_user *user)
{
	bool here = !LIST_EMPTY(&user->sessions), visible = is_visible(user);

	if (here != user->online) {
		core->stats.users_online += here ? 1 : UINT64_C(-1);
		sig_event_user(core,
		    here ? SIG_EVENT_USER_ONLINE : SIG_EVENT_USER_OFFLINE,
		    user->name);
	}
	/* Of a device that has gone its end tells when it was heard last. */
	if (visible != user->visible && here)
		user->last_seen = core->wall;
	user->online = here;
	user->visible = visible;
	if (!is_told(user) && !user->tell_timer.wheel.set)
		sig_presence_queue(core, user);
}

void
sig_presence_woken(struct sig_core *core, struct sig_user *user)
{
	core->stats.users_online += !user->online;
	user->online = true;
	user->visible = is_visible(user);
	if (user->visible)
		user->last_seen = user->seen_saved = core->wall;
	sig_presence_face(user, &user->told);
}

void
sig_presence_set(
    struct sig_core *core, struct sig_session *s, enum sig_state state)
{
	s->state = state;
	s->stated = ++core->stated;
	/* So that a restart shows nobody who is invisible. */
	if (sig_session_keep(core, s, sig_ticket_new(NULL, 0)) != 0)
		core->stats.errors++;
	sig_presence_changed(core, s->user);
}

/* A new text, or none; false: no memory. */
static bool
take_status(struct sig_session *s, const char *text)
{
	char *status = NULL;

	if (text[0] != '\0') {
		status = strdup(text);
		if (status == NULL)
			return false;
	}
	free(s->status);
	s->status = status;
	return true;
}

void
sig_op_presence(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *name = json_in_str(&req->in, "state", 1, 16);
	const char *text =
	    json_in_str_opt(&req->in, "status_text", 0, SIG_STATUS_MAX);
	struct sig_session *s = link->session;
	enum sig_state state;
	struct json_out o;
	struct buf b;

	if (sig_req_bad(core, link, req))
		return;
	if (!sig_presence_named(name, &state)) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "state: must be online, away, busy or invisible");
		return;
	}
	if (!sig_rate_take(
		&s->user->states, core->now, STATE_PERIOD_MS, STATE_BURST)) {
		sig_fail(core, link->id, req->id, SIG_RATE_LIMITED,
		    "the state changes too often");
		return;
	}
	if (text != NULL && !take_status(s, text)) {
		sig_fail(core, link->id, req->id, SIG_OVERLOADED, "no memory");
		return;
	}
	sig_presence_set(core, s, state);
	sig_ok_begin(&o, &b, req->id);
	json_out_str(&o, "state", names[speaker(s->user)->state]);
	sig_ok_send(core, link->id, req->id, &o);
}
