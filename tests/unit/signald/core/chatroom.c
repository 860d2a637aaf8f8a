/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/crowd.h"
#include "tests/unit/signald/core/client.h"

#define JOIN(id)  "{'id':" id ",'op':'chatroom.join','room':'lobby'}"
#define LEAVE(id) "{'id':" id ",'op':'chatroom.leave','room':'lobby'}"
#define SAY(id, self)                                                   \
	"{'id':" id ",'op':'chatroom.send','room':'lobby','self':" self \
	",'body':{'text':'hi'}}"
#define REFUSED(id, code) "{'id':" id ",'err':{'code':'" code "'}}"
#define HEARD                                                   \
	"{'push':'chatroom.message','room':'lobby','member':1," \
	"'user':'alice','device':'a1','ts':'*','body':{'text':'hi'}}"

#define ALONE(f) \
	cmocka_unit_test_setup_teardown(f, client_setup, client_teardown)

struct scene {
	struct world *w;
	int a, b, b2;
};

/* alice, and bob with two devices, in the lobby. */
static struct scene
scene_lobby(void **state)
{
	struct scene s = { .w = *state };

	s.a = login(s.w, "alice", "a1");
	s.b = login(s.w, "bob", "b1");
	s.b2 = login(s.w, "bob", "b2");
	ask(s.w, s.a, JOIN("2"),
	    "{'id':2,'ok':{'room':'lobby','member':1,'count':1}}");
	ask(s.w, s.b, JOIN("2"), "{'id':2,'ok':{'member':2,'count':2}}");
	want(s.w, s.a,
	    "{'push':'chatroom.joined','room':'lobby','member':2,"
	    "'user':'bob','device':'b1'}");
	ask(s.w, s.b2, JOIN("2"), "{'id':2,'ok':{'member':3,'count':3}}");
	want(s.w, s.a, "{'push':'chatroom.joined','member':3}");
	want(s.w, s.b, "{'push':'chatroom.joined','member':3}");
	return s;
}

static void
hear_none(struct scene *s)
{
	want_nothing(s->w, s->a);
	want_nothing(s->w, s->b);
	want_nothing(s->w, s->b2);
}

static void
test_all_hear_it(void **state)
{
	struct scene s = scene_lobby(state);
	struct world *w = s.w;
	int c = login(w, "carol", "c1");

	ask(w, s.a, SAY("3", "false"),
	    "{'id':3,'ok':{'room':'lobby','ts':'*'}}");
	want(w, s.b, HEARD);
	want(w, s.b2, HEARD);
	world_say(w, s.a, SAY("4", "true"));
	want(w, s.a, "{'id':4,'ok':{'ts':'*'}}");
	want(w, s.a, HEARD);
	want(w, s.b, HEARD);
	want(w, s.b2, HEARD);
	/* Without self nobody hears themselves. */
	ask(w, s.b, "{'id':5,'op':'chatroom.send','room':'lobby','body':{}}",
	    "{'id':5,'ok':{}}");
	want(w, s.a,
	    "{'push':'chatroom.message','member':2,'user':'bob',"
	    "'device':'b1','body':{}}");
	want(w, s.b2, "{'push':'chatroom.message','member':2}");
	hear_none(&s);
	/* Who is not in it neither hears nor says. */
	want_nothing(w, c);
	ask(w, c, SAY("3", "true"), REFUSED("3", "not_found"));
	ask(w, c, "{'id':4,'op':'chatroom.members','room':'lobby'}",
	    REFUSED("4", "not_found"));
	ask(w, s.b, LEAVE("6"), "{'id':6,'ok':{'room':'lobby'}}");
	want(w, s.a,
	    "{'push':'chatroom.left','room':'lobby','member':2,"
	    "'user':'bob','device':'b1'}");
	want(w, s.b2, "{'push':'chatroom.left','member':2}");
	ask(w, s.b, LEAVE("6"), "{'id':6,'ok':{}}");
	ask(w, s.a, SAY("7", "false"), "{'id':7,'ok':{}}");
	want(w, s.b2, HEARD);
	hear_none(&s);
}

static void
test_gone_when_empty(void **state)
{
	struct scene s = scene_lobby(state);
	struct world *w = s.w;
	int i;

	world_lose(w, s.b);
	/* An away link misses what is said, and stays a member. */
	ask(w, s.a, SAY("3", "false"), "{'id':3,'ok':{}}");
	want(w, s.b2, HEARD);
	s.b = resume(w, "bob", "b1", "");
	want_nothing(w, s.b);
	ask(w, s.b, JOIN("4"), "{'id':4,'ok':{'member':2,'count':3}}");
	want_nothing(w, s.a);
	world_lose(w, s.b);
	for (i = 0; i < 13; i++) {
		world_say(w, s.a, "{'op':'sync.ack','sync':0}");
		world_say(w, s.b2, "{'op':'sync.ack','sync':0}");
		world_run(w, 5000);
	}
	want(w, s.a, "{'push':'chatroom.left','member':2}");
	want(w, s.b2, "{'push':'chatroom.left','member':2}");
	ask(w, s.a, LEAVE("5"), "{'id':5,'ok':{}}");
	world_hear_all(w, s.b2);
	ask(w, s.b2, LEAVE("5"), "{'id':5,'ok':{}}");
	assert_int_equal(WORLD_STAT(w, rooms), 0);
	/* A new one, that counts from the beginning. */
	ask(w, s.a, JOIN("6"), "{'id':6,'ok':{'member':1,'count':1}}");
}

static void
test_members_in_pages(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int links[106], i, in;
	char name[16];

	opts.cfg.chatroom_members = 105;
	opts.cfg.max_sessions_per_user = 1000;
	w = client_world(&opts);
	for (i = 0; i < 106; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		world_forget(w);
		links[i] = login(w, i % 2 == 0 ? "alice" : "bob", name);
		world_say(w, links[i], JOIN("2"));
		want(w, links[i],
		    i < 105 ? "{'id':2,'ok':{}}"
			    : "{'id':2,'err':{'code':'conflict',"
			      "'msg':'room: full'}}");
	}
	/* All but the refused have heard of everybody after them. */
	for (in = i = 0; i < 106; i++)
		in += (int)world_unheard(w, links[i]);
	assert_int_equal(in, 105 * 104 / 2);
	world_hear_all(w, links[104]);
	ask(w, links[104],
	    "{'id':3,'op':'chatroom.members','room':'lobby','after':98}",
	    "{'id':3,'ok':{'room':'lobby','members':[{'member':99,"
	    "'user':'alice','device':'d98'},{'member':100},{'member':101},"
	    "{'member':102},{'member':103},{'member':104},"
	    "{'member':105}],'count':105,'complete':true}}");
	world_say(
	    w, links[104], "{'id':4,'op':'chatroom.members','room':'lobby'}");
	want(w, links[104], "{'id':4,'ok':{'count':105,'complete':false}}");
	world_free(w);
}

static void
test_limits(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), i;
	char *text = malloc(20000);

	for (i = 0; i < 64; i++) {
		sprintf(
		    text, "{'id':2,'op':'chatroom.join','room':'room-%d'}", i);
		ask(w, a, text, "{'id':2,'ok':{'member':1}}");
	}
	ask(w, a, JOIN("3"), REFUSED("3", "too_large"));
	/* One of them again is no new one. */
	ask(w, a, "{'id':4,'op':'chatroom.join','room':'room-7'}",
	    "{'id':4,'ok':{}}");
	ask(w, a, "{'id':5,'op':'chatroom.leave','room':'room-7'}",
	    "{'id':5,'ok':{}}");
	ask(w, a, JOIN("6"), "{'id':6,'ok':{}}");
	ask(w, a, "{'id':7,'op':'chatroom.join','room':'Lobby'}",
	    REFUSED("7", "bad_request"));
	ask(w, a, "{'id':8,'op':'chatroom.join','room':'a:b'}",
	    REFUSED("8", "bad_request"));
	ask(w, a, "{'id':9,'op':'chatroom.send','room':'lobby','body':'hi'}",
	    "{'id':9,'err':{'msg':'body: must be an object'}}");
	sprintf(text,
	    "{'id':10,'op':'chatroom.send','room':'lobby','body':"
	    "{'t':'%016400d'}}",
	    0);
	ask(w, a, text, REFUSED("10", "too_large"));
	sprintf(text,
	    "{'id':11,'op':'chatroom.send','room':'lobby','body':"
	    "{'t':'%016000d'}}",
	    0);
	ask(w, a, text, "{'id':11,'ok':{}}");
	free(text);
}

/* One who says more than the others can hear is told so. */
static void
test_talks_too_much(void **state)
{
	struct scene s = scene_lobby(state);
	struct world *w = s.w;
	int i;

	for (i = 0; i < 20; i++)
		ask(w, s.a, SAY("3", "false"), "{'id':3,'ok':{}}");
	ask(w, s.a, SAY("4", "false"),
	    "{'id':4,'err':{'code':'overloaded','retry_ms':500}}");
	assert_int_equal(world_unheard(w, s.b), 20);
	/* The others have a say of their own. */
	world_hear_all(w, s.b2);
	ask(w, s.b2, SAY("5", "false"), "{'id':5,'ok':{}}");
	world_hear_all(w, s.a);
	world_hear_all(w, s.b);
	world_run(w, 500);
	for (i = 0; i < 5; i++)
		ask(w, s.a, SAY("6", "false"), "{'id':6,'ok':{}}");
	ask(w, s.a, SAY("7", "false"), REFUSED("7", "overloaded"));
	assert_int_equal(world_unheard(w, s.b), 5);
}

/* A message crosses to each shard once, however many listen there. */
static void
test_one_mail_a_shard(void **state)
{
	struct world_opts opts = world_defaults();
	struct sig_core *core;
	struct sig_effect e;
	struct sig_mail *mail;
	struct sig_time now = { 1000, WORLD_WALL_MS };
	char name[16];
	int i, mails = 0;

	opts.cfg.max_sessions_per_user = 100;
	core = sig_core_new(&opts.cfg);
	for (i = 0; i < 400; i++) {
		mail = sig_mail_new(SIG_MAIL_CHATROOM, "main:c:lobby");
		snprintf(mail->from, sizeof(mail->from), "user%d", i % 40);
		snprintf(name, sizeof(name), "session%d", i);
		memcpy(mail->session, name, sizeof(name));
		sig_core_mail(core, mail, now); /* flags 0: a join */
		while (sig_core_effect(core, &e))
			sig_effect_fini(&e);
	}
	mail = sig_mail_text(SIG_MAIL_CHATROOM, "main:c:lobby", "{}", 2);
	memcpy(mail->from, "user0", 6);
	memcpy(mail->session, "session0", 9);
	mail->flags = SIG_ROOM_SEND;
	sig_core_mail(core, mail, now);
	while (sig_core_effect(core, &e)) {
		assert_int_equal(e.kind, SIG_POST);
		assert_int_equal(e.mail->kind, SIG_MAIL_ROOM_TELL);
		assert_int_not_equal(e.shard, opts.cfg.shard);
		mails++;
		sig_effect_fini(&e);
	}
	/* Its own shard is told without. */
	assert_int_equal(mails, opts.cfg.shards - 1);
	sig_core_free(core);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_hear_it),
		TEST(test_gone_when_empty),
		TEST(test_limits),
		TEST(test_talks_too_much),
		ALONE(test_members_in_pages),
		ALONE(test_one_mail_a_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
