/* SPDX-License-Identifier: BSD-3-Clause */
#include "signald/core/notice.h"
#include "tests/unit/signald/core/client.h"

static uint64_t
say(struct world *w, const char *text)
{
	const struct sig_time t = { world_now(w),
		WORLD_WALL_MS + world_now(w) };
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < world_shards(w); i++)
		n += sig_core_notice(world_core(w, i), text, t);
	world_flush(w);
	return n;
}

static void
test_who_hears(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "a1"), a2 = login(w, "alice", "a2");
	int b = login(w, "bob", "b1"), stranger = world_open(w);

	world_hear_all(w, stranger);
	world_lose(w, a2);
	assert_int_equal(say(w, "Until \"ten\""), 2);
	want(w, a, "{'push':'notice','text':'Until \\\"ten\\\"','ts':'*'}");
	want(w, b, "{'push':'notice'}");
	want_nothing(w, stranger);
	/* It is not kept for anybody. */
	a2 = resume(w, "alice", "a2", "");
	want_nothing(w, a2);
}

static void
test_serves_again(void **state)
{
	struct world *w = *state;
	uint32_t i;

	login(w, "alice", "a1");
	world_drain(w);
	want_closed(w, world_open(w), 4003);
	for (i = 0; i < world_shards(w); i++)
		sig_core_serve(world_core(w, i));
	want_nothing(w, resume(w, "alice", "a1", ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_hears),
		TEST(test_serves_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
