/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forward: what a TURN relay costs without TURN, and without anything that a
 * relay has to look at: the yardstick of turn-relay. Its sockets are those of
 * a relay, one for all clients and one for each flow towards its peer; see
 * forward.h for what they say.
 *
 *   forward -t plain|mmsg|gso|tcp ADDRESS:PORT
 *
 * plain  recvfrom until there is no more, sendto
 * mmsg   recvmmsg; sendmmsg of what leaves by one socket in a row
 * gso    recvmmsg with UDP_GRO; what goes to one destination in a row, and is
 *        of one size, leaves by one UDP_SEGMENT
 * tcp    clients have a connection each: one recv, and sendmmsg of the frames
 *        in it; one recvmmsg, and one sendmsg of what it brought
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/forward.h"
#include "bench/load/wire.h"
#include "lib/net/datagram.h"
#include "lib/net/sock.h"
#include "lib/stun/message.h"

#define EVENTS       64
#define TURN_MAX     64 /* datagrams of one socket before the others */
#define STREAM_BYTES 65536
#define BACKLOG      1024

struct flow {
	int fd; /* towards the peer; or a client's connection */
	struct sockaddr_in client, peer;
	struct flow *twin; /* tcp: the connection's, and its peer's */
	uint8_t *rest;     /* of a connection: a frame that is not whole yet */
	size_t rest_len;
};

/* Datagrams of one flow in one direction that leave together. */
struct run {
	int fd;
	struct sockaddr_in *to; /* NULL: there is none */
	size_t size;            /* of a datagram, the last may be shorter */
	size_t bytes;
	unsigned int count, niov;
	struct iovec iov[2 * WIRE_SEGMENTS];
};

static struct {
	int listener, epoll;
	struct addr at;
	struct wire_rx *rx;
	struct flow *by_port[65536]; /* the client's */
	bool merges;
	void (*readable)(int fd, struct flow *);
	struct run run;
	unsigned int queued;
	int queue_fd;
	struct mmsghdr queue[WIRE_BATCH];
	struct iovec queue_iov[WIRE_BATCH][2];
} g;

static uint8_t head[FORWARD_HEAD]; /* of what a client hears */

static void
watch(int fd, struct flow *f)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = f };

	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		wire_die("epoll", NULL);
}

/* The flow that a hello asks for, and its answer. */
static struct flow *
flow_new(const void *data, size_t len, struct forward_hello *hello)
{
	struct flow *f = calloc(1, sizeof(*f));
	struct addr at = g.at;

	if (len != sizeof(*hello) || f == NULL)
		wire_die("hello", "is none");
	memcpy(hello, data, sizeof(*hello));
	f->peer.sin_family = AF_INET;
	f->peer.sin_port = htons(hello->port);
	memcpy(&f->peer.sin_addr, hello->ip, sizeof(hello->ip));
	at.port = 0;
	f->fd = wire_open(&at);
	if (sock_local(f->fd, &at) != 0)
		wire_die("socket", NULL);
	if (g.merges)
		wire_merge(f->fd);
	watch(f->fd, f);
	hello->port = at.port;
	return f;
}

static void
greet(const struct sockaddr_in *client, const void *data, size_t len)
{
	struct forward_hello hello;
	struct flow *f = flow_new(data, len, &hello);

	f->client = *client;
	g.by_port[ntohs(client->sin_port)] = f;
	sendto(g.listener, &hello, sizeof(hello), 0,
	    (const struct sockaddr *)client, sizeof(*client));
}

/* NULL: it was a hello, perhaps from a port that had a flow before. */
static struct flow *
flow_of(const struct sockaddr_in *client, const void *data, size_t len)
{
	struct flow *f = g.by_port[ntohs(client->sin_port)];

	if (f != NULL && len != sizeof(struct forward_hello))
		return f;
	greet(client, data, len);
	return NULL;
}

static void
plain_readable(int fd, struct flow *f)
{
	uint8_t data[FORWARD_HEAD + 2048], *in = data + FORWARD_HEAD;
	struct sockaddr_in src;
	socklen_t src_len;
	struct flow *to;
	ssize_t n;
	int i;

	for (i = 0; i < TURN_MAX; i++) {
		src_len = sizeof(src);
		n = recvfrom(fd, in, 2048, MSG_DONTWAIT,
		    (struct sockaddr *)&src, &src_len);
		if (n < 0)
			return;
		if (f != NULL) {
			memcpy(data, head, sizeof(head));
			sendto(g.listener, data, (size_t)n + FORWARD_HEAD, 0,
			    (struct sockaddr *)&f->client, sizeof(f->client));
			continue;
		}
		to = flow_of(&src, in, (size_t)n);
		if (to != NULL)
			sendto(to->fd, in + FORWARD_HEAD,
			    (size_t)n - FORWARD_HEAD, 0,
			    (struct sockaddr *)&to->peer, sizeof(to->peer));
	}
}

static void
flush_queue(void)
{
	if (g.queued > 0)
		sendmmsg(g.queue_fd, g.queue, g.queued, 0);
	g.queued = 0;
}

/* Head may be of no bytes. */
static void
queue(int fd, struct sockaddr_in *to, size_t head_len, struct iovec data)
{
	struct msghdr *m;

	if (g.queue_fd != fd || g.queued == WIRE_BATCH)
		flush_queue();
	g.queue_fd = fd;
	m = &g.queue[g.queued].msg_hdr;
	m->msg_iov = g.queue_iov[g.queued++];
	m->msg_iov[0] = (struct iovec){ head, head_len };
	m->msg_iov[1] = data;
	m->msg_iovlen = 2;
	m->msg_name = to;
	m->msg_namelen = sizeof(*to);
}

static void
mmsg_readable(int fd, struct flow *f)
{
	struct wire_in *in;
	struct flow *to;
	int n = wire_read(g.rx, fd), i;

	for (i = 0; i < n; i++) {
		in = wire_at(g.rx, i);
		if (f != NULL) {
			queue(g.listener, &f->client, sizeof(head),
			    (struct iovec){ in->data, in->len });
			continue;
		}
		to = flow_of((const void *)in->src, in->data, in->len);
		if (to != NULL)
			queue(to->fd, &to->peer, 0,
			    (struct iovec){ in->data + FORWARD_HEAD,
				in->len - FORWARD_HEAD });
	}
	flush_queue();
}

static void
flush_run(void)
{
	struct run *r = &g.run;
	struct msghdr m = { .msg_name = r->to,
		.msg_namelen = sizeof(*r->to),
		.msg_iov = r->iov,
		.msg_iovlen = r->niov };
	union {
		struct cmsghdr c;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .c = {
			  CMSG_LEN(sizeof(uint16_t)), SOL_UDP, UDP_SEGMENT } };
	uint16_t size = (uint16_t)r->size;

	if (r->to == NULL)
		return;
	if (r->count > 1) {
		memcpy(CMSG_DATA(&control.c), &size, sizeof(size));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.bytes);
	}
	sendmsg(r->fd, &m, 0);
	r->to = NULL;
}

static void
run_add(int fd, struct sockaddr_in *to, size_t head_len, struct iovec data)
{
	struct run *r = &g.run;
	size_t len = head_len + data.iov_len;

	if (r->to != to || len > r->size || r->bytes % r->size != 0 ||
	    r->count == WIRE_SEGMENTS || r->bytes + len > WIRE_SEGMENT_BYTES) {
		flush_run();
		r->fd = fd;
		r->to = to;
		r->size = len;
		r->bytes = r->count = r->niov = 0;
	}
	if (head_len > 0)
		r->iov[r->niov++] = (struct iovec){ head, head_len };
	r->iov[r->niov++] = data;
	r->bytes += len;
	r->count++;
}

static void
gso_forward(struct wire_in *in, struct flow *f)
{
	size_t at, len;
	struct flow *to;

	if (f == NULL &&
	    (to = flow_of((const void *)in->src, in->data, in->len)) == NULL)
		return;
	for (at = 0; at < in->len; at += in->stride) {
		len = in->len - at < in->stride ? in->len - at : in->stride;
		if (f != NULL)
			run_add(g.listener, &f->client, sizeof(head),
			    (struct iovec){ in->data + at, len });
		else
			run_add(to->fd, &to->peer, 0,
			    (struct iovec){ in->data + at + FORWARD_HEAD,
				len - FORWARD_HEAD });
	}
}

static void
gso_readable(int fd, struct flow *f)
{
	int n = wire_read(g.rx, fd), i;

	for (i = 0; i < n; i++)
		gso_forward(wire_at(g.rx, i), f);
	flush_run();
}

static void
stream_accept(void)
{
	struct flow *f = calloc(1, sizeof(*f));
	int fd = accept(g.listener, NULL, NULL), on = 1;

	if (fd < 0 || f == NULL || (f->rest = malloc(STREAM_BYTES)) == NULL)
		wire_die("accept", NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	f->fd = fd;
	watch(fd, f);
}

/* The bytes of the frames that are whole; a payload's length is a multiple of
 * four. */
static size_t
stream_cut(struct flow *to, uint8_t *data, size_t len)
{
	size_t at = 0;
	int n;

	while ((n = stun_stream_next(data + at, len - at)) > 0 &&
	    (size_t)n <= len - at) {
		queue(to->fd, &to->peer, 0,
		    (struct iovec){
			data + at + FORWARD_HEAD, (size_t)n - FORWARD_HEAD });
		at += (size_t)n;
	}
	flush_queue();
	return at;
}

static void
stream_client(struct flow *f)
{
	static uint8_t data[STREAM_BYTES];
	struct forward_hello hello;
	size_t len = f->rest_len, used;
	ssize_t n;

	memcpy(data, f->rest, len);
	n = recv(f->fd, data + len, sizeof(data) - len, MSG_DONTWAIT);
	if (n <= 0) {
		close(f->fd);
		return;
	}
	len += (size_t)n;
	if (f->twin == NULL) {
		f->twin = flow_new(data, len, &hello);
		f->twin->twin = f;
		send(f->fd, &hello, sizeof(hello), MSG_NOSIGNAL);
		return;
	}
	used = stream_cut(f->twin, data, len);
	f->rest_len = len - used;
	memcpy(f->rest, data + used, f->rest_len);
}

/* Frames are of channels, so that clients can tell them apart. */
static void
stream_peer(const struct flow *f)
{
	static uint8_t heads[WIRE_BATCH][FORWARD_HEAD];
	struct iovec iov[2 * WIRE_BATCH];
	struct msghdr m = { .msg_iov = iov };
	int n = wire_read(g.rx, f->fd), i;
	struct wire_in *in;

	for (i = 0; i < n; i++) {
		in = wire_at(g.rx, i);
		stun_channel_header(
		    heads[i], STUN_CHANNEL_MIN, (uint16_t)in->len);
		iov[m.msg_iovlen++] =
		    (struct iovec){ heads[i], sizeof(heads[i]) };
		iov[m.msg_iovlen++] = (struct iovec){ in->data, in->len };
	}
	if (n > 0)
		sendmsg(f->twin->fd, &m, MSG_NOSIGNAL);
}

static void
stream_readable(int fd, struct flow *f)
{
	if (f == NULL)
		stream_accept();
	else if (f->rest != NULL)
		stream_client(f);
	else
		stream_peer(f);
}

static void
listen_for_streams(void)
{
	if (sock_tcp_group(&g.at, &g.listener, 1, BACKLOG, &g.at) != 0)
		wire_die("listen", NULL);
	g.readable = stream_readable;
}

static void
listen_for_datagrams(const char *technique)
{
	g.merges = strcmp(technique, "gso") == 0;
	g.readable = g.merges ? gso_readable : mmsg_readable;
	if (strcmp(technique, "plain") == 0)
		g.readable = plain_readable;
	g.listener = wire_open(&g.at);
	if (g.merges)
		wire_merge(g.listener);
}

static void
serve(void)
{
	struct epoll_event e[EVENTS];
	struct flow *f;
	int n, i;

	for (;;) {
		n = epoll_wait(g.epoll, e, EVENTS, -1);
		for (i = 0; i < n; i++) {
			f = e[i].data.ptr;
			g.readable(f != NULL ? f->fd : g.listener, f);
		}
	}
}

int
main(int argc, char **argv)
{
	struct rlimit lim;

	if (argc != 4 || strcmp(argv[1], "-t") != 0 ||
	    addr_parse(argv[3], &g.at) != 0 || g.at.family != ADDR_V4) {
		fprintf(stderr,
		    "usage: forward -t plain|mmsg|gso|tcp ADDRESS:PORT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	g.rx = wire_rx_new();
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (g.epoll < 0)
		wire_die("epoll", NULL);
	if (strcmp(argv[2], "tcp") == 0)
		listen_for_streams();
	else
		listen_for_datagrams(argv[2]);
	watch(g.listener, NULL);
	serve();
	return 0;
}
