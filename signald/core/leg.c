/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/effect.h"
#include "signald/core/leg.h"
#include "signald/core/name.h"
#include "signald/core/session.h"
#include "signald/core/user.h"

static bool
leg_rings(const struct sig_leg *leg)
{
	return leg->session[0] == '\0';
}

static struct sig_leg *
leg_of_call(const struct sig_user *user, const char *call)
{
	struct sig_leg *leg;

	LIST_FOREACH (leg, &user->legs, of_user) {
		if (strcmp(leg->call, call) == 0)
			return leg;
	}
	return NULL;
}

struct sig_leg *
sig_leg_pending(
    const struct sig_user *user, const char *conv, const char *session)
{
	struct sig_leg *leg;

	LIST_FOREACH (leg, &user->legs, of_user) {
		if (leg->call[0] == '\0' &&
		    strcmp(leg->session, session) == 0 &&
		    strcmp(leg->conv, conv) == 0)
			return leg;
	}
	return NULL;
}

struct sig_leg *
sig_leg_new(struct sig_user *user, const char *conv, const char *call,
    const char *session)
{
	struct sig_leg *leg;

	if (user->nlegs >= SIG_LEGS_MAX)
		return NULL;
	leg = calloc(1, sizeof(*leg));
	if (leg == NULL)
		return NULL;
	memcpy(leg->conv, conv, strnlen(conv, SIG_CONV_MAX));
	memcpy(leg->call, call, strnlen(call, SIG_CALL_MAX));
	memcpy(leg->session, session, strnlen(session, SIG_SESSION_MAX));
	LIST_INSERT_HEAD(&user->legs, leg, of_user);
	user->nlegs++;
	return leg;
}

void
sig_leg_free(struct sig_user *user, struct sig_leg *leg)
{
	if (leg == NULL)
		return;
	LIST_REMOVE(leg, of_user);
	user->nlegs--;
	free(leg->invite);
	free(leg);
}

void
sig_leg_tell(struct sig_core *core, enum sig_mail_kind kind, const char *call,
    const char *user, const char *session)
{
	struct sig_mail *mail = sig_mail_new(kind, call);

	if (mail != NULL) {
		memcpy(mail->from, user, strnlen(user, SIG_NAME_MAX));
		memcpy(
		    mail->session, session, strnlen(session, SIG_SESSION_MAX));
	}
	sig_post(core, mail);
}

/* Tells the calls that this session is a side of. */
static void
legs_tell(
    struct sig_core *core, enum sig_mail_kind kind, const struct sig_session *s)
{
	const struct sig_leg *leg;

	LIST_FOREACH (leg, &s->user->legs, of_user) {
		if (leg->call[0] != '\0' && strcmp(leg->session, s->id) == 0)
			sig_leg_tell(
			    core, kind, leg->call, s->user->name, s->id);
	}
}

int
sig_leg_engage(struct sig_user *user, const char *conv, const char *call,
    const char *session)
{
	struct sig_leg *pending = sig_leg_pending(user, conv, session);
	struct sig_leg *leg = leg_of_call(user, call);

	if (leg != NULL) {
		memcpy(leg->session, session,
		    strnlen(session, SIG_SESSION_MAX) + 1);
		free(leg->invite);
		leg->invite = NULL;
		sig_leg_free(user, pending);
		return 0;
	}
	if (pending == NULL)
		return sig_leg_new(user, conv, call, session) == NULL ? -ENOMEM
								      : 0;
	memcpy(pending->call, call, strnlen(call, SIG_CALL_MAX));
	return 0;
}

void
sig_leg_pushed(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	struct sig_session *s;
	bool named;

	if (user == NULL)
		return;
	LIST_FOREACH (s, &user->sessions, of_user) {
		named = strcmp(s->id, mail->session) == 0;
		if ((!named && (mail->flags & SIG_PUSH_ONE) != 0) ||
		    (named && (mail->flags & SIG_PUSH_OTHERS) != 0))
			continue;
		sig_session_push_call(core, s, mail->text, mail->text_len, "");
	}
	if ((mail->flags & SIG_PUSH_ENDED) != 0)
		sig_leg_free(user, leg_of_call(user, mail->call));
	sig_user_release(core, user);
}

static bool
user_engaged_beside(const struct sig_user *user, const char *conv)
{
	const struct sig_leg *leg;

	LIST_FOREACH (leg, &user->legs, of_user) {
		if (!leg_rings(leg) && strcmp(leg->conv, conv) != 0)
			return true;
	}
	return false;
}

/* 0, and the leg has the push for every device; or -ENOMEM. */
static int
leg_set_invite(struct sig_leg *leg, const struct sig_mail *mail)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "call.invite");
	json_out_str(&o, "call", mail->call);
	json_out_str(&o, "from", mail->from);
	json_out_raw(&o, "media", mail->text, mail->text_len);
	json_out_int(&o, "ts", (int64_t)mail->ts);
	if (json_out_end(&o) != 0) {
		buf_fini(&b);
		return -ENOMEM;
	}
	leg->invite = (char *)b.data;
	leg->invite_len = b.len;
	return 0;
}

/* Rings at one session, but not at the one that is inviting the caller right
 * now: its answer says that the two calls are one. */
static void
leg_ring_at(
    struct sig_core *core, struct sig_session *s, const struct sig_leg *leg)
{
	if (sig_leg_pending(s->user, leg->conv, s->id) == NULL)
		sig_session_push_call(
		    core, s, leg->invite, leg->invite_len, leg->call);
}

void
sig_leg_ring(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_get(core, mail->to);
	const char *conv = sig_name_call_conv(mail->call);
	struct sig_leg *leg = NULL;
	struct sig_session *s;
	struct sig_mail *busy;

	if (user != NULL && !user_engaged_beside(user, conv))
		leg = sig_leg_new(user, conv, mail->call, "");
	if (leg != NULL && leg_set_invite(leg, mail) != 0) {
		sig_leg_free(user, leg);
		leg = NULL;
	}
	if (leg == NULL) {
		busy = sig_mail_new(SIG_MAIL_CALL_BUSY, mail->call);
		if (busy != NULL)
			memcpy(busy->from, mail->to, sizeof(busy->from));
		sig_post(core, busy);
		if (user != NULL)
			sig_user_release(core, user);
		return;
	}
	LIST_FOREACH (s, &user->sessions, of_user)
		leg_ring_at(core, s, leg);
}

/* What the call's state was told with may be lost: it is told again. */
static void
leg_ask_state(struct sig_core *core, const struct sig_leg *leg,
    const struct sig_session *s)
{
	struct sig_mail *mail = sig_mail_new(SIG_MAIL_CALL, leg->call);

	if (mail != NULL) {
		memcpy(mail->from, s->user->name, sizeof(mail->from));
		memcpy(mail->session, s->id, sizeof(mail->session));
		mail->flags = SIG_CALL_STATE;
	}
	sig_post(core, mail);
}

void
sig_leg_hello(struct sig_core *core, struct sig_session *s)
{
	struct sig_leg *leg;

	LIST_FOREACH (leg, &s->user->legs, of_user) {
		if (s->unsure && strcmp(leg->session, s->id) == 0)
			leg_ask_state(core, leg, s);
	}

	LIST_FOREACH (leg, &s->user->legs, of_user)
		leg->told = sig_session_holds_invite(s, leg->call);
	sig_session_flush(core, s);
	LIST_FOREACH (leg, &s->user->legs, of_user) {
		if (leg_rings(leg) && !leg->told)
			leg_ring_at(core, s, leg);
	}
	legs_tell(core, SIG_MAIL_CALL_BACK, s);
}

void
sig_leg_session_away(struct sig_core *core, struct sig_session *s)
{
	legs_tell(core, SIG_MAIL_CALL_AWAY, s);
}

void
sig_leg_write(struct json_out *o, const struct sig_session *s)
{
	const struct sig_leg *leg;

	json_out_array(o, "calls");
	LIST_FOREACH (leg, &s->user->legs, of_user) {
		if (leg_rings(leg) || strcmp(leg->session, s->id) == 0)
			json_out_str(o, NULL, leg->call);
	}
	json_out_close(o);
}

void
sig_leg_wake(struct sig_core *core, const char *name, const char *session,
    const struct sig_mail *ring)
{
	struct sig_user *user = sig_user_get(core, name);
	struct sig_leg *leg;

	if (user == NULL)
		return;
	leg = sig_leg_new(
	    user, sig_name_call_conv(ring->call), ring->call, session);
	if (leg != NULL && leg_rings(leg) && leg_set_invite(leg, ring) != 0)
		sig_leg_free(user, leg);
	sig_user_release(core, user);
}

static void
leg_start(struct sig_core *core, struct sig_user *user)
{
	struct sig_leg *leg, *next;

	for (leg = LIST_FIRST(&user->legs); leg != NULL; leg = next) {
		next = LIST_NEXT(leg, of_user);
		if (leg_rings(leg) ||
		    sig_session_find(core, leg->session) != NULL)
			continue;
		sig_leg_tell(core, SIG_MAIL_CALL_LOST, leg->call, user->name,
		    leg->session);
		sig_leg_free(user, leg);
	}
	sig_user_release(core, user);
}

void
sig_leg_start(struct sig_core *core)
{
	struct sig_user *user, *next;

	for (user = LIST_FIRST(&core->all_users); user != NULL; user = next) {
		next = LIST_NEXT(user, of_core);
		leg_start(core, user);
	}
}

void
sig_leg_session_gone(struct sig_core *core, struct sig_session *s)
{
	struct sig_leg *leg, *next;

	legs_tell(core, SIG_MAIL_CALL_LOST, s);
	for (leg = LIST_FIRST(&s->user->legs); leg != NULL; leg = next) {
		next = LIST_NEXT(leg, of_user);
		if (strcmp(leg->session, s->id) == 0)
			sig_leg_free(s->user, leg);
	}
}
