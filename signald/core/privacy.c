/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/note.h"
#include "signald/core/presence.h"
#include "signald/core/privacy.h"
#include "signald/core/user.h"

static const char *
audience(bool hides)
{
	return hides ? "nobody" : "contacts";
}

void
sig_privacy_write(struct json_out *o, uint32_t hides)
{
	json_out_str(o, "last_seen", audience((hides & SIG_HIDE_SEEN) != 0));
	json_out_str(o, "presence", audience((hides & SIG_HIDE_PRESENCE) != 0));
	json_out_bool(o, "findable", (hides & SIG_HIDE_USER) == 0);
}

static void
privacy_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct sig_user *user = sig_user_find(core, ticket->user);
	bool live = sig_op_done(core, ticket);
	struct json_out o;
	struct buf b;

	if (res->err != 0) {
		if (live)
			sig_fail(core, ticket->link, ticket->request,
			    res->err == -EAGAIN ? SIG_OVERLOADED : SIG_STORAGE,
			    "nothing was stored");
		return;
	}
	if (live) {
		sig_ok_begin(&o, &b, ticket->request);
		sig_privacy_write(&o, res->privacy);
		sig_ok_send(core, ticket->link, ticket->request, &o);
	}
	if (res->duplicate)
		return;
	sig_push_begin(&o, &b, "privacy");
	sig_privacy_write(&o, res->privacy);
	json_out_end(&o);
	sig_note(core, ticket->user, ticket->session, &b);
	if (user == NULL)
		return;
	user->privacy = res->privacy;
	sig_presence_changed(core, user);
}

/* What a member says: contacts or nobody. */
static void
read_audience(
    struct sig_append *a, struct json_in *in, const char *name, uint32_t bit)
{
	const char *text = json_in_str_opt(in, name, 1, 16);

	if (text == NULL)
		return;
	a->mask |= bit;
	if (strcmp(text, "nobody") == 0)
		a->hide |= bit;
	else if (strcmp(text, "contacts") != 0)
		a->mask = SIG_HIDE_ALL + 1; /* neither */
}

/* Whether the request says what there is to say; else the client is told. */
static bool
privacy_read(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct sig_append *say)
{
	struct json_in *in = &req->in;

	read_audience(say, in, "last_seen", SIG_HIDE_SEEN);
	read_audience(say, in, "presence", SIG_HIDE_PRESENCE);
	if (json_in_has(in, "findable")) {
		say->mask |= SIG_HIDE_USER;
		if (!json_in_bool(in, "findable"))
			say->hide |= SIG_HIDE_USER;
	}
	if (sig_req_bad(core, link, req))
		return false;
	if (say->mask <= SIG_HIDE_ALL)
		return sig_op_room(core, link, req);
	sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
	    "last_seen, presence: must be contacts or nobody");
	return false;
}

void
sig_op_privacy(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_append say = { .kind = SIG_APPEND_PRIVACY,
		.ts = core->wall };
	struct sig_append *append;
	struct sig_ticket *ticket;

	if (!privacy_read(core, link, req, &say))
		return;
	append = malloc(sizeof(*append));
	ticket = sig_ticket_new(link, req->id);
	if (append != NULL) {
		*append = say;
		memcpy(append->user, link->session->user->name,
		    sizeof(append->user));
	}
	if (ticket != NULL)
		ticket->appended = privacy_done;
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}
