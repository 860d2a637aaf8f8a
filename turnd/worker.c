/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/net/sock.h"
#include "turnd/asked.h"
#include "turnd/clients.h"
#include "turnd/door.h"
#include "turnd/relay.h"
#include "turnd/tell.h"
#include "turnd/turnd.h"

static int
quota_take(void *arg, const struct turn_share *share)
{
	struct turnd *d = ((struct worker *)arg)->turnd;
	int err;

	pthread_mutex_lock(&d->quota_lock);
	err = turn_quota_take(d->quota, share);
	pthread_mutex_unlock(&d->quota_lock);
	return err;
}

static void
quota_give(void *arg, const struct turn_share *share)
{
	struct turnd *d = ((struct worker *)arg)->turnd;

	pthread_mutex_lock(&d->quota_lock);
	turn_quota_give(d->quota, share);
	pthread_mutex_unlock(&d->quota_lock);
}

static int
user_part(void *arg, uint64_t user, uint64_t bandwidth, struct turn_part **part)
{
	struct worker *w = arg;
	struct turnd *d = w->turnd;
	const struct turnd_conf *c = conf_data(daemon_conf(d->run));
	struct bucket_rate rate;
	int err;

	if (bandwidth == 0)
		bandwidth = (uint64_t)c->user_bandwidth;
	/* None now, and no record can have given him one before. */
	if (bandwidth == 0 && d->userdb == NULL)
		return 0;
	rate = turnd_bandwidth(c, bandwidth);
	pthread_mutex_lock(&d->quota_lock);
	err = turn_quota_part(d->quota, user, &rate, (unsigned int)w->index,
	    (unsigned int)d->workers, part);
	pthread_mutex_unlock(&d->quota_lock);
	return err;
}

static uint16_t
realm_of(void *arg, uint16_t link)
{
	struct worker *w = arg;
	const struct realms *realms = &w->turnd->setup.realms;
	struct addr a;

	if (realms->nplaces == 0)
		return 0;
	a = link_addr(w, link);
	return realms_at(realms, &a);
}

static void
allocation_ended(void *arg, const struct turn_alloc_info *a, enum turn_end why)
{
	struct worker *w = arg;

	clients_idle(w, a);
	roam_left(w, &a->client, a->link);
	tell_ended(w, a, why);
}

/* A client over TCP or DTLS has to allocate anew soon, or is gone. */
static void
allocation_left(void *arg, const struct addr *client, uint16_t link)
{
	const struct turn_alloc_info was = { .client = *client, .link = link };

	clients_idle(arg, &was);
	roam_left(arg, client, link);
}

static void
worker_note(struct worker *w, const struct turn_in *in)
{
	const struct turn_note *note = &w->out.note;

	if (note->method != NULL)
		w->timers_moved = true;
	tell_note(w, note, in->src);
}

/* Where a peer is from here: another client's public relayed address is one of
 * this host, behind whose NAT it could not be reached. */
static const struct addr *
peer_reach(struct worker *w, const struct addr *peer)
{
	const struct externals *e = &w->turnd->setup.externals;

	if (e->n == 0)
		return peer;
	w->reach = *peer;
	externals_reach(e, &w->reach);
	return &w->reach;
}

/* RFC 8656 has no word for it: a refused datagram is a lost datagram. */
static void
worker_sent(void *arg, int fd, const struct addr *dst, size_t len, int err)
{
	struct worker *w = arg;
	enum turn_reason reason;

	switch (-err) {
	case 0:
		return;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		reason = TURN_SEND_UNREACHABLE;
		break;
	case ECONNREFUSED:
	case EPERM:
	case EACCES:
		reason = TURN_SEND_REFUSED;
		break;
	case ENOBUFS:
	case EAGAIN:
	case ENOMEM:
		reason = TURN_SEND_NO_BUFFER;
		break;
	case EMSGSIZE:
		reason = TURN_SEND_TOO_BIG;
		break;
	default:
		reason = TURN_SEND_FAILED;
		break;
	}
	stat_add(&w->stats->reasons[reason], 1);
	if (log_enabled(LOG_DEBUG))
		log_debug("send_refused", KV_ADDR("to", dst), KV_U("len", len),
		    KV_ERR(err));
}

/* The socket and addresses that an answer of the server takes. */
static struct batch_route
worker_route(struct worker *w, const struct turn_out *out)
{
	const struct link *l;

	if (out->to == TURN_PEER)
		return (struct batch_route){ (int)out->relay, NULL,
			peer_reach(w, out->dst) };
	l = links_at(w->links, out->link);
	return (struct batch_route){ w->doors[l->listener].fd, &l->local,
		out->dst };
}

void
worker_flush(struct worker *w)
{
	dgrams_flush(w->dgrams);
	w->nreplies = 0;
	if (w->assocs != NULL)
		assocs_flushed(w->assocs);
}

/* A datagram that may not be cut, alone: only such pay for asking the socket
 * twice. */
static void
worker_send_whole(struct worker *w, const struct batch_route *route)
{
	const struct turn_out *out = &w->out;
	int err;

	worker_flush(w);
	err = sock_whole(route->fd, route->dst, true);
	if (err == 0) {
		batch_tx_add_from(w->tx, route, out->head, out->head_len,
		    out->data, out->len);
		batch_tx_flush(w->tx);
	}
	if (err == 0)
		err = sock_whole(route->fd, route->dst, false);
	if (err != 0)
		worker_sent(w, route->fd, route->dst, out->len, err);
}

/* What the server said goes on its way. */
static void
worker_emit(struct worker *w)
{
	struct turn_out *out = &w->out;
	struct batch_route route;

	if (out->to == TURN_NOBODY || clients_send(w, out))
		return;
	route = worker_route(w, out);
	if (out->whole) {
		worker_send_whole(w, &route);
		return;
	}
	batch_tx_add_from(
	    w->tx, &route, out->head, out->head_len, out->data, out->len);
	if (out->data == out->reply)
		w->nreplies++;
}

static void
worker_take_reply(struct worker *w)
{
	if (w->nreplies == BATCH_MAX)
		worker_flush(w);
	w->out.reply = w->replies[w->nreplies];
}

bool
worker_pending(const struct worker *w)
{
	return w->out.noted && w->out.note.reason == TURN_AUTH_PENDING;
}

void
worker_feed(struct worker *w, const struct turn_in *in, struct turn_time now)
{
	if (in->from == TURN_CLIENT && roam_forward(w, in))
		return;
	worker_take_reply(w);
	w->in = in;
	turn_server_input(w->server, in, now, &w->out);
	if (w->out.noted)
		worker_note(w, in);
	/* A stream keeps it unread: see client_message. */
	if (worker_pending(w) && !in->stream)
		asked_park(w, in);
	/* A connection goes there itself. */
	if (w->out.then == TURN_THEN_MOVE && !in->stream)
		roam_begin(w, in, w->out.server);
	worker_emit(w);
}

struct turn_time
worker_now(const struct worker *w)
{
	return (struct turn_time){ loop_now_ms(w->loop),
		loop_turn_wall_ms(w->loop) / 1000 };
}

/* What the server says of itself, to the client that it is about. */
static void
worker_tell(struct worker *w)
{
	const struct turn_in in = { .src = w->out.dst };

	if (w->out.noted && w->out.to == TURN_CLIENT)
		worker_note(w, &in);
	w->timers_moved = true;
	worker_emit(w);
}

void
worker_connected(struct worker *w, uint32_t conn, int err)
{
	worker_take_reply(w);
	turn_server_connected(w->server, conn, err, worker_now(w), &w->out);
	worker_tell(w);
}

bool
worker_incoming(
    struct worker *w, uint32_t relay, const struct addr *peer, uint32_t *conn)
{
	bool kept;

	worker_take_reply(w);
	kept = turn_server_incoming(
	    w->server, relay, peer, worker_now(w), conn, &w->out);
	if (!kept && log_enabled(LOG_DEBUG))
		log_debug("connection_refused",
		    KV_S("reason", turn_reason_info(w->out.note.reason)->name),
		    KV_ADDR("peer", peer));
	worker_tell(w);
	return kept;
}

void
worker_feed_icmp(struct worker *w, const struct turn_icmp *icmp)
{
	struct turn_time now = worker_now(w);

	worker_take_reply(w);
	turn_server_icmp(w->server, icmp, now, &w->out);
	worker_emit(w);
}

/* Why a datagram is dropped unread, or TURN_OK and its link is in. */
static enum turn_reason
worker_accept(struct worker *w, struct batch_in *b, struct turn_in *in,
    const struct door *door, uint64_t now_ms)
{
	int link;

	if (b->truncated)
		return TURN_TOO_LONG;
	if (door == NULL) {
		externals_tell(&w->turnd->setup.externals, &b->src);
		return TURN_OK;
	}
	link = links_get(w->links, door->listener, &b->local, now_ms);
	if (link < 0)
		return TURN_TOO_MANY_ADDRESSES;
	in->link = (uint16_t)link;
	return TURN_OK;
}

void
worker_input(struct worker *w, struct batch_in *b, int n, struct turn_in *in,
    struct door *door)
{
	struct turn_time now = worker_now(w);
	enum turn_reason reason;

	for (; n-- > 0; b++) {
		if (door != NULL && door->secure != LISTENER_NONE &&
		    !b->truncated && dtls_clients_input(w, door, b, now.now_ms))
			continue;
		reason = worker_accept(w, b, in, door, now.now_ms);
		if (reason != TURN_OK) {
			stat_add(&w->stats->reasons[reason], 1);
			continue;
		}
		in->data = b->data;
		in->len = b->len;
		in->head_room = BATCH_HEADROOM;
		in->tail_room = BATCH_TAILROOM;
		in->src = &b->src;
		worker_feed(w, in, now);
	}
}

static void
worker_lost(void *arg, int fd, uint32_t n)
{
	struct worker *w = arg;

	stat_add(&w->stats->reasons[TURN_NO_ROOM], n);
}

static void
worker_unreadable(void *arg, int fd, int err)
{
	struct worker *w = arg;
	uint64_t held;

	if (log_limit_pass(&w->trouble, loop_now_ms(w->loop), &held))
		log_warn("receive_failed", KV_I("fd", fd), KV_ERR(err),
		    KV_U("held_back", held));
}

static void
worker_out_of_room(void *arg)
{
	worker_flush(arg);
}

static void
worker_set_expiry(struct worker *w)
{
	uint64_t now_ms = loop_now_ms(w->loop);
	uint64_t next = turn_server_next_ms(w->server);

	w->timers_moved = false;
	if (next == UINT64_MAX)
		loop_timer_clear(w->expiry);
	else
		loop_timer_set(w->expiry, next > now_ms ? next - now_ms : 0);
}

static void
worker_expire(void *arg)
{
	struct worker *w = arg;
	struct turn_time now = worker_now(w);

	turn_server_expire(w->server, now);
	for (;;) {
		worker_take_reply(w);
		if (!turn_server_overdue(w->server, now, &w->out))
			break;
		worker_tell(w);
	}
	w->timers_moved = true;
}

static void
worker_expire_ports(void *arg)
{
	struct worker *w = arg;
	uint64_t now_ms = loop_now_ms(w->loop);
	uint64_t next = ports_expire(w->turnd->ports, now_ms);

	if (next > now_ms)
		loop_timer_set(w->unclaimed, next - now_ms);
}

static void
worker_turn_end(void *arg)
{
	struct worker *w = arg;

	worker_flush(w);
	streams_flush(w->streams);
	dtls_clients_turn_end(w);
	/* Only requests move timers, so relaying never looks for the next. */
	if (w->timers_moved)
		worker_set_expiry(w);
}

static bool
worker_init(struct worker *w)
{
	const struct turn_ops ops = {
		.arg = w,
		.server = (uint16_t)w->index,
		.servers = (uint16_t)w->turnd->workers,
		.conn_open = tcp_conn_open,
		.conn_close = tcp_conn_close,
		.relay_open = relay_open,
		.relay_close = relay_close,
		.relay_live = relay_live,
		.quota_take = quota_take,
		.quota_give = quota_give,
		.user_part = user_part,
		.total = w->turnd->total == NULL
		    ? NULL
		    : turn_pipe_part(w->turnd->total, (unsigned int)w->index),
		.ended = allocation_ended,
		.left = allocation_left,
		.realm_of = realm_of,
		.user_find = asked_find,
		.user_by_hash = asked_by_hash,
	};

	roam_open(w);
	w->server = turn_server_new(&w->turnd->setup.core, &ops);
	w->dgrams = dgrams_new(&(struct dgrams_conf){
	    .loop = w->loop,
	    .arg = w,
	    .flush = worker_out_of_room,
	    .sent = worker_sent,
	    .lost = worker_lost,
	    .failed = worker_unreadable,
	});
	w->expiry = loop_timer_new(w->loop, worker_expire, w);
	w->unclaimed = loop_timer_new(w->loop, worker_expire_ports, w);
	if (w->server == NULL || w->dgrams == NULL || w->expiry == NULL ||
	    w->unclaimed == NULL)
		return false;
	w->tx = dgrams_tx(w->dgrams);
	if (asked_open(w) != 0)
		return false;
	w->stats = turn_server_stats(w->server);
	loop_on_turn_end(w->loop, worker_turn_end, w);
	return tcp_open(w) == 0 && clients_open(w) == 0 &&
	    dtls_clients_open(w) == 0 && doors_open(w) == 0;
}

void *
worker_new(void *turnd, int index, struct loop *loop)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->turnd = turnd;
	w->index = index;
	w->loop = loop;
	tell_open(w);
	w->limited.burst = 1;
	if (!worker_init(w)) {
		log_error("worker_not_started", KV_I("worker", index),
		    KV_ERR(ENOMEM));
		worker_free(w);
		return NULL;
	}
	w->turnd->running[index] = w;
	return w;
}

void
worker_stop(void *worker)
{
	struct worker *w = worker;

	worker_flush(w);
	loop_stop(w->loop);
}

void
worker_free(void *worker)
{
	struct worker *w = worker;

	w->turnd->running[w->index] = NULL;
	clients_close(w);
	dtls_clients_close(w);
	turn_server_free(w->server); /* closes the relay sockets */
	tcp_close(w);
	roam_close(w);
	doors_close(w);
	free(w->relays);
	loop_timer_free(w->expiry);
	loop_timer_free(w->unclaimed);
	dgrams_free(w->dgrams);
	asked_close(w);
	free(w);
}
