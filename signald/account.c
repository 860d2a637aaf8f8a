/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json/json.h"
#include "signald/account.h"
#include "signald/bearer.h"
#include "signald/core/life.h"
#include "signald/core/name.h"
#include "signald/hasher.h"
#include "signald/worker.h"

#define FRESH_MS 300000 /* a token this young stands for a password */

/* A request whose password is being hashed, or whose user is being stored. */
struct account_job {
	enum account_kind kind;
	bool known;   /* the user exists and has a password */
	bool checked; /* the old password was right */
	bool fresh_token;
	struct sig_standing standing;
	char user[SIG_NAME_MAX + 1];
	char nick[ACCOUNT_NICK_MAX + 1];
	char fresh[257]; /* the new password, until it is hashed */
	size_t fresh_len;
};

void
account_job_free(struct account_job *job)
{
	if (job == NULL)
		return;
	crypto_wipe(job, sizeof(*job));
	free(job);
}

static const char *const fields[][4] = {
	[ACCOUNT_LOGIN] = { "user", "password" },
	[ACCOUNT_REGISTER] = { "user", "password", "nick" },
	[ACCOUNT_PASSWORD] = { "user", "password", "new_password" },
	[ACCOUNT_RESET] = { "password" },
	[ACCOUNT_DELETE] = { "password" },
};

static size_t
put(char *out, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	memcpy(out, len > 0 ? text : "", len + 1);
	return len;
}

static void
form_read(struct json_in *in, enum account_kind kind, struct account_form *form)
{
	bool makes = kind == ACCOUNT_REGISTER || kind == ACCOUNT_RESET;
	const char *user = NULL, *password, *nick = NULL, *fresh = NULL;

	if (kind != ACCOUNT_RESET && kind != ACCOUNT_DELETE)
		user = json_in_str(in, "user", 1, SIG_NAME_MAX);
	password = json_in_str(in, "password", makes ? ACCOUNT_PASSWORD_MIN : 1,
	    ACCOUNT_PASSWORD_MAX);
	if (kind == ACCOUNT_REGISTER)
		nick = json_in_str_opt(in, "nick", 1, ACCOUNT_NICK_MAX);
	if (kind == ACCOUNT_PASSWORD)
		fresh = json_in_str(in, "new_password", ACCOUNT_PASSWORD_MIN,
		    ACCOUNT_PASSWORD_MAX);
	json_in_only(in, fields[kind]);
	if (in->code == 0 && user != NULL &&
	    !sig_name_user_ok(user, strlen(user))) {
		in->code = -EINVAL;
		snprintf(in->err, sizeof(in->err),
		    "user: a-z 0-9 . _ - only, a letter or digit first");
	}
	if (in->code != 0)
		return;
	put(form->user, user);
	put(form->nick, nick != NULL ? nick : user);
	form->password_len = put(form->password, password);
	form->fresh_len = put(form->fresh, fresh);
}

int
account_form(const void *body, size_t len, enum account_kind kind,
    struct account_form *form, char *err, size_t err_size)
{
	static const struct json_limits limits = { 4096, 16, 2 };
	char why[JSON_ERR_MAX];
	struct json *json = NULL;
	struct json_in in;
	int rc;

	memset(form, 0, sizeof(*form));
	rc = json_parse(body, len, &limits, &json, why);
	if (rc != 0) {
		snprintf(err, err_size, "%s", why);
		return rc;
	}
	json_in_init(&in, json, "");
	form_read(&in, kind, form);
	snprintf(err, err_size, "%s", in.err);
	json_free(json);
	return in.code;
}

void
account_head(struct conn *c, const struct h1_head *head)
{
	static const char json[] = "application/json";
	const char *type = h1_get(head, "Content-Type");
	size_t n = sizeof(json) - 1;

	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not do this", 0);
	} else if (type == NULL || strncasecmp(type, json, n) != 0 ||
	    (type[n] != '\0' && strchr("; \t", type[n]) == NULL)) {
		front_error(c, 415, "bad_request",
		    "Content-Type must be application/json", 0);
	} else if (h1_get(head, "Content-Length") == NULL) {
		front_error(
		    c, 411, "bad_request", "Content-Length is missing", 0);
	}
}

static uint64_t
too_often(struct conn *c, const char *user)
{
	const struct app *app = c->desk->app;
	struct rate *addresses = c->worker->d->address_rate;
	uint64_t now = loop_now_ms(c->worker->loop), wait;
	struct addr from = conn_host(c);

	wait = rate_take(addresses, &from, sizeof(from), now);
	if (wait == 0)
		wait = rate_take(app->user_rate, user, strlen(user), now);
	return wait;
}

static void hashed(void *arg);

/* Gives a password to the hasher: to compare with the hash, or with "" to make
 * one. False: the request has been refused. */
static bool
hash(struct conn *c, const char *password, size_t len, const char *with)
{
	struct worker *w = c->worker;
	struct hash_job *hj = calloc(1, sizeof(*hj));

	if (hj == NULL) {
		front_error(c, 503, "overloaded", "no memory", 1000);
		return false;
	}
	hj->loop = w->loop;
	hj->done = hashed;
	hj->worker = w;
	hj->conn = c->id;
	hj->password_len = len;
	memcpy(hj->password, password, len);
	snprintf(hj->hash, sizeof(hj->hash), "%s", with);
	if (hasher_submit(w->d->hasher, hj) == 0)
		return true;
	hash_job_free(hj);
	front_error(c, 503, "overloaded", "too many log-ins at once", 2000);
	return false;
}

static void
wait_for(struct conn *c, struct account_job *job)
{
	if (c->job != job)
		account_job_free(c->job);
	c->job = job;
	c->state = CONN_WAITING;
	conn_deadline(c, 0); /* hasher and log always answer */
	conn_watch(c);
}

/* The request waits for its password. */
static void
submit(struct conn *c, const struct account_form *form, struct account_job *job,
    const char *with)
{
	if (job == NULL) {
		front_error(c, 503, "overloaded", "no memory", 1000);
		return;
	}
	if (job->kind != ACCOUNT_DELETE)
		put(job->user, form->user);
	job->fresh_len = put(job->fresh, form->fresh);
	if (!hash(c, form->password, form->password_len, with)) {
		if (job != c->job)
			account_job_free(job);
		return;
	}
	wait_for(c, job);
}

/* The form of a request, unless it was answered already. */
static bool
take_form(struct conn *c, const void *body, size_t len, enum account_kind kind,
    struct account_form *form)
{
	char err[JSON_ERR_MAX];
	uint64_t wait;

	if (account_form(body, len, kind, form, err, sizeof(err)) != 0) {
		front_error(c, 400, "bad_request", err, 0);
		return false;
	}
	wait = too_often(c, form->user);
	if (wait != 0)
		front_error(c, 429, "rate_limited", "too often", wait);
	return wait == 0;
}

static struct account_job *
job_new(enum account_kind kind)
{
	struct account_job *job = calloc(1, sizeof(*job));

	if (job != NULL)
		job->kind = kind;
	return job;
}

/* What begins with a user's password. */
static void
prove(struct conn *c, enum account_kind kind, const void *body, size_t len)
{
	struct msglog_reader *reader = c->desk->reader;
	struct msglog_account account;
	struct account_form form;
	struct account_job *job;
	bool known;

	if (take_form(c, body, len, kind, &form)) {
		/* Whoever has no password cannot bring the right one. */
		known = msglog_account(reader, form.user, &account) == 0 &&
		    account.pwhash[0] != '\0';
		job = job_new(kind);
		if (job != NULL && known) {
			job->known = true;
			job->standing = account.standing;
			snprintf(job->nick, sizeof(job->nick), "%.64s",
			    account.nick);
		}
		submit(c, &form, job,
		    known ? account.pwhash
			  : hasher_decoy(c->worker->d->hasher));
		crypto_wipe(&account, sizeof(account));
	}
	crypto_wipe(&form, sizeof(form));
}

void
account_login(struct conn *c, const void *body, size_t len)
{
	prove(c, ACCOUNT_LOGIN, body, len);
}

void
account_password(struct conn *c, const void *body, size_t len)
{
	prove(c, ACCOUNT_PASSWORD, body, len);
}

void
account_register(struct conn *c, const void *body, size_t len)
{
	struct desk *desk = c->desk;
	struct msglog_account account;
	struct account_form form;
	struct account_job *job;

	if (!desk->app->conf->open_registration) {
		front_error(c, 403, "forbidden", "registration is closed", 0);
		return;
	}
	if (take_form(c, body, len, ACCOUNT_REGISTER, &form)) {
		if (msglog_account(desk->reader, form.user, &account) == 0) {
			front_error(c, 409, "conflict", "the name is taken", 0);
		} else {
			job = job_new(ACCOUNT_REGISTER);
			if (job != NULL)
				put(job->nick, form.nick);
			submit(c, &form, job, "");
		}
		crypto_wipe(&account, sizeof(account));
	}
	crypto_wipe(&form, sizeof(form));
}

/* Ends the wait of a connection whose answer is queued. */
static void
go_on(struct conn *c)
{
	account_job_free(c->job);
	c->job = NULL;
	front_resume(c);
}

/* Answers with a fresh token; nick NULL: not said. */
static void
answer_token(struct conn *c, int status, const char *user, uint32_t generation,
    const char *nick)
{
	uint8_t mem[1024];
	struct buf b = buf_fixed(mem, sizeof(mem));
	char token[SIG_TOKEN_MAX];
	struct json_out out;
	uint64_t expires;

	if (sig_life_token(&c->desk->config, user, generation, loop_wall_ms(),
		token, &expires) != 0) {
		front_error(c, 500, "internal", "no token could be made", 0);
		return;
	}
	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_str(&out, "user", user);
	if (nick != NULL)
		json_out_str(&out, "nick", nick);
	json_out_str(&out, "token", token);
	json_out_int(&out, "expires_ts", (int64_t)expires);
	json_out_end(&out);
	front_json(c, status, &b);
	crypto_wipe(token, sizeof(token));
	crypto_wipe(mem, sizeof(mem));
}

static void
welcome(struct conn *c)
{
	const struct account_job *job = c->job;

	answer_token(c, job->kind == ACCOUNT_REGISTER ? 201 : 200, job->user,
	    job->standing.generation,
	    job->kind == ACCOUNT_LOGIN ? job->nick : NULL);
}

/* Stores the new user or the new password; the log answers. False: it could
 * not be asked. */
static bool
store(struct conn *c, const struct hash_job *hj)
{
	const struct account_job *job = c->job;
	struct msglog_port *port = c->desk->port;
	struct sig_append *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return false;
	a->kind = SIG_APPEND_ACCOUNT;
	a->account = SIG_ACCOUNT_PASSWORD;
	a->ts = loop_wall_ms();
	memcpy(a->user, job->user, sizeof(a->user));
	if (job->kind == ACCOUNT_DELETE) {
		a->account = SIG_ACCOUNT_DELETE;
		return msglog_append(port, c->id, true, a) == 0;
	}
	a->pwhash = strdup(hj->hash);
	if (job->kind == ACCOUNT_REGISTER) {
		a->kind = SIG_APPEND_USER;
		a->nick = strdup(job->nick);
	}
	if (a->pwhash == NULL ||
	    (a->nick == NULL && job->kind == ACCOUNT_REGISTER)) {
		sig_append_free(a);
		return false;
	}
	return msglog_append(port, c->id, true, a) == 0;
}

/* The password was right, so its user may learn more. False: waits on. */
static bool
answer_proven(struct conn *c)
{
	struct account_job *job = c->job;

	if (job->standing.role == SIG_USER_BANNED) {
		front_error(c, 403, "banned", "this user is banned", 0);
	} else if (job->kind == ACCOUNT_LOGIN) {
		welcome(c);
	} else if (job->kind == ACCOUNT_DELETE) {
		if (store(c, NULL))
			return false;
		front_error(c, 503, "overloaded", "no memory", 1000);
	} else if (hash(c, job->fresh, job->fresh_len, "")) {
		job->checked = true;
		crypto_wipe(job->fresh, sizeof(job->fresh));
		return false;
	}
	return true;
}

static void
answer_hashed(struct conn *c, const struct hash_job *hj)
{
	struct account_job *job = c->job;
	bool stores = job->kind == ACCOUNT_REGISTER || job->checked;

	if (hj->err != 0 && hj->err != -EACCES) {
		front_error(c, 503, "overloaded", "no memory to hash", 1000);
	} else if (stores) {
		if (store(c, hj))
			return;
		front_error(c, 503, "overloaded", "no memory", 1000);
	} else if (hj->err == 0 && job->known) {
		if (!answer_proven(c))
			return;
	} else {
		front_error(c, 401, "unauthorized",
		    "no such user, or not this password", 0);
	}
	go_on(c);
}

static void
hashed(void *arg)
{
	struct hash_job *hj = arg;
	struct worker *w = hj->worker;
	struct conn *c;

	c = worker_conn(w, hj->conn);
	if (c != NULL && c->state == CONN_WAITING && c->job != NULL)
		answer_hashed(c, hj);
	hash_job_free(hj);
}

static void
answer_deleted(struct conn *c)
{
	uint8_t mem[128];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out out;

	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_str(&out, "user", c->job->user);
	json_out_end(&out);
	front_json(c, 200, &b);
}

void
account_appended(struct conn *c, const struct sig_appended *done)
{
	struct desk *desk = c->desk;

	if (c->state != CONN_WAITING || c->job == NULL)
		return;
	if (done->err == 0 && c->job->kind != ACCOUNT_REGISTER) {
		c->job->standing = done->standing;
		sig_core_standing(
		    desk->core, c->job->user, &done->standing, desk_time(desk));
		desk_pump(desk);
	}
	if (done->err == 0 && c->job->kind == ACCOUNT_REGISTER)
		webhook_user(desk->app->webhook, &desk->config,
		    SIG_EVENT_USER_REGISTERED, c->job->user);
	if (done->err == 0 && c->job->kind == ACCOUNT_DELETE)
		answer_deleted(c);
	else if (done->err == 0)
		welcome(c);
	else if (done->err == -EEXIST)
		front_error(c, 409, "conflict", "the name is taken", 0);
	else
		front_error(c, 503, "storage", "nothing was stored", 1000);
	go_on(c);
}

void
account_refresh(struct conn *c, const struct h1_head *head)
{
	struct sig_claims claims;

	if (!bearer_take(c, head, &claims))
		return;
	if (claims.grant.outside)
		front_error(c, 403, "forbidden",
		    "token: its identity service renews it", 0);
	else
		answer_token(
		    c, 200, claims.user, claims.grant.generation, NULL);
}

void
account_delete_head(struct conn *c, const struct h1_head *head)
{
	uint64_t now = loop_wall_ms();
	struct sig_claims claims;
	struct account_job *job;

	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not do this", 0);
		return;
	}
	if (!bearer_take(c, head, &claims))
		return;
	job = job_new(ACCOUNT_DELETE);
	if (job == NULL) {
		front_error(c, 503, "overloaded", "no memory", 1000);
		return;
	}
	put(job->user, claims.user);
	job->fresh_token = claims.grant.outside &&
	    claims.grant.issued_ms != 0 &&
	    now < claims.grant.issued_ms + FRESH_MS;
	account_job_free(c->job);
	c->job = job;
}

/* Who has no password shows that the identity service knows it just now. */
static void
delete_fresh(struct conn *c)
{
	if (!c->job->fresh_token)
		front_error(
		    c, 403, "forbidden", "token: not of the last 5 minutes", 0);
	else if (store(c, NULL))
		wait_for(c, c->job);
	else
		front_error(c, 503, "overloaded", "no memory", 1000);
}

void
account_delete(struct conn *c, const void *body, size_t len)
{
	struct account_job *job = c->job;
	struct msglog_account account;
	struct account_form form;
	char err[JSON_ERR_MAX];
	uint64_t wait = too_often(c, job->user);
	int rc = msglog_account(c->desk->reader, job->user, &account);

	if (wait != 0) {
		front_error(c, 429, "rate_limited", "too often", wait);
	} else if (rc != 0) {
		front_error(c, 503, "storage", "the log cannot be read", 1000);
	} else if (account.pwhash[0] == '\0') {
		delete_fresh(c);
	} else if (account_form(body, len, ACCOUNT_DELETE, &form, err,
		       sizeof(err)) != 0) {
		front_error(c, 400, "bad_request", err, 0);
	} else {
		job->known = true;
		job->standing = account.standing;
		submit(c, &form, job, account.pwhash);
		crypto_wipe(&form, sizeof(form));
	}
	crypto_wipe(&account, sizeof(account));
}
