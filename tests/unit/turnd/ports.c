/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "lib/crypto/crypto.h"
#include "lib/net/sock.h"
#include "turnd/ports.h"

#define LOW  61000
#define HIGH 61031 /* a range that is no power of four */
#define ALL  (HIGH - LOW + 1)
#define MANY 512 /* ports, and reservations of more than one user's share */

static const struct hash_key key = { 5, 6 };

static int
setup(void **state)
{
	struct addr loopback = addr_v4(127, 66, 0, 1, 0);

	assert_int_equal(crypto_init(), 0);
	*state = ports_new(&loopback, 1, LOW, HIGH, &key);
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	ports_free(*state);
	return 0;
}

/* The descriptor of a port for a client that is near no relay address. */
static int
open_port(struct ports *p, const struct turn_want *want, uint64_t now_ms,
    struct turn_relay *r)
{
	struct addr near = addr_v4(192, 0, 2, 1, 3478);

	return ports_open(p, want, &near, now_ms, r);
}

static void
test_every_port_once(void **state)
{
	struct turn_want want = { .family = ADDR_V4 };
	struct turn_relay r[ALL], more;
	bool seen[ALL] = { false };
	int fds[ALL], i, rising = 0;

	for (i = 0; i < ALL; i++) {
		fds[i] = open_port(*state, &want, 0, &r[i]);
		assert_true(fds[i] >= 0);
		assert_in_range(r[i].addr.port, LOW, HIGH);
		assert_false(seen[r[i].addr.port - LOW]);
		seen[r[i].addr.port - LOW] = true;
		assert_true(ports_live(*state, &r[i].addr, false));
		rising += i > 0 && r[i].addr.port == r[i - 1].addr.port + 1;
	}
	assert_true(rising < ALL / 2); /* not one after the other */
	assert_int_equal(open_port(*state, &want, 0, &more), -EADDRINUSE);
	for (i = 0; i < ALL; i++) {
		ports_close(*state, fds[i], &r[i].addr, false);
		assert_false(ports_live(*state, &r[i].addr, false));
	}
	fds[0] = open_port(*state, &want, 0, &r[0]);
	assert_true(fds[0] >= 0);
	ports_close(*state, fds[0], &r[0].addr, false);
}

/* What is still on its way to the last owner of a port meets nobody: the port
 * that was given back last is the last to be given out. */
static void
test_ports_rest(void **state)
{
	struct turn_want want = { .family = ADDR_V4 };
	struct turn_relay r[ALL], again;
	int fds[ALL], i, fd;

	for (i = 0; i < ALL; i++)
		fds[i] = open_port(*state, &want, 0, &r[i]);
	/* Against the order in which they would come. */
	for (i = ALL - 1; i >= 0; i--)
		ports_close(*state, fds[i], &r[i].addr, false);
	for (i = 3 * ALL - 1; i >= 0; i--) {
		fd = open_port(*state, &want, 0, &again);
		assert_true(fd >= 0);
		assert_int_equal(again.addr.port, r[i % ALL].addr.port);
		ports_close(*state, fd, &again.addr, false);
	}
	/* Pairs want neighbours, so they do not wait. */
	want.even = want.reserve = true;
	fd = open_port(*state, &want, 0, &again);
	assert_true(fd >= 0);
	ports_close(*state, fd, &again.addr, false);
}

static void
test_busy_port_is_passed_over(void **state)
{
	struct turn_want want = { .family = ADDR_V4 };
	struct turn_relay r[ALL];
	int fds[ALL], i, n = 0, other;
	struct addr busy = addr_v4(127, 66, 0, 1, LOW + 7);

	other = sock_udp(&busy);
	assert_true(other >= 0);
	while (n < ALL && (fds[n] = open_port(*state, &want, 0, &r[n])) >= 0)
		n++;
	assert_int_equal(n, ALL - 1);
	for (i = 0; i < n; i++) {
		assert_int_not_equal(r[i].addr.port, busy.port);
		ports_close(*state, fds[i], &r[i].addr, false);
	}
	close(other);
}

static void
test_families(void **state)
{
	struct turn_want want = { .family = ADDR_V6 };
	struct turn_relay r;
	struct addr other = addr_v4(127, 66, 0, 2, LOW);

	assert_int_equal(open_port(*state, &want, 0, &r), -EAFNOSUPPORT);
	assert_false(ports_live(*state, &other, false));
}

static void
test_even(void **state)
{
	struct turn_want want = { .family = ADDR_V4, .even = true };
	struct turn_relay r[ALL];
	int fds[ALL], n = 0, i;

	while (n < ALL && (fds[n] = open_port(*state, &want, 0, &r[n])) >= 0)
		n++;
	assert_int_equal(fds[n], -ENOENT);
	assert_int_equal(n, ALL / 2);
	for (i = 0; i < n; i++) {
		assert_int_equal(r[i].addr.port % 2, 0);
		ports_close(*state, fds[i], &r[i].addr, false);
	}
}

static void
test_reservation(void **state)
{
	struct turn_want want = {
		.family = ADDR_V4, .even = true, .reserve = true, .user = 7
	};
	struct turn_want claim = { .user = 8 };
	struct turn_relay r, above;
	struct addr reserved;
	int fd, fd2;

	fd = open_port(*state, &want, 1000, &r);
	assert_true(fd >= 0);
	assert_int_equal(r.addr.port % 2, 0);
	reserved = r.addr;
	reserved.port++;
	/* Kept is not alive: nobody relays through it. */
	assert_false(ports_live(*state, &reserved, false));
	claim.token = r.token;
	assert_int_equal(open_port(*state, &claim, 2000, &above), -ENOENT);
	claim.user = 7;
	fd2 = open_port(*state, &claim, 2000, &above);
	assert_true(fd2 >= 0);
	assert_true(addr_equal(&above.addr, &reserved));
	assert_true(ports_live(*state, &reserved, false));
	/* A token is good once. */
	assert_int_equal(open_port(*state, &claim, 2000, &above), -ENOENT);
	ports_close(*state, fd, &r.addr, false);
	ports_close(*state, fd2, &reserved, false);
}

static void
test_reservation_ends(void **state)
{
	struct turn_want want = {
		.family = ADDR_V4, .even = true, .reserve = true, .user = 7
	};
	struct turn_want claim = { .user = 7 };
	struct turn_relay r, above;
	struct addr reserved;
	int fd, again;

	fd = open_port(*state, &want, 1000, &r);
	assert_true(fd >= 0);
	claim.token = r.token;
	assert_int_equal(open_port(*state, &claim, 31000, &above), -ENOENT);
	assert_int_equal(ports_expire(*state, 30999), 31000);
	assert_int_equal(ports_expire(*state, 31000), 0);
	reserved = r.addr;
	reserved.port++;
	again = sock_udp(&reserved);
	assert_true(again >= 0);
	close(again);
	ports_close(*state, fd, &r.addr, false);
}

/* The last one is found wherever it is. */
static void
test_last_free_port(void **state)
{
	struct addr loopback = addr_v4(127, 66, 0, 1, 0);
	struct turn_want want = { .family = ADDR_V4 };
	struct ports *p = ports_new(&loopback, 1, LOW, LOW + MANY - 1, &key);
	struct turn_relay r[MANY];
	int fds[MANY], i;

	assert_non_null(p);
	for (i = 0; i < MANY; i++) {
		fds[i] = open_port(p, &want, 0, &r[i]);
		assert_true(fds[i] >= 0);
	}
	for (i = MANY - 1; i > MANY / 2; i -= 7) {
		ports_close(p, fds[i], &r[i].addr, false);
		want.even = r[i].addr.port % 2 == 0;
		fds[i] = open_port(p, &want, 0, &r[i]);
		assert_true(fds[i] >= 0);
	}
	for (i = 0; i < MANY; i++)
		ports_close(p, fds[i], &r[i].addr, false);
	ports_free(p);
}

/* One user leaves reservations to others. */
static void
test_reservations_of_a_user(void **state)
{
	struct addr loopback = addr_v4(127, 66, 0, 1, 0);
	struct turn_want want = {
		.family = ADDR_V4, .even = true, .reserve = true, .user = 7
	};
	struct ports *p = ports_new(&loopback, 1, LOW, LOW + MANY - 1, &key);
	struct turn_relay r;
	int fd, n = 0;

	while ((fd = open_port(p, &want, 0, &r)) >= 0) {
		ports_close(p, fd, &r.addr, false);
		n++;
	}
	assert_int_equal(fd, -ENOENT);
	assert_int_equal(n, 64);
	want.user = 8;
	fd = open_port(p, &want, 0, &r);
	assert_true(fd >= 0);
	ports_close(p, fd, &r.addr, false);
	ports_free(p);
}

/* Where the client is, as long as there is room; else the others. */
static void
test_near_address(void **state)
{
	struct addr addrs[] = { addr_v4(127, 66, 0, 1, 0),
		addr_v4(127, 66, 0, 2, 0), addr_v4(127, 66, 0, 3, 0) };
	struct addr near = addr_v4(127, 66, 0, 2, 3478);
	struct turn_want want = { .family = ADDR_V4 };
	struct ports *p = ports_new(addrs, 3, LOW, LOW + 3, &key);
	struct turn_relay r[12];
	int fds[12], i;

	for (i = 0; i < 12; i++) {
		fds[i] = ports_open(p, &want, &near, 0, &r[i]);
		assert_true(fds[i] >= 0);
		assert_true((i < 4) == addr_equal_ip(&r[i].addr, &near));
	}
	for (i = 0; i < 12; i++)
		ports_close(p, fds[i], &r[i].addr, false);
	ports_free(p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_every_port_once),
		CASE(test_ports_rest),
		CASE(test_busy_port_is_passed_over),
		CASE(test_families),
		CASE(test_even),
		CASE(test_reservation),
		CASE(test_reservation_ends),
		CASE(test_last_free_port),
		CASE(test_reservations_of_a_user),
		CASE(test_near_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
