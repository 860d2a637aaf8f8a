/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/signald/core/client.h"

#define TEXT(id, to, mid)                                            \
	"{'id':" id ",'op':'message.send','to':'" to "','mid':'" mid \
	"','type':'text','body':{'text':'hello'}}"
#define TO_BOB(id, mid) TEXT(id, "bob", mid)

static void
test_send(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d2");

	ask(w, a, TO_BOB("7", "m-1"),
	    "{'id':7,'ok':{'mid':'m-1','id':'6','conv':'main:1:alice:bob',"
	    "'seq':1,'sync':1,'ts':1790000000000}}");
	want(w, a,
	    "{'push':'message','sync':1,'conv':'main:1:alice:bob','seq':1,"
	    "'id':'6','from':'alice','device':'d1','mid':'m-1',"
	    "'type':'text','body':{'text':'hello'}}");
	want(w, b,
	    "{'push':'message','sync':1,'from':'alice','mid':'m-1',"
	    "'body':{'text':'hello'}}");
	/* The conversation may be named from now on, by both. */
	ask(w, b,
	    "{'id':1,'op':'message.send','conv':'main:1:alice:bob',"
	    "'mid':'m-1','type':'text','body':{'text':'hi'}}",
	    "{'id':1,'ok':{'seq':2,'sync':2,'conv':'main:1:alice:bob'}}");
}

static void
test_nothing_before_the_commit(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a, b;

	opts.log_ms = 50;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	b = login(w, "bob", "d2");
	world_post(w, a, TO_BOB("7", "m-1"));
	world_run(w, 0);
	if (disk_count(world_disk(w)) == 0)
		want_nothing(w, a);
	want_nothing(w, b);
	world_settle(w);
	want(w, a, "{'id':7,'ok':{'mid':'m-1'}}");
	world_free(w);
}

static void
test_log_refuses(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d2");

	world_fail_appends(w, -ENOSPC, 1);
	ask(w, a, TO_BOB("7", "m-1"),
	    "{'id':7,'err':{'code':'storage','retry_ms':2000}}");
	want_nothing(w, a);
	want_nothing(w, b);
	assert_int_equal(disk_count(world_disk(w)), 0);
	world_fail_appends(w, -EAGAIN, 1);
	ask(w, a, TO_BOB("8", "m-1"),
	    "{'id':8,'err':{'code':'overloaded','retry_ms':500}}");
	ask(w, a, TO_BOB("8", "m-1"), "{'id':8,'ok':{'seq':1}}");
	ask(w, a, TEXT("9", "zoe", "m-2"), "{'push':'message','sync':1}");
	want(w, a, "{'id':9,'err':{'code':'not_found'}}");
}

static void
test_mid_is_idempotent(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d2");

	world_say(w, a, TO_BOB("7", "m-1"));
	want(w, a, "{'id':7,'ok':{'id':'6','seq':1,'sync':1}}");
	world_hear_all(w, a);
	world_hear_all(w, b);
	world_run(w, 1000);
	/* The first answer, whatever the repeat says. */
	ask(w, a, TO_BOB("8", "m-1"),
	    "{'id':8,'ok':{'mid':'m-1','id':'6','seq':1,'sync':1,"
	    "'ts':1790000000000}}");
	ask(w, a, TEXT("9", "carol", "m-1"),
	    "{'id':9,'ok':{'id':'6','conv':'main:1:alice:bob'}}");
	want_nothing(w, a);
	want_nothing(w, b);
	assert_int_equal(WORLD_STAT(w, duplicates), 2);
	/* Another user's mid is another mid. */
	ask(w, b, TEXT("1", "alice", "m-1"), "{'id':1,'ok':{'seq':2}}");
}

static void
test_mid_across_a_broken_link(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a;

	opts.log_ms = 20;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	world_post(w, a, TO_BOB("7", "m-1"));
	world_run(w, 0);
	world_lose(w, a); /* before the answer */
	a = resume(w, "alice", "d1", "");
	want(w, a, "{'push':'message','sync':1,'mid':'m-1'}");
	/* The old request's answer does not come to the new link. */
	want_nothing(w, a);
	ask(w, a, TO_BOB("7", "m-1"), "{'id':7,'ok':{'seq':1}}");
	assert_int_equal(disk_count(world_disk(w)), 1);
	world_free(w);
}

static void
test_bad_sends(void **state)
{
	static const char *const bad[][2] = {
		{ "'mid':'m','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request'}" },
		{ "'to':'bob','conv':'main:1:alice:bob','mid':'m',"
		  "'type':'text','body':{'text':'x'}",
		    "{'code':'bad_request'}" },
		{ "'to':'Bob','mid':'m','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request','msg':'to: not a user name'}" },
		{ "'to':'alice','mid':'m','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request','msg':'to: that is the sender'}" },
		{ "'conv':'main:1:alice:bob','mid':'m','type':'text',"
		  "'body':{'text':'x'}",
		    "{'code':'not_found'}" },
		{ "'conv':'main:1:bob:carol','mid':'m','type':'text',"
		  "'body':{'text':'x'}",
		    "{'code':'not_found'}" },
		{ "'to':'bob','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request','msg':'mid: is missing'}" },
		{ "'to':'bob','mid':'','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request'}" },
		{ "'to':'bob','mid':'m','type':'call','body':{'text':'x'}",
		    "{'code':'bad_request','msg':'type: must be text or "
		    "file'}" },
		{ "'to':'bob','mid':'m','type':'text','body':{}",
		    "{'code':'bad_request','msg':'body.text: is missing'}" },
		{ "'to':'bob','mid':'m','type':'text','body':{'text':''}",
		    "{'code':'bad_request'}" },
		{ "'to':'bob','mid':'m','type':'text',"
		  "'body':{'text':'x','html':'y'}",
		    "{'code':'bad_request',"
		    "'msg':'body.html: unknown field'}" },
		{ "'to':'bob','mid':'m','type':'text','body':{'text':'x'},"
		  "'from':'carol'",
		    "{'code':'bad_request','msg':'from: unknown field'}" },
		{ "'to':7,'mid':'m','type':'text','body':{'text':'x'}",
		    "{'code':'bad_request','msg':'to: must be a string'}" },
	};
	struct world *w = *state;
	int a = login(w, "alice", "d1");
	char text[512], answer[256];
	size_t i;

	for (i = 0; i < LEN(bad); i++) {
		snprintf(text, sizeof(text), "{'id':1,'op':'message.send',%s}",
		    bad[i][0]);
		snprintf(
		    answer, sizeof(answer), "{'id':1,'err':%s}", bad[i][1]);
		ask(w, a, text, answer);
	}
	assert_int_equal(disk_count(world_disk(w)), 0);
}

static void
test_text_too_large(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");
	char *text = malloc(20000), *end;

	end = text +
	    sprintf(text,
		"{'id':1,'op':'message.send','to':'bob','mid':'m',"
		"'type':'text','body':{'text':'");
	memset(end, 'x', 16385);
	strcpy(end + 16385, "'}}");
	ask(w, a, text, "{'id':1,'err':{'code':'too_large'}}");
	strcpy(end + 16384, "'}}");
	ask(w, a, text, "{'id':1,'ok':{'seq':1}}");
	free(text);
}

static void
test_pending_is_bounded(void **state)
{
	struct world_opts opts = world_defaults();
	char text[160], answer[64];
	struct world *w;
	int a, i;

	opts.log_ms = 10;
	opts.cfg.max_pending_per_session = 4;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	for (i = 1; i <= 6; i++) {
		snprintf(text, sizeof(text),
		    "{'id':%d,'op':'message.send','to':'bob','mid':'m%d',"
		    "'type':'text','body':{'text':'x'}}",
		    i, i);
		world_post(w, a, text);
	}
	world_run(w, 0);
	for (i = 5; i <= 6; i++) {
		snprintf(answer, sizeof(answer),
		    "{'id':%d,'err':{'code':'overloaded','retry_ms':500}}", i);
		want(w, a, answer);
	}
	world_settle(w);
	assert_int_equal(disk_count(world_disk(w)), 4);
	world_hear_all(w, a);
	world_say(w, a, text);
	want(w, a, "{'id':6,'ok':{'seq':5}}");
	world_free(w);
}

static void
test_offline_delivery(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b;
	char mid[8], push[64];
	int i;

	for (i = 1; i <= 100; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		client_text(w, a, "bob", mid);
		world_hear_all(w, a);
	}
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d'}",
	    "{'id':1,'ok':{'sync':100,'recovered':true}}");
	for (i = 1; i <= 100; i++) {
		snprintf(push, sizeof(push),
		    "{'push':'message','sync':%d,'seq':%d,'mid':'m%d'}", i, i,
		    i);
		want(w, b, push);
	}
	want_nothing(w, b);
	/* Acked, so a new session of the device gets nothing again. */
	ask(w, b, "{'id':2,'op':'sync.ack','sync':100}", "{'id':2,'ok':{}}");
	world_run(w, 1100);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d"), 100);
	world_lose(w, b);
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d'}",
	    "{'id':1,'ok':{'sync':100,'resumed':false}}");
	want_nothing(w, b);
}

static void
test_several_devices(void **state)
{
	struct world *w = *state;
	int a1 = login(w, "alice", "d1"), a2 = login(w, "alice", "d2");
	int b1 = login(w, "bob", "d1"), b2 = login(w, "bob", "d2");

	client_text(w, a1, "bob", "m1");
	world_hear_all(w, a1);
	want(w, a2, "{'push':'message','sync':1,'device':'d1'}");
	want(w, b1, "{'push':'message','sync':1}");
	want(w, b2, "{'push':'message','sync':1}");
	/* Each has a cursor of its own. */
	world_say(w, b1, "{'op':'sync.ack','sync':1}");
	world_run(w, 1100);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 1);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d2"), 0);
}

static void
test_hello_sync_is_believed(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b;

	client_text(w, a, "bob", "m1");
	client_text(w, login(w, "alice", "d2"), "bob", "m2");
	client_text(w, login(w, "alice", "d3"), "bob", "m3");
	b = world_open(w);
	world_hear_all(w, b);
	ask(w, b,
	    "{'id':1,'op':'hello','token':'$token.bob','device':'d',"
	    "'epoch':'5f2c0000000000000000000000000000','sync':2}",
	    "{'id':1,'ok':{'sync':3,'recovered':true}}");
	want(w, b, "{'push':'message','sync':3,'mid':'m3'}");
	want_nothing(w, b);
}

static void
test_other_epoch_starts_over(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b;

	client_text(w, a, "bob", "m1");
	b = world_open(w);
	world_hear_all(w, b);
	ask(w, b,
	    "{'id':1,'op':'hello','token':'$token.bob','device':'d',"
	    "'epoch':'another','sync':1}",
	    "{'id':1,'ok':{'sync':1,'recovered':false}}");
	want(w, b, "{'push':'message','sync':1}");
	/* A cursor ahead of the log is of another life too. */
	b = world_open(w);
	world_hear_all(w, b);
	ask(w, b,
	    "{'id':1,'op':'hello','token':'$token.bob','device':'d',"
	    "'epoch':'5f2c0000000000000000000000000000','sync':9}",
	    "{'id':1,'ok':{'sync':1,'recovered':false}}");
	want(w, b, "{'push':'message','sync':1}");
}

static void
test_resend(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_hear_all(w, a);
	world_say(w, a, "{'op':'sync.ack','sync':1}");
	client_text(w, a, "bob", "m2");
	world_hear_all(w, b);
	world_run(w, 2000);
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_run(w, 2900);
	want_nothing(w, b);
	world_run(w, 200);
	want(w, b, "{'push':'message','sync':2,'mid':'m2'}");
	want_nothing(w, b);
	world_say(w, b, "{'op':'sync.ack','sync':2}");
	world_run(w, 5000);
	want_nothing(w, b);
	assert_true(WORLD_STAT(w, resends) >= 1);
}

static void
test_resend_slows_down(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");
	size_t pushes = 0;
	int i;

	client_text(w, a, "bob", "m1");
	world_hear_all(w, b);
	for (i = 0; i < 60; i++) {
		world_say(w, b, "{'id':1,'op':'sync.ack','sync':0}");
		want(w, b, "{'id':1,'ok':{}}");
		world_run(w, 1000);
		while (world_hear(w, b) != NULL)
			pushes++;
	}
	/* After 3, 6, 12, then every 24 s. */
	assert_int_equal(pushes, 4);
}

static void
test_window(void **state)
{
	struct world_opts opts = world_defaults();
	char mid[8], push[64];
	struct world *w;
	int a, b, i;

	opts.cfg.window = 4;
	w = client_world(&opts);
	a = login(w, "alice", "d1");
	b = login(w, "bob", "d1");
	for (i = 1; i <= 10; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		client_text(w, a, "bob", mid);
		world_hear_all(w, a);
		snprintf(mid, sizeof(mid), "%d", i);
		snprintf(push, sizeof(push), "{'op':'sync.ack','sync':%d}", i);
		world_say(w, a, push);
	}
	for (i = 1; i <= 10; i++) {
		snprintf(push, sizeof(push), "{'push':'message','sync':%d}", i);
		want(w, b, push);
		if (i % 4 != 0)
			continue;
		want_nothing(w, b);
		snprintf(push, sizeof(push), "{'op':'sync.ack','sync':%d}", i);
		world_say(w, b, push);
	}
	want_nothing(w, b);
	world_free(w);
}

static void
test_window_in_bytes(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b, i, n = 0;
	char *text = malloc(20000);

	for (i = 0; i < 40; i++) {
		sprintf(text,
		    "{'id':1,'op':'message.send','to':'bob','mid':'m%d',"
		    "'type':'text','body':{'text':'%016000d'}}",
		    i, 0);
		world_say(w, a, text);
		world_hear_all(w, a);
	}
	b = world_open(w);
	world_say(
	    w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d'}");
	world_hear(w, b);
	world_hear(w, b);
	while (world_hear(w, b) != NULL)
		n++;
	/* A slow reader is not given more than it can swallow. */
	assert_in_range(n, 16, 18);
	world_say(w, b, "{'op':'sync.ack','sync':16}");
	while (world_hear(w, b) != NULL)
		n++;
	assert_in_range(n, 32, 34);
	world_say(w, b, "{'op':'sync.ack','sync':32}");
	while (world_hear(w, b) != NULL)
		n++;
	assert_int_equal(n, 40);
	free(text);
}

static void
test_ack_beyond(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	ask(w, a, "{'id':1,'op':'sync.ack','sync':1}",
	    "{'id':1,'err':{'code':'bad_request',"
	    "'msg':'sync: beyond what was pushed'}}");
	ask(w, a, "{'id':2,'op':'sync.ack','sync':-1}",
	    "{'id':2,'err':{'code':'bad_request'}}");
	ask(w, a, "{'id':3,'op':'sync.ack'}",
	    "{'id':3,'err':{'code':'bad_request','msg':'sync: is missing'}}");
}

static void
test_gap_is_filled_by_reading(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_hear_all(w, b);
	world_lose_inbox_mail(w, true);
	world_say(w, a, TO_BOB("7", "m2"));
	world_say(w, a, TO_BOB("8", "m3"));
	want_nothing(w, b);
	world_lose_inbox_mail(w, false);
	world_say(w, a, TO_BOB("9", "m4"));
	want(w, b, "{'push':'message','sync':2,'mid':'m2'}");
	want(w, b, "{'push':'message','sync':3,'mid':'m3'}");
	want(w, b, "{'push':'message','sync':4,'mid':'m4'}");
	want_nothing(w, b);
}

static void
test_read_failure_is_tried_again(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_hear_all(w, b);
	world_lose_inbox_mail(w, true);
	world_say(w, a, TO_BOB("7", "m2"));
	world_lose_inbox_mail(w, false);
	world_fail_reads(w, -EIO, 1);
	world_say(w, a, TO_BOB("8", "m3"));
	want_nothing(w, b);
	world_run(w, 3100);
	want(w, b, "{'push':'message','sync':2}");
	want(w, b, "{'push':'message','sync':3}");
}

static void
test_cursor_writes_are_few(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1"), i;
	char ack[64];

	for (i = 1; i <= 50; i++) {
		snprintf(ack, sizeof(ack), "m%d", i);
		client_text(w, a, "bob", ack);
		world_hear_all(w, a);
		snprintf(ack, sizeof(ack), "{'op':'sync.ack','sync':%d}", i);
		world_say(w, b, ack);
	}
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 0);
	world_run(w, 1050);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 50);
	/* The end of a session does not wait. */
	client_text(w, a, "bob", "last");
	world_say(w, b, "{'op':'sync.ack','sync':51}");
	world_drain(w);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 51);
}

/* What was acked is not pushed again, although the log does not know yet. */
static void
test_new_session_knows_the_device(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 0);
	world_vanish(w, b);
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d1'}",
	    "{'id':1,'ok':{'sync':1,'resumed':false}}");
	want_nothing(w, b);
	/* Another device has yet to get it. */
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'d2'}",
	    "{'id':1,'ok':{'sync':1,'resumed':false}}");
	want(w, b, "{'push':'message','sync':1,'mid':'m1'}");
}

static void
test_resume_goes_on_from_the_cursor(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_hear_all(w, a);
	client_text(w, a, "bob", "m2");
	world_hear_all(w, a);
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_vanish(w, b);
	world_run(w, 100);
	client_text(w, a, "bob", "m3"); /* into the dead link */
	b = resume(w, "bob", "d1", ",'sync':1");
	want(w, b, "{'push':'message','sync':2,'mid':'m2'}");
	want(w, b, "{'push':'message','sync':3,'mid':'m3'}");
	want_nothing(w, b);
	/* An ack of what an earlier link brought is no lie. */
	world_vanish(w, b);
	b = resume(w, "bob", "d1", "");
	ask(w, b, "{'id':5,'op':'sync.ack','sync':3}",
	    "{'push':'message','sync':2}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_send),
		TEST(test_nothing_before_the_commit),
		TEST(test_log_refuses),
		TEST(test_mid_is_idempotent),
		TEST(test_mid_across_a_broken_link),
		TEST(test_bad_sends),
		TEST(test_text_too_large),
		TEST(test_pending_is_bounded),
		TEST(test_offline_delivery),
		TEST(test_several_devices),
		TEST(test_hello_sync_is_believed),
		TEST(test_other_epoch_starts_over),
		TEST(test_resend),
		TEST(test_resend_slows_down),
		TEST(test_window),
		TEST(test_window_in_bytes),
		TEST(test_ack_beyond),
		cmocka_unit_test_setup_teardown(test_gap_is_filled_by_reading,
		    client_setup, client_teardown),
		cmocka_unit_test_setup_teardown(
		    test_read_failure_is_tried_again, client_setup,
		    client_teardown),
		TEST(test_cursor_writes_are_few),
		TEST(test_new_session_knows_the_device),
		TEST(test_resume_goes_on_from_the_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
