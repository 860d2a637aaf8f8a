/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/batch.h"
#include "lib/net/local.h"
#include "lib/net/sock.h"
#include "tests/unit/test.h"

/* What <linux/ipv6.h> has, which does not stand beside <netinet/in.h>. */
struct in6_ifreq {
	struct in6_addr addr;
	uint32_t prefix_len;
	int if_index;
};

/* Messages that left, and those with a control message. */
static int messages, controlled;

int __real_sendmmsg(int, struct mmsghdr *, unsigned int, int);
int __wrap_sendmmsg(int, struct mmsghdr *, unsigned int, int);

int
__wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		messages++;
		controlled += m[i].msg_hdr.msg_controllen > 0;
	}
	return __real_sendmmsg(fd, m, n, flags);
}

static struct addr
at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* A network namespace with lo up and ::2 on it; true when we may make one. */
static bool
own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	struct in6_ifreq second = { .prefix_len = 128, .if_index = 1 };
	struct addr a = at("::2");
	int fd, probe, tries = 0;
	bool made;

	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(&second.addr, a.ip, sizeof(second.addr));
	lo.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_MULTICAST;
	made = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0 &&
	    ioctl(fd, SIOCSIFADDR, &second) == 0;
	close(fd);
	/* The kernel lets an address be used a moment after it is there. */
	for (probe = -1; made && probe < 0 && tries < 1000; tries++) {
		usleep(1000);
		probe = sock_udp(&a);
	}
	close(probe);
	return probe >= 0;
}

struct fixture {
	struct batch_rx *rx;
	struct batch_tx *tx;
	struct addr client, bound;
	int fd, server;
};

static void
open_pair(struct fixture *f, const char *client, const char *server)
{
	f->client = at(client);
	f->bound = at(server);
	f->fd = sock_udp(&f->client);
	assert_true(f->fd >= 0);
	assert_int_equal(sock_local(f->fd, &f->client), 0);
	f->server = sock_udp(&f->bound);
	assert_true(f->server >= 0);
	assert_int_equal(sock_local(f->server, &f->bound), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->rx = batch_rx_new();
	f->tx = batch_tx_new(NULL, NULL);
	f->fd = f->server = -1;
	messages = controlled = 0;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	batch_rx_free(f->rx);
	batch_tx_free(f->tx);
	close(f->fd);
	close(f->server);
	free(f);
	return 0;
}

static void
ask(struct fixture *f, const char *address)
{
	struct addr to = at(address);

	to.port = f->bound.port;
	batch_tx_add(f->tx, f->fd, &to, NULL, 0, address, 3);
	batch_tx_flush(f->tx);
}

/* The server answers each of n datagrams twice, the first with a head. */
static void
answer(struct fixture *f, int n)
{
	struct batch_in *in;
	int i;

	messages = controlled = 0;
	assert_int_equal(batch_rx_read(f->rx, f->server), n);
	for (i = 0; i < 2 * n; i++) {
		in = batch_rx_at(f->rx, i % n);
		assert_true(addr_equal(&in->src, &f->client));
		batch_tx_add_from(f->tx,
		    &(struct batch_route){ f->server, &in->local, &in->src },
		    "head", i < n ? 4 : 0, "answer", i < n ? 2 : 6);
	}
	batch_tx_flush(f->tx);
}

/* Two answers have come from each address, in order. */
static void
expect(struct fixture *f, const char *const *addresses, int n)
{
	struct batch_in *in;
	struct addr from;
	int i;

	assert_int_equal(batch_rx_read(f->rx, f->fd), 2 * n);
	for (i = 0; i < 2 * n; i++) {
		in = batch_rx_at(f->rx, i);
		from = at(addresses[i / 2]);
		from.port = f->bound.port;
		assert_true(addr_equal(&in->src, &from));
		assert_int_equal(in->len, 6);
		assert_memory_equal(in->data, i % 2 ? "answer" : "headan", 6);
		assert_int_equal(in->local.family, ADDR_NONE);
	}
}

/* One client at three addresses: a run each, for a run has one source. */
static void
answers_v4(void **state)
{
	static const char *const asked[] = { "127.0.0.2", "127.0.0.1",
		"127.3.2.1" };
	struct fixture *f = *state;
	size_t i;

	open_pair(f, "127.0.0.1", "0.0.0.0");
	for (i = 0; i < LEN(asked); i++)
		ask(f, asked[i]);
	answer(f, LEN(asked));
	assert_int_equal(messages, LEN(asked));
	expect(f, asked, LEN(asked));
}

static void
answers_v6(void **state)
{
	static const char *const asked[] = { "::2", "::1" };
	struct fixture *f = *state;
	size_t i;

	if (!own_network()) {
		print_message("a second IPv6 address needs a network "
			      "namespace, which we may not make\n");
		skip();
	}
	open_pair(f, "::1", "::");
	for (i = 0; i < LEN(asked); i++)
		ask(f, asked[i]);
	answer(f, LEN(asked));
	assert_int_equal(messages, LEN(asked));
	expect(f, asked, LEN(asked));
}

/* Whoever asks a group is answered from an address of the interface. */
static void
answers_a_group(void **state)
{
	static const char *const interface = "127.0.0.1";
	struct fixture *f = *state;
	int on = 1;

	open_pair(f, "127.0.0.1", "0.0.0.0");
	assert_int_equal(
	    setsockopt(f->fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
	ask(f, "127.255.255.255");
	answer(f, 1);
	expect(f, &interface, 1);
}

/* What is written is read, but for addresses that are no source. */
static void
reads_what_is_written(void **state)
{
	static const struct {
		const char *written, *read;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "fe80::1", "fe80::1" },
		{ "ff02::1", NULL },
	};
	union {
		struct cmsghdr align;
		uint8_t bytes[LOCAL_SPACE];
	} control;
	struct msghdr m;
	struct addr a, want;
	size_t i;

	for (i = 0; i < LEN(rows); i++) {
		memset(&control, 0, sizeof(control));
		m = (struct msghdr){ .msg_control = &control };
		a = at(rows[i].written);
		m.msg_controllen = local_write(&m, &a);
		assert_in_range(m.msg_controllen, 1, LOCAL_SPACE);
		want = rows[i].read != NULL
		    ? at(rows[i].read)
		    : (struct addr){ .family = ADDR_NONE };
		a = local_read(&m);
		assert_true(addr_equal(&a, &want));
	}
	a = (struct addr){ .family = ADDR_NONE };
	assert_int_equal(local_write(&m, &a), 0);
}

/* Neither the kernel nor we write control messages then. */
static void
one_address_pays_nothing(void **state)
{
	static const char *const asked[][2] = { { "127.0.0.2", "127.0.0.2" },
		{ "::1", "::1" } };
	static const int option[][2] = { { IPPROTO_IP, IP_PKTINFO },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO } };
	struct fixture *f = *state;
	socklen_t len;
	int i, on;

	for (i = 0; i < 2; i++) {
		open_pair(f, i == 0 ? "127.0.0.1" : "::1", asked[i][1]);
		len = sizeof(on);
		assert_int_equal(getsockopt(f->server, option[i][0],
				     option[i][1], &on, &len),
		    0);
		assert_int_equal(on, 0);
		ask(f, asked[i][0]);
		ask(f, asked[i][0]);
		assert_int_equal(batch_rx_read(f->rx, f->server), 2);
		assert_int_equal(
		    batch_rx_at(f->rx, 1)->local.family, ADDR_NONE);
		assert_int_equal(controlled, 0);
		close(f->fd);
		close(f->server);
	}
	f->fd = f->server = -1;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_v4), T(one_address_pays_nothing), T(answers_a_group),
		T(reads_what_is_written),
		T(answers_v6), /* in a namespace: the last one */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
