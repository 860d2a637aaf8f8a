/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "turnd/clients.h"
#include "turnd/door.h"
#include "turnd/tell.h"
#include "turnd/turnd.h"

/* The server's half of its 5-tuple, or -errno. */
static int
assoc_link(struct worker *w, const struct assoc *a)
{
	const struct assoc_id *id = assoc_id(a);

	return links_get(
	    w->links, id->listener, &id->local, loop_now_ms(w->loop));
}

static void
datagram_out(void *arg, const struct assoc_id *id, const void *data, size_t len)
{
	struct worker *w = arg;
	const struct batch_route route = { w->doors[id->listener].fd,
		&id->local, &id->client };

	batch_tx_add_from(w->tx, &route, NULL, 0, data, len);
}

static void
flush(void *arg)
{
	worker_flush(arg);
}

/* The cookie that it is sent is an answer as others are. */
static bool
hello_admitted(void *arg, const struct assoc_id *id)
{
	struct worker *w = arg;

	if (turn_server_may_answer(w->server, &id->client, worker_now(w)))
		return true;
	tell_rate_limited(w, &id->client);
	return false;
}

static int
assoc_opened(void *arg, struct assoc *a)
{
	struct worker *w = arg;
	const struct addr *client = &assoc_id(a)->client;
	int err = census_enter(w->turnd->census, client);
	uint64_t held;

	if (err != 0 && log_limit_pass(&w->crowds, loop_now_ms(w->loop), &held))
		log_warn("session_refused",
		    KV_S("reason", assoc_end_name(ASSOC_CROWDED)),
		    KV_ADDR("client", client), KV_U("held_back", held));
	return err;
}

static void
message_in(void *arg, struct assoc *a, uint8_t *data, size_t len)
{
	struct worker *w = arg;
	struct turn_in in = {
		.from = TURN_CLIENT,
		.verified = true,
		.data = data,
		.len = len,
		.src = &assoc_id(a)->client,
	};
	int link = assoc_link(w, a);

	if (link < 0) {
		stat_add(&w->stats->reasons[TURN_TOO_MANY_ADDRESSES], 1);
		return;
	}
	in.link = (uint16_t)link;
	worker_feed(w, &in, worker_now(w));
}

static bool
assoc_busy(void *arg, struct assoc *a)
{
	struct worker *w = arg;
	int link = assoc_link(w, a);

	return link >= 0 &&
	    (turn_server_has(w->server, &assoc_id(a)->client, (uint16_t)link,
		 worker_now(w)) ||
		roam_has(w, &assoc_id(a)->client, (uint16_t)link));
}

/* RFC 8656 section 3.1: the allocation goes with what it was made over. */
static void
assoc_closed(void *arg, struct assoc *a)
{
	struct worker *w = arg;
	int link = assoc_link(w, a);

	census_leave(w->turnd->census, &assoc_id(a)->client);
	if (link < 0)
		return;
	roam_closed(w, &assoc_id(a)->client, (uint16_t)link);
	turn_server_gone(
	    w->server, &assoc_id(a)->client, (uint16_t)link, worker_now(w));
	w->timers_moved = true;
}

static void
expire(void *arg)
{
	struct worker *w = arg;

	w->assocs_due_ms = 0;
	assocs_expire(w->assocs, loop_now_ms(w->loop));
}

bool
dtls_clients_input(struct worker *w, const struct door *d,
    const struct batch_in *b, uint64_t now_ms)
{
	const struct assoc_id id = { d->secure, b->local, b->src };

	if (dtls_looks_like(b->data, b->len)) {
		assocs_input(w->assocs, &id, b->data, b->len, now_ms);
		return true;
	}
	if (d->kind != DOOR_DTLS)
		return false;
	stat_add(&w->stats->reasons[TURN_NOT_DTLS], 1);
	return true;
}

/* NULL: the client is on something else, or gone. */
static struct assoc *
assoc_at(const struct worker *w, const struct addr *client, uint16_t link)
{
	const struct link *l = links_at(w->links, link);
	const struct assoc_id id = { l->listener, l->local, *client };

	if (w->doors[l->listener].kind != DOOR_DTLS)
		return NULL;
	return assocs_find(w->assocs, &id);
}

void
dtls_clients_send(struct worker *w, const struct turn_out *out)
{
	struct assoc *a;
	int err;

	if (links_at(w->links, out->link)->via != 0) {
		roam_send(w, out);
		return;
	}
	a = assoc_at(w, out->dst, out->link);
	if (a == NULL)
		return;
	err = assoc_send(a, out->head, out->head_len, out->data, out->len);
	if (err != 0)
		stat_add(
		    &w->stats->reasons[err == -EMSGSIZE ? TURN_SEND_TOO_BIG
							: TURN_SEND_FAILED],
		    1);
}

void
dtls_clients_idle(struct worker *w, const struct turn_alloc_info *info)
{
	struct assoc *a = assoc_at(w, &info->client, info->link);

	if (a != NULL)
		assoc_touch(a, loop_now_ms(w->loop));
}

void
dtls_clients_turn_end(struct worker *w)
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
dtls_clients_open(struct worker *w)
{
	const struct turnd *t = w->turnd;
	const struct assoc_ops ops = {
		.arg = w,
		.send = datagram_out,
		.flush = flush,
		.admit = hello_admitted,
		.opened = assoc_opened,
		.message = message_in,
		.idle = assoc_busy,
		.closed = assoc_closed,
	};
	const struct assocs_conf conf = {
		.tls = t->tls,
		.hash_key = t->setup.core.hash_key,
		.max = t->assocs_max,
		.idle_ms = t->idle_ms,
	};

	if (t->tls == NULL)
		return 0;
	w->assocs =
	    assocs_new(&conf, &ops, &w->shell.assocs, loop_now_ms(w->loop));
	w->assocs_timer = loop_timer_new(w->loop, expire, w);
	return w->assocs == NULL || w->assocs_timer == NULL ? -ENOMEM : 0;
}

void
dtls_clients_close(struct worker *w)
{
	assocs_free(w->assocs);
	w->assocs = NULL;
	loop_timer_free(w->assocs_timer);
}
