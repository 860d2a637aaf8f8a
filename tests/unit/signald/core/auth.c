/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of an identity service at the hello. */
#include <errno.h>
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "signald/core/event.h"
#include "tests/unit/signald/core/client.h"
#include "tests/unit/signald/core/outside.h"

#define NOW_S (WORLD_WALL_MS / 1000)

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
	opts.cfg.events = UINT32_C(1) << SIG_EVENT_USER_REGISTERED;
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

/* Says hello with it on a new link. */
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
test_good(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];

	hello(w, outside_of(token, "alice", NOW_S + 60, 0),
	    "{'id':1,'ok':{'user':'alice','nick':'The alice'}}");
	/* Our own are taken beside them. */
	login(w, "bob", "b1");
}

/* Whom nobody here has heard of is made at the first hello. */
static void
test_new_user(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];
	int a = login(w, "alice", "a1"), z;

	outside_of(token, "zoe", NOW_S + 60, 0);
	z = hello(
	    w, token, "{'id':1,'ok':{'user':'zoe','nick':'zoe','sync':0}}");
	client_text(w, a, "zoe", "m1");
	want(w, z, "{'push':'message','from':'alice','sync':1}");
	z = hello(w, token, "{'id':1,'ok':{'user':'zoe','sync':1}}");
	world_hear_all(w, z);
}

static void
test_two_devices_of_a_new_user(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX], text[OUTSIDE_MAX + 128];
	int i, links[3];

	outside_of(token, "zoe", NOW_S + 60, 0);
	for (i = 0; i < 3; i++) {
		links[i] = world_open(w);
		world_hear_all(w, links[i]);
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'%s','device':'d%d'}", token,
		    i);
		world_post(w, links[i], text);
	}
	world_settle(w);
	for (i = 0; i < 3; i++)
		want(w, links[i], "{'id':1,'ok':{'user':'zoe'}}");
	/* Whoever is told of new users is told once. */
	assert_null(world_match(
	    w, "{'event':'user.registered','user':'zoe'}", world_told(w)));
	assert_null(world_told(w));
}

static void
test_new_user_is_not_stored(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX], text[OUTSIDE_MAX + 128];
	int z;

	outside_of(token, "zoe", NOW_S + 60, 0);
	world_fail_appends(w, -ENOSPC, 1);
	z = hello(w, token, "{'id':1,'err':{'code':'storage'}}");
	assert_int_equal(world_closed(w, z), 0);
	snprintf(text, sizeof(text),
	    "{'id':2,'op':'hello','token':'%s','device':'d'}", token);
	ask(w, z, text, "{'id':2,'ok':{'user':'zoe'}}");
}

/* Our own token of a user that is gone makes nobody. */
static void
test_own_token_makes_no_user(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	int z = hello(w, "$token.zoe", "{'id':1,'err':{'code':'not_found'}}");

	want_closed(w, z, 4501);
}

static void
test_refused(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	static const struct {
		const char *claims, *msg;
	} bad[] = {
		{ "\"sub\":\"alice\",\"exp\":1789999995",
		    "token: it is expired" },
		{ "\"sub\":\"alice\",\"exp\":1790000060,\"nbf\":1790000006",
		    "token: it is not good yet" },
		{ "\"sub\":\"alice\",\"exp\":1790000060,\"aud\":\"x\"",
		    "token: its audience is not this server" },
		{ "\"sub\":\"Alice\",\"exp\":1790000060",
		    "token: its user is no name here: a-z 0-9 . _ - only, a "
		    "letter or digit first, 32 at most" },
		{ "\"sub\":\"alice@id.example\",\"exp\":1790000060",
		    "token: its user is no name here: a-z 0-9 . _ - only, a "
		    "letter or digit first, 32 at most" },
	};
	char token[OUTSIDE_MAX], answer[256];
	size_t i;
	int a;

	for (i = 0; i < LEN(bad); i++) {
		snprintf(answer, sizeof(answer),
		    "{'id':1,'err':{'code':'unauthorized','msg':'%s'}}",
		    bad[i].msg);
		a = hello(w, outside_token(token, bad[i].claims), answer);
		want_closed(w, a, 4500);
	}
	outside_of(token, "alice", NOW_S + 60, 0);
	token[strlen(token) - 1] ^= 1;
	a = hello(w, token, "{'id':1,'err':{'code':'unauthorized'}}");
	want_closed(w, a, 4500);
}

static void
test_other_keys(void **state)
{
	struct world *w = ((struct fixture *)*state)->w;
	char token[OUTSIDE_MAX];
	uint32_t i;

	outside_of(token, "alice", NOW_S + 60, 0);
	for (i = 0; i < 4; i++)
		sig_core_set_jwt(world_core(w, i), NULL);
	hello(w, token, "{'id':1,'err':{'code':'unauthorized'}}");
	for (i = 0; i < 4; i++)
		sig_core_set_jwt(
		    world_core(w, i), ((struct fixture *)*state)->jwt);
	hello(w, token, "{'id':1,'ok':{'user':'alice'}}");
}

int
main(void)
{
#define AUTH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		AUTH(test_good),
		AUTH(test_new_user),
		AUTH(test_two_devices_of_a_new_user),
		AUTH(test_new_user_is_not_stored),
		AUTH(test_own_token_makes_no_user),
		AUTH(test_refused),
		AUTH(test_other_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
