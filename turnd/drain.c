/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "lib/json/json.h"
#include "turnd/turnd.h"

#define BODY_MAX 4096
#define ASK_MS   2000 /* for the workers to hear of it */

static struct turnd *
turnd_of(void *run)
{
	return daemon_state(run);
}

/* On a worker. */
static void
tell_worker(void *worker, void *arg, struct buf *out)
{
	const struct drain *d = arg;
	struct worker *w = worker;

	turn_server_drain(w->server, d->on,
	    d->instead.family != ADDR_NONE ? &d->instead : NULL);
}

static void
tell(void *run, const struct drain *d, struct http_reply *reply)
{
	int err;

	err = daemon_ask(run, tell_worker, (void *)(uintptr_t)d, NULL, ASK_MS);
	if (err != 0) {
		http_error(reply, 503, "busy",
		    "a worker did not answer: say it once more");
		return;
	}
	turnd_of(run)->drain = *d;
	log_info("drain", KV_I("on", d->on), KV_ADDR("alternate", &d->instead));
	drain_status(run, NULL, reply);
}

/* NULL, or what is wrong with the body. */
static const char *
read_body(
    const struct http_request *req, struct drain *d, char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { BODY_MAX, 4, 2 };
	static const char *const names[] = { "alternate", NULL };
	const char *text;
	struct json *body;
	struct json_in in;

	if (req->body_len == 0)
		return NULL;
	if (json_parse(req->body, req->body_len, &limits, &body, err) != 0)
		return err;
	json_in_init(&in, body, "");
	json_in_only(&in, names);
	text = json_in_str_opt(&in, "alternate", 1, ADDR_STRLEN);
	memcpy(err, in.err, JSON_ERR_MAX);
	if (in.code == 0 && text != NULL &&
	    (addr_parse(text, &d->instead) != 0 || d->instead.port == 0))
		snprintf(err, JSON_ERR_MAX,
		    "alternate: must be ADDRESS:PORT or [ADDRESS]:PORT");
	json_free(body);
	return *err != '\0' ? err : NULL;
}

void
drain_begin(void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct drain d = { true, { .family = ADDR_NONE },
		loop_wall_ms() / 1000 };
	char err[JSON_ERR_MAX] = "";
	const char *wrong = read_body(req, &d, err);

	if (wrong != NULL)
		http_error(reply, 400, "bad_request", wrong);
	else
		tell(arg, &d, reply);
}

void
drain_end(void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct drain d = { false, { .family = ADDR_NONE }, 0 };

	tell(arg, &d, reply);
}

static uint64_t
live_allocations(void *run)
{
	const struct worker *w;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < daemon_workers(run); i++) {
		w = daemon_worker(run, i);
		if (w != NULL)
			sum += stat_get(&w->stats->allocations);
	}
	return sum;
}

void
drain_status(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct drain *d = &turnd_of(arg)->drain;
	char text[ADDR_STRLEN];
	struct json_out j;

	json_out_init(&j, &reply->body);
	json_out_object(&j, NULL);
	json_out_str(&j, "status", d->on ? "draining" : "serving");
	json_out_int(&j, "allocations", (int64_t)live_allocations(arg));
	json_out_int(&j, "room", (int64_t)turnd_of(arg)->room);
	if (d->on)
		json_out_int(&j, "draining_since", (int64_t)d->since_s);
	if (d->instead.family != ADDR_NONE)
		json_out_str(&j, "alternate", addr_format(&d->instead, text));
	json_out_end(&j);
	buf_u8(&reply->body, '\n');
}
