/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ring/ring.h"
#include "tests/unit/test.h"

/* Three times what the queue of submissions takes at once. */
#define MANY    1536
#define BUFFERS 4
#define PAYLOAD 100

/* The kernel's next submissions: so many it refuses, and so many entries it
 * leaves in the queue. */
static int refuse;
static unsigned int leave;

int __real_io_uring_submit(struct io_uring *);
int __wrap_io_uring_submit(struct io_uring *);

int
__wrap_io_uring_submit(struct io_uring *u)
{
	unsigned int ready = io_uring_sq_ready(u), left = leave;
	int n;

	if (refuse > 0) {
		refuse--;
		return -EAGAIN;
	}
	if (left > ready)
		left = ready;
	u->sq.sqe_tail -= left;
	n = __real_io_uring_submit(u);
	u->sq.sqe_tail += left;
	return n;
}

/* An operation, and what it has told. */
struct told {
	struct ring_op op;
	struct fixture *f;
	int calls, ends, res;
	bool again; /* begins anew when it ends */
};

struct fixture {
	struct ring *ring;
	int pair[2];
	int udp, out; /* what is received from, and who sends there */
	struct sockaddr_in at;
	struct told told[MANY];
	int got, flags;
	size_t lens[64];
	uint8_t *data[64];
};

/* An address for this process alone, so that no other gets a port that was just
 * given up. */
static in_addr_t
here(void)
{
	return htonl(0x7f400000 | ((uint32_t)getpid() & 0x3fffff));
}

static void
on_end(struct ring_op *op, struct ring_done *done)
{
	struct told *t = (struct told *)op;
	struct fixture *f = t->f;

	t->calls++;
	t->res = done->res;
	if (done->msg != NULL && f->got < (int)LEN(f->lens)) {
		f->flags = done->msg->msg_flags;
		assert_int_equal(((struct sockaddr_in *)done->msg->msg_name)
				     ->sin_addr.s_addr,
		    here());
		f->lens[f->got] = done->len;
		f->data[f->got++] = done->data;
	}
	if (done->more)
		return;
	assert_false(op->busy);
	t->ends++;
	if (t->again)
		ring_receive(f->ring, op, op->fd);
}

static int
open_udp(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	at->sin_family = AF_INET;
	at->sin_addr.s_addr = here();
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

static bool refused; /* io_uring, here */

static int
setup_unbegun(void **state)
{
	const struct ring_buffers shape = { BUFFERS, 64, PAYLOAD, PAYLOAD };
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in any = { .sin_port = 0 };
	size_t i;

	*state = f;
	refuse = 0;
	leave = 0;
	f->ring = ring_new();
	refused = f->ring == NULL;
	if (refused)
		return 0;
	assert_int_equal(ring_set_buffers(f->ring, &shape), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair), 0);
	f->udp = open_udp(&f->at);
	f->out = open_udp(&any);
	for (i = 0; i < MANY; i++) {
		f->told[i].f = f;
		f->told[i].op.fn = on_end;
	}
	return 0;
}

static int
setup(void **state)
{
	struct fixture *f;

	setup_unbegun(state);
	f = *state;
	if (!refused)
		assert_int_equal(ring_begin(f->ring), 0);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	size_t i;

	if (!refused) {
		refuse = 0;
		leave = 0;
		ring_free(f->ring);
		for (i = 0; i < MANY; i++)
			assert_false(f->told[i].op.busy);
		close(f->pair[0]);
		close(f->pair[1]);
		close(f->udp);
		close(f->out);
	}
	free(f);
	return 0;
}

static struct fixture *
need_ring(void **state)
{
	if (refused) {
		print_message("no io_uring here\n");
		skip();
	}
	return *state;
}

static void
poll_first(struct fixture *f, int n)
{
	int i;

	for (i = 0; i < n; i++)
		ring_poll(f->ring, &f->told[i].op, f->pair[0], POLLIN);
}

static void
wake(struct fixture *f)
{
	assert_int_equal(write(f->pair[1], "x", 1), 1);
}

static void
wait_for_ends(struct fixture *f, int n)
{
	int i, ends;

	alarm(20);
	do {
		assert_int_equal(ring_wait(f->ring, UINT64_MAX), 0);
		for (i = ends = 0; i < n; i++)
			ends += f->told[i].ends;
	} while (ends < n);
	alarm(0);
	for (i = 0; i < n; i++)
		assert_int_equal(f->told[i].ends, 1);
}

static void
polls_once(void **state)
{
	struct fixture *f = need_ring(state);
	struct told *t = &f->told[0];

	poll_first(f, 1);
	assert_true(t->op.busy);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	assert_int_equal(ring_wait(f->ring, 3), -ETIME);
	wake(f);
	wait_for_ends(f, 1);
	assert_int_equal(t->res, POLLIN);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	ring_poll(f->ring, &t->op, f->pair[1], POLLOUT);
	assert_int_equal(ring_wait(f->ring, UINT64_MAX), 0);
	assert_int_equal(t->ends, 2);
	assert_int_equal(t->res, POLLOUT);
}

/* As many as it waits for when they come; and what there is when they do not.
 */
static void
gathers(void **state)
{
	struct fixture *f = need_ring(state);

	poll_first(f, 3);
	assert_int_equal(ring_gather(f->ring, 3, 1), -ETIME);
	wake(f);
	alarm(20);
	assert_int_equal(ring_gather(f->ring, 3, 999999), 0);
	assert_int_equal(ring_count(f->ring).ends, 3);
	poll_first(f, 2);
	assert_int_equal(ring_gather(f->ring, 4, 1), 0);
	alarm(0);
	assert_int_equal(ring_count(f->ring).ends, 5);
}

/* While the kernel does not know of it, while it waits, and when it is to end
 * anyway: one end each. */
static void
cancel_at_any_time(void **state)
{
	struct fixture *f = need_ring(state);
	struct told *t = f->told;

	poll_first(f, 1);
	ring_cancel(f->ring, &t->op);
	ring_cancel(f->ring, &t->op);
	wait_for_ends(f, 1);
	assert_int_equal(t->res, -ECANCELED);

	t->ends = 0;
	poll_first(f, 1);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	ring_cancel(f->ring, &t->op);
	ring_cancel(f->ring, &t->op);
	wait_for_ends(f, 1);
	assert_int_equal(t->res, -ECANCELED);

	t->ends = 0;
	poll_first(f, 1);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	wake(f);
	ring_cancel(f->ring, &t->op);
	wait_for_ends(f, 1);
	assert_true(t->res == POLLIN || t->res == -ECANCELED);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	assert_int_equal(t->ends, 1);
}

static void
say(struct fixture *f, int which, size_t len)
{
	uint8_t data[1000];

	memset(data, which, len);
	assert_int_equal(sendto(f->out, data, len, 0, (struct sockaddr *)&f->at,
			     sizeof(f->at)),
	    len);
}

static void
wait_for_datagrams(struct fixture *f, int n)
{
	alarm(20);
	while (f->got < n)
		assert_int_equal(ring_wait(f->ring, UINT64_MAX), 0);
	alarm(0);
	assert_int_equal(f->got, n);
}

static void
receives_and_cuts(void **state)
{
	struct fixture *f = need_ring(state);
	size_t i;

	ring_receive(f->ring, &f->told[0].op, f->udp);
	say(f, 1, PAYLOAD);
	wait_for_datagrams(f, 1);
	assert_int_equal(f->lens[0], PAYLOAD);
	assert_false(f->flags & MSG_TRUNC);
	assert_int_equal(f->told[0].ends, 0);
	/* An empty one ends it. */
	say(f, 2, 0);
	wait_for_datagrams(f, 2);
	assert_int_equal(f->lens[1], 0);
	assert_int_equal(f->told[0].ends, 1);
	ring_receive(f->ring, &f->told[0].op, f->udp);
	/* There may be more room than was asked for. */
	say(f, 3, 1000);
	wait_for_datagrams(f, 3);
	assert_true(f->lens[2] >= PAYLOAD && f->lens[2] < 500);
	assert_true(f->flags & MSG_TRUNC);
	for (i = 0; i < f->lens[2]; i++)
		assert_int_equal(f->data[2][i], 3);
	assert_true(f->told[0].op.busy);
}

/* What a wait has brought stays until the next one; what has no buffer waits in
 * the socket. */
static void
more_than_there_are_buffers(void **state)
{
	struct fixture *f = need_ring(state);
	int i, round;

	f->told[0].again = true;
	ring_receive(f->ring, &f->told[0].op, f->udp);
	for (i = 0; i < 12; i++)
		say(f, i, 50);
	for (round = 0; round < 3; round++) {
		wait_for_datagrams(f, 4 * round + 4);
		for (i = 4 * round; i < 4 * round + 4; i++) {
			assert_int_equal(f->lens[i], 50);
			assert_int_equal(f->data[i][0], i);
			assert_int_equal(f->data[i][49], i);
		}
	}
	assert_true(f->told[0].ends >= 2);
	f->told[0].again = false;
}

/* A hundred or more messages of one byte each, in order; some of them to
 * nowhere. */
struct letters {
	int n, fds[MANY], errs[MANY];
	uint8_t bytes[MANY];
	struct iovec iov[MANY];
	struct mmsghdr m[MANY];
};

static struct letters letters;

static void
write_letters(struct fixture *f, int n)
{
	struct letters *l = &letters;
	int i;

	l->n = n;
	for (i = 0; i < n; i++) {
		l->bytes[i] = (uint8_t)i;
		l->fds[i] = f->out;
		l->errs[i] = 12345;
		l->iov[i] = (struct iovec){ &l->bytes[i], 1 };
		l->m[i] = (struct mmsghdr){ .msg_hdr = {
						.msg_name = &f->at,
						.msg_namelen = sizeof(f->at),
						.msg_iov = &l->iov[i],
						.msg_iovlen = 1,
					    } };
	}
}

/* All that were told as sent have come, in order, and no others. */
static void
expect_letters(struct fixture *f, int from, int to)
{
	uint8_t byte;
	int i;

	for (i = from; i < to; i++) {
		if (letters.errs[i] != 0)
			continue;
		assert_int_equal(recv(f->udp, &byte, 1, MSG_DONTWAIT), 1);
		assert_int_equal(byte, letters.bytes[i]);
	}
	assert_int_equal(recv(f->udp, &byte, 1, MSG_DONTWAIT), -1);
}

static void
send_tells_of_each(void **state)
{
	static const struct sockaddr_in nobody = { .sin_family = AF_INET };
	struct fixture *f = need_ring(state);
	int i, round;

	for (round = 0; round < 3; round++) {
		write_letters(f, 20);
		letters.fds[0] = -1;
		letters.fds[7] = f->pair[0];
		letters.fds[8] = -1;
		letters.m[12].msg_hdr.msg_name = (void *)(uintptr_t)&nobody;
		letters.fds[19] = -1;
		assert_int_equal(ring_send(f->ring, letters.fds, letters.m, 20,
				     letters.errs),
		    20);
		for (i = 0; i < 20; i++) {
			if (i == 7 || i == 12)
				assert_true(letters.errs[i] < 0);
			else
				assert_int_equal(letters.errs[i],
				    i % 19 == 0 || i == 8 ? -EBADF : 0);
		}
		expect_letters(f, 0, 20);
	}
	/* What failed is nobody's operation. */
	while (ring_wait(f->ring, 0) == 0)
		continue;
}

/* Operations stand in the queue, so that the first messages have to be
 * submitted for the last ones to have room. */
static void
send_more_than_the_queue_takes(void **state)
{
	struct fixture *f = need_ring(state);
	int i, n, done = 0;

	poll_first(f, 500);
	write_letters(f, 600);
	for (i = 0; i < 600; i += 5)
		letters.fds[i] = -1;
	while (done < 600) {
		n = ring_send(f->ring, letters.fds + done, letters.m + done,
		    600 - done, letters.errs + done);
		assert_true(n >= 1 && n <= 600 - done);
		expect_letters(f, done, done + n);
		done += n;
	}
	for (i = 0; i < 600; i++)
		assert_int_equal(letters.errs[i], i % 5 == 0 ? -EBADF : 0);
	wake(f);
	wait_for_ends(f, 500);
}

/* Nothing that was told as refused goes later, when it is overwritten. */
static void
send_that_is_not_taken_in(void **state)
{
	struct fixture *f = need_ring(state);
	int i;

	write_letters(f, 10);
	refuse = 1000;
	assert_int_equal(
	    ring_send(f->ring, letters.fds, letters.m, 10, letters.errs), 10);
	for (i = 0; i < 10; i++)
		assert_int_equal(letters.errs[i], -EAGAIN);
	refuse = 0;
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	expect_letters(f, 0, 10);

	write_letters(f, 10);
	letters.fds[1] = -1;
	leave = 4;
	assert_int_equal(
	    ring_send(f->ring, letters.fds, letters.m, 10, letters.errs), 10);
	for (i = 0; i < 10; i++)
		assert_true(i == 1 || i >= 6 ? letters.errs[i] < 0
					     : letters.errs[i] == 0);
	assert_int_equal(letters.errs[1], -EBADF);
	leave = 0;
	while (ring_wait(f->ring, 0) == 0)
		continue;
	expect_letters(f, 0, 10);
}

static void
send_before_the_beginning(void **state)
{
	struct fixture *f = need_ring(state);

	write_letters(f, 3);
	assert_int_equal(
	    ring_send(f->ring, letters.fds, letters.m, 3, letters.errs), 1);
	assert_int_equal(letters.errs[0], -EBADFD);
	assert_int_equal(ring_begin(f->ring), 0);
	assert_int_equal(ring_begin(f->ring), 0);
	assert_int_equal(
	    ring_send(f->ring, letters.fds, letters.m, 3, letters.errs), 3);
	expect_letters(f, 0, 3);
}

static void
more_than_the_queue_takes(void **state)
{
	struct fixture *f = need_ring(state);

	poll_first(f, MANY);
	wake(f);
	wait_for_ends(f, MANY);
}

/* Before it may submit anything, most of them stand beside the queue. */
static void
many_before_the_beginning(void **state)
{
	struct fixture *f = need_ring(state);
	int i, cancelled = 0;

	poll_first(f, MANY);
	for (i = 0; i < MANY; i += 3)
		ring_cancel(f->ring, &f->told[i].op);
	wake(f);
	assert_int_equal(ring_begin(f->ring), 0);
	wait_for_ends(f, MANY);
	for (i = 0; i < MANY; i++)
		cancelled += f->told[i].res == -ECANCELED;
	assert_int_equal(cancelled, MANY / 3);
}

/* The kernel takes nothing in for a while: neither what is asked for nor what
 * is called off is forgotten. */
static void
kernel_without_memory(void **state)
{
	struct fixture *f = need_ring(state);
	int i;

	poll_first(f, 500);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	refuse = 100000;
	for (i = 500; i < MANY; i++)
		ring_poll(f->ring, &f->told[i].op, f->pair[0], POLLIN);
	for (i = 0; i < MANY; i++)
		ring_cancel(f->ring, &f->told[i].op);
	(void)ring_wait(f->ring, 0);
	refuse = 0;
	wait_for_ends(f, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(f->told[i].res, -ECANCELED);
}

static void
waits_not_for_ever_with_some_unasked(void **state)
{
	struct fixture *f = need_ring(state);
	int i;

	/* The queue is full, and what is beside it is what will be woken. */
	refuse = 100000;
	for (i = 1; i < 600; i++)
		ring_poll(f->ring, &f->told[i].op, f->pair[0], POLLOUT << 8);
	ring_poll(f->ring, &f->told[0].op, f->pair[1], POLLOUT);
	assert_false(f->told[0].op.asked);
	alarm(20);
	assert_int_equal(ring_wait(f->ring, UINT64_MAX), -ETIME);
	refuse = 0;
	assert_int_equal(ring_wait(f->ring, UINT64_MAX), 0);
	alarm(0);
	assert_int_equal(f->told[0].res, POLLOUT);
}

/* Each ends once, and none that begins anew then is begun. */
static void
free_ends_what_is_busy(void **state)
{
	struct fixture *f = need_ring(state);
	int i;

	f->told[0].again = true;
	ring_receive(f->ring, &f->told[0].op, f->udp);
	say(f, 1, 10);
	wait_for_datagrams(f, 1);
	for (i = 1; i < MANY; i++) {
		refuse = i > 1000 ? 100000 : 0;
		ring_poll(f->ring, &f->told[i].op, f->pair[0], POLLIN);
	}
	say(f, 2, 10);
	ring_free(f->ring);
	f->ring = NULL;
	for (i = 0; i < MANY; i++) {
		assert_int_equal(f->told[i].ends, 1);
		assert_int_equal(f->told[i].res, -ECANCELED);
	}
}

/* Sockets that are read are nobody's after it, however many they are. */
static void
quiet_lets_go(void **state)
{
	struct fixture *f = need_ring(state);
	struct sockaddr_in at[200];
	int fds[200], i;

	for (i = 0; i < 200; i++) {
		at[i].sin_port = 0;
		fds[i] = open_udp(&at[i]);
		ring_receive(f->ring, &f->told[i].op, fds[i]);
	}
	ring_poll(f->ring, &f->told[i].op, f->pair[0], POLLIN);
	assert_int_equal(ring_wait(f->ring, 0), -ETIME);
	ring_quiet(f->ring);
	for (i = 0; i < 200; i++) {
		assert_int_equal(f->told[i].ends, 0);
		close(fds[i]);
		close(open_udp(&at[i]));
	}
	wait_for_ends(f, 201);
	for (i = 0; i < 201; i++)
		assert_int_equal(f->told[i].res, -ECANCELED);
}

#define T(f)       cmocka_unit_test_setup_teardown(f, setup, teardown)
#define UNBEGUN(f) cmocka_unit_test_setup_teardown(f, setup_unbegun, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(polls_once),
		T(gathers),
		T(cancel_at_any_time),
		T(receives_and_cuts),
		T(more_than_there_are_buffers),
		T(send_tells_of_each),
		T(send_more_than_the_queue_takes),
		T(send_that_is_not_taken_in),
		UNBEGUN(send_before_the_beginning),
		T(more_than_the_queue_takes),
		UNBEGUN(many_before_the_beginning),
		T(kernel_without_memory),
		T(waits_not_for_ever_with_some_unasked),
		T(free_ends_what_is_busy),
		T(quiet_lets_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
