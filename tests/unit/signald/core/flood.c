/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates of requests and messages, over all devices of a user. */
#include <stdlib.h>

#include "tests/unit/signald/core/client.h"

#define PING "{'id':3,'op':'ping'}"
#define LIMITED(id, ms) \
	"{'id':" id ",'err':{'code':'rate_limited','retry_ms':" ms "}}"

static struct world *
world_with(uint32_t requests, uint32_t messages)
{
	struct world_opts opts = world_defaults();

	opts.cfg.request_rate = requests;
	opts.cfg.message_rate = messages;
	return client_world(&opts);
}

static void
test_requests(void **state)
{
	struct world *w = world_with(2, 0);
	int a = login(w, "alice", "d1"), b = login(w, "alice", "d2"), i;
	int c = login(w, "bob", "d1");

	/* Ten seconds' worth at once, from whichever device. */
	for (i = 0; i < 20; i++)
		ask(w, i % 2 == 0 ? a : b, PING, "{'id':3,'ok':{}}");
	ask(w, a, PING, LIMITED("3", "500"));
	ask(w, b, PING, LIMITED("3", "500"));
	ask(w, c, PING, "{'id':3,'ok':{}}"); /* not bob's fault */
	/* What answers our pushes is free, what wants no answer gets none. */
	ask(w, a, "{'id':5,'op':'sync.ack','sync':0}", "{'id':5,'ok':{}}");
	world_say(w, a, "{'op':'ping'}");
	want_nothing(w, a);
	world_run(w, 400);
	ask(w, a, PING, LIMITED("3", "100"));
	world_run(w, 100);
	ask(w, a, PING, "{'id':3,'ok':{}}");
	ask(w, a, PING, LIMITED("3", "500"));
	want_closed(w, a, 0);
	world_free(w);
}

static void
test_messages(void **state)
{
	struct world *w = world_with(0, 1);
	int a = login(w, "alice", "d1"), i;
	char mid[8];

	for (i = 0; i < 10; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		client_text(w, a, "bob", mid);
		world_hear_all(w, a);
	}
	ask(w, a,
	    "{'id':4,'op':'message.send','to':'bob','mid':'m10',"
	    "'type':'text','body':{'text':'x'}}",
	    LIMITED("4", "1000"));
	ask(w, a,
	    "{'id':4,'op':'message.react','conv':'main:1:alice:bob','seq':1,"
	    "'mid':'r','emoji':'x'}",
	    LIMITED("4", "1000"));
	/* Reading is none. */
	ask(w, a, "{'id':5,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':5,'ok':{'complete':true}}");
	assert_int_equal(disk_count(world_disk(w)), 10);
	world_run(w, 1000);
	client_text(w, a, "bob", "m10");
	world_free(w);
}

static void
test_no_limit(void **state)
{
	struct world *w = world_with(0, 0);
	int a = login(w, "alice", "d1"), i;

	for (i = 0; i < 3000; i++)
		ask(w, a, PING, "{'id':3,'ok':{}}");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_requests, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_messages, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_limit, client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
