/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/unit/signald/core/client.h"

#define CREATE(id) "{'id':" id ",'op':'room.create','media':" CAMERA "}"

#define JOIN(id) "{'id':" id ",'op':'room.join','room':'$r','media':" CAMERA "}"

#define LEAVE(id)         "{'id':" id ",'op':'room.leave','room':'$r'}"
#define CAMERA            "{'audio':true,'video':true}"
#define DONE(id)          "{'id':" id ",'ok':{}}"
#define REFUSED(id, code) "{'id':" id ",'err':{'code':'" code "'}}"
#define PEER(member, state)                                                   \
	"{'push':'room.peer','room':'$r','member':" member ",'state':'" state \
	"'}"
#define LEFT(member, reason)                               \
	"{'push':'room.left','room':'$r','member':" member \
	",'reason':'" reason "'}"
#define OFFER(id, to, sdp)                                                   \
	"{'id':" id ",'op':'room.offer','room':'$r','to':" to ",'sdp':'" sdp \
	"'}"

/* On four shards only. */
#define ALONE(f) \
	cmocka_unit_test_setup_teardown(f, client_setup, client_teardown)

struct scene {
	struct world *w;
	int a, b, c;
};

/* alice, bob and carol, in one room in this order. */
static struct scene
scene_room(void **state)
{
	struct scene s = { .w = *state };

	s.a = login(s.w, "alice", "a1");
	s.b = login(s.w, "bob", "b1");
	s.c = login(s.w, "carol", "c1");
	ask(s.w, s.a, CREATE("2"),
	    "{'id':2,'ok':{'room':'$r','member':1,'members':[]}}");
	world_say(s.w, s.b, JOIN("2"));
	want(s.w, s.b,
	    "{'id':2,'ok':{'room':'$r','member':2,'members':[{'member':1,"
	    "'user':'alice','device':'a1','away':false,'media':{"
	    "'audio':true,'video':true,'screen':false,'hold':false}}]}}");
	want(s.w, s.a,
	    "{'push':'room.joined','room':'$r','member':2,'user':'bob',"
	    "'device':'b1','away':false,'media':{'audio':true,'video':true,"
	    "'screen':false,'hold':false}}");
	ask(s.w, s.c, JOIN("2"),
	    "{'id':2,'ok':{'member':3,'members':[{'member':1},"
	    "{'member':2,'user':'bob'}]}}");
	want(s.w, s.a, "{'push':'room.joined','member':3,'user':'carol'}");
	want(s.w, s.b, "{'push':'room.joined','member':3,'user':'carol'}");
	return s;
}

/* Time passes with everybody but link no being heard. */
static void
pass(struct scene *s, int seconds, int no)
{
	const int links[] = { s->a, s->b, s->c };
	size_t i;

	for (; seconds >= 0; seconds -= 5) {
		for (i = 0; i < LEN(links); i++) {
			if (links[i] != no)
				world_say(s->w, links[i],
				    "{'op':'sync.ack','sync':0}");
		}
		world_run(s->w, seconds > 5 ? 5000 : (uint64_t)seconds * 1000);
	}
}

static void
hear_none(struct scene *s)
{
	want_nothing(s->w, s->a);
	want_nothing(s->w, s->b);
	want_nothing(s->w, s->c);
}

static void
test_offers_go_to_one(void **state)
{
	struct scene s = scene_room(state);
	struct world *w = s.w;
	int a2 = login(w, "alice", "a2");

	ask(w, s.c, OFFER("3", "1", "v=0 c"), DONE("3"));
	want(
	    w, s.a, "{'push':'room.offer','room':'$r','from':3,'sdp':'v=0 c'}");
	ask(w, s.a,
	    "{'id':4,'op':'room.answer','room':'$r','to':3,'sdp':'v=0 a'}",
	    DONE("4"));
	want(w, s.c,
	    "{'push':'room.answer','room':'$r','from':1,'sdp':'v=0 a'}");
	ask(w, s.c,
	    "{'id':5,'op':'room.candidate','room':'$r','to':2,"
	    "'candidates':[{'candidate':'x'},null]}",
	    DONE("5"));
	want(w, s.b,
	    "{'push':'room.candidate','room':'$r','from':3,"
	    "'candidates':[{'candidate':'x'},null]}");
	ask(w, s.b,
	    "{'id':6,'op':'room.media','room':'$r','media':{'audio':false,"
	    "'video':true,'screen':true}}",
	    DONE("6"));
	want(w, s.a,
	    "{'push':'room.media','room':'$r','member':2,'media':{"
	    "'audio':false,'video':true,'screen':true,'hold':false}}");
	want(w, s.c, "{'push':'room.media','member':2}");
	ask(w, s.a, LEAVE("7"), DONE("7"));
	want(w, s.b, LEFT("1", "left"));
	want(w, s.c, LEFT("1", "left"));
	hear_none(&s);
	/* Another device of a member is nobody. */
	want_nothing(w, a2);
	ask(w, a2, OFFER("3", "2", "x"), REFUSED("3", "not_found"));
	ask(w, s.a, OFFER("8", "2", "x"), REFUSED("8", "not_found"));
	assert_int_equal(WORLD_STAT(w, rooms), 1);
	ask(w, s.b, LEAVE("9"), DONE("9"));
	want(w, s.c, LEFT("2", "left"));
	ask(w, s.c, LEAVE("10"), DONE("10"));
	assert_int_equal(WORLD_STAT(w, rooms), 0);
	ask(w, s.a, JOIN("11"), REFUSED("11", "not_found"));
	hear_none(&s);
}

static void
test_nine_are_too_many(void **state)
{
	static const char *const users[] = { "alice", "bob", "carol", "dave" };
	struct world *w = *state;
	char device[8];
	int links[9], i;

	for (i = 0; i < 9; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		links[i] = login(w, users[i % 4], device);
		world_say(w, links[i], i == 0 ? CREATE("2") : JOIN("2"));
		if (i == 0)
			want(w, links[0], "{'id':2,'ok':{'room':'$r'}}");
		else if (i < 8)
			want(w, links[i], "{'id':2,'ok':{'room':'$r'}}");
	}
	want(w, links[8],
	    "{'id':2,'err':{'code':'conflict','msg':'room: full'}}");
	world_hear_all(w, links[0]);
	world_hear_all(w, links[3]);
	ask(w, links[3], LEAVE("3"), DONE("3"));
	world_hear_all(w, links[0]);
	/* A number is not given again. */
	ask(w, links[8], JOIN("4"), "{'id':4,'ok':{'member':9}}");
	want(w, links[0], "{'push':'room.joined','member':9}");
	ask(w, links[8],
	    "{'id':5,'op':'room.offer','room':'$r','to':4,'sdp':'x'}",
	    REFUSED("5", "not_found"));
	want_nothing(w, links[8]);
}

static void
test_repeats(void **state)
{
	struct scene s = scene_room(state);
	struct world *w = s.w;

	ask(w, s.a, CREATE("3"),
	    "{'id':3,'ok':{'room':'$r','member':1,'members':[{'member':2},"
	    "{'member':3}]}}");
	ask(w, s.b, JOIN("3"),
	    "{'id':3,'ok':{'room':'$r','member':2,'members':[{'member':1},"
	    "{'member':3}]}}");
	hear_none(&s);
	ask(w, s.c, OFFER("4", "1", "x"), DONE("4"));
	ask(w, s.c, OFFER("5", "2", "x"), DONE("5"));
	want(w, s.a, "{'push':'room.offer','sdp':'x'}");
	want(w, s.b, "{'push':'room.offer','sdp':'x'}");
	ask(w, s.c, OFFER("4", "1", "x"), DONE("4"));
	ask(w, s.c, OFFER("5", "2", "x"), DONE("5"));
	hear_none(&s);
	ask(w, s.c, OFFER("6", "1", "y"), DONE("6"));
	want(w, s.a, "{'push':'room.offer','sdp':'y'}");
	ask(w, s.c, "{'id':7,'op':'room.media','room':'$r','media':" CAMERA "}",
	    DONE("7"));
	hear_none(&s);
	ask(w, s.c, LEAVE("8"), DONE("8"));
	want(w, s.a, LEFT("3", "left"));
	want(w, s.b, LEFT("3", "left"));
	ask(w, s.c, LEAVE("8"), DONE("8"));
	hear_none(&s);
	/* The one who takes the place hears what was said to the last. */
	ask(w, s.c, JOIN("9"), "{'id':9,'ok':{'member':4}}");
	want(w, s.a, "{'push':'room.joined','member':4}");
	want(w, s.b, "{'push':'room.joined','member':4}");
	ask(w, s.c, OFFER("10", "1", "y"), DONE("10"));
	want(w, s.a, "{'push':'room.offer','from':4,'sdp':'y'}");
}

static void
test_strangers(void **state)
{
	static const char *const bad[][2] = {
		{ "{'id':1,'op':'room.join','room':'r-x','media':" CAMERA "}",
		    REFUSED("1", "not_found") },
		{ "{'id':1,'op':'room.join','room':"
		  "'r-AAAAAAAAAAAAAAAAAAAAAA','media':" CAMERA "}",
		    REFUSED("1", "not_found") },
		{ "{'id':1,'op':'room.join','room':'main:c:x','media':" CAMERA
		  "}",
		    REFUSED("1", "not_found") },
		{ "{'id':1,'op':'room.join','room':'$r'}",
		    "{'id':1,'err':{'msg':'media: is missing'}}" },
		{ "{'id':1,'op':'room.create','media':{'audio':true}}",
		    "{'id':1,'err':{'msg':'media.video: is missing'}}" },
		{ "{'id':1,'op':'room.create','media':{'audio':true,"
		  "'video':true,'x':1}}",
		    "{'id':1,'err':{'msg':'media.x: unknown field'}}" },
		{ OFFER("1", "1", "x"), REFUSED("1", "not_found") },
		{ "{'id':1,'op':'room.media','room':'$r','media':" CAMERA "}",
		    REFUSED("1", "not_found") },
		{ LEAVE("1"), DONE("1") },
	};
	struct scene s = scene_room(state);
	int d = login(s.w, "dave", "d1");
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		ask(s.w, d, bad[i][0], bad[i][1]);
	ask(s.w, s.a, OFFER("2", "1", "x"), REFUSED("2", "not_found"));
	ask(s.w, s.a, OFFER("3", "4", "x"), REFUSED("3", "not_found"));
	ask(s.w, s.a, OFFER("4", "0", "x"), REFUSED("4", "bad_request"));
	hear_none(&s);
	want_nothing(s.w, d);
	assert_int_equal(WORLD_STAT(s.w, rooms), 1);
}

/* What a member must not miss waits for it; the rest it hears as it stands. */
static void
test_away_and_back(void **state)
{
	struct scene s = scene_room(state);
	struct world *w = s.w;
	int d = login(w, "dave", "d1");

	pass(&s, 5, 0);
	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("2", "away"));
	want(w, s.c, PEER("2", "away"));
	ask(w, s.a,
	    "{'id':3,'op':'room.media','room':'$r','media':{'audio':false,"
	    "'video':false}}",
	    DONE("3"));
	want(w, s.c, "{'push':'room.media','member':1}");
	ask(w, d, JOIN("2"),
	    "{'id':2,'ok':{'member':4,'members':[{'member':1,'away':false},"
	    "{'member':2,'away':true},{'member':3}]}}");
	ask(w, d, OFFER("3", "2", "v=0 d"), DONE("3"));
	want(w, s.a, "{'push':'room.joined','member':4}");
	want(w, s.c, "{'push':'room.joined','member':4}");
	ask(w, s.c, LEAVE("4"), DONE("4"));
	want(w, s.a, LEFT("3", "left"));
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b, "{'push':'room.joined','member':4,'user':'dave'}");
	want(w, s.b, "{'push':'room.offer','from':4,'sdp':'v=0 d'}");
	want(w, s.b, LEFT("3", "left"));
	want(w, s.b,
	    "{'push':'room.members','room':'$r','members':[{'member':1,"
	    "'away':false,'media':{'audio':false,'video':false,"
	    "'screen':false,'hold':false}},{'member':4}]}");
	want(w, s.a, PEER("2", "back"));
	hear_none(&s);
}

static void
test_flapping_costs_nobody_else(void **state)
{
	struct scene s = scene_room(state);
	struct world *w = s.w;
	int i;

	pass(&s, 5, 0);
	world_lose(w, s.b);
	world_settle(w);
	for (i = 0; i < 300; i++) {
		world_lose(w, s.c);
		s.c = resume(w, "carol", "c1", "");
		world_hear_all(w, s.c);
	}
	s.b = resume(w, "bob", "b1", "");
	want(w, s.b,
	    "{'push':'room.members','members':[{'member':1},"
	    "{'member':3,'away':false}]}");
	want_nothing(w, s.b);
}

static void
test_lost_for_good(void **state)
{
	struct scene s = scene_room(state);
	struct world *w = s.w;
	int b = s.b;

	world_lose(w, s.b);
	world_settle(w);
	want(w, s.a, PEER("2", "away"));
	want(w, s.c, PEER("2", "away"));
	pass(&s, 55, b);
	hear_none(&s);
	pass(&s, 6, b);
	want(w, s.a, LEFT("2", "lost"));
	want(w, s.c, LEFT("2", "lost"));
	world_lose(w, s.a);
	world_lose(w, s.c);
	world_run(w, 61000);
	assert_int_equal(WORLD_STAT(w, rooms), 0);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
}

static void
test_limits(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1"), c, i;
	char *text = malloc(70000), name[8];

	/* A user may be in eight rooms, on whichever device. */
	for (i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "d%d", i / 2);
		c = login(w, i < 5 ? "carol" : "dave", name);
		world_forget(w);
		ask(w, c, CREATE("2"), "{'id':2,'ok':{'room':'$r'}}");
		if (i == 4)
			b = login(w, "bob", "b2");
		if (i < 8)
			ask(w, b, JOIN("2"), "{'id':2,'ok':{'member':2}}");
		else
			ask(w, b, JOIN("2"), REFUSED("2", "too_large"));
	}
	ask(w, b, CREATE("3"), REFUSED("3", "too_large"));
	assert_int_equal(WORLD_STAT(w, rooms), 9);
	world_forget(w);
	ask(w, a, CREATE("2"), "{'id':2,'ok':{'room':'$r'}}");
	b = login(w, "carol", "c9");
	ask(w, b, JOIN("2"), "{'id':2,'ok':{'member':2}}");
	world_hear_all(w, a);
	sprintf(text,
	    "{'id':3,'op':'room.offer','room':'$r','to':1,'sdp':'%049153d'}",
	    0);
	ask(w, b, text, REFUSED("3", "too_large"));
	sprintf(text,
	    "{'id':4,'op':'room.offer','room':'$r','to':1,'sdp':'%049152d'}",
	    0);
	ask(w, b, text, DONE("4"));
	assert_int_equal(world_unheard(w, a), 1);
	ask(w, b,
	    "{'id':5,'op':'room.candidate','room':'$r','to':1,"
	    "'candidates':[7]}",
	    REFUSED("5", "bad_request"));
	free(text);
}

static void
test_no_more_rooms(void **state)
{
	struct world_opts opts = world_defaults();
	int links[3], i;
	struct world *w;

	opts.cfg.shards = 1;
	opts.cfg.max_rooms = 2;
	w = client_world(&opts);
	links[0] = login(w, "alice", "a1");
	links[1] = login(w, "bob", "b1");
	links[2] = login(w, "carol", "c1");
	for (i = 0; i < 2; i++) {
		world_forget(w);
		ask(w, links[i], CREATE("2"), "{'id':2,'ok':{'room':'$r'}}");
	}
	ask(w, links[2], CREATE("2"), REFUSED("2", "overloaded"));
	ask(w, links[1], LEAVE("3"), DONE("3"));
	ask(w, links[2], CREATE("3"), "{'id':3,'ok':{'member':1}}");
	world_free(w);
}

/* Joins and leaves that are under way at once, and links that break. */
static void
test_in_a_hurry(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	uint64_t seed;
	int a, b;

	for (seed = 1; seed <= 30; seed++) {
		opts.seed = seed;
		opts.mail_ms = 40;
		opts.cfg.resume_ms = 2000;
		w = client_world(&opts);
		a = login(w, "alice", "a1");
		b = login(w, "bob", "b1");
		world_post(w, a, CREATE("2"));
		world_post(w, a, CREATE("3"));
		world_settle(w);
		want(w, a, "{'id':2,'ok':{'room':'$r','member':1}}");
		want(w, a, "{'id':3,'ok':{'room':'$r','member':1}}");
		world_post(w, b, JOIN("2"));
		world_post(w, b, LEAVE("3"));
		world_post(w, b, JOIN("4"));
		if (seed % 3 == 0) {
			world_run(w, world_random(w, 60));
			world_lose(w, b);
			b = resume(w, "bob", "b1", "");
			world_settle(w);
			world_hear_all(w, b);
			ask(w, b, JOIN("5"), "{'id':5,'ok':{'member':3}}");
		} else {
			world_settle(w);
			want(w, b, "{'id':2,'ok':{'member':2}}");
			want(w, b, DONE("3"));
			want(w, b, "{'id':4,'ok':{'member':3}}");
		}
		world_hear_all(w, a);
		ask(w, a, OFFER("4", "3", "x"), DONE("4"));
		want(w, b, "{'push':'room.offer','from':1}");
		if (seed % 3 == 1) {
			world_post(w, b, LEAVE("6"));
			world_post(w, b, JOIN("7"));
			world_run(w, world_random(w, 60));
		}
		world_lose(w, b);
		world_post(w, a, LEAVE("8"));
		world_run(w, 3000);
		assert_int_equal(WORLD_STAT(w, rooms), 0);
		world_free(w);
	}
}

/* Whom the room has refused, or not answered yet, hears nothing of it. */
static void
test_refused_hear_nothing(void **state)
{
	struct world_opts opts = world_defaults();
	char device[8];
	struct world *w;
	int links[9], i;

	opts.cfg.shards = 1;
	w = client_world(&opts);
	for (i = 0; i < 9; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		links[i] = login(w, i < 5 ? "alice" : "bob", device);
		world_say(w, links[i], i == 0 ? CREATE("2") : JOIN("2"));
		if (i == 0)
			want(w, links[0], "{'id':2,'ok':{'room':'$r'}}");
		else if (i < 8)
			want(w, links[i], "{'id':2,'ok':{'room':'$r'}}");
		else
			want(w, links[i], REFUSED("2", "conflict"));
	}
	world_hear_all(w, links[0]);
	ask(w, links[0],
	    "{'id':3,'op':'room.media','room':'$r','media':{'audio':false,"
	    "'video':false}}",
	    DONE("3"));
	world_hear_all(w, links[7]);
	want_nothing(w, links[8]);
	ask(w, links[8], OFFER("3", "1", "x"), REFUSED("3", "not_found"));
	world_free(w);
}

#define AGAIN(id, member)                                           \
	"{'id':" id ",'op':'room.join','room':'$r','media':" CAMERA \
	",'member':" member "}"

/* The server has forgotten the room. Its members make it anew as they come
 * back, each with its number, in whatever order. */
static void
test_again_after_a_restart(void **state)
{
	struct scene s = scene_room(state);
	int d;

	world_crash(s.w, 2000);
	s.c = resume(s.w, "carol", "c1", "");
	s.a = resume(s.w, "alice", "a1", "");
	s.b = resume(s.w, "bob", "b1", "");
	ask(s.w, s.a, JOIN("4"), REFUSED("4", "not_found"));
	ask(s.w, s.a, AGAIN("5", "0"), REFUSED("5", "bad_request"));
	ask(s.w, s.c, AGAIN("4", "3"),
	    "{'id':4,'ok':{'room':'$r','member':3,'members':[],"
	    "'again':true}}");
	ask(s.w, s.a, AGAIN("6", "1"),
	    "{'id':6,'ok':{'room':'$r','member':1,'members':[{'member':3,"
	    "'user':'carol'}],'again':true}}");
	want(s.w, s.c,
	    "{'push':'room.joined','room':'$r','member':1,'user':'alice'}");
	/* A newcomer is behind all; who comes too late for its number, too. */
	d = login(s.w, "dave", "d1");
	ask(s.w, d, JOIN("2"),
	    "{'id':2,'ok':{'member':4,'members':[{'member':1},{'member':3}],"
	    "'again':true}}");
	ask(s.w, s.b, AGAIN("4", "3"),
	    "{'id':4,'ok':{'member':5,'members':[{'member':1},{'member':3},"
	    "{'member':4}]}}");
	world_hear_all(s.w, s.c);
	world_hear_all(s.w, s.a);
	ask(s.w, s.a, OFFER("7", "3", "x"), DONE("7"));
	want(s.w, s.c, "{'push':'room.offer','room':'$r','from':1,'sdp':'x'}");
}

/* In a room that is there nobody chooses a number. */
static void
test_no_number_of_ones_choice(void **state)
{
	struct scene s = scene_room(state);
	int d = login(s.w, "dave", "d1");

	ask(s.w, s.a, AGAIN("4", "9"),
	    "{'id':4,'ok':{'member':1,'members':[{'member':2},"
	    "{'member':3}]}}");
	ask(s.w, d, AGAIN("2", "9"), "{'id':2,'ok':{'member':4}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offers_go_to_one),
		TEST(test_nine_are_too_many),
		TEST(test_repeats),
		TEST(test_strangers),
		TEST(test_away_and_back),
		TEST(test_flapping_costs_nobody_else),
		TEST(test_lost_for_good),
		TEST(test_limits),
		TEST(test_again_after_a_restart),
		TEST(test_no_number_of_ones_choice),
		ALONE(test_no_more_rooms),
		ALONE(test_in_a_hurry),
		ALONE(test_refused_hear_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
