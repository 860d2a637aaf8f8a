/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/dgram/dgram.h"
#include "lib/net/datagram.h"
#include "lib/ring/ring.h"

/* So many datagrams of one socket, and the others get their turn. */
#define READ_MAX 256
/* Of the ring; the pages of one are touched as far as datagrams reach. */
#define RING_BUFFERS 256

static_assert(DATAGRAM_CONTROL >= BATCH_HEADROOM,
    "a ring's buffers have room in front for what is put there");

struct dgrams {
	struct dgrams_conf conf;
	struct ring *ring;   /* NULL: by epoll */
	struct batch_rx *rx; /* by epoll */
	bool handing;        /* what lies in rx is being handed out */
	struct batch_tx *tx;
	struct batch_in in[MERGE_MAX]; /* by io_uring */
	struct dgram **by_fd;          /* by io_uring */
	size_t nfds;                   /* room in by_fd */
	LIST_HEAD(, dgram) met;        /* what a send met is to be looked at */
	bool posted; /* look_at_met will run, and it needs this */
	bool over;   /* it frees it */
};

struct dgram {
	struct dgrams *all;
	int fd;
	const struct dgram_ops *ops;
	void *arg;
	uint32_t drops;     /* that have been told */
	struct loop_io *io; /* by epoll */
	struct ring_op op;  /* by io_uring */
	bool closing;       /* freed when that has ended */
	bool met;
	LIST_ENTRY(dgram) link; /* of met */
};

static void
look_at_met(void *arg)
{
	struct dgrams *d = arg;
	struct dgram *s;

	d->posted = false;
	if (d->over) {
		free(d);
		return;
	}
	while ((s = LIST_FIRST(&d->met)) != NULL) {
		LIST_REMOVE(s, link);
		s->met = false;
		s->ops->erred(s->arg);
	}
}

/* A send has taken what the socket would have woken us for. */
static void
note_met(struct dgrams *d, int fd)
{
	struct dgram *s = (size_t)fd < d->nfds ? d->by_fd[fd] : NULL;

	if (s == NULL || s->met || s->ops->erred == NULL)
		return;
	if (!d->posted && loop_post(d->conf.loop, look_at_met, d) != 0)
		return;
	d->posted = true;
	s->met = true;
	LIST_INSERT_HEAD(&d->met, s, link);
}

/* As batch_send_fn has it; what ICMP said of others is for them alone. A
 * message that met it goes once more, behind those of its flow that are on
 * their way. Before the first turn the ring is nobody's yet. */
static int
send_by_ring(void *arg, const int *fds, struct mmsghdr *m, int n, int *errs)
{
	struct dgrams *d = arg;
	int i;

	n = ring_send(d->ring, fds, m, n, errs);
	for (i = 0; i < n; i++) {
		if (datagram_pending(-errs[i]))
			note_met(d, fds[i]);
		else if (errs[i] != -EBADFD)
			continue;
		(void)batch_send(NULL, &fds[i], &m[i], 1, &errs[i]);
	}
	return n;
}

static int
open_ring(struct dgrams *d)
{
	const struct ring_buffers shape = {
		.count = RING_BUFFERS,
		.control = DATAGRAM_CONTROL,
		.len = MERGE_BYTES,
		.space = MERGE_SPACE,
	};

	batch_tx_by(d->tx, send_by_ring, d);
	return ring_set_buffers(d->ring, &shape);
}

struct dgrams *
dgrams_new(const struct dgrams_conf *conf)
{
	struct dgrams *d = calloc(1, sizeof(*d));
	int err = 0;

	if (d == NULL)
		return NULL;
	d->conf = *conf;
	d->ring = loop_ring(conf->loop);
	d->tx = batch_tx_new(conf->sent, conf->arg);
	if (d->tx == NULL)
		err = -ENOMEM;
	else if (d->ring != NULL)
		err = open_ring(d);
	else if ((d->rx = batch_rx_new()) == NULL)
		err = -ENOMEM;
	if (err == 0)
		return d;
	dgrams_free(d);
	errno = -err;
	return NULL;
}

void
dgrams_free(struct dgrams *d)
{
	if (d == NULL)
		return;
	batch_rx_free(d->rx);
	batch_tx_free(d->tx);
	free(d->by_fd);
	d->over = true;
	if (!d->posted)
		free(d);
}

struct batch_tx *
dgrams_tx(struct dgrams *d)
{
	return d->tx;
}

void
dgrams_flush(struct dgrams *d)
{
	batch_tx_flush(d->tx);
	if (d->rx != NULL && !d->handing)
		batch_rx_reset(d->rx);
}

static void
take(struct dgram *s, struct batch_in *in, int n)
{
	uint32_t drops = in[n - 1].drops;

	/* Of the kernel's count we see the latest; 0: it says nothing. */
	if (drops != 0 && drops != s->drops) {
		s->all->conf.lost(s->all->conf.arg, s->fd, drops - s->drops);
		s->drops = drops;
	}
	s->all->handing = true;
	s->ops->input(s->arg, in, n);
	s->all->handing = false;
}

static void
by_epoll(void *arg, int fd, int what)
{
	struct dgram *s = arg;
	struct dgrams *d = s->all;
	int n, seen = 0;

	do {
		/* What is queued lies in the buffers. */
		if (batch_rx_room(d->rx) == 0)
			d->conf.flush(d->conf.arg);
		n = batch_rx_read_on(d->rx, fd);
		if (n < 0) {
			d->conf.failed(d->conf.arg, fd, n);
			return;
		}
		if (n > 0)
			take(s, batch_rx_at(d->rx, 0), n);
		seen += n;
	} while (batch_rx_more(d->rx) && seen < READ_MAX);
	/* Nothing, when a send has met the error. */
	if ((seen == 0 || batch_rx_erred(d->rx)) && s->ops->erred != NULL)
		s->ops->erred(s->arg);
}

static void
received(struct dgram *s, const struct ring_done *done)
{
	struct dgrams *d = s->all;

	loop_turn_begin(d->conf.loop);
	take(s, d->in, datagram_take(done->msg, done->data, done->len, d->in));
}

static void
by_ring(struct ring_op *op, struct ring_done *done)
{
	struct dgram *s = (void *)((char *)op - offsetof(struct dgram, op));

	if (!s->closing && done->msg != NULL) {
		received(s, done);
	} else if (!s->closing && datagram_pending(-done->res)) {
		loop_turn_begin(s->all->conf.loop);
		if (s->ops->erred != NULL)
			s->ops->erred(s->arg);
	} else if (!s->closing && done->res < 0 && done->res != -ENOBUFS &&
	    done->res != -ECANCELED) {
		s->all->conf.failed(s->all->conf.arg, s->fd, done->res);
	}
	if (done->more)
		return;
	if (s->closing)
		free(s);
	else
		ring_receive(s->all->ring, &s->op, s->fd);
}

static int
open_by_ring(struct dgrams *d, struct dgram *s)
{
	size_t n = d->nfds == 0 ? 64 : d->nfds;
	struct dgram **table;

	while (n <= (size_t)s->fd)
		n *= 2;
	if (n != d->nfds) {
		table = realloc(d->by_fd, n * sizeof(*table));
		if (table == NULL)
			return -ENOMEM;
		memset(table + d->nfds, 0, (n - d->nfds) * sizeof(*table));
		d->by_fd = table;
		d->nfds = n;
	}
	d->by_fd[s->fd] = s;
	s->op.fn = by_ring;
	ring_receive(d->ring, &s->op, s->fd);
	return 0;
}

static int
open_by_epoll(struct dgrams *d, struct dgram *s)
{
	s->io = loop_io_new(d->conf.loop, s->fd, LOOP_READ, by_epoll, s);
	return s->io == NULL ? -ENOMEM : 0;
}

struct dgram *
dgram_open(struct dgrams *d, int fd, const struct dgram_ops *ops, void *arg)
{
	struct dgram *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return NULL;
	s->all = d;
	s->fd = fd;
	s->ops = ops;
	s->arg = arg;
	batch_rx_merge(fd);
	err = d->ring != NULL ? open_by_ring(d, s) : open_by_epoll(d, s);
	if (err == 0)
		return s;
	free(s);
	return NULL;
}

void
dgram_close(struct dgram *s)
{
	if (s == NULL)
		return;
	loop_io_free(s->io);
	if (s->all->by_fd != NULL)
		s->all->by_fd[s->fd] = NULL;
	if (s->met)
		LIST_REMOVE(s, link);
	s->closing = true;
	if (s->op.busy)
		ring_cancel(s->all->ring, &s->op);
	else
		free(s);
}
