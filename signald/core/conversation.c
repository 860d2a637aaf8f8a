/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/conversation.h"
#include "signald/core/effect.h"
#include "signald/core/message.h"
#include "signald/core/name.h"
#include "signald/core/note.h"

#define SEQ_MAX       ((INT64_C(1) << 53) - 1)
#define CONVS_LIMIT   200
#define HISTORY_LIMIT 200
#define HISTORY_DEF   50
#define LIST_BYTES    (512 * 1024) /* rows of one answer; the rest is cut */
/* ... or asked for: a client that hears nothing while a large answer comes
 * over a slow link would take us for dead. */
#define HISTORY_BYTES (128 * 1024)

/* What conversation.set sets, in its ticket. */
#define SET_PINS   1u
#define SET_PINNED 2u
#define SET_MUTES  4u

void
sig_rows_fail(struct sig_core *core, const struct sig_ticket *ticket, int err)
{
	static const struct sig_reason reasons[] = {
		{ -ENOENT, SIG_NOT_FOUND, "conv: no such conversation" },
		{ -EPERM, SIG_FORBIDDEN, "conv: not allowed to your role" },
		{ 0, SIG_STORAGE, "the log cannot be read" },
	};

	sig_fail_for(core, ticket, reasons, err);
}

static void
put_kind(struct json_out *o, const struct sig_row *row)
{
	if (row->title == NULL) {
		json_out_str(o, "peer", row->peer);
		json_out_str(o, "nick", row->nick != NULL ? row->nick : "");
		json_out_int(o, "peer_read", (int64_t)row->peer_read);
		return;
	}
	json_out_str(o, "title", row->title);
	if (row->avatar[0] != '\0')
		json_out_str(o, "avatar", row->avatar);
	json_out_int(o, "members", (int64_t)row->members);
	json_out_str(o, "role", sig_role_name(row->role));
	if (row->large)
		json_out_bool(o, "large", true);
	json_out_int(o, "mentions", (int64_t)row->mentions);
}

static void
conversations_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	const struct sig_row *row;
	char id[24];
	struct json_out o;
	struct buf b;
	size_t i;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		sig_rows_fail(core, ticket, rows->err);
		return;
	}
	sig_ok_begin(&o, &b, ticket->request);
	json_out_array(&o, "conversations");
	for (i = 0; i < rows->nrows && b.len < LIST_BYTES; i++) {
		row = &rows->rows[i];
		json_out_object(&o, NULL);
		json_out_str(&o, "conv", row->conv);
		put_kind(&o, row);
		json_out_int(&o, "read", (int64_t)row->read);
		json_out_int(&o, "unread", (int64_t)row->unread);
		if (row->pinned)
			json_out_bool(&o, "pinned", true);
		if (row->until > core->wall)
			json_out_int(&o, "muted_until", (int64_t)row->until);
		if (row->text_len > 0)
			sig_out_message(&o, "last", row->text, row->text_len);
		json_out_close(&o);
	}
	json_out_close(&o);
	json_out_bool(&o, "complete", rows->complete && i == rows->nrows);
	if (i > 0) {
		snprintf(id, sizeof(id), "%llu",
		    (unsigned long long)rows->rows[i - 1].activity);
		json_out_str(&o, "next", id);
	}
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

/* An id is a decimal string; 0: it is none. */
static uint64_t
read_id(const char *text)
{
	size_t len = strlen(text);
	uint64_t id = 0;

	if (len > 19 || strspn(text, "0123456789") != len)
		return 0;
	for (; *text != '\0'; text++)
		id = id * 10 + (uint64_t)(*text - '0');
	return id;
}

void
sig_op_conversations(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *before = json_in_str_opt(&req->in, "before", 1, 19);
	struct sig_read read = { .kind = SIG_READ_CONVS };
	struct sig_ticket *ticket;

	read.limit = (uint32_t)json_in_int_opt(
	    &req->in, "limit", 1, CONVS_LIMIT, CONVS_LIMIT);
	if (before != NULL) {
		read.from = read_id(before);
		if (read.from == 0)
			json_in_fail(&req->in, "before", "must be a next");
	}
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL)
		ticket->rows = conversations_done;
	memcpy(read.user, link->session->user->name, sizeof(read.user));
	sig_op_asked(core, link, req, sig_read(core, ticket, &read));
}

/* The user's other devices keep it so, too. */
static void
set_note(struct sig_core *core, const struct sig_ticket *ticket)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "conversation.set");
	json_out_str(&o, "conv", ticket->conv);
	if ((ticket->op & SET_PINS) != 0)
		json_out_bool(&o, "pinned", (ticket->op & SET_PINNED) != 0);
	if ((ticket->op & SET_MUTES) != 0)
		json_out_int(&o, "muted_until", (int64_t)ticket->from);
	json_out_end(&o);
	sig_note(core, ticket->user, ticket->session, &b);
}

static void
set_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	bool live = sig_op_done(core, ticket);

	if (live && res->err != 0)
		sig_message_failed(core, ticket, res->err);
	else if (live)
		sig_ok(core, ticket->link, ticket->request);
	if (res->err == 0)
		set_note(core, ticket);
}

void
sig_op_conversation_set(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct json_in *in = &req->in;
	const char *conv = json_in_str(in, "conv", 1, SIG_CONV_MAX);
	bool pins = json_in_has(in, "pinned");
	bool mutes = json_in_has(in, "muted_until");
	bool pinned = json_in_bool_opt(in, "pinned", false);
	int64_t until = json_in_int_opt(in, "muted_until", 0, SEQ_MAX, 0);
	struct sig_append *append;
	struct sig_ticket *ticket;

	if (!pins && !mutes)
		json_in_fail(in, "pinned, muted_until", "one is needed");
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	append = calloc(1, sizeof(*append));
	ticket = sig_ticket_new(link, req->id);
	if (append != NULL) {
		append->kind = SIG_APPEND_CONV;
		memcpy(append->user, link->session->user->name,
		    sizeof(append->user));
		memcpy(append->conv, conv, strlen(conv));
		append->ts = core->wall;
		append->pinned = pins ? pinned : -1;
		append->muted_until = mutes ? until : -1;
	}
	if (ticket != NULL) {
		ticket->appended = set_done;
		ticket->op = (pins ? SET_PINS : 0) | (pinned ? SET_PINNED : 0) |
		    (mutes ? SET_MUTES : 0);
		ticket->from = (uint64_t)until;
		memcpy(ticket->conv, conv, strlen(conv));
	}
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}

/*
 * The rows that fit one answer, nearest to where the client asked from. Rows
 * come by ascending seq.
 */
static void
history_cut(
    const struct sig_rows *rows, bool newer, size_t *first, size_t *last)
{
	size_t bytes = 0, n;

	*first = 0;
	*last = rows->nrows;
	for (n = 0; n < rows->nrows && bytes < HISTORY_BYTES; n++)
		bytes += rows->rows[newer ? n : rows->nrows - 1 - n].text_len;
	if (newer)
		*last = n;
	else
		*first = rows->nrows - n;
}

static void
history_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	size_t first, last, i;
	struct json_out o;
	struct buf b;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		sig_rows_fail(core, ticket, rows->err);
		return;
	}
	history_cut(rows, ticket->op != 0, &first, &last);
	sig_ok_begin(&o, &b, ticket->request);
	json_out_str(&o, "conv", ticket->conv);
	json_out_array(&o, "messages");
	for (i = first; i < last; i++)
		sig_out_message(
		    &o, NULL, rows->rows[i].text, rows->rows[i].text_len);
	json_out_close(&o);
	json_out_bool(
	    &o, "complete", rows->complete && last - first == rows->nrows);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_op_history(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = SIG_READ_HISTORY };
	const char *user = link->session->user->name;
	struct json_in *in = &req->in;
	const char *conv = json_in_str(in, "conv", 1, SIG_CONV_MAX);
	struct sig_ticket *ticket;

	read.newer = json_in_has(in, "after");
	read.from = (uint64_t)json_in_int_opt(
	    in, read.newer ? "after" : "before", 0, SEQ_MAX, SEQ_MAX);
	read.limit = (uint32_t)json_in_int_opt(
	    in, "limit", 1, HISTORY_LIMIT, HISTORY_DEF);
	if (sig_req_bad(core, link, req))
		return;
	if (read.newer && json_in_has(in, "before")) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "before, after: only one of them");
		return;
	}
	if (!sig_op_room(core, link, req))
		return;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->rows = history_done;
		ticket->op = read.newer;
		memcpy(ticket->conv, conv, strlen(conv));
	}
	memcpy(read.user, user, strlen(user));
	memcpy(read.conv, conv, strlen(conv));
	sig_op_asked(core, link, req, sig_read(core, ticket, &read));
}
