/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stun/message.h"
#include "turnd/clients.h"
#include "turnd/door.h"
#include "turnd/relay.h"
#include "turnd/turnd.h"

/* The longest request is shorter. With an allocation there is data as long as
 * UDP can carry, which the kernel cuts into fragments. */
#define MESSAGE_MAX 4096

static uint64_t
client_hash(const struct worker *w, const struct stream_id *id)
{
	return hash_bytes(&w->turnd->setup.core.hash_key, id, sizeof(*id));
}

static bool
client_eq(const void *stream, const void *id)
{
	return memcmp(stream_id(stream), id, sizeof(struct stream_id)) == 0;
}

/* NULL: the client is not on a stream. */
static struct stream *
client_find(struct worker *w, const struct addr *client, uint16_t link)
{
	const struct link *l = links_at(w->links, link);
	const struct stream_id id = { l->listener, l->local, *client };

	if (w->doors[l->listener].kind != DOOR_STREAM)
		return NULL;
	return htab_find(&w->clients, client_hash(w, &id), client_eq, &id);
}

/* The server's half of its 5-tuple, or -errno. */
static int
client_link(struct worker *w, const struct stream *s)
{
	const struct stream_id *id = stream_id(s);

	return links_get(
	    w->links, id->listener, &id->local, loop_now_ms(w->loop));
}

static int
client_opened(void *arg, struct stream *s)
{
	struct worker *w = arg;
	const struct stream_id *id = stream_id(s);
	uint64_t hash = client_hash(w, id);

	/* One client by way of two of a balancer's addresses. */
	if (htab_find(&w->clients, hash, client_eq, id) != NULL)
		return -EEXIST;
	return htab_put(&w->clients, hash, s);
}

/* A stream whose last message waits, unread, for what is asked about its user:
 * what comes behind it may depend on it, and be no message at all. */
struct waiter {
	LIST_ENTRY(waiter) entry;
	struct stream *stream;
	uint64_t user;
};

static void
client_wait(struct worker *w, struct stream *s)
{
	struct waiter *x = malloc(sizeof(*x));

	if (x == NULL) {
		stat_add(&w->stats->reasons[TURN_TOO_MANY_LOOKUPS], 1);
		return;
	}
	*x = (struct waiter){ .stream = s, .user = w->asked_for };
	LIST_INSERT_HEAD(&w->waiters, x, entry);
	stream_hold(s);
}

static void
waiter_free(struct waiter *x)
{
	LIST_REMOVE(x, entry);
	free(x);
}

void
clients_go_on(struct worker *w, uint64_t user)
{
	struct waiter *x, *next;

	for (x = LIST_FIRST(&w->waiters); x != NULL; x = next) {
		next = LIST_NEXT(x, entry);
		if (x->user != user)
			continue;
		stream_go_on(x->stream);
		waiter_free(x);
	}
}

/* It waits no more, as it is gone. */
static void
client_forget(struct worker *w, const struct stream *s)
{
	struct waiter *x;

	LIST_FOREACH (x, &w->waiters, entry) {
		if (x->stream == s)
			break;
	}
	if (x != NULL)
		waiter_free(x);
}

static void
client_message(void *arg, struct stream *s, uint8_t *data, size_t len)
{
	struct worker *w = arg;
	struct turn_in in = {
		.from = TURN_CLIENT,
		.data = data,
		.len = len,
		.src = &stream_id(s)->client,
		.verified = true,
		.stream = true,
	};
	int link = client_link(w, s);

	if (link < 0) {
		stat_add(&w->stats->reasons[TURN_TOO_MANY_ADDRESSES], 1);
		return;
	}
	in.link = (uint16_t)link;
	worker_feed(w, &in, worker_now(w));
	if (worker_pending(w))
		client_wait(w, s);
	if (w->out.then != TURN_THEN_NOTHING) {
		w->leaving = s;
		stream_detach(s, w->out.then == TURN_THEN_MOVE);
	}
}

/* RFC 6062: after a ConnectionBind, which was the last message that came, it is
 * one of data; or it belongs to another worker, which reads that again. */
static void
client_detached(void *arg, struct stream *s, struct stream_parts *parts)
{
	struct worker *w = arg;

	w->leaving = NULL;
	htab_del(&w->clients, client_hash(w, stream_id(s)), s);
	if (w->out.then == TURN_THEN_MOVE)
		tcp_move(w, w->out.server, parts);
	else
		tcp_join(w, w->out.conn, parts);
	w->timers_moved = true;
}

/* What is queued for peers lies in the buffer that is filled next. */
static void
clients_out_of_room(void *arg)
{
	worker_flush(arg);
}

static bool
client_busy(void *arg, struct stream *s)
{
	struct worker *w = arg;
	int link = client_link(w, s);

	return link >= 0 &&
	    turn_server_has(w->server, &stream_id(s)->client, (uint16_t)link,
		worker_now(w));
}

static void
client_closed(void *arg, struct stream *s)
{
	struct worker *w = arg;
	int link = client_link(w, s);

	htab_del(&w->clients, client_hash(w, stream_id(s)), s);
	client_forget(w, s);
	if (w->leaving == s && w->out.then == TURN_THEN_JOIN)
		turn_server_conn_over(w->server, w->out.conn, worker_now(w));
	if (w->leaving == s)
		w->leaving = NULL;
	if (link < 0)
		return;
	turn_server_gone(
	    w->server, &stream_id(s)->client, (uint16_t)link, worker_now(w));
	w->timers_moved = true;
}

bool
clients_send(struct worker *w, const struct turn_out *out)
{
	static uint8_t zero[3];
	size_t len = out->head_len + out->len;
	/* RFC 8656 section 12.5: padded on streams. */
	const struct iovec parts[] = {
		{ (void *)(uintptr_t)out->head, out->head_len },
		{ (void *)(uintptr_t)out->data, out->len },
		{ zero, -len & 3 },
	};
	enum door_kind kind;
	struct stream *s;
	int dropped;

	if (out->to != TURN_CLIENT)
		return false;
	kind = w->doors[links_at(w->links, out->link)->listener].kind;
	if (kind == DOOR_UDP)
		return false;
	if (kind == DOOR_DTLS) {
		dtls_clients_send(w, out);
		return true;
	}
	s = client_find(w, out->dst, out->link);
	if (s == NULL)
		return true;
	dropped = stream_send(s, out->data != out->reply, parts, 3);
	if (dropped > 0)
		stat_add(
		    &w->stats->reasons[TURN_CLIENT_SLOW], (uint64_t)dropped);
	return true;
}

void
clients_idle(struct worker *w, const struct turn_alloc_info *a)
{
	struct stream *s;

	/* At the end allocations with tickets outlive their connections. */
	if (w->streams == NULL)
		return;
	s = client_find(w, &a->client, a->link);
	if (s != NULL)
		stream_touch(s);
	else
		dtls_clients_idle(w, a);
}

int
clients_open(struct worker *w)
{
	const struct turnd *t = w->turnd;
	const struct stream_ops ops = {
		.arg = w,
		.next = stun_stream_next,
		.opened = client_opened,
		.message = client_message,
		.flush = clients_out_of_room,
		.idle = client_busy,
		.known = client_busy,
		.closed = client_closed,
		.detached = client_detached,
	};
	const struct streams_conf conf = {
		.loop = w->loop,
		.max = t->streams_max,
		.listeners = t->listeners.n,
		.message_max = MESSAGE_MAX,
		.send_max = t->send_max,
		.idle_ms = t->idle_ms,
		.census = t->census,
		.balancers = t->balancers->items,
		.nbalancers = t->balancers->n,
	};

	htab_init(&w->clients, t->streams_max);
	w->streams = streams_new(&conf, &ops, &w->shell.streams);
	return w->streams == NULL ? -ENOMEM : 0;
}

void
clients_close(struct worker *w)
{
	streams_free(w->streams);
	w->streams = NULL;
	htab_fini(&w->clients);
}
