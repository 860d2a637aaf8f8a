/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/signald/core/scene.h"

#define guest(w, user, text, answer) \
	expect(w, user, text, answer, __FILE__, __LINE__)

/* One answer and nothing after it. */
static void
expect(struct world *w, const char *user, const char *text, const char *answer,
    const char *file, int line)
{
	int link = world_guest(w, user, text);

	client_want(w, link, answer, file, line);
	client_want_nothing(w, link, file, line);
}

static void
test_requests(void **state)
{
	struct world *w = *state;
	int b = login(w, "bob", "b1");

	guest(w, "alice",
	    "{'id':1,'op':'message.send','to':'bob','mid':'m','type':'text',"
	    "'body':{'text':'hi'}}",
	    "{'id':1,'ok':{'mid':'m','conv':'main:1:alice:bob','seq':1}}");
	want(w, b,
	    "{'push':'message','from':'alice','mid':'m','body':{'text':'hi'}}");
	/* The same mid gets the first answer, as on a link. */
	guest(w, "alice",
	    "{'id':1,'op':'message.send','to':'bob','mid':'m','type':'text',"
	    "'body':{'text':'ho'}}",
	    "{'id':1,'ok':{'mid':'m','seq':1}}");
	want_nothing(w, b);
	guest(w, "bob", "{'id':1,'op':'conversation.list'}",
	    "{'id':1,'ok':{'conversations':[{'conv':'main:1:alice:bob',"
	    "'unread':1}],'complete':true}}");
	/* The user's devices hear of it, for none of them has done it. */
	guest(w, "bob",
	    "{'id':1,'op':'conversation.read','conv':'main:1:alice:bob',"
	    "'seq':1}",
	    "{'id':1,'ok':{'read':1,'unread':0}}");
	want(w, b, "{'push':'conversation.read','user':'bob','read':1}");
	guest(w, "alice", "{'id':1,'op':'ice.get'}",
	    "{'id':1,'ok':{'ice_ttl_s':3600}}");
	guest(w, "nobody", "{'id':1,'op':'conversation.list'}",
	    "{'id':1,'err':{'code':'not_found'}}");
}

static void
test_refusals(void **state)
{
	static const char *const live[] = { "hello", "ping", "sync.ack",
		"token.refresh", "conversation.typing", "call.invite",
		"call.candidate" };
	struct world *w = *state;
	char text[128], msg[128];
	size_t i;

	for (i = 0; i < LEN(live); i++) {
		snprintf(text, sizeof(text), "{'id':1,'op':'%s'}", live[i]);
		snprintf(msg, sizeof(msg),
		    "{'id':1,'err':{'code':'not_ready',"
		    "'msg':'only over a WebSocket: %s'}}",
		    live[i]);
		guest(w, "alice", text, msg);
	}
	guest(w, "alice", "{'id':1,'op':'message.sned'}",
	    "{'id':1,'err':{'code':'unknown_op'}}");
	guest(w, "alice", "{'id':1,'op':'ice.get','x':1}",
	    "{'id':1,'err':{'code':'bad_request'}}");
	want_closed(w, world_guest(w, "alice", "nonsense"), 4502);
}

/* Nobody sees a guest, and nothing of it stays. */
static void
test_leaves_no_trace(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), i;

	client_text(w, a, "bob", "m");
	world_hear_all(w, a);
	world_ignore_presence(w, false);
	for (i = 0; i < 20; i++) {
		guest(w, "bob", "{'id':1,'op':'conversation.list'}",
		    "{'id':1,'ok':{'complete':true}}");
		guest(w, "bob", "{'id':1,'op':'ice.get'}", "{'id':1,'ok':{}}");
	}
	want_nothing(w, a);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
	assert_int_equal(WORLD_STAT(w, links), 1);
	/* A session of the same user does not mind, nor the other way. */
	guest(w, "alice", "{'id':1,'op':'conversation.list'}",
	    "{'id':1,'ok':{'complete':true}}");
	ask(w, a, "{'id':9,'op':'ping'}", "{'id':9,'ok':{}}");
	world_run(w, 3600 * 1000);
}

static void
test_gone_before_the_answer(void **state)
{
	static const char text[] =
	    "{\"id\":1,\"op\":\"message.send\",\"to\":\"bob\",\"mid\":\"m\","
	    "\"type\":\"text\",\"body\":{\"text\":\"hi\"}}";
	const struct sig_config cfg = world_defaults().cfg;
	const struct sig_time t = { 0, WORLD_WALL_MS };
	struct world *w = *state;
	struct sig_core *core = world_core(w, sig_shard_of(&cfg, "alice"));
	int b = login(w, "bob", "b1");

	/* No link of this world: an answer would end the test. */
	sig_core_ask(core, 4095, "alice", text, sizeof(text) - 1, t);
	sig_core_link_closed(core, 4095, t);
	guest(w, "alice", "{'id':1,'op':'ice.get'}", "{'id':1,'ok':{}}");
	want(w, b, "{'push':'message','mid':'m'}");
	assert_int_equal(WORLD_STAT(w, links), 1);
}

static void
test_drain(void **state)
{
	struct world *w = *state;
	int link;

	world_drain(w);
	link = world_guest(w, "alice", "{'id':1,'op':'ice.get'}");
	want_closed(w, link, 4003);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_refusals),
		TEST(test_leaves_no_trace),
		ALONE(test_gone_before_the_answer),
		TEST(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
