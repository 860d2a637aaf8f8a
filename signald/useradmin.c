/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/account.h"
#include "signald/core/name.h"
#include "signald/useradmin.h"
#include "signald/worker.h"

#define ASK_MS     2000 /* for a worker to carry it out */
#define LIST_DEF   100
#define LIST_MAX   1000
#define DIGITS_MAX 4

static const char *const roles[SIG_USER_ROLES + 1] = {
	[SIG_USER_NORMAL] = "normal",
	[SIG_USER_ADMIN] = "admin",
	[SIG_USER_BANNED] = "banned",
	[SIG_USER_DELETED] = "deleted",
};

/* "NAME" or "NAME/DEED" apart; false, and the reply says why not. */
static bool
target(const char *rest, char user[SIG_NAME_MAX + 1], const char **deed,
    struct http_reply *reply)
{
	size_t len = strcspn(rest, "/");

	if (!sig_name_user_ok(rest, len)) {
		http_error(reply, 404, "not_found", "no such user");
		return false;
	}
	memcpy(user, rest, len);
	user[len] = '\0';
	*deed = rest + len + (rest[len] == '/');
	return true;
}

static void
failed(struct http_reply *reply, int rc)
{
	if (rc == -ENOENT)
		http_error(reply, 404, "not_found", "no such user");
	else if (rc == -EEXIST)
		http_error(reply, 409, "conflict", "the name is taken");
	else
		http_error(reply, 503, "storage", strerror(-rc));
}

static void
put_row(struct json_out *o, const struct sig_row *row)
{
	json_out_str(o, "user", row->peer);
	json_out_str(o, "nick", row->nick);
	json_out_str(o, "role", roles[row->standing.role]);
	json_out_int(o, "created_ts", (int64_t)row->ts);
	json_out_int(o, "last_seen", (int64_t)row->last_seen);
	json_out_bool(o, "password", row->password);
}

/* What a read is for; the rows are gone when its function returns. */
struct showing {
	struct http_reply *reply;
	const char *user; /* this one only; NULL: all */
};

static void
show(void *arg, const struct sig_rows *rows)
{
	const struct showing *s = arg;
	struct json_out o;
	size_t i;

	json_out_init(&o, &s->reply->body);
	if (rows->err != 0) {
		failed(s->reply, -EIO);
	} else if (s->user == NULL) {
		json_out_object(&o, NULL);
		json_out_array(&o, "users");
		for (i = 0; i < rows->nrows; i++) {
			json_out_object(&o, NULL);
			put_row(&o, &rows->rows[i]);
			json_out_close(&o);
		}
		json_out_close(&o);
		json_out_bool(&o, "complete", rows->complete);
		json_out_end(&o);
	} else if (rows->nrows == 0 ||
	    strcmp(rows->rows[0].peer, s->user) != 0) {
		failed(s->reply, -ENOENT);
	} else {
		json_out_object(&o, NULL);
		put_row(&o, &rows->rows[0]);
		json_out_end(&o);
	}
}

/* A reader belongs to a thread, and this one asks seldom. */
static void
read_users(
    const struct app *app, const struct sig_read *read, struct showing *showing)
{
	struct msglog_reader *reader = msglog_reader_new(app->log);

	if (reader == NULL) {
		failed(showing->reply, -ENOMEM);
		return;
	}
	msglog_read(reader, read, show, showing);
	msglog_reader_free(reader);
}

/* A parameter that is the beginning of a name, or a whole one. */
static bool
take_name(const struct http_request *req, const char *name, char *out,
    struct http_reply *reply)
{
	const char *text = http_query(req, name);
	size_t len = text != NULL ? strlen(text) : 0;

	if (len > 0 && !sig_name_user_ok(text, len)) {
		http_error(reply, 400, "bad_request",
		    "prefix and after: a-z 0-9 . _ - only, 32 at most");
		return false;
	}
	memcpy(out, len > 0 ? text : "", len + 1);
	return true;
}

void
useradmin_list(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const char *limit = http_query(req, "limit");
	const struct app *app = app_asked(daemon_state(arg), req, reply);
	struct sig_read read = { .kind = SIG_READ_USERS, .limit = LIST_DEF };
	struct showing showing = { reply, NULL };

	if (app == NULL)
		return;
	if (limit != NULL) {
		read.limit = strlen(limit) <= DIGITS_MAX &&
			strspn(limit, "0123456789") == strlen(limit)
		    ? (uint32_t)strtoul(limit, NULL, 10)
		    : 0;
		if (read.limit < 1 || read.limit > LIST_MAX) {
			http_error(
			    reply, 400, "bad_request", "limit: 1 to 1000");
			return;
		}
	}
	if (take_name(req, "prefix", read.query, reply) &&
	    take_name(req, "after", read.after, reply))
		read_users(app, &read, &showing);
}

void
useradmin_get(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct app *app = app_asked(daemon_state(arg), req, reply);
	struct sig_read read = { .kind = SIG_READ_USERS, .limit = 1 };
	struct showing showing = { reply, read.query };
	const char *deed;

	/* Of all names that begin so, the name itself is the first. */
	if (app == NULL || !target(req->rest, read.query, &deed, reply))
		return;
	if (deed[0] != '\0')
		http_error(reply, 404, "not_found", "no such path");
	else
		read_users(app, &read, &showing);
}

/* An append with the hash of the form's password; NULL without memory. The
 * hash may take its time here: the thread is the admin server's own. */
static struct sig_append *
append_password(enum sig_append_kind kind, const struct account_form *form)
{
	struct sig_append *a = calloc(1, sizeof(*a));
	char hash[CRYPTO_PWHASH_LEN];

	if (a == NULL ||
	    crypto_pwhash_make(form->password, form->password_len, hash) != 0) {
		sig_append_free(a);
		return NULL;
	}
	a->kind = kind;
	a->account = SIG_ACCOUNT_PASSWORD;
	a->pwhash = strdup(hash);
	a->nick = strdup(form->nick);
	if (a->pwhash != NULL && a->nick != NULL)
		return a;
	sig_append_free(a);
	return NULL;
}

/* The user's worker carries out what the log has stored. */
struct news {
	const struct app *app;
	const char *user;
	struct sig_standing standing;
};

static void
tell_standing(void *worker, void *arg, struct buf *out)
{
	const struct news *news = arg;
	struct desk *desk = app_desk(news->app, worker);

	if (sig_shard_of(&desk->config, news->user) != desk->config.shard)
		return;
	sig_core_standing(
	    desk->core, news->user, &news->standing, desk_time(desk));
	desk_pump(desk);
}

/* A request that changes one user. */
struct deed {
	struct daemon_run *run;
	const struct app *app;
	char user[SIG_NAME_MAX + 1];
	const char *name;
	const struct http_request *req;
	struct http_reply *reply;
};

/* False, and the reply says why not. */
static bool
deed_read(struct deed *d, void *run, const struct http_request *req,
    struct http_reply *reply)
{
	*d = (struct deed){ .run = run, .req = req, .reply = reply };
	d->app = app_asked(daemon_state(run), req, reply);
	return d->app != NULL && target(req->rest, d->user, &d->name, reply);
}

/* Stores it and has it carried out. Takes the append, NULL is fine. */
static void
change(const struct deed *d, struct sig_append *a)
{
	struct news news = { d->app, d->user, { .generation = 0 } };
	struct sig_appended done;
	struct json_out o;
	int rc = -ENOMEM;

	if (a != NULL) {
		a->ts = loop_wall_ms();
		memcpy(a->user, d->user, sizeof(a->user));
		rc = msglog_append_wait(d->app->log, a, &done);
	}
	if (rc != 0) {
		failed(d->reply, rc);
		return;
	}
	news.standing = done.standing;
	rc = daemon_ask(d->run, tell_standing, &news, NULL, ASK_MS);
	if (rc != 0) {
		http_error(d->reply, 503, "busy",
		    "stored, but a worker did not answer; say it again");
		return;
	}
	json_out_init(&o, &d->reply->body);
	json_out_object(&o, NULL);
	json_out_str(&o, "user", d->user);
	json_out_str(&o, "role", roles[done.standing.role]);
	json_out_end(&o);
}

static struct sig_append *
append_account(enum sig_account account, enum sig_user_role role)
{
	struct sig_append *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->kind = SIG_APPEND_ACCOUNT;
		a->account = account;
		a->role = role;
	}
	return a;
}

static void
change_role(const struct deed *d)
{
	static const struct json_limits limits = { 256, 4, 2 };
	static const char *const names[] = { "role", NULL };
	char err[JSON_ERR_MAX];
	struct json *json = NULL;
	const char *text = NULL;
	struct json_in in;
	int role = SIG_USER_ROLES;

	if (json_parse(d->req->body, d->req->body_len, &limits, &json, err) !=
	    0) {
		http_error(d->reply, 400, "bad_request", err);
		return;
	}
	json_in_init(&in, json, "");
	text = json_in_str(&in, "role", 1, 16);
	json_in_only(&in, names);
	for (role = 0; in.code == 0 && role <= SIG_USER_BANNED; role++)
		if (strcmp(roles[role], text) == 0)
			break;
	if (in.code != 0 || role > SIG_USER_BANNED)
		http_error(d->reply, 400, "bad_request",
		    in.code != 0 ? in.err : "role: normal, admin or banned");
	else
		change(d, append_account(SIG_ACCOUNT_ROLE, role));
	json_free(json);
}

static void
change_password(const struct deed *d)
{
	struct account_form form;
	char err[JSON_ERR_MAX];

	if (account_form(d->req->body, d->req->body_len, ACCOUNT_RESET, &form,
		err, sizeof(err)) != 0)
		http_error(d->reply, 400, "bad_request", err);
	else
		change(d, append_password(SIG_APPEND_ACCOUNT, &form));
	crypto_wipe(&form, sizeof(form));
}

void
useradmin_change(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct deed d;

	if (!deed_read(&d, arg, req, reply))
		return;
	if (strcmp(d.name, "role") == 0)
		change_role(&d);
	else if (strcmp(d.name, "password") == 0)
		change_password(&d);
	else if (strcmp(d.name, "ban") == 0)
		change(&d, append_account(SIG_ACCOUNT_ROLE, SIG_USER_BANNED));
	else if (strcmp(d.name, "unban") == 0)
		change(&d, append_account(SIG_ACCOUNT_ROLE, SIG_USER_NORMAL));
	else
		http_error(reply, 404, "not_found",
		    "no such path: role, password, ban, unban");
}

void
useradmin_make(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct app *app = app_asked(daemon_state(arg), req, reply);
	struct account_form form;
	char err[JSON_ERR_MAX];
	struct sig_append *a;
	struct json_out out;
	int rc = -ENOMEM;

	if (app == NULL)
		return;
	if (account_form(req->body, req->body_len, ACCOUNT_REGISTER, &form, err,
		sizeof(err)) != 0) {
		http_error(reply, 400, "bad_request", err);
		return;
	}
	a = append_password(SIG_APPEND_USER, &form);
	crypto_wipe(form.password, sizeof(form.password));
	if (a != NULL) {
		a->ts = loop_wall_ms();
		memcpy(a->user, form.user, sizeof(a->user));
		rc = msglog_append_wait(app->log, a, NULL);
	}
	if (rc != 0) {
		failed(reply, rc);
		return;
	}
	webhook_user(app->webhook, &app->setup.core, SIG_EVENT_USER_REGISTERED,
	    form.user);
	reply->status = 201;
	json_out_init(&out, &reply->body);
	json_out_object(&out, NULL);
	json_out_str(&out, "user", form.user);
	json_out_str(&out, "nick", form.nick);
	json_out_end(&out);
}

void
useradmin_logout(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct deed d;

	if (!deed_read(&d, arg, req, reply))
		return;
	if (d.name[0] == '\0')
		change(&d, append_account(SIG_ACCOUNT_DELETE, 0));
	else if (strcmp(d.name, "sessions") != 0)
		http_error(reply, 404, "not_found", "no such path: sessions");
	else
		change(&d, append_account(SIG_ACCOUNT_LOGOUT, 0));
}

struct kicking {
	const struct app *app;
	char session[SIG_SESSION_MAX + 1];
};

static void
kick(void *worker, void *arg, struct buf *out)
{
	const struct kicking *k = arg;
	struct desk *desk = app_desk(k->app, worker);

	if (sig_core_kick(desk->core, k->session, desk_time(desk)))
		buf_u8(out, 1);
	desk_pump(desk);
}

void
useradmin_kick(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct kicking k = { app_asked(daemon_state(arg), req, reply), "" };
	struct json_out o;
	struct buf found;
	int rc;

	if (k.app == NULL)
		return;
	snprintf(
	    k.session, sizeof(k.session), "%.*s", SIG_SESSION_MAX, req->rest);
	buf_init(&found, DAEMON_WORKERS_MAX);
	rc = daemon_ask(arg, kick, &k, &found, ASK_MS);
	if (rc != 0) {
		http_error(reply, 503, "busy", "a worker did not answer");
	} else if (found.len == 0) {
		http_error(reply, 404, "not_found", "no such session");
	} else {
		json_out_init(&o, &reply->body);
		json_out_object(&o, NULL);
		json_out_str(&o, "session", k.session);
		json_out_end(&o);
	}
	buf_fini(&found);
}
