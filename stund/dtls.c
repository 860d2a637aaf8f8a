/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "stund/stund.h"

static void
datagram_out(void *arg, const struct assoc_id *id, const void *data, size_t len)
{
	struct worker *w = arg;
	const struct batch_route route = { w->links[id->listener].fd,
		&id->local, &id->client };

	batch_tx_add_from(w->tx, &route, NULL, 0, data, len);
}

static void
flush(void *arg)
{
	batch_tx_flush(((struct worker *)arg)->tx);
}

/* The cookie that it is sent is an answer as others are. */
static bool
hello_admitted(void *arg, const struct assoc_id *id)
{
	return worker_may_answer(arg, &id->client);
}

static int
session_opened(void *arg, struct assoc *a)
{
	struct worker *w = arg;
	const struct addr *client = &assoc_id(a)->client;
	int err = census_enter(w->stund->census, client);
	uint64_t held;

	if (err != 0 && log_limit_pass(&w->crowds, loop_now_ms(w->loop), &held))
		log_warn("session_refused",
		    KV_S("reason", assoc_end_name(ASSOC_CROWDED)),
		    KV_ADDR("client", client), KV_U("held_back", held));
	return err;
}

static void
session_closed(void *arg, struct assoc *a)
{
	const struct worker *w = arg;

	census_leave(w->stund->census, &assoc_id(a)->client);
}

/* RFC 7350 section 3: as over UDP, but from this socket to this client. */
static void
answer(void *arg, struct assoc *a, uint8_t *data, size_t len)
{
	struct worker *w = arg;
	uint8_t mem[BINDING_PLAIN_MAX];
	struct buf buf = buf_fixed(mem, sizeof(mem));
	const struct binding_in in = {
		.data = data,
		.len = len,
		.client = &assoc_id(a)->client,
		.dtls = true,
	};
	struct binding_out out = { .buf = &buf };

	worker_answer(w, OVER_DTLS, &in, &out);
	if (buf.len > 0 && assoc_send(a, NULL, 0, buf.data, buf.len) != 0)
		counter_add(&w->stats.send_errors, 1);
	assoc_touch(a, loop_now_ms(w->loop));
}

static void
expire(void *arg)
{
	struct worker *w = arg;

	w->assocs_due_ms = 0;
	assocs_expire(w->assocs, loop_now_ms(w->loop));
}

bool
sessions_input(
    struct worker *w, const struct link *l, const struct batch_in *in)
{
	const struct assoc_id id = { l->secure, in->local, in->src };

	if (dtls_looks_like(in->data, in->len)) {
		assocs_input(
		    w->assocs, &id, in->data, in->len, loop_now_ms(w->loop));
		return true;
	}
	if (!l->plain)
		counter_add(&w->stats.results[OVER_DTLS][BINDING_MALFORMED], 1);
	return !l->plain;
}

void
sessions_turn_end(struct worker *w)
{
	uint64_t now_ms, next;

	if (w->assocs == NULL)
		return;
	next = assocs_next_ms(w->assocs);
	if (next == w->assocs_due_ms)
		return;
	w->assocs_due_ms = next;
	now_ms = loop_now_ms(w->loop);
	if (next == UINT64_MAX)
		loop_timer_clear(w->assocs_timer);
	else
		loop_timer_set(
		    w->assocs_timer, next > now_ms ? next - now_ms : 0);
}

int
sessions_open(struct worker *w)
{
	const struct stund *d = w->stund;
	const struct assoc_ops ops = {
		.arg = w,
		.send = datagram_out,
		.flush = flush,
		.admit = hello_admitted,
		.opened = session_opened,
		.message = answer,
		.closed = session_closed,
	};
	const struct assocs_conf conf = {
		.tls = d->tls,
		.hash_key = d->hash_key,
		.max = d->assocs_max,
		.idle_ms = d->idle_ms,
	};

	if (d->tls == NULL)
		return 0;
	w->assocs =
	    assocs_new(&conf, &ops, &w->stats.assocs, loop_now_ms(w->loop));
	w->assocs_timer = loop_timer_new(w->loop, expire, w);
	return w->assocs == NULL || w->assocs_timer == NULL ? -ENOMEM : 0;
}

void
sessions_close(struct worker *w)
{
	assocs_free(w->assocs);
	w->assocs = NULL;
	loop_timer_free(w->assocs_timer);
}
