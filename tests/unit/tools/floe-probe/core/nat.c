/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/test.h"
#include "tools/floe-probe/core/nat.h"

/*
 * A NAT and a server with two addresses, as they would answer: the mapped port
 * is the client's plus what the NAT adds for the destination.
 */
struct world {
	struct addr server, second, local;
	bool natted;
	int per_address, per_port; /* added to the mapped port */
	enum nat_behaviour filter;
	bool deaf;       /* nobody answers */
	bool plain;      /* no OTHER-ADDRESS */
	bool other_deaf; /* the second address does not answer */
	bool refuses;    /* 420 to CHANGE-REQUEST */
	bool ignores;    /* CHANGE-REQUEST makes no difference */
	int asked;
};

static struct world
world(void)
{
	return (struct world){
		.server = addr_v4(198, 51, 100, 1, 3478),
		.second = addr_v4(203, 0, 113, 1, 3479),
		.local = addr_v4(10, 0, 0, 2, 5000),
		.natted = true,
		.filter = NAT_INDEPENDENT,
	};
}

static struct addr
mapped_for(const struct world *w, const struct addr *to)
{
	struct addr a = addr_v4(192, 0, 2, 9, w->local.port);

	if (!w->natted)
		return w->local;
	if (!addr_equal_ip(to, &w->server))
		a.port = (uint16_t)(a.port + w->per_address);
	if (to->port != w->server.port)
		a.port = (uint16_t)(a.port + w->per_port);
	return a;
}

/* Whether what leaves from there comes in to who has asked at to. */
static bool
lets_in(const struct world *w, const struct addr *to, const struct addr *from)
{
	switch (w->filter) {
	case NAT_INDEPENDENT:
		return true;
	case NAT_ADDRESS:
		return addr_equal_ip(to, from);
	default:
		return addr_equal(to, from);
	}
}

static struct nat_answer
ask(struct world *w, const struct nat_ask *q)
{
	struct nat_answer a = { .local = w->local, .from = q->to };

	w->asked++;
	a.mapped = mapped_for(w, &q->to);
	if (!w->plain) {
		a.other =
		    addr_equal_ip(&q->to, &w->server) ? w->second : w->server;
		a.other.port = q->to.port == w->server.port ? w->second.port
							    : w->server.port;
	}
	if (q->change != 0 && w->refuses)
		return (struct nat_answer){ .refused = true };
	if ((q->change & NAT_CHANGE_IP) != 0 && !w->ignores)
		memcpy(a.from.ip, a.other.ip, sizeof(a.from.ip));
	if ((q->change & NAT_CHANGE_PORT) != 0 && !w->ignores)
		a.from.port = a.other.port;
	a.came = !w->deaf && lets_in(w, &q->to, &a.from) &&
	    !(w->other_deaf && !addr_equal_ip(&q->to, &w->server));
	return a;
}

static struct nat
run(struct world *w, const struct addr *second)
{
	struct nat n = nat_begin(&w->server, second);
	struct nat_answer a;
	struct nat_ask q;

	while (nat_next(&n, &q)) {
		/* Mapping and filtering begin on sockets of their own. */
		assert_true(q.fresh ==
		    (n.step == NAT_MAP_FIRST || n.step == NAT_FILTER_FIRST));
		a = ask(w, &q);
		nat_answer(&n, &a);
		assert_true(w->asked < 10);
	}
	return n;
}

static void
expect(struct world w, enum nat_behaviour mapping, enum nat_behaviour filtering)
{
	struct nat n = run(&w, NULL);

	assert_string_equal(
	    nat_behaviour_name(n.mapping), nat_behaviour_name(mapping));
	assert_string_equal(
	    nat_behaviour_name(n.filtering), nat_behaviour_name(filtering));
	assert_int_equal(nat_is_there(&n), w.natted && !w.deaf);
}

/* RFC 5780 sections 4.3 and 4.4: every pair of behaviours. */
static void
test_all_kinds(void **state)
{
	static const struct {
		int per_address, per_port;
		enum nat_behaviour mapping;
	} maps[] = {
		{ 0, 0, NAT_INDEPENDENT },
		{ 7, 0, NAT_ADDRESS },
		{ 7, 13, NAT_ADDRESS_AND_PORT },
	};
	enum nat_behaviour filter;
	struct world w;
	size_t i;

	for (i = 0; i < LEN(maps); i++) {
		for (filter = NAT_INDEPENDENT; filter <= NAT_ADDRESS_AND_PORT;
		     filter++) {
			w = world();
			w.per_address = maps[i].per_address;
			w.per_port = maps[i].per_port;
			w.filter = filter;
			expect(w, maps[i].mapping, filter);
		}
	}
}

static void
test_no_nat(void **state)
{
	struct world w = world();

	w.natted = false;
	expect(w, NAT_INDEPENDENT, NAT_INDEPENDENT);
	/* A firewall filters without a NAT. */
	w.filter = NAT_ADDRESS_AND_PORT;
	expect(w, NAT_INDEPENDENT, NAT_ADDRESS_AND_PORT);
}

static void
test_nobody(void **state)
{
	struct world w = world();

	w.deaf = true;
	expect(w, NAT_UNKNOWN, NAT_UNKNOWN);
}

static void
test_servers_that_do_less(void **state)
{
	struct world w = world();

	w.plain = true;
	expect(w, NAT_UNKNOWN, NAT_UNKNOWN);
	w = world();
	w.refuses = true;
	expect(w, NAT_INDEPENDENT, NAT_UNKNOWN);
	/* An answer from the address that was asked proves no open filter. */
	w = world();
	w.ignores = true;
	w.filter = NAT_ADDRESS_AND_PORT;
	expect(w, NAT_INDEPENDENT, NAT_UNKNOWN);
	w = world();
	w.other_deaf = true;
	expect(w, NAT_UNKNOWN, NAT_INDEPENDENT);
	/* OTHER-ADDRESS that is no other address. */
	w = world();
	w.second = w.server;
	expect(w, NAT_UNKNOWN, NAT_UNKNOWN);
}

static void
test_second_server(void **state)
{
	const struct addr far = addr_v4(203, 0, 113, 7, 3478);
	const struct addr near = addr_v4(198, 51, 100, 1, 3479);
	struct world w = world();
	struct nat n;

	w.plain = true;
	n = run(&w, &far);
	assert_int_equal(n.mapping, NAT_INDEPENDENT);
	assert_int_equal(n.filtering, NAT_UNKNOWN);
	n = run(&w, &near);
	assert_int_equal(n.mapping, NAT_UNKNOWN);
	w.per_port = 3;
	n = run(&w, &near);
	assert_int_equal(n.mapping, NAT_DEPENDENT);
	w.per_port = 0;
	w.per_address = 3;
	n = run(&w, &far);
	assert_int_equal(n.mapping, NAT_DEPENDENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_no_nat),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_servers_that_do_less),
		cmocka_unit_test(test_second_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
