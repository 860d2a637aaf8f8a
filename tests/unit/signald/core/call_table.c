/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_table: every request of a call at every state from each of four
 * devices, two of the caller's user and two of the callee's: what it is
 * answered, and who hears what of it.
 */
#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/scene.h"

enum { INVITED, RINGS, RUNS, STATES };
enum { A, A2, B, B2, LINKS };

/*
 * A letter a device, in the order above:
 *   =  answered with the state, nobody hears
 *   r  rings     a  accepts    x  ends the call    y  is relayed
 *   F  forbidden N  not_found  C  conflict
 */
static const struct {
	const char *op, *more;
	const char *does[STATES];
} table[] = {
	{ "invite", NULL, { "=Caa", "=Caa", "=C=C" } },
	{ "ringing", "", { "FNrr", "FN==", "FN=N" } },
	{ "accept", "", { "FNaa", "FNaa", "FN=N" } },
	{ "refuse", "", { "FNxx", "FNxx", "FNCN" } },
	{ "cancel", "", { "xNFF", "xNFF", "CNFN" } },
	{ "hangup", "", { "xNxx", "xNxx", "xNxN" } },
	{ "offer", ",'sdp':'v=0'", { "CNCC", "CNCC", "yNyN" } },
	{ "answer", ",'sdp':'v=0'", { "CNCC", "CNCC", "yNyN" } },
	{ "candidate", ",'candidates':[null]", { "CNCC", "CNCC", "yNyN" } },
	{ "media", ",'audio':true,'video':true", { "=NCC", "=NCC", "yNyN" } },
};

static const char *const names[STATES] = { "inviting", "ringing", "active" };

static void
request(char *text, size_t size, size_t row, int who)
{
	if (table[row].more == NULL)
		snprintf(text, size,
		    "{'id':50,'op':'call.invite','to':'%s','media':{}}",
		    who < B ? "bob" : "alice");
	else
		snprintf(text, size, "{'id':50,'op':'call.%s','call':'$c'%s}",
		    table[row].op, table[row].more);
}

static void
expect(struct scene *s, char does, size_t row, int state, int who)
{
	const int links[LINKS] = { s->a, s->a2, s->b, s->b2 };
	const char *const code = does == 'F' ? "forbidden"
	    : does == 'N'                    ? "not_found"
	    : does == 'C'                    ? "conflict"
					     : NULL;
	const char *after = names[state];
	char text[256];
	int i;

	if (does == 'r')
		after = "ringing";
	else if (does == 'a')
		after = "active";
	else if (does == 'x')
		after = "ended";
	if (code != NULL)
		snprintf(
		    text, sizeof(text), "{'id':50,'err':{'code':'%s'}}", code);
	else
		snprintf(text, sizeof(text),
		    "{'id':50,'ok':{'call':'$c','state':'%s'}}", after);
	want(s->w, links[who], text);
	if (does == 'r')
		want(s->w, s->a, "{'push':'call.ringing','call':'$c'}");
	if (does == 'a') {
		snprintf(text, sizeof(text),
		    "{'push':'call.accept','call':'$c','device':'b%d'}",
		    who == B ? 1 : 2);
		want(s->w, s->a, text);
		want(s->w, links[who == B ? B2 : B],
		    ENDED("answered_elsewhere"));
	}
	if (does == 'y') {
		snprintf(text, sizeof(text), "{'push':'call.%s','call':'$c'%s}",
		    table[row].op, table[row].more);
		want(s->w, who == A ? s->b : s->a, text);
	}
	for (i = 0; does == 'x' && i < LINKS; i++) {
		if (i != A2 && (i != B2 || state != RUNS))
			want(s->w, links[i],
			    "{'push':'call.ended','call':'$c'}");
		want(s->w, links[i], "{'push':'message','type':'call'}");
	}
	for (i = 0; i < LINKS; i++)
		want_nothing(s->w, links[i]);
	assert_int_equal(WORLD_STAT(s->w, calls), does == 'x' ? 0 : 1);
}

static void
check(size_t row, int state, int who)
{
	static struct scene (*const scenes[STATES])(
	    void **) = { scene_invited, scene_ringing, scene_active };
	struct world_opts opts = world_defaults();
	void *world;
	struct scene s;
	char text[256];

	print_message("%s, %s, device %d\n", table[row].op, names[state], who);
	opts.cfg.shards = 1 + (uint32_t)(row + (size_t)who) % 4;
	world = client_world(&opts);
	s = scenes[state](&world);
	request(text, sizeof(text), row, who);
	world_say(s.w, (const int[]){ s.a, s.a2, s.b, s.b2 }[who], text);
	expect(&s, table[row].does[state][who], row, state, who);
	world_free(s.w);
}

static void
test_every_request(void **unused)
{
	size_t row;
	int state, who;

	for (row = 0; row < LEN(table); row++) {
		for (state = 0; state < STATES; state++) {
			for (who = 0; who < LINKS; who++)
				check(row, state, who);
		}
	}
}

/* The same of what befalls a side: its link goes, and comes back. */
static void
test_every_link(void **unused)
{
	static struct scene (*const scenes[STATES])(
	    void **) = { scene_invited, scene_ringing, scene_active };
	static const char *const users[LINKS] = { "alice", "alice", "bob",
		"bob" };
	static const char *const devices[LINKS] = { "a1", "a2", "b1", "b2" };
	struct world_opts opts = world_defaults();
	int state, who, i;
	struct scene s;
	void *world;

	for (i = 0; i < STATES * LINKS; i++) {
		state = i / LINKS;
		who = i % LINKS;
		world = client_world(&opts);
		s = scenes[state](&world);
		scene_pass(&s, 5);
		world_lose(s.w, (const int[]){ s.a, s.a2, s.b, s.b2 }[who]);
		world_settle(s.w);
		if (state == RUNS && who == A)
			want(s.w, s.b, PEER("away"));
		if (state == RUNS && who == B)
			want(s.w, s.a, PEER("away"));
		want_nothing(s.w, s.a);
		want_nothing(s.w, s.b);
		resume(s.w, users[who], devices[who], "");
		if (state == RUNS && who == A)
			want(s.w, s.b, PEER("back"));
		if (state == RUNS && who == B)
			want(s.w, s.a, PEER("back"));
		want_nothing(s.w, s.a);
		want_nothing(s.w, s.b);
		assert_int_equal(WORLD_STAT(s.w, calls), 1);
		world_free(s.w);
	}
}

static int
crypto_up(void **unused)
{
	return crypto_init();
}

static int
crypto_down(void **unused)
{
	crypto_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_request),
		cmocka_unit_test(test_every_link),
	};

	return cmocka_run_group_tests(tests, crypto_up, crypto_down);
}
