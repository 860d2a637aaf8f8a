/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/conversation.h"
#include "signald/core/effect.h"
#include "signald/core/group.h"
#include "signald/core/message.h"
#include "signald/core/name.h"
#include "signald/core/note.h"

#define TIME_MAX         ((INT64_C(1) << 53) - 1)
#define TITLE_MAX        128
#define URL_MAX          512
#define ANNOUNCEMENT_MAX 2048
#define MEMO_MAX         256
#define MEMBERS_LIMIT    500
#define MEMBERS_DEF      100
#define MEMBERS_BYTES    (128 * 1024)

/* One of the names, by its place; -1: absent. */
static int
read_choice(
    struct json_in *in, const char *field, const char *(*name_of)(int), int n)
{
	const char *text = json_in_str_opt(in, field, 1, 16);
	int i;

	if (text == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if (strcmp(text, name_of(i)) == 0)
			return i;
	json_in_fail(in, field, "not one of its values");
	return -1;
}

static const char *
join_name(int i)
{
	return sig_join_name((enum sig_join)i);
}

static const char *
history_name(int i)
{
	return sig_history_name((enum sig_history)i);
}

static const char *
role_name(int i)
{
	return sig_role_name((enum sig_role)i);
}

/* A copy, or NULL: absent, or *err. */
static char *
copy_opt(const char *text, int *err)
{
	char *copy;

	if (text == NULL)
		return NULL;
	copy = strdup(text);
	if (copy == NULL)
		*err = -ENOMEM;
	return copy;
}

static int
take_users(struct json_in *in, struct sig_group *g)
{
	const struct json *list =
	    json_in_array_opt(in, "users", 1, SIG_SUBJECTS_MAX);
	const char *one = json_in_str_opt(in, "user", 1, SIG_NAME_MAX);
	size_t n = one != NULL ? 1 : json_items(list), i;
	const char *name;

	sig_req_names(in, "users", list, false);
	if (one != NULL && !sig_name_user_ok(one, strlen(one)))
		json_in_fail(in, "user", "not a user name");
	if (in->code != 0 || n == 0)
		return 0;
	g->users = calloc(n, sizeof(g->users[0]));
	if (g->users == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		name = one != NULL ? one : json_text(json_item(list, i));
		memcpy(g->users[i], name, strlen(name));
	}
	g->nusers = n;
	return 0;
}

static int
take_settings(struct json_in *in, struct sig_group *g)
{
	int err = 0;

	g->join = read_choice(in, "join", join_name, SIG_JOIN_OPEN + 1);
	g->history =
	    read_choice(in, "history", history_name, SIG_HISTORY_ALL + 1);
	g->title = copy_opt(json_in_str_opt(in, "title", 1, TITLE_MAX), &err);
	g->avatar = copy_opt(json_in_str_opt(in, "avatar", 0, URL_MAX), &err);
	g->announcement = copy_opt(
	    json_in_str_opt(in, "announcement", 0, ANNOUNCEMENT_MAX), &err);
	g->memo = copy_opt(json_in_str_opt(in, "memo", 0, MEMO_MAX), &err);
	return err;
}

/* What this operation cannot do without. */
static void
check_needs(struct json_in *in, const struct sig_group *g)
{
	bool sets = g->title != NULL || g->avatar != NULL ||
	    g->announcement != NULL || g->join >= 0 || g->history >= 0;

	switch (g->op) {
	case SIG_GROUP_CREATE:
		if (g->title == NULL)
			json_in_fail(in, "title", "is missing");
		break;
	case SIG_GROUP_SET:
		if (!sets)
			json_in_fail(in, "title", "nothing is to be set");
		break;
	case SIG_GROUP_JOIN:
	case SIG_GROUP_LEAVE:
	case SIG_GROUP_DISSOLVE:
		break;
	case SIG_GROUP_TRANSFER:
		if (g->nusers == 0)
			json_in_fail(in, "user", "is missing");
		break;
	default:
		if (g->nusers == 0)
			json_in_fail(in, "users", "is missing");
	}
}

/* NULL: no memory, or an error of the reader. */
static struct sig_group *
read_group(const struct sig_core *core, struct json_in *in, int op)
{
	struct sig_group *g = calloc(1, sizeof(*g));
	int role = SIG_ROLE_MEMBER, err;

	if (g == NULL)
		return NULL;
	g->op = (enum sig_group_op)op;
	g->members_max = core->cfg.group_members;
	g->fanout = core->cfg.group_fanout;
	err = take_users(in, g);
	if (err == 0)
		err = take_settings(in, g);
	if (g->op == SIG_GROUP_MUTE)
		g->until = (uint64_t)json_in_int(in, "until_ts", 0, TIME_MAX);
	if (g->op == SIG_GROUP_ROLE) {
		json_in_str(in, "role", 1, 16);
		role = read_choice(in, "role", role_name, SIG_ROLE_ADMIN + 1);
		g->role = (enum sig_role)(role < 0 ? 0 : role);
	}
	check_needs(in, g);
	if (err == 0 && in->code == 0)
		return g;
	sig_group_free(g);
	return NULL;
}

static bool
makes_no_entry(int op)
{
	return op == SIG_GROUP_REJECT;
}

/* Somebody wants to be let in: those who decide are told. */
static void
tell_admins(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	struct json_out o;
	struct buf b;
	size_t i;

	for (i = 0; i < res->nto; i++) {
		sig_push_begin(&o, &b, "group.request");
		json_out_str(&o, "conv", ticket->conv);
		json_out_str(&o, "user", ticket->user);
		json_out_end(&o);
		sig_note(core, res->to[i].user, "", &b);
	}
}

static void
group_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	bool live = sig_op_done(core, ticket), entry = res->text_len > 0;
	struct json_out o;
	struct buf b;

	if (live && res->err != 0) {
		sig_message_failed(core, ticket, res->err);
	} else if (live && entry) {
		sig_message_answer(core, ticket, res);
	} else if (live) {
		sig_ok_begin(&o, &b, ticket->request);
		json_out_str(&o, "conv", ticket->conv);
		if (ticket->op == SIG_GROUP_JOIN)
			json_out_str(&o, "state", "asked");
		sig_ok_send(core, ticket->link, ticket->request, &o);
	}
	if (res->err != 0)
		return;
	if (res->duplicate)
		core->stats.duplicates++;
	else if (entry)
		sig_message_committed(core, ticket->user, "", res);
	else
		tell_admins(core, ticket, res);
}

/* The append of it; takes the group. NULL without memory. */
static struct sig_append *
group_append(struct sig_core *core, const struct sig_session *s,
    struct sig_group *g, const char *conv, const char *mid)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	uint8_t random[16];

	if (append == NULL) {
		sig_group_free(g);
		return NULL;
	}
	append->kind = SIG_APPEND_GROUP;
	append->group = g;
	append->ts = core->wall;
	memcpy(append->type, "notice", 7);
	memcpy(append->user, s->user->name, sizeof(append->user));
	memcpy(append->device, s->device, sizeof(append->device));
	if (mid != NULL)
		memcpy(append->mid, mid, strlen(mid));
	if (conv != NULL) {
		memcpy(append->conv, conv, strlen(conv));
		return append;
	}
	core->cfg.random(random, sizeof(random));
	sig_name_group(append->conv, core->cfg.app, random);
	return append;
}

void
sig_op_group(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct json_in *in = &req->in;
	const char *conv = NULL, *mid = NULL;
	struct sig_append *append = NULL;
	struct sig_ticket *ticket;
	struct sig_group *g;

	if (req->arg != SIG_GROUP_CREATE)
		conv = json_in_str(in, "conv", 1, SIG_CONV_MAX);
	if (!makes_no_entry(req->arg))
		mid = json_in_str(in, "mid", 1, SIG_MID_MAX);
	if (conv != NULL && !sig_name_group_ok(conv, core->cfg.app)) {
		sig_fail(core, link->id, req->id, SIG_NOT_FOUND,
		    "conv: no such group");
		return;
	}
	g = read_group(core, in, req->arg);
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req)) {
		sig_group_free(g);
		return;
	}
	if (g != NULL)
		append = group_append(core, link->session, g, conv, mid);
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL && append != NULL) {
		ticket->appended = group_done;
		ticket->op = (uint32_t)req->arg;
		memcpy(ticket->mid, append->mid, sizeof(ticket->mid));
		memcpy(ticket->conv, append->conv, sizeof(ticket->conv));
	}
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}

/* A read of the group that the request names; true when it is under way. */
static void
group_read(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct sig_read *read, sig_rows_fn *rows)
{
	struct json_in *in = &req->in;
	const char *conv = json_in_str(in, "conv", 1, SIG_CONV_MAX);
	const char *after = json_in_str_opt(in, "after", 1, SIG_NAME_MAX);
	struct sig_ticket *ticket;

	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->rows = rows;
		ticket->op = (uint32_t)req->arg;
		memcpy(ticket->conv, conv, strlen(conv));
	}
	memcpy(read->user, link->session->user->name, sizeof(read->user));
	memcpy(read->conv, conv, strlen(conv));
	if (after != NULL)
		memcpy(read->after, after, strlen(after));
	sig_op_asked(core, link, req, sig_read(core, ticket, read));
}

static void
get_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	const struct sig_row *row = rows->rows;
	struct json_out o;
	struct buf b;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		sig_rows_fail(core, ticket, rows->err);
		return;
	}
	sig_ok_begin(&o, &b, ticket->request);
	json_out_str(&o, "conv", row->conv);
	json_out_str(&o, "title", row->title);
	json_out_str(&o, "avatar", row->avatar);
	json_out_str(&o, "announcement", row->announcement);
	json_out_str(&o, "join", sig_join_name(row->join));
	json_out_str(&o, "history", sig_history_name(row->history));
	json_out_int(&o, "members", (int64_t)row->members);
	json_out_bool(&o, "large", row->large);
	json_out_str(&o, "role", sig_role_name(row->role));
	json_out_int(&o, "created_ts", (int64_t)row->ts);
	if (row->until > core->wall)
		json_out_int(&o, "silent_until", (int64_t)row->until);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_op_group_get(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = SIG_READ_GROUP, .limit = 1 };

	group_read(core, link, req, &read, get_rows);
}

static void
put_member(struct json_out *o, const struct sig_row *row, uint64_t wall)
{
	json_out_str(o, "role", sig_role_name(row->role));
	json_out_int(o, "joined_ts", (int64_t)row->ts);
	if (row->until > wall)
		json_out_int(o, "silent_until", (int64_t)row->until);
}

static void
members_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	bool members = ticket->op == SIG_READ_MEMBERS;
	const struct sig_row *row;
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
	json_out_str(&o, "conv", ticket->conv);
	json_out_array(&o, members ? "members" : "requests");
	for (i = 0; i < rows->nrows && b.len < MEMBERS_BYTES; i++) {
		row = &rows->rows[i];
		json_out_object(&o, NULL);
		json_out_str(&o, "user", row->peer);
		json_out_str(&o, "nick", row->nick);
		if (members) {
			put_member(&o, row, core->wall);
		} else {
			json_out_int(&o, "ts", (int64_t)row->ts);
			json_out_mem(&o, "memo", row->text, row->text_len);
		}
		json_out_close(&o);
	}
	json_out_close(&o);
	json_out_bool(&o, "complete", rows->complete && i == rows->nrows);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_op_group_members(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = (enum sig_read_kind)req->arg };

	read.limit = (uint32_t)json_in_int_opt(
	    &req->in, "limit", 1, MEMBERS_LIMIT, MEMBERS_DEF);
	group_read(core, link, req, &read, members_rows);
}
