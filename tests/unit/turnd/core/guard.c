/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "tests/turn/client.h"
#include "tests/unit/test.h"

static struct fake f;

static int
setup(void **state)
{
	fake_init(&f);
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&f);
	return 0;
}

static uint64_t
count_of(enum turn_reason reason)
{
	return turn_server_stats(f.server)->reasons[reason];
}

static int
bind_from(const char *addr)
{
	struct client c;

	client_init(&c, &f, addr);
	client_begin(&c, STUN_BINDING);
	return client_send(&c);
}

/* Over TCP an answer goes to nobody who did not ask. */
static void
verified_is_not_limited(void **state)
{
	int i;

	f.conf.rate_limit = f.conf.rate_burst = 1;
	fake_start(&f);
	assert_int_equal(bind_from("192.0.2.1:1"), 0);
	assert_int_equal(bind_from("192.0.2.1:1"), -1);
	assert_int_equal(f.out.note.reason, TURN_RATE_LIMITED);
	assert_string_equal(f.out.note.method, "binding");
	f.verified = true;
	for (i = 0; i < 100; i++)
		assert_int_equal(bind_from("192.0.2.1:1"), 0);
	assert_int_equal(count_of(TURN_RATE_LIMITED), 1);
	/* What was not answered is no request that was. */
	assert_int_equal(turn_server_stats(f.server)->requests[0], 101);
	assert_int_equal(turn_server_stats(f.server)->refused[0], 0);
}

/* What the shell answers before there is a request is of the same measure. */
static void
the_shell_asks_for_its_answers(void **state)
{
	struct addr stranger = fake_addr("192.0.2.1:1");

	f.conf.rate_limit = f.conf.rate_burst = 1;
	fake_start(&f);
	assert_true(turn_server_may_answer(f.server, &stranger, f.t));
	stranger.ip[3]++; /* the same network */
	assert_false(turn_server_may_answer(f.server, &stranger, f.t));
	assert_int_equal(bind_from("192.0.2.9:1"), -1);
	assert_int_equal(count_of(TURN_RATE_LIMITED), 2);
	f.t.now_ms += 1000;
	assert_true(turn_server_may_answer(f.server, &stranger, f.t));
}

/* Without credentials there is nobody to tell from a stranger. */
static void
open_relay_limits_binding(void **state)
{
	struct client c;

	f.conf.no_auth = true;
	f.conf.rate_limit = f.conf.rate_burst = 1;
	fake_start(&f);
	assert_int_equal(bind_from("192.0.2.1:1"), 0);
	assert_int_equal(bind_from("192.0.2.1:1"), -1);
	client_init(&c, &f, "192.0.2.1:2");
	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(client_refresh(&c, 600), 0);
}

/* 0, an error, -1; as alice with this password. */
static int
try_from(const char *addr, const char *password)
{
	struct client c;
	int code;

	client_init(&c, &f, addr);
	client_begin(&c, STUN_ALLOCATE);
	assert_int_equal(client_send(&c), 401);
	c.password = password;
	client_begin(&c, STUN_ALLOCATE);
	stun_put_u32(&c.out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	code = client_send(&c);
	if (code == -1)
		assert_int_equal(f.out.note.reason, TURN_AUTH_BACKOFF);
	return code;
}

/* Many hosts of one network that fail: each has one try and not two, but
 * whoever has not failed is served. */
static void
suspect_network(void **state)
{
	char addr[64];
	int i;

	f.conf.auth_failures = 2;
	fake_start(&f);
	for (i = 0; i < 201; i++) {
		snprintf(addr, sizeof(addr), "192.0.2.%d:1", i % 250);
		assert_int_equal(try_from(addr, "wrong"), 401);
	}
	assert_int_equal(try_from("192.0.2.251:1", "wrong"), 401);
	assert_int_equal(try_from("192.0.2.251:1", "wrong"), 401);
	assert_int_equal(try_from("192.0.2.251:1", "wonderland"), -1);
	assert_int_equal(try_from("192.0.2.252:1", "wonderland"), 0);
	/* Elsewhere two are free as ever. */
	assert_int_equal(try_from("192.0.3.251:1", "wrong"), 401);
	assert_int_equal(try_from("192.0.3.251:1", "wrong"), 401);
	assert_int_equal(try_from("192.0.3.251:1", "wonderland"), 0);
	fake_elapse(&f, 600000);
	assert_int_equal(try_from("192.0.2.251:1", "wonderland"), 0);
}

/* A flood of requests from everywhere leaves no trace but in the counters. */
static void
flood_of_addresses(void **state)
{
	struct client c;
	char addr[64];
	int i, code;

	f.conf.rate_limit = 100;
	f.conf.rate_burst = 100;
	fake_start(&f);
	client_init(&c, &f, "192.0.2.1:1");
	assert_int_equal(client_allocate(&c), 0);
	for (i = 0; i < 100000; i++) {
		snprintf(addr, sizeof(addr), "10.%d.%d.%d:%d", i >> 16,
		    i >> 8 & 255, i & 255, 1 + i % 60000);
		code = bind_from(addr);
		assert_true(code == 0 || code == -1);
		if (i % 1000 == 0) {
			fake_elapse(&f, 10);
			assert_int_equal(client_refresh(&c, 600), 0);
		}
	}
	/* One second, 391 networks of which each may 100 and 100. */
	assert_int_equal(count_of(TURN_RATE_LIMITED) +
		turn_server_stats(f.server)->requests[0],
	    100000);
	assert_true(count_of(TURN_RATE_LIMITED) >= 100000 - 391 * 200);
	assert_true(count_of(TURN_RATE_LIMITED) < 100000 - 391 * 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    verified_is_not_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_shell_asks_for_its_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    open_relay_limits_binding, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    suspect_network, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    flood_of_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
