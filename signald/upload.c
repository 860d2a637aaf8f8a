/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/json/json.h"
#include "signald/bearer.h"
#include "signald/shelf.h"
#include "signald/upload.h"
#include "signald/worker.h"

#define RATE_MIN 8     /* bytes a millisecond, on the whole */
#define STALL_MS 30000 /* for the next bytes, however fast it was before */

/* Why a file is not taken, in the words of HTTP. */
static void
refuse(struct conn *c, int err)
{
	static const struct {
		int err, status;
		const char *code, *msg;
		uint64_t retry_ms;
	} rows[] = {
		{ -EDQUOT, 413, "too_large",
		    "it does not fit into the user's quota", 0 },
		{ -ENFILE, 503, "storage", "there is no room for more files",
		    60000 },
		{ -EAGAIN, 429, "rate_limited", "too many uploads at once",
		    1000 },
		{ -ENOENT, 401, "unauthorized", "no such user", 0 },
		{ 0, 503, "storage", "nothing was stored", 2000 },
	};
	size_t i = 0;

	while (rows[i].err != 0 && rows[i].err != err)
		i++;
	front_error(
	    c, rows[i].status, rows[i].code, rows[i].msg, rows[i].retry_ms);
}

/* The parameter filename of Content-Disposition: a token or a quoted string,
 * or filename* in UTF-8 (RFC 6266), which is the better one. 0, -ENOENT or
 * -EINVAL. */
static int
disposition_name(const char *field, char *out, size_t size)
{
	static const char utf8[] = "utf-8''";
	const char *at = strcasestr(field, "filename*=");
	size_t n;

	if (at != NULL) {
		at += strlen("filename*=");
		if (strncasecmp(at, utf8, sizeof(utf8) - 1) != 0)
			return -EINVAL;
		at += sizeof(utf8) - 1;
		return h1_unescape(at, strcspn(at, "; \t"), out, size);
	}
	at = strcasestr(field, "filename=");
	if (at == NULL)
		return -ENOENT;
	at += strlen("filename=");
	if (*at != '"') {
		n = strcspn(at, "; \t");
	} else {
		n = strcspn(++at, "\"\\");
		if (at[n] != '"')
			return -EINVAL;
	}
	if (n >= size)
		return -ENOSPC;
	memcpy(out, at, n);
	out[n] = '\0';
	return 0;
}

/* What the uploader calls the file; without a name it has none. */
static bool
find_name(const struct h1_head *head, char name[SIG_FILE_NAME_MAX + 1])
{
	const char *field = h1_get(head, "Content-Disposition");
	int rc;

	rc = h1_query(head->query, "name", name, SIG_FILE_NAME_MAX + 1);
	if (rc == -ENOENT && field != NULL)
		rc = disposition_name(field, name, SIG_FILE_NAME_MAX + 1);
	if (rc == -ENOENT) {
		name[0] = '\0';
		return true;
	}
	return rc == 0 && sig_file_name_ok(name);
}

/* Whether the head says anything against it; then it is answered. */
static bool
head_ok(struct conn *c, const struct h1_head *head)
{
	char msg[64];

	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not do this", 0);
	} else if (h1_get(head, "Content-Length") == NULL) {
		front_error(
		    c, 411, "bad_request", "Content-Length is missing", 0);
	} else if (head->body_len == 0) {
		front_error(c, 400, "bad_request", "the file is empty", 0);
	} else if (head->body_len > (uint64_t)c->desk->app->conf->file_max) {
		snprintf(msg, sizeof(msg), "a file is at most %lld bytes",
		    (long long)c->desk->app->conf->file_max);
		front_error(c, 413, "too_large", msg, 0);
	} else {
		return true;
	}
	return false;
}

void
upload_head(struct conn *c, const struct h1_head *head)
{
	struct app *app = c->desk->app;
	char name[SIG_FILE_NAME_MAX + 1];
	uint64_t mine = 0, all = 0;
	struct sig_claims claims;
	int rc;

	if (!bearer_take(c, head, &claims) || !head_ok(c, head))
		return;
	if (!find_name(head, name)) {
		front_error(c, 400, "bad_request",
		    "name: not a name that can be shown", 0);
		return;
	}
	/* Judged again at the end; this spares a body for nothing. */
	rc = msglog_file_bytes(c->desk->reader, claims.user, &mine, &all);
	if (rc == 0 &&
	    mine + sig_file_cost(head->body_len) >
		(uint64_t)app->conf->file_quota)
		rc = -EDQUOT;
	if (rc == 0)
		rc = shelf_begin(
		    app->shelf, claims.user, head->body_len, all, &c->upload);
	if (rc != 0) {
		refuse(c, rc);
		return;
	}
	snprintf(
	    c->upload->file.name, sizeof(c->upload->file.name), "%s", name);
	snprintf(c->upload->file.type, sizeof(c->upload->file.type), "%s",
	    sig_file_type(h1_get(head, "Content-Type")));
}

static void
give_up(struct conn *c)
{
	shelf_drop(c->upload);
	c->upload = NULL;
}

bool
upload_bytes(struct conn *c, const void *data, size_t len)
{
	struct worker *w = c->worker;
	uint64_t now = loop_now_ms(w->loop), due;
	int rc;

	w->stats.upload_bytes += len;
	rc = shelf_write(c->upload, data, len);
	if (rc != 0) {
		give_up(c);
		refuse(c, rc);
		return false;
	}
	/* What arrived buys time: a client that is too slow uses it up. */
	due = c->began_ms + (uint64_t)w->d->conf->hello_ms +
	    c->upload->written / RATE_MIN;
	if (due > now + STALL_MS)
		due = now + STALL_MS;
	conn_deadline(c, due > now ? due - now : 1);
	return true;
}

static void
answer_kept(struct conn *c, const struct sig_file *file)
{
	uint8_t mem[512];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out out;

	c->worker->stats.uploads++;
	json_out_init(&out, &b);
	json_out_object(&out, NULL);
	json_out_str(&out, "file", file->hash);
	json_out_int(&out, "size", (int64_t)file->size);
	json_out_str(&out, "type", file->type);
	json_out_end(&out);
	front_json(c, 201, &b);
}

static void
kept(void *arg)
{
	struct shelf_job *job = arg;
	struct worker *w = job->worker;
	struct conn *c;

	c = worker_conn(w, job->conn);
	if (c != NULL && c->state == CONN_WAITING) {
		if (job->err == 0)
			answer_kept(c, &job->file);
		else
			refuse(c, job->err);
		front_resume(c);
	}
	shelf_drop(job);
}

void
upload_end(struct conn *c, const void *body, size_t len)
{
	struct shelf_job *job = c->upload;

	job->loop = c->worker->loop;
	job->done = kept;
	job->worker = c->worker;
	job->conn = c->id;
	c->upload = NULL;
	c->state = CONN_WAITING;
	conn_deadline(c, 0); /* the shelf always answers */
	conn_watch(c);
	shelf_keep(job);
}
