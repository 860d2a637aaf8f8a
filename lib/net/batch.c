/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/net/batch.h"
#include "lib/net/local.h"
#include "lib/net/sock.h"

/* Older headers lack what every kernel since 4.18 has. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP IPPROTO_UDP
#endif

/* The longest merge in bytes and datagrams (UDP_MAX_SEGMENTS). */
#define MERGE_BYTES 65535
#define MERGE_MAX   128
/* What taking a merge apart puts between its datagrams. */
#define GAP (BATCH_TAILROOM + BATCH_HEADROOM)
/* Room for that, in cache lines; an odd number of them, so that the slots do
 * not compete for the same lines of the cache. */
#define SLOT_LINES \
	(((BATCH_HEADROOM + MERGE_BYTES + MERGE_MAX * GAP) / 64 + 1) | 1)
/* So often a datagram is tried again for the errors of others. */
#define PENDING_TRIES 3
/* What one UDP_SEGMENT send takes: an IP packet's worth less its headers. */
#define SEGMENT_BYTES (65535 - 40 - 8)

struct batch_rx {
	int n;      /* datagrams in in */
	bool more;  /* the last receive used all slots */
	bool erred; /* it met an ICMP error */
	struct batch_in in[BATCH_READ * MERGE_MAX];
	struct mmsghdr hdr[BATCH_READ];
	struct iovec iov[BATCH_READ];
	struct sockaddr_storage src[BATCH_READ];
	union {
		struct cmsghdr align;
		uint8_t bytes[LOCAL_SPACE + CMSG_SPACE(sizeof(int))];
	} control[BATCH_READ];
	uint8_t slab[BATCH_READ][64 * SLOT_LINES];
};

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
	bool segment; /* the kernel has UDP_SEGMENT */
	int ndatagrams, nflows, nruns, niov;
	struct datagram datagrams[BATCH_MAX];
	struct flow flows[BATCH_MAX];
	struct run runs[BATCH_MAX];
	struct mmsghdr hdr[BATCH_MAX];
	struct sockaddr_storage dst[BATCH_MAX];
	struct iovec iov[2 * BATCH_MAX];
	union {
		struct cmsghdr align;
		uint8_t bytes[LOCAL_SPACE + CMSG_SPACE(sizeof(uint16_t))];
	} control[BATCH_MAX];
};

struct batch_rx *
batch_rx_new(void)
{
	struct batch_rx *rx = calloc(1, sizeof(*rx));
	int i;

	if (rx == NULL)
		return NULL;
	for (i = 0; i < BATCH_READ; i++) {
		rx->iov[i].iov_base = rx->slab[i] + BATCH_HEADROOM;
		rx->iov[i].iov_len = MERGE_BYTES;
		rx->hdr[i].msg_hdr.msg_iov = &rx->iov[i];
		rx->hdr[i].msg_hdr.msg_iovlen = 1;
		rx->hdr[i].msg_hdr.msg_name = &rx->src[i];
		rx->hdr[i].msg_hdr.msg_namelen = sizeof(rx->src[i]);
		rx->hdr[i].msg_hdr.msg_control = &rx->control[i];
		rx->hdr[i].msg_hdr.msg_controllen = sizeof(rx->control[i]);
	}
	return rx;
}

void
batch_rx_free(struct batch_rx *rx)
{
	free(rx);
}

/* Errors that ICMP left on the socket: reading clears them (ip(7)). */
static bool
is_pending(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case EMSGSIZE:
	case EPROTO:
	case ENOPROTOOPT:
	case ENONET:
	case EACCES:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

void
batch_rx_merge(int fd)
{
	int on = 1;

	/* A kernel without it, before 5.0, hands them over one by one. */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
}

/* The length of all datagrams of a merge but the last; 0: it is not one. */
static size_t
merged_size(struct msghdr *m)
{
	struct cmsghdr *c;
	int size = 0;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	}
	return size > 0 ? (size_t)size : 0;
}

static void
set_len(struct batch_in *in, size_t len, bool truncated)
{
	in->truncated = truncated || len > BATCH_BYTES;
	in->len = len > BATCH_BYTES ? BATCH_BYTES : len;
}

/*
 * The datagrams of a merge of len bytes, of which in describes the first. The
 * others move apart, the last one first, so that each has its room.
 */
static int
take_apart(struct batch_in *in, size_t len, size_t size, bool cut)
{
	size_t n = (len + size - 1) / size, i, part;

	if (n > MERGE_MAX) {
		n = MERGE_MAX;
		len = n * size;
		cut = true;
	}
	for (i = n; i-- > 0;) {
		part = i == n - 1 ? len - i * size : size;
		if (i > 0) {
			in[i] = in[0];
			in[i].data = in[0].data + i * (size + GAP);
			memmove(in[i].data, in[0].data + i * size, part);
		}
		/* What does not fit is missing at the end. */
		set_len(&in[i], part, cut && i == n - 1);
	}
	return (int)n;
}

/* Also makes the slot as it was before the kernel filled it. */
static void
note_received(struct batch_rx *rx, int i)
{
	struct msghdr *m = &rx->hdr[i].msg_hdr;
	size_t len = rx->hdr[i].msg_len, size = merged_size(m);
	struct batch_in *in = &rx->in[rx->n];
	bool cut = (m->msg_flags & MSG_TRUNC) != 0;

	in->data = rx->iov[i].iov_base;
	if (addr_from_sockaddr(&rx->src[i], &in->src) != 0)
		in->src = (struct addr){ .family = ADDR_NONE };
	in->local = local_read(m);
	set_len(in, len, cut);
	rx->n += size > 0 && len > size ? take_apart(in, len, size, cut) : 1;
	m->msg_namelen = sizeof(rx->src[i]);
	m->msg_controllen = sizeof(rx->control[i]);
}

int
batch_rx_read(struct batch_rx *rx, int fd)
{
	int i, n, tries = 0;

	/* Bounded, because a stranger can send ICMP faster than we read. */
	do
		n = recvmmsg(fd, rx->hdr, BATCH_READ, MSG_DONTWAIT, NULL);
	while (n < 0 && (errno == EINTR || is_pending(errno)) &&
	    tries++ < BATCH_MAX);
	rx->n = 0;
	rx->erred = tries > 0 || (n < 0 && is_pending(errno));
	rx->more = n == BATCH_READ;
	if (n < 0)
		return errno == EAGAIN || is_pending(errno) ? 0 : -errno;
	for (i = 0; i < n; i++)
		note_received(rx, i);
	return rx->n;
}

bool
batch_rx_more(const struct batch_rx *rx)
{
	return rx->more;
}

bool
batch_rx_erred(const struct batch_rx *rx)
{
	return rx->erred;
}

struct batch_in *
batch_rx_at(struct batch_rx *rx, int i)
{
	return &rx->in[i];
}

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
	tx->segment = has_segment();
	return tx;
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

/* The latest flows are the likeliest, so the search goes backwards. */
static struct flow *
flow_of(struct batch_tx *tx, int fd, const struct addr *local,
    const struct addr *dst)
{
	struct flow *f;
	int i;

	for (i = tx->nflows; i-- > 0;) {
		f = &tx->flows[i];
		if (f->fd == fd && addr_equal(&f->dst, dst) &&
		    addr_equal(&f->local, local))
			return f;
	}
	f = &tx->flows[tx->nflows++];
	*f = (struct flow){
		.fd = fd, .dst = *dst, .local = *local, .first = BATCH_MAX
	};
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
	return err == EINTR || (is_pending(err) && (*tries)++ < PENDING_TRIES);
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
run_refused(struct batch_tx *tx, int i, int err)
{
	const struct run *r = &tx->runs[i];

	if (r->count == 1) {
		tell(tx, r->flow, total_len(&tx->datagrams[r->first]), -err);
		return;
	}
	/* No checksum offload on the way out: it will not come back. */
	if (err == EIO)
		tx->segment = false;
	send_singly(tx, r, &tx->hdr[i].msg_hdr);
}

static void
send_runs(struct batch_tx *tx, int fd)
{
	int i = 0, n, tries = 0;

	while (i < tx->nruns) {
		n = sendmmsg(fd, &tx->hdr[i], (unsigned int)(tx->nruns - i),
		    MSG_DONTWAIT);
		if (n < 0 && send_again(errno, &tries))
			continue;
		tries = 0;
		if (n <= 0)
			run_refused(tx, i++, errno);
		while (n-- > 0)
			tell_run(tx, &tx->runs[i++]);
	}
}

/* Everything of one socket in as few calls as possible. */
static void
flush_socket(struct batch_tx *tx, int fd, int from)
{
	struct flow *f;
	uint8_t i;

	tx->nruns = tx->niov = 0;
	for (; from < tx->nflows; from++) {
		f = &tx->flows[from];
		if (f->sent || f->fd != fd)
			continue;
		f->sent = true;
		for (i = f->first; i != BATCH_MAX;)
			i = put_run(tx, f, i);
	}
	send_runs(tx, fd);
}

void
batch_tx_flush(struct batch_tx *tx)
{
	int i;

	for (i = 0; i < tx->nflows; i++) {
		if (!tx->flows[i].sent)
			flush_socket(tx, tx->flows[i].fd, i);
	}
	tx->ndatagrams = tx->nflows = 0;
}
