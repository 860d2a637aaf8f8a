/* SPDX-License-Identifier: BSD-3-Clause */
/* Bans, logging out everywhere, and what tokens are worth then. */
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "signald/core/token.h"
#include "tests/unit/signald/core/client.h"
#include "tests/unit/signald/core/outside.h"

#define NOW_S  (WORLD_WALL_MS / 1000)
#define BANNED "{'id':1,'err':{'code':'banned'}}"
#define VOID                                    \
	"{'id':1,'err':{'code':'unauthorized'," \
	"'msg':'token: it is void'}}"

/* A link that says hello with this token. */
static int
hello(struct world *w, const char *token, const char *answer)
{
	char text[OUTSIDE_MAX + 128];
	int link = world_open(w);

	world_hear_all(w, link);
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'%s','device':'d'}", token);
	ask(w, link, text, answer);
	return link;
}

static void
own_token(char token[SIG_TOKEN_MAX], const char *user, uint32_t generation)
{
	static const uint8_t id[SIG_TOKEN_ID_LEN] = { 7 };
	struct world_opts opts = world_defaults();

	assert_int_equal(sig_token_make(opts.cfg.token_key, user, generation,
			     WORLD_WALL_MS + 1000000, id, token),
	    0);
}

static void
test_ban(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), a2 = login(w, "alice", "a2");
	int b = login(w, "bob", "b1"), c;
	char token[SIG_TOKEN_MAX];

	world_lose(w, a2);
	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED);
	want_closed(w, a, 4501);
	want_closed(w, b, 0);
	/* The session without a link is over too. */
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
	c = hello(w, "$token.alice", BANNED);
	want_closed(w, c, 4501);
	own_token(token, "alice", 1);
	c = hello(w, token, BANNED);
	want_closed(w, c, 4501);
	/* Let in again, but not by what was voided. */
	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_NORMAL);
	c = hello(w, "$token.alice", VOID);
	want_closed(w, c, 4500);
	hello(w, token, "{'id':1,'ok':{'user':'alice','resumed':false}}");
}

static void
test_ban_survives(void **state)
{
	struct world *w = *state;
	int a;

	login(w, "alice", "a1");
	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED);
	world_crash(w, 1000);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
	a = hello(w, "$token.alice", BANNED);
	want_closed(w, a, 4501);
}

static void
test_peers_see_it(void **state)
{
	struct world *w = *state;
	int b;

	disk_befriend(world_disk(w), "alice", "bob");
	login(w, "alice", "a1");
	b = login(w, "bob", "b1");
	world_run(w, 5100); /* what was told at the log-in is over */
	world_ignore_presence(w, false);
	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED);
	want(w, b, "{'push':'presence','user':'alice','state':'offline'}");
}

static void
test_logout_everywhere(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), b = login(w, "bob", "b1"), c;
	char token[SIG_TOKEN_MAX];

	world_account(w, "alice", SIG_ACCOUNT_LOGOUT, 0);
	want_closed(w, a, 4500);
	want_closed(w, b, 0);
	c = hello(w, "$token.alice", VOID);
	want_closed(w, c, 4500);
	own_token(token, "alice", 1);
	c = hello(w, token, "{'id':1,'ok':{'user':'alice'}}");
	/* A void token does not refresh, a fresh one is of the generation. */
	ask(w, c, "{'id':2,'op':'token.refresh','token':'$token.alice'}",
	    "{'id':2,'err':{'code':'unauthorized'}}");
	ask(w, c, "{'id':3,'op':'token.refresh'}",
	    "{'id':3,'ok':{'token':'$fresh'}}");
	hello(w, "$fresh", "{'id':1,'ok':{'user':'alice'}}");
}

/* Whoever was let in by the new token before the old shard hears of it. */
static void
test_news_by_a_hello(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), c;
	struct sig_append append = { .kind = SIG_APPEND_ACCOUNT,
		.user = "alice",
		.account = SIG_ACCOUNT_PASSWORD,
		.ts = WORLD_WALL_MS };
	struct sig_appended done;
	char token[SIG_TOKEN_MAX];

	disk_append(world_disk(w), &append, &done);
	assert_int_equal(done.standing.generation, 1);
	own_token(token, "alice", 1);
	c = hello(w, token, "{'id':1,'ok':{'user':'alice'}}");
	want_closed(w, a, 4500);
	want_closed(w, c, 0);
	sig_core_standing(world_core(w, world_shard(w, c)), "alice",
	    &done.standing, (struct sig_time){ world_now(w), WORLD_WALL_MS });
	world_settle(w);
	want_closed(w, c, 0);
}

static void
test_role_changes_nothing_here(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_ADMIN);
	want_closed(w, a, 0);
	want_nothing(w, a);
	login(w, "alice", "a2");
}

/* Sessions of a user with a history wake like any other's. */
static void
test_restart(void **state)
{
	struct world *w = *state;
	char token[SIG_TOKEN_MAX], text[512];
	int a;

	world_account(w, "alice", SIG_ACCOUNT_LOGOUT, 0);
	own_token(token, "alice", 1);
	hello(w, token, "{'id':1,'ok':{'session':'$s','secret':'$k'}}");
	world_crash(w, 1000);
	a = world_open(w);
	world_hear_all(w, a);
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'%s','device':'d','session':'$s',"
	    "'secret':'$k'}",
	    token);
	ask(w, a, text, "{'id':1,'ok':{'resumed':true,'session':'$s'}}");
}

/* The ban comes while a hello is being answered. */
static void
test_hello_under_way(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	uint64_t seed;
	int a;

	for (seed = 1; seed <= 50; seed++) {
		opts.seed = seed;
		opts.log_ms = opts.mail_ms = 20;
		w = client_world(&opts);
		a = world_open(w);
		world_run(w, 50);
		world_hear_all(w, a);
		world_post(w, a,
		    "{'id':1,'op':'hello','token':'$token.alice',"
		    "'device':'d'}");
		world_run(w, world_random(w, 60));
		world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED);
		world_run(w, 200);
		assert_int_equal(world_closed(w, a), 4501);
		assert_int_equal(WORLD_STAT(w, sessions), 0);
		assert_int_equal(WORLD_STAT(w, links), 0);
		world_free(w);
	}
}

static void
test_outside(void **state)
{
	struct world_opts opts = world_defaults();
	char token[OUTSIDE_MAX];
	const struct sig_jwt *jwt;
	struct world *w;
	int a, b;

	opts.cfg.jwt = jwt = outside_new();
	w = client_world(&opts);
	a = hello(w, outside_of(token, "alice", NOW_S + 60, NOW_S),
	    "{'id':1,'ok':{'user':'alice'}}");
	world_run(w, 1500);
	world_account(w, "alice", SIG_ACCOUNT_LOGOUT, 0);
	want_closed(w, a, 4500);
	hello(w, token, VOID);
	/* Issued at no known time is issued before. */
	hello(w, outside_of(token, "alice", NOW_S + 60, 0), VOID);
	b = hello(w, outside_of(token, "alice", NOW_S + 60, NOW_S + 2),
	    "{'id':1,'ok':{'user':'alice'}}");
	world_account(w, "alice", SIG_ACCOUNT_ROLE, SIG_USER_BANNED);
	want_closed(w, b, 4501);
	hello(w, outside_of(token, "alice", NOW_S + 60, NOW_S + 9), BANNED);
	world_free(w);
	outside_free(jwt);
}

static void
test_kick(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), a2 = login(w, "alice", "a2");

	assert_false(world_kick(w, "nothing"));
	assert_true(world_kick(w, world_var(w, "alice.a1.s")));
	want_closed(w, a, 4501);
	want_closed(w, a2, 0);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	assert_false(world_kick(w, world_var(w, "alice.a1.s")));
	/* Its token is as good as before, its session is not. */
	hello(w, "$token.alice", "{'id':1,'ok':{'resumed':false}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ban),
		TEST(test_ban_survives),
		TEST(test_peers_see_it),
		TEST(test_logout_everywhere),
		TEST(test_news_by_a_hello),
		TEST(test_role_changes_nothing_here),
		TEST(test_restart),
		TEST(test_hello_under_way),
		TEST(test_outside),
		TEST(test_kick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
