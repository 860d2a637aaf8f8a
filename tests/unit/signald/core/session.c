/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "tests/unit/signald/core/client.h"

#define HELLO "{'id':1,'op':'hello','token':'$token.alice','device':'d1'"

static void
test_welcome_and_hello(void **state)
{
	struct world *w = *state;
	int a = world_open(w);

	want(w, a,
	    "{'push':'welcome','protocol':'floe.v1','server':'floe',"
	    "'node':'n1','ts':1790000000000,'limits':{'frame_bytes':65536,"
	    "'text_bytes':16384,'sdp_bytes':49152,'candidates':64,"
	    "'hello_ms':5000,'window':256},"
	    "'features':['message','presence','call','room','chatroom','"
	    "contact','ice']}");
	ask(w, a, HELLO "}",
	    "{'id':1,'ok':{'user':'alice','nick':'The alice','device':'d1',"
	    "'session':'$s','secret':'$k','resumed':false,"
	    "'epoch':'5f2c0000000000000000000000000000','recovered':true,"
	    "'sync':0,'resume_ms':60000,"
	    "'heartbeat':{'ping_ms':5000,'kill_ms':7000},"
	    "'iceServers':[{'urls':['stun:203.0.113.1:3478']},"
	    "{'urls':['turn:203.0.113.1:3478?transport=udp'],"
	    "'username':'1790003600:alice','credential':'*'}],"
	    "'ice_ttl_s':3600,'peers':[]}}");
	assert_int_equal(strlen(world_var(w, "s")), 16);
	assert_int_equal(strlen(world_var(w, "k")), 32);
	want_nothing(w, a);
}

static void
test_every_shard_takes_every_user(void **state)
{
	static const char *const users[] = { "alice", "bob", "carol", "dave" };
	struct world *w = *state;
	char hello[128];
	uint32_t shard, home;
	size_t i;
	int link;

	for (i = 0; i < LEN(users); i++) {
		for (shard = 0; shard < 4; shard++) {
			link = world_open_at(w, shard);
			world_hear_all(w, link);
			snprintf(hello, sizeof(hello),
			    "{'id':1,'op':'hello','token':'$token.%s',"
			    "'device':'d%u'}\n{'id':2,'op':'ping'}",
			    users[i], shard);
			world_say(w, link, hello);
			/* What followed in the frame came along, and is heard
			 * when the log-in is done. */
			want(w, link, "{'id':1,'ok':{'resumed':false}}");
			want(w, link, "{'id':2,'ok':{'ts':'*'}}");
			home = shard == 0 ? world_shard(w, link) : home;
			assert_int_equal(world_shard(w, link), home);
		}
	}
	assert_int_equal(WORLD_STAT(w, links), 16);
	assert_int_equal(WORLD_STAT(w, sessions), 16);
	assert_int_equal(WORLD_STAT(w, users_online), 4);
}

/* Nobody has to wait for the answer to the hello, within reason. */
static void
test_what_follows_a_hello(void **state)
{
	struct world *w = *state;
	int a = world_open(w), i;

	world_hear_all(w, a);
	world_post(w, a,
	    "{'id':1,'op':'hello','token':'$token.alice','device':'d'}\n");
	world_post(w, a, "{'id':2,'op':'ping'}\n{'id':3,'op':'ping'}");
	world_post(w, a, "{'id':4,'op':'ping'}");
	world_settle(w);
	want(w, a, "{'id':1,'ok':{'user':'alice'}}");
	want(w, a, "{'id':2,'ok':{'ts':'*'}}");
	want(w, a, "{'id':3,'ok':{'ts':'*'}}");
	want(w, a, "{'id':4,'ok':{'ts':'*'}}");
	a = world_open(w);
	world_hear_all(w, a);
	world_fail_reads(w, -EIO, 1);
	world_post(
	    w, a, "{'id':1,'op':'hello','token':'$token.alice','device':'d'}");
	world_post(w, a, "{'id':2,'op':'ping'}");
	world_settle(w);
	want(w, a, "{'id':1,'err':{'code':'storage'}}");
	want(w, a, "{'id':2,'err':{'code':'not_ready'}}");
	a = world_open(w);
	world_hear_all(w, a);
	world_post(
	    w, a, "{'id':1,'op':'hello','token':'$token.alice','device':'d'}");
	for (i = 0; i < 500; i++)
		world_post(w, a, "{'id':2,'op':'ping'}");
	world_settle(w);
	want_closed(w, a, 4502);
}

static void
test_before_hello(void **state)
{
	struct world *w = *state;
	int a = world_open(w);

	world_hear_all(w, a);
	ask(w, a, "{'id':7,'op':'message.send'}",
	    "{'id':7,'err':{'code':'not_ready','msg':'*'}}");
	ask(w, a, "{'id':8,'op':'nonsense'}",
	    "{'id':8,'err':{'code':'unknown_op','msg':'op: nonsense'}}");
	world_run(w, 4999);
	want_closed(w, a, 0);
	world_run(w, 30);
	want_closed(w, a, 4000);
}

static void
test_before_hello_little_is_read(void **state)
{
	struct world *w = *state;
	char *big = malloc(8194);
	int a = world_open(w);

	memset(big, ' ', 8193);
	big[8193] = '\0';
	memcpy(big, "{}", 2);
	world_say(w, a, big);
	want_closed(w, a, 4502);
	free(big);
}

static void
test_bad_tokens(void **state)
{
	static const char *const tokens[] = { "x", "f1.AAAA.AAAA",
		"eyJhbGciOiJub25lIn0.e30." };
	struct world *w = *state;
	char hello[256];
	size_t i;
	int a;

	for (i = 0; i < LEN(tokens); i++) {
		a = world_open(w);
		world_hear_all(w, a);
		snprintf(hello, sizeof(hello),
		    "{'id':1,'op':'hello','token':'%s','device':'d'}",
		    tokens[i]);
		ask(w, a, hello, "{'id':1,'err':{'code':'unauthorized'}}");
		want_closed(w, a, 4500);
	}
	assert_int_equal(WORLD_STAT(w, links), 0);
}

static void
test_user_is_gone(void **state)
{
	struct world *w = *state;
	int a = world_open(w);

	world_hear_all(w, a);
	ask(w, a, "{'id':1,'op':'hello','token':'$token.zoe','device':'d'}",
	    "{'id':1,'err':{'code':'not_found'}}");
	want_closed(w, a, 4501);
}

static void
test_log_fails_at_hello(void **state)
{
	struct world *w = *state;
	int a = world_open(w);

	world_hear_all(w, a);
	world_fail_reads(w, -EIO, 1);
	ask(w, a, HELLO "}",
	    "{'id':1,'err':{'code':'storage','retry_ms':2000}}");
	ask(w, a, HELLO "}", "{'id':1,'ok':{'user':'alice'}}");
}

static void
test_hello_twice(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	ask(w, a, HELLO "}", "{'id':1,'err':{'code':'conflict'}}");
	want_closed(w, a, 0);
}

static void
test_heartbeat(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), i;

	for (i = 0; i < 5; i++) {
		world_run(w, 6500);
		ask(w, a, "{'op':'ping'}", "{'push':'pong','ts':'*'}");
	}
	/* Any frame counts, also a wrong one. */
	world_run(w, 6500);
	ask(w, a, "{'id':3,'op':'nonsense'}",
	    "{'id':3,'err':{'code':'unknown_op'}}");
	world_run(w, 6500);
	ask(w, a, "{'id':4,'op':'ping'}", "{'id':4,'ok':{'ts':'*'}}");
	world_run(w, 6900);
	want_closed(w, a, 0);
	world_run(w, 200);
	want_closed(w, a, 4000);
}

static void
test_resume(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_lose(w, a);
	world_run(w, 59000);
	a = resume(w, "alice", "d1", "");
	want_nothing(w, a);
	assert_int_equal(WORLD_STAT(w, resumes), 1);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	/* As often as one likes, the window begins anew each time. */
	world_lose(w, a);
	world_run(w, 59000);
	a = resume(w, "alice", "d1", "");
	want_closed(w, a, 0);
}

static void
test_resume_too_late(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_lose(w, a);
	world_run(w, 60100);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
	a = world_open(w);
	world_hear_all(w, a);
	ask(w, a, HELLO ",'session':'$alice.d1.s','secret':'$alice.d1.k'}",
	    "{'id':1,'ok':{'resumed':false,'session':'$other'}}");
	assert_string_not_equal(
	    world_var(w, "other"), world_var(w, "alice.d1.s"));
}

static void
test_resume_needs_the_secret(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1"), c;

	c = world_open(w);
	world_hear_all(w, c);
	ask(w, c, HELLO ",'session':'$alice.d1.s','secret':'$bob.d1.k'}",
	    "{'id':1,'ok':{'resumed':false}}");
	c = world_open(w);
	world_hear_all(w, c);
	ask(w, c, HELLO ",'session':'$alice.d1.s'}",
	    "{'id':1,'ok':{'resumed':false}}");
	/* Nor with everything right but the user. */
	c = world_open(w);
	world_hear_all(w, c);
	ask(w, c, HELLO ",'session':'$bob.d1.s','secret':'$bob.d1.k'}",
	    "{'id':1,'ok':{'resumed':false}}");
	want_closed(w, a, 0);
	want_closed(w, b, 0);
}

static void
test_takeover(void **state)
{
	struct world *w = *state;
	int old = login(w, "alice", "d1"), new;

	new = resume(w, "alice", "d1", "");
	want_closed(w, old, 4001);
	want_closed(w, new, 0);
	/* The old link's end is reported late, and again. */
	world_late_close(w, old);
	world_late_close(w, old);
	world_run(w, 5000);
	ask(w, new, "{'id':2,'op':'ping'}", "{'id':2,'ok':{}}");
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	assert_int_equal(WORLD_STAT(w, links), 1);
	/* It is the session's link: what is for the session comes. */
	client_text(w, login(w, "bob", "b1"), "alice", "m1");
	want(w, new, "{'push':'message','mid':'m1'}");
}

/* A client gave up a link whose hello the network held back. */
static void
test_hello_of_an_older_link(void **state)
{
	struct world *w = *state;
	int old = world_open(w), new;

	world_run(w, 1000);
	new = login(w, "alice", "d1");
	world_say(
	    w, old, HELLO ",'session':'$alice.d1.s','secret':'$alice.d1.k'}");
	want_closed(w, old, 4001);
	want_closed(w, new, 0);
	ask(w, new, "{'id':2,'op':'ping'}", "{'id':2,'ok':{}}");
	/* The session is its own again, when there is no newer one. */
	old = world_open(w);
	world_hear_all(w, old);
	world_lose(w, new);
	ask(w, old, HELLO ",'session':'$alice.d1.s','secret':'$alice.d1.k'}",
	    "{'id':1,'ok':{'resumed':true}}");
}

static void
test_vanished_link_is_killed_then_resumed(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_vanish(w, a);
	world_run(w, 7100);
	assert_int_equal(WORLD_STAT(w, links), 0);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	resume(w, "alice", "d1", "");
}

/* A large frame may take longer to arrive than silence may last. */
static void
test_bytes_are_a_sign_of_life(void **state)
{
	struct world *w = *state;
	int a = world_open(w), i;

	assert_false(world_dribble(w, a));
	a = login(w, "alice", "d1");
	for (i = 0; i < 10; i++) {
		world_run(w, 3000);
		assert_true(world_dribble(w, a));
	}
	want_closed(w, a, 0);
	world_run(w, 7100);
	want_closed(w, a, 4000);
	assert_false(world_dribble(w, a));
	/* But a stranger's are not. */
	a = world_open(w);
	for (i = 0; i < 6; i++) {
		world_dribble(w, a);
		world_run(w, 1000);
	}
	want_closed(w, a, 4000);
}

static void
test_sessions_of_a_user_are_bounded(void **state)
{
	struct world *w = *state;
	char device[8];
	int links[8], i, extra;

	for (i = 0; i < 8; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		links[i] = login(w, "alice", device);
	}
	extra = world_open(w);
	world_hear_all(w, extra);
	ask(w, extra,
	    "{'id':1,'op':'hello','token':'$token.alice','device':'d9'}",
	    "{'id':1,'err':{'code':'overloaded','retry_ms':500}}");
	/* One that has lost its link makes room, though it could resume. */
	world_lose(w, links[3]);
	ask(w, extra,
	    "{'id':2,'op':'hello','token':'$token.alice','device':'d9'}",
	    "{'id':2,'ok':{'resumed':false}}");
	assert_int_equal(WORLD_STAT(w, sessions), 8);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
}

static void
test_links_are_bounded(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int i;

	opts.cfg.max_links = 3;
	opts.cfg.shards = 1;
	w = client_world(&opts);
	for (i = 0; i < 3; i++)
		want_closed(w, world_open(w), 0);
	want_closed(w, world_open(w), 4003);
	assert_int_equal(WORLD_STAT(w, links), 3);
	world_free(w);
}

/* Who has logged in is none, nor is who has gone. */
static void
test_strangers_are_bounded(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a;

	opts.cfg.max_strangers = 2;
	opts.cfg.shards = 1;
	w = client_world(&opts);
	login(w, "alice", "d1");
	world_guest(w, "alice", "{'id':1,'op':'ice.get'}");
	a = world_open(w);
	want_closed(w, world_open(w), 0);
	want_closed(w, world_open(w), 4003);
	assert_int_equal(WORLD_STAT(w, strangers), 2);
	world_lose(w, a);
	login(w, "bob", "d1");
	want_closed(w, world_open(w), 0);
	want_closed(w, world_open(w), 4003);
	/* Each waits for its hello for a while only. */
	world_run(w, 5100);
	assert_int_equal(WORLD_STAT(w, strangers), 0);
	want_closed(w, world_open(w), 0);
	world_free(w);
}

static void
test_drain(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = world_open(w);

	world_drain(w);
	want_closed(w, a, 4003);
	want_closed(w, b, 4003);
	want_closed(w, world_open(w), 4003);
	assert_int_equal(WORLD_STAT(w, links), 0);
}

static void
test_dump(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");
	struct buf b;

	buf_init(&b, 4096);
	sig_core_dump_sessions(world_core(w, world_shard(w, a)), &b);
	buf_u8(&b, '\0');
	assert_null(world_match(w,
	    "{'user':'alice','device':'d1','session':'$alice.d1.s',"
	    "'attached':true,'acked':0,'sent':0,'head':0}",
	    (char *)b.data));
	assert_null(strstr((char *)b.data, world_var(w, "alice.d1.k")));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_welcome_and_hello),
		cmocka_unit_test_setup_teardown(
		    test_every_shard_takes_every_user, client_setup,
		    client_teardown),
		TEST(test_what_follows_a_hello),
		TEST(test_before_hello),
		TEST(test_before_hello_little_is_read),
		TEST(test_bad_tokens),
		TEST(test_user_is_gone),
		TEST(test_log_fails_at_hello),
		TEST(test_hello_twice),
		TEST(test_heartbeat),
		TEST(test_resume),
		TEST(test_resume_too_late),
		TEST(test_resume_needs_the_secret),
		TEST(test_takeover),
		TEST(test_hello_of_an_older_link),
		TEST(test_vanished_link_is_killed_then_resumed),
		TEST(test_bytes_are_a_sign_of_life),
		TEST(test_sessions_of_a_user_are_bounded),
		TEST(test_links_are_bounded),
		TEST(test_strangers_are_bounded),
		TEST(test_drain),
		TEST(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
