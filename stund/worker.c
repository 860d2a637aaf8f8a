/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "stund/stund.h"

/* That a worker's limit tells apart, for 256 KiB. */
#define NETWORKS 16384

/*
 * Only over UDP can anybody ask in the name of somebody else, who then gets the
 * answers.
 */
bool
worker_may_answer(struct worker *w, const struct addr *client)
{
	struct prefix network = limit_network(client);
	uint64_t held, now_ms = loop_now_ms(w->loop);
	char text[LIMIT_STRLEN];

	if (limit_take(w->limit, &w->stund->rate, &network, now_ms))
		return true;
	counter_add(&w->stats.rate_limited, 1);
	if (log_limit_pass(&w->limited, now_ms, &held))
		log_warn("rate_limited",
		    KV_S("network", limit_format(&network, text)),
		    KV_U("held_back", held));
	return false;
}

void
worker_answer(struct worker *w, enum transport t, const struct binding_in *in,
    struct binding_out *out)
{
	enum binding_result result = binding_input(in, out);

	if (t == OVER_UDP && binding_is_answer(result) &&
	    !worker_may_answer(w, in->client)) {
		buf_reset(out->buf);
		return;
	}
	counter_add(&w->stats.results[t][result], 1);
	if (!binding_is_answer(result) && log_enabled(LOG_DEBUG))
		log_debug("message_dropped",
		    KV_S("reason", binding_result_name(result)),
		    KV_ADDR("from", in->client), KV_U("len", in->len));
}

void
worker_flush(struct worker *w)
{
	dgrams_flush(w->dgrams);
	w->nanswers = 0;
	if (w->assocs != NULL)
		assocs_flushed(w->assocs);
}

/* Each answer has room of its own until the flush. */
static struct buf
answer_room(struct worker *w)
{
	if (w->nanswers == BATCH_MAX)
		worker_flush(w);
	return buf_fixed(
	    w->answers[w->nanswers], sizeof(w->answers[w->nanswers]));
}

static void
answer_one(struct link *l, const struct batch_in *in)
{
	struct worker *w = l->worker;
	const struct binding_in ask = { in->data, in->len, &in->src,
		l->square != NULL ? &l->square->behaviour : NULL, l->corner,
		false };
	struct buf buf = answer_room(w);
	struct binding_out out = { .buf = &buf };
	int fd = l->fd;

	worker_answer(w, OVER_UDP, &ask, &out);
	if (buf.len == 0)
		return;
	if (l->square != NULL)
		fd = l->square->at[out.corner]->fds[w->index];
	batch_tx_add_from(w->tx,
	    &(struct batch_route){ fd, &in->local, &out.to }, NULL, 0, buf.data,
	    buf.len);
	w->nanswers++;
}

static void
udp_input(void *arg, struct batch_in *in, int n)
{
	struct link *l = arg;
	struct worker *w = l->worker;

	for (; n-- > 0; in++) {
		counter_add(&w->stats.received_bytes, in->len);
		if (in->truncated)
			counter_add(&w->stats.truncated, 1);
		else if (l->secure == LISTENER_NONE ||
		    !sessions_input(w, l, in))
			answer_one(l, in);
	}
}

static void
udp_lost(void *arg, int fd, uint32_t n)
{
	counter_add(&((struct worker *)arg)->stats.no_room, n);
}

static void
udp_failed(void *arg, int fd, int err)
{
	struct worker *w = arg;
	uint64_t held;

	if (log_limit_pass(&w->trouble, loop_now_ms(w->loop), &held))
		log_warn(
		    "receive_failed", KV_ERR(err), KV_U("held_back", held));
}

static const struct dgram_ops udp_ops = { .input = udp_input };

static void
out_of_room(void *arg)
{
	worker_flush(arg);
}

/* A refused answer is a lost one: the client asks again. */
static void
udp_sent(void *arg, int fd, const struct addr *dst, size_t len, int err)
{
	struct worker *w = arg;

	if (err == 0) {
		counter_add(&w->stats.sent_bytes, len);
		return;
	}
	counter_add(&w->stats.send_errors, 1);
	if (log_enabled(LOG_DEBUG))
		log_debug("send_refused", KV_ADDR("to", dst), KV_ERR(err));
}

static size_t
links_count(const struct stund *d)
{
	return d->listeners.n + d->others.n;
}

static void
link_place(struct link *l, const struct stund *d, const struct listener *from)
{
	size_t i;
	unsigned int k;

	for (i = 0; i < d->nsquares; i++) {
		for (k = 0; k < BEHAVIOUR_CORNERS; k++) {
			if (d->squares[i].at[k] == from) {
				l->square = &d->squares[i];
				l->corner = k;
			}
		}
	}
}

static bool
link_open(struct link *l, struct worker *w, size_t i)
{
	const struct stund *d = w->stund;
	const struct listener *from = i < d->listeners.n
	    ? &d->listeners.items[i]
	    : &d->others.items[i - d->listeners.n];

	l->worker = w;
	l->fd = from->fds[w->index];
	l->secure = from->secure;
	l->plain = !listener_is(from, "dtls");
	if (from->shares)
		return true;
	if (!listener_is_datagram(from))
		return streams_listen(w->streams, l->fd, &from->addr,
			   &(struct stream_kind){ (uint16_t)i, from->secure,
			       from->secure != LISTENER_NONE ? d->tls
							     : NULL }) == 0;
	link_place(l, d, from);
	l->in = dgram_open(w->dgrams, l->fd, &udp_ops, l);
	return l->in != NULL;
}

static bool
links_open(struct worker *w)
{
	size_t i, n = links_count(w->stund);

	w->links = calloc(n, sizeof(*w->links));
	if (w->links == NULL)
		return false;
	for (i = 0; i < n; i++) {
		if (!link_open(&w->links[i], w, i))
			return false;
	}
	return true;
}

static bool
parts_open(struct worker *w)
{
	w->dgrams = dgrams_new(&(struct dgrams_conf){
	    .loop = w->loop,
	    .arg = w,
	    .flush = out_of_room,
	    .sent = udp_sent,
	    .lost = udp_lost,
	    .failed = udp_failed,
	});
	w->limit = limit_new(NETWORKS, &w->stund->hash_key);
	if (w->dgrams == NULL || w->limit == NULL)
		return false;
	w->tx = dgrams_tx(w->dgrams);
	return true;
}

static void
turn_end(void *arg)
{
	struct worker *w = arg;

	worker_flush(w);
	streams_flush(w->streams);
	sessions_turn_end(w);
}

void *
worker_new(void *stund, int index, struct loop *loop)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->stund = stund;
	w->index = index;
	w->loop = loop;
	w->limited.burst = 1;
	if (!parts_open(w) || clients_open(w) != 0 || sessions_open(w) != 0 ||
	    !links_open(w)) {
		worker_free(w);
		return NULL;
	}
	loop_on_turn_end(loop, turn_end, w);
	return w;
}

void
worker_free(void *worker)
{
	struct worker *w = worker;
	size_t i;

	sessions_close(w);
	for (i = 0; w->links != NULL && i < links_count(w->stund); i++)
		dgram_close(w->links[i].in);
	free(w->links);
	streams_free(w->streams);
	dgrams_free(w->dgrams);
	limit_free(w->limit);
	free(w);
}
