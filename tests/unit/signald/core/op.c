/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/op.h"
#include "tests/unit/signald/core/client.h"

static void
test_errors_name_the_field(void **state)
{
	static const char *const bad[][2] = {
		{ "{'id':1,'op':'message.sned'}",
		    "{'id':1,'err':{'code':'unknown_op',"
		    "'msg':'op: message.sned'}}" },
		{ "{'id':1}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'op: is missing'}}" },
		{ "{'id':1,'op':7}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'op: must be a string'}}" },
		{ "{'id':1,'op':'ping','x':1}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'x: unknown field'}}" },
		{ "{'id':1,'op':'ice.get','token':'t'}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'token: unknown field'}}" },
		{ "{'id':1,'op':'message.history','conv':'x','limit':'9'}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'limit: must be an integer'}}" },
		{ "{'id':1,'op':'call.invite','to':'bob',"
		  "'media':{'audio':1}}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'media.audio: must be true or false'}}" },
		{ "{'id':1,'op':'call.invite','to':'bob',"
		  "'media':{'smell':true}}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'media.smell: unknown field'}}" },
		{ "{'id':1,'op':'call.invite','to':'bob'}",
		    "{'id':1,'err':{'code':'bad_request',"
		    "'msg':'media: is missing'}}" },
		{ "{'id':1,'op':'call.accept','call':'c-19'}",
		    "{'id':1,'err':{'code':'not_found'}}" },
		{ "{'id':0,'op':'ping'}",
		    "{'id':null,'err':{'code':'bad_request'}}" },
		{ "{'id':'1','op':'ping'}",
		    "{'id':null,'err':{'code':'bad_request'}}" },
	};
	struct world *w = *state;
	int a = login(w, "alice", "d1");
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		ask(w, a, bad[i][0], bad[i][1]);
	want_closed(w, a, 0);
	assert_int_equal(WORLD_STAT(w, errors), LEN(bad));
}

static void
test_hello_fields(void **state)
{
	static const char *const bad[] = {
		"'device':'d'",
		"'token':7,'device':'d'",
		"'token':'$token.alice'",
		"'token':'$token.alice','device':'a b'",
		"'token':'$token.alice','device':''",
		"'token':'$token.alice','device':'d','sync':-1",
		"'token':'$token.alice','device':'d','sync':'7'",
		"'token':'$token.alice','device':'d','session':7",
		"'token':'$token.alice','device':'d','user':'bob'",
	};
	struct world *w = *state;
	int a = world_open(w);
	char text[256];
	size_t i;

	world_hear_all(w, a);
	for (i = 0; i < LEN(bad); i++) {
		snprintf(text, sizeof(text), "{'id':%zu,'op':'hello',%s}",
		    i + 1, bad[i]);
		ask(w, a, text, "{'err':{'code':'bad_request'}}");
	}
	want_closed(w, a, 0);
}

static void
test_without_id_no_answer(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_say(w, a, "{'op':'nonsense'}");
	world_say(w, a, "{'op':'ice.get'}");
	world_say(w, a, "{'op':'conversation.list'}");
	world_say(w, a, "{'op':'call.invite','to':'zoe','media':{}}");
	want_nothing(w, a);
	want_closed(w, a, 0);
}

static void
test_several_in_a_frame(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	world_say(w, a,
	    "{'id':1,'op':'ping'}\n\n{'id':2,'op':'ping'}\r\n"
	    "{'id':3,\n 'op':'ping'}\n");
	want(w, a, "{'id':1,'ok':{}}");
	want(w, a, "{'id':2,'ok':{}}");
	want(w, a, "{'id':3,'ok':{}}");
	want_nothing(w, a);
}

static void
test_no_json_closes(void **state)
{
	static const char *const bad[] = { "", "  \n", "hello", "[1,2]", "7",
		"{'id':1,'op':'ping'", "{'id':1,'op':'ping'}}",
		"{'id':1,'id':2,'op':'ping'}", "{'op':'\xff'}" };
	struct world *w = *state;
	size_t i;
	int a;

	for (i = 0; i < LEN(bad); i++) {
		a = login(w, "alice", "d1");
		world_say(w, a, bad[i]);
		want_closed(w, a, 4502);
		world_forget(w);
	}
}

static void
test_frame_too_large(void **state)
{
	struct world *w = *state;
	char *text = malloc(70000);
	int a = login(w, "alice", "d1");

	memset(text, ' ', 65537);
	strcpy(text + 65537 - 13, "{\"op\":\"ping\"}");
	world_say(w, a, text);
	want_closed(w, a, 4502);
	free(text);
}

/* Who says no hello is answered for a while only. */
static void
test_strangers_are_heard_out(void **state)
{
	struct world *w = *state;
	char text[64];
	int a = world_open(w), i;

	world_hear_all(w, a);
	for (i = 1; i < 64; i++) {
		snprintf(text, sizeof(text), "{'id':%d,'op':'ping'}", i);
		ask(w, a, text, "{'err':{'code':'not_ready'}}");
	}
	ask(w, a, "{'id':64,'op':'ping'}", "{'id':64,'err':{}}");
	want_closed(w, a, 4502);
	/* In one frame as well. */
	a = world_open(w);
	world_hear_all(w, a);
	for (i = 0; i < 64 && world_closed(w, a) == 0; i += 4)
		world_say(
		    w, a, "{'op':'ping'}\n{'op':'ping'}\n{'op':'ping'}\n{}");
	want_closed(w, a, 4502);
	assert_int_equal(WORLD_STAT(w, links), 0);
}

static void
test_ice(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	/* python3 -c 'import hmac,base64; print(base64.b64encode(hmac.new(
	 * b"s3cret", b"1790003600:alice", "sha1").digest()))' */
	ask(w, a, "{'id':1,'op':'ice.get'}",
	    "{'id':1,'ok':{'iceServers':["
	    "{'urls':['stun:203.0.113.1:3478']},"
	    "{'urls':['turn:203.0.113.1:3478?transport=udp'],"
	    "'username':'1790003600:alice',"
	    "'credential':'kgQBu/Cc+u2I8+5tblYgVXGu4SE='}],'ice_ttl_s':3600}}");
}

static void
test_document_knows_every_op(void **state)
{
	static char text[100000];
	const char *top = getenv("top_srcdir");
	char path[1024], example[64];
	const char *name;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/protocol/signaling.md",
	    top != NULL ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (i = 0; (name = sig_op_name(i)) != NULL; i++) {
		snprintf(example, sizeof(example), "\"op\":\"%s\"", name);
		if (strstr(text, example) == NULL)
			fail_msg("%s: no example with %s", path, example);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_errors_name_the_field),
		TEST(test_hello_fields),
		TEST(test_without_id_no_answer),
		TEST(test_several_in_a_frame),
		TEST(test_no_json_closes),
		TEST(test_frame_too_large),
		TEST(test_strangers_are_heard_out),
		TEST(test_ice),
		cmocka_unit_test(test_document_knows_every_op),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
