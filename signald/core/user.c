/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "signald/core/audience.h"
#include "signald/core/effect.h"
#include "signald/core/leg.h"
#include "signald/core/peer.h"
#include "signald/core/presence.h"
#include "signald/core/session.h"
#include "signald/core/user.h"

static bool
user_is(const void *obj, const void *key)
{
	return strcmp(((const struct sig_user *)obj)->name, key) == 0;
}

struct sig_user *
sig_user_find(const struct sig_core *core, const char *name)
{
	return htab_find(&core->users, sig_hash(core, name), user_is, name);
}

struct sig_user *
sig_user_get(struct sig_core *core, const char *name)
{
	struct sig_user *user = sig_user_find(core, name);

	if (user != NULL)
		return user;
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return NULL;
	memcpy(user->name, name, strnlen(name, SIG_NAME_MAX));
	LIST_INIT(&user->sessions);
	LIST_INIT(&user->logins);
	LIST_INIT(&user->legs);
	LIST_INIT(&user->seats);
	htab_init(&user->peers, SIG_PEERS_MAX);
	if (htab_put(&core->users, sig_hash(core, name), user) != 0) {
		htab_fini(&user->peers);
		free(user);
		return NULL;
	}
	LIST_INSERT_HEAD(&core->all_users, user, of_core);
	return user;
}

void
sig_user_release(struct sig_core *core, struct sig_user *user)
{
	if (!user->held && user->guests == 0 && LIST_EMPTY(&user->sessions) &&
	    LIST_EMPTY(&user->logins) && LIST_EMPTY(&user->legs) &&
	    !sig_presence_holds(user))
		sig_user_free(core, user);
}

void
sig_user_free(struct sig_core *core, struct sig_user *user)
{
	while (!LIST_EMPTY(&user->sessions))
		sig_session_free(core, LIST_FIRST(&user->sessions));
	while (!LIST_EMPTY(&user->legs))
		sig_leg_free(user, LIST_FIRST(&user->legs));
	sig_audience_leave_all(core, user);
	sig_peer_free_all(user);
	sig_presence_forget(core, user);
	sig_timer_clear(core, &user->ask_timer);
	htab_del(&core->users, sig_hash(core, user->name), user);
	LIST_REMOVE(user, of_core);
	free(user);
}
