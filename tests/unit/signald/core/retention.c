/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients see of messages that are older than they may be. */
#include <errno.h>
#include <stdio.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/client.h"

#define KEEP_MS 60000

static struct world *
world_of(uint32_t shards)
{
	struct world_opts opts = world_defaults();

	opts.cfg.shards = shards;
	opts.cfg.retention_ms = KEEP_MS;
	opts.cfg.resume_ms = 10000;
	crypto_init();
	return client_world(&opts);
}

static int
setup(void **state)
{
	*state = world_of(4);
	return 0;
}

static int
setup_one(void **state)
{
	*state = world_of(1);
	return 0;
}

#define KEEPING(f)                                                  \
	cmocka_unit_test_setup_teardown(f, setup, client_teardown), \
	    cmocka_unit_test_setup_teardown(f, setup_one, client_teardown)

/* Time passes with the link being heard. */
static void
pass(struct world *w, int link, unsigned int seconds)
{
	for (; seconds > 0; seconds--) {
		world_say(w, link, "{'op':'ping'}");
		world_run(w, 1000);
		world_hear_all(w, link);
	}
}

/* alice says it to bob. */
static void
say(struct world *w, int link, const char *mid)
{
	client_text(w, link, "bob", mid);
	world_hear_all(w, link);
}

static int
again(struct world *w, const char *device, int sync)
{
	int link = world_open(w);
	char text[160];

	world_hear_all(w, link);
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'$token.bob','device':'%s',"
	    "'sync':%d,'epoch':'5f2c0000000000000000000000000000'}",
	    device, sync);
	world_say(w, link, text);
	return link;
}

/* A device that was away hears from where the log goes on. */
static void
test_away(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	say(w, a, "m1");
	want(w, b, "{'push':'message','sync':1,'mid':'m1'}");
	ask(w, b, "{'id':2,'op':'sync.ack','sync':1}", "{'id':2,'ok':{}}");
	world_lose(w, b);
	say(w, a, "m2");
	say(w, a, "m3");
	pass(w, a, 50);
	say(w, a, "m4");
	world_hear_all(w, a);
	pass(w, a, 30);
	ask(w, a, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':[{'seq':4,'mid':'m4'}],"
	    "'complete':true}}");
	b = again(w, "b1", 1);
	want(w, b, "{'id':1,'ok':{'sync':4}}");
	want(w, b, "{'push':'message','sync':4,'after':1,'mid':'m4'}");
	/* It comes again as it came. */
	world_run(w, 3500);
	want(w, b, "{'push':'message','sync':4,'after':1,'mid':'m4'}");
	ask(w, b, "{'id':2,'op':'sync.ack','sync':4}", "{'id':2,'ok':{}}");
	say(w, a, "m5");
	want(w, b, "{'push':'message','sync':5,'mid':'m5'}");
	assert_true(WORLD_STAT(w, retained) > 0);
}

/* All is gone: nothing is sent, and the next message tells. */
static void
test_all_gone(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b;

	say(w, a, "m1");
	say(w, a, "m2");
	world_hear_all(w, a);
	pass(w, a, 80);
	ask(w, a, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':[],'complete':true}}");
	ask(w, a, "{'id':4,'op':'conversation.list'}",
	    "{'id':4,'ok':{'conversations':[{'conv':'main:1:alice:bob',"
	    "'unread':0}],'complete':true}}");
	ask(w, a,
	    "{'id':5,'op':'message.edit','conv':'main:1:alice:bob','seq':2,"
	    "'body':{'text':'x'},'mid':'e'}",
	    "{'id':5,'err':{'code':'not_found'}}");
	b = again(w, "b1", 0);
	want(w, b, "{'id':1,'ok':{'sync':2}}");
	want_nothing(w, b);
	pass(w, b, 5);
	say(w, a, "m3");
	want(w, b, "{'push':'message','sync':3,'after':0,'seq':3}");
	want_nothing(w, b);
	ask(w, b, "{'id':2,'op':'conversation.list'}",
	    "{'id':2,'ok':{'conversations':[{'unread':1,"
	    "'last':{'mid':'m3'}}]}}");
}

/* A pass outlives the daemon: the next one begins anew. */
static void
test_restart(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	say(w, a, "m1");
	world_crash(w, KEEP_MS + 20000);
	world_run(w, 1000);
	a = login(w, "alice", "a2");
	ask(w, a, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':[],'complete':true}}");
}

/* The log may fail a step; the passes go on. */
static void
test_failure(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	say(w, a, "m1");
	world_hear_all(w, a);
	pass(w, a, 58);
	world_fail_appends(w, -EIO, 2);
	pass(w, a, 30);
	ask(w, a, "{'id':3,'op':'message.history','conv':'main:1:alice:bob'}",
	    "{'id':3,'ok':{'messages':[],'complete':true}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPING(test_away),
		KEEPING(test_all_gone),
		KEEPING(test_restart),
		KEEPING(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
