/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/unit/signald/core/scene.h"

static void
test_callee_comes_while_it_rings(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b;

	ask(w, a, INVITE("10", "bob"), STATE("10", "inviting"));
	world_run(w, 3000);
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'b1'}",
	    "{'id':1,'ok':{'resumed':false,'session':'$bob.b1.s',"
	    "'secret':'$bob.b1.k'}}");
	want(w, b,
	    "{'push':'call.invite','call':'$c','from':'alice',"
	    "'ts':1790000000000}");
	want_nothing(w, b);
	/* And after each hello, once. */
	world_lose(w, b);
	b = resume(w, "bob", "b1", "");
	want(w, b, "{'push':'call.invite','call':'$c'}");
	want_nothing(w, b);
	ask(w, b, OP("2", "accept"), STATE("2", "active"));
	want(w, a, "{'push':'call.accept','device':'b1'}");
	world_lose(w, b);
	b = resume(w, "bob", "b1", "");
	want_nothing(w, b);
}

static void
test_nobody_comes(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), i;

	ask(w, a, INVITE("10", "bob"), STATE("10", "inviting"));
	for (i = 0; i < 12; i++) {
		world_say(w, a, "{'op':'sync.ack','sync':0}");
		world_run(w, 5050);
	}
	want(w, a, ENDED("timeout"));
	want(w, a, RECORD("missed"));
	/* What is missed waits in the log. */
	i = world_open(w);
	world_hear_all(w, i);
	ask(w, i, "{'id':1,'op':'hello','token':'$token.bob','device':'b'}",
	    "{'id':1,'ok':{'sync':1}}");
	want(w, i, RECORD("missed"));
	want_nothing(w, i);
}

static void
test_pushes_wait_for_a_lost_link(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("away"));
	ask(w, s.a, "{'id':1,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("1", "active"));
	world_say(w, s.a,
	    "{'op':'call.candidate','call':'$c','candidates':[{'n':1}]}");
	world_say(w, s.a,
	    "{'op':'call.candidate','call':'$c','candidates':[{'n':2}]}");
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, "{'push':'call.offer','sdp':'x'}");
	want(w, s.b, "{'push':'call.candidate','candidates':[{'n':1}]}");
	want(w, s.b, "{'push':'call.candidate','candidates':[{'n':2}]}");
	want_nothing(w, s.b);
	want(w, s.a, PEER("back"));
	/* The end too; what is known to have arrived does not come again. */
	scene_pass(&s, 4);
	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("away"));
	ask(w, s.a, OP("2", "hangup"), STATE("2", "ended"));
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, ENDED("hangup"));
}

/* A link is broken before anybody knows: what was sent into it comes again. */
static void
test_pushes_into_a_broken_link(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	ask(w, s.a, "{'id':1,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("1", "active"));
	want(w, s.b, "{'push':'call.offer','sdp':'x'}");
	scene_pass(&s, 5);
	world_vanish(w, s.b);
	world_run(w, 3000);
	ask(w, s.a, "{'id':2,'op':'call.offer','call':'$c','sdp':'y'}",
	    STATE("2", "active"));
	world_run(w, 3000);
	ask(w, s.a, OP("3", "hangup"), STATE("3", "ended"));
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, "{'push':'call.offer','sdp':'y'}");
	want(w, s.b, ENDED("hangup"));
	/* And once more, if that link was no better. */
	world_vanish(w, s.b);
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, "{'push':'call.offer','sdp':'y'}");
	want(w, s.b, ENDED("hangup"));
	want(w, s.b, RECORD("answered"));
	want_nothing(w, s.b);
}

static void
test_missed_while_the_link_was_away(void **state)
{
	struct scene s = scene_people(state);

	world_lose(s.w, s.b);
	ask(s.w, s.a, INVITE("10", "bob"), STATE("10", "inviting"));
	ask(s.w, s.a, OP("11", "cancel"), STATE("11", "ended"));
	s.b = resume(s.w, "bob", "b1", "");
	want(s.w, s.b, "{'push':'call.invite','call':'$c'}");
	want(s.w, s.b, ENDED("cancelled"));
	want(s.w, s.b, RECORD("missed"));
}

static void
test_too_much_to_hold(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;
	char *text = malloc(60000);
	int i;

	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("away"));
	for (i = 0; i < 6; i++) {
		want_nothing(w, s.a);
		sprintf(text,
		    "{'id':1,'op':'call.offer','call':'$c','sdp':'%048000d'}",
		    i);
		ask(w, s.a, text, STATE("1", "active"));
	}
	/* The session cannot go on without a hole, so it does not. */
	world_run(w, 20);
	want(w, s.a, ENDED("lost"));
	free(text);
}

static void
test_caller_is_lost(void **state)
{
	struct scene s = scene_ringing(state);

	world_lose(s.w, s.a);
	s.a = s.a2;
	scene_pass(&s, 55);
	want_nothing(s.w, s.b);
	scene_pass(&s, 6);
	want(s.w, s.b, ENDED("timeout"));
	want(s.w, s.a2, RECORD("missed"));
}

static void
test_caller_is_lost_before_the_timeout(void **state)
{
	struct world_opts opts = world_defaults();
	struct scene s;

	opts.cfg.resume_ms = 20000;
	world_free(*state);
	*state = client_world(&opts);
	s = scene_ringing(state);
	world_lose(s.w, s.a);
	s.a = s.a2;
	scene_pass(&s, 21);
	want(s.w, s.b, ENDED("lost"));
	want(s.w, s.b2, ENDED("lost"));
	want(s.w, s.a2, RECORD("missed"));
}

static void
test_active_side_is_lost(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;
	int b = s.b;

	world_lose(w, b);
	s.b = s.b2;
	scene_pass(&s, 59);
	want(w, s.a, PEER("away"));
	want_nothing(w, s.a);
	scene_pass(&s, 2);
	want(w, s.a,
	    "{'push':'call.ended','call':'$c','reason':'lost',"
	    "'duration_ms':'$d'}");
	want(w, s.a, RECORD("answered"));
	assert_int_equal(WORLD_STAT(w, calls), 0);
	/* Its user is not busy any more. */
	world_hear_all(w, s.b2);
	world_hear_all(w, s.a2);
	world_forget(w);
	ask(w, s.a2, INVITE("1", "bob"), STATE("1", "inviting"));
	want(w, s.b2, "{'push':'call.invite'}");
}

/* A device that has rung but not accepted may go without harm. */
static void
test_ringing_device_is_lost(void **state)
{
	struct world_opts opts = world_defaults();
	struct scene s;

	opts.cfg.resume_ms = 20000;
	world_free(*state);
	*state = client_world(&opts);
	s = scene_ringing(state);
	world_lose(s.w, s.b);
	s.b = s.b2;
	scene_pass(&s, 25);
	want_nothing(s.w, s.a);
	ask(s.w, s.b2, OP("1", "accept"), STATE("1", "active"));
	want(s.w, s.a, "{'push':'call.accept','device':'b2'}");
}

/* The session dies while its invite or accept is on its way. */
static void
test_lost_while_asking(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	uint64_t seed;
	int a, b;

	for (seed = 1; seed <= 30; seed++) {
		opts.seed = seed;
		opts.mail_ms = 40;
		opts.log_ms = 40;
		opts.cfg.resume_ms = 16;
		w = client_world(&opts);
		a = login(w, "alice", "a1");
		b = login(w, "bob", "b1");
		world_post(w, a, INVITE("1", "bob"));
		world_run(w, world_random(w, 60));
		if (seed % 2 == 0) {
			world_lose(w, a);
		} else {
			world_settle(w);
			want(w, a, "{'ok':{'call':'$c'}}");
			world_post(w, b, OP("2", "accept"));
			world_run(w, 0);
			world_lose(w, b);
		}
		world_run(w, 1000);
		world_settle(w);
		assert_int_equal(WORLD_STAT(w, calls), 0);
		world_free(w);
	}
}

static void
test_request_across_a_broken_link(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a, b;

	opts.mail_ms = 30;
	w = client_world(&opts);
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	world_post(w, a, INVITE("1", "bob"));
	world_run(w, 0);
	world_lose(w, a);
	a = resume(w, "alice", "a1", "");
	want_nothing(w, a);
	ask(w, a, INVITE("1", "bob"), STATE("1", "inviting"));
	want(w, b, "{'push':'call.invite','call':'$c'}");
	want_nothing(w, b);
	world_post(w, b, OP("2", "accept"));
	world_run(w, 0);
	world_lose(w, b);
	b = resume(w, "bob", "b1", "");
	/* Had the accept been lost, it would ring again; it was not. */
	want_nothing(w, b);
	ask(w, b, OP("2", "accept"), STATE("2", "active"));
	want(w, a, "{'push':'call.accept'}");
	want(w, a, PEER("away"));
	want(w, a, PEER("back"));
	want_nothing(w, a);
	world_free(w);
}

/* Each side may lose its link and come back, alone or both, in any order. */
static void
test_away_and_back(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	scene_pass(&s, 5);
	world_lose(w, s.a);
	world_settle(w);
	want(w, s.b, PEER("away"));
	want_nothing(w, s.b2);
	s.a = resume(w, "alice", "a1", "");
	want(w, s.b, PEER("back"));
	want_nothing(w, s.a);
	/* Both; the first that comes hears how the other is. */
	scene_pass(&s, 5);
	world_lose(w, s.a);
	world_settle(w);
	want(w, s.b, PEER("away"));
	world_run(w, 3000);
	world_lose(w, s.b);
	world_settle(w);
	s.a = resume(w, "alice", "a1", "");
	want(w, s.a, PEER("away"));
	s.b = resume(w, "bob", "b1", "");
	want(w, s.a, PEER("back"));
	want(w, s.b, PEER("away")); /* again: was it heard? */
	want(w, s.b, PEER("back"));
	want_nothing(w, s.a);
	want_nothing(w, s.b);
	ask(w, s.b, "{'id':2,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("2", "active"));
	want(w, s.a, "{'push':'call.offer','sdp':'x'}");
}

/* One flaps while the other is away: that one hears how it ended, once. */
static void
test_flapping_is_heard_once(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;
	int i;

	scene_pass(&s, 5);
	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("away"));
	for (i = 0; i < 300; i++) {
		world_lose(w, s.a);
		s.a = resume(w, "alice", "a1", "");
	}
	s.b = resume(w, "bob", "b1", "");
	want_nothing(w, s.b);
	want(w, s.a, PEER("away"));
	want(w, s.a, PEER("back"));
	want_nothing(w, s.a);
}

static void
test_both_are_lost(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	world_lose(w, s.a);
	world_run(w, 1000);
	world_lose(w, s.b);
	s.a = s.a2;
	s.b = s.b2;
	scene_pass(&s, 62);
	assert_int_equal(WORLD_STAT(w, calls), 0);
	want(w, s.a2, RECORD("answered"));
	want(w, s.b2, RECORD("answered"));
	want_nothing(w, s.a2);
	want_nothing(w, s.b2);
}

/* Who takes a session over was never away. */
static void
test_taken_over_is_not_away(void **state)
{
	struct scene s = scene_active(state);
	int b = s.b;

	s.b = resume(s.w, "bob", "b1", "");
	want_closed(s.w, b, 4001);
	want_nothing(s.w, s.a);
	ask(s.w, s.a, "{'id':2,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("2", "active"));
	want(s.w, s.b, "{'push':'call.offer','sdp':'x'}");
}

/* The callee hears of it when it accepts; before there is nothing to show. */
static void
test_accept_while_the_caller_is_away(void **state)
{
	struct scene s = scene_ringing(state);
	struct world *w = s.w;

	ask(w, s.a,
	    "{'id':11,'op':'call.media','call':'$c','audio':false,"
	    "'video':true}",
	    STATE("11", "ringing"));
	world_lose(w, s.a);
	world_settle(w);
	want_nothing(w, s.b);
	ask(w, s.b, OP("12", "accept"), STATE("12", "active"));
	want(w, s.b, PEER("away"));
	want(w, s.b,
	    "{'push':'call.media','call':'$c','audio':false,'video':true,"
	    "'screen':false,'hold':false}");
	want(w, s.b2, ENDED("answered_elsewhere"));
	s.a = resume(w, "alice", "a1", "");
	want(w, s.a, "{'push':'call.ringing'}");
	want(w, s.a, "{'push':'call.accept','device':'b1'}");
	want(w, s.b, PEER("back"));
	want_nothing(w, s.b);
}

static void
test_hangup_while_the_other_is_away(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	scene_pass(&s, 5);
	world_lose(w, s.a);
	world_settle(w);
	want(w, s.b, PEER("away"));
	ask(w, s.b, OP("1", "hangup"), STATE("1", "ended"));
	want(w, s.b, ENDED("hangup"));
	s.a = resume(w, "alice", "a1", "");
	want(w, s.a, ENDED("hangup"));
	want(w, s.a, RECORD("answered"));
	want_nothing(w, s.a);
}

static void
test_caller_is_away_before_accept(void **state)
{
	struct scene s = scene_invited(state);
	struct world *w = s.w;

	world_lose(w, s.a);
	ask(w, s.b, OP("1", "refuse"), STATE("1", "ended"));
	want(w, s.b, ENDED("refused"));
	s.a = resume(w, "alice", "a1", "");
	want(w, s.a, ENDED("refused"));
	want(w, s.a, RECORD("refused"));
}

#define MEDIA(id, audio, more)                                      \
	"{'id':" id ",'op':'call.media','call':'$c','audio':" audio \
	",'video':true" more "}"
#define SHOWS(audio, screen, hold)                        \
	"{'push':'call.media','call':'$c','audio':" audio \
	",'video':true,'screen':" screen ",'hold':" hold "}"

/* What a side sends is kept for the other until that one is there. */
static void
test_media_waits_for_a_lost_link(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	ask(w, s.a, MEDIA("1", "true", ""), STATE("1", "active"));
	want(w, s.b, SHOWS("true", "false", "false"));
	scene_pass(&s, 5);
	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("away"));
	ask(w, s.a, MEDIA("2", "false", ""), STATE("2", "active"));
	ask(w, s.a, MEDIA("3", "false", ",'screen':true,'hold':true"),
	    STATE("3", "active"));
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, SHOWS("false", "true", "true"));
	want_nothing(w, s.b);
	/* A device that comes back hears it whether it changed or not. */
	scene_pass(&s, 5);
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, SHOWS("false", "true", "true"));
	want_nothing(w, s.b);
}

/* Bob comes back, and is or is not told that he has no calls. */
static bool
hello_tells_calls(struct scene *s)
{
	const char *text;

	s->b = world_open(s->w);
	world_hear_all(s->w, s->b);
	world_say(s->w, s->b,
	    "{'id':1,'op':'hello','token':'$token.bob','device':'b1',"
	    "'session':'$bob.b1.s','secret':'$bob.b1.k'}");
	text = world_hear(s->w, s->b);
	assert_non_null(strstr(text, "\"resumed\":true"));
	return strstr(text, "\"calls\":[]") != NULL;
}

/* A client that reads slowly speaks all the time, and yet has not been told of
 * what was sent long ago. */
static void
test_the_end_of_a_link_that_is_behind(void **state)
{
	struct scene s = scene_ringing(state);

	ask(s.w, s.a, OP("20", "cancel"), "{'id':20,'ok':'*'}");
	world_run(s.w, 3000);
	world_say(s.w, s.b, "{'op':'ping'}");
	sig_core_link_behind(
	    world_core(s.w, world_shard(s.w, s.b)), (uint64_t)s.b);
	world_lose(s.w, s.b);
	assert_true(hello_tells_calls(&s));
	/* That answer may be lost, too, until the client speaks. */
	world_lose(s.w, s.b);
	assert_true(hello_tells_calls(&s));
	world_say(s.w, s.b, "{'op':'ping'}");
	world_lose(s.w, s.b);
	assert_false(hello_tells_calls(&s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_callee_comes_while_it_rings),
		TEST(test_nobody_comes),
		TEST(test_pushes_wait_for_a_lost_link),
		TEST(test_pushes_into_a_broken_link),
		TEST(test_missed_while_the_link_was_away),
		TEST(test_too_much_to_hold),
		TEST(test_caller_is_lost),
		TEST(test_caller_is_lost_before_the_timeout),
		TEST(test_active_side_is_lost),
		TEST(test_ringing_device_is_lost),
		TEST(test_away_and_back),
		TEST(test_flapping_is_heard_once),
		TEST(test_the_end_of_a_link_that_is_behind),
		TEST(test_both_are_lost),
		TEST(test_taken_over_is_not_away),
		TEST(test_accept_while_the_caller_is_away),
		TEST(test_hangup_while_the_other_is_away),
		TEST(test_caller_is_away_before_accept),
		TEST(test_media_waits_for_a_lost_link),
		ALONE(test_lost_while_asking),
		ALONE(test_request_across_a_broken_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
