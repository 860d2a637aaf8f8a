/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

#include "lib/log/log.h"
#include "lib/loop/engine.h"

/* Ends a millisecond that make a loop hurried, looked at so often. */
#define HURRY_A_MS 10
#define PACE_MS    4
/* An end of more bytes than this is several datagrams. */
#define MERGED_BYTES 2048
/* Then it waits for so many, or so long. */
#define GATHER    32
#define GATHER_US 200

static int
uring_open(struct loop *l)
{
	l->ring = ring_new();
	wheel_init(&l->timers, l->now_ms);
	return l->ring == NULL ? -errno : 0;
}

static void
uring_close(struct loop *l)
{
	ring_free(l->ring);
}

static int
uring_begin(struct loop *l)
{
	return ring_begin(l->ring);
}

static void
uring_end(struct loop *l)
{
	ring_quiet(l->ring);
}

static void
run_timers(struct loop *l)
{
	struct wheel_timer *t;

	if (l->timers.count == 0)
		return;
	loop_turn_begin(l);
	while ((t = wheel_pop(&l->timers, l->now_ms)) != NULL)
		loop_timer_fire(
		    (void *)((char *)t - offsetof(struct loop_timer, timer)));
}

/*
 * To sleep and be woken costs more than a lone datagram does. When they come
 * faster than HURRY_A_MS, waiting a moment for some more is no delay that
 * anybody hears. Below that nothing waits, nor where the kernel merges them:
 * then each wake-up is worth it.
 */
static bool
hurried(struct loop *l)
{
	uint64_t ms = l->now_ms - l->paced_ms, ends;
	struct ring_count now;

	if (ms < PACE_MS)
		return l->hurried;
	now = ring_count(l->ring);
	ends = now.ends - l->paced.ends;
	l->hurried = ends >= ms * HURRY_A_MS &&
	    now.bytes - l->paced.bytes < ends * MERGED_BYTES;
	l->paced = now;
	l->paced_ms = l->now_ms;
	return l->hurried;
}

static int
uring_turn(struct loop *l)
{
	uint64_t next = wheel_next_ms(&l->timers);
	int err;

	if (hurried(l) && ring_gather(l->ring, GATHER, GATHER_US) == 0) {
		run_timers(l);
		return 0;
	}
	if (next != WHEEL_NEVER)
		next = next > l->now_ms ? next - l->now_ms : 0;
	err = ring_wait(l->ring, next);
	if (err != 0 && err != -ETIME) {
		log_error("io_uring_failed", KV_ERR(err));
		return -EIO;
	}
	run_timers(l);
	return 0;
}

static int
ready(const struct loop_io *io, int res)
{
	/* Whoever waits for anything hears of an error by trying. */
	if (res < 0 || res & (POLLERR | POLLHUP | POLLNVAL))
		return io->what;
	return ((res & POLLIN ? LOOP_READ : 0) |
		   (res & POLLOUT ? LOOP_WRITE : 0)) &
	    io->what;
}

static int
uring_io_arm(struct loop_io *io)
{
	short events = (short)((io->what & LOOP_READ ? POLLIN : 0) |
	    (io->what & LOOP_WRITE ? POLLOUT : 0));

	if (io->op.busy) {
		/* It asks for something else: when that has ended, anew. */
		if (io->op.events != events)
			ring_cancel(io->loop->ring, &io->op);
	} else if (events != 0 && !io->calling) {
		ring_poll(io->loop->ring, &io->op, io->fd, events);
	}
	return 0;
}

/* A poll is for once, so that what is left unread wakes us again. */
static void
on_poll(struct ring_op *op, struct ring_done *done)
{
	struct loop_io *io =
	    (void *)((char *)op - offsetof(struct loop_io, op));
	int what = done->res == -ECANCELED ? 0 : ready(io, done->res);

	if (!io->closing && what != 0) {
		loop_turn_begin(io->loop);
		io->calling = true;
		io->fn(io->arg, io->fd, what);
		io->calling = false;
	}
	if (io->closing)
		free(io);
	else
		uring_io_arm(io);
}

static int
uring_io_new(struct loop_io *io)
{
	io->op.fn = on_poll;
	return uring_io_arm(io);
}

static void
uring_io_free(struct loop_io *io)
{
	io->closing = true;
	if (io->op.busy)
		ring_cancel(io->loop->ring, &io->op);
	else if (!io->calling)
		free(io);
}

static int
uring_timer_arm(struct loop_timer *t)
{
	if (t->due_ms == UINT64_MAX)
		wheel_clear(&t->loop->timers, &t->timer);
	else
		wheel_set(&t->loop->timers, &t->timer, t->due_ms);
	return 0;
}

static void
uring_timer_clear(struct loop_timer *t)
{
	wheel_clear(&t->loop->timers, &t->timer);
}

const struct engine loop_by_ring = {
	.open = uring_open,
	.close = uring_close,
	.begin = uring_begin,
	.end = uring_end,
	.turn = uring_turn,
	.io_arm = uring_io_new,
	.io_free = uring_io_free,
	.timer_arm = uring_timer_arm,
	.timer_clear = uring_timer_clear,
};
