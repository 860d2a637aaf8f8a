/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "turnd/pair.h"

#define CHUNK   (60 << 10) /* bytes a read, and at most kept of it */
#define ROUNDS  8          /* of them, and the others get their turn */
#define WAIT_MS 10         /* for bandwidth */

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* Linux 5.15 */
#endif

struct side {
	struct pair *pair;
	int fd;
	struct tls *tls; /* NULL: plain TCP */
	struct loop_io *io;
	int watched;
};

/* What goes one way. */
struct flow {
	struct side *from, *to;
	uint8_t *rest; /* read, and not yet taken by to */
	size_t len, off;
	bool ended;  /* from will say no more */
	bool waits;  /* for bandwidth */
	bool closed; /* and to has been told, or cannot be told any more */
};

struct pair {
	struct loop *loop;
	struct pair_ops ops;
	struct loop_timer *again; /* when a flow waits for bandwidth */
	struct side client, peer;
	struct flow flows[TURN_DIRECTIONS];
};

static ssize_t
side_read(struct side *s, void *data, size_t room)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_read(s->tls, data, room);
	n = recv(s->fd, data, room, MSG_DONTWAIT);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t
side_write(struct side *s, const void *data, size_t len)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_write(s->tls, data, len);
	n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static struct flow *
flow_back(struct flow *f)
{
	struct pair *p = f->from->pair;

	return f == &p->flows[TURN_UP] ? &p->flows[TURN_DOWN]
				       : &p->flows[TURN_UP];
}

static void
flow_forget(struct flow *f)
{
	free(f->rest);
	f->rest = NULL;
	f->len = f->off = 0;
}

/* Its side says no more, and hears nothing. */
static void
side_broken(struct flow *said, struct flow *heard)
{
	said->ended = true;
	flow_forget(heard);
	heard->closed = true;
}

/* to is gone. What it said before may still be there, and is passed on; but a
 * TLS session that has failed once does nothing any more. */
static void
flow_refused(struct flow *f)
{
	flow_forget(f);
	f->closed = true;
	if (f->to->tls != NULL)
		side_broken(flow_back(f), f);
}

/* How much of it to took; the flow may be closed by that. */
static size_t
flow_write(struct flow *f, const uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = side_write(f->to, data + done, len - done);
		if (n == -EAGAIN)
			break;
		if (n < 0) {
			flow_refused(f);
			return len;
		}
		done += (size_t)n;
	}
	return done;
}

/* True when nothing waits for to any more. */
static bool
flow_drain(struct flow *f)
{
	size_t done;

	if (f->rest == NULL)
		return true;
	done = flow_write(f, f->rest + f->off, f->len - f->off);
	if (f->closed)
		return true;
	f->off += done;
	if (f->off < f->len)
		return false;
	flow_forget(f);
	return true;
}

static void
flow_close(struct flow *f)
{
	if (f->to->tls != NULL) {
		if (tls_close(f->to->tls) == -EAGAIN)
			return;
	} else {
		(void)shutdown(f->to->fd, SHUT_WR);
	}
	f->closed = true;
}

static void
flow_keep(struct flow *f, const uint8_t *data, size_t len)
{
	const struct linger abort = { .l_onoff = 1 };

	f->rest = malloc(len);
	if (f->rest == NULL) {
		/* A stream with a hole must not look whole. */
		(void)setsockopt(
		    f->to->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		f->closed = flow_back(f)->closed = true;
		return;
	}
	memcpy(f->rest, data, len);
	f->len = len;
	f->off = 0;
}

/* One chunk; false: not now. */
static bool
flow_step(struct flow *f, enum turn_direction d)
{
	const struct pair_ops *ops = &f->from->pair->ops;
	uint8_t chunk[CHUNK];
	size_t done;
	ssize_t n;

	n = side_read(f->from, chunk, sizeof(chunk));
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		/* A reset comes behind data as an end does, and so it is told:
		 * what was said before is worth more than how it ended. */
		side_broken(f, flow_back(f));
		return true;
	}
	if (n == 0) {
		f->ended = true;
		return true;
	}
	ops->moved(ops->arg, d, (size_t)n);
	done = flow_write(f, chunk, (size_t)n);
	if (done < (size_t)n)
		flow_keep(f, chunk + done, (size_t)n - done);
	return true;
}

static bool
side_pending(const struct side *s)
{
	return s->tls != NULL && tls_pending(s->tls);
}

static void
flow_run(struct flow *f, enum turn_direction d)
{
	const struct pair_ops *ops = &f->from->pair->ops;
	int rounds = 0;
	bool more = true;

	f->waits = false;

	while (!f->closed && more && flow_drain(f) && !f->closed) {
		if (f->ended) {
			flow_close(f);
			return;
		}
		/* What TLS has read ahead wakes nobody up. */
		if (rounds++ >= ROUNDS && !side_pending(f->from))
			return;
		f->waits = !ops->may(ops->arg, d, CHUNK);
		more = !f->waits && flow_step(f, d);
	}
}

static void
side_watch(struct side *s, const struct flow *said, const struct flow *heard)
{
	int what = 0;

	if (!said->ended && !said->closed && !said->waits && said->rest == NULL)
		what |= LOOP_READ;
	if (!heard->closed && (heard->rest != NULL || heard->ended))
		what |= LOOP_WRITE;
	if (s->tls != NULL && !heard->closed &&
	    tls_wants(s->tls) == TLS_WANTS_SEND)
		what |= LOOP_WRITE;
	if (what != s->watched)
		(void)loop_io_set(s->io, what);
	s->watched = what;
}

static void
pair_run(void *arg)
{
	struct pair *p = arg;
	struct flow *up = &p->flows[TURN_UP], *down = &p->flows[TURN_DOWN];

	flow_run(up, TURN_UP);
	flow_run(down, TURN_DOWN);
	if (up->closed && down->closed) {
		p->ops.over(p->ops.arg);
		return;
	}
	side_watch(&p->client, up, down);
	side_watch(&p->peer, down, up);
	if (up->waits || down->waits)
		(void)loop_timer_set(p->again, WAIT_MS);
}

static void
pair_ready(void *arg, int fd, int what)
{
	pair_run(((struct side *)arg)->pair);
}

static bool
side_open(struct pair *p, struct side *s, int fd)
{
	s->pair = p;
	s->fd = fd;
	s->watched = LOOP_READ | LOOP_WRITE;
	s->io = loop_io_new(p->loop, fd, s->watched, pair_ready, s);
	return s->io != NULL;
}

/* A stream of bytes, unlike media, is worth the buffers that its path takes:
 * the kernel knows how many. One whose other end is gone is noticed. */
static void
side_tune(int fd)
{
	int one = 1, zero = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &zero, sizeof(zero));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

struct pair *
pair_new(struct loop *loop, struct stream_parts *parts, int peer_fd,
    const struct pair_ops *ops)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct flow *up, *down;

	if (p == NULL)
		return NULL;
	p->loop = loop;
	p->ops = *ops;
	p->again = loop_timer_new(loop, pair_run, p);
	if (p->again == NULL || !side_open(p, &p->client, parts->fd) ||
	    !side_open(p, &p->peer, peer_fd)) {
		loop_timer_free(p->again);
		loop_io_free(p->client.io);
		free(p);
		return NULL;
	}
	p->client.tls = parts->tls;
	up = &p->flows[TURN_UP];
	down = &p->flows[TURN_DOWN];
	*up = (struct flow){ &p->client, &p->peer, parts->unread,
		parts->unread_len, 0, parts->ended, false, false };
	*down = (struct flow){ &p->peer, &p->client, parts->unsent,
		parts->unsent_len, 0, false, false, false };
	*parts = (struct stream_parts){ .fd = -1 };
	side_tune(p->client.fd);
	side_tune(peer_fd);
	if (up->len > 0)
		ops->moved(ops->arg, TURN_UP, up->len);
	return p;
}

void
pair_free(struct pair *p)
{
	if (p == NULL)
		return;
	loop_timer_free(p->again);
	loop_io_free(p->client.io);
	loop_io_free(p->peer.io);
	tls_free(p->client.tls);
	close(p->client.fd);
	close(p->peer.fd);
	flow_forget(&p->flows[TURN_UP]);
	flow_forget(&p->flows[TURN_DOWN]);
	free(p);
}
