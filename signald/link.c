/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/ws/handshake.h"
#include "signald/link.h"
#include "signald/rest.h"
#include "signald/worker.h"

#define PROTOCOL      "floe.v1"
#define LINK_BITS     12 /* of a link's windows: 48 KiB for both streams */
#define CLOSE_SLOW    4002
#define CLOSE_STOPPED 4003

static struct ws_pool *
pool_of(const struct conn *c)
{
	if (c->state == CONN_ECHO)
		return c->worker->echoes;
	return c->greeted ? c->worker->links : c->worker->strangers;
}

static bool
token_in_any(const struct h1_head *head, const char *name, const char *token)
{
	size_t i;

	for (i = 0; i < head->nfields; i++)
		if (strcasecmp(head->fields[i].name, name) == 0 &&
		    ws_list_has(head->fields[i].value, token, false))
			return true;
	return false;
}

/* A list may be spread over several fields. */
static const char *
connection_of(const struct h1_head *head)
{
	size_t i;

	for (i = 0; i < head->nfields; i++)
		if (strcasecmp(head->fields[i].name, "Connection") == 0 &&
		    ws_list_has(head->fields[i].value, "upgrade", true))
			return head->fields[i].value;
	return NULL;
}

static bool
offer_ok(struct conn *c, const struct h1_head *head)
{
	const struct ws_offer offer = {
		.upgrade = h1_get(head, "Upgrade"),
		.connection = connection_of(head),
		.version = h1_get(head, "Sec-WebSocket-Version"),
		.key = h1_get(head, "Sec-WebSocket-Key"),
	};
	switch (ws_offer_check(&offer)) {
	case WS_OK:
		break;
	case WS_NOT_UPGRADE:
	case WS_BAD_VERSION:
		front_answer(c,
		    &(struct front_answer){ 426, NULL,
			"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
			NULL, 0, false });
		return false;
	case WS_BAD_KEY:
		front_error(
		    c, 400, "bad_request", "Sec-WebSocket-Key is malformed", 0);
		return false;
	}
	if (!front_origin_ok(c, head)) {
		front_error(c, 403, "forbidden",
		    "pages of this origin may not connect", 0);
		return false;
	}
	if (c->head_only || c->body_len > 0) {
		front_error(c, 400, "bad_request",
		    "an upgrade is a GET without a body", 0);
		return false;
	}
	return true;
}

/* Offers may be spread over several fields; the first that will do is taken. */
static bool
choose_deflate(const struct h1_head *head,
    const struct ws_deflate_policy *policy, struct ws_deflate_params *out)
{
	size_t i;

	for (i = 0; policy != NULL && i < head->nfields; i++)
		if (strcasecmp(head->fields[i].name,
			"Sec-WebSocket-Extensions") == 0 &&
		    ws_deflate_choose(head->fields[i].value, policy, out) == 0)
			return true;
	return false;
}

/* deflate NULL: what is offered is declined. */
static bool
switch_protocols(struct conn *c, const struct h1_head *head, bool protocol,
    const struct ws_deflate_policy *deflate)
{
	struct chunk *k = chunk_new(512);
	struct ws_deflate_params params;
	char accept[WS_ACCEPT_LEN];
	struct buf b;

	if (k == NULL ||
	    ws_accept(h1_get(head, "Sec-WebSocket-Key"), accept) != 0) {
		free(k);
		return false;
	}
	b = buf_fixed(k->own, k->len);
	buf_printf(&b,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n%s",
	    accept, protocol ? "Sec-WebSocket-Protocol: " PROTOCOL "\r\n" : "");
	if (choose_deflate(head, deflate, &params)) {
		c->ws.deflate = ws_deflate_new(&params);
		if (c->ws.deflate != NULL)
			ws_deflate_answer(&params, &b);
	}
	buf_puts(&b, "\r\n");
	k->len = b.len;
	c->worker->stats.upgrades++;
	return conn_send(c, k);
}

/* A link counts until its connection is freed. */
static bool
has_room(struct conn *c)
{
	struct app *app = c->desk->app;

	c->linked = app->links++ < app->conf->max_connections;
	if (!c->linked)
		app->links--;
	return c->linked;
}

void
link_upgrade(struct conn *c, const struct h1_head *head)
{
	struct worker *w = c->worker;
	int64_t deflate = w->d->conf->deflate;
	const struct ws_deflate_policy policy = { deflate == DEFLATE_FULL,
		LINK_BITS };

	if (!offer_ok(c, head))
		return;
	if (!has_room(c)) {
		front_error(
		    c, 503, "overloaded", "too many links of this app", 1000);
		return;
	}
	if (!switch_protocols(c, head,
		token_in_any(head, "Sec-WebSocket-Protocol", PROTOCOL),
		deflate != DEFLATE_NO ? &policy : NULL)) {
		conn_kill(c);
		return;
	}
	c->state = CONN_LINK;
	conn_deadline(c, 0); /* the core watches over it from now on */
	c->opened_ms = worker_time(w).now_ms;
	sig_core_link_open(c->desk->core, c->id, worker_time(w));
	desk_pump(c->desk);
}

void
link_upgrade_echo(struct conn *c, const struct h1_head *head)
{
	static const struct ws_deflate_policy policy = { true, ZIP_BITS_MAX };

	if (!c->worker->d->conf->test_echo) {
		front_error(c, 404, "not_found", "no such path", 0);
		return;
	}
	if (!offer_ok(c, head))
		return;
	if (!switch_protocols(c, head, false, &policy)) {
		conn_kill(c);
		return;
	}
	c->state = CONN_ECHO;
	conn_deadline(c, 0);
}

/* A whole frame, queued. -ENOBUFS: too far behind. */
static int
put_frame(struct conn *c, enum ws_type type, const void *data, size_t len,
    bool droppable)
{
	struct chunk *k = chunk_new(ws_send_room(&c->ws, len));
	struct buf b;

	if (k == NULL)
		return -ENOMEM;
	b = buf_fixed(k->own, k->len);
	if (droppable)
		ws_send_plain(&c->ws, pool_of(c), type, data, len, &b);
	else
		ws_send(&c->ws, pool_of(c), type, data, len, &b);
	if (b.err != 0) {
		free(k);
		return -ENOMEM;
	}
	k->len = b.len;
	k->droppable = droppable;
	return conn_send(c, k) ? 0 : -ENOBUFS;
}

static bool
put_control(struct conn *c, const struct buf *b)
{
	struct chunk *k;

	if (b->len == 0)
		return true;
	k = chunk_new(b->len);
	if (k == NULL || b->err != 0) {
		free(k);
		return false;
	}
	memcpy(k->own, b->data, b->len);
	return conn_send(c, k);
}

static bool
on_message(void *arg, enum ws_type type, const uint8_t *data, size_t len)
{
	struct conn *c = arg;
	struct worker *w = c->worker;
	bool told = put_control(c, &w->control);

	/* Pongs of frames before this one go before its answer. */
	buf_reset(&w->control);
	if (!told) {
		conn_kill(c);
		return false;
	}
	if (c->state == CONN_ECHO) {
		if (put_frame(c, type, data, len, false) != 0)
			conn_kill(c);
		return c->state == CONN_ECHO;
	}
	sig_core_link_frame(
	    c->desk->core, c->id, (const char *)data, len, worker_time(w));
	desk_pump(c->desk);
	return c->state == CONN_LINK && c->move_to < 0;
}

static void
forget(struct conn *c)
{
	if (c->state == CONN_LINK)
		sig_core_link_closed(c->desk->core, c->id, desk_time(c->desk));
}

static void link_arrive(void *arg);

/* Gives the connection to the worker that owns its user. */
static bool
hand_over(struct conn *c, const uint8_t *rest, size_t len)
{
	struct worker *w = c->worker, *to = &w->d->workers[c->move_to];

	buf_init(&c->in, WORKER_SCRATCH);
	buf_put(&c->in, rest, len);
	if (c->in.err != 0) {
		c->move_to = -1;
		conn_kill(c);
		return true;
	}
	conn_leave(c);
	w->stats.moved++;
	c->worker = to;
	c->desk = app_desk(c->desk->app, to);
	if (loop_post(to->loop, link_arrive, c) != 0)
		conn_free(c);
	return false;
}

bool
link_input(struct conn *c, const uint8_t *data, size_t len)
{
	struct worker *w = c->worker;
	struct ws_sink sink = { NULL, &w->control, on_message, c };
	ssize_t n;

	if (c->state == CONN_LINK)
		c->greeted =
		    sig_core_link_heard(c->desk->core, c->id, worker_time(w));
	sink.pool = pool_of(c);
	n = ws_input(&c->ws, &sink, data, len);
	/* Nothing may follow a close that was sent meanwhile. */
	if ((c->state == CONN_LINK || c->state == CONN_ECHO) &&
	    (n == -ENOMEM || !put_control(c, &w->control)))
		conn_kill(c);
	buf_reset(&w->control);
	if (c->state != CONN_LINK && c->state != CONN_ECHO)
		return true;
	if (n < 0) {
		forget(c);
		conn_end(c);
	} else if (c->move_to >= 0) {
		return hand_over(c, data + n, len - (size_t)n);
	}
	return true;
}

static void
link_arrive(void *arg)
{
	struct conn *c = arg;
	struct worker *w = c->worker;
	struct desk *desk = c->desk;
	struct buf rest = c->in;
	bool ours = true;

	buf_init(&c->in, FRONT_IN_MAX);
	c->move_to = -1;
	if (desk->core == NULL) {
		buf_fini(&rest);
		conn_free(c);
		return;
	}
	if (conn_join(c, w) != 0) {
		buf_fini(&rest);
		return;
	}
	sig_core_link_adopt(desk->core, c->id, c->opened_ms, c->hello,
	    c->hello_len, worker_time(w));
	free(c->hello);
	c->hello = NULL;
	desk_pump(desk);
	if (c->state == CONN_LINK && rest.len > 0)
		ours = link_input(c, rest.data, rest.len);
	buf_fini(&rest);
	if (ours)
		conn_flush(c);
}

void
link_end(struct conn *c, uint16_t code, const char *reason)
{
	uint8_t mem[160];
	struct buf b = buf_fixed(mem, sizeof(mem));

	if (c->out_bytes > 0)
		sig_core_link_behind(c->desk->core, c->id);
	ws_close(&c->ws, pool_of(c), code, reason, &b);
	if (!put_control(c, &b)) {
		conn_kill(c);
		return;
	}
	forget(c);
	conn_end(c);
}

static struct conn *
link_of(const struct desk *desk, const struct sig_effect *e)
{
	struct conn *c = worker_conn(desk->worker, e->link);

	return c != NULL && c->state == CONN_LINK ? c : NULL;
}

void
link_send(struct desk *desk, struct sig_effect *e)
{
	struct conn *c = link_of(desk, e);
	struct worker *w = desk->worker;
	int rc;

	if (rest_is(e->link))
		rest_send(desk, e);
	if (c == NULL)
		return;
	rc = put_frame(c, WS_TEXT, e->text, e->len, e->droppable);
	if (rc == 0)
		return;
	if (e->droppable && rc == -ENOBUFS) {
		w->stats.dropped++;
		return;
	}
	w->stats.slow_closed++;
	/* What it did not get is in the log; it learns why, if it reads on. */
	sig_core_link_behind(c->desk->core, c->id);
	conn_drop_output(c);
	link_end(c, CLOSE_SLOW, "too slow");
}

void
link_close(struct desk *desk, struct sig_effect *e)
{
	struct conn *c = link_of(desk, e);

	if (rest_is(e->link))
		rest_close(desk, e);
	if (c != NULL)
		link_end(c, e->code, e->reason);
}

void
link_move(struct desk *desk, struct sig_effect *e)
{
	struct conn *c = link_of(desk, e);

	if (c == NULL)
		return;
	if (e->shard >= desk->config.shards) {
		link_end(c, CLOSE_STOPPED, "nowhere to go");
		return;
	}
	c->move_to = (int32_t)e->shard;
	c->hello = e->text;
	c->hello_len = e->len;
	e->text = NULL;
}
