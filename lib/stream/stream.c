/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/counter.h"
#include "lib/stream/internal.h"

#define READ_ROUNDS 4 /* before the others get their turn */
#define SEND_PARTS  64
#define SEND_FLAGS  (MSG_DONTWAIT | MSG_NOSIGNAL)
/* Bytes of answers that wait before no more requests are taken. */
#define ANSWERS_MAX (16 << 10)

static_assert(
    sizeof(struct stream_id) == sizeof(uint16_t) + 2 * sizeof(struct addr),
    "an id is hashed as bytes: no holes");

const char *
stream_end_name(enum stream_end end)
{
	static const char *const names[STREAM_ENDS] = {
		[STREAM_BY_CLIENT] = "client",
		[STREAM_IDLE] = "idle",
		[STREAM_NOT_STUN] = "not-stun",
		[STREAM_TOO_LONG] = "too-long",
		[STREAM_TLS] = "tls",
		[STREAM_PROXY] = "proxy",
		[STREAM_FAILED] = "failed",
		[STREAM_REFUSED] = "refused",
		[STREAM_CROWDED] = "per-address",
		[STREAM_DETACHED] = "detached",
	};

	return names[end];
}

uint64_t
stream_stats_open(const struct stream_stats *s)
{
	uint64_t open = s->accepted + s->adopted;
	int i;

	/* Read after accepted: a stream may have begun and ended. */
	for (i = 0; i < STREAM_ENDS; i++)
		open -= s->ended[i] < open ? s->ended[i] : open;
	return open;
}

const struct stream_id *
stream_id(const struct stream *s)
{
	return &s->id;
}

static void
set_tick(struct streams *ss)
{
	uint64_t now_ms = loop_now_ms(ss->conf.loop);
	uint64_t next = wheel_next_ms(&ss->idle);

	if (next == WHEEL_NEVER)
		loop_timer_clear(ss->tick);
	else
		loop_timer_set(ss->tick, next > now_ms ? next - now_ms : 0);
}

void
stream_touch(struct stream *s)
{
	struct streams *ss = s->all;

	wheel_set(
	    &ss->idle, &s->idle, loop_now_ms(ss->conf.loop) + ss->conf.idle_ms);
}

void
stream_free(struct stream *s)
{
	loop_io_free(s->io);
	tls_free(s->tls);
	frames_fini(&s->out);
	free(s->rest);
	if (s->counted)
		census_leave(s->all->conf.census, &s->id.client);
	pool_put(s->all->pool, s);
}

void
stream_enter(struct stream *s)
{
	LIST_INSERT_HEAD(&s->all->open, s, entry);
	stream_touch(s);
	set_tick(s->all);
}

void
stream_leave(struct stream *s)
{
	wheel_clear(&s->all->idle, &s->idle);
	LIST_REMOVE(s, entry);
	if (s->dirty)
		TAILQ_REMOVE(&s->all->dirty, s, dirty_entry);
}

static void
stream_close(struct stream *s, enum stream_end end)
{
	struct streams *ss = s->all;

	if (ss->ops.closed != NULL && !s->greeting)
		ss->ops.closed(ss->ops.arg, s);
	counter_add(&ss->stats->ended[end], 1);
	stream_leave(s);
	/* A good-bye that the socket does not take is no loss. */
	if (s->tls != NULL && (end == STREAM_BY_CLIENT || end == STREAM_IDLE))
		(void)tls_close(s->tls);
	/* Closed, its number may be another worker's at once. */
	loop_io_free(s->io);
	s->io = NULL;
	close(s->fd);
	stream_free(s);
}

static void
expire(void *arg)
{
	struct streams *ss = arg;
	struct wheel_timer *t;
	struct stream *s;

	while ((t = wheel_pop(&ss->idle, loop_now_ms(ss->conf.loop))) != NULL) {
		s = (struct stream *)(void *)((char *)t -
		    offsetof(struct stream, idle));
		if (!s->greeting && ss->ops.idle != NULL &&
		    ss->ops.idle(ss->ops.arg, s))
			stream_touch(s);
		else
			stream_close(s, STREAM_IDLE);
	}
	set_tick(ss);
}

static bool
stream_paused(const struct stream *s)
{
	return s->out.answers >= ANSWERS_MAX;
}

/* Bytes moved, or -errno. */
static ssize_t
send_plain(struct stream *s)
{
	struct iovec parts[SEND_PARTS];
	struct msghdr msg = { .msg_iov = parts };
	ssize_t n;

	msg.msg_iovlen = (size_t)frames_next(&s->out, parts, SEND_PARTS);
	/* The cheaper call for most. */
	if (msg.msg_iovlen == 1)
		n = send(
		    s->fd, parts[0].iov_base, parts[0].iov_len, SEND_FLAGS);
	else
		n = sendmsg(s->fd, &msg, SEND_FLAGS);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* The same. A record a message: clients such as coturn's take one for the
 * other, and lose what follows in the same record. */
static ssize_t
send_tls(struct stream *s)
{
	struct tls_room room = { s->all->records, sizeof(s->all->records), 0 };
	struct iovec parts[SEND_PARTS];
	int count = frames_next(&s->out, parts, SEND_PARTS);
	ssize_t n = tls_write_parts(s->tls, parts, count, &room);

	if (n == -EAGAIN && count > 0)
		frames_pin(&s->out, parts[0].iov_len);
	return n;
}

/* Is there nothing left for the client? */
static bool
stream_sent(const struct stream *s)
{
	return frames_empty(&s->out) && (s->tls == NULL || !tls_unsent(s->tls));
}

/* Has the socket refused a part of something? Then it has no room. */
static bool
stream_stuck(const struct stream *s)
{
	return s->tls != NULL ? tls_unsent(s->tls) : s->out.sent > 0;
}

/* 0, also when the client does not take it all; or -errno. */
static int
stream_flush(struct stream *s)
{
	ssize_t n;

	while (!stream_sent(s)) {
		n = s->tls != NULL ? send_tls(s) : send_plain(s);
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		counter_add(&s->all->stats->sent_bytes, (uint64_t)n);
		frames_sent(&s->out, (size_t)n);
		if (stream_stuck(s))
			break;
	}
	return 0;
}

/* As much as there is room for: a record at a time would be a turn of its own
 * for each message, and a system call for each that goes on. */
static ssize_t
recv_tls(struct stream *s, uint8_t *data, size_t room)
{
	size_t len = 0;
	ssize_t n = 1;

	s->drained = false;
	while (!s->over && !s->drained && n > 0 && len < room) {
		n = tls_read(s->tls, data + len, room - len);
		if (n > 0) {
			len += (size_t)n;
			s->drained = tls_drained(s->tls);
		} else if (n == -EAGAIN) {
			s->drained = true;
		} else {
			s->over = true;
			s->end = (int)n;
		}
	}
	if (len > 0)
		return (ssize_t)len;
	return s->over ? s->end : n;
}

static ssize_t
stream_recv(struct stream *s, void *data, size_t room)
{
	ssize_t n;

	if (s->tls != NULL)
		return recv_tls(s, data, room);
	n = recv(s->fd, data, room, MSG_DONTWAIT);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* The length of the first message when it is whole; 0: it is not; -errno. */
static int
stream_next(struct stream *s, const uint8_t *data, size_t len)
{
	const struct streams *ss = s->all;
	int next = ss->ops.next(data, len);

	if (next < 0)
		return -EBADMSG;
	if ((size_t)next > ss->conf.message_max &&
	    ((size_t)next > STREAM_MESSAGE_MAX || ss->ops.known == NULL ||
		!ss->ops.known(ss->ops.arg, s)))
		return -EMSGSIZE;
	return (size_t)next > len ? 0 : next;
}

/* Hands the whole messages on, as far as answers have room. The bytes that
 * they took, or -errno. */
static ssize_t
stream_feed(struct stream *s, uint8_t *data, size_t len)
{
	const struct stream_ops *ops = &s->all->ops;
	size_t used = 0;
	int next = 0;

	while (!stream_paused(s) && !s->leaving && !s->waits) {
		next = stream_next(s, data + used, len - used);
		if (next <= 0)
			break;
		ops->message(ops->arg, s, data + used, (size_t)next);
		if (!s->again)
			used += (size_t)next;
	}
	s->held = next > 0;
	return next < 0 ? next : (ssize_t)used;
}

/* Keeps what was read and not handed on. 0 or -ENOMEM. */
static int
stream_keep(struct stream *s, const uint8_t *data, size_t len)
{
	uint8_t *rest;

	s->rest_len = len;
	if (len == 0) {
		free(s->rest);
		s->rest = NULL;
		return 0;
	}
	rest = realloc(s->rest, len);
	if (rest == NULL)
		return -ENOMEM;
	s->rest = rest;
	memcpy(rest, data, len);
	return 0;
}

/* Where a read and what is left from the one before have room. */
static uint8_t *
streams_room(struct streams *ss, size_t left)
{
	if (sizeof(ss->in) - ss->in_used < left + STREAM_READ_MAX) {
		if (ss->ops.flush != NULL)
			ss->ops.flush(ss->ops.arg);
		ss->in_used = 0;
	}
	return ss->in + ss->in_used;
}

/* 1: there may be more; 0: not now; or -errno. */
static int
stream_read(struct stream *s)
{
	struct streams *ss = s->all;
	size_t len = s->rest_len;
	uint8_t *in = streams_room(ss, len);
	size_t room = (size_t)(ss->in + sizeof(ss->in) - in) - len;
	ssize_t n = 0, used;
	bool more;
	int err;

	if (len > 0)
		memcpy(in, s->rest, len);
	if (room > STREAM_READ_MAX)
		room = STREAM_READ_MAX;
	if (room > 0 && !s->ended) {
		n = stream_recv(s, in + len, room);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		s->ended = n == 0;
		if (n > 0) {
			counter_add(&ss->stats->received_bytes, (uint64_t)n);
			len += (size_t)n;
		}
	}
	if (n <= 0 && !s->held)
		return 0;
	/* A short read means that a socket is empty by now, not so TLS. */
	more = s->tls != NULL ? n > 0 && !s->drained : (size_t)n == room;
	used = stream_feed(s, in, len);
	ss->in_used += used < 0 ? len : (size_t)used;
	if (used < 0)
		return (int)used;
	err = stream_keep(s, in + used, len - (size_t)used);
	return err != 0 ? err : more;
}

/* 0 or -errno. */
static int
stream_take(struct stream *s)
{
	int more = 1, rounds = 0;

	while (more > 0 && !s->leaving && !s->waits && !stream_paused(s) &&
	    rounds++ < READ_ROUNDS)
		more = stream_read(s);
	/* Of what TLS holds the loop knows nothing: see stream_settle. */
	if (more > 0 && s->tls != NULL)
		s->held = true;
	return more < 0 ? more : 0;
}

/* What the loop shall wake us for; the end when nothing is left to do. */
static void
stream_settle(struct stream *s)
{
	bool paused = stream_paused(s) || s->waits;
	int what = 0;

	if (s->ended && !s->held && stream_sent(s)) {
		stream_close(s, STREAM_BY_CLIENT);
		return;
	}
	if (!paused && !s->ended)
		what |= LOOP_READ;
	/* Held messages go on at once, but after the others' turn. */
	if (!stream_sent(s) || (s->held && !paused) ||
	    (s->tls != NULL && tls_wants(s->tls) == TLS_WANTS_SEND))
		what |= LOOP_WRITE;
	if (what != s->watched)
		loop_io_set(s->io, what);
	s->watched = what;
}

static enum stream_end
end_of(const struct stream *s, int err)
{
	switch (err) {
	case -EBADMSG:
		return STREAM_NOT_STUN;
	case -EMSGSIZE:
		return STREAM_TOO_LONG;
	case -EPROTO:
		return STREAM_TLS;
	case -ECONNRESET:
	case -EPIPE:
		return STREAM_BY_CLIENT;
	default:
		return STREAM_FAILED;
	}
}

static enum stream_end
end_of_greeting(int err)
{
	switch (err) {
	case -EBADMSG:
		return STREAM_PROXY;
	case -ECONNRESET:
		return STREAM_BY_CLIENT;
	case -EUSERS:
		return STREAM_CROWDED;
	default:
		return STREAM_REFUSED;
	}
}

enum stream_end
stream_refused(struct streams *ss, const struct addr *client, int err)
{
	enum stream_end end = end_of_greeting(err);
	uint64_t held;

	if (end != STREAM_BY_CLIENT &&
	    log_limit_pass(&ss->refusals, loop_now_ms(ss->conf.loop), &held))
		log_warn("connection_refused",
		    KV_S("reason", stream_end_name(end)),
		    KV_ADDR("client", client), KV_U("held_back", held));
	return end;
}

int
stream_begin(struct stream *s, bool secure)
{
	const struct stream_ops *ops = &s->all->ops;
	int err = 0;

	s->id.listener = secure ? s->door->kind.secure : s->door->kind.plain;
	if (secure) {
		s->tls = tls_open_fd(s->door->kind.tls, s->fd);
		if (s->tls == NULL)
			return -ENOMEM;
		tls_read_ahead(s->tls, true);
	}
	if (ops->opened != NULL)
		err = ops->opened(ops->arg, s);
	if (err == 0)
		s->greeting = false;
	return err;
}

void
stream_ready(void *arg, int fd, int what)
{
	struct stream *s = arg;
	int err = 0;

	if (s->greeting) {
		err = stream_greet(s);
		if (err == -EAGAIN)
			return;
		if (err != 0) {
			stream_close(
			    s, stream_refused(s->all, &s->id.client, err));
			return;
		}
	}
	if (what & LOOP_WRITE)
		err = stream_flush(s);
	if (err == 0)
		err = stream_take(s);
	if (err != 0) {
		stream_close(s, end_of(s, err));
		return;
	}
	if (s->leaving) {
		stream_take_apart(s);
		return;
	}
	/* The others' answers leave with these: see streams_flush. */
	if (!s->dirty)
		stream_settle(s);
}

/* What can be done before anything is read. 0 or -errno. */
static int
stream_welcome(struct stream *s)
{
	bool wait = stream_must_greet(s);
	/* Of a balancer's it is not known yet whose it is. */
	int err = s->proxied ? 0 : stream_count(s);

	if (err == 0 && !wait)
		err = stream_begin(s, s->door->kind.tls != NULL);
	return err;
}

int
stream_open(struct stream_door *d, int fd, const struct stream_id *id)
{
	struct streams *ss = d->all;
	struct stream *s = pool_get(ss->pool);
	int one = 1, size = (int)ss->conf.send_max, err;

	if (s == NULL)
		return -ENOBUFS;
	s->all = ss;
	s->fd = fd;
	s->id = *id;
	s->door = d;
	s->greeting = true;
	s->watched = LOOP_READ;
	frames_init(&s->out, ss->conf.send_max);
	s->io = loop_io_new(ss->conf.loop, fd, LOOP_READ, stream_ready, s);
	err = s->io == NULL ? -ENOMEM : stream_welcome(s);
	if (err != 0) {
		stream_free(s);
		return err;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* Else the kernel keeps megabytes of media that is late. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	stream_enter(s);
	return 0;
}

void
stream_hold(struct stream *s)
{
	s->waits = s->again = true;
}

void
stream_go_on(struct stream *s)
{
	s->waits = s->again = false;
	/* In a turn of its own. */
	s->watched |= LOOP_WRITE;
	(void)loop_io_set(s->io, s->watched);
}

int
stream_send(struct stream *s, bool media, const struct iovec *parts, size_t n)
{
	struct streams *ss = s->all;
	int dropped = frames_put(&s->out, media, parts, n);

	/* Out of memory is as good as a lost packet. */
	if (dropped < 0)
		dropped = 1;
	/* One that waits for its client already is flushed by that. */
	if (s->dirty || (s->watched & LOOP_WRITE) != 0)
		return dropped;
	s->dirty = true;
	TAILQ_INSERT_TAIL(&ss->dirty, s, dirty_entry);
	return dropped;
}

void
streams_flush(struct streams *ss)
{
	struct stream *s;
	int err;

	ss->in_used = 0;
	while ((s = TAILQ_FIRST(&ss->dirty)) != NULL) {
		TAILQ_REMOVE(&ss->dirty, s, dirty_entry);
		s->dirty = false;
		err = stream_flush(s);
		if (err != 0)
			stream_close(s, end_of(s, err));
		else
			stream_settle(s);
	}
}

struct streams *
streams_new(const struct streams_conf *conf, const struct stream_ops *ops,
    struct stream_stats *stats)
{
	struct streams *ss = calloc(1, sizeof(*ss));

	if (ss == NULL)
		return NULL;
	assert(conf->message_max <= STREAM_MESSAGE_MAX);
	ss->conf = *conf;
	ss->ops = *ops;
	ss->stats = stats;
	LIST_INIT(&ss->open);
	TAILQ_INIT(&ss->dirty);
	wheel_init(&ss->idle, loop_now_ms(conf->loop));
	ss->pool = pool_new(sizeof(struct stream), conf->max);
	ss->doors = calloc(conf->listeners + 1, sizeof(*ss->doors));
	ss->tick = loop_timer_new(conf->loop, expire, ss);
	ss->rest = loop_timer_new(conf->loop, accept_resume, ss);
	if (ss->pool == NULL || ss->doors == NULL || ss->tick == NULL ||
	    ss->rest == NULL) {
		streams_free(ss);
		return NULL;
	}
	return ss;
}

void
streams_free(struct streams *ss)
{
	if (ss == NULL)
		return;
	while (!LIST_EMPTY(&ss->open))
		stream_close(LIST_FIRST(&ss->open), STREAM_BY_CLIENT);
	accept_close(ss);
	loop_timer_free(ss->tick);
	loop_timer_free(ss->rest);
	pool_free(ss->pool);
	free(ss);
}
