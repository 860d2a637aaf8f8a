/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/core/effect.h"
#include "signald/core/name.h"
#include "signald/core/note.h"
#include "signald/core/presence.h"
#include "signald/core/profile.h"
#include "signald/core/user.h"

/* A change is told to everybody who sees the user. */
#define SET_PERIOD_MS 2000
#define SET_BURST     10

static const struct {
	const char *name;
	size_t max;
} fields[SIG_PROFILE_FIELDS] = {
	[SIG_PROFILE_NICK] = { "nick", SIG_PROFILE_NICK_MAX },
	[SIG_PROFILE_AVATAR] = { "avatar", SIG_AVATAR_MAX },
	[SIG_PROFILE_SIGNATURE] = { "signature", SIG_SIGNATURE_MAX },
	[SIG_PROFILE_EXTEND] = { "extend", SIG_EXTEND_MAX },
};

void
sig_profile_write(struct json_out *o, const char *user,
    const char *const profile[SIG_PROFILE_FIELDS])
{
	int i;

	json_out_str(o, "user", user);
	for (i = 0; i < SIG_PROFILE_FIELDS; i++) {
		if (profile[i] == NULL || profile[i][0] == '\0')
			continue;
		if (i == SIG_PROFILE_EXTEND)
			json_out_raw(
			    o, fields[i].name, profile[i], strlen(profile[i]));
		else
			json_out_str(o, fields[i].name, profile[i]);
	}
}

bool
sig_profile_avatar_ok(const char *url)
{
	static const char https[] = "https://";
	const char *c;

	if (strncmp(url, https, sizeof(https) - 1) == 0) {
		if (strchr("/?#", url[sizeof(https) - 1]) != NULL)
			return false;
	} else if (url[0] != '/' || url[1] == '/' || url[1] == '\\') {
		/* "//host" and what browsers take for it is elsewhere. */
		return false;
	}
	for (c = url; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || strchr("\"'<>\\`\x7f", *c))
			return false;
	return true;
}

static void
profile_failed(struct sig_core *core, const struct sig_ticket *ticket, int err)
{
	if (err == -ENOENT)
		sig_fail(core, ticket->link, ticket->request, SIG_NOT_FOUND,
		    "user: no such user");
	else
		sig_fail(core, ticket->link, ticket->request,
		    err == -EAGAIN ? SIG_OVERLOADED : SIG_STORAGE,
		    "the log does not answer");
}

static void
profile_rows(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_rows *rows)
{
	struct json_out o;
	struct buf b;

	if (!sig_op_done(core, ticket))
		return;
	if (rows->err != 0) {
		profile_failed(core, ticket, rows->err);
		return;
	}
	sig_ok_begin(&o, &b, ticket->request);
	json_out_object(&o, "profile");
	sig_profile_write(&o, ticket->peer, rows->profile);
	sig_ok_send(core, ticket->link, ticket->request, &o);
}

void
sig_op_profile_get(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	const char *user = json_in_str_opt(&req->in, "user", 1, SIG_NAME_MAX);
	struct sig_read read = { .kind = SIG_READ_USER };
	struct sig_ticket *ticket;

	if (sig_req_bad(core, link, req))
		return;
	if (user == NULL)
		user = link->session->user->name;
	if (!sig_name_user_ok(user, strlen(user))) {
		sig_fail(core, link->id, req->id, SIG_NOT_FOUND,
		    "user: no such user");
		return;
	}
	if (!sig_op_room(core, link, req))
		return;
	memcpy(read.user, user, strlen(user));
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL) {
		ticket->rows = profile_rows;
		memcpy(ticket->peer, user, strlen(user));
	}
	sig_op_asked(core, link, req, sig_read(core, ticket, &read));
}

static void
profile_push(struct sig_core *core, const char *to, const char *but,
    const struct sig_appended *res)
{
	struct json_out o;
	struct buf b;

	sig_push_begin(&o, &b, "profile");
	sig_out_message(&o, "profile", res->text, res->text_len);
	json_out_end(&o);
	sig_note(core, to, but, &b);
}

static void
profile_done(struct sig_core *core, const struct sig_ticket *ticket,
    const struct sig_appended *res)
{
	const struct sig_user *user = sig_user_find(core, ticket->user);
	bool live = sig_op_done(core, ticket);
	const struct sig_peer *peer;
	struct sig_face face;
	struct json_out o;
	struct buf b;
	size_t pos = 0;

	if (res->err != 0) {
		if (live)
			profile_failed(core, ticket, res->err);
		return;
	}
	if (live) {
		sig_ok_begin(&o, &b, ticket->request);
		sig_out_message(&o, "profile", res->text, res->text_len);
		sig_ok_send(core, ticket->link, ticket->request, &o);
	}
	if (user == NULL)
		return;
	profile_push(core, ticket->user, ticket->session, res);
	/* Whoever does not want to be seen is not seen by this either. */
	sig_presence_face(user, &face);
	if (face.state == SIG_STATE_OFFLINE)
		return;
	while ((peer = htab_next(&user->peers, &pos)) != NULL)
		if (peer->here)
			profile_push(core, peer->name, "", res);
}

/* NULL: not named; "": null, so it is removed; else the new text, which the
 * caller frees. */
static char *
field_read(struct json_in *in, int i)
{
	const char *name = fields[i].name, *text = "";
	const struct json *value = json_in_any(in, name);
	struct json_out o;
	struct buf b;

	if (value == NULL)
		return NULL;
	if (json_nil(value))
		return strdup("");
	if (i != SIG_PROFILE_EXTEND) {
		text = json_in_str(in, name, 1, fields[i].max);
		return text != NULL ? strdup(text) : NULL;
	}
	value = json_in_object(in, name);
	if (value == NULL)
		return NULL;
	buf_init(&b, fields[i].max + 1);
	json_out_init(&o, &b);
	json_out_value(&o, NULL, value);
	json_out_end(&o);
	buf_u8(&b, '\0');
	if (b.err == 0)
		return (char *)b.data;
	in->code = b.err == -ENOMEM ? -ENOMEM : -EMSGSIZE;
	snprintf(in->err, sizeof(in->err), "extend: more than 4096 bytes");
	buf_fini(&b);
	return NULL;
}

static struct sig_append *
profile_append(
    const struct sig_core *core, const char *user, struct json_in *in)
{
	struct sig_append *append = calloc(1, sizeof(*append));
	const char *avatar;
	int i;

	if (append == NULL)
		return NULL;
	append->kind = SIG_APPEND_PROFILE;
	append->ts = core->wall;
	memcpy(append->user, user, strlen(user));
	for (i = 0; i < SIG_PROFILE_FIELDS && in->code == 0; i++) {
		append->profile[i] = field_read(in, i);
		if (append->profile[i] == NULL && in->code == 0 &&
		    json_in_has(in, fields[i].name)) {
			sig_append_free(append); /* no memory */
			return NULL;
		}
	}
	avatar = append->profile[SIG_PROFILE_AVATAR];
	if (in->code == 0 && avatar != NULL && avatar[0] != '\0' &&
	    !sig_profile_avatar_ok(avatar)) {
		in->code = -EINVAL;
		snprintf(in->err, sizeof(in->err),
		    "avatar: https://... or /a/path of this host");
	}
	return append;
}

void
sig_op_profile_set(
    struct sig_core *core, struct sig_link *link, struct sig_req *req)
{
	struct sig_user *user = link->session->user;
	struct sig_append *append;
	struct sig_ticket *ticket;

	append = profile_append(core, user->name, &req->in);
	if (sig_req_bad(core, link, req) || !sig_op_room(core, link, req)) {
		sig_append_free(append);
		return;
	}
	if (!sig_rate_take(
		&user->profile_rate, core->now, SET_PERIOD_MS, SET_BURST)) {
		sig_append_free(append);
		sig_fail(
		    core, link->id, req->id, SIG_RATE_LIMITED, "too often");
		return;
	}
	ticket = sig_ticket_new(link, req->id);
	if (ticket != NULL)
		ticket->appended = profile_done;
	sig_op_asked(core, link, req, sig_append(core, ticket, append));
}
