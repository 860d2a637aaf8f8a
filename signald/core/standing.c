/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/link.h"
#include "signald/core/session.h"
#include "signald/core/standing.h"
#include "signald/core/tend.h"
#include "signald/core/user.h"

/* Closes the link of what came in by a token that is void now. False: the
 * token is still good. */
static bool
put_out(struct sig_core *core, const struct sig_standing *now,
    const struct sig_link *link, const struct sig_grant *grant)
{
	bool is_out = sig_role_is_out(now->role);
	const char *why = "logged out";

	if (!is_out && !sig_grant_void(grant, now))
		return false;
	if (is_out)
		why = now->role == SIG_USER_BANNED ? "banned" : "deleted";
	sig_link_close(core, link->id, is_out ? 4501 : 4500, why);
	return true;
}

/* A session without a link is put out too: whoever it belongs to comes with a
 * new token, and a new session is as good. */
static bool
session_goes(struct sig_core *core, const struct sig_standing *now,
    const struct sig_session *s)
{
	return s->link == NULL || put_out(core, now, s->link, &s->link->grant);
}

static void
standing_change(struct sig_core *core, struct sig_user *user,
    const struct sig_standing *now)
{
	struct sig_session *s, *next;
	struct sig_login *login, *later;
	bool raised = now->generation > user->standing.generation;

	if (now->generation < user->standing.generation)
		return;
	user->standing = *now;
	if (!raised && !sig_role_is_out(now->role))
		return;
	user->held = true;
	for (login = LIST_FIRST(&user->logins); login != NULL; login = later) {
		later = LIST_NEXT(login, of_user);
		put_out(core, now, login->link, &login->grant);
	}
	for (s = LIST_FIRST(&user->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, of_user);
		if (session_goes(core, now, s))
			sig_session_end(core, s);
	}
	user->held = false;
	sig_user_release(core, user);
}

void
sig_standing_read(struct sig_core *core, struct sig_user *user,
    const struct sig_standing *now)
{
	/* Sessions of an earlier core were good by what it knew. */
	if (!user->stood)
		user->standing = *now;
	user->stood = true;
	standing_change(core, user, now);
}

void
sig_standing_told(struct sig_core *core, const struct sig_mail *mail)
{
	const struct sig_standing now = { (enum sig_user_role)mail->flags,
		(uint32_t)mail->sync, mail->ts };
	struct sig_user *user = sig_user_find(core, mail->to);

	if (now.role == SIG_USER_DELETED)
		sig_tend_erase(core);
	if (user == NULL)
		return;
	user->stood = true;
	standing_change(core, user, &now);
}

void
sig_core_standing(struct sig_core *core, const char *user,
    const struct sig_standing *now, struct sig_time t)
{
	struct sig_mail *mail = sig_mail_new(SIG_MAIL_STANDING, user);

	sig_core_enter(core, t);
	if (mail != NULL) {
		mail->flags = now->role;
		mail->sync = now->generation;
		mail->ts = now->voided_ts;
	}
	sig_post(core, mail);
	sig_core_leave(core);
}

bool
sig_core_kick(struct sig_core *core, const char *id, struct sig_time t)
{
	struct sig_session *s;

	sig_core_enter(core, t);
	s = sig_session_find(core, id);
	if (s != NULL && s->link != NULL)
		sig_link_close(core, s->link->id, 4501, "removed");
	if (s != NULL)
		sig_session_end(core, s);
	sig_core_leave(core);
	return s != NULL;
}
