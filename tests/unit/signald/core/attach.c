/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "signald/core/file.h"
#include "tests/unit/signald/core/client.h"

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define SEND(mid, body)                                      \
	"{'id':1,'op':'message.send','to':'bob','mid':'" mid \
	"','type':'file','body':{" body "}}"
#define FILE_ "'file':'" HASH "','name':'a.png'"

static void
upload(struct world *w, const char *user)
{
	struct sig_append *a = calloc(1, sizeof(*a));
	struct sig_appended done;

	a->kind = SIG_APPEND_FILE;
	a->ts = WORLD_WALL_MS;
	snprintf(a->user, sizeof(a->user), "%s", user);
	a->file = calloc(1, sizeof(*a->file));
	*a->file = (struct sig_file){ .hash = HASH,
		.type = "image/png",
		.size = 77,
		.quota = 1 << 20,
		.all = 1 << 20 };
	disk_append(world_disk(w), a, &done);
	assert_int_equal(done.err, 0);
	sig_append_free(a);
}

static void
test_send(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	upload(w, "alice");
	/* Who may not read it may not send it; nobody is told why. */
	ask(w, b,
	    "{'id':1,'op':'message.send','to':'carol','mid':'x','type':'file',"
	    "'body':{" FILE_ "}}",
	    "{'id':1,'err':{'code':'not_found'}}");
	/* What the sender says of size and type is not believed. */
	world_say(w, a,
	    SEND("m",
		FILE_ ",'size':1,'type':'text/html','width':3,"
		      "'height':4,'duration_ms':5,'text':'look'"));
	want(w, b,
	    "{'push':'message','type':'file','seq':1,'body':{" FILE_
	    ",'size':77,'type':'image/png','width':3,'height':4,"
	    "'duration_ms':5,'text':'look'}}");
	ask(w, b, "{'id':2,'op':'conversation.list'}",
	    "{'id':2,'ok':{'conversations':[{'unread':1,"
	    "'last':{'type':'file'}}]}}");
	/* Now bob may. */
	ask(w, b,
	    "{'id':3,'op':'message.send','to':'carol','mid':'x','type':'file',"
	    "'body':{" FILE_ "}}",
	    "{'id':3,'ok':{'seq':1}}");
}

static void
test_changes(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	upload(w, "alice");
	world_say(w, a, SEND("m", FILE_ ",'text':'look'"));
	world_say(w, a,
	    "{'id':2,'op':'message.edit','conv':'main:1:alice:bob','seq':1,"
	    "'mid':'e','body':{'text':'see'}}");
	world_say(w, a,
	    "{'id':3,'op':'message.react','conv':'main:1:alice:bob','seq':1,"
	    "'mid':'r','emoji':'+'}");
	world_hear_all(w, a);
	ask(w, a,
	    "{'id':4,'op':'message.history','conv':'main:1:alice:bob',"
	    "'before':2}",
	    "{'id':4,'ok':{'messages':[{'type':'file','body':{" FILE_
	    ",'size':77,'type':'image/png','text':'see'},'edits':[2],"
	    "'reactions':[{'emoji':'+','users':['alice']}]}]}}");
	world_say(w, a,
	    "{'id':5,'op':'message.retract','conv':'main:1:alice:bob',"
	    "'seq':1,'mid':'t'}");
	world_hear_all(w, a);
	ask(w, a,
	    "{'id':6,'op':'message.history','conv':'main:1:alice:bob',"
	    "'before':2}",
	    "{'id':6,'ok':{'messages':[{'type':'file','retracted_ts':'*'}]}}");
}

static void
test_bad_bodies(void **state)
{
	static const char *const bad[][2] = {
		{ SEND("m", "'name':'a'"), "body.file: is missing" },
		{ SEND("m", "'file':'" HASH "'"), "body.name: is missing" },
		{ SEND("m",
		      "'file':'../../../../../../../../../../../../../../../../"
		      "../../../../../a','name':'a'"),
		    "body.file: not the name of a file" },
		{ SEND("m", "'file':'" HASH "','name':'a/b'"),
		    "body.name: cannot be shown" },
		{ SEND("m", FILE_ ",'width':-1"),
		    "body.width: must be 0 to 1000000" },
		{ SEND("m", FILE_ ",'url':'x'"), "body.url: unknown field" },
		{ "{'id':1,'op':'message.send','to':'bob','mid':'m',"
		  "'type':'film','body':{}}",
		    "type: must be text or file" },
	};
	struct world *w = *state;
	int a = login(w, "alice", "a1");
	char text[256];
	size_t i;

	upload(w, "alice");
	for (i = 0; i < LEN(bad); i++) {
		snprintf(text, sizeof(text),
		    "{'id':1,'err':{'code':'bad_request','msg':'%s'}}",
		    bad[i][1]);
		ask(w, a, bad[i][0], text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_send),
		TEST(test_changes),
		TEST(test_bad_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
