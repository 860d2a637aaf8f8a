/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "tests/unit/test.h"

#define MEMBERS 4
#define CLIENTS 256

static struct addr
loopback(int family)
{
	struct addr a = addr_v4(127, 0, 0, 1, 0);

	if (family == ADDR_V6)
		a = (struct addr){ .family = ADDR_V6, .ip = { [15] = 1 } };
	return a;
}

static void
close_all(const int *fds, int n)
{
	while (n-- > 0)
		close(fds[n]);
}

/* A socket of the given type, connected to a; -1 when that is refused. */
static int
client(const struct addr *a, int type)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int fd = socket(ss.ss_family, type, 0);

	if (connect(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
converts(void **state)
{
	struct addr rows[] = { addr_v4(192, 0, 2, 1, 80), loopback(ADDR_V6) };
	struct sockaddr_storage ss;
	struct addr back;
	size_t i;

	rows[1].port = 65535;
	for (i = 0; i < LEN(rows); i++) {
		memset(&ss, 0xee, sizeof(ss));
		assert_in_range(addr_to_sockaddr(&rows[i], &ss), 16, 28);
		memset(&back, 0xee, sizeof(back));
		assert_int_equal(addr_from_sockaddr(&ss, &back), 0);
		assert_true(addr_equal(&rows[i], &back));
	}
	ss.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&ss, &back), -EAFNOSUPPORT);
	assert_true(addr_equal(&rows[1], &back));
}

static void
udp_group_shares(void **state)
{
	int family, i, c, got, fds[MEMBERS];
	struct addr a, at, local;
	char byte;

	for (family = ADDR_V4; family <= ADDR_V6; family += 2) {
		a = loopback(family);
		assert_int_equal(sock_udp_group(&a, fds, MEMBERS, &at), 0);
		assert_int_not_equal(at.port, 0);
		for (i = 0; i < MEMBERS; i++) {
			assert_int_equal(sock_local(fds[i], &local), 0);
			assert_true(addr_equal(&local, &at));
			assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		}
		for (i = 0; i < CLIENTS; i++) {
			c = client(&at, SOCK_DGRAM);
			assert_int_equal(send(c, "x", 1, 0), 1);
			close(c);
		}
		for (i = 0, got = 0; i < MEMBERS; i++) {
			/* A share of 64 expected; none is one in 10^32. */
			assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
			do
				got++;
			while (recv(fds[i], &byte, 1, 0) == 1);
		}
		assert_int_equal(got, CLIENTS);
		close_all(fds, MEMBERS);
	}
}

static void
tcp_group_shares(void **state)
{
	int i, n, got, fds[MEMBERS], clients[CLIENTS];
	struct addr a = loopback(ADDR_V4), at, peer;

	assert_int_equal(sock_tcp_group(&a, fds, MEMBERS, CLIENTS, &at), 0);
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = client(&at, SOCK_STREAM);
		assert_int_not_equal(clients[i], -1);
		assert_int_equal(sock_peer(clients[i], &peer), 0);
		assert_true(addr_equal(&peer, &at));
	}
	for (i = 0, got = 0; i < MEMBERS; i++) {
		n = accept(fds[i], NULL, NULL);
		assert_int_not_equal(n, -1);
		for (; n >= 0; n = accept(fds[i], NULL, NULL)) {
			close(n);
			got++;
		}
	}
	assert_int_equal(got, CLIENTS);
	close_all(clients, CLIENTS);
	close_all(fds, MEMBERS);
	/* The TIME_WAIT left behind does not hinder a restart. */
	assert_int_equal(sock_tcp_group(&at, fds, MEMBERS, CLIENTS, NULL), 0);
	close_all(fds, MEMBERS);
}

/* What another process gets when it opens the same group. */
static int
second_instance(const struct addr *at, bool tcp)
{
	int fds[MEMBERS], status, err;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		err = tcp ? sock_tcp_group(at, fds, MEMBERS, 16, NULL)
			  : sock_udp_group(at, fds, MEMBERS, NULL);
		_exit(-err);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void
second_instance_is_refused(void **state)
{
	int tcp, fds[MEMBERS];
	struct addr a, at, wild;

	for (tcp = 0; tcp <= 1; tcp++) {
		a = loopback(ADDR_V4);
		assert_int_equal(tcp ? sock_tcp_group(&a, fds, MEMBERS, 16, &at)
				     : sock_udp_group(&a, fds, MEMBERS, &at),
		    0);
		assert_int_equal(second_instance(&at, tcp), -EADDRINUSE);
		wild = at;
		memset(wild.ip, 0, sizeof(wild.ip));
		assert_int_equal(second_instance(&wild, tcp), -EADDRINUSE);
		close_all(fds, MEMBERS);
		assert_int_equal(second_instance(&at, tcp), 0);
	}
}

static void
failure_leaves_nothing_open(void **state)
{
	struct addr a = loopback(ADDR_V4), at, foreign;
	int probe = dup(0), fds[MEMBERS], held = sock_udp(&a);

	close(probe);
	assert_true(held >= 0);
	assert_int_equal(sock_local(held, &at), 0);
	assert_int_equal(sock_udp_group(&at, fds, MEMBERS, NULL), -EADDRINUSE);
	assert_int_equal(sock_udp(&at), -EADDRINUSE);
	foreign = addr_v4(192, 0, 2, 1, 0);
	assert_int_equal(sock_udp(&foreign), -EADDRNOTAVAIL);
	close(held);
	held = dup(0);
	assert_int_equal(held, probe);
	close(held);
}

static void
families_stand_beside_each_other(void **state)
{
	struct addr v6 = { .family = ADDR_V6 }, v4 = addr_v4(0, 0, 0, 0, 0);
	struct addr at;
	int a, b;

	assert_int_equal(sock_udp_group(&v6, &a, 1, &at), 0);
	v4.port = at.port;
	assert_int_equal(sock_udp_group(&v4, &b, 1, NULL), 0);
	close(a);
	close(b);
}

/* Else a path that loses ICMP loses what is longer than it takes. */
static void
udp_may_be_fragmented(void **state)
{
	struct addr a = loopback(ADDR_V4);
	int fds[2], mode = -1;
	socklen_t len = sizeof(mode);

	assert_int_equal(sock_udp_group(&a, fds, 1, NULL), 0);
	fds[1] = sock_udp(&a);
	assert_true(fds[1] >= 0);
	assert_int_equal(
	    getsockopt(fds[0], IPPROTO_IP, IP_MTU_DISCOVER, &mode, &len), 0);
	assert_int_equal(mode, IP_PMTUDISC_OMIT);
	assert_int_equal(
	    getsockopt(fds[1], IPPROTO_IP, IP_MTU_DISCOVER, &mode, &len), 0);
	assert_int_equal(mode, IP_PMTUDISC_OMIT);
	close_all(fds, 2);
}

/* Asked for, and no longer than asked for. */
static void
udp_may_be_whole(void **state)
{
	struct addr a = loopback(ADDR_V4), b = loopback(ADDR_V6);
	int fd = sock_udp(&a), fd6 = sock_udp(&b), mode = -1;
	socklen_t len = sizeof(mode);

	assert_int_equal(sock_whole(fd, &a, true), 0);
	assert_int_equal(
	    getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, &len), 0);
	assert_int_equal(mode, IP_PMTUDISC_PROBE);
	assert_int_equal(sock_whole(fd, &a, false), 0);
	assert_int_equal(
	    getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, &len), 0);
	assert_int_equal(mode, IP_PMTUDISC_OMIT);
	assert_int_equal(sock_whole(fd6, &b, true), 0);
	assert_int_equal(
	    getsockopt(fd6, IPPROTO_IPV6, IPV6_DONTFRAG, &mode, &len), 0);
	assert_int_equal(mode, 1);
	assert_int_equal(sock_whole(fd6, &b, false), 0);
	assert_int_equal(
	    getsockopt(fd6, IPPROTO_IPV6, IPV6_DONTFRAG, &mode, &len), 0);
	assert_int_equal(mode, 0);
	close(fd);
	close(fd6);
}

/* What the kernel says it gave is what fits: its own bytes come on top. */
static void
buffers_are_as_told(void **state)
{
	const struct addr here = addr_v4(127, 0, 0, 1, 0);
	struct sock_buffers given;
	int fd = sock_udp(&here);

	sock_set_buffers(fd, 10000, &given);
	assert_int_equal(given.receive, 10000);
	assert_int_equal(given.send, 10000);
	sock_set_buffers(fd, 1 << 30, &given);
	assert_true(given.receive > 10000 && given.receive <= 1 << 30);
	assert_true(given.send > 10000 && given.send <= 1 << 30);
	close(fd);
	sock_set_buffers(-1, 10000, NULL);
	sock_set_buffers(-1, 10000, &given);
	assert_int_equal(given.receive, 0);
	assert_int_equal(given.send, 0);
}

/* A port that nobody has: the errors name it, and end. */
static void
udp_errors_are_kept(void **state)
{
	struct addr a = loopback(ADDR_V4), b = loopback(ADDR_V6), gone;
	const struct addr *at[] = { &a, &b };
	struct sockaddr_storage ss;
	struct sock_error e;
	socklen_t len;
	int fd, other;
	size_t i;

	for (i = 0; i < 2; i++) {
		fd = sock_udp(at[i]);
		other = sock_udp(at[i]);
		assert_int_equal(sock_local(other, &gone), 0);
		close(other);
		assert_int_equal(
		    sock_keep_errors(fd, (enum addr_family)gone.family), 0);
		len = addr_to_sockaddr(&gone, &ss);
		assert_int_equal(sock_next_error(fd, &e), 0);
		assert_int_equal(
		    sendto(fd, "x", 1, 0, (struct sockaddr *)&ss, len), 1);
		assert_int_equal(sock_next_error(fd, &e), 1);
		assert_true(addr_equal(&e.dst, &gone));
		assert_int_equal(e.type, i == 0 ? 3 : 1);
		assert_int_equal(e.code, i == 0 ? 3 : 4);
		assert_int_equal(e.mtu, 0);
		assert_int_equal(sock_next_error(fd, &e), 0);
		close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts),
		cmocka_unit_test(udp_group_shares),
		cmocka_unit_test(tcp_group_shares),
		cmocka_unit_test(second_instance_is_refused),
		cmocka_unit_test(failure_leaves_nothing_open),
		cmocka_unit_test(families_stand_beside_each_other),
		cmocka_unit_test(udp_may_be_fragmented),
		cmocka_unit_test(udp_may_be_whole),
		cmocka_unit_test(buffers_are_as_told),
		cmocka_unit_test(udp_errors_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
