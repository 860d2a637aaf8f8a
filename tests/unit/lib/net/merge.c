/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/batch.h"
#include "lib/net/sock.h"
#include "tests/unit/test.h"

/* What the last receive got from the kernel. */
static int messages;
/* What it shall say of its first message instead; 0: the truth. */
static struct {
	unsigned int len;
	int size, flags;
} lie;

int
__real_recvmmsg(int, struct mmsghdr *, unsigned int, int, struct timespec *);
int
__wrap_recvmmsg(int, struct mmsghdr *, unsigned int, int, struct timespec *);

int
__wrap_recvmmsg(
    int fd, struct mmsghdr *m, unsigned int n, int flags, struct timespec *ts)
{
	struct cmsghdr *c;

	messages = __real_recvmmsg(fd, m, n, flags, ts);
	if (messages <= 0)
		return messages;
	m->msg_hdr.msg_flags |= lie.flags;
	if (lie.len > 0)
		m->msg_len = lie.len;
	c = CMSG_FIRSTHDR(&m->msg_hdr);
	if (lie.size != 0)
		memcpy(CMSG_DATA(c), &lie.size, sizeof(lie.size));
	return messages;
}

struct fixture {
	struct batch_rx *rx;
	struct batch_tx *tx;
	int from[2], to;
	struct addr src[2], dst;
};

/* Bytes that tell where in which datagram they are. */
static uint8_t data[BATCH_MAX][4096];

static int
open_udp(const char *text, struct addr *at)
{
	int fd;

	assert_int_equal(addr_parse(text, at), 0);
	fd = sock_udp(at);
	assert_true(fd >= 0);
	assert_int_equal(sock_local(fd, at), 0);
	return fd;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i, k;

	f->rx = batch_rx_new();
	f->tx = batch_tx_new(NULL, NULL);
	f->from[0] = open_udp("127.0.0.1", &f->src[0]);
	f->from[1] = open_udp("127.0.0.1", &f->src[1]);
	f->to = open_udp("127.0.0.1", &f->dst);
	batch_rx_merge(f->to);
	for (i = 0; i < LEN(data); i++) {
		for (k = 0; k < sizeof(data[i]); k++)
			data[i][k] = (uint8_t)(3 * i + k + (k >> 8));
	}
	memset(&lie, 0, sizeof(lie));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	batch_rx_free(f->rx);
	batch_tx_free(f->tx);
	close(f->from[0]);
	close(f->from[1]);
	close(f->to);
	free(f);
	return 0;
}

static void
need_kernel(const struct fixture *f)
{
	int on = 0;
	socklen_t len = sizeof(on);

	if (getsockopt(f->to, SOL_UDP, UDP_GRO, &on, &len) == 0 && on)
		return;
	print_message("this kernel has no UDP_GRO\n");
	skip();
}

static void
queue(struct fixture *f, int from, int i, size_t len)
{
	batch_tx_add(f->tx, f->from[from], &f->dst, NULL, 0, data[i], len);
}

/* n datagrams of equal size and one of last bytes, 0: none. */
static void
send_burst(struct fixture *f, int n, size_t size, size_t last)
{
	int i;

	for (i = 0; i < n; i++)
		queue(f, 0, i, size);
	if (last > 0)
		queue(f, 0, n, last);
	batch_tx_flush(f->tx);
}

static void
expect(struct fixture *f, int at, int from, int i, size_t len)
{
	struct batch_in *in = batch_rx_at(f->rx, at);

	assert_int_equal(in->len, len);
	assert_memory_equal(in->data, data[i], len);
	assert_true(addr_equal(&in->src, &f->src[from]));
	assert_int_equal(in->local.family, ADDR_NONE);
	assert_false(in->truncated);
}

static void
burst_is_taken_apart(void **state)
{
	static const struct {
		int n;
		size_t size, last;
	} rows[] = {
		{ 2, 160, 0 },
		{ 1, 160, 33 },
		{ 40, 160, 1 },
		{ 63, 1, 0 },
		{ 63, 1000, 999 },
		{ 17, 1201, 1200 },
		{ 31, BATCH_BYTES, 7 },
	};
	struct fixture *f = *state;
	size_t r;
	int i, n;

	need_kernel(f);
	for (r = 0; r < LEN(rows); r++) {
		send_burst(f, rows[r].n, rows[r].size, rows[r].last);
		n = rows[r].n + (rows[r].last > 0);
		assert_int_equal(batch_rx_read(f->rx, f->to), n);
		assert_int_equal(messages, 1);
		assert_false(batch_rx_more(f->rx));
		for (i = 0; i < rows[r].n; i++)
			expect(f, i, 0, i, rows[r].size);
		if (rows[r].last > 0)
			expect(f, i, 0, i, rows[r].last);
	}
}

/* Whoever relays one of them writes around it. */
static void
each_has_its_room(void **state)
{
	struct fixture *f = *state;
	struct batch_in *in;
	int i;

	need_kernel(f);
	send_burst(f, 20, 100, 50);
	assert_int_equal(batch_rx_read(f->rx, f->to), 21);
	for (i = 0; i <= 20; i++) {
		in = batch_rx_at(f->rx, i);
		memset(in->data - BATCH_HEADROOM, 0xee, BATCH_HEADROOM);
		memset(in->data + in->len, 0xee, BATCH_TAILROOM);
	}
	for (i = 0; i <= 20; i++)
		expect(f, i, 0, i, i < 20 ? 100 : 50);
}

/* Merges and lone datagrams of two sources, order kept within a source. */
static void
sizes_and_sources_mix(void **state)
{
	static const size_t sizes[] = { 100, 100, 100, 40, 100, 0, 100, 100, 1,
		1, 1, 1200, 1200, 1200, 7, 9, 9, 2048 };
	struct fixture *f = *state;
	int i, n = LEN(sizes), next[2] = { 0, 0 }, from, at;

	for (i = 0; i < n; i++) {
		queue(f, 0, i, sizes[i]);
		queue(f, 1, i, sizes[n - 1 - i]);
	}
	batch_tx_flush(f->tx);
	assert_int_equal(batch_rx_read(f->rx, f->to), 2 * n);
	for (at = 0; at < 2 * n; at++) {
		from = addr_equal(&batch_rx_at(f->rx, at)->src, &f->src[1]);
		i = next[from]++;
		expect(f, at, from, i, sizes[from ? n - 1 - i : i]);
	}
	assert_int_equal(next[0], n);
}

static void
too_long_ones_are_cut(void **state)
{
	struct fixture *f = *state;
	int i;

	need_kernel(f);
	send_burst(f, 5, BATCH_BYTES + 1, 9);
	assert_int_equal(batch_rx_read(f->rx, f->to), 6);
	assert_int_equal(messages, 1);
	for (i = 0; i < 5; i++) {
		assert_true(batch_rx_at(f->rx, i)->truncated);
		assert_int_equal(batch_rx_at(f->rx, i)->len, BATCH_BYTES);
	}
	expect(f, 5, 0, 5, 9);
}

/* A merge that the kernel cut has lost its end, and only that. */
static void
cut_merge(void **state)
{
	struct fixture *f = *state;
	int i;

	need_kernel(f);
	lie.flags = MSG_TRUNC;
	lie.len = 450;
	send_burst(f, 10, 100, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to), 5);
	for (i = 0; i < 4; i++)
		expect(f, i, 0, i, 100);
	assert_true(batch_rx_at(f->rx, 4)->truncated);
	assert_int_equal(batch_rx_at(f->rx, 4)->len, 50);
}

/* More datagrams than any kernel merges, and a size that is none. */
static void
odd_merges(void **state)
{
	struct fixture *f = *state;

	need_kernel(f);
	lie.size = 1;
	send_burst(f, 2, 1000, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to), 128);
	assert_false(batch_rx_at(f->rx, 126)->truncated);
	assert_true(batch_rx_at(f->rx, 127)->truncated);
	assert_int_equal(batch_rx_at(f->rx, 127)->len, 1);
	lie.size = -5;
	send_burst(f, 2, 1000, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to), 1);
	assert_int_equal(batch_rx_at(f->rx, 0)->len, 2000);
	lie.size = 60000;
	send_burst(f, 2, 1000, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to), 1);
}

/* On a socket of all addresses each has the address that it came to. */
static void
local_address_of_each(void **state)
{
	struct addr asked = addr_v4(127, 3, 2, 1, 0);
	struct fixture *f = *state;
	int i;

	need_kernel(f);
	close(f->to);
	f->to = open_udp("0.0.0.0", &f->dst);
	batch_rx_merge(f->to);
	asked.port = f->dst.port;
	f->dst = asked;
	send_burst(f, 30, 300, 200);
	assert_int_equal(batch_rx_read(f->rx, f->to), 31);
	assert_int_equal(messages, 1);
	for (i = 0; i < 31; i++)
		assert_true(
		    addr_equal_ip(&batch_rx_at(f->rx, i)->local, &asked));
}

/* As much as one receive can take, all of it merged. */
static void
full_receive(void **state)
{
	struct fixture *f = *state;
	int i, k, room = 8 << 20;

	need_kernel(f);
	setsockopt(f->to, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	for (k = 0; k < BATCH_READ + 1; k++)
		send_burst(f, 50, 100, 0);
	assert_int_equal(batch_rx_read(f->rx, f->to), 50 * BATCH_READ);
	assert_true(batch_rx_more(f->rx));
	for (i = 0; i < 50 * BATCH_READ; i++)
		expect(f, i, 0, i % 50, 100);
	assert_int_equal(batch_rx_read(f->rx, f->to), 50);
	assert_false(batch_rx_more(f->rx));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(burst_is_taken_apart),
		T(each_has_its_room),
		T(sizes_and_sources_mix),
		T(too_long_ones_are_cut),
		T(cut_merge),
		T(odd_merges),
		T(local_address_of_each),
		T(full_receive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
