/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "lib/log/log.h"
#include "lib/loop/engine.h"

/* libevent takes a struct timeval; longer waits are armed again. */
#define LONGEST_MS ((uint64_t)24 * 3600 * 1000)

struct loop_signal {
	struct event ev;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

static void
libevent_says(int severity, const char *msg)
{
	log_write(severity == EVENT_LOG_ERR  ? LOG_ERROR
		: severity == EVENT_LOG_WARN ? LOG_WARN
					     : LOG_DEBUG,
	    "libevent",
	    (const struct log_kv[]){ KV_S("message", msg), KV_END });
}

static void
libevent_once(void)
{
	event_set_log_callback(libevent_says);
}

/* Only epoll has these features; no lock, as loop_post does not touch it. */
static struct event_base *
base_new(void)
{
	struct event_config *c = event_config_new();
	struct event_base *base = NULL;

	if (c == NULL)
		return NULL;
	if (event_config_require_features(c, EV_FEATURE_ET | EV_FEATURE_O1) ==
		0 &&
	    event_config_set_flag(
		c, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(c);
	event_config_free(c);
	return base;
}

static int
epoll_open(struct loop *l)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, libevent_once);
	l->base = base_new();
	return l->base == NULL ? -ENOMEM : 0;
}

static void
epoll_close(struct loop *l)
{
	if (l->base != NULL)
		event_base_free(l->base);
}

/* Waits once and runs all that became active. */
static int
epoll_turn(struct loop *l)
{
	return event_base_loop(l->base, EVLOOP_ONCE) < 0 ? -EIO : 0;
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	loop_turn_begin(io->loop);
	io->fn(io->arg, (int)fd,
	    (what & EV_READ ? LOOP_READ : 0) |
		(what & EV_WRITE ? LOOP_WRITE : 0));
}

static int
epoll_io_arm(struct loop_io *io)
{
	short ev = EV_PERSIST;

	if (event_initialized(&io->ev))
		event_del(&io->ev);
	if (io->what & LOOP_READ)
		ev |= EV_READ;
	if (io->what & LOOP_WRITE)
		ev |= EV_WRITE;
	if (event_assign(&io->ev, io->loop->base, io->fd, ev, on_io, io) != 0)
		return -EINVAL;
	return io->what != 0 && event_add(&io->ev, NULL) != 0 ? -ENOMEM : 0;
}

static void
epoll_io_free(struct loop_io *io)
{
	event_del(&io->ev);
	free(io);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	/* libevent's clock is a coarse one, up to a tick behind ours. */
	loop_timer_fire(arg);
}

static int
epoll_timer_arm(struct loop_timer *t)
{
	uint64_t now = t->loop->now_ms;
	uint64_t ms = t->due_ms > now ? t->due_ms - now : 0;
	struct timeval tv;

	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (!event_initialized(&t->ev) &&
	    evtimer_assign(&t->ev, t->loop->base, on_timer, t) != 0)
		return -ENOMEM;
	return evtimer_add(&t->ev, &tv) == 0 ? 0 : -ENOMEM;
}

static void
epoll_timer_clear(struct loop_timer *t)
{
	if (event_initialized(&t->ev))
		evtimer_del(&t->ev);
}

const struct engine loop_by_epoll = {
	.open = epoll_open,
	.close = epoll_close,
	.turn = epoll_turn,
	.io_arm = epoll_io_arm,
	.io_free = epoll_io_free,
	.timer_arm = epoll_timer_arm,
	.timer_clear = epoll_timer_clear,
};

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	loop_turn_begin(s->loop);
	s->fn(s->arg);
}

struct loop_signal *
loop_signal_new(struct loop *l, int signo, loop_fn *fn, void *arg)
{
	struct loop_signal *s = l->base == NULL ? NULL : calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = l;
	s->fn = fn;
	s->arg = arg;
	if (evsignal_assign(&s->ev, l->base, signo, on_signal, s) != 0 ||
	    evsignal_add(&s->ev, NULL) != 0) {
		free(s);
		return NULL;
	}
	return s;
}

void
loop_signal_free(struct loop_signal *s)
{
	if (s == NULL)
		return;
	evsignal_del(&s->ev);
	free(s);
}
