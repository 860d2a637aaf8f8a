/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/effect.h"
#include "signald/core/guest.h"
#include "signald/core/link.h"
#include "signald/core/user.h"

void
sig_guest_end(struct sig_core *core, struct sig_session *s)
{
	struct sig_user *user = s->user;

	/* An op may have set them, as for any session. */
	sig_timer_clear(core, &s->expiry);
	sig_timer_clear(core, &s->inbox.resend);
	sig_timer_clear(core, &s->inbox.save);
	sig_timer_clear(core, &s->ice);
	user->guests--;
	free(s);
	sig_user_release(core, user);
}

struct sig_link *
sig_guest_new(struct sig_core *core, uint64_t id, const char *name)
{
	struct sig_session *s = calloc(1, sizeof(*s));
	struct sig_user *user;
	struct sig_link *link;

	if (s == NULL)
		return NULL;
	link = sig_link_new(core, id);
	user = link == NULL ? NULL : sig_user_get(core, name);
	if (user == NULL) {
		free(s);
		if (link != NULL)
			sig_link_forget(core, link);
		return NULL;
	}
	user->guests++;
	s->user = user;
	s->link = link;
	link->session = s;
	link->guest = true;
	link->state = SIG_LINK_READY;
	core->stats.strangers--;
	link->grant.expires_ms = UINT64_MAX; /* its token was judged just now */
	/* Nobody waits for it to speak; whoever asked waits for us. */
	sig_timer_clear(core, &link->timer);
	return link;
}
