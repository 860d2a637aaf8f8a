/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/signald/core/client.h"

static void
test_list_and_history(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), i;
	char mid[8];

	for (i = 1; i <= 5; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		client_text(w, a, "bob", mid);
		world_hear_all(w, a);
	}
	client_text(w, a, "carol", "c1");
	world_hear_all(w, a);
	ask(w, a, "{'id':1,'op':'conversation.list'}",
	    "{'id':1,'ok':{'conversations':["
	    "{'conv':'main:1:alice:carol','peer':'carol',"
	    "'nick':'The carol','last':{'seq':1,'from':'alice',"
	    "'body':{'text':'c1'}}},"
	    "{'conv':'main:1:alice:bob','peer':'bob','last':{'seq':5}}],"
	    "'complete':true}}");
	ask(w, a,
	    "{'id':2,'op':'message.history','conv':'main:1:alice:bob',"
	    "'limit':2}",
	    "{'id':2,'ok':{'conv':'main:1:alice:bob','messages':["
	    "{'seq':4},{'seq':5,'mid':'m5'}],'complete':false}}");
	ask(w, a,
	    "{'id':3,'op':'message.history','conv':'main:1:alice:bob',"
	    "'before':4}",
	    "{'id':3,'ok':{'messages':[{'seq':1},{'seq':2},{'seq':3}],"
	    "'complete':true}}");
	ask(w, a,
	    "{'id':4,'op':'message.history','conv':'main:1:alice:bob',"
	    "'after':1,'limit':3}",
	    "{'id':4,'ok':{'messages':[{'seq':2},{'seq':3},{'seq':4}],"
	    "'complete':false}}");
	ask(w, a,
	    "{'id':5,'op':'message.history','conv':'main:1:alice:bob',"
	    "'after':5}",
	    "{'id':5,'ok':{'messages':[],'complete':true}}");
	ask(w, a, "{'id':6,'op':'message.history','conv':'main:1:bob:carol'}",
	    "{'id':6,'err':{'code':'not_found'}}");
	ask(w, a, "{'id':7,'op':'message.history','conv':'main:1:alice:dave'}",
	    "{'id':7,'err':{'code':'not_found'}}");
	ask(w, a,
	    "{'id':8,'op':'message.history','conv':'main:1:alice:bob',"
	    "'after':1,'before':3}",
	    "{'id':8,'err':{'code':'bad_request'}}");
	world_fail_reads(w, -EIO, 1);
	ask(w, a, "{'id':9,'op':'conversation.list'}",
	    "{'id':9,'err':{'code':'storage'}}");
}

static void
test_history_comes_in_portions(void **state)
{
	static char text[16001];
	struct world *w = *state;
	int a = login(w, "alice", "d1"), i;
	char *say;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 1; i <= 12; i++) {
		assert_true(asprintf(&say,
				"{'op':'message.send','to':'bob','mid':'%d',"
				"'type':'text','body':{'text':'%s'}}",
				i, text) > 0);
		world_say(w, a, say);
		free(say);
	}
	world_hear_all(w, a);
	ask(w, a,
	    "{'id':1,'op':'message.history','conv':'main:1:alice:bob',"
	    "'before':12}",
	    "{'id':1,'ok':{'messages':[{'seq':3},{'seq':4},{'seq':5},"
	    "{'seq':6},{'seq':7},{'seq':8},{'seq':9},{'seq':10},{'seq':11}],"
	    "'complete':false}}");
	ask(w, a,
	    "{'id':2,'op':'message.history','conv':'main:1:alice:bob',"
	    "'after':0}",
	    "{'id':2,'ok':{'messages':[{'seq':1},{'seq':2},{'seq':3},"
	    "{'seq':4},{'seq':5},{'seq':6},{'seq':7},{'seq':8},{'seq':9}],"
	    "'complete':false}}");
}

/* The log-in reads the newest thousand; the oldest may be named all the
 * same. */
static void
test_more_than_the_log_in_reads(void **state)
{
	struct sig_append append = { .kind = SIG_APPEND_MESSAGE,
		.ts = WORLD_WALL_MS,
		.user = "alice",
		.type = "text",
		.found = true,
		.body = (char *)"{\"text\":\"x\"}",
		.body_len = 12 };
	struct world *w = *state;
	struct sig_appended done;
	int a, i;

	for (i = 0; i < 1500; i++) {
		snprintf(append.peer, sizeof(append.peer), "p%04d", i);
		snprintf(
		    append.conv, sizeof(append.conv), "main:1:alice:p%04d", i);
		disk_add_user(world_disk(w), append.peer, append.peer);
		disk_append(world_disk(w), &append, &done);
		assert_int_equal(done.err, 0);
	}
	a = login(w, "alice", "d1");
	world_hear_all(w, a);
	world_say(w, a, "{'op':'sync.ack','sync':256}");
	world_hear_all(w, a);
	ask(w, a,
	    "{'id':1,'op':'message.send','conv':'main:1:alice:p0000',"
	    "'mid':'m','type':'text','body':{'text':'hello again'}}",
	    "{'id':1,'ok':{'conv':'main:1:alice:p0000','seq':2}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_and_history),
		TEST(test_history_comes_in_portions),
		TEST(test_more_than_the_log_in_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
