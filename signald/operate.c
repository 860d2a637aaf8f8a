/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "lib/json/json.h"
#include "signald/core/notice.h"
#include "signald/operate.h"
#include "signald/worker.h"

#define ASK_MS   2000 /* for the workers to hear of it */
#define BODY_MAX (SIG_NOTICE_BYTES * 6 + 64)

void
operate_config(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (file == NULL) {
		http_error(reply, 503, "busy", "no memory");
		return;
	}
	appconf_dump(&d->appconf, file);
	fclose(file);
	reply->type = "text/plain; charset=utf-8";
	buf_put(&reply->body, text, len);
	free(text);
}

void
operate_reload(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	char err[DAEMON_ERR_MAX];

	if (daemon_reload(arg, err) != 0) {
		http_error(reply, 400, "bad_request", err);
		return;
	}
	reply->status = 202;
	buf_puts(&reply->body, "{\"status\":\"reloading\"}\n");
}

struct broadcast {
	const struct app *app;
	const char *text;
	uint64_t links;
};

/* On a worker. */
static void
tell_worker(void *worker, void *arg, struct buf *out)
{
	struct broadcast *b = arg;
	struct desk *desk = app_desk(b->app, worker);

	b->links += sig_core_notice(desk->core, b->text, desk_time(desk));
}

static void
broadcast(void *run, const struct app *app, const char *text,
    struct http_reply *reply)
{
	struct broadcast b = { app, text, 0 };
	struct json_out o;
	int rc;

	rc = daemon_ask(run, tell_worker, &b, NULL, ASK_MS);
	if (rc != 0) {
		http_error(reply, 503, "busy", "not all workers answered");
		return;
	}
	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	json_out_int(&o, "links", (int64_t)b.links);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
}

void
operate_broadcast(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	static const struct json_limits limits = { BODY_MAX, 4, 2 };
	static const char *const names[] = { "text", NULL };
	const struct app *app = app_asked(daemon_state(arg), req, reply);
	char err[JSON_ERR_MAX];
	struct json *body;
	struct json_in in;
	const char *text;

	if (app == NULL)
		return;
	if (json_parse(req->body, req->body_len, &limits, &body, err) != 0) {
		http_error(reply, 400, "bad_request", err);
		return;
	}
	json_in_init(&in, body, "");
	json_in_only(&in, names);
	text = json_in_str(&in, "text", 1, SIG_NOTICE_BYTES);
	if (in.code != 0)
		http_error(reply, 400, "bad_request", in.err);
	else
		broadcast(arg, app, text, reply);
	json_free(body);
}
