/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "tests/unit/signald/core/client.h"

#define DO(op, user) "{'id':9,'op':'contact." op "','user':'" user "'}"
#define ASK_FOR(user, memo) \
	"{'id':9,'op':'contact.request','user':'" user "','memo':'" memo "'}"
#define DONE(version, user, state)                                     \
	"{'id':9,'ok':{'version':" version ",'contact':{'user':'" user \
	"','state':'" state "'}}}"
#define TOLD(version, user, state)                                         \
	"{'push':'contact','version':" version ",'contact':{'user':'" user \
	"','state':'" state "'}}"
#define FAILED(code) "{'id':9,'err':{'code':'" code "'}}"
#define LIST(which)  "{'id':9,'op':'contact.list','which':'" which "'}"
#define LISTED(rows) "{'id':9,'ok':{'contacts':[" rows "],'complete':true}}"

/* Both users' devices hear of it, the asking one by its answer. */
static void
test_everybody_is_told(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), a2 = login(w, "alice", "a2");
	int b = login(w, "bob", "b1"), b2 = login(w, "bob", "b2");

	ask(w, a, ASK_FOR("bob", "it is me"),
	    "{'id':9,'ok':{'version':1,'contact':{'user':'bob',"
	    "'nick':'The bob','state':'outgoing','memo':'it is me',"
	    "'ts':1790000000000}}}");
	want(w, a2, TOLD("1", "bob", "outgoing"));
	want(w, b,
	    "{'push':'contact','version':1,'contact':{'user':'alice',"
	    "'nick':'The alice','state':'incoming','memo':'it is me'}}");
	want(w, b2, TOLD("1", "alice", "incoming"));
	want_nothing(w, a);
	ask(w, b2, DO("accept", "alice"), DONE("2", "alice", "friend"));
	want(w, b, TOLD("2", "alice", "friend"));
	want(w, a, TOLD("2", "bob", "friend"));
	want(w, a2, TOLD("2", "bob", "friend"));
	want_nothing(w, b2);
	/* Said again it is no news. */
	ask(w, b, DO("accept", "alice"), DONE("2", "alice", "friend"));
	want_nothing(w, b2);
	want_nothing(w, a);
	ask(w, a, ASK_FOR("bob", ""), FAILED("conflict"));
	/* A remark is one's own. */
	ask(w, a,
	    "{'id':9,'op':'contact.remark','user':'bob','remark':'Bobby'}",
	    "{'id':9,'ok':{'version':3,'contact':{'user':'bob',"
	    "'remark':'Bobby'}}}");
	want(w, a2, TOLD("3", "bob", "friend"));
	want_nothing(w, b);
	ask(w, a, DO("remove", "bob"), DONE("4", "bob", "removed"));
	want(w, b, TOLD("3", "alice", "one_sided"));
	ask(w, b, LIST("friends"),
	    LISTED("{'user':'alice','state':'one_sided'}"));
	ask(w, a, LIST("friends"), LISTED(""));
	ask(w, a, LIST("removed"), LISTED("{'user':'bob','remark':'Bobby'}"));
}

static void
test_refused(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, a, ASK_FOR("bob", ""), DONE("1", "bob", "outgoing"));
	ask(w, a, LIST("outgoing"), LISTED("{'user':'bob'}"));
	world_hear_all(w, b);
	ask(w, b, LIST("incoming"), LISTED("{'user':'alice'}"));
	ask(w, b, DO("refuse", "alice"), DONE("2", "alice", "none"));
	want(w, a, TOLD("2", "bob", "refused"));
	ask(w, a, ASK_FOR("bob", ""), FAILED("conflict"));
	want_nothing(w, b);
	ask(w, b, LIST("incoming"), LISTED(""));
	ask(w, b, ASK_FOR("alice", ""), DONE("3", "alice", "outgoing"));
	want(w, a, TOLD("3", "bob", "incoming"));
	ask(w, b, DO("cancel", "alice"), DONE("4", "alice", "none"));
	want(w, a, TOLD("4", "bob", "none"));
}

/* Two who ask at the same time want the same. */
static void
test_crossed(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	world_post(w, a, ASK_FOR("bob", "a"));
	world_post(w, b, ASK_FOR("alice", "b"));
	world_settle(w);
	world_hear_all(w, a);
	world_hear_all(w, b);
	ask(w, a, LIST("friends"), LISTED("{'user':'bob','state':'friend'}"));
	ask(w, b, LIST("friends"), LISTED("{'user':'alice','state':'friend'}"));
}

/* A device that was away sees by the version that it missed something. */
static void
test_version(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	world_lose(w, b);
	ask(w, a, ASK_FOR("bob", ""), DONE("1", "bob", "outgoing"));
	b = resume(w, "bob", "b1", "");
	want_nothing(w, b); /* the answer says it: */
	world_lose(w, b);
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'b2'}",
	    "{'id':1,'ok':{'contacts_version':1}}");
	/* And one that logs in while it happens hears of it one way. */
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	world_post(
	    w, b, "{'id':1,'op':'hello','token':'$token.bob','device':'b3'}");
	world_post(w, a, DO("cancel", "bob"));
	world_settle(w);
	if (world_match(w, "{'id':1,'ok':{'contacts_version':2}}",
		world_hear(w, b)) != NULL)
		want(w, b, TOLD("2", "alice", "none"));
}

static void
test_wrong(void **state)
{
	static const struct {
		const char *say, *code;
	} rows[] = {
		{ ASK_FOR("alice", ""), FAILED("bad_request") },
		{ ASK_FOR("Bob", ""), FAILED("bad_request") },
		{ ASK_FOR("nobody", ""), FAILED("not_found") },
		{ DO("accept", "bob"), FAILED("not_found") },
		{ DO("refuse", "bob"), FAILED("not_found") },
		{ DO("cancel", "bob"), FAILED("not_found") },
		{ DO("remove", "bob"), FAILED("not_found") },
		{ DO("remark", "bob"), FAILED("bad_request") },
		{ LIST("enemies"), FAILED("bad_request") },
		{ "{'id':9,'op':'contact.list','which':'friends','limit':201}",
		    FAILED("bad_request") },
		{ "{'id':9,'op':'contact.accept','user':'bob','memo':'x'}",
		    FAILED("bad_request") },
		{ "{'id':9,'op':'contact.search','q':''}",
		    FAILED("bad_request") },
	};
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");
	char memo[400], text[512];
	size_t i;

	for (i = 0; i < LEN(rows); i++)
		ask(w, a, rows[i].say, rows[i].code);
	memset(memo, 'x', sizeof(memo));
	memo[257] = '\0';
	snprintf(text, sizeof(text),
	    "{'id':9,'op':'contact.request','user':'bob','memo':'%s'}", memo);
	ask(w, a, text, FAILED("too_large"));
	world_fail_appends(w, -ENOSPC, 1);
	ask(w, a, ASK_FOR("bob", ""), FAILED("storage"));
	world_fail_reads(w, -EIO, 1);
	ask(w, a, LIST("friends"), FAILED("storage"));
	want_nothing(w, b);
}

static void
test_pages(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	ask(w, a, ASK_FOR("bob", ""), DONE("1", "bob", "outgoing"));
	ask(w, a, ASK_FOR("carol", ""), DONE("2", "carol", "outgoing"));
	ask(w, a, ASK_FOR("dave", ""), DONE("3", "dave", "outgoing"));
	ask(w, a, "{'id':9,'op':'contact.list','which':'outgoing','limit':2}",
	    "{'id':9,'ok':{'contacts':[{'user':'bob'},{'user':'carol'}],"
	    "'complete':false}}");
	ask(w, a,
	    "{'id':9,'op':'contact.list','which':'outgoing','limit':2,"
	    "'after':'carol'}",
	    LISTED("{'user':'dave'}"));
}

static void
test_search(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), i;

	ask(w, a, ASK_FOR("bob", ""), DONE("1", "bob", "outgoing"));
	ask(w, a, "{'id':9,'op':'contact.search','q':'bob'}",
	    "{'id':9,'ok':{'users':[{'user':'bob','nick':'The bob',"
	    "'state':'outgoing'}],'complete':true}}");
	ask(w, a, "{'id':9,'op':'contact.search','q':'the c'}",
	    "{'id':9,'ok':{'users':[{'user':'carol','state':'none'}],"
	    "'complete':true}}");
	ask(w, a, "{'id':9,'op':'contact.search','q':'The','limit':2}",
	    "{'id':9,'ok':{'users':['*','*'],'complete':false}}");
	/* Somebody who tries all names is slowed down. */
	for (i = 0; i < 17; i++)
		ask(w, a, "{'id':9,'op':'contact.search','q':'x'}",
		    "{'id':9,'ok':{'users':[]}}");
	ask(w, a, "{'id':9,'op':'contact.search','q':'x'}",
	    "{'id':9,'err':{'code':'rate_limited','retry_ms':2000}}");
	world_run(w, 2000);
	ask(w, a, "{'id':9,'op':'contact.search','q':'x'}",
	    "{'id':9,'ok':{'users':[]}}");
}

static void
test_no_strangers(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a, b;

	opts.cfg.friends_only = true;
	w = client_world(&opts);
	disk_befriend(world_disk(w), "alice", "carol");
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	ask(w, a,
	    "{'id':9,'op':'message.send','to':'bob','mid':'m','type':'text',"
	    "'body':{'text':'hi'}}",
	    FAILED("forbidden"));
	ask(w, a,
	    "{'id':9,'op':'call.invite','to':'bob','media':{'audio':true}}",
	    FAILED("forbidden"));
	want_nothing(w, b);
	client_text(w, a, "carol", "m2");
	want(w, a, "{'push':'message','mid':'m2'}");
	ask(w, a,
	    "{'id':9,'op':'call.invite','to':'carol','media':{'audio':true}}",
	    "{'id':9,'ok':{'state':'inviting'}}");
	/* Friends no more: what was said stays, and may be taken back. */
	ask(w, a, DO("remove", "carol"), DONE("2", "carol", "removed"));
	ask(w, a,
	    "{'id':9,'op':'message.send','conv':'main:1:alice:carol',"
	    "'mid':'m3','type':'text','body':{'text':'hi'}}",
	    FAILED("forbidden"));
	ask(w, a,
	    "{'id':9,'op':'message.retract','conv':'main:1:alice:carol',"
	    "'seq':1,'mid':'t'}",
	    "{'id':9,'ok':{'mid':'t'}}");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everybody_is_told),
		TEST(test_refused),
		TEST(test_crossed),
		TEST(test_version),
		TEST(test_wrong),
		TEST(test_pages),
		TEST(test_search),
		cmocka_unit_test_setup_teardown(
		    test_no_strangers, client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
