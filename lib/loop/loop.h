/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loop: one event loop for one thread, over libevent or over io_uring.
 * loop_post is the only call that another thread may make.
 * Owns: its watches, timers and mailbox.  Thread: the one that runs it.
 */
#ifndef FLOE_LIB_LOOP_LOOP_H
#define FLOE_LIB_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct loop;
struct ring; /* lib/ring */
struct loop_io;
struct loop_timer;
struct loop_signal;

#define LOOP_READ  1
#define LOOP_WRITE 2

typedef void loop_io_fn(void *arg, int fd, int what); /* LOOP_READ|WRITE */
typedef void loop_fn(void *arg);

/* NULL: no memory or no epoll. */
struct loop *loop_new(void);
/* By io_uring; a timer may be 16 ms late. NULL with errno: as ring_new. */
struct loop *loop_new_ring(void);
/* For operations that the loop itself has no words for; NULL: by epoll. */
struct ring *loop_ring(const struct loop *);
void loop_turn_begin(struct loop *); /* first in their callbacks */
/* Posts still in the mailbox are run first, so that what they own is freed. */
void loop_free(struct loop *);
int loop_run(struct loop *); /* until loop_stop; 0 or -EIO */
/* After this turn; before loop_run: at once. From its own thread (post it from
 * others). */
void loop_stop(struct loop *);
uint64_t loop_now_ms(const struct loop *); /* monotonic, cached per turn */
uint64_t loop_wall_ms(void); /* since 1970; for stamps, never for timers */
uint64_t loop_turn_wall_ms(struct loop *); /* the same, cached per turn */

/* Called at the end of every turn in which something happened: where batched
 * output is flushed. One per loop. */
void loop_on_turn_end(struct loop *, loop_fn *, void *arg);

/* Persistent, level-triggered; what may be 0 (paused). NULL: no memory.
 * The fd stays the caller's. */
struct loop_io *
loop_io_new(struct loop *, int fd, int what, loop_io_fn *, void *arg);
int loop_io_set(struct loop_io *, int what);
void loop_io_free(struct loop_io *); /* also from its own callback; NULL ok */

struct loop_timer *loop_timer_new(struct loop *, loop_fn *, void *arg);
/* Once, when loop_now_ms has grown by after_ms or more; replaces what was set.
 * UINT64_MAX never comes. 0 or -ENOMEM. */
int loop_timer_set(struct loop_timer *, uint64_t after_ms);
void loop_timer_clear(struct loop_timer *);
void loop_timer_free(struct loop_timer *); /* as loop_io_free */

/* In one loop of the process only, and one by epoll. */
struct loop_signal *
loop_signal_new(struct loop *, int signo, loop_fn *, void *arg);
void loop_signal_free(struct loop_signal *);

/*
 * Any thread: fn(arg) will run on the loop's thread, in the order of posting.
 * One wake-up system call for a whole batch. 0 or -ENOMEM.
 */
int loop_post(struct loop *, loop_fn *, void *arg);

#endif
