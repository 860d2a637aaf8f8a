/* SPDX-License-Identifier: BSD-3-Clause */
/* An account is deleted: what becomes of it, and who hears of that. */
#include <stdio.h>

#include "tests/unit/signald/core/client.h"

#define RUN_MS 5000
#define GONE   "{'id':1,'err':{'code':'banned','msg':'this user is deleted'}}"

static void delete (struct world *w, const char *user)
{
	world_account(w, user, SIG_ACCOUNT_DELETE, SIG_USER_NORMAL);
}

static void
say(struct world *w, int link, const char *to, const char *mid)
{
	client_text(w, link, to, mid);
	world_hear_all(w, link);
}

/* Nobody comes in any more, and the others are told. */
static void
test_contacts(void **state)
{
	struct world *w = *state;
	int a, b, c;

	disk_befriend(world_disk(w), "alice", "bob");
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	world_hear_all(w, a);
	delete (w, "alice");
	want_closed(w, a, 4501);
	world_run(w, RUN_MS);
	want(w, b,
	    "{'push':'contact','contact':{'user':'alice','state':'none'}}");
	ask(w, b, "{'id':2,'op':'contact.list','which':'friends'}",
	    "{'id':2,'ok':{'contacts':[],'complete':true}}");
	ask(w, b, "{'id':3,'op':'contact.search','q':'alice'}",
	    "{'id':3,'ok':{'users':[]}}");
	ask(w, b,
	    "{'id':4,'op':'message.send','to':'alice','mid':'x',"
	    "'type':'text','body':{'text':'x'}}",
	    "{'id':4,'err':{'code':'not_found'}}");
	c = world_open(w);
	world_hear_all(w, c);
	ask(w, c, "{'id':1,'op':'hello','token':'$token.alice','device':'d'}",
	    GONE);
	want_closed(w, c, 4501);
}

/* A block goes with the one who is blocked. */
static void
test_blocked(void **state)
{
	struct world *w = *state;
	int b;

	disk_befriend(world_disk(w), "alice", "bob");
	b = login(w, "bob", "b1");
	ask(w, b, "{'id':2,'op':'contact.block','user':'alice'}",
	    "{'id':2,'ok':{'contact':{'blocked':true}}}");
	world_hear_all(w, b);
	delete (w, "alice");
	world_run(w, RUN_MS);
	want(w, b,
	    "{'push':'contact','contact':{'user':'alice','state':'none'}}");
	ask(w, b, "{'id':3,'op':'contact.list','which':'blocked'}",
	    "{'id':3,'ok':{'contacts':[]}}");
}

/* What was said goes, also where the daemon is killed on the way. */
static void
test_messages(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1"), i;
	char mid[8];

	for (i = 0; i < 200; i++) {
		snprintf(mid, sizeof(mid), "m%d", i);
		say(w, a, "carol", mid);
	}
	say(w, a, "bob", "first");
	world_hear_all(w, b);
	ask(w, a,
	    "{'id':2,'op':'message.edit','conv':'main:1:alice:bob','seq':1,"
	    "'mid':'e','body':{'text':'secret'}}",
	    "{'id':2,'ok':{'seq':2}}");
	world_hear_all(w, b);
	say(w, b, "alice", "mine");
	delete (w, "alice");
	world_crash(w, 100);
	world_run(w, RUN_MS);
	b = login(w, "bob", "b2");
	ask(w, b, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':["
	    "{'seq':1,'from':'alice','body':{},'retracted_ts':'*'},"
	    "{'seq':2,'type':'edit','body':{'seq':1}},"
	    "{'seq':3,'from':'bob','body':{'text':'mine'}}]}}");
	ask(w, b, "{'id':4,'op':'conversation.list'}",
	    "{'id':4,'ok':{'conversations':[{'peer':'alice','nick':'alice'}]}"
	    "}");
	i = login(w, "carol", "c1");
	world_hear_all(w, i);
	ask(w, i,
	    "{'id':5,'op':'message.history','conv':'main:1:alice:carol',"
	    "'limit':1}",
	    "{'id':5,'ok':{'messages':[{'seq':200,'body':{},"
	    "'retracted_ts':'*'}]}}");
}

/* A group goes to its oldest member, and hears of both. */
static void
test_group(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, a,
	    "{'id':2,'op':'group.create','mid':'g','title':'G',"
	    "'users':['bob']}",
	    "{'id':2,'ok':{'conv':'$g'}}");
	ask(w, b,
	    "{'id':2,'op':'message.send','conv':'$g','mid':'b','type':'text',"
	    "'body':{'text':'b'}}",
	    "{'push':'message','type':'notice'}");
	world_hear_all(w, a);
	ask(w, a,
	    "{'id':3,'op':'message.send','conv':'$g','mid':'a','type':'text',"
	    "'body':{'text':'secret'}}",
	    "{'id':3,'ok':{'seq':3}}");
	world_hear_all(w, b);
	ask(w, b, "{'id':4,'op':'sync.ack','sync':3}", "{'id':4,'ok':{}}");
	delete (w, "alice");
	world_run(w, 2000);
	want(w, b,
	    "{'push':'message','from':'alice','type':'notice',"
	    "'body':{'event':'transfer','users':['bob']}}");
	want(w, b,
	    "{'push':'message','from':'alice','type':'notice',"
	    "'body':{'event':'leave','users':['alice']}}");
	want_nothing(w, b);
	ask(w, b, "{'id':5,'op':'group.get','conv':'$g'}",
	    "{'id':5,'ok':{'role':'owner','members':1}}");
	ask(w, b, "{'id':6,'op':'message.history','conv':'$g','after':2}",
	    "{'id':6,'ok':{'messages':[{'seq':3,'body':{},"
	    "'retracted_ts':'*'},{'seq':4},{'seq':5}]}}");
	/* Its last member takes it along. */
	delete (w, "bob");
	world_run(w, RUN_MS);
	assert_int_equal(WORLD_STAT(w, errors), 0);
}

/* The log may fail a step; it is asked again. */
static void
test_failure(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	say(w, a, "bob", "m1");
	world_hear_all(w, b);
	ask(w, b, "{'id':2,'op':'sync.ack','sync':1}", "{'id':2,'ok':{}}");
	world_lose(w, a);
	delete (w, "alice");
	world_fail_reads(w, -5, 1);
	world_run(w, 30);
	world_fail_appends(w, -5, 1);
	world_run(w, 6500);
	world_say(w, b, "{'op':'ping'}");
	world_run(w, 6500);
	b = login(w, "bob", "b2");
	ask(w, b, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':[{'body':{},'retracted_ts':'*'}]}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_contacts),
		TEST(test_blocked),
		TEST(test_messages),
		TEST(test_group),
		TEST(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
