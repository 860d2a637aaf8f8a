/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/signald/core/client.h"

/* alice and bob share a conversation, nobody is there. */
static struct world *
acquainted(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	client_text(w, a, "bob", "m1");
	world_say(w, a, "{'op':'sync.ack','sync':1}");
	world_lose(w, a);
	world_run(w, 61000);
	assert_int_equal(WORLD_STAT(w, users_online), 0);
	world_forget(w);
	world_ignore_presence(w, false);
	return w;
}

/* Says hello and leaves its answer to be heard. */
static int
hello(struct world *w, const char *user)
{
	int link = world_open(w);
	char text[128];

	want(w, link, "{'push':'welcome'}");
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'$token.%s','device':'d1'}", user);
	world_say(w, link, text);
	return link;
}

static void
test_online_and_offline(void **state)
{
	struct world *w = acquainted(state);
	int a, b;

	a = hello(w, "alice");
	want(
	    w, a, "{'id':1,'ok':{'peers':[{'user':'bob','state':'offline'}]}}");
	world_run(w, 1000);
	b = hello(w, "bob");
	want(w, b,
	    "{'id':1,'ok':{'peers':[{'user':'alice','state':'online',"
	    "'last_seen':1790000061000}]}}");
	want(w, b, "{'push':'message','sync':1}");
	want(w, a,
	    "{'push':'presence','user':'bob','state':'online',"
	    "'last_seen':1790000062000}");
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	want_nothing(w, a);
	want_nothing(w, b);
	world_lose(w, b);
	world_say(w, a, "{'op':'ping'}");
	world_hear(w, a);
	want_nothing(w, a);
}

static void
test_offline_after_the_window(void **state)
{
	struct world *w = acquainted(state);
	int a, b = hello(w, "bob"), i;

	world_run(w, 3000);
	world_lose(w, b);
	a = hello(w, "alice");
	want(w, a, "{'id':1,'ok':{'peers':[{'user':'bob','state':'online'}]}}");
	for (i = 0; i < 12; i++) {
		want_nothing(w, a);
		world_say(w, a, "{'id':1,'op':'ping'}");
		world_hear(w, a);
		world_run(w, 5000);
	}
	/* last_seen is when it was heard last, not when we gave it up. */
	want(w, a,
	    "{'push':'presence','user':'bob','state':'offline',"
	    "'last_seen':1790000061000}");
	want_nothing(w, a);
}

static void
test_no_flicker(void **state)
{
	struct world *w = acquainted(state);
	int a = hello(w, "alice"), b = login(w, "bob", "d2"), i;

	world_hear_all(w, a);
	for (i = 0; i < 10; i++) {
		world_lose(w, b);
		world_say(w, a, "{'op':'ping'}");
		world_run(w, 5000);
		b = resume(w, "bob", "d2", "");
	}
	for (i = 0; i < 10; i++)
		want(w, a, "{'push':'pong'}");
	want_nothing(w, a);
}

static void
test_every_device_must_go(void **state)
{
	struct world *w = acquainted(state);
	int a, b1 = login(w, "bob", "d1"), b2 = login(w, "bob", "d2"), i;

	a = login(w, "alice", "d1");
	world_lose(w, b1);
	for (i = 0; i < 14; i++) {
		world_say(w, a, "{'op':'ping'}");
		want(w, a, "{'push':'pong'}");
		world_say(w, b2, "{'op':'ping'}");
		world_run(w, 5000);
	}
	want_nothing(w, a);
	assert_int_equal(WORLD_STAT(w, sessions), 2);
}

static void
test_first_message_introduces(void **state)
{
	struct world *w = *state;
	int a, b;

	world_ignore_presence(w, false);
	a = login(w, "alice", "d1");
	b = login(w, "bob", "d1");
	world_run(w, 100);
	want_nothing(w, a); /* strangers */
	world_ignore_presence(w, true);
	client_text(w, a, "carol", "m0");
	world_hear_all(w, a);
	world_ignore_presence(w, false);
	world_say(w, a,
	    "{'op':'message.send','to':'bob','mid':'m1','type':'text',"
	    "'body':{'text':'hi'}}");
	/* One each, before or after the message. */
	assert_int_equal(world_unheard(w, a), 2);
	assert_int_equal(world_unheard(w, b), 2);
	if (world_match(w, "{'push':'presence'}", world_hear(w, a)) != NULL)
		want(w, a,
		    "{'push':'presence','user':'bob','state':'online',"
		    "'last_seen':1790000000000}");
	if (world_match(w, "{'push':'presence'}", world_hear(w, b)) != NULL)
		want(w, b,
		    "{'push':'presence','user':'alice','state':'online'}");
	world_hear_all(w, a);
	world_hear_all(w, b);
	/* The second one does not. */
	world_say(w, b,
	    "{'op':'message.send','to':'alice','mid':'m2','type':'text',"
	    "'body':{'text':'hi'}}");
	want(w, a, "{'push':'message','mid':'m2'}");
	want_nothing(w, a);
	/* From now on they hear of each other. */
	world_lose(w, b);
	world_vanish(w, a);
	world_run(w, 59000);
	a = resume(w, "alice", "d1", ",'sync':3");
	want_nothing(w, a);
	world_run(w, 2000);
	want(w, a, "{'push':'presence','user':'bob','state':'offline'}");
}

static void
test_first_message_to_one_who_is_away(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_ignore_presence(w, false);
	world_say(w, a,
	    "{'op':'message.send','to':'bob','mid':'m1','type':'text',"
	    "'body':{'text':'hi'}}");
	assert_int_equal(world_unheard(w, a), 2);
	if (world_match(w, "{'push':'presence'}", world_hear(w, a)) != NULL)
		want(
		    w, a, "{'push':'presence','user':'bob','state':'offline'}");
}

/* A shard that does not answer holds nobody's log-in up for long. */
static void
test_silent_shard(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	uint64_t before;
	int a, b;

	opts.mail_ms = 5000;
	opts.seed = 3;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	client_text(w, a, "bob", "m1");
	world_lose(w, a);
	world_run(w, 70000);
	b = world_open(w);
	world_hear_all(w, b);
	before = world_now(w);
	world_post(
	    w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d1'}");
	while (world_unheard(w, b) == 0)
		world_run(w, 10);
	/* The move took its time too. */
	assert_in_range(world_now(w) - before, 0, 6050);
	world_free(w);
}

/* Whatever the order of mail, both end up knowing the truth. */
static void
test_converges(void **state)
{
	struct world_opts opts = world_defaults();
	int a, b, round;
	struct world *w;
	const char *text;

	for (round = 1; round <= 50; round++) {
		opts.seed = (uint64_t)round;
		opts.mail_ms = 30;
		opts.log_ms = 30;
		w = client_world(&opts);
		a = login(w, "alice", "d1");
		client_text(w, a, "bob", "m1");
		world_lose(w, a);
		world_run(w, 61000);
		world_ignore_presence(w, false);
		a = world_open(w);
		b = world_open(w);
		world_post(w, a,
		    "{'id':1,'op':'hello','token':'$token.alice',"
		    "'device':'d1','sync':1}");
		world_post(w, b,
		    "{'id':1,'op':'hello','token':'$token.bob',"
		    "'device':'d1','sync':1}");
		world_settle(w);
		for (; a != 0; a = a == b ? 0 : b) {
			bool online = false;

			while ((text = world_hear(w, a)) != NULL) {
				if (strstr(text, "\"state\":\"") != NULL)
					online =
					    strstr(text,
						"\"state\":\"online\"") != NULL;
			}
			assert_true(online);
		}
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_online_and_offline),
		TEST(test_offline_after_the_window),
		TEST(test_no_flicker),
		TEST(test_every_device_must_go),
		TEST(test_first_message_introduces),
		TEST(test_first_message_to_one_who_is_away),
		cmocka_unit_test_setup_teardown(
		    test_silent_shard, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_converges, client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
