/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every allocation and every MAC fails once: a request is then refused or not
 * answered, nothing is lost or half there, and the next one is served.
 */
#include <errno.h>

#include "tests/turn/client.h"
#include "tests/unit/test.h"
#include "tests/unit/torture.h"

#define KEY "0xb70615a74a524becc6960f540634bb00"

static const struct hash_key hash_key = { 1, 2 };

static void
test_users(void **state)
{
	struct turn_users *u;
	unsigned int n = 0;
	bool whole, failed;

	do {
		torture_arm(++n);
		u = turn_users_new(FAKE_REALM, &hash_key);
		whole = u != NULL && turn_users_add(u, "alice", "x") == 0 &&
		    turn_users_add(u, "bob", KEY) == 0 &&
		    turn_users_add_secret(u, "north") == 0;
		failed = torture_disarm();
		assert_true(whole || failed);
		/* Who could not be added can be later. */
		if (failed && u != NULL) {
			turn_users_add(u, "alice", "x");
			turn_users_add(u, "bob", KEY);
			assert_int_equal(
			    turn_users_add(u, "alice", "x"), -EEXIST);
			assert_int_equal(
			    turn_users_add(u, "bob", KEY), -EEXIST);
		}
		turn_users_free(u);
	} while (failed);
	assert_true(n > 8);
}

static void
test_quota(void **state)
{
	struct turn_quota *q;
	unsigned int n = 0, i, got;
	bool failed;

	do {
		torture_arm(++n);
		q = turn_quota_new(0, 0, 100);
		for (i = got = 0; q != NULL && i < 40; i++)
			got += turn_quota_take(
				   q, &(struct turn_share){ .user = i }) == 0;
		failed = torture_disarm();
		/* What failed is not counted; what did not is. */
		for (i = 0; q != NULL && i < 40; i++)
			got -= turn_quota_of(q, i, TURN_V4);
		assert_int_equal(got, 0);
		assert_true(q != NULL || failed);
		turn_quota_free(q);
	} while (failed);
	assert_true(n > 4);
}

/* How far a client came: all of what it asked for in order. */
static int
session(struct client *c, const char *v6)
{
	char peer[] = "198.41.0.0:9";
	int steps = 0, i;

	client_begin(c, STUN_ALLOCATE);
	if (client_send(c) == 401)
		steps++;
	client_begin(c, STUN_ALLOCATE);
	stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(&c->out, STUN_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	steps += client_send(c) == 0;
	for (i = 0; i < 8; i++) {
		peer[9] = (char)('1' + i);
		steps += client_permit(c, peer) == 0;
		steps += client_bind(c, (uint16_t)(0x4000 + i), peer) == 0;
	}
	steps += client_bind(c, 0x4010, v6) == 0;
	steps += client_refresh(c, 600) == 0;
	steps += client_refresh(c, 0) == 0;
	return steps;
}

#define STEPS 21

/* Sessions of many clients, so that every table grows. */
static int
sessions(struct fake *f, bool modern)
{
	struct client c;
	char addr[32];
	int i, steps = 0;

	for (i = 0; i < 3; i++) {
		snprintf(addr, sizeof(addr), "192.0.2.%d:5000", i + 1);
		client_init(&c, f, addr);
		if (modern)
			client_be_modern(&c);
		steps += session(&c, "[2a00::7]:9");
	}
	return steps;
}

static void
one_failure(unsigned int n, bool modern, bool *failed)
{
	static struct fake f;
	size_t i;
	int steps;

	fake_init(&f);
	f.conf.has_v6 = true;
	f.conf.max_permissions = f.conf.max_channels = 16;
	fake_start(&f);
	torture_arm(n);
	steps = sessions(&f, modern);
	*failed = torture_disarm();
	/* With memory everything works, for those who failed as well. */
	fake_elapse(&f, 3600000);
	assert_int_equal(turn_server_stats(f.server)->allocations, 0);
	assert_int_equal(sessions(&f, modern), 3 * STEPS);
	if (!*failed)
		assert_int_equal(steps, 3 * STEPS);
	turn_server_free(f.server);
	f.server = NULL;
	for (i = 0; i < f.nrelays; i++)
		assert_false(f.relays[i].open);
	fake_fini(&f);
}

static void
test_sessions(void **state)
{
	unsigned int n = 0;
	bool failed;

	do
		one_failure(++n, false, &failed);
	while (failed);
	print_message("%u points of failure\n", n - 1);
	assert_true(n > 100);
}

static void
test_modern_sessions(void **state)
{
	unsigned int n = 0;
	bool failed;

	do
		one_failure(++n, true, &failed);
	while (failed);
	assert_true(n > 100);
}

/* A server that cannot be made whole is not made. */
static void
test_server(void **state)
{
	struct turn_ops ops = { NULL };
	struct turn_config cfg = {
		.max_allocations = 4, .max_permissions = 4, .max_channels = 4
	};
	struct turn_server *s;
	unsigned int n = 0;

	do {
		torture_arm(++n);
		s = turn_server_new(&cfg, &ops);
		assert_true((s == NULL) == torture_disarm());
		turn_server_free(s);
	} while (s == NULL);
	assert_true(n > 4);
}

static int
setup(void **state)
{
	return crypto_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_modern_sessions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
