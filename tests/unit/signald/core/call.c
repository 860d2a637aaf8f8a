/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/unit/signald/core/scene.h"

static void
test_to_the_end(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	ask(w, s.a, "{'id':20,'op':'call.offer','call':'$c','sdp':'v=0 a'}",
	    STATE("20", "active"));
	want(w, s.b, "{'push':'call.offer','call':'$c','sdp':'v=0 a'}");
	ask(w, s.b, "{'id':21,'op':'call.answer','call':'$c','sdp':'v=0 b'}",
	    STATE("21", "active"));
	want(w, s.a, "{'push':'call.answer','call':'$c','sdp':'v=0 b'}");
	world_say(w, s.a,
	    "{'op':'call.candidate','call':'$c','candidates':["
	    "{'candidate':'x','sdpMid':'0','sdpMLineIndex':0},null]}");
	want_nothing(w, s.a);
	want(w, s.b,
	    "{'push':'call.candidate','call':'$c','candidates':["
	    "{'candidate':'x','sdpMid':'0','sdpMLineIndex':0},null]}");
	/* Either side may offer again. */
	ask(w, s.b, "{'id':22,'op':'call.offer','call':'$c','sdp':'v=0 c'}",
	    STATE("22", "active"));
	want(w, s.a, "{'push':'call.offer','sdp':'v=0 c'}");
	scene_pass(&s, 61);
	ask(w, s.b, "{'id':23,'op':'call.hangup','call':'$c','reason':'bye'}",
	    STATE("23", "ended"));
	want(w, s.b,
	    "{'push':'call.ended','call':'$c','reason':'hangup',"
	    "'duration_ms':61000}");
	want(w, s.a,
	    "{'push':'call.ended','call':'$c','reason':'hangup',"
	    "'duration_ms':61000}");
	want(w, s.a,
	    "{'push':'message','type':'call','from':'alice','seq':1,"
	    "'body':{'call':'$c','outcome':'answered',"
	    "'duration_ms':61000}}");
	want(w, s.a2, RECORD("answered"));
	want(w, s.b, RECORD("answered"));
	want(w, s.b2, RECORD("answered"));
	want_nothing(w, s.a2);
	want_nothing(w, s.b2);
	assert_int_equal(WORLD_STAT(w, calls), 0);
	assert_int_equal(WORLD_STAT(w, calls_started), 1);
	assert_int_equal(WORLD_STAT(w, calls_answered), 1);
}

static void
test_accept_without_ringing(void **state)
{
	struct scene s = scene_invited(state);

	ask(s.w, s.b2, OP("12", "accept"), STATE("12", "active"));
	want(s.w, s.a, "{'push':'call.accept','device':'b2'}");
	want(s.w, s.b, ENDED("answered_elsewhere"));
	/* The slower finger. */
	ask(s.w, s.b, OP("13", "accept"), REFUSED("13", "not_found"));
	ask(s.w, s.b, OP("14", "hangup"), REFUSED("14", "not_found"));
	ask(s.w, s.b, OP("15", "refuse"), REFUSED("15", "not_found"));
	want_nothing(s.w, s.a);
}

static void
test_refuse(void **state)
{
	struct scene s = scene_ringing(state);

	ask(s.w, s.b2, OP("12", "refuse"), STATE("12", "ended"));
	want(s.w, s.b2, ENDED("refused"));
	want(s.w, s.b, ENDED("refused"));
	want(s.w, s.a, ENDED("refused"));
	want(s.w, s.a, RECORD("refused"));
	want(s.w, s.b, RECORD("refused"));
	ask(s.w, s.b, OP("13", "refuse"), REFUSED("13", "not_found"));
	ask(s.w, s.b, OP("14", "accept"), REFUSED("14", "not_found"));
}

static void
test_cancel(void **state)
{
	struct scene s = scene_ringing(state);

	ask(s.w, s.a, OP("12", "cancel"), STATE("12", "ended"));
	want(s.w, s.a, ENDED("cancelled"));
	want(s.w, s.b, ENDED("cancelled"));
	want(s.w, s.b2, ENDED("cancelled"));
	want(s.w, s.a, RECORD("missed"));
	want(s.w, s.b, RECORD("missed"));
	want_nothing(s.w, s.b);
}

static void
test_hangup_before_accept(void **state)
{
	struct scene s = scene_invited(state);

	ask(s.w, s.a, OP("12", "hangup"), STATE("12", "ended"));
	want(s.w, s.a, ENDED("hangup"));
	want(s.w, s.b, ENDED("hangup"));
	want(s.w, s.a, RECORD("missed"));
	world_hear_all(s.w, s.a);
	world_hear_all(s.w, s.b);
	world_forget(s.w);
	ask(s.w, s.a, INVITE("13", "bob"), STATE("13", "inviting"));
	want(s.w, s.b, "{'push':'call.invite','call':'$c'}");
	ask(s.w, s.b, OP("14", "hangup"), STATE("14", "ended"));
	want(s.w, s.a, ENDED("hangup"));
	want(s.w, s.a, RECORD("refused"));
}

static void
test_timeout(void **state)
{
	struct scene s = scene_ringing(state);

	scene_pass(&s, 59);
	want_nothing(s.w, s.a);
	scene_pass(&s, 2);
	want(s.w, s.a, ENDED("timeout"));
	want(s.w, s.b, ENDED("timeout"));
	want(s.w, s.b2, ENDED("timeout"));
	want(s.w, s.a, RECORD("missed"));
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
}

static void
test_wrong_side_wrong_time(void **state)
{
	struct scene s = scene_invited(state);
	struct world *w = s.w;

	ask(w, s.a, OP("1", "ringing"), REFUSED("1", "forbidden"));
	ask(w, s.a, OP("2", "accept"), REFUSED("2", "forbidden"));
	ask(w, s.a, OP("3", "refuse"), REFUSED("3", "forbidden"));
	ask(w, s.b, OP("4", "cancel"), REFUSED("4", "forbidden"));
	/* The caller's other device is no side. */
	ask(w, s.a2, OP("5", "cancel"), REFUSED("5", "not_found"));
	ask(w, s.a2, INVITE("6", "bob"), REFUSED("6", "conflict"));
	ask(w, s.a, "{'id':7,'op':'call.offer','call':'$c','sdp':'x'}",
	    REFUSED("7", "conflict"));
	ask(w, s.b, "{'id':8,'op':'call.answer','call':'$c','sdp':'x'}",
	    REFUSED("8", "conflict"));
	ask(w, s.a,
	    "{'id':9,'op':'call.candidate','call':'$c','candidates':[null]}",
	    REFUSED("9", "conflict"));
	ask(w, s.b, OP("10", "accept"), STATE("10", "active"));
	want(w, s.a, "{'push':'call.accept'}");
	ask(w, s.b, OP("11", "refuse"), REFUSED("11", "conflict"));
	ask(w, s.a, OP("12", "cancel"), REFUSED("12", "conflict"));
	ask(w, s.a, OP("13", "accept"), REFUSED("13", "forbidden"));
}

static void
test_strangers(void **state)
{
	struct scene s = scene_active(state);
	int c = login(s.w, "carol", "c1");

	ask(s.w, c, OP("1", "accept"), REFUSED("1", "not_found"));
	ask(s.w, c, OP("2", "hangup"), REFUSED("2", "not_found"));
	ask(s.w, c, "{'id':3,'op':'call.offer','call':'$c','sdp':'x'}",
	    REFUSED("3", "not_found"));
	ask(s.w, c,
	    "{'id':4,'op':'call.hangup',"
	    "'call':'c-0000000000000000@main:1:alice:carol'}",
	    REFUSED("4", "not_found"));
	ask(s.w, c,
	    "{'id':5,'op':'call.hangup',"
	    "'call':'c-0000000000000000@main:1:alice:bob'}",
	    REFUSED("5", "not_found"));
	ask(s.w, c, INVITE("6", "zoe"), REFUSED("6", "not_found"));
	ask(s.w, c, INVITE("7", "carol"), REFUSED("7", "bad_request"));
	want_nothing(s.w, s.a);
	want_nothing(s.w, s.b);
}

static void
test_repeats(void **state)
{
	struct scene s = scene_invited(state);
	struct world *w = s.w;

	ask(w, s.a, INVITE("1", "bob"), STATE("1", "inviting"));
	ask(w, s.b, OP("2", "ringing"), STATE("2", "ringing"));
	ask(w, s.b, OP("3", "ringing"), STATE("3", "ringing"));
	ask(w, s.b2, OP("4", "ringing"), STATE("4", "ringing"));
	ask(w, s.a, "{'id':5,'op':'ping'}",
	    "{'push':'call.ringing','call':'$c'}");
	want(w, s.a, "{'id':5,'ok':{}}");
	ask(w, s.a, INVITE("6", "bob"), STATE("6", "ringing"));
	ask(w, s.b, OP("7", "accept"), STATE("7", "active"));
	ask(w, s.b, OP("8", "accept"), STATE("8", "active"));
	ask(w, s.b, OP("9", "ringing"), STATE("9", "active"));
	want(w, s.a, "{'push':'call.accept'}");
	ask(w, s.a, INVITE("10", "bob"), STATE("10", "active"));
	ask(w, s.b, INVITE("11", "alice"), STATE("11", "active"));
	want_nothing(w, s.a);
	want_nothing(w, s.b);
	assert_int_equal(WORLD_STAT(w, calls_started), 1);
	ask(w, s.a, OP("12", "hangup"), STATE("12", "ended"));
	ask(w, s.a, OP("13", "hangup"), ENDED("hangup"));
	assert_int_equal(WORLD_STAT(w, calls), 0);
}

static void
test_glare_one_after_the_other(void **state)
{
	struct scene s = scene_invited(state);
	struct world *w = s.w;

	ask(w, s.b2, INVITE("1", "alice"), STATE("1", "active"));
	want(w, s.a, "{'push':'call.accept','call':'$c','device':'b2'}");
	want(w, s.b, ENDED("answered_elsewhere"));
	want_nothing(w, s.b2);
	ask(w, s.a, "{'id':2,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("2", "active"));
	want(w, s.b2, "{'push':'call.offer','sdp':'x'}");
}

/* Invites that cross: whoever is first at the call's shard is the caller, and
 * both end up in that one call. */
static void
crossing(uint64_t seed, int *alice_first, int *bob_first)
{
	struct world_opts opts = world_defaults();
	const char *text;
	struct world *w;
	int a, b, first, second;

	opts.seed = seed;
	opts.mail_ms = 20;
	w = client_world(&opts);
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	client_text(w, a, "bob", "m1"); /* they know each other */
	world_hear_all(w, a);
	world_hear_all(w, b);
	world_post(w, a, INVITE("10", "bob"));
	world_post(w, b, INVITE("10", "alice"));
	world_settle(w);
	text = world_hear(w, a);
	first = strstr(text, "inviting") != NULL ? a : b;
	second = first == a ? b : a;
	if (first == a) {
		assert_null(world_match(w, STATE("10", "inviting"), text));
		want(w, b, STATE("10", "active"));
		(*alice_first)++;
	} else {
		assert_null(world_match(w, STATE("10", "active"), text));
		want(w, b, STATE("10", "inviting"));
		(*bob_first)++;
	}
	want(w, first, "{'push':'call.accept','call':'$c'}");
	/* Nobody rings at one who is calling already. */
	want_nothing(w, a);
	want_nothing(w, b);
	ask(w, first, "{'id':2,'op':'call.offer','call':'$c','sdp':'x'}",
	    STATE("2", "active"));
	want(w, second, "{'push':'call.offer','call':'$c','sdp':'x'}");
	assert_int_equal(WORLD_STAT(w, calls), 1);
	ask(w, second, OP("3", "hangup"), STATE("3", "ended"));
	want(w, first, "{'push':'call.ended','reason':'hangup'}");
	/* Free again: a third may call both. */
	a = login(w, "carol", "c1");
	world_hear_all(w, b);
	world_forget(w);
	ask(w, a, INVITE("1", "bob"), STATE("1", "inviting"));
	want(w, b, "{'push':'call.invite','from':'carol'}");
	world_free(w);
}

static void
test_glare_crossing(void **state)
{
	int alice_first = 0, bob_first = 0;
	uint64_t seed;

	for (seed = 1; seed <= 200; seed++)
		crossing(seed, &alice_first, &bob_first);
	assert_true(alice_first > 5);
	assert_true(bob_first > 5);
}

/* Offers that cross are relayed both: the polite side gives way. */
static void
test_offers_cross(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;

	world_post(w, s.a, "{'id':1,'op':'call.offer','call':'$c','sdp':'a'}");
	world_post(w, s.b, "{'id':1,'op':'call.offer','call':'$c','sdp':'b'}");
	world_settle(w);
	want(w, s.a, STATE("1", "active"));
	want(w, s.a, "{'push':'call.offer','sdp':'b'}");
	want(w, s.b, "{'push':'call.offer','sdp':'a'}");
	want(w, s.b, STATE("1", "active"));
	ask(w, s.b, "{'id':2,'op':'call.answer','call':'$c','sdp':'b'}",
	    STATE("2", "active"));
	want(w, s.a, "{'push':'call.answer','sdp':'b'}");
	/* What was dropped is offered again, and is no repeat. */
	ask(w, s.b, "{'id':3,'op':'call.offer','call':'$c','sdp':'b'}",
	    STATE("3", "active"));
	want(w, s.a, "{'push':'call.offer','sdp':'b'}");
	ask(w, s.a, "{'id':4,'op':'call.answer','call':'$c','sdp':'a'}",
	    STATE("4", "active"));
	want(w, s.b, "{'push':'call.answer','sdp':'a'}");
	want_nothing(w, s.a);
	want_nothing(w, s.b);
}

/* Asked again over a new link, it is answered again and relayed once. */
static void
test_descriptions_and_media_repeat(void **state)
{
	static const char *const said[] = {
		"{'id':1,'op':'call.offer','call':'$c','sdp':'x'}",
		"{'id':1,'op':'call.answer','call':'$c','sdp':'x'}",
		"{'id':1,'op':'call.offer','call':'$c','sdp':'y'}",
		"{'id':1,'op':'call.media','call':'$c','audio':true,"
		"'video':false,'screen':true}",
		"{'id':1,'op':'call.media','call':'$c','audio':true,"
		"'video':false}",
	};
	struct scene s = scene_active(state);
	size_t i;

	for (i = 0; i < LEN(said); i++) {
		ask(s.w, s.b, said[i], STATE("1", "active"));
		assert_int_equal(world_unheard(s.w, s.a), 1);
		ask(s.w, s.b, said[i], STATE("1", "active"));
		assert_int_equal(world_unheard(s.w, s.a), 1);
		world_hear_all(s.w, s.a);
	}
	ask(s.w, s.a, "{'id':2,'op':'call.media','call':'$c','audio':true}",
	    "{'id':2,'err':{'code':'bad_request','msg':'video: is missing'}}");
	want_nothing(s.w, s.b);
}

static void
test_busy(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;
	int c = login(w, "carol", "c1");

	ask(w, c, "{'id':1,'op':'call.invite','to':'bob','media':{}}",
	    "{'id':1,'ok':{'call':'$busy','state':'inviting'}}");
	want(w, c, "{'push':'call.ended','call':'$busy','reason':'busy'}");
	want(w, c,
	    "{'push':'message','type':'call','from':'carol',"
	    "'body':{'call':'$busy','outcome':'busy'}}");
	/* The callee is not rung, but finds it in the conversation. */
	want(w, s.b, "{'push':'message','from':'carol','type':'call'}");
	want_nothing(w, s.b);
	/* Both sides are busy, also while it rings only. */
	ask(w, c, "{'id':2,'op':'call.invite','to':'alice','media':{}}",
	    "{'id':2,'ok':{'state':'inviting'}}");
	want(w, c, "{'push':'call.ended','reason':'busy'}");
	world_hear_all(w, c);
	world_hear_all(w, s.a);
	ask(w, s.a, OP("3", "hangup"), STATE("3", "ended"));
	ask(w, c, "{'id':4,'op':'call.invite','to':'bob','media':{}}",
	    "{'id':4,'ok':{'state':'inviting'}}");
	want_nothing(w, c);
}

static void
test_caller_is_busy_while_it_rings(void **state)
{
	struct scene s = scene_invited(state);
	int c = login(s.w, "carol", "c1");

	ask(s.w, c, "{'id':1,'op':'call.invite','to':'alice','media':{}}",
	    "{'id':1,'ok':{'state':'inviting'}}");
	want(s.w, c, "{'push':'call.ended','reason':'busy'}");
	/* But bob, who is only rung, can be rung by carol too. */
	world_hear_all(s.w, c);
	ask(s.w, c, "{'id':2,'op':'call.invite','to':'bob','media':{}}",
	    "{'id':2,'ok':{'call':'$d','state':'inviting'}}");
	want(s.w, s.b, "{'push':'call.invite','call':'$d','from':'carol'}");
}

static void
test_payload_limits(void **state)
{
	struct scene s = scene_active(state);
	struct world *w = s.w;
	char *text = malloc(70000), *end;
	int i;

	sprintf(
	    text, "{'id':1,'op':'call.offer','call':'$c','sdp':'%049153d'}", 0);
	ask(w, s.a, text, REFUSED("1", "too_large"));
	sprintf(
	    text, "{'id':2,'op':'call.offer','call':'$c','sdp':'%049152d'}", 0);
	ask(w, s.a, text, STATE("2", "active"));
	ask(w, s.a, "{'id':3,'op':'call.offer','call':'$c'}",
	    "{'id':3,'err':{'code':'bad_request','msg':'sdp: is missing'}}");
	ask(w, s.a,
	    "{'id':4,'op':'call.candidate','call':'$c','candidates':[7]}",
	    REFUSED("4", "bad_request"));
	ask(w, s.a,
	    "{'id':5,'op':'call.candidate','call':'$c','candidates':[]}",
	    REFUSED("5", "bad_request"));
	end = text +
	    sprintf(text,
		"{'id':6,'op':'call.candidate','call':'$c','candidates':["
		"null");
	for (i = 0; i < 64; i++)
		end += sprintf(end, ",{}");
	strcpy(end, "]}");
	ask(w, s.a, text, REFUSED("6", "too_large"));
	world_hear(w, s.b);
	want_nothing(w, s.b);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_to_the_end),
		TEST(test_accept_without_ringing),
		TEST(test_refuse),
		TEST(test_cancel),
		TEST(test_hangup_before_accept),
		TEST(test_timeout),
		TEST(test_wrong_side_wrong_time),
		TEST(test_strangers),
		TEST(test_repeats),
		TEST(test_glare_one_after_the_other),
		ALONE(test_glare_crossing),
		TEST(test_offers_cross),
		TEST(test_descriptions_and_media_repeat),
		TEST(test_busy),
		TEST(test_caller_is_busy_while_it_rings),
		TEST(test_payload_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
