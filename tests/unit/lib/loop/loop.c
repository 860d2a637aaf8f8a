/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/loop/loop.h"
#include "tests/unit/test.h"

static atomic_int wake_ups; /* 8-byte writes: those of the eventfd */

ssize_t __real_write(int, const void *, size_t);
ssize_t __wrap_write(int, const void *, size_t);

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	if (len == 8)
		atomic_fetch_add(&wake_ups, 1);
	return __real_write(fd, data, len);
}

/* What happened, one letter each. */
static char trace[64];

static void
note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = '\0';
}

static struct loop *(*make)(void) = loop_new;

struct fixture {
	struct loop *loop;
	int fd[2];
	struct loop_io *io;
	struct loop_timer *timer;
	uint64_t started_ms;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = make();
	if (f->loop == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fd) != 0)
		return -1;
	trace[0] = '\0';
	wake_ups = 0;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_io_free(f->io);
	loop_timer_free(f->timer);
	loop_free(f->loop);
	close(f->fd[0]);
	close(f->fd[1]);
	free(f);
	return 0;
}

static void
stop(void *arg)
{
	struct fixture *f = arg;

	note('.');
	loop_stop(f->loop);
}

static void
run(struct fixture *f)
{
	alarm(20);
	assert_int_equal(loop_run(f->loop), 0);
	alarm(0);
}

/* Reads a byte and notes it; 'q' stops, 'p' pauses, 'f' frees and stops. */
static void
on_byte(void *arg, int fd, int what)
{
	struct fixture *f = arg;
	char c;

	assert_int_equal(fd, f->fd[0]);
	if (what & LOOP_WRITE) {
		note('w');
		assert_int_equal(loop_io_set(f->io, LOOP_READ), 0);
	}
	if (!(what & LOOP_READ))
		return;
	assert_int_equal(read(fd, &c, 1), 1);
	note(c);
	if (c == 'q')
		loop_stop(f->loop);
	if (c == 'p')
		assert_int_equal(loop_io_set(f->io, 0), 0);
	if (c == 'f') {
		loop_io_free(f->io);
		f->io = NULL;
		loop_stop(f->loop);
	}
}

static void
resume(void *arg)
{
	struct fixture *f = arg;

	note('r');
	assert_int_equal(loop_io_set(f->io, LOOP_READ | LOOP_WRITE), 0);
}

static void
io_is_level_triggered_and_pauses(void **state)
{
	struct fixture *f = *state;

	f->io = loop_io_new(f->loop, f->fd[0], LOOP_READ, on_byte, f);
	f->timer = loop_timer_new(f->loop, resume, f);
	assert_int_equal(loop_timer_set(f->timer, 20), 0);
	assert_int_equal(write(f->fd[1], "abpcdq", 6), 6);
	run(f);
	assert_string_equal(trace, "abprwcdq");
}

static void
io_starts_paused_and_frees_itself(void **state)
{
	struct fixture *f = *state;

	f->io = loop_io_new(f->loop, f->fd[0], 0, on_byte, f);
	assert_int_equal(write(f->fd[1], "xfy", 3), 3);
	f->timer = loop_timer_new(f->loop, resume, f);
	assert_int_equal(loop_timer_set(f->timer, 5), 0);
	run(f);
	assert_null(f->io);
	assert_string_equal(trace, "rwxf");
	loop_post(f->loop, stop, f);
	run(f);
	assert_string_equal(trace, "rwxf.");
}

static void
timer_fired(void *arg)
{
	struct fixture *f = arg;

	note('t');
	assert_true(loop_now_ms(f->loop) >= f->started_ms + 30);
	loop_timer_free(f->timer);
	f->timer = NULL;
	loop_stop(f->loop);
}

static void
timer_is_never_early(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 5; i++) {
		f->timer = loop_timer_new(f->loop, timer_fired, f);
		f->started_ms = loop_now_ms(f->loop);
		assert_int_equal(loop_timer_set(f->timer, 30), 0);
		run(f);
	}
	assert_string_equal(trace, "ttttt");
}

static void
note_a(void *arg)
{
	note('a');
}

static void
timers_come_in_order(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *a = loop_timer_new(f->loop, note_a, NULL);
	struct loop_timer *far = loop_timer_new(f->loop, note_a, NULL);

	f->timer = loop_timer_new(f->loop, stop, f);
	loop_timer_set(far, UINT64_MAX);
	loop_timer_set(f->timer, 40);
	loop_timer_set(a, 10);
	run(f);
	assert_string_equal(trace, "a.");
	/* Cleared means never; set again means once more, later. */
	loop_timer_set(a, 1);
	loop_timer_set(f->timer, 20);
	loop_timer_clear(a);
	run(f);
	assert_string_equal(trace, "a..");
	loop_timer_set(a, 1);
	loop_timer_set(a, 40);
	loop_timer_set(f->timer, 5);
	run(f);
	assert_string_equal(trace, "a...");
	loop_timer_free(a);
	loop_timer_free(far);
	loop_timer_free(NULL);
	loop_io_free(NULL);
	loop_signal_free(NULL);
	loop_free(NULL);
}

static void
slow(void *arg)
{
	struct fixture *f = arg;
	uint64_t now = loop_now_ms(f->loop);

	usleep(20000);
	assert_int_equal(loop_now_ms(f->loop), now);
	if (f->started_ms != 0)
		assert_true(now >= f->started_ms + 20);
	f->started_ms = now;
}

static void
slow_and_stop(void *arg)
{
	slow(arg);
	stop(arg);
}

static void
slow_and_post(void *arg)
{
	struct fixture *f = arg;

	slow(f);
	loop_post(f->loop, slow_and_stop, f);
}

static void
now_is_one_per_turn(void **state)
{
	struct fixture *f = *state;

	assert_true(loop_now_ms(f->loop) > 0);
	loop_post(f->loop, slow_and_post, f);
	run(f);
	assert_true(loop_wall_ms() > (uint64_t)1700000000 * 1000);
}

static void
turn_ended(void *arg)
{
	note('|');
}

static void
note_b_and_post_stop(void *arg)
{
	struct fixture *f = arg;

	note('b');
	loop_post(f->loop, stop, f);
}

static void
turn_end_comes_once_after_all(void **state)
{
	struct fixture *f = *state;

	loop_on_turn_end(f->loop, turn_ended, f);
	f->io = loop_io_new(f->loop, f->fd[0], LOOP_READ, on_byte, f);
	assert_int_equal(write(f->fd[1], "x", 1), 1);
	loop_post(f->loop, note_a, NULL);
	loop_post(f->loop, note_b_and_post_stop, f);
	run(f);
	if (strcmp(trace, "xab|.|") != 0)
		assert_string_equal(trace, "abx|.|");
}

static void
raise_it(void *arg)
{
	raise(SIGUSR1);
}

static void
signals_arrive(void **state)
{
	struct fixture *f = *state;
	struct loop_signal *s = loop_signal_new(f->loop, SIGUSR1, stop, f);

	loop_post(f->loop, raise_it, NULL);
	run(f);
	assert_string_equal(trace, ".");
	loop_signal_free(s);
}

static void
stop_before_run_stops_at_once(void **state)
{
	struct fixture *f = *state;

	loop_stop(f->loop);
	run(f);
	loop_post(f->loop, stop, f);
	run(f);
	assert_string_equal(trace, ".");
}

static void
one_wake_up_a_batch(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 10; i++)
		loop_post(f->loop, note_a, NULL);
	loop_post(f->loop, stop, f);
	run(f);
	assert_string_equal(trace, "aaaaaaaaaa.");
	assert_int_equal(wake_ups, 1);
}

static void
post_a(void *arg)
{
	struct fixture *f = arg;

	loop_post(f->loop, note_a, f);
}

static void
free_runs_what_was_posted(void **state)
{
	struct fixture *f = *state;

	loop_post(f->loop, note_a, f);
	loop_post(f->loop, post_a, f);
	loop_free(f->loop);
	assert_string_equal(trace, "aa");
	f->loop = make();
}

#define THREADS 4
#define POSTS   20000

struct poster {
	struct fixture *f;
	pthread_t thread;
	int seen;
	int *finished;
	struct letter {
		struct poster *from;
		int number;
	} letters[POSTS];
};

static void
letter_arrives(void *arg)
{
	struct letter *l = arg;

	/* In the order of posting, each once. */
	assert_int_equal(l->number, l->from->seen);
	if (++l->from->seen == POSTS && ++*l->from->finished == THREADS)
		loop_stop(l->from->f->loop);
}

static void *
post_all(void *arg)
{
	struct poster *p = arg;
	int i;

	for (i = 0; i < POSTS; i++) {
		p->letters[i] = (struct letter){ p, i };
		if (loop_post(p->f->loop, letter_arrives, &p->letters[i]) != 0)
			abort();
	}
	return NULL;
}

static void
threads_post(void **state)
{
	static struct poster posters[THREADS];
	struct fixture *f = *state;
	int i, finished = 0;

	for (i = 0; i < THREADS; i++) {
		posters[i].seen = 0;
		posters[i].f = f;
		posters[i].finished = &finished;
		assert_int_equal(pthread_create(&posters[i].thread, NULL,
				     post_all, &posters[i]),
		    0);
	}
	run(f);
	for (i = 0; i < THREADS; i++) {
		pthread_join(posters[i].thread, NULL);
		assert_int_equal(posters[i].seen, POSTS);
	}
	assert_true(wake_ups <= THREADS * POSTS);
}

static void
count_down(void *arg, int fd, int what)
{
	struct fixture *f = arg;
	char c;

	/* Whoever waits for what will not come hears that by trying. */
	assert_int_equal(what, LOOP_READ);
	assert_int_equal(read(fd, &c, 1), 0);
	loop_stop(f->loop);
}

static void
closed_peer_is_readable(void **state)
{
	struct fixture *f = *state;

	f->io = loop_io_new(f->loop, f->fd[0], LOOP_READ, count_down, f);
	close(f->fd[1]);
	run(f);
	f->fd[1] = dup(f->fd[0]);
}

/* Once the loop has ended nothing of the kernel's keeps a socket open, though
 * it is watched still. */
static void
quiet_lets_go_of_descriptors(void **state)
{
	struct fixture *f = *state;
	char c;

	f->io = loop_io_new(f->loop, f->fd[0], LOOP_READ, count_down, f);
	loop_post(f->loop, stop, f);
	run(f);
	close(f->fd[0]);
	assert_int_equal(read(f->fd[1], &c, 1), 0);
	f->fd[0] = dup(f->fd[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static bool
has_ring(void)
{
	struct loop *l = loop_new_ring();

	if (l == NULL)
		print_message("no io_uring here: %s\n", strerror(errno));
	loop_free(l);
	return l != NULL;
}

#define BOTH                                                               \
	T(io_is_level_triggered_and_pauses),                               \
	    T(io_starts_paused_and_frees_itself), T(timer_is_never_early), \
	    T(timers_come_in_order), T(now_is_one_per_turn),               \
	    T(turn_end_comes_once_after_all),                              \
	    T(stop_before_run_stops_at_once), T(one_wake_up_a_batch),      \
	    T(free_runs_what_was_posted), T(threads_post)

int
main(void)
{
	const struct CMUnitTest by_epoll[] = { BOTH, T(signals_arrive) };
	const struct CMUnitTest by_ring[] = { BOTH, T(closed_peer_is_readable),
		T(quiet_lets_go_of_descriptors) };
	int failed = cmocka_run_group_tests(by_epoll, NULL, NULL);

	if (!has_ring())
		return failed;
	make = loop_new_ring;
	return failed + cmocka_run_group_tests(by_ring, NULL, NULL);
}
