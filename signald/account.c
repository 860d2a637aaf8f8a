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

/* A request whose password is being hashed, or whose user is being stored. */
struct account_job {
	bool registers;
	bool known; /* the user that logs in exists */
	char user[SIG_NAME_MAX + 1];
	char nick[ACCOUNT_NICK_MAX + 1];
};

void
account_job_free(struct account_job *job)
{
	free(job);
}

int
account_form(const void *body, size_t len, bool with_nick,
    struct account_form *form, char *err, size_t err_size)
{
	static const struct json_limits limits = { 4096, 16, 2 };
	static const char *const names[] = { "user", "password", "nick", NULL };
	static const char *const login[] = { "user", "password", NULL };
	const char *user, *password, *nick = NULL;
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
	user = json_in_str(&in, "user", 1, SIG_NAME_MAX);
	password = json_in_str(&in, "password", with_nick ? 8 : 1, 256);
	if (with_nick)
		nick = json_in_str_opt(&in, "nick", 1, ACCOUNT_NICK_MAX);
	json_in_only(&in, with_nick ? names : login);
	if (in.code == 0 && !sig_name_user_ok(user, strlen(user))) {
		in.code = -EINVAL;
		snprintf(in.err, sizeof(in.err),
		    "user: a-z 0-9 . _ - only, a letter or digit first");
	}
	if (in.code == 0) {
		snprintf(form->user, sizeof(form->user), "%s", user);
		snprintf(form->nick, sizeof(form->nick), "%s",
		    nick != NULL ? nick : user);
		form->password_len = strlen(password);
		memcpy(form->password, password, form->password_len);
	}
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

/* IPv6 hosts have a /64 to choose addresses from. */
static uint64_t
too_often(struct conn *c, const char *user)
{
	struct signald *d = c->worker->d;
	uint64_t now = loop_now_ms(c->worker->loop), wait;
	struct addr from = c->peer;

	from.port = 0;
	if (from.family == ADDR_V6)
		memset(from.ip + 8, 0, 8);
	wait = rate_take(d->address_rate, &from, sizeof(from), now);
	if (wait == 0)
		wait = rate_take(d->user_rate, user, strlen(user), now);
	return wait;
}

static void hashed(void *arg);

/* Gives the password to the hasher; the request waits. */
static void
submit(struct conn *c, struct account_form *form, struct account_job *job,
    const char *hash)
{
	struct worker *w = c->worker;
	struct hash_job *hj = calloc(1, sizeof(*hj));

	if (hj == NULL || job == NULL) {
		free(hj);
		account_job_free(job);
		front_error(c, 503, "overloaded", "no memory", 1000);
		return;
	}
	memcpy(job->user, form->user, sizeof(job->user));
	memcpy(job->nick, form->nick, sizeof(job->nick));
	hj->loop = w->loop;
	hj->done = hashed;
	hj->worker = w;
	hj->conn = c->id;
	hj->password_len = form->password_len;
	memcpy(hj->password, form->password, form->password_len);
	snprintf(hj->hash, sizeof(hj->hash), "%s", hash);
	if (hasher_submit(w->d->hasher, hj) != 0) {
		hash_job_free(hj);
		account_job_free(job);
		front_error(
		    c, 503, "overloaded", "too many log-ins at once", 2000);
		return;
	}
	account_job_free(c->job);
	c->job = job;
	c->state = CONN_WAITING;
	conn_deadline(c, 0); /* the hasher always answers */
	conn_watch(c);
}

/* The form of a request, unless it was answered already. */
static bool
take_form(struct conn *c, const void *body, size_t len, bool with_nick,
    struct account_form *form)
{
	char err[JSON_ERR_MAX];
	uint64_t wait;

	if (account_form(body, len, with_nick, form, err, sizeof(err)) != 0) {
		front_error(c, 400, "bad_request", err, 0);
		return false;
	}
	wait = too_often(c, form->user);
	if (wait != 0)
		front_error(c, 429, "rate_limited", "too often", wait);
	return wait == 0;
}

void
account_login(struct conn *c, const void *body, size_t len)
{
	struct worker *w = c->worker;
	struct msglog_account account;
	struct account_form form;
	struct account_job *job;
	bool known;

	if (take_form(c, body, len, false, &form)) {
		/* Whoever has no password cannot bring the right one. */
		known = msglog_account(w->reader, form.user, &account) == 0 &&
		    account.pwhash[0] != '\0';
		job = calloc(1, sizeof(*job));
		if (job != NULL)
			job->known = known;
		if (known)
			memcpy(form.nick, account.nick, sizeof(form.nick));
		submit(c, &form, job,
		    known ? account.pwhash : hasher_decoy(w->d->hasher));
		crypto_wipe(&account, sizeof(account));
	}
	crypto_wipe(&form, sizeof(form));
}

void
account_register(struct conn *c, const void *body, size_t len)
{
	struct worker *w = c->worker;
	struct msglog_account account;
	struct account_form form;
	struct account_job *job;

	if (!w->d->conf->open_registration) {
		front_error(c, 403, "forbidden", "registration is closed", 0);
		return;
	}
	if (take_form(c, body, len, true, &form)) {
		if (msglog_account(w->reader, form.user, &account) == 0) {
			front_error(c, 409, "conflict", "the name is taken", 0);
		} else {
			job = calloc(1, sizeof(*job));
			if (job != NULL)
				job->registers = true;
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
answer_token(struct conn *c, int status, const char *user, const char *nick)
{
	struct worker *w = c->worker;
	uint8_t mem[1024];
	struct buf b = buf_fixed(mem, sizeof(mem));
	char token[SIG_TOKEN_MAX];
	struct json_out out;
	uint64_t expires;

	if (sig_life_token(&w->config, user, loop_wall_ms(), token, &expires) !=
	    0) {
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

	if (job->registers)
		answer_token(c, 201, job->user, NULL);
	else
		answer_token(c, 200, job->user, job->nick);
}

/* Stores the new user; the log answers. False: it could not be asked. */
static bool
store_user(struct conn *c, const struct hash_job *hj)
{
	struct worker *w = c->worker;
	struct sig_append *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return false;
	a->kind = SIG_APPEND_USER;
	a->ts = loop_wall_ms();
	memcpy(a->user, c->job->user, sizeof(a->user));
	a->nick = strdup(c->job->nick);
	a->pwhash = strdup(hj->hash);
	if (a->nick == NULL || a->pwhash == NULL) {
		sig_append_free(a);
		return false;
	}
	return msglog_append(w->port, c->id, true, a) == 0;
}

static void
answer_hashed(struct conn *c, const struct hash_job *hj)
{
	struct account_job *job = c->job;

	if (hj->err != 0 && hj->err != -EACCES)
		front_error(c, 503, "overloaded", "no memory to hash", 1000);
	else if (job->registers && store_user(c, hj))
		return;
	else if (job->registers)
		front_error(c, 503, "overloaded", "no memory", 1000);
	else if (hj->err == 0 && job->known)
		welcome(c);
	else
		front_error(c, 401, "unauthorized",
		    "no such user, or not this password", 0);
	go_on(c);
}

static void
hashed(void *arg)
{
	struct hash_job *hj = arg;
	struct worker *w = hj->worker;
	struct conn *c;

	c = w->core == NULL ? NULL : worker_conn(w, hj->conn);
	if (c != NULL && c->state == CONN_WAITING && c->job != NULL)
		answer_hashed(c, hj);
	hash_job_free(hj);
}

void
account_appended(struct conn *c, const struct sig_appended *done)
{
	if (c->state != CONN_WAITING || c->job == NULL)
		return;
	if (done->err == 0)
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
	if (claims.outside)
		front_error(c, 403, "forbidden",
		    "token: its identity service renews it", 0);
	else
		answer_token(c, 200, claims.user, NULL);
}
