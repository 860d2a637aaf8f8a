/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/attach.h"
#include "signald/core/audience.h"
#include "signald/core/change.h"
#include "signald/core/effect.h"
#include "signald/core/event.h"
#include "signald/core/inbox.h"
#include "signald/core/message.h"
#include "signald/core/name.h"

#define SEQ_MAX ((INT64_C(1) << 53) - 1)

/* Where a message goes, read from to or conv. */
struct target {
	char conv[SIG_CONV_MAX + 1];
	char peer[SIG_NAME_MAX + 1]; /* "": it is a group */
	bool found;                  /* if it is not there */
};

void
sig_message_committed(struct sig_core *core, const char *user, const char *peer,
    const struct sig_appended *res)
{
	size_t i;

	core->stats.messages++;
	sig_event_message(core, res);
	for (i = 0; i < res->nto; i++)
		sig_inbox_post(core, &res->to[i], res);
	if (res->large)
		sig_audience_tell(core, res);
}

void
sig_message_answer(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	char conv[SIG_CONV_MAX + 1], id[24];
	struct json_out o;
	struct buf b, digits = buf_fixed(id, sizeof(id));

	/* A repeated mid is answered with the first one's conversation,
	 * whatever this request named. */
	if (!sig_name_of_entry(conv, res->text, res->text_len))
		memcpy(conv, ticket->conv, sizeof(ticket->conv));
	buf_printf(&digits, "%llu", (unsigned long long)res->id);
	sig_ok_begin(&o, &b, ticket->request);
	json_out_str(&o, "mid", ticket->mid);
	json_out_mem(&o, "id", id, digits.len);
	json_out_str(&o, "conv", conv);
	json_out_int(&o, "seq", (int64_t)res->seq);
	if (res->sync != 0)
		json_out_int(&o, "sync", (int64_t)res->sync);
	json_out_int(&o, "ts", (int64_t)res->ts);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_message_failed(
    struct sig_core *core, const struct sig_ticket *ticket, int err)
{
	static const struct sig_reason reasons[] = {
		{ -ENOENT, SIG_NOT_FOUND,
		    "no such user, conversation, message or file" },
		{ -EPERM, SIG_FORBIDDEN,
		    "somebody else's, or not allowed to your role" },
		{ -EACCES, SIG_FORBIDDEN, "conv: you are muted here" },
		{ -EBUSY, SIG_CONFLICT, "conv: its owner goes last" },
		{ -EEXIST, SIG_CONFLICT, "conv: is there already" },
		{ -EINVAL, SIG_TOO_LARGE, "too large to be stored" },
		{ -ESTALE, SIG_CONFLICT, "seq: the message is retracted" },
		{ -EALREADY, SIG_CONFLICT, "nothing would change" },
		{ -E2BIG, SIG_TOO_LARGE, "too many" },
		{ -EAGAIN, SIG_OVERLOADED, "the log has too much to do" },
		{ 0, SIG_STORAGE, "nothing was stored" },
	};

	sig_fail_for(core, ticket, reasons, err);
}

static void
send_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	bool live = sig_op_done(core, ticket);

	if (live && res->err != 0)
		sig_message_failed(core, ticket, res->err);
	else if (live)
		sig_message_answer(core, ticket, res);
	if (res->err != 0)
		return;
	if (res->duplicate)
		core->stats.duplicates++;
	else
		sig_message_committed(core, ticket->user, ticket->peer, res);
}

/* False after telling the client what is wrong. */
static bool
send_target(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct target *target)
{
	struct sig_user *user = link->session->user;
	const char *to = json_in_str_opt(&req->in, "to", 1, SIG_NAME_MAX);
	const char *conv = json_in_str_opt(&req->in, "conv", 1, SIG_CONV_MAX);
	const char *wrong = NULL;

	if (sig_req_bad(core, link, req))
		return false;
	if ((to == NULL) == (conv == NULL))
		wrong = "to, conv: one of them is needed";
	else if (to != NULL && !sig_name_user_ok(to, strlen(to)))
		wrong = "to: not a user name";
	else if (to != NULL && strcmp(to, user->name) == 0)
		wrong = "to: that is the sender";
	if (wrong != NULL) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST, wrong);
		return false;
	}
	memset(target, 0, sizeof(*target));
	if (to != NULL) {
		memcpy(target->peer, to, strlen(to));
		sig_name_conv(target->conv, core->cfg.app, user->name, to);
		target->found = true;
		return true;
	}
	/* Whether it is one of the user's, the log says. */
	if (!sig_name_conv_peer(
		target->peer, conv, core->cfg.app, user->name) &&
	    !sig_name_group_ok(conv, core->cfg.app)) {
		sig_fail(core, link->id, req->id, SIG_NOT_FOUND,
		    "conv: no such conversation");
		return false;
	}
	memcpy(target->conv, conv, strlen(conv));
	return true;
}

/* A value that the reader has judged; after an error nothing is sent. */
static void
put_str(struct json_out *o, const char *name, const char *value)
{
	json_out_str(o, name, value != NULL ? value : "");
}

/* The member text of the request's body. */
static void
put_text(struct json_out *o, struct json_in *in, uint32_t text_bytes)
{
	static const char *const fields[] = { "text", NULL };
	const struct json *body = json_in_object(in, "body");
	struct json_in members;

	if (in->code != 0)
		return;
	json_in_init(&members, body, "body");
	put_str(o, "text", json_in_str(&members, "text", 1, text_bytes));
	json_in_only(&members, fields);
	if (members.code != 0) {
		in->code = members.code;
		memcpy(in->err, members.err, sizeof(in->err));
	}
}

/* The body as it is stored; an error stays in the reader. */
static void
send_body(struct json_in *in, bool is_file, uint32_t text_bytes, struct buf *b,
    struct sig_file *file)
{
	struct json_out o;

	if (is_file) {
		sig_attach_read(in, text_bytes, b, file);
		return;
	}
	json_out_init(&o, b);
	json_out_object(&o, NULL);
	put_text(&o, in, text_bytes);
	json_out_end(&o);
}

static struct sig_append *
send_append(const struct sig_core *core, const struct sig_session *s,
    const struct target *target, const char *mid)
{
	struct sig_append *append = calloc(1, sizeof(*append));

	if (append == NULL)
		return NULL;
	append->kind = SIG_APPEND_MESSAGE;
	append->ts = core->wall;
	memcpy(append->user, s->user->name, sizeof(append->user));
	memcpy(append->device, s->device, sizeof(append->device));
	memcpy(append->conv, target->conv, sizeof(append->conv));
	memcpy(append->peer, target->peer, sizeof(append->peer));
	memcpy(append->mid, mid, strlen(mid));
	append->found = target->found;
	append->friends = core->cfg.friends_only;
	return append;
}

/* Asks the log for it; takes body and append, which may be NULL. */
static void
send_ask(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct sig_append *append, struct buf *body)
{
	struct sig_ticket *ticket = sig_ticket_new(link, req->id);

	if (append != NULL && body->err == 0) {
		append->body = (char *)body->data;
		append->body_len = body->len;
	} else {
		buf_fini(body);
		sig_append_free(append);
		append = NULL;
	}
	if (ticket != NULL && append != NULL) {
		ticket->appended = send_done;
		memcpy(ticket->mid, append->mid, sizeof(ticket->mid));
		memcpy(ticket->conv, append->conv, sizeof(ticket->conv));
		memcpy(ticket->peer, append->peer, sizeof(ticket->peer));
	}
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}

/* 0 or -ENOMEM. */
static int
take_mentions(const struct json *list, struct sig_append *append)
{
	size_t n = json_items(list), i;
	const char *name;

	if (n == 0)
		return 0;
	append->mentions = calloc(n, sizeof(append->mentions[0]));
	if (append->mentions == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		name = json_text(json_item(list, i));
		if (strcmp(name, "*") == 0)
			append->mentions_all = true;
		else
			memcpy(append->mentions[append->nmentions++], name,
			    strlen(name));
	}
	return 0;
}

/* What a message has beside its text; takes append. NULL: no memory. */
static struct sig_append *
send_more(struct sig_append *append, const struct json *mentions,
    const struct sig_file *file)
{
	int rc = append == NULL ? -ENOMEM : take_mentions(mentions, append);

	if (rc == 0 && file != NULL) {
		append->file = malloc(sizeof(*file));
		if (append->file == NULL)
			rc = -ENOMEM;
		else
			*append->file = *file;
	}
	if (rc == 0)
		return append;
	sig_append_free(append);
	return NULL;
}

void
sig_op_message_send(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *mid = json_in_str(&req->in, "mid", 1, SIG_MID_MAX);
	const char *type = json_in_str(&req->in, "type", 1, 15);
	int64_t reply = json_in_int_opt(&req->in, "reply", 1, SEQ_MAX, 0);
	const struct json *mentions =
	    json_in_array_opt(&req->in, "mentions", 1, SIG_MENTIONS_MAX);
	struct sig_append *append;
	struct sig_file file;
	struct target target;
	struct buf body;
	bool is_file;

	if (!send_target(core, link, req, &target))
		return;
	is_file = strcmp(type, "file") == 0;
	if (!is_file && strcmp(type, "text") != 0) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "type: must be text or file");
		return;
	}
	buf_init(&body, SIG_TEXT_MAX);
	sig_req_names(&req->in, "mentions", mentions, true);
	send_body(&req->in, is_file, core->cfg.text_bytes, &body, &file);
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req)) {
		buf_fini(&body);
		return;
	}
	append = send_append(core, link->session, &target, mid);
	if (append != NULL) {
		memcpy(append->type, type, strlen(type) + 1);
		append->counts = true;
		append->reply = (uint64_t)reply;
	}
	append = send_more(append, mentions, is_file ? &file : NULL);
	send_ask(core, link, req, append, &body);
}

/* The body of the entry: what is changed, and how. */
static void
change_body(const struct sig_core *core, struct sig_req *req, int64_t seq,
    struct buf *b)
{
	struct json_in *in = &req->in;
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o, NULL);
	json_out_int(&o, "seq", seq);
	if (req->arg == SIG_CHANGE_EDIT) {
		put_text(&o, in, core->cfg.text_bytes);
	} else if (req->arg == SIG_CHANGE_REACTION) {
		put_str(
		    &o, "emoji", json_in_str(in, "emoji", 1, SIG_EMOJI_BYTES));
		json_out_bool(&o, "on", json_in_bool_opt(in, "on", true));
	}
	json_out_end(&o);
}

void
sig_op_message_change(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	static const char *const types[] = { "", "edit", "retract",
		"reaction" };
	const char *mid = json_in_str(&req->in, "mid", 1, SIG_MID_MAX);
	int64_t seq = json_in_int(&req->in, "seq", 1, SEQ_MAX);
	struct sig_append *append;
	struct target target;
	struct buf body;

	if (!send_target(core, link, req, &target))
		return;
	buf_init(&body, SIG_TEXT_MAX);
	change_body(core, req, seq, &body);
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req)) {
		buf_fini(&body);
		return;
	}
	append = send_append(core, link->session, &target, mid);
	if (append != NULL) {
		memcpy(
		    append->type, types[req->arg], strlen(types[req->arg]) + 1);
		append->change = (enum sig_change)req->arg;
		append->target = (uint64_t)seq;
	}
	send_ask(core, link, req, append, &body);
}
