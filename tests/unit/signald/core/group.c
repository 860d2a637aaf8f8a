/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/client.h"

/* The worlds' groups are read by cursor beyond 4 members. */
#define CREATE                                                             \
	"{'id':1,'op':'group.create','mid':'g','title':'Hikers','users':[" \
	"'bob','carol'],'history':'joined'}"
#define OP(id, op, more) \
	"{'id':" id ",'op':'group." op "','conv':'$g','mid':'" id "'" more "}"
#define SAY(id, mid)                                               \
	"{'id':" id ",'op':'message.send','conv':'$g','mid':'" mid \
	"','type':'text','body':{'text':'hello'}}"
#define HEARD(mid)                                  \
	"{'push':'message','conv':'$g','mid':'" mid \
	"','type':'text','body':{'text':'hello'}}"
#define NOTICE(event)                                                    \
	"{'push':'message','conv':'$g','type':'notice','body':{'event':" \
	"'" event "'}}"
#define REFUSED(id, code) "{'id':" id ",'err':{'code':'" code "'}}"

struct people {
	struct world *w;
	int a, b, c, d;
};

static void
hear_all(struct people *p)
{
	world_hear_all(p->w, p->a);
	world_hear_all(p->w, p->b);
	world_hear_all(p->w, p->c);
	world_hear_all(p->w, p->d);
}

/* alice owns a group with bob and carol; dave is not in it. */
static struct people
founded(void **state)
{
	struct people p = { .w = *state };

	p.a = login(p.w, "alice", "a1");
	p.b = login(p.w, "bob", "b1");
	p.c = login(p.w, "carol", "c1");
	p.d = login(p.w, "dave", "d1");
	ask(p.w, p.a, CREATE,
	    "{'id':1,'ok':{'mid':'g','conv':'$g','seq':1,'sync':1}}");
	want(p.w, p.a,
	    "{'push':'message','sync':1,'conv':'$g','seq':1,'from':'alice',"
	    "'type':'notice','body':{'event':'create','users':['bob',"
	    "'carol','alice'],'title':'Hikers','history':'joined'}}");
	want(p.w, p.b, NOTICE("create"));
	want(p.w, p.c, NOTICE("create"));
	return p;
}

static void
do_ok(struct people *p, int who, const char *text)
{
	world_say(p->w, who, text);
	want(p->w, who, "{'ok':{'conv':'$g'}}");
}

static void
test_everybody_hears(void **state)
{
	struct people p = founded(state);

	ask(p.w, p.b, SAY("2", "m1"), "{'id':2,'ok':{'seq':2,'sync':2}}");
	want(p.w, p.b, HEARD("m1"));
	want(p.w, p.a, HEARD("m1"));
	want(p.w, p.c, HEARD("m1"));
	want_nothing(p.w, p.d);
	/* The same request again founds no second group. */
	ask(p.w, p.a, CREATE, "{'id':1,'ok':{'conv':'$g','seq':1,'sync':1}}");
	want_nothing(p.w, p.b);
}

static void
test_strangers_learn_nothing(void **state)
{
	struct people p = founded(state);

	ask(p.w, p.d, SAY("2", "x"), REFUSED("2", "not_found"));
	ask(p.w, p.d, "{'id':3,'op':'message.history','conv':'$g'}",
	    REFUSED("3", "not_found"));
	ask(p.w, p.d, "{'id':4,'op':'group.get','conv':'$g'}",
	    REFUSED("4", "not_found"));
	ask(p.w, p.d, "{'id':5,'op':'group.members','conv':'$g'}",
	    REFUSED("5", "not_found"));
	ask(p.w, p.d, OP("6", "join", ""), REFUSED("6", "not_found"));
	ask(p.w, p.d, OP("7", "invite", ",'users':['dave']"),
	    REFUSED("7", "not_found"));
	ask(p.w, p.d,
	    "{'op':'conversation.typing','conv':'$g','on':true,"
	    "'id':8}",
	    REFUSED("8", "not_found"));
	ask(p.w, p.d, "{'id':9,'op':'conversation.read','conv':'$g','seq':1}",
	    REFUSED("9", "not_found"));
	ask(p.w, p.d,
	    "{'id':10,'op':'conversation.set','conv':'$g',"
	    "'pinned':true}",
	    REFUSED("10", "not_found"));
	want_nothing(p.w, p.a);
	/* Nor does a name that is spelled like one tell more. */
	ask(p.w, p.d,
	    "{'id':11,'op':'group.get','conv':"
	    "'main:g:aaaaaaaaaaaaaaaaaaaaaaaaaa'}",
	    REFUSED("11", "not_found"));
}

static void
test_roles(void **state)
{
	struct people p = founded(state);

	ask(p.w, p.b, OP("2", "invite", ",'users':['dave']"),
	    REFUSED("2", "forbidden"));
	ask(p.w, p.b, OP("3", "kick", ",'users':['carol']"),
	    REFUSED("3", "forbidden"));
	ask(p.w, p.b, OP("4", "set", ",'title':'Mine'"),
	    REFUSED("4", "forbidden"));
	ask(p.w, p.b, OP("5", "role", ",'users':['bob'],'role':'admin'"),
	    REFUSED("5", "forbidden"));
	ask(p.w, p.b, OP("6", "dissolve", ""), REFUSED("6", "forbidden"));
	ask(p.w, p.b, OP("7", "transfer", ",'user':'bob'"),
	    REFUSED("7", "forbidden"));
	ask(p.w, p.a, OP("8", "leave", ""), REFUSED("8", "conflict"));
	do_ok(&p, p.a, OP("9", "role", ",'users':['bob'],'role':'admin'"));
	want(p.w, p.a,
	    "{'body':{'event':'role','users':['bob'],'role':'admin'}}");
	hear_all(&p);
	do_ok(&p, p.b, OP("10", "invite", ",'users':['dave']"));
	hear_all(&p);
	/* Not over those who stand as high, or higher. */
	ask(p.w, p.b, OP("11", "kick", ",'users':['alice']"),
	    REFUSED("11", "forbidden"));
	do_ok(&p, p.a, OP("12", "transfer", ",'user':'bob'"));
	hear_all(&p);
	ask(p.w, p.a, OP("13", "kick", ",'users':['bob']"),
	    REFUSED("13", "forbidden"));
	do_ok(&p, p.a, OP("14", "leave", ""));
	want(p.w, p.a, "{'body':{'event':'leave','users':['alice']}}");
	hear_all(&p);
	ask(p.w, p.a, SAY("15", "late"), REFUSED("15", "not_found"));
	want_nothing(p.w, p.b);
}

static void
test_kicked(void **state)
{
	struct people p = founded(state);

	do_ok(&p, p.a, OP("2", "kick", ",'users':['carol']"));
	want(p.w, p.c, NOTICE("kick"));
	hear_all(&p);
	ask(p.w, p.b, SAY("3", "m1"), "{'id':3,'ok':{'seq':3}}");
	want_nothing(p.w, p.c);
	ask(p.w, p.c, "{'id':4,'op':'conversation.list'}",
	    "{'id':4,'ok':{'conversations':[],'complete':true}}");
	ask(p.w, p.c, "{'id':5,'op':'message.history','conv':'$g'}",
	    REFUSED("5", "not_found"));
}

static void
test_muted(void **state)
{
	struct people p = founded(state);

	do_ok(&p, p.a,
	    OP("2", "mute", ",'users':['bob'],'until_ts':1790000060000"));
	hear_all(&p);
	ask(p.w, p.b, SAY("3", "m1"), REFUSED("3", "forbidden"));
	ask(p.w, p.b, "{'id':4,'op':'group.get','conv':'$g'}",
	    "{'id':4,'ok':{'silent_until':1790000060000}}");
	do_ok(&p, p.a, OP("5", "mute", ",'users':['bob'],'until_ts':0"));
	hear_all(&p);
	ask(p.w, p.b, SAY("6", "m1"), "{'id':6,'ok':{'seq':4}}");
}

static void
test_who_asks_is_let_in(void **state)
{
	struct people p = founded(state);

	do_ok(&p, p.a, OP("2", "set", ",'join':'request'"));
	hear_all(&p);
	ask(p.w, p.d, OP("3", "join", ",'memo':'it is me'"),
	    "{'id':3,'ok':{'conv':'$g','state':'asked'}}");
	want(p.w, p.a, "{'push':'group.request','conv':'$g','user':'dave'}");
	want_nothing(p.w, p.b);
	ask(p.w, p.b, "{'id':4,'op':'group.requests','conv':'$g'}",
	    REFUSED("4", "forbidden"));
	ask(p.w, p.a, "{'id':5,'op':'group.requests','conv':'$g'}",
	    "{'id':5,'ok':{'requests':[{'user':'dave','nick':'The dave',"
	    "'memo':'it is me'}],'complete':true}}");
	ask(p.w, p.a,
	    "{'id':6,'op':'group.reject','conv':'$g',"
	    "'users':['dave']}",
	    "{'id':6,'ok':{'conv':'$g'}}");
	ask(p.w, p.a, OP("7", "approve", ",'users':['dave']"),
	    REFUSED("7", "not_found"));
	world_say(p.w, p.d, OP("8", "join", ""));
	hear_all(&p);
	do_ok(&p, p.a, OP("9", "approve", ",'users':['dave']"));
	want(p.w, p.d, NOTICE("join"));
	hear_all(&p);
	ask(p.w, p.a, "{'id':10,'op':'group.requests','conv':'$g'}",
	    "{'id':10,'ok':{'requests':[],'complete':true}}");
	ask(p.w, p.d, SAY("11", "m1"), "{'id':11,'ok':{'seq':4}}");
}

static void
test_open_group(void **state)
{
	struct people p = founded(state);

	do_ok(&p, p.a, OP("2", "set", ",'join':'open'"));
	hear_all(&p);
	ask(p.w, p.d, OP("3", "join", ""), "{'id':3,'ok':{'seq':3}}");
	want(p.w, p.d, NOTICE("join"));
	hear_all(&p);
	ask(p.w, p.d, OP("4", "join", ""), REFUSED("4", "conflict"));
}

/* Who came later sees what was said since, and nothing of it is unread that
 * was said before. */
static void
test_newcomers(void **state)
{
	struct people p = founded(state);

	world_say(p.w, p.a, SAY("2", "m1"));
	world_say(p.w, p.a, SAY("3", "m2"));
	do_ok(&p, p.a, OP("4", "invite", ",'users':['dave']"));
	world_say(p.w, p.a, SAY("5", "m3"));
	hear_all(&p);
	ask(p.w, p.d, "{'id':6,'op':'message.history','conv':'$g'}",
	    "{'id':6,'ok':{'messages':[{'seq':4,'type':'notice'},{'seq':5,"
	    "'mid':'m3'}],'complete':true}}");
	ask(p.w, p.d,
	    "{'id':7,'op':'message.history','conv':'$g',"
	    "'after':1}",
	    "{'id':7,'ok':{'messages':[{'seq':4},{'seq':5}],"
	    "'complete':true}}");
	ask(p.w, p.d, "{'id':8,'op':'conversation.list'}",
	    "{'id':8,'ok':{'conversations':[{'conv':'$g','title':'Hikers',"
	    "'members':4,'role':'member','read':3,'unread':1}]}}");
	ask(p.w, p.b, "{'id':9,'op':'conversation.list'}",
	    "{'id':9,'ok':{'conversations':[{'conv':'$g','read':0,"
	    "'unread':3}]}}");
}

static void
test_unread_is_what_others_said(void **state)
{
	struct people p = founded(state);

	world_say(p.w, p.a, SAY("2", "m1")); /* 2 */
	world_say(p.w, p.b, SAY("3", "m2")); /* 3 */
	world_say(p.w, p.a, SAY("4", "m3")); /* 4 */
	world_say(p.w, p.b, SAY("5", "m4")); /* 5 */
	hear_all(&p);
	ask(p.w, p.a, "{'id':6,'op':'conversation.read','conv':'$g','seq':2}",
	    "{'id':6,'ok':{'read':2,'unread':2}}");
	ask(p.w, p.a, "{'id':7,'op':'conversation.read','conv':'$g','seq':4}",
	    "{'id':7,'ok':{'read':4,'unread':1}}");
	ask(p.w, p.b, "{'id':8,'op':'conversation.read','conv':'$g','seq':3}",
	    "{'id':8,'ok':{'read':3,'unread':1}}");
	ask(p.w, p.c, "{'id':9,'op':'conversation.read','conv':'$g','seq':3}",
	    "{'id':9,'ok':{'read':3,'unread':2}}");
	want_nothing(p.w, p.a); /* how far others are is theirs */
}

static void
test_mentions(void **state)
{
	struct people p = founded(state);

	ask(p.w, p.b,
	    "{'id':2,'op':'message.send','conv':'$g','mid':'m','type':'text',"
	    "'body':{'text':'@carol'},'mentions':['carol','zoe']}",
	    "{'id':2,'ok':{'seq':2}}");
	want(p.w, p.c, "{'push':'message','mentions':['carol','zoe']}");
	ask(p.w, p.b,
	    "{'id':3,'op':'message.send','conv':'$g','mid':'n','type':'text',"
	    "'body':{'text':'@all'},'mentions':['*']}",
	    "{'push':'message','mid':'m'}");
	want(p.w, p.b, REFUSED("3", "forbidden"));
	world_say(p.w, p.a,
	    "{'id':4,'op':'message.send','conv':'$g','mid':'o','type':'text',"
	    "'body':{'text':'@all'},'mentions':['*']}");
	hear_all(&p);
	ask(p.w, p.c, "{'id':5,'op':'conversation.list'}",
	    "{'id':5,'ok':{'conversations':[{'mentions':2,'unread':2}]}}");
	ask(p.w, p.a, "{'id':6,'op':'conversation.list'}",
	    "{'id':6,'ok':{'conversations':[{'mentions':0,'unread':1}]}}");
	ask(p.w, p.c, "{'id':7,'op':'conversation.read','conv':'$g','seq':2}",
	    "{'id':7,'ok':{'unread':1}}");
	ask(p.w, p.c, "{'id':8,'op':'conversation.list'}",
	    "{'id':8,'ok':{'conversations':[{'mentions':1,'unread':1}]}}");
}

/* The fifth member makes it large: from then on nothing is in an inbox. */
static void
test_large(void **state)
{
	struct people p = founded(state);
	int e = login(p.w, "erin", "e1"), b2;

	do_ok(&p, p.a, OP("2", "invite", ",'users':['dave','erin']"));
	want(p.w, e, NOTICE("join"));
	hear_all(&p);
	ask(p.w, p.b, SAY("3", "m1"),
	    "{'id':3,'ok':{'mid':'m1','conv':'$g','seq':3}}");
	want(p.w, p.a, HEARD("m1"));
	want(p.w, p.b, HEARD("m1"));
	want(p.w, p.d, HEARD("m1"));
	want(p.w, e, HEARD("m1"));
	/* A device that was away learns how far it is, and reads the rest. */
	world_lose(p.w, p.c);
	world_say(p.w, p.b, SAY("4", "m2"));
	hear_all(&p);
	p.c = world_open(p.w);
	want(p.w, p.c, "{'push':'welcome'}");
	ask(p.w, p.c,
	    "{'id':1,'op':'hello','token':'$token.carol','device':'c1'}",
	    "{'id':1,'ok':{'large':[{'conv':'$g','seq':4}]}}");
	world_hear_all(p.w, p.c);
	ask(p.w, p.c, "{'id':2,'op':'message.history','conv':'$g','after':2}",
	    "{'id':2,'ok':{'messages':[{'mid':'m1'},{'mid':'m2'}]}}");
	ask(p.w, p.c, "{'id':3,'op':'conversation.list'}",
	    "{'id':3,'ok':{'conversations':[{'conv':'$g','large':true,"
	    "'members':5,'unread':2}]}}");
	/* A second device of somebody who is here hears, too. */
	b2 = login(p.w, "bob", "b2");
	world_say(p.w, p.c, SAY("5", "m3"));
	want(p.w, b2, HEARD("m3"));
	/* Who was kicked hears of that, and then no more. */
	hear_all(&p);
	world_hear_all(p.w, e);
	do_ok(&p, p.a, OP("6", "kick", ",'users':['erin']"));
	want(p.w, e, NOTICE("kick"));
	world_hear_all(p.w, e);
	world_say(p.w, p.b, SAY("7", "m4"));
	want_nothing(p.w, e);
}

/* Whatever way the entries take between the shards. */
static void
large_in_order(uint64_t seed)
{
	struct world_opts opts = world_defaults();
	struct people p;
	char want_seq[96], say[160];
	void *world;
	int i;

	crypto_init();
	opts.seed = seed;
	opts.mail_ms = opts.log_ms = 50;
	world = client_world(&opts);
	p = founded(&world);
	world_say(p.w, p.a, OP("2", "invite", ",'users':['dave','erin']"));
	hear_all(&p);
	for (i = 0; i < 20; i++) {
		snprintf(say, sizeof(say),
		    "{'op':'message.send','conv':'$g','mid':'m%d','type':"
		    "'text','body':{'text':'x'}}",
		    i);
		world_post(p.w, i % 2 == 0 ? p.b : p.c, say);
	}
	world_settle(p.w);
	for (i = 0; i < 20; i++) {
		snprintf(want_seq, sizeof(want_seq),
		    "{'push':'message','conv':'$g','seq':%d}", i + 3);
		want(p.w, p.d, want_seq);
	}
	want_nothing(p.w, p.d);
	world_free(p.w);
}

static void
test_large_in_order(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 30; seed++)
		large_in_order(seed);
}

static void
test_order_of_the_list(void **state)
{
	struct people p = founded(state);

	world_say(p.w, p.a, OP("2", "invite", ",'users':['dave','erin']"));
	hear_all(&p);
	client_text(p.w, p.a, "bob", "t1");
	hear_all(&p);
	client_text(p.w, p.a, "carol", "t2");
	hear_all(&p);
	ask(p.w, p.a, "{'id':3,'op':'conversation.list','limit':2}",
	    "{'id':3,'ok':{'conversations':[{'peer':'carol'},"
	    "{'peer':'bob'}],'complete':false,'next':'$n'}}");
	ask(p.w, p.a,
	    "{'id':4,'op':'conversation.list','limit':2,'before':'$n'}",
	    "{'id':4,'ok':{'conversations':[{'conv':'$g'}],"
	    "'complete':true}}");
	/* The large one moves with what is said in it, without a row of its
	 * own; a pinned one stands before all. */
	world_say(p.w, p.b, SAY("5", "m1"));
	ask(p.w, p.a,
	    "{'id':6,'op':'conversation.set','conv':'main:1:alice:bob',"
	    "'pinned':true}",
	    HEARD("m1"));
	want(p.w, p.a, "{'id':6,'ok':{}}");
	ask(p.w, p.a, "{'id':7,'op':'conversation.list'}",
	    "{'id':7,'ok':{'conversations':[{'peer':'bob','pinned':true},"
	    "{'conv':'$g'},{'peer':'carol'}],'complete':true}}");
	hear_all(&p);
	client_text(p.w, p.a, "carol", "t3");
	hear_all(&p);
	ask(p.w, p.a, "{'id':8,'op':'conversation.list'}",
	    "{'id':8,'ok':{'conversations':[{'peer':'bob'},"
	    "{'peer':'carol'},{'conv':'$g'}]}}");
}

static void
test_keeping_is_told_to_own_devices(void **state)
{
	struct people p = founded(state);
	int a2 = login(p.w, "alice", "a2");

	world_hear_all(p.w, a2);
	ask(p.w, p.a,
	    "{'id':2,'op':'conversation.set','conv':'$g','muted_until':"
	    "1790000900000}",
	    "{'id':2,'ok':{}}");
	want(p.w, a2,
	    "{'push':'conversation.set','conv':'$g','muted_until':"
	    "1790000900000}");
	want_nothing(p.w, p.b);
	ask(p.w, p.a, "{'id':3,'op':'conversation.list'}",
	    "{'id':3,'ok':{'conversations':[{'conv':'$g',"
	    "'muted_until':1790000900000}]}}");
}

static void
test_dissolved(void **state)
{
	struct people p = founded(state);

	do_ok(&p, p.a, OP("2", "dissolve", ""));
	want(p.w, p.b, NOTICE("dissolve"));
	want(p.w, p.c, NOTICE("dissolve"));
	hear_all(&p);
	ask(p.w, p.a, SAY("3", "m"), REFUSED("3", "not_found"));
	ask(p.w, p.a, "{'id':4,'op':'conversation.list'}",
	    "{'id':4,'ok':{'conversations':[],'complete':true}}");
	ask(p.w, p.a, OP("5", "dissolve", ""), REFUSED("5", "not_found"));
	/* ... but the first one's repeat is answered as ever. */
	ask(p.w, p.a, OP("2", "dissolve", ""), "{'id':2,'ok':{'seq':2}}");
}

static void
test_bad_requests(void **state)
{
	static const char *const bad[] = {
		"{'id':9,'op':'group.create','mid':'x'}",
		"{'id':9,'op':'group.create','mid':'x','title':''}",
		"{'id':9,'op':'group.create','mid':'x','title':'t',"
		"'users':['Bob']}",
		"{'id':9,'op':'group.create','mid':'x','title':'t',"
		"'join':'maybe'}",
		"{'id':9,'op':'group.create','title':'t'}",
		OP("9", "invite", ""),
		OP("9", "invite", ",'users':[]"),
		OP("9", "invite", ",'users':[7]"),
		OP("9", "role", ",'users':['bob']"),
		OP("9", "role", ",'users':['bob'],'role':'owner'"),
		OP("9", "mute", ",'users':['bob']"),
		OP("9", "transfer", ""),
		OP("9", "set", ""),
		"{'id':9,'op':'conversation.set','conv':'$g'}",
		"{'id':9,'op':'conversation.list','before':'x'}",
	};
	struct people p = founded(state);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ask(p.w, p.a, bad[i], REFUSED("9", "bad_request"));
	ask(p.w, p.a, OP("2", "invite", ",'users':['nobody']"),
	    REFUSED("2", "not_found"));
	ask(p.w, p.a, OP("3", "invite", ",'users':['bob']"),
	    REFUSED("3", "conflict"));
	ask(p.w, p.a, OP("4", "kick", ",'users':['dave']"),
	    REFUSED("4", "not_found"));
	want_nothing(p.w, p.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everybody_hears),
		TEST(test_strangers_learn_nothing),
		TEST(test_roles),
		TEST(test_kicked),
		TEST(test_muted),
		TEST(test_who_asks_is_let_in),
		TEST(test_open_group),
		TEST(test_newcomers),
		TEST(test_unread_is_what_others_said),
		TEST(test_mentions),
		TEST(test_large),
		cmocka_unit_test(test_large_in_order),
		TEST(test_order_of_the_list),
		TEST(test_keeping_is_told_to_own_devices),
		TEST(test_dissolved),
		TEST(test_bad_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
