/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/json/json.h"
#include "signald/drain.h"
#include "signald/worker.h"

#define ASK_MS 2000 /* for the workers to hear of it */

/* On a worker. */
static void
tell_worker(void *worker, void *arg, struct buf *out)
{
	const bool *on = arg;
	const struct worker *w = worker;
	struct desk *desk;
	int i;

	for (i = 0; i < w->d->napps; i++) {
		desk = worker_desk(w, i);
		if (*on)
			sig_core_drain(desk->core, desk_time(desk));
		else
			sig_core_serve(desk->core);
	}
}

static void
tell(void *run, bool on, struct http_reply *reply)
{
	struct signald *d = daemon_state(run);
	int rc;

	/* First who is asked whether we are ready, then the links. */
	if (!on || d->draining_since == 0)
		d->draining_since = on ? loop_wall_ms() / 1000 : 0;
	rc = daemon_ask(run, tell_worker, &on, NULL, ASK_MS);
	if (rc != 0) {
		http_error(reply, 503, "busy",
		    "a worker did not answer: say it once more");
		return;
	}
	log_info("drain", KV_I("on", on));
	drain_status(run, NULL, reply);
}

void
drain_begin(void *arg, const struct http_request *req, struct http_reply *reply)
{
	tell(arg, true, reply);
}

void
drain_end(void *arg, const struct http_request *req, struct http_reply *reply)
{
	tell(arg, false, reply);
}

static void
count_links(void *worker, void *arg, struct buf *out)
{
	uint64_t *sum = arg;
	const struct worker *w = worker;
	int i;

	for (i = 0; i < w->d->napps; i++)
		*sum += sig_core_stats(worker_desk(w, i)->core)->links;
}

/* NULL, or why nobody should come here for any of the apps. */
static const char *
not_ready(const struct signald *d, const struct app *apps, int n)
{
	int i;

	if (d->draining_since != 0)
		return "draining";
	for (i = 0; i < n; i++)
		if (atomic_load_explicit(&msglog_stats(apps[i].log)->failing,
			memory_order_relaxed))
			return "log failed";
	return NULL;
}

void
drain_status(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	const char *why = not_ready(d, d->apps, d->napps);
	struct json_out o;
	uint64_t links = 0;
	int rc;

	rc = daemon_ask(arg, count_links, &links, NULL, ASK_MS);
	if (rc != 0) {
		http_error(reply, 503, "busy", "a worker did not answer");
		return;
	}
	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	json_out_str(&o, "status", why != NULL ? why : "serving");
	json_out_int(&o, "links", (int64_t)links);
	if (d->draining_since != 0)
		json_out_int(&o, "draining_since", (int64_t)d->draining_since);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
}

void
drain_ready(void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	const char *why = not_ready(d, d->apps, d->napps);

	if (why != NULL)
		reply->status = 503;
	buf_printf(
	    &reply->body, "{\"status\":\"%s\"}\n", why != NULL ? why : "ready");
}

void
drain_front(struct conn *c, const struct h1_head *head)
{
	const char *why = not_ready(c->worker->d, c->desk->app, 1);
	char mem[64];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_printf(&b, "{\"status\":\"%s\"}", why != NULL ? why : "ready");
	front_json(c, why != NULL ? 503 : 200, &b);
}
