/* SPDX-License-Identifier: BSD-3-Clause */
/* What users tell of themselves, and who hears of it. */
#include <errno.h>
#include <stdlib.h>

#include "signald/core/profile.h"
#include "tests/unit/signald/core/client.h"

#define SET(id, what) "{'id':" id ",'op':'profile.set'," what "}"
#define GET(id, user) "{'id':" id ",'op':'profile.get','user':'" user "'}"
#define REFUSED(id, msg) \
	"{'id':" id ",'err':{'code':'bad_request','msg':'" msg "'}}"

static void
test_set_and_get(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1");

	ask(w, a, "{'id':2,'op':'profile.get'}",
	    "{'id':2,'ok':{'profile':{'user':'alice','nick':'The alice'}}}");
	ask(w, a,
	    SET("3",
		"'nick':'Al','avatar':'https://a.example/a.png',"
		"'signature':'hi','extend':{'team':[1,{'x':null}]}"),
	    "{'id':3,'ok':{'profile':{'user':'alice','nick':'Al',"
	    "'avatar':'https://a.example/a.png','signature':'hi',"
	    "'extend':{'team':[1,{'x':null}]}}}}");
	/* Only what is named changes; null takes away. */
	ask(w, a, SET("4", "'signature':null,'avatar':'/api/v1/files/1'"),
	    "{'id':4,'ok':{'profile':{'nick':'Al',"
	    "'avatar':'/api/v1/files/1','extend':{'team':'*'}}}}");
	world_say(w, b, GET("5", "alice"));
	assert_null(strstr(world_hear(w, b), "signature"));
	ask(w, b, GET("6", "alice"),
	    "{'id':6,'ok':{'profile':{'user':'alice','nick':'Al',"
	    "'avatar':'/api/v1/files/1','extend':{'team':[1,{'x':null}]}}}}");
	/* Without a nick it is the user's name, and the log-in says so. */
	ask(w, a, SET("7", "'nick':null,'extend':null"),
	    "{'id':7,'ok':{'profile':{'nick':'alice'}}}");
	ask(w, a, "{'id':8,'op':'ping'}", "{'id':8,'ok':{'ts':'*'}}");
	a = world_open(w);
	world_hear_all(w, a);
	ask(w, a, "{'id':1,'op':'hello','token':'$token.alice','device':'a2'}",
	    "{'id':1,'ok':{'nick':'alice'}}");
}

static void
test_who_hears(void **state)
{
	struct world *w = *state;
	int a, a2, b, c;

	disk_befriend(world_disk(w), "alice", "bob");
	a = login(w, "alice", "a1");
	a2 = login(w, "alice", "a2");
	b = login(w, "bob", "b1");
	c = login(w, "carol", "c1");
	ask(w, a, SET("3", "'nick':'Al'"),
	    "{'id':3,'ok':{'profile':{'nick':'Al'}}}");
	want_nothing(w, a);
	want(
	    w, a2, "{'push':'profile','profile':{'user':'alice','nick':'Al'}}");
	want(w, b, "{'push':'profile','profile':{'user':'alice','nick':'Al'}}");
	want_nothing(w, c);
	/* Found by the new nick and not by the old one. */
	ask(w, c, "{'id':4,'op':'contact.search','q':'al'}",
	    "{'id':4,'ok':{'users':[{'user':'alice','nick':'Al'}]}}");
	ask(w, c, "{'id':5,'op':'contact.search','q':'the al'}",
	    "{'id':5,'ok':{'users':[]}}");
}

/* A change of profile does not give away who is here unseen. */
static void
test_invisible(void **state)
{
	struct world *w = *state;
	int a, b;

	disk_befriend(world_disk(w), "alice", "bob");
	a = login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	ask(w, a, "{'id':2,'op':'presence.set','state':'invisible'}",
	    "{'id':2,'ok':'*'}");
	world_run(w, 2000);
	world_hear_all(w, a);
	ask(w, a, SET("3", "'nick':'Al'"),
	    "{'id':3,'ok':{'profile':{'nick':'Al'}}}");
	want_nothing(w, b);
	ask(w, b, GET("4", "alice"), "{'id':4,'ok':{'profile':{'nick':'Al'}}}");
}

static void
test_refused(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");
	char *text = malloc(8192);
	size_t n;

	ask(w, a, SET("2", "'nick':''"),
	    "{'id':2,'err':{'code':'bad_request'}}");
	ask(w, a, SET("2", "'nick':7"),
	    "{'id':2,'err':{'code':'bad_request'}}");
	ask(w, a, SET("2", "'role':'admin'"),
	    "{'id':2,'err':{'code':'bad_request'}}");
	ask(w, a, SET("2", "'extend':[]"),
	    "{'id':2,'err':{'code':'bad_request'}}");
	ask(w, a, SET("2", "'avatar':'http://a.example/a.png'"),
	    REFUSED("2", "avatar: https://... or /a/path of this host"));
	n = (size_t)sprintf(text, "{'id':3,'op':'profile.set','extend':{'x':'");
	memset(text + n, 'x', 4096);
	strcpy(text + n + 4096, "'}}");
	ask(w, a, text, "{'id':3,'err':{'code':'too_large'}}");
	memset(text + n, 'x', 4096 - 8);
	strcpy(text + n + 4096 - 8, "'}}");
	ask(w, a, text, "{'id':3,'ok':{'profile':{'extend':{'x':'*'}}}}");
	ask(w, a, GET("4", "zoe"), "{'id':4,'err':{'code':'not_found'}}");
	ask(w, a, GET("4", "Zoe"), "{'id':4,'err':{'code':'not_found'}}");
	world_fail_appends(w, -ENOSPC, 1);
	ask(w, a, SET("5", "'nick':'Al'"), "{'id':5,'err':{'code':'storage'}}");
	free(text);
}

static void
test_rate(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), i;

	for (i = 0; i < 10; i++)
		ask(w, a, SET("2", "'signature':'x'"), "{'id':2,'ok':'*'}");
	ask(w, a, SET("3", "'signature':'x'"),
	    "{'id':3,'err':{'code':'rate_limited'}}");
	world_run(w, 2000);
	ask(w, a, SET("4", "'signature':'x'"), "{'id':4,'ok':'*'}");
}

static void
test_avatars(void **state)
{
	static const char *const good[] = { "https://a", "https://a.b/c?d=e#f",
		"/x", "/", "/api/v1/files/abc" };
	static const char *const bad[] = { "", "https://", "https:///x",
		"http://a", "HTTPS://a", "javascript:alert(1)", "//evil/x",
		"/\\evil/x", "data:image/png;base64,AA", "https://a b",
		"https://a\"b", "x.png", "/a\nb", "/<x>" };
	size_t i;

	for (i = 0; i < LEN(good); i++)
		assert_true(sig_profile_avatar_ok(good[i]));
	for (i = 0; i < LEN(bad); i++)
		assert_false(sig_profile_avatar_ok(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_and_get),
		TEST(test_who_hears),
		TEST(test_invisible),
		TEST(test_refused),
		TEST(test_rate),
		cmocka_unit_test(test_avatars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
