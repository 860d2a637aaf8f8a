/* SPDX-License-Identifier: BSD-3-Clause */
/* The heartbeat's profiles, and links that are asked to move. */
#include <stdlib.h>

#include "lib/json/json.h"
#include "tests/unit/signald/core/client.h"

#define HELLO(user, more) \
	"{'id':1,'op':'hello','token':'$token." user "','device':'d1'" more "}"
#define PING "{'op':'ping'}"

static void
test_profiles(void **state)
{
	struct world *w = *state;
	int a = world_open(w), b = world_open(w);

	world_hear_all(w, a);
	world_hear_all(w, b);
	ask(w, a, HELLO("alice", ",'heartbeat':'slow'"),
	    "{'id':1,'err':{'code':'bad_request',"
	    "'msg':'heartbeat: must be default or mobile'}}");
	ask(w, a, HELLO("alice", ",'heartbeat':'mobile'"),
	    "{'id':1,'ok':{'heartbeat':"
	    "{'ping_ms':25000,'wait_ms':8000,'kill_ms':33000}}}");
	ask(w, b, HELLO("bob", ",'heartbeat':'default'"),
	    "{'id':1,'ok':{'heartbeat':"
	    "{'ping_ms':5000,'wait_ms':7000,'kill_ms':7000}}}");
	world_run(w, 7100);
	want_closed(w, b, 4000);
	world_run(w, 25800);
	want_closed(w, a, 0);
	ask(w, a, PING, "{'push':'pong'}");
	world_run(w, 32900);
	want_closed(w, a, 0);
	world_run(w, 200);
	want_closed(w, a, 4000);
}

/* The profile is the link's: the next one chooses anew. */
static void
test_profile_is_not_resumed(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_lose(w, a);
	a = resume(w, "alice", "d1", ",'heartbeat':'mobile'");
	world_lose(w, a);
	a = resume(w, "alice", "d1", "");
	world_run(w, 7100);
	want_closed(w, a, 4000);
}

/* The move in a pong, or -1. */
static int64_t
move_in(const char *pong)
{
	const struct json_limits limits = { 4096, 100, 8 };
	char err[JSON_ERR_MAX];
	struct json_in in, move;
	const struct json *obj;
	struct json *v;
	int64_t ms = -1;

	assert_int_equal(json_parse(pong, strlen(pong), &limits, &v, err), 0);
	json_in_init(&in, v, "");
	assert_string_equal(json_in_str(&in, "push", 1, 9), "pong");
	obj = json_in_object_opt(&in, "move");
	if (obj != NULL) {
		json_in_init(&move, obj, "move");
		ms = json_in_int(&move, "after_ms", 0, 60000);
		assert_int_equal(move.code, 0);
	}
	json_free(v);
	return ms;
}

static int64_t
ping(struct world *w, int link)
{
	world_say(w, link, PING);
	return move_in(world_hear(w, link));
}

static void
crowd(struct world *w, int links[], int from, int to)
{
	char device[8];
	int i;

	for (i = from; i < to; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		links[i] = login(w, "alice", device);
	}
}

static void
test_as_many_as_are_too_many_move(void **state)
{
	struct world_opts opts = world_defaults();
	int links[6], i, moved = 0;
	struct world *w;

	opts.cfg.shards = 1;
	opts.cfg.move_links = 4;
	w = client_world(&opts);
	crowd(w, links, 0, 4);
	assert_int_equal(ping(w, links[0]), -1);
	crowd(w, links, 4, 6);
	for (i = 0; i < 6; i++)
		moved += ping(w, links[i]) >= 0;
	assert_int_equal(moved, 2);
	/* Nobody is told twice. */
	for (i = 0; i < 6; i++)
		assert_int_equal(ping(w, links[i]), -1);
	/* Two have gone, and then one that comes is again one too many. */
	world_lose(w, links[0]);
	world_lose(w, links[1]);
	assert_int_equal(ping(w, links[2]), -1);
	login(w, "bob", "d1");
	assert_in_range(ping(w, links[2]), 0, 30000);
	assert_int_equal(ping(w, links[3]), -1);
	world_free(w);
}

static void
test_drain_is_spread(void **state)
{
	struct world_opts opts = world_defaults();
	int links[8], i, closed, stranger;
	struct world *w;

	opts.cfg.shards = 1;
	opts.cfg.drain_ms = 4000;
	w = client_world(&opts);
	crowd(w, links, 0, 8);
	stranger = world_open(w);
	world_drain(w);
	want_closed(w, stranger, 4003);
	for (i = 0; i < 8; i++) {
		want_closed(w, links[i], 0);
		assert_in_range(ping(w, links[i]), 0, 4000);
	}
	world_run(w, 2000);
	for (i = closed = 0; i < 8; i++)
		closed += world_closed(w, links[i]) == 4003;
	assert_in_range(closed, 3, 5);
	want_closed(w, world_open(w), 4003);
	world_run(w, 2100);
	for (i = 0; i < 8; i++)
		want_closed(w, links[i], 4003);
	assert_int_equal(WORLD_STAT(w, links), 0);
	assert_int_equal(WORLD_STAT(w, sessions), 8);
	world_free(w);
}

/* What is acked while others are closed is stored too. */
static void
test_drain_stores_the_last_acks(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a, b;

	opts.cfg.drain_ms = 500;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	b = login(w, "bob", "d1");
	client_text(w, a, "bob", "m1");
	world_drain(w);
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_run(w, 600);
	want_closed(w, b, 4003);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 1);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_profiles, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_profile_is_not_resumed, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_as_many_as_are_too_many_move, client_setup,
		    client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_drain_is_spread, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(test_drain_stores_the_last_acks,
		    client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
