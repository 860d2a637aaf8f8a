/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests over TCP (RFC 8489 section 6.2.2). A stream has two buffers of
 * fixed size: when a client does not take its answers, its requests are not
 * read any more until it does, or until it counts as idle.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "lib/stun/message.h"
#include "stund/stund.h"

#define IN_MAX        2048 /* the longest message over UDP, too */
#define OUT_MAX       1024
#define READ_ROUNDS   4 /* full buffers, before the others get their turn */
#define ACCEPT_ROUNDS 64
#define REST_MS       1000 /* after running out of descriptors */

struct stream {
	LIST_ENTRY(stream) entry;
	struct worker *worker;
	struct wheel_timer idle;
	struct loop_io *io;
	struct addr client;
	int fd;
	bool ended; /* the client will send no more */
	size_t in_len, out_len;
	uint8_t in[IN_MAX];
	uint8_t out[OUT_MAX];
};

static void
set_tick(struct worker *w)
{
	uint64_t now_ms = loop_now_ms(w->loop);
	uint64_t next = wheel_next_ms(&w->idle);

	if (next == WHEEL_NEVER)
		loop_timer_clear(w->tick);
	else
		loop_timer_set(w->tick, next > now_ms ? next - now_ms : 0);
}

static void
stream_close(struct stream *s, enum stream_end end)
{
	struct worker *w = s->worker;

	counter_add(&w->stats.ended[end], 1);
	wheel_clear(&w->idle, &s->idle);
	LIST_REMOVE(s, entry);
	loop_io_free(s->io);
	close(s->fd);
	pool_put(w->pool, s);
}

static void
expire(void *arg)
{
	struct worker *w = arg;
	struct wheel_timer *t;

	while ((t = wheel_pop(&w->idle, loop_now_ms(w->loop))) != NULL)
		stream_close((struct stream *)((char *)t -
				 offsetof(struct stream, idle)),
		    STREAM_IDLE);
	set_tick(w);
}

/* 0, also when the client does not take it all; or -errno. */
static int
stream_flush(struct stream *s)
{
	ssize_t n;

	if (s->out_len == 0)
		return 0;
	n = send(s->fd, s->out, s->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	counter_add(&s->worker->stats.sent_bytes[OVER_TCP], (uint64_t)n);
	s->out_len -= (size_t)n;
	memmove(s->out, s->out + n, s->out_len);
	return 0;
}

static void
stream_answer(struct stream *s, const uint8_t *data, size_t len)
{
	struct worker *w = s->worker;
	struct buf out = buf_fixed(s->out + s->out_len, OUT_MAX - s->out_len);

	worker_answer(w, OVER_TCP, &s->client, data, len, &out);
	s->out_len += out.len;
	/* Only a whole message keeps a stream alive, not a byte now and then.
	 */
	wheel_set(&w->idle, &s->idle, loop_now_ms(w->loop) + w->stund->idle_ms);
}

/* How long the next message is, 0 when that is not known yet, or the end:
 * ChannelData has no meaning here, so it is as good as noise. */
static int
stream_next(const uint8_t *data, size_t len, enum stream_end *end)
{
	int next = stun_stream_next(data, len);

	if (next < 0 || stun_channel_looks_like(data, len)) {
		*end = STREAM_NOT_STUN;
		return -EBADMSG;
	}
	if (next > IN_MAX) {
		*end = STREAM_TOO_LONG;
		return -EMSGSIZE;
	}
	return next;
}

static bool
has_room(const struct stream *s)
{
	return OUT_MAX - s->out_len >= BINDING_ANSWER_MAX;
}

/*
 * Answers the whole messages in the buffer, as far as answers have room. 0:
 * all of them, or some answer waits in out for the client to take it.
 */
static int
stream_work(struct stream *s, enum stream_end *end)
{
	size_t used = 0;
	int next, err = 0;

	*end = STREAM_FAILED;
	for (;;) {
		next = stream_next(s->in + used, s->in_len - used, end);
		if (next < 0)
			return next;
		if (next == 0 || (size_t)next > s->in_len - used) {
			err = stream_flush(s);
			break;
		}
		if (!has_room(s))
			err = stream_flush(s);
		if (err != 0 || !has_room(s))
			break;
		stream_answer(s, s->in + used, (size_t)next);
		used += (size_t)next;
	}
	s->in_len -= used;
	memmove(s->in, s->in + used, s->in_len);
	return err;
}

/* 1: there may be more; 0: not now; or -errno. */
static int
stream_read(struct stream *s)
{
	ssize_t n =
	    recv(s->fd, s->in + s->in_len, IN_MAX - s->in_len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		s->ended = true;
	counter_add(&s->worker->stats.received_bytes[OVER_TCP], (uint64_t)n);
	s->in_len += (size_t)n;
	return n > 0;
}

/*
 * While answers wait in out, only writing goes on. When none does, every whole
 * message has been answered, so there is room to read.
 */
static void
stream_ready(void *arg, int fd, int what)
{
	struct stream *s = arg;
	enum stream_end end = STREAM_FAILED;
	int more, rounds = 0;

	do {
		more = 0;
		if (what == LOOP_READ && s->out_len == 0)
			more = stream_read(s);
		if (more < 0 || stream_work(s, &end) != 0) {
			stream_close(s, end);
			return;
		}
	} while (more > 0 && s->out_len == 0 && ++rounds < READ_ROUNDS);
	if (s->ended && s->out_len == 0)
		stream_close(s, STREAM_BY_CLIENT);
	else
		loop_io_set(s->io, s->out_len > 0 ? LOOP_WRITE : LOOP_READ);
}

/* false: no room for it. */
static bool
stream_open(struct worker *w, int fd, const struct sockaddr_storage *from)
{
	struct stream *s = pool_get(w->pool);
	int one = 1;

	if (s == NULL)
		return false;
	s->worker = w;
	s->fd = fd;
	s->io = loop_io_new(w->loop, fd, LOOP_READ, stream_ready, s);
	if (s->io == NULL || addr_from_sockaddr(from, &s->client) != 0) {
		loop_io_free(s->io);
		pool_put(w->pool, s);
		return false;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	LIST_INSERT_HEAD(&w->streams, s, entry);
	wheel_set(&w->idle, &s->idle, loop_now_ms(w->loop) + w->stund->idle_ms);
	set_tick(w);
	return true;
}

static void
pause_accepting(struct worker *w, int what)
{
	size_t i;

	for (i = 0; i < w->stund->listeners.n; i++) {
		if (listener_is(&w->stund->listeners.items[i], "tcp"))
			loop_io_set(w->links[i].io, what);
	}
}

static void
resume_accepting(void *arg)
{
	pause_accepting(arg, LOOP_READ);
}

static void
accept_failed(struct worker *w, int err)
{
	uint64_t held;

	switch (err) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
		return;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		/* The connection stays in the queue, and would wake us up
		 * for nothing again and again. */
		pause_accepting(w, 0);
		loop_timer_set(w->rest, REST_MS);
		break;
	default:
		break;
	}
	if (log_limit_pass(&w->trouble, loop_now_ms(w->loop), &held))
		log_warn("accept_failed", KV_ERR(err), KV_U("held_back", held));
}

void
streams_accept(void *arg, int listener, int what)
{
	struct worker *w = ((struct link *)arg)->worker;
	struct sockaddr_storage from;
	socklen_t len;
	int fd, rounds;

	for (rounds = 0; rounds < ACCEPT_ROUNDS; rounds++) {
		len = sizeof(from);
		fd = accept4(listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			accept_failed(w, errno);
			return;
		}
		counter_add(&w->stats.accepted, 1);
		if (!stream_open(w, fd, &from)) {
			counter_add(&w->stats.ended[STREAM_REFUSED], 1);
			close(fd);
		}
	}
}

int
streams_init(struct worker *w)
{
	LIST_INIT(&w->streams);
	wheel_init(&w->idle, loop_now_ms(w->loop));
	w->pool = pool_new(sizeof(struct stream), w->stund->streams_max);
	w->tick = loop_timer_new(w->loop, expire, w);
	w->rest = loop_timer_new(w->loop, resume_accepting, w);
	return w->pool == NULL || w->tick == NULL || w->rest == NULL ? -ENOMEM
								     : 0;
}

void
streams_fini(struct worker *w)
{
	struct stream *s;

	while ((s = LIST_FIRST(&w->streams)) != NULL)
		stream_close(s, STREAM_BY_CLIENT);
	loop_timer_free(w->tick);
	loop_timer_free(w->rest);
	pool_free(w->pool);
}
