/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/net/datagram.h"
#include "lib/net/sock.h"

/* So often a datagram is tried again for the errors of others. */
#define PENDING_TRIES 3
/* What one UDP_SEGMENT send takes: an IP packet's worth less its headers. */
#define SEGMENT_BYTES (65535 - 40 - 8)
/* Places of the flows' index: a power of two. */
#define FLOW_PLACES 256

/* One queued datagram, in the list of its flow. */
struct datagram {
	const void *data;
	size_t len;
	uint8_t head[BATCH_HEAD];
	uint8_t head_len;
	uint8_t next; /* BATCH_MAX: the last one of its flow */
};

/* Datagrams from one socket to one destination, in order. */
struct flow {
	int fd;
	struct addr dst;   /* ADDR_NONE: a connected socket's peer */
	struct addr local; /* ADDR_NONE: the kernel chooses */
	uint8_t place;
	uint8_t other; /* flow of the same place; BATCH_MAX: none */
	uint8_t first, last;
	bool sent;
};

/* What becomes one message of sendmmsg: a datagram, or a run of them. */
struct run {
	const struct flow *flow;
	uint8_t first, count;
};

struct batch_tx {
	batch_sent_fn *sent;
	void *arg;
	batch_send_fn *send;
	void *send_arg;
	bool segment; /* the kernel has UDP_SEGMENT */
	int ndatagrams, nflows, nruns, niov;
	struct datagram datagrams[BATCH_MAX];
	struct flow flows[BATCH_MAX];
	uint8_t places[FLOW_PLACES]; /* the latest flow; BATCH_MAX: none */
	struct run runs[BATCH_MAX];
	int fds[BATCH_MAX], errs[BATCH_MAX]; /* of the runs */
	struct mmsghdr hdr[BATCH_MAX];
	struct sockaddr_storage dst[BATCH_MAX];
	struct iovec iov[2 * BATCH_MAX];
	union {
		struct cmsghdr align;
		uint8_t bytes[LOCAL_SPACE + CMSG_SPACE(sizeof(uint16_t))];
	} control[BATCH_MAX];
};

/* A kernel without it ignores the request and sends one long datagram. */
static bool
has_segment(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 0;
	socklen_t len = sizeof(size);
	bool has;

	if (fd < 0)
		return false;
	has = getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len) == 0;
	close(fd);
	return has;
}

struct batch_tx *
batch_tx_new(batch_sent_fn *sent, void *arg)
{
	struct batch_tx *tx = calloc(1, sizeof(*tx));

	if (tx == NULL)
		return NULL;
	tx->sent = sent;
	tx->arg = arg;
	tx->send = batch_send;
	tx->segment = has_segment();
	memset(tx->places, BATCH_MAX, sizeof(tx->places));
	return tx;
}

void
batch_tx_by(struct batch_tx *tx, batch_send_fn *send, void *arg)
{
	tx->send = send;
	tx->send_arg = arg;
}

void
batch_tx_free(struct batch_tx *tx)
{
	free(tx);
}

static size_t
total_len(const struct datagram *d)
{
	return d->head_len + d->len;
}

static const struct addr nowhere = { .family = ADDR_NONE };

static uint8_t
place_of(int fd, const struct addr *dst)
{
	uint32_t h = (uint32_t)fd * 0x9e3779b1u ^ dst->port * 0x85ebca6bu;

	return (uint8_t)(h >> 24);
}

static struct flow *
flow_of(struct batch_tx *tx, int fd, const struct addr *local,
    const struct addr *dst)
{
	uint8_t place = place_of(fd, dst), i;
	struct flow *f;

	for (i = tx->places[place]; i != BATCH_MAX; i = f->other) {
		f = &tx->flows[i];
		if (f->fd == fd && addr_equal(&f->dst, dst) &&
		    addr_equal(&f->local, local))
			return f;
	}
	f = &tx->flows[tx->nflows];
	*f = (struct flow){
		.fd = fd,
		.dst = *dst,
		.local = *local,
		.first = BATCH_MAX,
		.place = place,
		.other = tx->places[place],
	};
	tx->places[place] = (uint8_t)tx->nflows++;
	return f;
}

/* The last datagram of its flow, without what it says. */
static struct datagram *
enqueue(struct batch_tx *tx, const struct batch_route *r)
{
	struct datagram *d;
	struct flow *f;
	uint8_t i;

	if (tx->ndatagrams == BATCH_MAX)
		batch_tx_flush(tx);
	i = (uint8_t)tx->ndatagrams++;
	d = &tx->datagrams[i];
	d->next = BATCH_MAX;
	f = flow_of(tx, r->fd, r->local != NULL ? r->local : &nowhere,
	    r->dst != NULL ? r->dst : &nowhere);
	if (f->first == BATCH_MAX)
		f->first = i;
	else
		tx->datagrams[f->last].next = i;
	f->last = i;
	return d;
}

void
batch_tx_add_from(struct batch_tx *tx, const struct batch_route *r,
    const void *head, size_t head_len, const void *data, size_t len)
{
	struct datagram *d = enqueue(tx, r);

	assert(head_len <= BATCH_HEAD);
	d->data = data;
	d->len = len;
	d->head_len = (uint8_t)head_len;
	if (head_len > 0)
		memcpy(d->head, head, head_len);
}

void
batch_tx_add(struct batch_tx *tx, int fd, const struct addr *dst,
    const void *head, size_t head_len, const void *data, size_t len)
{
	const struct batch_route r = { fd, NULL, dst };

	batch_tx_add_from(tx, &r, head, head_len, data, len);
}

static void
tell(struct batch_tx *tx, const struct flow *f, size_t len, int err)
{
	const struct addr *dst = f->dst.family == ADDR_NONE ? NULL : &f->dst;

	if (tx->sent != NULL)
		tx->sent(tx->arg, f->fd, dst, len, err);
}

static void
put_iov(struct batch_tx *tx, void *base, size_t len)
{
	tx->iov[tx->niov++] = (struct iovec){ base, len };
}

static void
put_segment(struct msghdr *m, uint16_t size)
{
	struct cmsghdr *c =
	    (void *)((char *)m->msg_control + m->msg_controllen);

	m->msg_controllen += CMSG_SPACE(sizeof(size));
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
}

/*
 * Turns the datagrams from i on into one message: those of equal size, of
 * which the last may be shorter. Returns the first one left.
 */
static uint8_t
put_run(struct batch_tx *tx, const struct flow *f, uint8_t i)
{
	struct run *r = &tx->runs[tx->nruns];
	struct msghdr *m = &tx->hdr[tx->nruns].msg_hdr;
	size_t size = total_len(&tx->datagrams[i]), len = size, all = 0;
	struct datagram *d;

	*r = (struct run){ .flow = f, .first = i };
	*m = (struct msghdr){ .msg_iov = &tx->iov[tx->niov] };
	do {
		d = &tx->datagrams[i];
		len = total_len(d);
		if (r->count > 0 &&
		    (len > size || len == 0 || all + len > SEGMENT_BYTES))
			break;
		if (d->head_len > 0)
			put_iov(tx, d->head, d->head_len);
		put_iov(tx, (void *)(uintptr_t)d->data, d->len);
		r->count++;
		all += len;
		i = d->next;
	} while (tx->segment && i != BATCH_MAX && len == size && size > 0);
	m->msg_iovlen = (size_t)(&tx->iov[tx->niov] - m->msg_iov);
	if (f->dst.family != ADDR_NONE) {
		m->msg_name = &tx->dst[tx->nruns];
		m->msg_namelen = addr_to_sockaddr(&f->dst, &tx->dst[tx->nruns]);
	}
	m->msg_control = &tx->control[tx->nruns];
	m->msg_controllen = local_write(m, &f->local);
	if (r->count > 1)
		put_segment(m, (uint16_t)size);
	tx->nruns++;
	return i;
}

static void
tell_run(struct batch_tx *tx, const struct run *r)
{
	uint8_t i = r->first;
	int k;

	for (k = 0; k < r->count; k++) {
		tell(tx, r->flow, total_len(&tx->datagrams[i]), 0);
		i = tx->datagrams[i].next;
	}
}

/*
 * A send may fail for what ICMP says of an earlier datagram, to anybody; that
 * is taken from the socket by failing. Bounded, since the reason may be this
 * datagram's own, or more ICMP may come.
 */
static bool
send_again(int err, int *tries)
{
	return err == EINTR ||
	    (datagram_pending(err) && (*tries)++ < PENDING_TRIES);
}

/* One by one, so that each datagram of a refused run has its own verdict. */
static void
send_singly(struct batch_tx *tx, const struct run *r, const struct msghdr *run)
{
	struct msghdr m = *run;
	struct datagram *d;
	uint8_t i = r->first;
	int k, err, tries;

	/* The local address stays, the size of segments goes. */
	m.msg_controllen = local_write(&m, &r->flow->local);
	for (k = 0; k < r->count; k++) {
		d = &tx->datagrams[i];
		m.msg_iovlen = d->head_len > 0 ? 2 : 1;
		tries = 0;
		do
			err = sendmsg(r->flow->fd, &m, MSG_DONTWAIT) < 0
			    ? -errno
			    : 0;
		while (err != 0 && send_again(-err, &tries));
		tell(tx, r->flow, total_len(d), err);
		m.msg_iov += m.msg_iovlen;
		i = d->next;
	}
}

static void
run_told(struct batch_tx *tx, int i)
{
	const struct run *r = &tx->runs[i];
	int err = tx->errs[i];

	if (err == 0) {
		tell_run(tx, r);
		return;
	}
	if (r->count == 1) {
		tell(tx, r->flow, total_len(&tx->datagrams[r->first]), err);
		return;
	}
	/* No checksum offload on the way out: it will not come back. */
	if (err == -EIO)
		tx->segment = false;
	send_singly(tx, r, &tx->hdr[i].msg_hdr);
}

int
batch_send(void *arg, const int *fds, struct mmsghdr *m, int n, int *errs)
{
	int same = 1, tries = 0, sent;

	while (same < n && fds[same] == fds[0])
		same++;
	do
		sent = sendmmsg(fds[0], m, (unsigned int)same, MSG_DONTWAIT);
	while (sent < 0 && send_again(errno, &tries));
	if (sent <= 0) {
		errs[0] = -errno;
		return 1;
	}
	memset(errs, 0, (size_t)sent * sizeof(*errs));
	return sent;
}

static void
send_runs(struct batch_tx *tx)
{
	int i = 0, n;

	while (i < tx->nruns) {
		n = tx->send(tx->send_arg, &tx->fds[i], &tx->hdr[i],
		    tx->nruns - i, &tx->errs[i]);
		while (n-- > 0)
			run_told(tx, i++);
	}
}

/* Everything of one socket stands together. */
static void
put_socket(struct batch_tx *tx, int fd, int from)
{
	struct flow *f;
	uint8_t i;

	for (; from < tx->nflows; from++) {
		f = &tx->flows[from];
		if (f->sent || f->fd != fd)
			continue;
		f->sent = true;
		for (i = f->first; i != BATCH_MAX;) {
			tx->fds[tx->nruns] = fd;
			i = put_run(tx, f, i);
		}
	}
}

void
batch_tx_flush(struct batch_tx *tx)
{
	int i;

	if (tx->ndatagrams == 0)
		return;
	tx->nruns = tx->niov = 0;
	for (i = 0; i < tx->nflows; i++) {
		if (!tx->flows[i].sent)
			put_socket(tx, tx->flows[i].fd, i);
		tx->places[tx->flows[i].place] = BATCH_MAX;
	}
	send_runs(tx);
	tx->ndatagrams = tx->nflows = 0;
}
