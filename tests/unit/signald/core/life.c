/* SPDX-License-Identifier: BSD-3-Clause */
/* A link lives as long as its token. */
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "signald/core/token.h"
#include "tests/unit/signald/core/client.h"
#include "tests/unit/signald/core/outside.h"

#define NOW_S     (WORLD_WALL_MS / 1000)
#define REFUSED   "{'id':9,'err':{'code':'unauthorized'}}"
#define FORBIDDEN "{'id':9,'err':{'code':'forbidden'}}"

struct fixture {
	const struct sig_jwt *jwt;
	struct world *w;
};

static int
setup(void **state)
{
	struct world_opts opts = world_defaults();
	struct fixture *f = calloc(1, sizeof(*f));

	crypto_init();
	f->jwt = opts.cfg.jwt = outside_new();
	opts.cfg.ice_ttl_s = 86400; /* nothing to say of it here */
	f->w = client_world(&opts);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	world_free(f->w);
	outside_free(f->jwt);
	free(f);
	crypto_fini();
	return 0;
}

/* A link of alice with this token; more: further members of the hello. */
static int
enter(struct world *w, const char *token, const char *more)
{
	char text[OUTSIDE_MAX + 256];
	int link = world_open(w);

	world_hear_all(w, link);
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'%s','device':'d'%s}", token, more);
	ask(w, link, text,
	    "{'id':1,'ok':{'user':'alice','expires_ts':'$end','session':'$s',"
	    "'secret':'$k'}}");
	return link;
}

/* Time passes with the link being heard. */
static void
pass(struct world *w, int link, int seconds)
{
	while (seconds-- > 0) {
		world_run(w, 1000);
		world_say(w, link, "{'op':'ping'}");
		if (world_closed(w, link) == 0)
			want(w, link, "{'push':'pong'}");
	}
}

static void
refresh(struct world *w, int link, const char *token, const char *answer)
{
	char text[OUTSIDE_MAX + 64];

	snprintf(text, sizeof(text),
	    "{'id':9,'op':'token.refresh','token':'%s'}", token);
	ask(w, link, text, answer);
}

static void
own_token(char token[SIG_TOKEN_MAX], const char *user, uint64_t ms)
{
	static const uint8_t id[SIG_TOKEN_ID_LEN] = { 7 };
	struct world_opts opts = world_defaults();

	assert_int_equal(sig_token_make(opts.cfg.token_key, user, 0,
			     WORLD_WALL_MS + ms, id, token),
	    0);
}

/* Told after nine tenths of the life, closed at its end, not a tick before. */
static void
test_end(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[SIG_TOKEN_MAX];
	int a;

	own_token(token, "alice", 100000);
	a = enter(w, token, "");
	assert_string_equal(world_var(w, "end"), "1790000100000");
	pass(w, a, 89);
	want_nothing(w, a);
	world_run(w, 1100);
	want(w, a, "{'push':'token.expiring','expires_ts':1790000100000}");
	pass(w, a, 9);
	want_nothing(w, a);
	want_closed(w, a, 0);
	world_run(w, 999);
	want_closed(w, a, 4500);
	assert_int_equal(WORLD_STAT(w, links), 0);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
}

/* A token is not taken because its timer has not come yet. */
static void
test_nothing_is_taken_after_the_end(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[SIG_TOKEN_MAX];
	uint32_t i;
	int a;

	own_token(token, "alice", 1000);
	a = enter(w, token, "");
	/* The wall clock is set forward; timers do not hear of it. */
	for (i = 0; i < 4; i++)
		sig_core_link_frame(world_core(w, i), (uint64_t)a,
		    "{\"id\":2,\"op\":\"ping\"}", 20,
		    (struct sig_time){ world_now(w), WORLD_WALL_MS + 1000 });
	world_settle(w);
	world_run(w, 1);
	want_nothing(w, a);
	assert_int_equal(WORLD_STAT(w, links), 0);
}

static void
test_outside_end(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];
	int a = enter(w, outside_of(token, "alice", NOW_S + 95, 0), "");

	/* Its leeway belongs to it. */
	assert_string_equal(world_var(w, "end"), "1790000100000");
	pass(w, a, 89);
	world_run(w, 1100);
	want(w, a, "{'push':'token.expiring','expires_ts':1790000100000}");
	world_run(w, 5000);
	world_say(w, a, "{'op':'ping'}");
	want(w, a, "{'push':'pong'}");
	world_run(w, 5000);
	want_closed(w, a, 4500);
}

/* At most five minutes before. */
static void
test_warning_of_a_long_life(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[SIG_TOKEN_MAX];
	int a;

	own_token(token, "alice", 7200000);
	a = enter(w, token, "");
	pass(w, a, 6899);
	want_nothing(w, a);
	world_run(w, 1100);
	want(w, a, "{'push':'token.expiring','expires_ts':1790007200000}");
}

static void
test_refresh_own(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[SIG_TOKEN_MAX];
	int a, b;

	own_token(token, "alice", 100000);
	a = enter(w, token, "");
	pass(w, a, 50);
	ask(w, a, "{'id':2,'op':'token.refresh'}",
	    "{'id':2,'ok':{'token':'$fresh','expires_ts':1790086450000}}");
	pass(w, a, 100);
	want_nothing(w, a);
	want_closed(w, a, 0);
	b = world_open(w);
	world_hear_all(w, b);
	ask(w, b, "{'id':1,'op':'hello','token':'$fresh','device':'e'}",
	    "{'id':1,'ok':{'user':'alice','expires_ts':1790086450000}}");
}

static void
test_refresh_outside(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];
	int a = enter(w, outside_of(token, "alice", NOW_S + 95, 0), "");

	/* signald does not prolong what is not its own. */
	ask(w, a, "{'id':9,'op':'token.refresh'}", FORBIDDEN);
	refresh(w, a, outside_of(token, "bob", NOW_S + 500, 0),
	    "{'id':9,'err':{'code':'unauthorized',"
	    "'msg':'token: it is another user\\u0027s'}}");
	refresh(w, a, outside_of(token, "alice", NOW_S - 60, 0), REFUSED);
	refresh(w, a, "x.y.z", REFUSED);
	pass(w, a, 89);
	world_run(w, 1100);
	want(w, a, "{'push':'token.expiring','expires_ts':1790000100000}");
	refresh(w, a, outside_of(token, "alice", NOW_S + 286, 0),
	    "{'id':9,'ok':{'expires_ts':1790000291000}}");
}

static void
test_refresh_moves_the_end(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];
	int a = enter(w, outside_of(token, "alice", NOW_S + 95, 0), "");

	refresh(w, a, outside_of(token, "alice", NOW_S + 195, 0),
	    "{'id':9,'ok':{'expires_ts':1790000200000}}");
	pass(w, a, 179);
	want_nothing(w, a);
	world_run(w, 1100);
	want(w, a, "{'push':'token.expiring','expires_ts':1790000200000}");
	pass(w, a, 18);
	want_closed(w, a, 0);
	world_run(w, 2000);
	want_closed(w, a, 4500);
}

/* The session goes on, under the end of the token that came with it. */
static void
test_resumed(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX], text[OUTSIDE_MAX + 128];
	int a = enter(w, outside_of(token, "alice", NOW_S + 1, 0), "");

	world_run(w, 6100);
	want(w, a, "{'push':'token.expiring'}");
	want_closed(w, a, 4500);
	a = world_open(w);
	world_hear_all(w, a);
	snprintf(text, sizeof(text),
	    "{'id':1,'op':'hello','token':'%s','device':'d','session':'$s',"
	    "'secret':'$k'}",
	    outside_of(token, "alice", NOW_S + 25, 0));
	ask(w, a, text,
	    "{'id':1,'ok':{'resumed':true,'session':'$s',"
	    "'expires_ts':1790000030000}}");
	pass(w, a, 21);
	want_nothing(w, a);
	world_run(w, 1000);
	want(w, a, "{'push':'token.expiring'}");
	world_run(w, 2000);
	want_closed(w, a, 4500);
}

int
main(void)
{
#define LIFE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LIFE(test_end),
		LIFE(test_nothing_is_taken_after_the_end),
		LIFE(test_outside_end),
		LIFE(test_warning_of_a_long_life),
		LIFE(test_refresh_own),
		LIFE(test_refresh_outside),
		LIFE(test_refresh_moves_the_end),
		LIFE(test_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
