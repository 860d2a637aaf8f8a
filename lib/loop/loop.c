/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/loop/loop.h"

/* libevent takes a struct timeval; longer waits are armed again. */
#define LONGEST_MS ((uint64_t)24 * 3600 * 1000)

struct post {
	STAILQ_ENTRY(post) next;
	loop_fn *fn;
	void *arg;
};

STAILQ_HEAD(mailbox, post);

struct loop {
	struct event_base *base;
	struct event wake; /* reads wake_fd */
	int wake_fd;
	bool stop;
	bool in_turn;
	uint64_t now_ms;
	loop_fn *turn_end;
	void *turn_end_arg;
	pthread_mutex_t lock;   /* guards mailbox */
	struct mailbox mailbox; /* not empty: a wake-up is on its way */
};

struct loop_io {
	struct event ev;
	struct loop *loop;
	int what;
	loop_io_fn *fn;
	void *arg;
};

struct loop_timer {
	struct event ev;
	struct loop *loop;
	uint64_t due_ms;
	loop_fn *fn;
	void *arg;
};

struct loop_signal {
	struct event ev;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
};

static uint64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t
loop_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

/* Every callback of libevent comes through here first. */
static void
turn_begin(struct loop *l)
{
	if (l->in_turn)
		return;
	l->in_turn = true;
	l->now_ms = clock_ms(CLOCK_MONOTONIC);
}

static void
mailbox_run(struct loop *l)
{
	struct mailbox taken = STAILQ_HEAD_INITIALIZER(taken);
	struct post *p;

	/* Taken at once: what these post in turn waits for the next round. */
	pthread_mutex_lock(&l->lock);
	STAILQ_CONCAT(&taken, &l->mailbox);
	pthread_mutex_unlock(&l->lock);
	while ((p = STAILQ_FIRST(&taken)) != NULL) {
		STAILQ_REMOVE_HEAD(&taken, next);
		p->fn(p->arg);
		free(p);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t count;

	turn_begin(l);
	/* Before the mailbox is emptied, or a later wake-up would be lost. */
	while (read((int)fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	mailbox_run(l);
}

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

struct loop *
loop_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	pthread_once(&once, libevent_once);
	pthread_mutex_init(&l->lock, NULL);
	STAILQ_INIT(&l->mailbox);
	l->now_ms = clock_ms(CLOCK_MONOTONIC);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->base = base_new();
	if (l->wake_fd < 0 || l->base == NULL)
		goto fail;
	if (event_assign(&l->wake, l->base, l->wake_fd, EV_READ | EV_PERSIST,
		on_wake, l) != 0 ||
	    event_add(&l->wake, NULL) != 0)
		goto fail;
	return l;
fail:
	loop_free(l);
	return NULL;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (!STAILQ_EMPTY(&l->mailbox))
		mailbox_run(l);
	if (l->base != NULL) {
		if (event_initialized(&l->wake))
			event_del(&l->wake);
		event_base_free(l->base);
	}
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int
loop_run(struct loop *l)
{
	int err = 0;

	l->now_ms = clock_ms(CLOCK_MONOTONIC);
	while (!l->stop && err == 0) {
		/* Waits once and runs all that became active: a turn. */
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			err = -EIO;
		if (l->in_turn && l->turn_end != NULL)
			l->turn_end(l->turn_end_arg);
		l->in_turn = false;
	}
	l->stop = false;
	return err;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

void
loop_on_turn_end(struct loop *l, loop_fn *fn, void *arg)
{
	l->turn_end = fn;
	l->turn_end_arg = arg;
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	turn_begin(io->loop);
	io->fn(io->arg, (int)fd,
	    (what & EV_READ ? LOOP_READ : 0) |
		(what & EV_WRITE ? LOOP_WRITE : 0));
}

static int
io_arm(struct loop_io *io, int fd, int what)
{
	short ev = EV_PERSIST;

	if (what & LOOP_READ)
		ev |= EV_READ;
	if (what & LOOP_WRITE)
		ev |= EV_WRITE;
	if (event_assign(&io->ev, io->loop->base, fd, ev, on_io, io) != 0)
		return -EINVAL;
	if (what != 0 && event_add(&io->ev, NULL) != 0)
		return -ENOMEM;
	io->what = what;
	return 0;
}

struct loop_io *
loop_io_new(struct loop *l, int fd, int what, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->loop = l;
	io->fn = fn;
	io->arg = arg;
	if (io_arm(io, fd, what) != 0) {
		free(io);
		return NULL;
	}
	return io;
}

int
loop_io_set(struct loop_io *io, int what)
{
	if (what == io->what)
		return 0;
	event_del(&io->ev);
	io->what = 0;
	return io_arm(io, (int)event_get_fd(&io->ev), what);
}

void
loop_io_free(struct loop_io *io)
{
	if (io == NULL)
		return;
	event_del(&io->ev);
	free(io);
}

static int
timer_arm(struct loop_timer *t)
{
	uint64_t ms = t->due_ms - t->loop->now_ms;
	struct timeval tv;

	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	return evtimer_add(&t->ev, &tv) == 0 ? 0 : -ENOMEM;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	turn_begin(t->loop);
	/* libevent's clock is a coarse one, up to a tick behind ours. */
	if (t->due_ms > t->loop->now_ms)
		timer_arm(t);
	else
		t->fn(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	if (evtimer_assign(&t->ev, l->base, on_timer, t) != 0) {
		free(t);
		return NULL;
	}
	return t;
}

int
loop_timer_set(struct loop_timer *t, uint64_t after_ms)
{
	uint64_t now = t->loop->now_ms;

	t->due_ms = after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms;
	return timer_arm(t);
}

void
loop_timer_clear(struct loop_timer *t)
{
	evtimer_del(&t->ev);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	evtimer_del(&t->ev);
	free(t);
}

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	turn_begin(s->loop);
	s->fn(s->arg);
}

struct loop_signal *
loop_signal_new(struct loop *l, int signo, loop_fn *fn, void *arg)
{
	struct loop_signal *s = calloc(1, sizeof(*s));

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

int
loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	static const uint64_t one = 1;
	struct post *p = malloc(sizeof(*p));
	bool first;

	if (p == NULL)
		return -ENOMEM;
	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&l->lock);
	first = STAILQ_EMPTY(&l->mailbox);
	STAILQ_INSERT_TAIL(&l->mailbox, p, next);
	pthread_mutex_unlock(&l->lock);
	/* The counter cannot overflow, so nothing but EINTR can fail. */
	while (
	    first && write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	return 0;
}
