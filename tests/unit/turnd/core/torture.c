/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every allocation and every MAC fails once: a request is then refused or not
 * answered, nothing is lost or half there, and the next one is served.
 */
#include <errno.h>

#include "tests/turn/client.h"
#include "tests/unit/test.h"
#include "tests/unit/torture.h"
#include "turnd/core/lookup.h"

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

/* RFC 8016: it is somewhere else, and takes its allocation along. */
static int
mobile(struct client *c)
{
	const struct stun_attr *ticket;
	uint8_t value[64];
	uint16_t len;
	int steps = 0;

	client_begin(c, STUN_ALLOCATE);
	stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&c->out, STUN_MOBILITY_TICKET, NULL, 0);
	if (client_send(c) != 0)
		return 0;
	ticket = stun_find(&c->answer, STUN_MOBILITY_TICKET);
	if (ticket == NULL || ticket->len > sizeof(value))
		return 0;
	len = ticket->len;
	memcpy(value, stun_value(&c->answer, ticket), len);
	steps += client_bind(c, 0x4000, "198.41.0.1:9") == 0;
	c->addr.port++;
	client_refresh(c, 600); /* a nonce for this address */
	client_begin(c, STUN_REFRESH);
	stun_put(&c->out, STUN_MOBILITY_TICKET, value, len);
	steps += client_send(c) == 0;
	client_channel_data(c, 0x4000, "x");
	steps += c->f->out.to == TURN_PEER;
	steps += client_refresh(c, 0) == 0;
	return steps;
}

#define MOBILE_STEPS 4

/* RFC 6062: connections in both directions. */
static int
tcp(struct client *c)
{
	struct addr peer = fake_addr("198.41.0.1:80");
	struct client data;
	uint32_t conn;
	int steps = 0;

	steps += client_allocate_tcp(c) == 0;
	steps += client_permit(c, "198.41.0.1") == 0;
	if (client_connect(c, "198.41.0.1:80") == -1 &&
	    fake_open_conns(c->f) > 0 && c->f->conns[c->f->nconns - 1].dialing)
		fake_dialed(c->f, &peer, 0);
	steps += client_hear(c) == 0;
	conn = client_conn(c);
	client_init(&data, c->f, "192.0.2.77:5000");
	data.stream = true;
	client_bind_conn(&data, conn);
	steps += client_bind_conn(&data, conn) == 0;
	peer.port = 81;
	steps += c->f->nrelays > 0 &&
	    fake_arrives(c->f, &peer, (uint32_t)c->f->nrelays - 1) != 0;
	steps += client_refresh(c, 0) == 0;
	return steps;
}

#define TCP_STEPS 6

static void
by_token(struct client *c, const char *kid, const char *mac)
{
	c->user = kid;
	c->mac = mac;
	c->with_token = true;
	c->token_issued_s = c->f->t.wall_s;
	c->token_lifetime_s = 3600;
}

/* RFC 7635: the second token is of another key of the authorization server. */
static int
bearer(struct client *c)
{
	int steps = 0;

	by_token(c, "north", "01234567890123456789");
	steps += client_allocate(c) == 0;
	c->with_token = false;
	steps += client_bind(c, 0x4000, "198.41.0.1:9") == 0;
	by_token(c, "union", "another-key-of-twenty");
	steps += client_refresh(c, 600) == 0;
	c->with_token = false;
	steps += client_refresh(c, 0) == 0;
	return steps;
}

#define BEARER_STEPS 4
#define ALL_STEPS    (3 * STEPS + MOBILE_STEPS + TCP_STEPS + BEARER_STEPS)

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
	steps += mobile(&c);
	client_init(&c, f, "192.0.2.9:5000");
	steps += tcp(&c);
	client_init(&c, f, "192.0.2.10:5000");
	return steps + bearer(&c);
}

static void
one_failure(unsigned int n, bool modern, bool *failed)
{
	static struct fake f;
	size_t i;
	int steps;

	fake_init(&f);
	f.conf.has_v6 = f.conf.mobility = true;
	f.conf.max_permissions = f.conf.max_channels = 16;
	f.conf.user_bandwidth = f.conf.total_bandwidth = 1000000;
	assert_int_equal(fake_oauth(&f, "turn.example", "north",
			     "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="),
	    0);
	assert_int_equal(
	    fake_oauth(&f, "turn.example", "union", "MTIzNDU2Nzg5MDEyMzQ1Ng=="),
	    0);
	fake_start(&f);
	torture_arm(n);
	steps = sessions(&f, modern);
	*failed = torture_disarm();
	/* With memory everything works, for those who failed as well. */
	fake_elapse(&f, 3600000);
	assert_int_equal(turn_server_stats(f.server)->allocations, 0);
	assert_int_equal(sessions(&f, modern), ALL_STEPS);
	if (!*failed)
		assert_int_equal(steps, ALL_STEPS);
	assert_int_equal(fake_open_conns(&f), 0);
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

/* Who could not be asked about can be the next time. */
static void
test_lookup(void **state)
{
	const struct lookup_conf conf = { .entries = 4,
		.asking = 4,
		.found_ms = 1000,
		.nobody_ms = 1000,
		.failed_ms = 1000,
		.rate = limit_rate(100, 100) };
	const struct addr client = addr_v4(192, 0, 2, 1, 5000);
	struct lookup_who who = { FAKE_REALM, NULL, &client, 0 };
	const struct turn_record rec = { .quota = 7 };
	struct turn_record got;
	struct lookup_ask ask;
	unsigned int n = 0, i;
	char name[] = "user0";
	struct lookup *l;
	uint64_t user;
	bool failed;

	do {
		torture_arm(++n);
		l = lookup_new(&conf);
		for (i = 0; l != NULL && i < 12; i++) {
			name[4] = (char)('a' + i);
			who.name = name;
			if (lookup_find(l, &who, 1000, &got, &ask) !=
			    -EINPROGRESS)
				continue;
			assert_int_equal(lookup_answer(l, ask.ticket,
					     LOOKUP_FOUND, &rec, 1000, &user),
			    1);
			assert_int_equal(
			    lookup_find(l, &who, 1000, &got, &ask), 0);
			assert_int_equal(got.quota, 7);
		}
		failed = torture_disarm();
		assert_true(l != NULL || failed);
		who.name = "last";
		if (l != NULL)
			assert_int_equal(lookup_find(l, &who, 1000, &got, &ask),
			    -EINPROGRESS);
		lookup_free(l);
	} while (failed);
	assert_true(n > 10);
}

/* A server that cannot be made whole is not made. */
static void
test_server(void **state)
{
	struct turn_ops ops = { NULL };
	struct turn_config cfg = {
		.max_allocations = 4,
		.max_permissions = 4,
		.max_channels = 4,
		.max_connections = 4,
		.connections = 4,
		.mobility = true,
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
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_modern_sessions),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
