/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever alice does, bob, who has blocked her, has and hears nothing of it;
 * and she hears what she would if he were offline. */
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/client.h"

#define CONV         "main:1:alice:bob"
#define DO(op, more) "{'id':9,'op':'" op "'" more "}"
#define TO(op)       DO("contact." op, ",'user':'bob'")
#define SEND(mid)                                         \
	DO("message.send",                                \
	    ",'to':'bob','mid':'" mid "','type':'text','" \
	    "body':{'text':'" mid "'}")
#define CHANGE(op, seq, mid, more) \
	DO("message." op,          \
	    ",'conv':'" CONV "','seq':" seq ",'mid':'" mid "'" more)
#define HISTORY  DO("message.history", ",'conv':'" CONV "'")
#define LIST     DO("conversation.list", "")
#define INVITE   DO("call.invite", ",'to':'bob','media':{'audio':true}")
#define CALL(op) DO("call." op, ",'call':'$c'")
#define MINUTE   ""
#define STEPS    8

static const char *const paths[][STEPS] = {
	{ SEND("m3") },
	{ SEND("m3"), SEND("m3"), HISTORY, LIST },
	{ DO("message.send",
	      ",'conv':'" CONV "','mid':'m3','type':'text','reply':1,"
	      "'body':{'text':'x'}"),
	    HISTORY },
	{ CHANGE("edit", "2", "e", ",'body':{'text':'x'}"), MINUTE },
	{ CHANGE("retract", "2", "e", "") },
	{ CHANGE("react", "1", "e", ",'emoji':'+1'") },
	{ CHANGE("react", "1", "e", ",'emoji':'+1','on':false") },
	{ CHANGE("edit", "1", "e", ",'body':{'text':'x'}") },
	{ SEND("m3"), CHANGE("edit", "3", "e", ",'body':{'text':'x'}"),
	    CHANGE("react", "3", "r", ",'emoji':'+1'"), HISTORY, LIST,
	    CHANGE("retract", "3", "t", ""), HISTORY, MINUTE },
	{ DO("conversation.typing", ",'conv':'" CONV "','on':true") },
	{ DO("conversation.read", ",'conv':'" CONV "','seq':1"), LIST },
	{ SEND("m3"), DO("conversation.read", ",'conv':'" CONV "','seq':3"),
	    LIST },
	{ DO("conversation.set", ",'conv':'" CONV "','pinned':true"), LIST },
	{ TO("remove"), TO("request"), TO("remove"), TO("remove"),
	    TO("request"), TO("cancel"), TO("request"),
	    DO("contact.list", ",'which':'outgoing'") },
	{ TO("accept"), TO("refuse"), TO("cancel"), TO("request"),
	    TO("unblock"),
	    DO("contact.remark", ",'user':'bob','remark':'Bobby'") },
	{ TO("block"), TO("remove"), TO("unblock"), TO("request"), MINUTE },
	{ DO("contact.search", ",'q':'bob'") },
	{ DO("profile.set", ",'signature':'Al'"),
	    DO("profile.get", ",'user':'bob'") },
	{ DO("presence.set", ",'state':'busy','status_text':'x'"), MINUTE },
	{ INVITE, MINUTE, MINUTE, HISTORY, LIST },
	{ INVITE, INVITE, CALL("cancel"), HISTORY },
	{ INVITE, CALL("media") /* without what it needs */, CALL("accept"),
	    DO("call.media", ",'call':'$c','audio':true,'video':false"),
	    CALL("hangup"), MINUTE },
	{ INVITE, CALL("cancel"), INVITE, MINUTE, MINUTE, LIST },
};

struct play {
	struct world *w;
	int a, a2, b, b2;
	struct buf alice, bob; /* what they have heard */
};

/* A text without what is another one each time. */
static void
put_masked(struct buf *b, const char *text)
{
	static const char *const names[] = { "\"id\":\"", "\"call\":\"",
		"\"next\":\"", "\"ts\":", "\"last_seen\":", "\"edited_ts\":",
		"\"retracted_ts\":", "\"expires_ts\":" };
	size_t i, n;

	while (*text != '\0') {
		buf_u8(b, (uint8_t)*text);
		for (i = 0; i < LEN(names); i++) {
			n = strlen(names[i]);
			if (strncmp(text, names[i], n) == 0)
				break;
		}
		if (i < LEN(names) && text[n] != '0') {
			buf_puts(b, names[i] + 1);
			text += n + strcspn(text + n, ",}]\"");
		} else {
			text++;
		}
	}
	buf_u8(b, '\n');
}

/* Hears all, and acknowledges it. */
static void
take(struct play *p, int link, struct buf *b)
{
	static const char sync[] = "\"sync\":";
	const char *text, *at;
	uint64_t last = 0, n;
	char ack[64];

	while ((text = world_hear(p->w, link)) != NULL) {
		put_masked(b, text);
		(void)world_match(p->w, "{'ok':{'call':'$c'}}", text);
		at = strstr(text, sync);
		n = at != NULL ? strtoull(at + sizeof(sync) - 1, NULL, 10) : 0;
		last = n > last ? n : last;
	}
	snprintf(ack, sizeof(ack), "{'op':'sync.ack','sync':%llu}",
	    (unsigned long long)last);
	world_say(p->w, link, ack);
}

static void
take_all(struct play *p)
{
	take(p, p->a, &p->alice);
	take(p, p->a2, &p->alice);
	if (p->b2 == 0)
		return;
	take(p, p->b, &p->bob);
	take(p, p->b2, &p->bob);
}

static void
pass(struct play *p, int seconds)
{
	for (; seconds > 0; seconds -= 5) {
		take_all(p);
		world_run(p->w, 5000);
	}
	take_all(p);
}

/* They know each other; then bob blocks alice, or goes. */
static void
begin(struct play *p, uint32_t shards, bool blocked)
{
	struct world_opts opts = world_defaults();

	memset(p, 0, sizeof(*p));
	buf_init(&p->alice, 1 << 20);
	buf_init(&p->bob, 1 << 20);
	opts.cfg.shards = shards;
	p->w = client_world(&opts);
	world_ignore_presence(p->w, false);
	disk_befriend(world_disk(p->w), "alice", "bob");
	p->a = login(p->w, "alice", "a1");
	p->a2 = login(p->w, "alice", "a2");
	p->b = login(p->w, "bob", "b1");
	client_text(p->w, p->b, "alice", "m1");
	take_all(p);
	client_text(p->w, p->a, "bob", "m2");
	world_hear_all(p->w, p->b);
	ask(p->w, p->b, DO("conversation.read", ",'conv':'" CONV "','seq':2"),
	    "{'id':9,'ok':{'read':2}}");
	if (blocked) {
		p->b2 = login(p->w, "bob", "b2");
		world_hear_all(p->w, p->b);
		ask(p->w, p->b, DO("contact.block", ",'user':'alice'"),
		    "{'id':9,'ok':{'contact':{'blocked':true}}}");
	} else {
		world_lose(p->w, p->b);
	}
	pass(p, 120);
	assert_non_null(strstr((char *)p->alice.data, "offline"));
	p->alice.len = p->bob.len = 0;
}

static void
end(struct play *p)
{
	buf_fini(&p->alice);
	buf_fini(&p->bob);
	world_free(p->w);
}

/* What the answer to a hello tells of others. */
static void
put_hello(struct play *p, const char *user, const char *from, struct buf *b)
{
	int link = world_open(p->w);
	char text[128];
	const char *heard;

	want(p->w, link, "{'push':'welcome'}");
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'$token.%s','device':'new'}", user);
	world_say(p->w, link, text);
	heard = world_hear(p->w, link);
	assert_non_null(heard);
	heard = strstr(heard, from);
	assert_non_null(heard);
	put_masked(b, heard);
	world_lose(p->w, link);
}

static void
put_answer(struct play *p, const char *say, struct buf *b)
{
	const char *heard;

	world_say(p->w, p->b, say);
	heard = world_hear(p->w, p->b);
	assert_non_null(heard);
	buf_puts(b, heard);
	buf_u8(b, '\n');
}

/* All that bob can find. all: of his contacts, too. */
static void
look(struct play *p, struct buf *b, bool all)
{
	static const char *const lists[] = { "friends", "incoming", "outgoing",
		"removed", "blocked" };
	char say[128];
	size_t i;

	b->len = 0;
	put_answer(p, LIST, b);
	put_answer(p, HISTORY, b);
	put_answer(p,
	    DO("message.history", ",'conv':'" CONV "','after':0,'limit':2"), b);
	put_answer(p, DO("conversation.read", ",'conv':'" CONV "','seq':9"), b);
	for (i = 0; all && i < LEN(lists); i++) {
		snprintf(say, sizeof(say),
		    "{'id':9,'op':'contact.list','which':'%s'}", lists[i]);
		put_answer(p, say, b);
	}
	buf_u8(b, '\0');
}

static void
go(struct play *p, const char *const path[STEPS])
{
	size_t i;

	for (i = 0; i < STEPS && path[i] != NULL; i++) {
		if (path[i][0] == '\0')
			pass(p, 60);
		else
			world_say(p->w, p->a, path[i]);
		take_all(p);
	}
	pass(p, 10);
	put_hello(p, "alice", "\"peers\":", &p->alice);
	buf_u8(&p->alice, '\0');
}

/* What alice hears of one who is offline. */
static struct buf
of_absent(size_t i, uint32_t shards)
{
	struct buf alice;
	struct play off;

	begin(&off, shards, false);
	go(&off, paths[i]);
	alice = off.alice;
	buf_init(&off.alice, 1);
	end(&off);
	return alice;
}

static void
check_path(size_t i, uint32_t shards)
{
	struct buf before, after, absent = of_absent(i, shards);
	struct play on;

	buf_init(&before, 1 << 20);
	buf_init(&after, 1 << 20);
	begin(&on, shards, true);
	look(&on, &before, true);
	go(&on, paths[i]);
	if (on.bob.len != 0)
		fail_msg("path %zu: bob hears %.*s", i, (int)on.bob.len,
		    (char *)on.bob.data);
	look(&on, &after, true);
	assert_string_equal(after.data, before.data);
	assert_string_equal(on.alice.data, absent.data);
	assert_non_null(strchr((char *)on.alice.data, '9'));
	/* Nor later. */
	look(&on, &before, false);
	ask(on.w, on.b, DO("contact.unblock", ",'user':'alice'"),
	    "{'id':9,'ok':{'contact':{'user':'alice'}}}");
	pass(&on, 10);
	look(&on, &after, false);
	assert_string_equal(after.data, before.data);
	end(&on);
	buf_fini(&absent);
	buf_fini(&before);
	buf_fini(&after);
}

static void
test_no_path(void **state)
{
	size_t i;

	for (i = 0; i < LEN(paths); i++) {
		check_path(i, 4);
		check_path(i, 1);
	}
}

#define BLOCK     DO("contact.block", ",'user':'alice'")
#define UNBLOCK   DO("contact.unblock", ",'user':'alice'")
#define BLOCKED   DO("contact.list", ",'which':'blocked'")
#define FAILED(c) "{'id':9,'err':{'code':'" c "'}}"

static void
test_devices(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");
	int b = login(w, "bob", "b1"), b2 = login(w, "bob", "b2");

	ask(w, b, BLOCK,
	    "{'id':9,'ok':{'version':1,'contact':{'user':'alice',"
	    "'state':'none','blocked':true,'ts':1790000000000}}}");
	want(w, b2,
	    "{'push':'contact','version':1,'contact':{'user':'alice',"
	    "'state':'none','blocked':true}}");
	ask(w, b, BLOCK, "{'id':9,'ok':{'version':1}}");
	want_nothing(w, b2);
	ask(w, b, BLOCKED,
	    "{'id':9,'ok':{'contacts':[{'user':'alice','blocked':true}]}}");
	ask(w, b, UNBLOCK,
	    "{'id':9,'ok':{'version':2,'contact':{'state':'none'}}}");
	want(w, b2, "{'push':'contact','version':2}");
	ask(w, b, BLOCKED, "{'id':9,'ok':{'contacts':[]}}");
	ask(w, b, UNBLOCK, FAILED("not_found"));
	ask(w, b, DO("contact.block", ",'user':'bob'"), FAILED("bad_request"));
	ask(w, b, DO("contact.block", ",'user':'nobody'"), FAILED("not_found"));
	want_nothing(w, a);
}

/* A conversation that the blocked founds is none to the other. */
static void
test_stranger(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, b, BLOCK, "{'id':9,'ok':{'version':1}}");
	client_text(w, a, "bob", "m1");
	world_hear_all(w, a);
	ask(w, a, LIST,
	    "{'id':9,'ok':{'conversations':[{'peer_read':0,'unread':0,"
	    "'last':{'mid':'m1'}}]}}");
	ask(w, a, TO("request"), "{'id':9,'ok':{'contact':'*'}}");
	ask(w, b, LIST, "{'id':9,'ok':{'conversations':[]}}");
	ask(w, b, HISTORY, FAILED("not_found"));
	ask(w, b, DO("contact.list", ",'which':'incoming'"),
	    "{'id':9,'ok':{'contacts':[]}}");
	ask(w, b, UNBLOCK, "{'id':9,'ok':{'version':2}}");
	want_nothing(w, a);
	client_text(w, b, "alice", "m2");
	world_hear_all(w, b);
	want(w, a, "{'push':'message','seq':2,'mid':'m2'}");
	ask(w, b, HISTORY, "{'id':9,'ok':{'messages':[{'mid':'m2'}]}}");
	ask(w, b, CHANGE("react", "1", "r", ",'emoji':'+1'"),
	    FAILED("not_found"));
	/* What is hidden is changed behind the other's back for ever. */
	ask(w, a, CHANGE("retract", "1", "t", ""), "{'id':9,'ok':{'seq':3}}");
	want_nothing(w, b);
	world_hear_all(w, a);
	ask(w, a, HISTORY,
	    "{'id':9,'ok':{'messages':[{'seq':1,'body':{}},{'seq':2},"
	    "{'seq':3}]}}");
}

/* Who has blocked the caller calls as if nobody did. */
static void
test_crossed_calls(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, b, BLOCK, "{'id':9,'ok':{'version':1}}");
	ask(w, a, INVITE, "{'id':9,'ok':{'call':'$c','state':'inviting'}}");
	ask(w, b, DO("call.invite", ",'to':'alice','media':{'audio':true}"),
	    "{'id':9,'ok':{'call':'$d','state':'inviting'}}");
	assert_string_not_equal(world_var(w, "c"), world_var(w, "d"));
	want_nothing(w, b);
}

static void
test_presence(void **state)
{
	struct world *w = *state;
	int a, b;

	disk_befriend(world_disk(w), "alice", "bob");
	world_ignore_presence(w, false);
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	world_hear_all(w, a);
	ask(w, b, BLOCK, "{'id':9,'ok':{'contact':{'state':'friend'}}}");
	want(w, a,
	    "{'push':'presence','user':'bob','state':'offline',"
	    "'last_seen':1790000000000}");
	world_hear_all(w, b);
	ask(w, b, DO("presence.set", ",'state':'busy'"), "{'id':9,'ok':{}}");
	ask(w, a, DO("presence.set", ",'state':'away'"), "{'id':9,'ok':{}}");
	world_run(w, 6000);
	world_hear_all(w, b);
	want_nothing(w, a);
	ask(w, b, UNBLOCK, "{'id':9,'ok':{'contact':{'state':'friend'}}}");
	want(w, a, "{'push':'presence','user':'bob','state':'busy'}");
	want(w, b, "{'push':'presence','user':'alice','state':'away'}");
}

/* It rings nowhere after a restart either. */
static void
test_restart(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, b, BLOCK, "{'id':9,'ok':{'version':1}}");
	ask(w, a, INVITE, "{'id':9,'ok':{'call':'$c','state':'inviting'}}");
	world_crash(w, 1000);
	b = resume(w, "bob", "b1", "");
	a = resume(w, "alice", "a1", "");
	want_nothing(w, b);
	ask(w, a, CALL("cancel"), "{'id':9,'ok':{'state':'ended'}}");
	want(w, a, "{'push':'call.ended','call':'$c','reason':'cancelled'}");
	want(w, a, "{'push':'message','type':'call'}");
	want_nothing(w, b);
	ask(w, b, LIST, "{'id':9,'ok':{'conversations':[]}}");
}

static int
setup(void **state)
{
	return crypto_init();
}

static int
teardown(void **state)
{
	crypto_fini();
	return 0;
}

int
main(void)
{
	/* Worlds one after the other: their frames go to one file. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_path, setup, teardown),
		TEST(test_devices),
		TEST(test_stranger),
		TEST(test_crossed_calls),
		TEST(test_presence),
		TEST(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
