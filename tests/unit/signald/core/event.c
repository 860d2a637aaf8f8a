/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "signald/core/event.h"
#include "tests/unit/signald/core/scene.h"

static int
setup_events(void **state, uint32_t events, bool bodies)
{
	struct world_opts opts = world_defaults();

	opts.cfg.events = events;
	opts.cfg.event_bodies = bodies;
	crypto_init();
	*state = client_world(&opts);
	return 0;
}

static int
setup_all(void **state)
{
	return setup_events(state, (UINT32_C(1) << SIG_EVENTS) - 1, false);
}

static int
setup_messages(void **state)
{
	return setup_events(
	    state, UINT32_C(1) << SIG_EVENT_MESSAGE_STORED, true);
}

static void
told(struct world *w, const char *want)
{
	const char *text = world_told(w), *why;

	assert_non_null(text);
	why = world_match(w, want, text);
	if (why != NULL)
		print_error("%s: %s\n", why, text);
	assert_null(why);
}

static void
test_users(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), a2;

	told(w, "{'event':'user.online','ts':1790000000000,'user':'alice'}");
	/* Neither the second device nor a short loss is news. */
	a2 = login(w, "alice", "a2");
	world_lose(w, a);
	world_run(w, 1000);
	world_lose(w, a2);
	world_run(w, 59000);
	assert_null(world_told(w));
	world_run(w, 2000);
	told(w, "{'event':'user.offline','ts':'*','user':'alice'}");
	assert_null(world_told(w));
}

static void
test_messages_once(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	told(w, "{'event':'user.online'}");
	client_text(w, a, "bob", "m-1");
	told(w,
	    "{'event':'message.stored','ts':'*','message':{"
	    "'conv':'main:1:alice:bob','seq':1,'id':'*','ts':'*',"
	    "'from':'alice','device':'a1','mid':'m-1','type':'text'}}");
	/* A repeat stores nothing. */
	world_hear_all(w, a);
	client_text(w, a, "bob", "m-1");
	assert_null(world_told(w));
	world_fail_appends(w, -ENOSPC, 1);
	ask(w, a,
	    "{'id':3,'op':'message.send','to':'bob','mid':'m-2','type':'text',"
	    "'body':{'text':'x'}}",
	    "{'id':3,'err':{'code':'storage'}}");
	assert_null(world_told(w));
}

static void
test_no_body_unless_asked(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	told(w, "{'event':'user.online'}");
	ask(w, a,
	    "{'id':3,'op':'message.send','to':'bob',"
	    "'mid':',\\\"body\\\":{\\\\','type':'text','body':{'text':'dark'}}",
	    "{'id':3,'ok':'*'}");
	assert_null(strstr(world_told(w), "dark"));
	assert_null(world_told(w));
}

static void
test_bodies_and_only_what_is_wanted(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	client_text(w, a, "bob", "m-1");
	told(w,
	    "{'event':'message.stored','message':{'mid':'m-1',"
	    "'body':{'text':'m-1'}}}");
	assert_null(world_told(w));
}

static void
skip_online(struct world *w, int n)
{
	while (n-- > 0)
		told(w, "{'event':'user.online'}");
}

static void
test_calls(void **state)
{
	struct scene s = scene_active(state);

	skip_online(s.w, 2);
	scene_pass(&s, 5);
	ask(s.w, s.a, OP("9", "hangup"), STATE("9", "ended"));
	told(s.w,
	    "{'event':'call.ended','ts':'*','conv':'main:1:alice:bob',"
	    "'from':'alice','to':'bob','record':{'call':'$c',"
	    "'outcome':'answered','duration_ms':5000,'media':'*'}}");
	told(s.w, "{'event':'message.stored','message':{'type':'call'}}");
	assert_null(world_told(s.w));
}

static void
test_off(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	client_text(w, a, "bob", "m-1");
	world_lose(w, a);
	world_run(w, 70000);
	assert_null(world_told(w));
}

#define ALL(f) cmocka_unit_test_setup_teardown(f, setup_all, client_teardown)
#define MESSAGES(f) \
	cmocka_unit_test_setup_teardown(f, setup_messages, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(test_users),
		ALL(test_messages_once),
		ALL(test_no_body_unless_asked),
		MESSAGES(test_bodies_and_only_what_is_wanted),
		ALL(test_calls),
		TEST(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
