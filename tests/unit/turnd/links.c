/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/turn/client.h"
#include "tests/unit/test.h"
#include "turnd/links.h"

#define LISTENERS 2

static const struct addr none = { .family = ADDR_NONE };

struct fixture {
	struct fake f;
	struct client client;
	struct links *links;
};

static int
setup(void **state)
{
	static struct fixture x;
	const struct hash_key key = { 1, 2 };

	fake_init(&x.f);
	x.f.conf.no_auth = true;
	fake_start(&x.f);
	client_init(&x.client, &x.f, "192.0.2.1:5000");
	x.links = links_new(x.f.server, key, LISTENERS);
	assert_non_null(x.links);
	*state = &x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	links_free(x->links);
	fake_fini(&x->f);
	return 0;
}

static struct addr
local(unsigned int i)
{
	return addr_v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i, 0);
}

static int
get(struct fixture *x, uint16_t listener, unsigned int i)
{
	struct addr a = local(i);

	return links_get(x->links, listener, &a, x->f.t.now_ms);
}

static void
one_address_is_its_listener(void **state)
{
	struct fixture *x = *state;
	uint16_t i;

	for (i = 0; i < LISTENERS; i++) {
		assert_int_equal(links_get(x->links, i, &none, 0), i);
		assert_int_equal(links_at(x->links, i)->listener, i);
		assert_int_equal(
		    links_at(x->links, i)->local.family, ADDR_NONE);
	}
}

static void
addresses_are_told_apart(void **state)
{
	struct addr v6 = { .family = ADDR_V6, .ip = { 10 } }, a = local(1);
	struct fixture *x = *state;
	const struct link *l;
	int n = get(x, 1, 1);

	assert_true(n >= LISTENERS);
	l = links_at(x->links, (uint16_t)n);
	assert_int_equal(l->listener, 1);
	assert_true(addr_equal(&l->local, &a));
	assert_int_not_equal(get(x, 0, 1), n);
	assert_int_not_equal(get(x, 1, 2), n);
	assert_int_not_equal(links_get(x->links, 1, &v6, 0), n);
	assert_int_equal(get(x, 1, 1), n);
}

/* Strangers may ask at every address of a local prefix; what an allocation
 * is on stays, and looking for the rest happens once a second. */
static void
unused_ones_make_room(void **state)
{
	struct fixture *x = *state;
	int kept = get(x, 0, 0), n;
	unsigned int i;

	x->f.link = (uint16_t)kept;
	assert_int_equal(client_allocate(&x->client), 0);
	for (i = 1; i < LINKS_MAX - LISTENERS; i++)
		assert_true(get(x, 0, i) >= LISTENERS);
	for (; i < 2 * LINKS_MAX - 2 * LISTENERS - 1; i++) {
		n = get(x, 0, i);
		assert_true(n >= LISTENERS);
		assert_int_not_equal(n, kept);
		assert_int_equal(get(x, 0, i), n);
	}
	assert_int_equal(get(x, 0, i), -ENOSPC);
	assert_int_equal(get(x, 0, 0), kept);
	assert_int_equal(links_get(x->links, 1, &none, 0), 1);
	x->f.t.now_ms += 1000;
	assert_true(get(x, 0, i) >= LISTENERS);
	assert_int_equal(get(x, 0, 0), kept);
	/* The allocation ends, and its link goes with the next sweep. */
	assert_int_equal(client_refresh(&x->client, 0), 0);
	for (; i < 3 * LINKS_MAX; i++)
		get(x, 0, i);
	x->f.t.now_ms += 1000;
	for (; i < 4 * LINKS_MAX; i++)
		get(x, 0, i);
	assert_int_equal(links_at(x->links, (uint16_t)kept)->listener, 0);
	assert_int_not_equal(get(x, 0, 0), kept);
}

static void
too_many_listeners(void **state)
{
	const struct hash_key key = { 1, 2 };

	assert_null(links_new(NULL, key, LINKS_MAX + 1));
	links_free(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* What another worker hears is another 5-tuple, though it looks the same. */
static void
workers_are_apart(void **state)
{
	struct fixture *x = *state;
	struct addr a = local(7);
	int here = get(x, 1, 7), one, two;

	one = links_get_via(x->links, 0, 1, &a, 0);
	two = links_get_via(x->links, 2, 1, &a, 0);
	assert_int_not_equal(one, here);
	assert_int_not_equal(one, two);
	assert_int_equal(links_get_via(x->links, 2, 1, &a, 0), two);
	assert_int_equal(get(x, 1, 7), here);
	assert_int_equal(links_at(x->links, (uint16_t)here)->via, 0);
	assert_int_equal(links_at(x->links, (uint16_t)one)->via, 1);
	assert_int_equal(links_at(x->links, (uint16_t)two)->via, 3);
	assert_int_equal(links_at(x->links, (uint16_t)two)->listener, 1);
	assert_true(addr_equal(&links_at(x->links, (uint16_t)two)->local, &a));
	/* A listener of one address, heard elsewhere, is not its number. */
	assert_int_not_equal(links_get_via(x->links, 0, 1, &none, 0), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_address_is_its_listener),
		T(addresses_are_told_apart),
		T(unused_ones_make_room),
		T(workers_are_apart),
		T(too_many_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
