/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/bearer.h"
#include "signald/rest.h"
#include "signald/worker.h"

#define REST_BIT       (UINT64_C(1) << 63) /* of a request's link */
#define WORKER_OF      48    /* above these bits of it is its worker */
#define ANSWER_MS      30000 /* the log may take so long; nobody waits longer */
#define OP_MAX         32
#define ROOM           1024 /* for what the head says */
#define VALUE_MAX      256
#define PARAMS_MAX     16
#define CLOSE_NOT_JSON 4502
#define OK             "{\"id\":1,\"ok\":"

/* A request on its way through its connection. */
struct rest_job {
	char user[SIG_NAME_MAX + 1];
	struct buf text; /* {"id":1,"op":... , then the members of the body */
	size_t begun;    /* bytes of it that are ours */
};

/* A request, or its answer, on its way to a worker. */
struct letter {
	struct desk *to;
	uint64_t link;
	char user[SIG_NAME_MAX + 1];
	char *text; /* NULL: an answer that will not come */
	size_t len;
};

/* clang-format off: a table */
static const struct row {
	enum h1_method method;
	const char *path;    /* {} is one segment: conv */
	const char *op;      /* NULL: the segment */
	const char *numbers; /* parameters of the query that are */
} rows[] = {
	{ H1_GET, "/api/v1/conversations", "conversation.list", " limit " },
	{ H1_GET, "/api/v1/conversations/{}/messages", "message.history",
	    " before after limit " },
	{ H1_POST, "/api/v1/conversations/{}/read", "conversation.read", "" },
	{ H1_POST, "/api/v1/messages", "message.send", "" },
	{ H1_POST, "/api/v1/op/{}", NULL, "" },
};
/* clang-format on */

void
rest_job_free(struct rest_job *job)
{
	if (job == NULL)
		return;
	buf_fini(&job->text);
	free(job);
}

bool
rest_is(uint64_t link)
{
	return (link & REST_BIT) != 0;
}

/* Whether the path is as the pattern has it; seg is what stands for {}. */
static bool
path_is(const char *pattern, const char *path, char seg[VALUE_MAX])
{
	const char *hole = strstr(pattern, "{}");
	size_t before, len;

	seg[0] = '\0';
	if (hole == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(hole - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	return strcmp(path + before + len, hole + 2) == 0 && len > 0 &&
	    h1_unescape(path + before, len, seg, VALUE_MAX) == 0;
}

static bool
is_number(const struct row *row, const char *name, const char *value)
{
	char word[OP_MAX + 3];
	size_t len = strlen(value);

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(row->numbers, word) != NULL && len > 0 && len < 17 &&
	    strspn(value, "0123456789") == len;
}

/* The query's parameters as members. False: malformed, or too many. */
static bool
put_query(struct json_out *out, const struct row *row, const char *query)
{
	char name[OP_MAX], value[VALUE_MAX];
	const char *at = query;
	size_t len, n;

	for (n = 0; *at != '\0'; n++, at += *at == '&') {
		len = strcspn(at, "=&");
		if (n == PARAMS_MAX || len == 0 || at[len] != '=' ||
		    h1_unescape(at, len, name, sizeof(name)) != 0 ||
		    h1_query(at, name, value, sizeof(value)) != 0)
			return false;
		if (is_number(row, name, value))
			json_out_int(out, name, strtoll(value, NULL, 10));
		else
			json_out_str(out, name, value);
		at += strcspn(at, "&");
	}
	return true;
}

static const struct row *
find_row(const struct h1_head *head, char seg[VALUE_MAX])
{
	enum h1_method method = head->method == H1_HEAD ? H1_GET : head->method;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].method == method &&
		    path_is(rows[i].path, head->path, seg))
			return &rows[i];
	return NULL;
}

/*
 * The op that the head asks for, and what of it the head says; the object is
 * left open for the body. 0, -ENOENT (there is none) or -EINVAL.
 */
static int
begin_text(const struct h1_head *head, struct buf *b)
{
	char seg[VALUE_MAX];
	const struct row *row = find_row(head, seg);
	struct json_out out;
	const char *op;

	if (row == NULL)
		return -ENOENT;
	op = row->op != NULL ? row->op : seg;
	json_out_init(&out, b);
	json_out_object(&out, NULL);
	json_out_int(&out, "id", 1);
	json_out_str(&out, "op", op);
	if (row->op != NULL && seg[0] != '\0')
		json_out_str(&out, "conv", seg);
	if (row->method == H1_GET && !put_query(&out, row, head->query))
		return -EINVAL;
	return b->err == 0 ? 0 : -EINVAL;
}

static uint64_t
too_often(struct conn *c, const char *user)
{
	return rate_take(c->desk->app->rest_rate, user, strlen(user),
	    loop_now_ms(c->worker->loop));
}

static void request_arrives(void *arg);

static void
letter_free(struct letter *l)
{
	free(l->text);
	free(l);
}

/* Gives the request to the worker of its user; the connection waits. */
static void
submit(struct conn *c, struct rest_job *job)
{
	struct desk *desk = c->desk;
	struct letter *l = calloc(1, sizeof(*l));
	uint32_t shard = sig_shard_of(&desk->config, job->user);

	if (l == NULL)
		goto fail;
	l->to = &desk->app->desks[shard];
	l->link = c->id | REST_BIT;
	memcpy(l->user, job->user, sizeof(l->user));
	l->text = (char *)job->text.data;
	l->len = job->text.len;
	if (loop_post(l->to->worker->loop, request_arrives, l) != 0)
		goto fail;
	/* The text is the letter's. */
	free(job);
	c->rest = NULL;
	c->state = CONN_WAITING;
	conn_deadline(c, ANSWER_MS);
	conn_watch(c);
	return;
fail:
	free(l);
	front_error(c, 503, "overloaded", "no memory", 1000);
}

void
rest_head(struct conn *c, const struct h1_head *head)
{
	struct sig_claims claims;
	struct rest_job *job;
	uint64_t wait;
	int rc;

	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not do this", 0);
		return;
	}
	if (!bearer_take(c, head, &claims))
		return;
	wait = too_often(c, claims.user);
	if (wait != 0) {
		front_error(c, 429, "rate_limited", "too often", wait);
		return;
	}
	if (head->body_len > SIGNALD_FRAME_MAX - ROOM) {
		front_error(c, 413, "too_large", "the body is too large", 0);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		front_error(c, 503, "overloaded", "no memory", 1000);
		return;
	}
	rest_job_free(c->rest);
	c->rest = job;
	memcpy(job->user, claims.user, sizeof(job->user));
	buf_init(&job->text, SIGNALD_FRAME_MAX);
	rc = begin_text(head, &job->text);
	if (rc != 0) {
		front_error(c, rc == -ENOENT ? 404 : 400,
		    rc == -ENOENT ? "not_found" : "bad_request",
		    rc == -ENOENT ? "no such path" : "query: malformed", 0);
		return;
	}
	job->begun = job->text.len;
	if (head->method != H1_POST) {
		buf_u8(&job->text, '}');
		submit(c, job);
	}
}

bool
rest_bytes(struct conn *c, const void *data, size_t len)
{
	buf_put(&c->rest->text, data, len);
	return true;
}

/* Whether the body is an object that does not speak of what is ours. */
static bool
body_ok(const struct rest_job *job, char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { SIGNALD_FRAME_MAX, 2048,
		12 };
	struct json *json = NULL;
	struct json_in in;
	bool ours;

	if (json_parse(job->text.data + job->begun, job->text.len - job->begun,
		&limits, &json, err) != 0)
		return false;
	json_in_init(&in, json, "");
	ours =
	    in.code == 0 && (json_in_has(&in, "id") || json_in_has(&in, "op"));
	snprintf(
	    err, JSON_ERR_MAX, "%s", ours ? "id, op: not in the body" : in.err);
	json_free(json);
	return in.code == 0 && !ours;
}

/* Two objects, the open one and the body, become one. */
static void
join(struct rest_job *job)
{
	uint8_t *at = memchr(
	    job->text.data + job->begun, '{', job->text.len - job->begun);
	const uint8_t *next = at + 1;

	while (*next != '}' && *next != '"')
		next++;
	*at = *next == '}' ? ' ' : ',';
}

void
rest_end(struct conn *c, const void *none, size_t len)
{
	struct rest_job *job = c->rest;
	char err[JSON_ERR_MAX];

	if (job->text.len == job->begun)
		buf_puts(&job->text, "{}");
	if (job->text.err != 0) {
		front_error(c, 413, "too_large", "the body is too large", 0);
	} else if (!body_ok(job, err)) {
		front_error(c, 400, "bad_request", err, 0);
	} else {
		join(job);
		submit(c, job);
	}
}

static void answer_arrives(void *arg);

/* To the worker where the request came in; takes text, which may be NULL. */
static void
send_home(struct desk *desk, uint64_t link, char *text, size_t len)
{
	uint64_t index = (link & ~REST_BIT) >> WORKER_OF;
	struct letter *l = calloc(1, sizeof(*l));

	/* Without an answer the connection's deadline passes. */
	if (l == NULL) {
		free(text);
		return;
	}
	l->to = &desk->app->desks[index];
	l->link = link;
	l->text = text;
	l->len = len;
	if (loop_post(l->to->worker->loop, answer_arrives, l) != 0)
		letter_free(l);
}

static void
request_arrives(void *arg)
{
	struct letter *l = arg;
	struct desk *desk = l->to;

	if (desk->core == NULL) {
		send_home(desk, l->link, NULL, 0);
	} else {
		sig_core_ask(desk->core, l->link, l->user, l->text, l->len,
		    desk_time(desk));
		desk_pump(desk);
	}
	letter_free(l);
}

void
rest_send(struct desk *desk, struct sig_effect *e)
{
	send_home(desk, e->link, e->text, e->len);
	e->text = NULL;
	sig_core_link_closed(desk->core, e->link, desk_time(desk));
}

void
rest_close(struct desk *desk, struct sig_effect *e)
{
	struct json_out out;
	struct buf b;

	if (e->code != CLOSE_NOT_JSON) {
		send_home(desk, e->link, NULL, 0);
		return;
	}
	buf_init(&b, VALUE_MAX);
	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_object(&out, "err");
	json_out_str(&out, "code", "bad_request");
	json_out_str(&out, "msg", e->reason);
	json_out_end(&out);
	send_home(desk, e->link, (char *)b.data, b.len);
}

static int
status_of(const char *code)
{
	static const struct {
		const char *code;
		int status;
	} all[] = {
		{ "bad_request", 400 },
		{ "unknown_op", 404 },
		{ "not_ready", 409 },
		{ "unauthorized", 401 },
		{ "forbidden", 403 },
		{ "banned", 403 },
		{ "not_found", 404 },
		{ "conflict", 409 },
		{ "too_large", 413 },
		{ "rate_limited", 429 },
		{ "overloaded", 503 },
		{ "storage", 503 },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].code, code) == 0)
			return all[i].status;
	return 500;
}

/* {"id":1,"err":{...}} in the words of HTTP. */
static void
answer_err(struct conn *c, const struct letter *l)
{
	static const struct json_limits limits = { 4096, 16, 3 };
	char why[JSON_ERR_MAX];
	const char *code = NULL, *msg = NULL;
	struct json *json = NULL;
	struct json_in in, err;
	int64_t retry = 0;

	if (json_parse(l->text, l->len, &limits, &json, why) == 0) {
		json_in_init(&in, json, "");
		json_in_init(&err, json_in_object(&in, "err"), "err");
		code = json_in_str(&err, "code", 1, OP_MAX);
		msg = json_in_str(&err, "msg", 0, JSON_ERR_MAX + OP_MAX);
		retry = json_in_int_opt(&err, "retry_ms", 0, INT32_MAX, 0);
	}
	if (code == NULL || msg == NULL)
		front_error(c, 500, "internal", "no answer was found", 0);
	else
		front_error(c, status_of(code), code, msg, (uint64_t)retry);
	json_free(json);
}

static void
answer_arrives(void *arg)
{
	struct letter *l = arg;
	const size_t skip = sizeof(OK) - 1;
	struct buf b;
	struct conn *c;

	c = worker_conn(l->to->worker, l->link & ~REST_BIT);
	if (c != NULL && c->state == CONN_WAITING) {
		if (l->text == NULL) {
			front_error(c, 503, "overloaded",
			    "the server stops, or has no room", 1000);
		} else if (l->len > skip && memcmp(l->text, OK, skip) == 0) {
			b = buf_fixed(l->text + skip, l->len - skip - 1);
			b.len = b.cap;
			front_json(c, 200, &b);
		} else {
			answer_err(c, l);
		}
		front_resume(c);
	}
	letter_free(l);
}
