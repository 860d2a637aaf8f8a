/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/contact.h"
#include "signald/core/effect.h"
#include "signald/core/name.h"
#include "signald/core/peer.h"
#include "signald/core/presence.h"
#include "signald/core/relation.h"
#include "signald/core/user.h"

#define LIST_LIMIT 200
#define LIST_DEF   100
#define FOUND_MAX  50
#define FOUND_DEF  20

/* Of one user: what costs others is not done all the time. */
#define SEARCH_PERIOD_MS  2000
#define SEARCH_BURST      20
#define REQUEST_PERIOD_MS 10000
#define REQUEST_BURST     50

/* A row of user has changed; text: how it is told. */
struct change {
	const char *user, *other;
	const char *but; /* a session that knows */
	uint64_t version;
	const char *text;
	size_t len;
};

/* To every device of the user but the session named. */
static void
contact_tell(struct sig_core *core, const struct change *c, enum sig_bond bond)
{
	struct sig_mail *mail = sig_mail_new(SIG_MAIL_CONTACT, c->user);

	if (mail != NULL) {
		memcpy(mail->from, c->other, strnlen(c->other, SIG_NAME_MAX));
		memcpy(mail->session, c->but, strnlen(c->but, SIG_SESSION_MAX));
		mail->flags = bond;
		mail->sync = c->version;
		/* Without its text it still tells the version. */
		sig_mail_put(mail, c->text, c->len);
	}
	sig_post(core, mail);
}

static void
contact_push(struct sig_core *core, const struct sig_session *s,
    const struct sig_mail *mail)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "contact");
	json_out_int(&o, "version", (int64_t)mail->sync);
	if (mail->text_len > 0)
		sig_out_message(&o, "contact", mail->text, mail->text_len);
	json_out_end(&o);
	core->stats.pushes++;
	sig_send(core, s->link->id, &b, false);
}

void
sig_contact_told(struct sig_core *core, const struct sig_mail *mail)
{
	struct sig_user *user = sig_user_find(core, mail->to);
	const struct sig_session *s;

	if (user == NULL)
		return;
	if (mail->sync > user->contacts)
		user->contacts = mail->sync;
	LIST_FOREACH (s, &user->sessions, of_user) {
		if (s->link != NULL && strcmp(s->id, mail->session) != 0)
			contact_push(core, s, mail);
	}
	if (mail->flags == SIG_BOND_MADE)
		sig_peer_join(core, user, mail->from);
	else if (mail->flags == SIG_BOND_BLOCKED)
		sig_peer_vanish(core, user, mail->from);
	else if (mail->flags == SIG_BOND_BROKEN)
		sig_peer_part(core, user, mail->from);
}

static void
contact_failed(struct sig_core *core, const struct sig_ticket *ticket, int err)
{
	static const struct sig_reason reasons[] = {
		{ -ENOENT, SIG_NOT_FOUND, "user: no such user or contact" },
		{ -EEXIST, SIG_CONFLICT, "user: a friend already" },
		{ -EBUSY, SIG_CONFLICT, "user: refused; wait for a day" },
		{ -E2BIG, SIG_TOO_LARGE, "too many contacts or requests" },
		{ -EAGAIN, SIG_OVERLOADED, "the log has too much to do" },
		{ 0, SIG_STORAGE, "nothing was stored" },
	};

	sig_fail_for(core, ticket, reasons, err);
}

static void
contact_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	bool live = sig_op_done(core, ticket);
	struct json_out o;
	struct buf b;

	if (res->err != 0) {
		if (live)
			contact_failed(core, ticket, res->err);
		return;
	}
	if (live) {
		sig_ok_begin(&o, &b, ticket->request);
		json_out_int(&o, "version", (int64_t)res->version);
		sig_out_message(&o, "contact", res->text, res->text_len);
		sig_ok_send(core, ticket->link, ticket->request, &o);
	}
	if (!res->duplicate)
		contact_tell(core,
		    &(struct change){ ticket->user, ticket->peer,
			ticket->session, res->version, res->text,
			res->text_len },
		    res->bond);
	if (res->peer_version != 0)
		contact_tell(core,
		    &(struct change){ ticket->peer, ticket->user, "",
			res->peer_version, res->peer_text, res->peer_text_len },
		    res->peer_bond);
}

void
sig_contact_erased(
    struct sig_core *core, const char *user, const struct sig_appended *res)
{
	contact_tell(core,
	    &(struct change){ res->to[0].user, user, "", res->peer_version,
		res->peer_text, res->peer_text_len },
	    res->peer_bond);
}

/* What goes with the deed, "" without. */
static const char *
contact_text(struct sig_req *req)
{
	const char *text = NULL;

	if (req->arg == SIG_CONTACT_REQUEST)
		text = json_in_str_opt(&req->in, "memo", 0, SIG_MEMO_MAX);
	else if (req->arg == SIG_CONTACT_REMARK)
		text = json_in_str(&req->in, "remark", 0, SIG_REMARK_MAX);
	return text != NULL ? text : "";
}

/* Whom the user blocks will have seen it last then; 0: the log knows. */
static uint64_t
contact_seen(const struct sig_core *core, const struct sig_user *user,
    const struct sig_req *req)
{
	struct sig_face face;

	if (req->arg != SIG_CONTACT_BLOCK)
		return 0;
	sig_presence_face(user, &face);
	return face.state == SIG_STATE_OFFLINE ? user->last_seen : core->wall;
}

static struct sig_append *
contact_append(const struct sig_core *core, const struct sig_req *req,
    const struct sig_ticket *ticket, const char *text, uint64_t sync)
{
	struct sig_append *append = calloc(1, sizeof(*append));

	if (append == NULL)
		return NULL;
	append->kind = SIG_APPEND_CONTACT;
	append->contact = (enum sig_contact)req->arg;
	append->ts = core->wall;
	append->sync = sync;
	memcpy(append->user, ticket->user, sizeof(append->user));
	memcpy(append->peer, ticket->peer, sizeof(append->peer));
	append->body = strdup(text);
	append->body_len = strlen(text);
	if (append->body == NULL) {
		sig_append_free(append);
		return NULL;
	}
	return append;
}

/* False after telling the client why not. */
static bool
contact_may(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    const char *peer)
{
	struct sig_user *user = link->session->user;
	const char *wrong = NULL;

	if (!sig_name_user_ok(peer, strlen(peer)))
		wrong = "user: not a user name";
	else if (strcmp(peer, user->name) == 0)
		wrong = "user: that is the one who asks";
	if (wrong != NULL) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST, wrong);
		return false;
	}
	if (!sig_op_room(core, link, req))
		return false;
	if (req->arg == SIG_CONTACT_REQUEST &&
	    !sig_rate_take(
		&user->requests, core->now, REQUEST_PERIOD_MS, REQUEST_BURST)) {
		sig_fail(core, link->id, req->id, SIG_RATE_LIMITED,
		    "too many requests to people");
		return false;
	}
	return true;
}

void
sig_op_contact(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *peer = json_in_str(&req->in, "user", 1, SIG_NAME_MAX);
	const char *text = contact_text(req);
	struct sig_append *append = NULL;
	struct sig_ticket *ticket;

	if (sig_req_bad(core, link, req) || !contact_may(core, link, req, peer))
		return;
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->appended = contact_done;
		memcpy(ticket->peer, peer, strlen(peer));
		append = contact_append(core, req, ticket, text,
		    contact_seen(core, link->session->user, req));
	}
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}

/* The rows of a list of people as the answer's array called name. */
static void
people_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows, const char *name)
{
	const struct sig_row *row;
	struct json_out o;
	struct buf b;
	size_t i;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		sig_fail(core, ticket->link, ticket->request,
		    rows->err == -ENOENT ? SIG_NOT_FOUND : SIG_STORAGE,
		    rows->err == -ENOENT ? "after: no such user"
					 : "the log cannot be read");
		return;
	}
	sig_ok_begin(&o, &b, ticket->request);
	json_out_array(&o, name);
	for (i = 0; i < rows->nrows; i++) {
		row = &rows->rows[i];
		json_out_object(&o, NULL);
		sig_relation_write(&o, row->peer, row->nick, &row->relation);
		json_out_close(&o);
	}
	json_out_close(&o);
	json_out_bool(&o, "complete", rows->complete);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

static void
contacts_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	people_done(core, ticket, rows, "contacts");
}

static void
search_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	people_done(core, ticket, rows, "users");
}

static void
people_read(struct sig_core *core, struct sig_link *link, struct sig_req *req,
    struct sig_read *read, sig_rows_fn *done)
{
	struct sig_ticket *ticket = sig_ticket_new(link, req->id);

	if (ticket != NULL)
		ticket->rows = done;
	memcpy(read->user, link->session->user->name, sizeof(read->user));
	sig_op_asked(core, link, req, sig_read(core, ticket, read));
}

/* The list that which names; false: there is none such. */
static bool
list_named(const char *which, enum sig_contact_list *list)
{
	static const char *const names[] = {
		[SIG_LIST_FRIENDS] = "friends",
		[SIG_LIST_INCOMING] = "incoming",
		[SIG_LIST_OUTGOING] = "outgoing",
		[SIG_LIST_REMOVED] = "removed",
		[SIG_LIST_BLOCKED] = "blocked",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], which) == 0) {
			*list = (enum sig_contact_list)i;
			return true;
		}
	}
	return false;
}

void
sig_op_contacts(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = SIG_READ_CONTACTS };
	struct json_in *in = &req->in;
	const char *which = json_in_str(in, "which", 1, 16);
	const char *after = json_in_str_opt(in, "after", 1, SIG_NAME_MAX);

	read.limit =
	    (uint32_t)json_in_int_opt(in, "limit", 1, LIST_LIMIT, LIST_DEF);
	if (sig_req_bad(core, link, req))
		return;
	if (!list_named(which, &read.list)) {
		sig_fail(core, link->id, req->id, SIG_BAD_REQUEST,
		    "which: must be friends, incoming, outgoing, removed or "
		    "blocked");
		return;
	}
	if (after != NULL)
		memcpy(read.peer, after, strlen(after));
	if (sig_op_room(core, link, req))
		people_read(core, link, req, &read, contacts_done);
}

void
sig_op_search(struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_read read = { .kind = SIG_READ_SEARCH };
	const char *q = json_in_str(&req->in, "q", 1, SIG_QUERY_MAX);

	read.limit = (uint32_t)json_in_int_opt(
	    &req->in, "limit", 1, FOUND_MAX, FOUND_DEF);
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req))
		return;
	if (!sig_rate_take(&link->session->user->searches, core->now,
		SEARCH_PERIOD_MS, SEARCH_BURST)) {
		sig_fail(core, link->id, req->id, SIG_RATE_LIMITED,
		    "too many searches");
		return;
	}
	memcpy(read.query, q, strlen(q));
	people_read(core, link, req, &read, search_done);
}
