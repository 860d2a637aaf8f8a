/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/conversation.h"
#include "signald/core/effect.h"
#include "signald/core/name.h"
#include "signald/core/note.h"
#include "signald/core/user.h"

#define SEQ_MAX      ((INT64_C(1) << 53) - 1)
#define TYPING_MS    1000 /* a session is heard typing at most this often */
#define TYPING_CROWD 50   /* and by so many at most */

void
sig_note(
    struct sig_core *core, const char *user, const char *but, struct buf *text)
{
	struct sig_mail *mail = NULL;

	if (text->err == 0)
		mail = sig_mail_new(SIG_MAIL_NOTE, user);
	if (mail == NULL) {
		buf_fini(text);
		core->stats.errors++;
		return;
	}
	memcpy(mail->session, but, strnlen(but, SIG_SESSION_MAX));
	mail->text = (char *)text->data;
	mail->text_len = text->len;
	sig_post(core, mail);
}

void
sig_note_receive(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	struct sig_session *s;
	struct buf b;

	if (user == NULL)
		return;
	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s->link == NULL || strcmp(s->id, mail->session) == 0)
			continue;
		buf_init(&b, SIG_TEXT_MAX);
		buf_put(&b, mail->text, mail->text_len);
		core->stats.pushes++;
		sig_send(core, s->link->id, &b, true);
	}
}

/* unread -1: it is for the other member, whom it does not concern. */
static void
read_note(struct sig_core *core, const struct sig_ticket *ticket,
    const char *to, uint64_t read, int64_t unread)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "conversation.read");
	json_out_str(&o, "conv", ticket->conv);
	json_out_str(&o, "user", ticket->user);
	json_out_int(&o, "read", (int64_t)read);
	if (unread >= 0)
		json_out_int(&o, "unread", unread);
	json_out_end(&o);
	sig_note(core, to, ticket->session, &b);
}

static void
read_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	bool live = sig_op_done(core, ticket);
	struct json_out o;
	struct buf b;

	if (live && res->err == -ENOENT) {
		sig_fail(core, ticket->link, ticket->request, SIG_NOT_FOUND,
		    "conv: no such conversation");
	} else if (live && res->err != 0) {
		sig_fail(core, ticket->link, ticket->request,
		    res->err == -EAGAIN ? SIG_OVERLOADED : SIG_STORAGE,
		    "nothing was stored");
	} else if (live) {
		sig_ok_begin(&o, &b, ticket->request);
		json_out_str(&o, "conv", ticket->conv);
		json_out_int(&o, "read", (int64_t)res->seq);
		json_out_int(&o, "unread", (int64_t)res->unread);
		sig_ok_send(core, ticket->link, ticket->request, &o);
	}
	if (res->err != 0 || res->duplicate)
		return;
	read_note(core, ticket, ticket->user, res->seq, (int64_t)res->unread);
	/* In a group nobody else is told. */
	if (ticket->peer[0] != '\0' && res->peer_read != 0)
		read_note(core, ticket, ticket->peer, res->peer_read, -1);
}

void
sig_op_read(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *conv = json_in_str(&req->in, "conv", 1, SIG_CONV_MAX);
	int64_t seq = json_in_int(&req->in, "seq", 1, SEQ_MAX);
	struct sig_session *s = link->session;
	char peer[SIG_NAME_MAX + 1];
	struct sig_append *append;
	struct sig_ticket *ticket;

	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	if (!sig_name_conv_peer(peer, conv, core->cfg.app, s->user->name))
		peer[0] = '\0';
	append = calloc(1, sizeof(*append));
	ticket = sig_ticket_new(link, req->id);
	if (append != NULL) {
		append->kind = SIG_APPEND_READ;
		memcpy(append->user, s->user->name, sizeof(append->user));
		memcpy(append->conv, conv, strlen(conv));
		append->sync = (uint64_t)seq;
		append->ts = core->wall;
	}
	if (ticket != NULL) {
		ticket->appended = read_done;
		memcpy(ticket->conv, conv, strlen(conv));
		memcpy(ticket->peer, peer, sizeof(ticket->peer));
	}
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}

/* Tells those who are in the conversation, when the user is one of them. */
static void
typing_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct json_out o;
	struct buf b;
	size_t i;

	if (sig_op_done(core, ticket)) {
		if (rows->err != 0)
			sig_rows_fail(core, ticket, rows->err);
		else
			sig_ok(core, ticket->link, ticket->request);
	}
	/* In a crowd nobody can tell who is typing. */
	if (rows->err != 0 || !rows->complete)
		return;
	for (i = 0; i < rows->nrows; i++) {
		if (rows->rows[i].apart ||
		    strcmp(rows->rows[i].peer, ticket->user) == 0)
			continue;
		sig_push_begin(&o, &b, "conversation.typing");
		json_out_str(&o, "conv", ticket->conv);
		json_out_str(&o, "user", ticket->user);
		json_out_bool(&o, "on", ticket->op != 0);
		json_out_end(&o);
		sig_note(core, rows->rows[i].peer, "", &b);
	}
}

void
sig_op_typing(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *conv = json_in_str(&req->in, "conv", 1, SIG_CONV_MAX);
	bool on = json_in_bool(&req->in, "on");
	struct sig_read read = { .kind = SIG_READ_MEMBERS,
		.limit = TYPING_CROWD };
	struct sig_session *s = link->session;
	struct sig_ticket *ticket;

	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	/* Who says it all the time is still only typing. */
	if (on && core->now < s->typing_ms) {
		sig_ok(core, link->id, req->id);
		return;
	}
	s->typing_ms = on ? core->now + TYPING_MS : 0;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->rows = typing_rows;
		ticket->op = on;
		memcpy(ticket->conv, conv, strlen(conv));
	}
	memcpy(read.user, s->user->name, sizeof(read.user));
	memcpy(read.conv, conv, strlen(conv));
	sig_op_asked(core, link, req, sig_read(core, ticket, &read));
}
