/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/test.h"

#include "tests/turn/client.h"

#define TICKET_LEN 32

static struct fake f;
static struct client c;
static uint8_t ticket[TICKET_LEN];

static void
keep_ticket(void)
{
	const struct stun_attr *a = stun_find(&c.answer, STUN_MOBILITY_TICKET);

	assert_non_null(a);
	assert_int_equal(a->len, TICKET_LEN);
	memcpy(ticket, stun_value(&c.answer, a), TICKET_LEN);
}

static int
allocate(void)
{
	client_begin(&c, STUN_ALLOCATE);
	stun_put_u32(&c.out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&c.out, STUN_MOBILITY_TICKET, NULL, 0);
	return client_send(&c);
}

/* A Refresh with a ticket. */
static int
refresh(const void *with, size_t len)
{
	client_begin(&c, STUN_REFRESH);
	stun_put(&c.out, STUN_MOBILITY_TICKET, with, len);
	return client_send(&c);
}

static int
setup(void **state)
{
	fake_init(&f);
	f.conf.mobility = true;
	fake_start(&f);
	client_init(&c, &f, "192.0.2.1:5000");
	assert_int_equal(allocate(), 401);
	assert_int_equal(allocate(), 0);
	keep_ticket();
	return 0;
}

static int
teardown(void **state)
{
	fake_fini(&f);
	return 0;
}

/* From the next address; what 401 tells is learnt. */
static void
move_client(void)
{
	c.addr.ip[3]++;
	c.nonce[0] = '\0';
	client_begin(&c, STUN_REFRESH);
	assert_int_equal(client_send(&c), 401);
}

/* coturn's client takes it for a string, in a buffer of 33 bytes. */
static void
test_a_ticket_is_text(void **state)
{
	int i, round;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < TICKET_LEN; i++)
			assert_in_range(ticket[i], '!', '~');
		move_client();
		assert_int_equal(refresh(ticket, TICKET_LEN), 0);
		keep_ticket();
	}
}

static void
test_no_other_ticket_is_taken(void **state)
{
	uint8_t forged[TICKET_LEN + 1];
	size_t i;
	int bit;

	move_client();
	for (i = 0; i < TICKET_LEN; i++) {
		for (bit = 0; bit < 8; bit++) {
			memcpy(forged, ticket, TICKET_LEN);
			forged[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(refresh(forged, TICKET_LEN), 400);
			assert_int_equal(f.out.note.reason, TURN_BAD_TICKET);
		}
	}
	memcpy(forged, ticket, TICKET_LEN);
	forged[TICKET_LEN] = 'A';
	assert_int_equal(refresh(forged, TICKET_LEN + 1), 400);
	assert_int_equal(refresh(forged, TICKET_LEN - 1), 400);
	assert_int_equal(refresh(ticket, TICKET_LEN), 0);
}

/* Another server's, which has the same key: it goes there as it came. */
static void
test_a_ticket_of_another_server(void **state)
{
	struct turn_server *here = f.server;
	struct turn_config *core = &f.core;
	struct turn_ops ops = f.ops;

	ops.server = 3;
	f.server = turn_server_new(core, &ops);
	assert_non_null(f.server);
	move_client();
	assert_int_equal(refresh(ticket, TICKET_LEN), -1);
	assert_int_equal(f.out.to, TURN_NOBODY);
	assert_int_equal(f.out.then, TURN_THEN_MOVE);
	assert_int_equal(f.out.server, 0);
	/* But not without a password. */
	c.password = "wrong";
	assert_int_equal(refresh(ticket, TICKET_LEN), 401);
	assert_int_equal(f.out.then, TURN_THEN_NOTHING);
	c.password = "wonderland";
	/* Nor from where there is another allocation. */
	assert_int_equal(client_allocate(&c), 0);
	assert_int_equal(refresh(ticket, TICKET_LEN), 437);
	assert_int_equal(client_refresh(&c, 0), 0);
	turn_server_free(f.server);
	f.server = here;
	assert_int_equal(refresh(ticket, TICKET_LEN), 0);
}

/* The allocation is found by both 5-tuples, then by one. */
static void
test_where_it_is(void **state)
{
	struct addr old = c.addr, new;

	move_client();
	new = c.addr;
	assert_false(turn_server_has(f.server, &new, 0, f.t));
	assert_int_equal(refresh(ticket, TICKET_LEN), 0);
	assert_true(turn_server_has(f.server, &old, 0, f.t));
	assert_true(turn_server_has(f.server, &new, 0, f.t));
	assert_int_equal(f.left, 0);
	client_send_data(&c, "198.41.0.4:9", "first");
	assert_false(turn_server_has(f.server, &old, 0, f.t));
	assert_true(turn_server_has(f.server, &new, 0, f.t));
	assert_int_equal(f.left, 1);
	assert_true(addr_equal(&f.last_left, &old));
	turn_server_gone(f.server, &new, 0, f.t);
	assert_int_equal(f.ended, 0);
	fake_elapse(&f, 600 * 1000);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.last_why, TURN_END_EXPIRED);
	assert_true(addr_equal(&f.last.client, &new));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_ticket_is_text),
		CASE(test_no_other_ticket_is_taken),
		CASE(test_a_ticket_of_another_server),
		CASE(test_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
