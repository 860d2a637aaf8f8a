/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/test.h"

#include "turnd/core/lookup.h"

#define ENTRIES 4
#define ASKING  3
#define BURST   8

static struct lookup *l;
static uint64_t now_ms;
static struct addr client;

static int
setup(void **state)
{
	const struct lookup_conf conf = {
		.entries = ENTRIES,
		.asking = ASKING,
		.found_ms = 1000,
		.nobody_ms = 300,
		.failed_ms = 100,
		.stale_ms = 5000,
		.rate = limit_rate(1, BURST),
		.hash_key = { 1, 2 },
	};

	now_ms = 1000000;
	client = addr_v4(192, 0, 2, 1, 5000);
	l = lookup_new(&conf);
	return l == NULL;
}

static int
teardown(void **state)
{
	lookup_free(l);
	return 0;
}

/* Another network, so that none has asked too much. */
static int
find(const char *name, struct lookup_ask *ask)
{
	const struct lookup_who who = { "example.org", name, &client, 2 };
	struct turn_record rec = { .quota = 0 };
	int rc;

	client.ip[1]++;
	rc = lookup_find(l, &who, now_ms, &rec, ask);
	if (rc == 0)
		assert_int_equal(rec.quota, 7);
	return rc;
}

static uint64_t
answer(const struct lookup_ask *ask, enum lookup_result result)
{
	const struct turn_record rec = { .quota = 7 };
	uint64_t user = 0, workers;

	workers = lookup_answer(l, ask->ticket, result, &rec, now_ms, &user);
	assert_true(user == ask->user || workers == 0);
	return workers;
}

/* Asks and is answered, both at once. */
static void
learn(const char *name, enum lookup_result result)
{
	struct lookup_ask ask;

	assert_int_equal(find(name, &ask), -EINPROGRESS);
	assert_true(ask.ticket != 0);
	assert_int_equal(answer(&ask, result), 1 << 2);
}

static void
test_answers_are_kept_for_their_time(void **state)
{
	struct lookup_ask ask;

	learn("bob", LOOKUP_FOUND);
	learn("eve", LOOKUP_NOBODY);
	learn("dan", LOOKUP_FAILED);
	assert_int_equal(find("bob", &ask), 0);
	assert_int_equal(find("eve", &ask), -ENOENT);
	assert_int_equal(find("dan", &ask), -EIO);
	now_ms += 99;
	assert_int_equal(find("dan", &ask), -EIO);
	now_ms++;
	learn("dan", LOOKUP_FOUND);
	now_ms += 200;
	learn("eve", LOOKUP_FOUND);
	now_ms += 699;
	assert_int_equal(find("bob", &ask), 0);
	now_ms++;
	learn("bob", LOOKUP_NOBODY);
	assert_int_equal(find("bob", &ask), -ENOENT);
}

static void
test_equal_questions_are_asked_once(void **state)
{
	const struct lookup_who other = { "example.org", "bob", &client, 5 };
	const struct lookup_who realm = { "b.example", "bob", &client, 5 };
	struct lookup_ask first, again, third;
	struct turn_record rec;

	assert_int_equal(find("bob", &first), -EINPROGRESS);
	assert_int_equal(find("bob", &again), -EINPROGRESS);
	assert_int_equal(again.ticket, 0);
	assert_int_equal(
	    lookup_find(l, &other, now_ms, &rec, &again), -EINPROGRESS);
	assert_int_equal(again.ticket, 0);
	assert_true(again.user == first.user);
	/* bob of another realm is somebody else */
	assert_int_equal(
	    lookup_find(l, &realm, now_ms, &rec, &third), -EINPROGRESS);
	assert_true(third.ticket != 0 && third.user != first.user);
	assert_int_equal(answer(&first, LOOKUP_FOUND), 1 << 2 | 1 << 5);
	/* A ticket is good once, and no other is. */
	assert_int_equal(answer(&first, LOOKUP_NOBODY), 0);
	assert_int_equal(find("bob", &again), 0);
	assert_int_equal(lookup_stats(l)->asking, 1);
}

static void
test_known_users_outlive_a_failure(void **state)
{
	struct lookup_ask ask;

	learn("bob", LOOKUP_FOUND);
	now_ms += 1000;
	learn("bob", LOOKUP_FAILED);
	assert_int_equal(find("bob", &ask), 0);
	now_ms += 100;
	learn("bob", LOOKUP_FAILED);
	assert_int_equal(find("bob", &ask), 0);
	now_ms += 4900;
	learn("bob", LOOKUP_FAILED);
	assert_int_equal(find("bob", &ask), -EIO);
	now_ms += 100;
	learn("bob", LOOKUP_NOBODY);
	now_ms += 300;
	learn("bob", LOOKUP_FAILED);
	assert_int_equal(find("bob", &ask), -EIO);
}

static void
test_so_many_at_a_time(void **state)
{
	struct lookup_ask asks[ASKING], more;
	char name[] = "a";
	int i;

	learn("bob", LOOKUP_FOUND);
	for (i = 0; i < ASKING; i++, name[0]++)
		assert_int_equal(find(name, &asks[i]), -EINPROGRESS);
	assert_int_equal(find("z", &more), -EBUSY);
	/* Who is known goes on, even when it is time to ask again. */
	now_ms += 1000;
	assert_int_equal(find("bob", &more), 0);
	now_ms += 5000;
	assert_int_equal(find("bob", &more), -EBUSY);
	answer(&asks[1], LOOKUP_NOBODY);
	assert_int_equal(find("z", &more), -EINPROGRESS);
	assert_int_equal(lookup_stats(l)->limited, 3);
}

static void
test_so_many_for_a_network(void **state)
{
	const struct addr one = addr_v4(198, 51, 100, 1, 1);
	const struct addr near = addr_v4(198, 51, 100, 200, 2);
	const struct addr far = addr_v4(198, 51, 101, 1, 1);
	char name[] = "a";
	struct lookup_who who = { "example.org", name, &one, 0 };
	struct turn_record rec;
	struct lookup_ask ask;
	int i;

	for (i = 0; i < BURST; i++, name[0]++) {
		assert_int_equal(
		    lookup_find(l, &who, now_ms, &rec, &ask), -EINPROGRESS);
		answer(&ask, LOOKUP_NOBODY);
	}
	who.client = &near;
	assert_int_equal(lookup_find(l, &who, now_ms, &rec, &ask), -EBUSY);
	who.client = &far;
	assert_int_equal(
	    lookup_find(l, &who, now_ms, &rec, &ask), -EINPROGRESS);
	answer(&ask, LOOKUP_NOBODY);
	name[0]++;
	who.client = &near;
	now_ms += 1000;
	assert_int_equal(
	    lookup_find(l, &who, now_ms, &rec, &ask), -EINPROGRESS);
}

/* Strangers displace strangers; users displace the longest unused user. */
static void
test_entries_are_bounded(void **state)
{
	char name[16];
	struct lookup_ask ask;
	int i;

	for (i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		learn(name, LOOKUP_FOUND);
	}
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "nobody%d", i);
		learn(name, i % 2 == 0 ? LOOKUP_NOBODY : LOOKUP_FAILED);
	}
	assert_int_equal(find("nobody98", &ask), -ENOENT);
	assert_int_equal(find("user0", &ask), 0);
	learn("user4", LOOKUP_FOUND);
	assert_int_equal(find("user0", &ask), 0);
	assert_int_equal(find("user2", &ask), 0);
	learn("user1", LOOKUP_FOUND);
	learn("nobody0", LOOKUP_NOBODY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_answers_are_kept_for_their_time),
		CASE(test_equal_questions_are_asked_once),
		CASE(test_known_users_outlive_a_failure),
		CASE(test_so_many_at_a_time),
		CASE(test_so_many_for_a_network),
		CASE(test_entries_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
