/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "stund/stund.h"

/* Full batches read from one socket before the others get their turn. */
#define READ_ROUNDS 8

void
worker_answer(struct worker *w, enum transport t, const struct addr *client,
    const void *data, size_t len, struct buf *out)
{
	enum binding_result result = binding_input(data, len, client, out);

	counter_add(&w->stats.results[t][result], 1);
	if (!binding_is_answer(result) && log_enabled(LOG_DEBUG))
		log_debug("message_dropped",
		    KV_S("reason", binding_result_name(result)),
		    KV_ADDR("from", client), KV_U("len", len));
}

/* At most BATCH_READ of them, since stund's sockets do not merge: each has an
 * answer's room of its own until the flush. */
static void
answer_batch(struct worker *w, int fd, int n)
{
	struct batch_in *in;
	struct buf out;
	int i;

	for (i = 0; i < n; i++) {
		in = batch_rx_at(w->rx, i);
		counter_add(&w->stats.received_bytes, in->len);
		if (in->truncated) {
			counter_add(&w->stats.truncated, 1);
			continue;
		}
		out = buf_fixed(w->answers[i], sizeof(w->answers[i]));
		worker_answer(w, OVER_UDP, &in->src, in->data, in->len, &out);
		if (out.len > 0)
			batch_tx_add_from(w->tx,
			    &(struct batch_route){ fd, &in->local, &in->src },
			    NULL, 0, out.data, out.len);
	}
	batch_tx_flush(w->tx);
}

static void
udp_readable(void *arg, int fd, int what)
{
	struct worker *w = ((struct link *)arg)->worker;
	int n, rounds = 0;
	uint64_t held;

	do {
		n = batch_rx_read(w->rx, fd);
		if (n < 0) {
			if (log_limit_pass(
				&w->trouble, loop_now_ms(w->loop), &held))
				log_warn("receive_failed", KV_ERR(n),
				    KV_U("held_back", held));
			return;
		}
		answer_batch(w, fd, n);
	} while (batch_rx_more(w->rx) && ++rounds < READ_ROUNDS);
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

static bool
links_open(struct worker *w)
{
	const struct stund *d = w->stund;
	const struct listener *from;
	struct link *l;
	size_t i;

	w->links = calloc(d->listeners.n, sizeof(*w->links));
	if (w->links == NULL)
		return false;
	for (i = 0; i < d->listeners.n; i++) {
		from = &d->listeners.items[i];
		l = &w->links[i];
		l->worker = w;
		l->fd = from->fds[w->index];
		if (!listener_is(from, "udp")) {
			if (streams_listen(w->streams, (uint16_t)i, l->fd,
				&from->addr,
				listener_is(from, "tls") ? d->tls : NULL) != 0)
				return false;
			continue;
		}
		l->io = loop_io_new(w->loop, l->fd, LOOP_READ, udp_readable, l);
		if (l->io == NULL)
			return false;
	}
	return true;
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
	w->rx = batch_rx_new();
	w->tx = batch_tx_new(udp_sent, w);
	if (w->rx == NULL || w->tx == NULL || clients_open(w) != 0 ||
	    !links_open(w)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void
worker_free(void *worker)
{
	struct worker *w = worker;
	size_t i;

	for (i = 0; w->links != NULL && i < w->stund->listeners.n; i++)
		loop_io_free(w->links[i].io);
	free(w->links);
	streams_free(w->streams);
	batch_rx_free(w->rx);
	batch_tx_free(w->tx);
	free(w);
}
