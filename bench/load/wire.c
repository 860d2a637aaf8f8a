/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/load/wire.h"
#include "lib/net/datagram.h"
#include "lib/net/sock.h"

#define RECEIVE_ROOM (16 * 1024 * 1024)
/* No power of two, so that slots do not share the same lines of the cache. */
#define SLOT (65536 + 192)

struct wire_rx {
	struct wire_in in[WIRE_BATCH];
	struct mmsghdr hdr[WIRE_BATCH];
	struct iovec iov[WIRE_BATCH];
	struct sockaddr_storage src[WIRE_BATCH];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control[WIRE_BATCH];
	uint8_t slab[WIRE_BATCH][SLOT];
};

uint64_t
wire_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
wire_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
	    why != NULL ? why : strerror(errno));
	exit(1);
}

void
wire_roomy(int fd)
{
	int size = RECEIVE_ROOM;

	/* Beyond the system's limit for root alone; losses would tell. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) !=
	    0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int
wire_open(const struct addr *at)
{
	int fd = sock_udp(at);

	if (fd < 0) {
		errno = -fd;
		wire_die("socket", NULL);
	}
	wire_roomy(fd);
	return fd;
}

void
wire_merge(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0)
		wire_die("UDP_GRO", NULL);
}

void
wire_segment(int fd, size_t bytes)
{
	int n = (int)bytes;

	if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &n, sizeof(n)) != 0)
		wire_die("UDP_SEGMENT", NULL);
}

struct wire_rx *
wire_rx_new(void)
{
	struct wire_rx *rx = calloc(1, sizeof(*rx));
	int i;

	if (rx == NULL)
		wire_die("memory", NULL);
	for (i = 0; i < WIRE_BATCH; i++) {
		rx->iov[i] = (struct iovec){ rx->slab[i], SLOT };
		rx->hdr[i].msg_hdr.msg_iov = &rx->iov[i];
		rx->hdr[i].msg_hdr.msg_iovlen = 1;
		rx->hdr[i].msg_hdr.msg_name = &rx->src[i];
		rx->hdr[i].msg_hdr.msg_control = rx->control[i].bytes;
		rx->in[i].data = rx->slab[i];
		rx->in[i].src = &rx->src[i];
	}
	return rx;
}

static size_t
stride_of(struct msghdr *m, size_t len)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int size;

	if (c == NULL || c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO)
		return len;
	memcpy(&size, CMSG_DATA(c), sizeof(size));
	return size > 0 ? (size_t)size : len;
}

int
wire_read(struct wire_rx *rx, int fd)
{
	int n, i;

	for (i = 0; i < WIRE_BATCH; i++) {
		rx->hdr[i].msg_hdr.msg_namelen = sizeof(rx->src[i]);
		rx->hdr[i].msg_hdr.msg_controllen = sizeof(rx->control[i]);
	}
	n = recvmmsg(fd, rx->hdr, WIRE_BATCH, MSG_DONTWAIT, NULL);
	/* ECONNREFUSED tells of an earlier datagram. */
	if (n < 0 && errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR)
		wire_die("receive", NULL);
	for (i = 0; i < n; i++) {
		rx->in[i].len = rx->hdr[i].msg_len;
		rx->in[i].stride =
		    stride_of(&rx->hdr[i].msg_hdr, rx->in[i].len);
	}
	return n < 0 ? 0 : n;
}

struct wire_in *
wire_at(struct wire_rx *rx, int i)
{
	return &rx->in[i];
}
