/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/signald/core/client.h"

/* alice and bob are friends, nobody is there. */
static struct world *
acquainted(void **state)
{
	struct world *w = *state;

	disk_befriend(world_disk(w), "alice", "bob");
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
	    "'last_seen':1790000000000}]}}");
	want(w, a,
	    "{'push':'presence','user':'bob','state':'online',"
	    "'last_seen':1790000001000}");
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
	world_run(w, 100);
	/* last_seen is when it was heard last, not when we gave it up. */
	want(w, a,
	    "{'push':'presence','user':'bob','state':'offline',"
	    "'last_seen':1790000000000}");
	want_nothing(w, a);
	/* Which the next log-in reads from the log. */
	a = hello(w, "alice");
	want(w, a,
	    "{'id':1,'ok':{'peers':[{'user':'bob','state':'offline',"
	    "'last_seen':1790000000000}]}}");
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

/* Who shares no more than a conversation is nobody's business. */
static void
test_strangers(void **state)
{
	struct world *w = *state;
	int a, b;

	world_ignore_presence(w, false);
	a = login(w, "alice", "d1");
	client_text(w, a, "bob", "m1");
	world_hear_all(w, a);
	b = hello(w, "bob");
	want(w, b, "{'id':1,'ok':{'peers':[]}}");
	want(w, b, "{'push':'message'}");
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_say(w, a, "{'op':'sync.ack','sync':1}");
	want_nothing(w, a);
	world_say(w, b, "{'id':2,'op':'presence.set','state':'away'}");
	want(w, b, "{'id':2,'ok':{'state':'away'}}");
	world_run(w, 6000);
	want_nothing(w, a);
}

/* Those who become friends hear of each other, those who part no more. */
static void
test_friends_for_a_while(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	world_say(w, a, "{'op':'contact.request','user':'bob'}");
	world_run(w, 5500); /* what was told at the log-in is over */
	world_hear_all(w, a);
	world_hear_all(w, b);
	world_ignore_presence(w, false);
	ask(w, b, "{'id':2,'op':'contact.accept','user':'alice'}",
	    "{'id':2,'ok':{'contact':{'state':'friend'}}}");
	want(w, b, "{'push':'presence','user':'alice','state':'online'}");
	want(w, a, "{'push':'contact','contact':{'state':'friend'}}");
	want(w, a, "{'push':'presence','user':'bob','state':'online'}");
	ask(w, b, "{'id':3,'op':'presence.set','state':'busy'}",
	    "{'id':3,'ok':{'state':'busy'}}");
	want(w, a, "{'push':'presence','user':'bob','state':'busy'}");
	ask(w, b, "{'id':4,'op':'contact.remove','user':'alice'}",
	    "{'id':4,'ok':{'contact':{'state':'removed'}}}");
	want(w, b, "{'push':'presence','user':'alice','state':'offline'}");
	want(w, a, "{'push':'contact','contact':{'state':'one_sided'}}");
	want(w, a, "{'push':'presence','user':'bob','state':'offline'}");
	world_say(w, a, "{'op':'ping'}");
	ask(w, b, "{'id':5,'op':'presence.set','state':'away'}",
	    "{'id':5,'ok':{'state':'away'}}");
	want(w, a, "{'push':'pong'}");
	world_run(w, 5500);
	want_nothing(w, a);
	want_nothing(w, b);
}

/* Says the state of a device, and lets what is coalesced be told. */
static void
set(struct world *w, int link, const char *state, const char *all)
{
	char text[128], answer[64];

	snprintf(text, sizeof(text),
	    "{'id':7,'op':'presence.set','state':'%s'}", state);
	snprintf(answer, sizeof(answer), "{'id':7,'ok':{'state':'%s'}}", all);
	ask(w, link, text, answer);
}

/* Time passes with the links being heard. */
static void
pass(struct world *w, const int *links, size_t n)
{
	size_t i;

	world_run(w, 5100);
	for (i = 0; i < n; i++)
		world_say(w, links[i], "{'op':'sync.ack','sync':0}");
}

/* The most available device counts; invisible ones do not. */
static void
test_states(void **state)
{
	static const struct {
		int who; /* of bob's devices */
		const char *say, *all, *told;
	} steps[] = {
		{ 0, "away", "online", NULL },
		{ 1, "busy", "busy", "busy" },
		{ 1, "away", "away", "away" },
		{ 0, "online", "online", "online" },
		{ 0, "invisible", "away", "away" },
		{ 1, "invisible", "invisible", "offline" },
		{ 0, "busy", "busy", "busy" },
		{ 1, "online", "online", "online" },
		{ 1, "invisible", "busy", "busy" },
	};
	struct world *w = acquainted(state);
	int links[3];
	char push[128];
	size_t i;

	links[2] = login(w, "alice", "d1");
	links[0] = login(w, "bob", "d1");
	links[1] = login(w, "bob", "d2");
	pass(w, links, LEN(links));
	world_hear_all(w, links[2]);
	for (i = 0; i < LEN(steps); i++) {
		set(w, links[steps[i].who], steps[i].say, steps[i].all);
		pass(w, links, LEN(links));
		if (steps[i].told != NULL) {
			snprintf(push, sizeof(push),
			    "{'push':'presence','user':'bob','state':'%s'}",
			    steps[i].told);
			want(w, links[2], push);
		}
		want_nothing(w, links[2]);
		want_nothing(w, links[0]);
	}
	ask(w, links[0], "{'id':1,'op':'presence.set','state':'offline'}",
	    "{'id':1,'err':{'code':'bad_request'}}");
}

static void
test_status_text(void **state)
{
	struct world *w = acquainted(state);
	int links[2], a2;
	char text[256], want_text[256], long_text[140];

	links[1] = login(w, "alice", "d1");
	links[0] = login(w, "bob", "d1");
	pass(w, links, 2);
	world_hear_all(w, links[1]);
	ask(w, links[0],
	    "{'id':1,'op':'presence.set','state':'busy',"
	    "'status_text':'in a meeting'}",
	    "{'id':1,'ok':{'state':'busy'}}");
	want(w, links[1],
	    "{'push':'presence','user':'bob','state':'busy',"
	    "'status_text':'in a meeting'}");
	a2 = hello(w, "alice");
	want(w, a2,
	    "{'id':1,'ok':{'peers':[{'user':'bob','state':'busy',"
	    "'status_text':'in a meeting'}]}}");
	pass(w, links, 2);
	/* Another state keeps it, an empty one ends it. */
	set(w, links[0], "away", "away");
	want(w, links[1], "{'state':'away','status_text':'in a meeting'}");
	pass(w, links, 2);
	ask(w, links[0],
	    "{'id':1,'op':'presence.set','state':'away','status_text':''}",
	    "{'id':1,'ok':{'state':'away'}}");
	assert_null(strstr(world_hear(w, links[1]), "status_text"));
	memset(long_text, 'x', sizeof(long_text));
	long_text[129] = '\0';
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'presence.set','state':'away','status_text':'%s'}",
	    long_text);
	snprintf(want_text, sizeof(want_text),
	    "{'id':1,'err':{'code':'too_large'}}");
	ask(w, links[0], text, want_text);
}

/* One who comes invisible is not seen to come, nor to go. */
static void
test_invisible_from_the_start(void **state)
{
	struct world *w = acquainted(state);
	int links[2], a2;

	links[1] = login(w, "alice", "d1");
	links[0] = world_open(w);
	want(w, links[0], "{'push':'welcome'}");
	ask(w, links[0],
	    "{'id':1,'op':'hello','token':'$token.bob','device':'d1',"
	    "'state':'invisible'}",
	    "{'id':1,'ok':{'peers':[{'user':'alice','state':'online'}]}}");
	pass(w, links, 2);
	want_nothing(w, links[1]);
	/* But it hears of others. */
	set(w, links[1], "away", "away");
	want(w, links[0], "{'push':'presence','user':'alice','state':'away'}");
	world_lose(w, links[0]);
	world_run(w, 5000);
	world_say(w, links[1], "{'op':'ping'}");
	world_vanish(w, links[1]);
	world_run(w, 70000);
	a2 = hello(w, "alice");
	want(w, a2,
	    "{'id':1,'ok':{'peers':[{'user':'bob','state':'offline',"
	    "'last_seen':0}]}}");
}

static void
test_privacy(void **state)
{
	struct world *w = acquainted(state);
	int links[2], b2, a2;

	links[1] = login(w, "alice", "d1");
	links[0] = login(w, "bob", "d1");
	b2 = login(w, "bob", "d2");
	pass(w, links, 2);
	world_hear_all(w, links[1]);
	ask(w, links[0], "{'id':1,'op':'privacy.set'}",
	    "{'id':1,'ok':{'last_seen':'contacts','presence':'contacts',"
	    "'findable':true}}");
	want_nothing(w, b2);
	ask(w, links[0], "{'id':1,'op':'privacy.set','presence':'nobody'}",
	    "{'id':1,'ok':{'last_seen':'contacts','presence':'nobody',"
	    "'findable':true}}");
	want(w, b2,
	    "{'push':'privacy','last_seen':'contacts','presence':'nobody',"
	    "'findable':true}");
	want(w, links[1], "{'push':'presence','user':'bob','state':'offline'}");
	pass(w, links, 2);
	set(w, links[0], "busy", "online");
	pass(w, links, 2);
	want_nothing(w, links[1]);
	ask(w, links[0],
	    "{'id':1,'op':'privacy.set','last_seen':'nobody',"
	    "'presence':'contacts','findable':false}",
	    "{'id':1,'ok':{'last_seen':'nobody','presence':'contacts',"
	    "'findable':false}}");
	pass(w, links, 2);
	want(w, links[1],
	    "{'push':'presence','user':'bob','state':'online','last_seen':0}");
	a2 = hello(w, "alice");
	want(w, a2,
	    "{'id':1,'ok':{'peers':[{'user':'bob','state':'online',"
	    "'last_seen':0}]}}");
	/* A friend finds him still, a stranger does not. */
	ask(w, a2, "{'id':2,'op':'contact.search','q':'bob'}",
	    "{'id':2,'ok':{'users':[{'user':'bob'}]}}");
	a2 = hello(w, "carol");
	world_hear_all(w, a2);
	ask(w, a2, "{'id':2,'op':'contact.search','q':'bob'}",
	    "{'id':2,'ok':{'users':[]}}");
	ask(w, a2, "{'id':2,'op':'contact.search','q':'the b'}",
	    "{'id':2,'ok':{'users':[]}}");
	/* It is the user's, and stays. */
	b2 = hello(w, "bob");
	want(w, b2,
	    "{'id':1,'ok':{'privacy':{'last_seen':'nobody',"
	    "'presence':'contacts','findable':false}}}");
	ask(w, b2, "{'id':1,'op':'privacy.set','presence':'friends'}",
	    "{'id':1,'err':{'code':'bad_request'}}");
}

/* A user that changes all the time is told at most once in a while, and in
 * the end as it is. */
static void
test_flapping_is_coalesced(void **state)
{
	static const char *const states[] = { "away", "busy", "online" };
	struct world *w = acquainted(state);
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");
	size_t heard = 0, i;
	const char *text = NULL, *last = NULL;

	world_run(w, 6000);
	world_hear_all(w, a);
	for (i = 0; i < 40; i++) {
		set(w, b, states[i % 3], states[i % 3]);
		world_say(w, a, "{'op':'sync.ack','sync':0}");
		world_run(w, 500);
		while ((text = world_hear(w, a)) != NULL) {
			last = text;
			heard++;
		}
	}
	/* 20 s: at once, and each 5 s. */
	assert_in_range(heard, 3, 5);
	set(w, b, "busy", "busy");
	world_say(w, a, "{'op':'sync.ack','sync':0}");
	world_run(w, 5100);
	while ((text = world_hear(w, a)) != NULL)
		last = text;
	assert_non_null(strstr(last, "\"state\":\"busy\""));
}

/* Offline and back within a moment: one who watches hears of it once, or not
 * at all, and mails do not grow with the flapping. */
static void
test_a_thousand_flap(void **state)
{
	enum { USERS = 300, ROUNDS = 6 };
	struct world_opts opts = world_defaults();
	struct world *w;
	char name[SIG_NAME_MAX + 1];
	size_t i, heard = 0, round;
	uint64_t before;
	int hub, link[USERS];

	opts.cfg.resume_ms = 500;
	opts.cfg.max_links = 4000;
	w = client_world(&opts);
	for (i = 0; i < USERS; i++) {
		snprintf(name, sizeof(name), "u%zu", i);
		disk_add_user(world_disk(w), name, name);
		disk_befriend(world_disk(w), "alice", name);
	}
	hub = login(w, "alice", "d1");
	world_ignore_presence(w, false);
	before = world_mails(w, SIG_MAIL_PRESENCE);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < USERS; i++) {
			snprintf(name, sizeof(name), "u%zu", i);
			link[i] = login(w, name, "d");
			world_forget(w);
		}
		for (i = 0; i < USERS; i++)
			world_lose(w, link[i]);
		world_run(w, 700);
		world_say(w, hub, "{'op':'sync.ack','sync':0}");
		while (world_hear(w, hub) != NULL)
			heard++;
	}
	/* 4 s: told of coming, of nothing else yet; mails: that, and the two
	 * of each log-in that asked. */
	assert_int_equal(heard, USERS);
	assert_in_range(world_mails(w, SIG_MAIL_PRESENCE) - before, 0,
	    USERS + 2 * USERS * ROUNDS);
	world_run(w, 6000);
	while (world_hear(w, hub) != NULL)
		heard++;
	assert_int_equal(heard, 2 * USERS); /* and that they are gone */
	assert_int_equal(WORLD_STAT(w, users_online), 1);
	world_free(w);
}

/* Many with many friends come at once: what is told is spread, and all of it
 * is told. */
static void
test_work_is_bounded(void **state)
{
	enum { USERS = 120 };
	struct world_opts opts = world_defaults();
	char name[SIG_NAME_MAX + 1], other[SIG_NAME_MAX + 1], text[128];
	int link[USERS];
	struct world *w;
	size_t i, j, online;

	opts.cfg.shards = 1;
	w = client_world(&opts);
	for (i = 0; i < USERS; i++) {
		snprintf(name, sizeof(name), "u%zu", i);
		disk_add_user(world_disk(w), name, name);
		for (j = 0; j < i; j++) {
			snprintf(other, sizeof(other), "u%zu", j);
			disk_befriend(world_disk(w), name, other);
		}
	}
	world_ignore_presence(w, false);
	for (i = 0; i < USERS; i++) {
		link[i] = world_open(w);
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'$token.u%zu','device':'d'}",
		    i);
		world_say(w, link[i], text);
	}
	for (i = 0; i < 60; i++)
		world_run(w, 50);
	/* All know of all, by the hello's answer or by a push. */
	for (i = 0; i < USERS; i++) {
		online = 0;
		for (const char *heard; (heard = world_hear(w, link[i]));)
			while (
			    (heard = strstr(heard, "\"state\":\"online\""))) {
				online++;
				heard++;
			}
		assert_int_equal(online, USERS - 1);
	}
	world_free(w);
}

/* More friends than one read of the log brings. */
static void
test_more_friends_than_a_page(void **state)
{
	enum { FRIENDS = 1500 };
	struct world *w = *state;
	char name[SIG_NAME_MAX + 1];
	const char *text;
	size_t i, n = 0;
	int a, last;

	for (i = 0; i < FRIENDS; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		disk_add_user(world_disk(w), name, name);
		disk_befriend(world_disk(w), "alice", name);
	}
	world_ignore_presence(w, false);
	last = login(w, "p1499", "d");
	a = hello(w, "alice");
	text = world_hear(w, a);
	while ((text = strstr(text, "\"state\":\"")) != NULL) {
		n++;
		text++;
	}
	assert_int_equal(n, FRIENDS);
	want(w, last, "{'push':'presence','user':'alice','state':'online'}");
}

/* A shard that does not answer holds nobody's log-in up for long. */
static void
test_silent_shard(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	uint64_t before;
	int b;

	opts.mail_ms = 5000;
	opts.seed = 3;
	w = client_world(&opts);
	disk_befriend(world_disk(w), "alice", "bob");
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
		disk_befriend(world_disk(w), "alice", "bob");
		world_ignore_presence(w, false);
		a = world_open(w);
		b = world_open(w);
		world_post(w, a,
		    "{'id':1,'op':'hello','token':'$token.alice',"
		    "'device':'d1'}");
		world_post(w, b,
		    "{'id':1,'op':'hello','token':'$token.bob',"
		    "'device':'d1'}");
		world_run(w, 6000);
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
		TEST(test_strangers),
		TEST(test_friends_for_a_while),
		TEST(test_states),
		TEST(test_status_text),
		TEST(test_invisible_from_the_start),
		TEST(test_privacy),
		TEST(test_flapping_is_coalesced),
		cmocka_unit_test_setup_teardown(
		    test_a_thousand_flap, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_work_is_bounded, client_setup, client_teardown),
		TEST(test_more_friends_than_a_page),
		cmocka_unit_test_setup_teardown(
		    test_silent_shard, client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_converges, client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
