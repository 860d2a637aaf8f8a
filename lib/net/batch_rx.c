/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/net/datagram.h"

/* A slot's cache lines; an odd number of them, so that the slots do not compete
 * for the same lines of the cache. */
#define SLOT_LINES (((BATCH_HEADROOM + MERGE_SPACE) / 64 + 1) | 1)

struct batch_rx {
	int used;   /* slots */
	int n;      /* datagrams in in */
	bool more;  /* the last receive used all that there were */
	bool erred; /* it met an ICMP error */
	struct batch_in in[BATCH_READ * MERGE_MAX];
	struct mmsghdr hdr[BATCH_READ];
	struct iovec iov[BATCH_READ];
	struct sockaddr_storage src[BATCH_READ];
	union {
		struct cmsghdr align;
		uint8_t bytes[DATAGRAM_CONTROL];
	} control[BATCH_READ];
	uint8_t slab[BATCH_READ][64 * SLOT_LINES];
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

void
batch_rx_merge(int fd)
{
	int on = 1;

	/* A kernel without it, before 5.0, hands them over one by one. */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
}

/* Also makes the slot as it was before the kernel filled it. */
static void
note_received(struct batch_rx *rx, int i)
{
	struct msghdr *m = &rx->hdr[i].msg_hdr;

	rx->n += datagram_take(
	    m, rx->iov[i].iov_base, rx->hdr[i].msg_len, &rx->in[rx->n]);
	m->msg_namelen = sizeof(rx->src[i]);
	m->msg_controllen = sizeof(rx->control[i]);
}

int
batch_rx_read_on(struct batch_rx *rx, int fd)
{
	int i, n, room = BATCH_READ - rx->used, tries = 0;

	/* Bounded, because a stranger can send ICMP faster than we read. */
	do
		n = recvmmsg(fd, &rx->hdr[rx->used], (unsigned int)room,
		    MSG_DONTWAIT, NULL);
	while (n < 0 && (errno == EINTR || datagram_pending(errno)) &&
	    tries++ < BATCH_MAX);
	rx->n = 0;
	rx->erred = tries > 0 || (n < 0 && datagram_pending(errno));
	rx->more = n == room;
	if (n < 0)
		return errno == EAGAIN || datagram_pending(errno) ? 0 : -errno;
	for (i = 0; i < n; i++)
		note_received(rx, rx->used + i);
	rx->used += n;
	return rx->n;
}

int
batch_rx_read(struct batch_rx *rx, int fd)
{
	batch_rx_reset(rx);
	return batch_rx_read_on(rx, fd);
}

int
batch_rx_room(const struct batch_rx *rx)
{
	return BATCH_READ - rx->used;
}

void
batch_rx_reset(struct batch_rx *rx)
{
	rx->used = 0;
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
