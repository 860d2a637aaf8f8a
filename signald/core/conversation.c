/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/core/conversation.h"
#include "signald/core/effect.h"
#include "signald/core/name.h"

#define SEQ_MAX       ((INT64_C(1) << 53) - 1)
#define CONVS_LIMIT   200
#define HISTORY_LIMIT 200
#define HISTORY_DEF   50
#define LIST_BYTES    (512 * 1024) /* rows of one answer; the rest is cut */
/* ... or asked for: a client that hears nothing while a large answer comes
 * over a slow link would take us for dead. */
#define HISTORY_BYTES (128 * 1024)

static void
rows_fail(struct sig_core *core, const struct sig_ticket *ticket, int err)
{
	if (err == -ENOENT)
		sig_fail(core, ticket->link, ticket->request, SIG_NOT_FOUND,
		    "conv: no such conversation");
	else
		sig_fail(core, ticket->link, ticket->request, SIG_STORAGE,
		    "the log cannot be read");
}

static void
conversations_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	const struct sig_row *row;
	struct json_out o;
	struct buf b;
	size_t i;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		rows_fail(core, ticket, rows->err);
		return;
	}
	sig_ok_begin(&o, &b, ticket->request);
	json_out_array(&o, "conversations");
	for (i = 0; i < rows->nrows && b.len < LIST_BYTES; i++) {
		row = &rows->rows[i];
		json_out_object(&o, NULL);
		json_out_str(&o, "conv", row->conv);
		json_out_str(&o, "peer", row->peer);
		json_out_str(&o, "nick", row->nick != NULL ? row->nick : "");
		json_out_int(&o, "read", (int64_t)row->read);
		json_out_int(&o, "peer_read", (int64_t)row->peer_read);
		json_out_int(&o, "unread", (int64_t)row->unread);
		if (row->text_len > 0)
			sig_out_message(&o, "last", row->text, row->text_len);
		json_out_close(&o);
	}
	json_out_close(&o);
	json_out_bool(&o, "complete", rows->complete && i == rows->nrows);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_op_conversations(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = SIG_READ_CONVS, .limit = CONVS_LIMIT };
	struct sig_ticket *ticket;

	if (!sig_op_room(core, link, req))
		return;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL)
		ticket->rows = conversations_done;
	memcpy(read.user, link->session->user->name, sizeof(read.user));
	sig_op_asked(core, link, req, sig_read(core, ticket, &read));
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
		rows_fail(core, ticket, rows->err);
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
	char peer[SIG_NAME_MAX + 1];

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
	if (!sig_name_conv_peer(peer, conv, core->cfg.app, user)) {
		sig_fail(core, link->id, req->id, SIG_NOT_FOUND,
		    "conv: no such conversation");
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
