/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/loop/engine.h"

struct post {
	STAILQ_ENTRY(post) next;
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
loop_turn_wall_ms(struct loop *l)
{
	if (l->wall_ms == 0)
		l->wall_ms = loop_wall_ms();
	return l->wall_ms;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

struct ring *
loop_ring(const struct loop *l)
{
	return l->ring;
}

void
loop_turn_begin(struct loop *l)
{
	if (l->in_turn)
		return;
	l->in_turn = true;
	l->now_ms = clock_ms(CLOCK_MONOTONIC);
	l->wall_ms = 0;
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
on_wake(void *arg, int fd, int what)
{
	struct loop *l = arg;
	uint64_t count;

	/* Before the mailbox is emptied, or a later wake-up would be lost. */
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	mailbox_run(l);
}

static struct loop *
loop_by(const struct engine *engine)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err;

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	STAILQ_INIT(&l->mailbox);
	l->now_ms = clock_ms(CLOCK_MONOTONIC);
	l->engine = engine;
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = l->wake_fd < 0 ? -errno : engine->open(l);
	if (err == 0)
		l->wake = loop_io_new(l, l->wake_fd, LOOP_READ, on_wake, l);
	if (l->wake != NULL)
		return l;
	loop_free(l);
	errno = err != 0 ? -err : ENOMEM;
	return NULL;
}

struct loop *
loop_new(void)
{
	return loop_by(&loop_by_epoll);
}

struct loop *
loop_new_ring(void)
{
	return loop_by(&loop_by_ring);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (!STAILQ_EMPTY(&l->mailbox))
		mailbox_run(l);
	loop_io_free(l->wake);
	l->engine->close(l);
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
	if (l->engine->begin != NULL)
		err = l->engine->begin(l);
	while (!l->stop && err == 0) {
		err = l->engine->turn(l);
		if (l->in_turn && l->turn_end != NULL)
			l->turn_end(l->turn_end_arg);
		l->in_turn = false;
	}
	if (l->engine->end != NULL)
		l->engine->end(l);
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

struct loop_io *
loop_io_new(struct loop *l, int fd, int what, loop_io_fn *fn, void *arg)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->loop = l;
	io->fd = fd;
	io->what = what;
	io->fn = fn;
	io->arg = arg;
	if (l->engine->io_arm(io) != 0) {
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
	io->what = what;
	return io->loop->engine->io_arm(io);
}

void
loop_io_free(struct loop_io *io)
{
	if (io != NULL)
		io->loop->engine->io_free(io);
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
	return t;
}

int
loop_timer_set(struct loop_timer *t, uint64_t after_ms)
{
	uint64_t now = t->loop->now_ms;

	t->due_ms = after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms;
	return t->loop->engine->timer_arm(t);
}

void
loop_timer_fire(struct loop_timer *t)
{
	loop_turn_begin(t->loop);
	if (t->due_ms > t->loop->now_ms)
		t->loop->engine->timer_arm(t);
	else
		t->fn(t->arg);
}

void
loop_timer_clear(struct loop_timer *t)
{
	t->loop->engine->timer_clear(t);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	loop_timer_clear(t);
	free(t);
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
