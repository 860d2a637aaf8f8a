/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/call.h"
#include "signald/core/effect.h"
#include "signald/core/leg.h"
#include "signald/core/leg_ask.h"
#include "signald/core/link.h"
#include "signald/core/name.h"
#include "signald/core/payload.h"
#include "signald/core/peer.h"
#include "signald/core/session.h"

#define REASON_MAX 64

/* Takes a request to the call's shard. 0, and the ticket is taken over; or
 * -ENOMEM. text is the mail's. */
static int
leg_ask(struct sig_core *core, struct sig_ticket *ticket, const char *to,
    const char *device, char *text, size_t len)
{
	struct sig_mail *mail = sig_mail_new(SIG_MAIL_CALL, to);
	int err = -ENOMEM;

	if (mail != NULL && ticket != NULL)
		err = sig_ticket_keep(core, ticket);
	else
		sig_ticket_free(ticket);
	if (err != 0) {
		sig_mail_free(mail);
		free(text);
		return err;
	}
	memcpy(mail->from, ticket->user, sizeof(mail->from));
	memcpy(mail->session, ticket->session, sizeof(mail->session));
	memcpy(mail->device, device, strnlen(device, SIG_DEVICE_MAX));
	mail->flags = ticket->op;
	mail->request = ticket->id;
	mail->sync = ticket->from;
	mail->ts = core->wall;
	mail->text = text;
	mail->text_len = len;
	sig_post(core, mail);
	return 0;
}

/* {"audio":...,"video":...}, or NULL with an error in the reader. */
static char *
invite_media(struct json_in *in, size_t *len)
{
	static const char *const fields[] = { "audio", "video", NULL };
	const struct json *media = json_in_object(in, "media");
	struct json_in members;
	struct json_out o;
	struct buf b;

	if (in->code != 0)
		return NULL;
	json_in_init(&members, media, "media");
	buf_init(&b, SIG_TEXT_MAX);
	json_out_init(&o, &b);
	json_out_object(&o, NULL);
	json_out_bool(&o, "audio", json_in_bool_opt(&members, "audio", false));
	json_out_bool(&o, "video", json_in_bool_opt(&members, "video", false));
	json_in_only(&members, fields);
	if (members.code != 0) {
		in->code = members.code;
		memcpy(in->err, members.err, sizeof(in->err));
	}
	if (members.code != 0 || json_out_end(&o) != 0) {
		buf_fini(&b);
		return NULL;
	}
	*len = b.len;
	return (char *)b.data;
}

/* The callee exists: the invite goes to the call's shard. 0 or -errno. */
static int
invite_go(struct sig_core *core, struct sig_session *s,
    struct sig_ticket *ticket, char *media, size_t len)
{
	struct sig_leg *leg = NULL;

	if (ticket != NULL)
		leg = sig_leg_pending(s->user, ticket->conv, s->id);
	if (ticket != NULL && leg == NULL)
		leg = sig_leg_new(s->user, ticket->conv, "", s->id);
	if (leg == NULL) {
		sig_ticket_free(ticket);
		free(media);
		return -ENOMEM;
	}
	return leg_ask(core, ticket, leg->conv, s->device, media, len);
}

static struct sig_ticket *
invite_ticket(const struct sig_core *core, const struct sig_link *link,
    uint64_t request, const char *peer)
{
	struct sig_ticket *ticket = sig_ticket_new(link, request);

	if (ticket == NULL)
		return NULL;
	ticket->op = SIG_CALL_INVITE;
	memcpy(ticket->peer, peer, strnlen(peer, SIG_NAME_MAX));
	sig_name_conv(ticket->conv, core->cfg.app, ticket->user, peer);
	return ticket;
}

/* The log knows whether there is such a callee, and what it wants. */
static void
invite_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct sig_session *s = sig_session_find(core, ticket->session);
	struct sig_link *link = sig_link_find(core, ticket->link);
	struct sig_ticket *ask;
	char *media = NULL;
	size_t len;

	/* A broken link cost the request; the client repeats it. */
	if (s == NULL || link == NULL)
		return;
	if (rows->err != 0) {
		sig_op_done(core, ticket);
		sig_fail(core, ticket->link, ticket->request,
		    rows->err == -ENOENT ? SIG_NOT_FOUND : SIG_STORAGE,
		    rows->err == -ENOENT ? "to: no such user"
					 : "the log cannot be read");
		return;
	}
	len = strlen(ticket->text);
	media = strdup(ticket->text);
	ask = invite_ticket(core, link, ticket->request, ticket->peer);
	if (ask != NULL)
		ask->from = rows->blocks;
	if (media == NULL) {
		sig_ticket_free(ask);
		ask = NULL;
	}
	if (invite_go(core, s, ask, media, len) != 0) {
		sig_op_done(core, ticket);
		sig_fail(core, ticket->link, ticket->request, SIG_OVERLOADED,
		    "the server is out of room");
	}
}

static int
invite_check(struct sig_core *core, struct sig_ticket *ticket,
    const char *callee, char *media, size_t len)
{
	struct sig_read read = { .kind = SIG_READ_USER };

	if (ticket == NULL) {
		free(media);
		return -ENOMEM;
	}
	ticket->rows = invite_rows;
	ticket->text = strndup(media, len);
	free(media);
	if (ticket->text == NULL) {
		sig_ticket_free(ticket);
		return -ENOMEM;
	}
	memcpy(read.user, callee, strlen(callee));
	memcpy(read.peer, ticket->user, sizeof(read.peer));
	return sig_read(core, ticket, &read);
}

void
sig_op_invite(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *to = json_in_str(&req->in, "to", 1, SIG_NAME_MAX);
	struct sig_session *s = link->session;
	struct sig_ticket *ticket;
	const char *wrong = NULL;
	size_t len = 0;
	char *media;

	media = invite_media(&req->in, &len);
	if (sig_req_bad(core, link, req))
		return;
	if (!sig_name_user_ok(to, strlen(to)))
		wrong = "to: not a user name";
	else if (strcmp(to, s->user->name) == 0)
		wrong = "to: that is the caller";
	if (wrong != NULL)
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST, wrong);
	if (wrong != NULL || !sig_op_room(core, link, req)) {
		free(media);
		return;
	}
	if (core->cfg.friends_only &&
	    sig_peer_find(core, s->user, to) == NULL) {
		sig_fail(core, link->id, req->id, SIG_FORBIDDEN,
		    "to: may be called by friends only");
		free(media);
		return;
	}
	ticket = invite_ticket(core, link, req->id, to);
	sig_op_asked(
	    core, link, req, invite_check(core, ticket, to, media, len));
}

/* What the other side will be pushed, NULL without; errors are the
 * reader's. */
static char *
relay_text(const struct sig_config *cfg, struct json_in *in, int event,
    const char *call, size_t *len)
{
	static const char *const names[] = {
		[SIG_CALL_OFFER] = "call.offer",
		[SIG_CALL_ANSWER] = "call.answer",
		[SIG_CALL_CANDIDATE] = "call.candidate",
		[SIG_CALL_MEDIA] = "call.media",
	};
	struct json_out o;
	struct buf b;

	if (event < SIG_CALL_OFFER || in->code != 0)
		return NULL;
	sig_push_begin(&o, &b, names[event]);
	json_out_str(&o, "call", call);
	if (event == SIG_CALL_CANDIDATE)
		sig_payload_candidates(&o, "candidates", in, cfg->candidates);
	else if (event == SIG_CALL_MEDIA)
		sig_payload_media(&o, in);
	else
		sig_payload_sdp(&o, "sdp", in, cfg->sdp_bytes);
	if (in->code != 0 || json_out_end(&o) != 0) {
		buf_fini(&b);
		return NULL;
	}
	*len = b.len;
	return (char *)b.data;
}

void
sig_op_call(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *call = json_in_str(&req->in, "call", 1, SIG_CALL_MAX);
	struct sig_session *s = link->session;
	struct sig_ticket *ticket;
	char peer[SIG_NAME_MAX + 1];
	const char *conv;
	size_t len = 0;
	char *text;

	text = relay_text(&core->cfg, &req->in, req->arg, call, &len);
	if (req->arg == SIG_CALL_HANGUP)
		json_in_str_opt(&req->in, "reason", 0, REASON_MAX);
	if (sig_req_bad(core, link, req))
		return;
	conv = sig_name_call_conv(call);
	if (conv == NULL ||
	    !sig_name_conv_peer(peer, conv, core->cfg.app, s->user->name)) {
		sig_fail(core, link->id, req->id, SIG_NOT_FOUND,
		    "call: no such call");
		free(text);
		return;
	}
	if (!sig_op_room(core, link, req)) {
		free(text);
		return;
	}
	sig_session_knows_call(s, call);
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->op = (uint32_t)req->arg;
		memcpy(ticket->conv, conv, strlen(conv));
	}
	sig_op_asked(
	    core, link, req, leg_ask(core, ticket, call, s->device, text, len));
}

static void
leg_keep_up(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_mail *mail)
{
	struct sig_session *s = sig_session_find(core, ticket->session);

	if (ticket->op != SIG_CALL_INVITE && ticket->op != SIG_CALL_ACCEPT)
		return;
	if (mail->flags == SIG_OK) {
		/* The session may have died while it was asking, or its link
		 * may have. */
		if (s == NULL ||
		    sig_leg_engage(s->user, ticket->conv, mail->call, s->id) !=
			0)
			sig_leg_tell(core, SIG_MAIL_CALL_LOST, mail->call,
			    ticket->user, ticket->session);
		else if (s->link == NULL)
			sig_leg_tell(core, SIG_MAIL_CALL_AWAY, mail->call,
			    ticket->user, ticket->session);
	} else if (s != NULL) {
		sig_leg_free(
		    s->user, sig_leg_pending(s->user, ticket->conv, s->id));
	}
}

void
sig_leg_answered(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_ticket *ticket = sig_ticket_take(core, mail->request);
	struct json_out o;
	struct buf b;

	if (ticket == NULL)
		return;
	leg_keep_up(core, ticket, mail);
	if (sig_op_done(core, ticket)) {
		if (mail->flags != SIG_OK) {
			sig_fail(core, ticket->link, ticket->request,
			    (enum sig_err)mail->flags, mail->text);
		} else {
			sig_ok_begin(&o, &b, ticket->request);
			json_out_str(&o, "call", mail->call);
			json_out_mem(&o, "state", mail->text, mail->text_len);
			sig_ok_send(core, ticket->link, ticket->request, &o);
		}
	}
	sig_ticket_free(ticket);
}
