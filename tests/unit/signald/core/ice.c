/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/core/ice.h"
#include "tests/unit/signald/core/client.h"

#define HOUR_MS 3600000
#define PUSH(expiry)                                                      \
	"{'push':'ice','iceServers':[{'urls':['stun:203.0.113.1:3478']}," \
	"{'urls':['turn:203.0.113.1:3478?transport=udp'],"                \
	"'username':'" expiry ":alice','credential':'*'}],"               \
	"'ice_ttl_s':3600}"

/* Clients may be silent for a day. */
static int
setup_quiet(void **state)
{
	struct world_opts opts = world_defaults();

	opts.cfg.kill_ms = 24 * HOUR_MS;
	crypto_init();
	*state = client_world(&opts);
	return 0;
}

static void
test_told_before_they_end(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	world_run(w, HOUR_MS / 4 * 3 - 20);
	want_nothing(w, a);
	world_run(w, 40);
	want(w, a, PUSH("1790006300"));
	world_run(w, HOUR_MS / 4 * 3 - 40);
	want_nothing(w, a);
	world_run(w, 60);
	want(w, a, PUSH("1790009000"));
	want_nothing(w, a);
}

static void
test_asking_begins_anew(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	world_run(w, HOUR_MS / 2);
	ask(w, a, "{'id':2,'op':'ice.get'}", "{'id':2,'ok':'*'}");
	world_run(w, HOUR_MS / 2);
	want_nothing(w, a);
	world_run(w, HOUR_MS / 4 + 20);
	want(w, a, PUSH("1790008100"));
}

static void
test_without_a_link_nobody_is_told(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1");

	world_run(w, HOUR_MS / 4 * 3 - 1000);
	world_lose(w, a);
	world_run(w, 2000);
	a = resume(w, "alice", "a1", "");
	want_nothing(w, a);
	world_run(w, HOUR_MS / 4 * 3 - 20);
	want_nothing(w, a);
	world_run(w, 40);
	want(w, a, "{'push':'ice'}");
	/* Another link took over: it has its own time. */
	world_run(w, HOUR_MS / 2);
	a = resume(w, "alice", "a1", "");
	world_run(w, HOUR_MS / 2);
	want_nothing(w, a);
}

static void
test_made(void **state)
{
	static const char *const secrets[] = { "north", "old", NULL };
	static const char *const uris[] = { "turn:a", NULL };
	static const char *const none[] = { NULL };
	struct sig_config cfg = {
		.turn_secrets = secrets, .turn_uris = uris, .ice_ttl_s = 600
	};
	char longest[SIG_ICE_USER_MAX + 2];
	struct sig_ice ice;

	crypto_init();
	assert_int_equal(sig_ice_make(&cfg, "alice", 1790000000999, &ice), 0);
	assert_string_equal(ice.username, "1790000600:alice");
	assert_string_equal(ice.credential, "4RRr0jBq4RcyYNm/iCBqluh8dJg=");
	assert_int_equal(sig_ice_make(&cfg, "", 1790000000000, &ice), 0);
	assert_string_equal(ice.username, "1790000600");
	assert_string_equal(ice.credential, "+dXDwTD+sIY27q31QgTM7ZdTIqM=");
	memset(longest, 'x', sizeof(longest));
	longest[SIG_ICE_USER_MAX + 1] = '\0';
	assert_int_equal(sig_ice_make(&cfg, longest, 1, &ice), -EINVAL);
	longest[SIG_ICE_USER_MAX] = '\0';
	assert_int_equal(sig_ice_make(&cfg, longest, UINT64_MAX, &ice), 0);
	cfg.turn_uris = none;
	assert_int_equal(sig_ice_make(&cfg, "alice", 1, &ice), -ENOENT);
	cfg.turn_uris = uris;
	cfg.turn_secrets = none;
	assert_int_equal(sig_ice_make(&cfg, "alice", 1, &ice), -ENOENT);
	crypto_fini();
}

#define QUIET(f) \
	cmocka_unit_test_setup_teardown(f, setup_quiet, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		QUIET(test_told_before_they_end),
		QUIET(test_asking_begins_anew),
		QUIET(test_without_a_link_nobody_is_told),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
