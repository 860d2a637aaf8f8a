/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine: what waits for a loop's descriptors and timers: epoll, by way of
 * libevent, or io_uring. Only the files of lib/loop include it.
 * Owns: nothing.  Thread: the loop's.
 */
#ifndef FLOE_LIB_LOOP_ENGINE_H
#define FLOE_LIB_LOOP_ENGINE_H

#include <event2/event_struct.h>
#include <pthread.h>

#include "lib/base/wheel.h"
#include "lib/loop/loop.h"
#include "lib/ring/ring.h"

STAILQ_HEAD(mailbox, post);

struct loop_io {
	struct loop *loop;
	int fd, what;
	loop_io_fn *fn;
	void *arg;
	union {
		struct event ev;   /* epoll */
		struct ring_op op; /* io_uring */
	};
	/* io_uring: */
	bool calling; /* fn runs */
	bool closing; /* freed when its operation has ended */
};

struct loop_timer {
	struct loop *loop;
	uint64_t due_ms;
	loop_fn *fn;
	void *arg;
	union {
		struct event ev;
		struct wheel_timer timer;
	};
};

struct engine {
	int (*open)(struct loop *); /* 0 or -errno */
	void (*close)(struct loop *);
	/* Before the first turn, and after the last one; each may be NULL. */
	int (*begin)(struct loop *);
	void (*end)(struct loop *);
	int (*turn)(struct loop *); /* waits once; 0 or -EIO */
	/* Watches what there is to watch, no more, anew. 0 or -errno */
	int (*io_arm)(struct loop_io *);
	void (*io_free)(struct loop_io *);
	/* Not before due_ms; timer_fire does not mind being early. */
	int (*timer_arm)(struct loop_timer *);
	void (*timer_clear)(struct loop_timer *);
};

extern const struct engine loop_by_epoll, loop_by_ring;

struct loop {
	const struct engine *engine;
	struct event_base *base; /* epoll */
	struct ring *ring;       /* io_uring */
	struct wheel timers;     /* io_uring */
	uint64_t paced_ms;       /* io_uring: when it was looked at the pace */
	struct ring_count paced; /* and what had ended by then */
	bool hurried;
	struct loop_io *wake; /* reads wake_fd */
	int wake_fd;
	bool stop;
	bool in_turn;
	uint64_t now_ms;
	uint64_t wall_ms; /* 0: nobody has asked in this turn */
	loop_fn *turn_end;
	void *turn_end_arg;
	pthread_mutex_t lock;   /* guards mailbox */
	struct mailbox mailbox; /* not empty: a wake-up is on its way */
};

/* Every callback of an engine goes through loop_turn_begin first. */
void loop_timer_fire(struct loop_timer *);

#endif
