/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/batch.h"
#include "lib/net/sock.h"
#include "tests/unit/test.h"

/* The verdicts that batch_tx told, in its order. */
static struct {
	int count, ok, last_err;
	size_t bytes;
} told;

/* What the next calls of the kernel shall fail with; 0: let them through. */
static int fail_send[4], fail_recv[4];
static int send_calls, messages_sent;

int __real_sendmmsg(int, struct mmsghdr *, unsigned int, int);
int __wrap_sendmmsg(int, struct mmsghdr *, unsigned int, int);
int
__real_recvmmsg(int, struct mmsghdr *, unsigned int, int, struct timespec *);
int
__wrap_recvmmsg(int, struct mmsghdr *, unsigned int, int, struct timespec *);

int
__wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags)
{
	int r,
	    err = send_calls < (int)LEN(fail_send) ? fail_send[send_calls] : 0;

	send_calls++;
	if (err != 0) {
		errno = err;
		return -1;
	}
	r = __real_sendmmsg(fd, m, n, flags);
	messages_sent += r > 0 ? r : 0;
	return r;
}

int
__wrap_recvmmsg(
    int fd, struct mmsghdr *m, unsigned int n, int flags, struct timespec *ts)
{
	size_t i;

	for (i = 0; i < LEN(fail_recv); i++) {
		if (fail_recv[i] == 0)
			continue;
		errno = fail_recv[i];
		fail_recv[i] = 0;
		return -1;
	}
	return __real_recvmmsg(fd, m, n, flags, ts);
}

static void
on_sent(void *arg, int fd, const struct addr *dst, size_t len, int err)
{
	assert_ptr_equal(arg, &told);
	told.count++;
	told.bytes += len;
	if (err == 0)
		told.ok++;
	else
		told.last_err = err;
}

struct fixture {
	struct batch_rx *rx;
	struct batch_tx *tx;
	int from, to[2];
	struct addr src, dst[2];
};

static int
open_udp(struct addr *at)
{
	struct addr a = addr_v4(127, 0, 0, 1, 0);
	int fd = sock_udp(&a);

	assert_true(fd >= 0);
	assert_int_equal(sock_local(fd, at), 0);
	return fd;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->rx = batch_rx_new();
	f->tx = batch_tx_new(on_sent, &told);
	f->from = open_udp(&f->src);
	f->to[0] = open_udp(&f->dst[0]);
	f->to[1] = open_udp(&f->dst[1]);
	memset(&told, 0, sizeof(told));
	memset(fail_send, 0, sizeof(fail_send));
	memset(fail_recv, 0, sizeof(fail_recv));
	send_calls = messages_sent = 0;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	batch_rx_free(f->rx);
	batch_tx_free(f->tx);
	close(f->from);
	close(f->to[0]);
	close(f->to[1]);
	free(f);
	return 0;
}

static void
expect(struct fixture *f, int i, const char *data, size_t len)
{
	struct batch_in *in = batch_rx_at(f->rx, i);

	assert_int_equal(in->len, len);
	assert_memory_equal(in->data, data, len);
	assert_true(addr_equal(&in->src, &f->src));
	assert_false(in->truncated);
}

static void
sends_and_receives(void **state)
{
	struct fixture *f = *state;

	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, "one", 3);
	batch_tx_add(f->tx, f->from, &f->dst[0], "head", 4, "two", 3);
	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, NULL, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 0);
	batch_tx_flush(f->tx);
	assert_int_equal(told.count, 3);
	assert_int_equal(told.ok, 3);
	assert_int_equal(told.bytes, 10);
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 3);
	expect(f, 0, "one", 3);
	expect(f, 1, "headtwo", 7);
	expect(f, 2, "", 0);
	/* The head-room belongs to whoever relays the datagram. */
	memset(
	    batch_rx_at(f->rx, 1)->data - BATCH_HEADROOM, 0xff, BATCH_HEADROOM);
	memset(batch_rx_at(f->rx, 0)->data + 3, 0xff, BATCH_TAILROOM);
	expect(f, 0, "one", 3);
	expect(f, 1, "headtwo", 7);
	batch_tx_flush(f->tx);
	assert_int_equal(told.count, 3);
}

/* On a socket of all addresses the answer comes from the one that was asked,
 * alone, in a run, and when the run is refused and sent singly. */
static void
answers_from_the_address_asked(void **state)
{
	const struct addr any = addr_v4(0, 0, 0, 0, 0);
	struct addr asked, bound;
	struct fixture *f = *state;
	struct batch_in *in;
	int fd, i, round;

	assert_int_equal(sock_udp_group(&any, &fd, 1, &bound), 0);
	asked = addr_v4(127, 1, 2, 3, bound.port);
	for (round = 0; round < 2; round++) {
		batch_tx_add(f->tx, f->from, &asked, NULL, 0, "hello", 5);
		batch_tx_flush(f->tx);
		assert_int_equal(batch_rx_read(f->rx, fd), 1);
		in = batch_rx_at(f->rx, 0);
		assert_true(addr_equal_ip(&in->local, &asked));
		assert_int_equal(in->local.port, 0);
		for (i = 0; i < 3; i++)
			batch_tx_add_from(f->tx,
			    &(struct batch_route){ fd, &in->local, &in->src },
			    "ans", 3, "wer", 3);
		fail_send[send_calls] = round == 0 ? 0 : EPERM;
		batch_tx_flush(f->tx);
		assert_int_equal(batch_rx_read(f->rx, f->from), 3);
		for (i = 0; i < 3; i++) {
			in = batch_rx_at(f->rx, i);
			assert_true(addr_equal(&in->src, &asked));
			assert_memory_equal(in->data, "answer", 6);
			/* This one has only one address. */
			assert_int_equal(in->local.family, ADDR_NONE);
		}
	}
	close(fd);
}

/* Sizes chosen so that runs begin, end short, and break. */
static void
keeps_order_within_a_flow(void **state)
{
	static const size_t sizes[] = { 100, 100, 100, 40, 100, 0, 100, 100, 1,
		1, 1, 1200, 1200, 1200, 7, 9, 9, 2048 };
	static uint8_t data[2][LEN(sizes)][2048];
	struct fixture *f = *state;
	size_t i, n;
	int k;

	for (i = 0; i < LEN(sizes); i++) {
		for (k = 0; k < 2; k++) {
			memset(data[k][i], (int)(2 * i) + k, sizes[i]);
			n = i % 2 ? 0 : sizes[i] < 4 ? sizes[i] : 4;
			batch_tx_add(f->tx, f->from, &f->dst[k], data[k][i], n,
			    data[k][i] + n, sizes[i] - n);
		}
	}
	batch_tx_flush(f->tx);
	assert_int_equal(told.ok, 2 * LEN(sizes));
	assert_int_equal(send_calls, 1);
	for (k = 0; k < 2; k++) {
		assert_int_equal(batch_rx_read(f->rx, f->to[k]), LEN(sizes));
		for (i = 0; i < LEN(sizes); i++)
			expect(f, (int)i, (char *)data[k][i], sizes[i]);
	}
}

static void
equal_sizes_leave_as_one_message(void **state)
{
	static char data[BATCH_MAX + 1][600];
	struct fixture *f = *state;
	int i;

	for (i = 0; i <= BATCH_MAX; i++) {
		memset(data[i], i, sizeof(data[i]));
		batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, data[i],
		    sizeof(data[i]));
	}
	/* Full means flushed; the last one waits. */
	assert_int_equal(told.ok, BATCH_MAX);
	/* 128 * 600 bytes are two IP packets' worth. */
	assert_int_equal(messages_sent, 2);
	for (i = 0; i < BATCH_MAX; i++) {
		if (i % BATCH_READ == 0)
			assert_int_equal(
			    batch_rx_read(f->rx, f->to[0]), BATCH_READ);
		assert_true(batch_rx_more(f->rx));
		expect(f, i % BATCH_READ, data[i], sizeof(data[i]));
	}
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 0);
	assert_false(batch_rx_more(f->rx));
	batch_tx_flush(f->tx);
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 1);
	assert_false(batch_rx_more(f->rx));
}

/* Whatever the kernel says to one datagram, the others arrive. */
static void
refused_datagram_costs_itself(void **state)
{
	static const int errors[] = { EHOSTUNREACH, ECONNREFUSED, EMSGSIZE,
		ENOBUFS, EAGAIN, EPERM };
	struct fixture *f = *state;
	size_t i, k;

	for (i = 0; i < LEN(errors); i++) {
		memset(&told, 0, sizeof(told));
		send_calls = 0;
		/* Those of ICMP may be another's, so they are tried again. */
		for (k = 0; k < LEN(fail_send); k++)
			fail_send[k] = i < 3 || k == 0 ? errors[i] : 0;
		batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, "1", 1);
		batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, "22", 2);
		batch_tx_add(f->tx, f->from, &f->dst[1], NULL, 0, "333", 3);
		batch_tx_flush(f->tx);
		assert_int_equal(told.count, 3);
		assert_int_equal(told.ok, 2);
		assert_int_equal(told.last_err, -errors[i]);
		assert_int_equal(batch_rx_read(f->rx, f->to[0]), 1);
		expect(f, 0, "22", 2);
		assert_int_equal(batch_rx_read(f->rx, f->to[1]), 1);
		expect(f, 0, "333", 3);
	}
}

static void
really_refused_in_the_middle(void **state)
{
	struct addr nowhere = addr_v4(255, 255, 255, 255, 9);
	static char big[66000];
	struct fixture *f = *state;

	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, "a", 1);
	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, big, sizeof(big));
	batch_tx_add(f->tx, f->from, &nowhere, NULL, 0, "b", 1);
	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, "c", 1);
	batch_tx_add(f->tx, -1, &f->dst[0], NULL, 0, "d", 1);
	batch_tx_add(f->tx, f->from, &f->dst[1], NULL, 0, "e", 1);
	batch_tx_flush(f->tx);
	assert_int_equal(told.count, 6);
	assert_int_equal(told.ok, 3);
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 2);
	expect(f, 0, "a", 1);
	expect(f, 1, "c", 1);
	assert_int_equal(batch_rx_read(f->rx, f->to[1]), 1);
	expect(f, 0, "e", 1);
}

static void
refused_run_goes_singly(void **state)
{
	static const int errors[] = { EINVAL, EMSGSIZE, EIO };
	struct fixture *f = *state;
	size_t i;
	int k;

	for (i = 0; i < LEN(errors); i++) {
		memset(&told, 0, sizeof(told));
		send_calls = 0;
		fail_send[0] = errors[i];
		for (k = 0; k < 5; k++)
			batch_tx_add(
			    f->tx, f->from, &f->dst[0], "h", 1, &"abcde"[k], 1);
		batch_tx_flush(f->tx);
		assert_int_equal(told.ok, 5);
		assert_int_equal(told.bytes, 10);
		assert_int_equal(batch_rx_read(f->rx, f->to[0]), 5);
		expect(f, 0, "ha", 2);
		expect(f, 4, "he", 2);
	}
	/* EIO: no offload, so it is not tried again. */
	fail_send[0] = messages_sent = 0;
	for (k = 0; k < 5; k++)
		batch_tx_add(
		    f->tx, f->from, &f->dst[0], NULL, 0, &"abcde"[k], 1);
	batch_tx_flush(f->tx);
	assert_int_equal(messages_sent, 5);
}

/*
 * One socket speaks to a port that is closed and to one that is not: what ICMP
 * says of the first is reported by the next send, which is to the second.
 */
static void
icmp_of_one_costs_the_other_nothing(void **state)
{
	struct fixture *f = *state;
	struct sock_error e;
	int round, k, first;

	close(f->to[1]);
	assert_int_equal(sock_keep_errors(f->from, ADDR_V4), 0);
	for (round = 0; round < 20; round++) {
		/* Both orders, runs and single ones. */
		first = round / 3 % 2;
		for (k = 0; k < 1 + round % 4; k++)
			batch_tx_add(
			    f->tx, f->from, &f->dst[first], NULL, 0, "abcd", 4);
		for (k = 0; k < 1 + round % 4; k++)
			batch_tx_add(f->tx, f->from, &f->dst[1 - first], NULL,
			    0, "abcd", 4);
		batch_tx_flush(f->tx);
		assert_int_equal(batch_rx_read(f->rx, f->to[0]), 1 + round % 4);
	}
	assert_int_equal(batch_rx_read(f->rx, f->from), 0);
	assert_true(batch_rx_erred(f->rx));
	assert_int_equal(sock_next_error(f->from, &e), 1);
	assert_true(addr_equal(&e.dst, &f->dst[1]));
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, 3);
	f->to[1] = open_udp(&f->dst[1]);
}

static void
icmp_does_not_end_the_drain(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&f->dst[0], &ss);

	/* A real one: the port is closed when the first datagram gets there. */
	close(f->to[0]);
	assert_int_equal(connect(f->from, (struct sockaddr *)&ss, len), 0);
	batch_tx_add(f->tx, f->from, NULL, NULL, 0, "x", 1);
	batch_tx_flush(f->tx);
	assert_int_equal(told.ok, 1);
	f->to[0] = sock_udp(&f->dst[0]);
	assert_true(f->to[0] >= 0);
	batch_tx_add(f->tx, f->to[0], &f->src, NULL, 0, "y", 1);
	batch_tx_flush(f->tx);
	assert_int_equal(batch_rx_read(f->rx, f->from), 1);
	assert_int_equal(batch_rx_read(f->rx, f->from), 0);
	/* And all that there are. */
	memcpy(fail_recv,
	    (int[]){ EHOSTUNREACH, ENETUNREACH, EMSGSIZE, EPROTO },
	    sizeof(fail_recv));
	batch_tx_add(f->tx, f->to[0], &f->src, NULL, 0, "y", 1);
	batch_tx_flush(f->tx);
	assert_int_equal(batch_rx_read(f->rx, f->from), 1);
	assert_int_equal(batch_rx_read(f->rx, -1), -EBADF);
}

static void
tells_what_was_cut(void **state)
{
	static char big[BATCH_BYTES + 1];
	struct fixture *f = *state;

	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, big, BATCH_BYTES);
	batch_tx_add(f->tx, f->from, &f->dst[0], NULL, 0, big, sizeof(big));
	batch_tx_flush(f->tx);
	assert_int_equal(batch_rx_read(f->rx, f->to[0]), 2);
	assert_false(batch_rx_at(f->rx, 0)->truncated);
	assert_true(batch_rx_at(f->rx, 1)->truncated);
	assert_int_equal(batch_rx_at(f->rx, 1)->len, BATCH_BYTES);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(sends_and_receives),
		T(answers_from_the_address_asked),
		T(keeps_order_within_a_flow),
		T(equal_sizes_leave_as_one_message),
		T(refused_datagram_costs_itself),
		T(really_refused_in_the_middle),
		T(refused_run_goes_singly),
		T(icmp_of_one_costs_the_other_nothing),
		T(icmp_does_not_end_the_drain),
		T(tells_what_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
