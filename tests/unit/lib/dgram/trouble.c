/* SPDX-License-Identifier: BSD-3-Clause */
/* What is refused, what ICMP says, and sockets that go. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/lib/dgram/fixture.h"

static const struct addr broadcast = {
	.family = ADDR_V4, .ip = { 127, 255, 255, 255 }, .port = 9
};
static uint8_t huge[66000];

static void
queue_refused_ones(struct fixture *f)
{
	const struct addr *a = &f->peer_at[0], *b = &f->peer_at[1];
	int fd = f->socks[0].fd;

	fill(huge, 0, sizeof(huge));
	batch_tx_add(f->tx, fd, a, NULL, 0, huge, 1);
	batch_tx_add(f->tx, fd, a, NULL, 0, huge, sizeof(huge));
	batch_tx_add(f->tx, fd, &broadcast, NULL, 0, huge, 2);
	batch_tx_add(f->tx, fd, a, NULL, 0, huge, 3);
	batch_tx_add(f->tx, -1, a, NULL, 0, huge, 4);
	batch_tx_add(f->tx, f->socks[1].fd, b, NULL, 0, huge, 5);
	batch_tx_add(f->tx, f->socks[1].fd, b, NULL, 0, huge, 5);
	batch_tx_add(f->tx, f->socks[1].fd, &broadcast, NULL, 0, huge, 6);
	batch_tx_add(f->tx, f->socks[1].fd, b, NULL, 0, huge, 7);
}

static int
verdict_of(const struct fixture *f, size_t len)
{
	int i;

	for (i = 0; i < f->nsent; i++) {
		if (f->lens[i] == len)
			return f->errs[i];
	}
	fail_msg("nothing was told of the one of %zu bytes", len);
	return 0;
}

static void
refused_ones_cost_only_themselves(void **state)
{
	struct fixture *f = *state;
	int round;

	add(f, here());
	add(f, here());
	for (round = 0; round < 3; round++) {
		f->nsent = 0;
		f->first = queue_refused_ones;
		run(f, at_once);
		assert_int_equal(f->nsent, 9);
		assert_int_equal(verdict_of(f, 1), 0);
		assert_int_equal(verdict_of(f, sizeof(huge)), -EMSGSIZE);
		assert_int_equal(verdict_of(f, 2), -EACCES);
		assert_int_equal(verdict_of(f, 3), 0);
		assert_int_equal(verdict_of(f, 4), -EBADF);
		assert_int_equal(verdict_of(f, 6), -EACCES);
		assert_int_equal(verdict_of(f, 7), 0);
		hear(f->peers[0], 0, 1);
		hear(f->peers[0], 0, 3);
		hear_nothing(f->peers[0]);
		hear(f->peers[1], 0, 5);
		hear(f->peers[1], 0, 5);
		hear(f->peers[1], 0, 7);
		hear_nothing(f->peers[1]);
	}
}

/* What is sent before there is a turn, and after the last one. */
static void
queue_one(struct fixture *f)
{
	batch_tx_add(f->tx, f->socks[0].fd, &f->peer_at[0], NULL, 0, huge, 100);
}

static void
sends_outside_of_turns(void **state)
{
	struct fixture *f = *state;

	fill(huge, 0, sizeof(huge));
	add(f, here());
	queue_one(f);
	dgrams_flush(f->dgrams);
	hear(f->peers[0], 0, 100);
	run(f, at_once);
	queue_one(f);
	dgrams_flush(f->dgrams);
	hear(f->peers[0], 0, 100);
	assert_int_equal(f->nsent, 2);
}

static int own_net = -1; /* where to go back to */

static void
lo_set(unsigned long what, struct ifreq *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(r->ifr_name, "lo");
	assert_int_equal(ioctl(fd, what, r), 0);
	close(fd);
}

static void
set_mtu(int mtu)
{
	struct ifreq r = { .ifr_mtu = mtu };

	lo_set(SIOCSIFMTU, &r);
}

static int
setup_in_own_net(void **state)
{
	struct ifreq r = { .ifr_flags = IFF_UP };
	FILE *now = fopen("/proc/thread-self/ns/net", "re");

	own_net = -1;
	if (now != NULL && unshare(CLONE_NEWNET) == 0)
		own_net = dup(fileno(now));
	if (now != NULL)
		fclose(now);
	if (own_net >= 0)
		lo_set(SIOCSIFFLAGS, &r);
	return setup(state);
}

static int
teardown_in_own_net(void **state)
{
	int r = teardown(state);

	if (own_net >= 0) {
		assert_int_equal(setns(own_net, CLONE_NEWNET), 0);
		close(own_net);
	}
	return r;
}

static void
queue_long_run(struct fixture *f)
{
	static uint8_t data[20][1000];
	int i;

	for (i = 0; i < 20; i++) {
		fill(data[i], i, sizeof(data[i]));
		batch_tx_add(f->tx, f->socks[0].fd, &f->peer_at[i % 2], NULL, 0,
		    data[i], i < 18 ? 1000 : 500);
	}
}

/* No segment fits, so the kernel refuses the run: each goes on its own, in
 * fragments. Later the link is as it was. */
static void
segments_too_long_for_the_link(void **state)
{
	static const int mtus[] = { 65536, 600, 1000, 1028, 900, 65536, 600 };
	struct fixture *f = *state;
	size_t m;
	int i;

	if (own_net < 0) {
		print_message("no network namespace of our own\n");
		skip();
	}
	add(f, here());
	for (m = 0; m < LEN(mtus); m++) {
		set_mtu(mtus[m]);
		f->nsent = 0;
		f->first = queue_long_run;
		run(f, at_once);
		assert_int_equal(f->nsent, 20);
		for (i = 0; i < 20; i++)
			assert_int_equal(f->errs[i], 0);
		for (i = 0; i < 20; i++)
			hear(f->peers[i % 2], i, i < 18 ? 1000 : 500);
	}
	assert_int_equal(f->failed, 0);
}

static bool
erred(struct fixture *f)
{
	return f->erred >= f->want;
}

/* To a port that is closed, and to no other. */
static void
queue_to_nobody(struct fixture *f)
{
	batch_tx_add(f->tx, f->socks[0].fd, &f->peer_at[3], NULL, 0, huge, 10);
}

static void
nobody_there(struct fixture *f)
{
	fill(huge, 0, sizeof(huge));
	close(f->peers[3]);
	f->peers[3] = -1;
	assert_int_equal(sock_keep_errors(f->socks[0].fd, ADDR_V4), 0);
}

/* Nothing else is sent or comes: the error itself wakes us. */
static void
icmp_wakes_who_reads(void **state)
{
	struct fixture *f = *state;
	int round;

	add(f, here());
	nobody_there(f);
	for (round = 0; round < 5; round++) {
		f->want++;
		f->first = queue_to_nobody;
		run(f, erred);
	}
	assert_int_equal(f->erred, 5);
	assert_int_equal(f->failed, 0);
	/* And it is read as before. */
	say(f->peers[0], &f->socks[0].at, 4, 44);
	f->got = 0;
	f->want = 1;
	run(f, got_all);
	hear(f->peers[0], 4, 44);
}

/* Of different lengths, so that each is a message of its own. */
static void
queue_good_and_lost(struct fixture *f, int lost)
{
	int fd = f->socks[0].fd, i;

	for (i = 0; i < 8; i++) {
		batch_tx_add(f->tx, fd, &f->peer_at[i % 2], NULL, 0, huge,
		    100 + (size_t)i);
		if (i < lost)
			batch_tx_add(f->tx, fd, &f->peer_at[3], NULL, 0, huge,
			    10 + (size_t)i);
	}
}

static void
queue_one_lost(struct fixture *f)
{
	queue_good_and_lost(f, 1);
}

static void
queue_all_lost(struct fixture *f)
{
	queue_good_and_lost(f, 8);
}

/* All of 100 to 107 bytes have come, one each. By io_uring the one that met the
 * error is behind those that went in the same call. */
static void
hear_good(struct fixture *f)
{
	struct pollfd p = { .events = POLLIN };
	unsigned int heard = 0;
	ssize_t n;
	int i;

	for (i = 0; i < 8; i++) {
		if (loop_ring(f->loop) == NULL) {
			hear(f->peers[i % 2], 0, 100 + (size_t)i);
			continue;
		}
		p.fd = f->peers[i % 2];
		assert_int_equal(poll(&p, 1, 10000), 1);
		n = recv(p.fd, huge, sizeof(huge), 0) - 100;
		assert_true(n >= 0 && n < 8 && n % 2 == i % 2);
		heard |= 1u << n;
	}
	assert_true(loop_ring(f->loop) == NULL || heard == 0xff);
	hear_nothing(f->peers[0]);
	hear_nothing(f->peers[1]);
}

/* The next send takes the error from the socket, so that a receive does not
 * see it. With several the kernel has said it of the last one, too. */
static void
icmp_that_a_send_met(void **state)
{
	struct fixture *f = *state;
	int i, round;

	add(f, here());
	nobody_there(f);
	for (round = 0; round < 10; round++) {
		f->want = f->erred + 1;
		f->nsent = 0;
		f->first = round % 2 == 0 ? queue_one_lost : queue_all_lost;
		run(f, erred);
		assert_int_equal(f->nsent, round % 2 == 0 ? 9 : 16);
		for (i = 0; i < 8; i++)
			assert_int_equal(verdict_of(f, 100 + (size_t)i), 0);
		hear_good(f);
	}
	assert_int_equal(f->failed, 0);
}

static void
queue_and_stop(struct fixture *f)
{
	queue_all_lost(f);
	dgrams_flush(f->dgrams);
	loop_stop(f->loop);
}

/* The loop ends in the turn in which a send has met an error, so nobody comes
 * to look at it. */
static void
ends_with_icmp_unread(void **state)
{
	struct fixture *f = *state;

	add(f, here());
	nobody_there(f);
	f->first = queue_and_stop;
	run(f, at_once);
	drop(&f->socks[0]);
	close_dgrams(f);
	open_dgrams(f);
}

/* The number of one that was read is another socket's now, which is not, and
 * meets an error. */
static void
icmp_of_one_that_is_not_read(void **state)
{
	struct fixture *f = *state;
	struct sock *s = add(f, here());
	int fd = s->fd;

	run(f, at_once);
	drop(s);
	s->fd = open_udp(here(), &s->at);
	assert_int_equal(s->fd, fd);
	nobody_there(f);
	f->first = queue_one_lost;
	run(f, at_once);
	hear_good(f);
	run(f, at_once);
	assert_int_equal(s->erred, 0);
	close(s->fd);
}

/* Whichever is first closes all others, whatever is on its way to them. */
static void
close_others(struct sock *s, struct batch_in *in, int n)
{
	struct fixture *f = s->f;
	int i;

	assert_non_null(s->d);
	for (i = 0; i < f->nsocks; i++) {
		if (&f->socks[i] != s)
			drop(&f->socks[i]);
	}
}

static void
closed_while_something_comes(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 40; i++)
		add(f, here());
	/* Once around, so that all are being read. */
	f->first = queue_one;
	run(f, at_once);
	f->input = close_others;
	for (i = 0; i < 40; i++)
		say(f->peers[0], &f->socks[i].at, 1, 50);
	f->want = 1;
	run(f, got_all);
	run(f, at_once);
	assert_int_equal(f->got, 1);
	for (i = 0; i < 40; i++)
		drop(&f->socks[i]);
	/* Whoever has their numbers now gets what is his, all of it. */
	f->input = echo;
	f->nsocks = 0;
	for (i = 0; i < 40; i++) {
		add(f, here());
		say(f->peers[1], &f->socks[i].at, i, 70);
	}
	f->want = f->got + 40;
	run(f, got_all);
	assert_int_equal(f->failed, 0);
}

static void
reopen_many(struct fixture *f)
{
	int i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < 8; i++) {
			drop(&f->socks[i]);
			f->nsocks = i;
			add(f, here());
			say(f->peers[0], &f->socks[i].at, i, 70);
		}
	}
	f->nsocks = 8;
}

/* A number that is another socket's before the kernel has heard of the first:
 * only what the last ones get counts. */
static void
number_used_again_in_one_turn(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < 8; i++)
		add(f, here());
	f->first = reopen_many;
	f->want = 8;
	run(f, got_all);
	assert_int_equal(f->got, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(f->socks[i].got, 1);
	assert_int_equal(f->failed, 0);
}

/* Nothing of the kernel's keeps them bound. */
static void
ports_are_free_after_the_end(void **state)
{
	struct fixture *f = *state;
	struct addr at;
	int fds[50], i;

	for (i = 0; i < 50; i++) {
		add(f, here());
		say(f->peers[0], &f->socks[i].at, i, 70);
	}
	f->want = 50;
	run(f, got_all);
	for (i = 0; i < 50; i++)
		drop(&f->socks[i]);
	for (i = 0; i < 50; i++)
		fds[i] = open_udp(f->socks[i].at, &at);
	for (i = 0; i < 50; i++)
		close(fds[i]);
}

/* Closed before any of them was ever read. */
static void
many_closed_before_the_first_turn(void **state)
{
	struct fixture *f = *state;
	int i, n = sockets_allowed();

	for (i = 0; i < n; i++)
		add(f, here());
	for (i = 0; i < n - 1; i++)
		drop(&f->socks[i]);
	/* These have the numbers of those. */
	f->socks[0] = f->socks[n - 1];
	f->nsocks = 0;
	drop(&f->socks[0]);
	for (i = 0; i < n; i++) {
		f->nsocks = i;
		f->socks[i].got = 0;
		add(f, here());
		say(f->peers[0], &f->socks[i].at, i, 33);
	}
	f->input = ignore;
	f->want = n;
	run(f, got_all);
	for (i = 0; i < n; i++)
		assert_int_equal(f->socks[i].got, 1);
}

#define IN_OWN_NET(f)                    \
	cmocka_unit_test_setup_teardown( \
	    f, setup_in_own_net, teardown_in_own_net)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(refused_ones_cost_only_themselves),
		T(sends_outside_of_turns),
		IN_OWN_NET(segments_too_long_for_the_link),
		T(icmp_wakes_who_reads),
		T(icmp_that_a_send_met),
		T(ends_with_icmp_unread),
		T(icmp_of_one_that_is_not_read),
		T(closed_while_something_comes),
		T(number_used_again_in_one_turn),
		T(ports_are_free_after_the_end),
		T(many_closed_before_the_first_turn),
	};

	return on_both_engines(tests, LEN(tests));
}
