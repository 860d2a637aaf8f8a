/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes and goes. */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/lib/dgram/fixture.h"

/* Sizes chosen so that merges begin, end short and break. */
static const size_t sizes[] = { 100, 100, 100, 40, 100, 0, 100, 100, 1, 1, 1,
	1200, 1200, 1200, 7, 9, 9, 2048, 2048, 3, 0, 0, 64, 64, 63 };

/* From peers[0] and so on in turn, each of them all sizes. */
static void
say_sizes(struct fixture *f, int npeers, const struct addr *to)
{
	static uint8_t data[4][LEN(sizes)][2048];
	int i, p;

	for (i = 0; i < (int)LEN(sizes); i++) {
		for (p = 0; p < npeers; p++) {
			fill(data[p][i], 10 * p + i, sizes[i]);
			batch_tx_add(f->out, f->peers[p], to, NULL, 0,
			    data[p][i], sizes[i]);
		}
	}
	batch_tx_flush(f->out);
	f->want += npeers * (int)LEN(sizes);
}

static void
hear_sizes(struct fixture *f, int npeers)
{
	int i, p;

	for (p = 0; p < npeers; p++) {
		for (i = 0; i < (int)LEN(sizes); i++)
			hear(f->peers[p], 10 * p + i, sizes[i]);
		hear_nothing(f->peers[p]);
	}
}

static void
sizes_come_in_order(void **state)
{
	struct fixture *f = *state;
	struct sock *s = add(f, here());
	int round;

	for (round = 0; round < 3; round++) {
		say_sizes(f, 1, &s->at);
		run(f, got_all);
		hear_sizes(f, 1);
	}
	assert_int_equal(f->got, 3 * LEN(sizes));
	assert_int_equal(f->failed, 0);
	assert_int_equal(f->lost, 0);
}

static void
flows_mix(void **state)
{
	struct fixture *f = *state;
	struct sock *s = add(f, here());
	int round;

	for (round = 0; round < 3; round++) {
		say_sizes(f, 4, &s->at);
		run(f, got_all);
		hear_sizes(f, 4);
	}
	assert_int_equal(f->got, 3 * 4 * LEN(sizes));
}

static void
ipv6(void **state)
{
	struct fixture *f = *state;
	struct addr at;
	struct sock *s;
	int fd;

	assert_int_equal(addr_parse("::1", &at), 0);
	fd = sock_udp(&at);
	if (fd < 0) {
		print_message("no IPv6 here\n");
		skip();
	}
	close(f->peers[0]);
	f->peers[0] = fd;
	s = add(f, at);
	say_sizes(f, 1, &s->at);
	run(f, got_all);
	hear_sizes(f, 1);
}

/* Asks what the datagram is like, too. */
static void
answer_around(struct sock *s, struct batch_in *in, int n)
{
	struct addr asked = addr_v4(127, 3, 2, 1, 0);
	uint8_t *d;

	for (; n-- > 0; in++) {
		assert_true(addr_equal_ip(&in->local, &asked));
		assert_true(addr_equal(&in->src, &s->f->peer_at[0]));
		assert_int_equal(in->truncated, in->len == BATCH_BYTES);
		/* The room around it belongs to whoever relays it. */
		d = in->data - BATCH_HEADROOM;
		memmove(d, in->data, in->len < 64 ? in->len : 64);
		memset(in->data + in->len, 0xee, BATCH_TAILROOM);
		batch_tx_add_from(s->f->tx,
		    &(struct batch_route){ s->fd, &in->local, &in->src }, NULL,
		    0, d, in->len < 64 ? in->len : 64);
	}
}

/* On a socket of all addresses; one that is too long is cut and says so. */
static void
addresses_and_room(void **state)
{
	static const size_t lens[] = { 100, 100, 60, BATCH_BYTES + 1, 0, 8 };
	struct fixture *f = *state;
	struct sock *s = add(f, addr_v4(0, 0, 0, 0, 0));
	struct addr to = addr_v4(127, 3, 2, 1, s->at.port);
	size_t i;

	f->input = answer_around;
	for (i = 0; i < LEN(lens); i++)
		say(f->peers[0], &to, (int)i, lens[i]);
	f->want = LEN(lens);
	run(f, got_all);
	for (i = 0; i < LEN(lens); i++)
		hear(f->peers[0], (int)i, lens[i] < 64 ? lens[i] : 64);
}

/* A ring has 256 buffers; what they do not hold waits in the sockets. What is
 * queued lies in them until it is sent. */
static void
more_than_there_are_buffers(void **state)
{
	struct fixture *f = *state;
	int i, p, round, n = 200;

	for (p = 0; p < 4; p++)
		add(f, here());
	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++) {
			for (p = 0; p < 4; p++)
				say(f->peers[p], &f->socks[p].at, 50 * p + i,
				    60);
		}
		f->want += 4 * n;
		run(f, got_all);
		for (p = 0; p < 4; p++) {
			for (i = 0; i < n; i++)
				hear(f->peers[p], 50 * p + i, 60);
		}
	}
	assert_int_equal(f->got, 2 * 4 * n);
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->failed, 0);
}

/* As who answers out of buffers of his own does when they run out. */
static void
echo_and_flush(struct sock *s, struct batch_in *in, int n)
{
	static int echoed;
	int i;

	for (i = 0; i < n; i++) {
		echo(s, &in[i], 1);
		if (++echoed % 7 == 0)
			dgrams_flush(s->f->dgrams);
	}
}

/* What was not queued yet, or was after the flush, stays where it is. */
static void
flush_in_the_middle(void **state)
{
	struct fixture *f = *state;
	int i, p, n = 100;

	f->input = echo_and_flush;
	for (p = 0; p < 4; p++)
		add(f, here());
	for (i = 0; i < n; i++) {
		for (p = 0; p < 4; p++)
			say(f->peers[p], &f->socks[p].at, 50 * p + i, 60);
	}
	f->want = 4 * n;
	run(f, got_all);
	for (p = 0; p < 4; p++) {
		for (i = 0; i < n; i++)
			hear(f->peers[p], 50 * p + i, 60);
	}
}

static void
set_room(int fd, int bytes)
{
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

static bool
all_accounted_for(struct fixture *f)
{
	return f->got + (int)f->lost >= f->want;
}

static void
drops_are_counted(void **state)
{
	struct fixture *f = *state;
	struct sock *s = add(f, here());
	uint32_t before;
	int i, round;

	f->input = ignore;
	add(f, here());
	for (round = 0; round < 3; round++) {
		before = f->lost;
		set_room(s->fd, 4096);
		for (i = 0; i < 300; i++)
			say(f->peers[0], &s->at, i, 100);
		/* The kernel tells of drops with what comes after them. */
		set_room(s->fd, 100000);
		say(f->peers[0], &s->at, i, 100);
		say(f->peers[0], &f->socks[1].at, i, 100);
		f->want += 302;
		run(f, all_accounted_for);
		assert_true(f->lost > before + 100);
		assert_int_equal(f->got + (int)f->lost, f->want);
	}
	assert_int_equal(s->lost, f->lost);
	assert_int_equal(f->socks[1].lost, 0);
}

/* More of them than there are buffers, places in the queue of sends and, when
 * they are opened, for submissions. */
static void
one_each_of_many(void **state)
{
	struct fixture *f = *state;
	int i, round, n = sockets_allowed();

	for (i = 0; i < n; i++)
		add(f, here());
	for (round = 0; round < 3; round++) {
		for (i = 0; i < n; i++)
			say(f->peers[i % 4], &f->socks[i].at, i, 33);
		f->want += n;
		run(f, got_all);
		for (i = 0; i < n; i++)
			assert_int_equal(f->socks[i].got, round + 1);
		for (i = 0; i < n; i++) {
			/* Among sockets there is no order. */
			uint8_t data[100];

			assert_int_equal(
			    recv(f->peers[i % 4], data, sizeof(data), 0), 33);
		}
	}
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->failed, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(sizes_come_in_order),
		T(flows_mix),
		T(ipv6),
		T(addresses_and_room),
		T(more_than_there_are_buffers),
		T(flush_in_the_middle),
		T(drops_are_counted),
		T(one_each_of_many),
	};

	return on_both_engines(tests, LEN(tests));
}
