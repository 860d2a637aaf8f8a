/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/client.h"

/* The worlds' groups are read by cursor beyond 4 members. */

#define SEQS_MAX 200
#define MOVES    12
#define SEEDS    60
struct hall {
	struct world *w;
	int alice, talkers[3], erin;
	int said;
	bool here;
};

/* Up to three texts, of anybody but the owner. */
static void
hall_talk(struct hall *h)
{
	uint32_t i;
	char say[160];

	for (i = world_random(h->w, 4); i > 0; i--) {
		snprintf(say, sizeof(say),
		    "{'op':'message.send','conv':'$g','mid':'m%d',"
		    "'type':'text','body':{'text':'x'}}",
		    h->said++);
		world_post(h->w, h->talkers[world_random(h->w, 3)], say);
	}
}

static struct hall
hall_open(uint64_t seed)
{
	struct world_opts opts = world_defaults();
	struct hall h = { .here = true };

	opts.seed = seed;
	opts.mail_ms = opts.log_ms = 50;
	h.w = client_world(&opts);
	h.alice = login(h.w, "alice", "a1");
	h.talkers[0] = login(h.w, "bob", "b1");
	h.talkers[1] = login(h.w, "carol", "c1");
	h.talkers[2] = login(h.w, "dave", "d1");
	h.erin = login(h.w, "erin", "e1");
	ask(h.w, h.alice,
	    "{'id':1,'op':'group.create','mid':'g','title':'Hall','users':["
	    "'bob','carol','dave','erin'],'history':'joined'}",
	    "{'id':1,'ok':{'conv':'$g','seq':1}}");
	return h;
}

/* Everybody talks while the owner moves Erin in or out. */
static void
hall_move(struct hall *h, int n)
{
	char move[160];

	hall_talk(h);
	snprintf(move, sizeof(move),
	    "{'op':'group.%s','conv':'$g','mid':'g%d','users':['erin']}",
	    h->here ? "kick" : "invite", n);
	world_post(h->w, h->alice, move);
	h->here = !h->here;
	world_run(h->w, world_random(h->w, 60));
	hall_talk(h);
	world_run(h->w, world_random(h->w, 60));
}

static int
seq_of(const char *text)
{
	const char *at = strstr(text, "\"seq\":");
	int seq = at == NULL ? 0 : atoi(at + 6);

	assert_true(seq < SEQS_MAX);
	return seq;
}

/* Which texts Erin has to hear, by the notices that Alice hears. */
static void
texts_while_here(struct hall *h, int want[SEQS_MAX])
{
	bool here = true;
	const char *text;

	while ((text = world_hear(h->w, h->alice)) != NULL) {
		if (strstr(text, "\"event\":\"kick\"") != NULL)
			here = false;
		else if (strstr(text, "\"event\":\"join\"") != NULL)
			here = true;
		else if (strstr(text, "\"type\":\"text\"") != NULL)
			want[seq_of(text)] = here;
	}
}

static void
each_once_while_here(uint64_t seed)
{
	int want[SEQS_MAX] = { 0 }, have[SEQS_MAX] = { 0 }, i;
	struct hall h = hall_open(seed);
	const char *text;

	for (i = 0; i < MOVES; i++)
		hall_move(&h, i);
	world_settle(h.w);
	texts_while_here(&h, want);
	while ((text = world_hear(h.w, h.erin)) != NULL) {
		if (strstr(text, "\"type\":\"text\"") != NULL)
			have[seq_of(text)]++;
	}
	for (i = 0; i < SEQS_MAX; i++) {
		if (have[i] != want[i])
			print_message("seed %d, seq %d\n", (int)seed, i);
		assert_int_equal(have[i], want[i]);
	}
	world_free(h.w);
}

/* Whatever way the news of its coming and going take. */
static void
test_a_member_hears_all_while_it_is_one(void **state)
{
	uint64_t seed;

	(void)state;
	crypto_init();
	for (seed = 1; seed <= SEEDS; seed++)
		each_once_while_here(seed);
}

/* How often the link has heard the text of seq 2, or that it is there. */
static int
hears_of_two(struct world *w, int link)
{
	const char *text;
	int n = 0;

	while ((text = world_hear(w, link)) != NULL) {
		n += strstr(text, "\"type\":\"text\"") != NULL &&
		    seq_of(text) == 2;
		n += strstr(text, "\"large\":[") != NULL &&
		    seq_of(strstr(text, "\"large\":[")) == 2;
	}
	return n;
}

static void
both_hear_of_it(uint64_t seed)
{
	struct world_opts opts = world_defaults();
	const char *text = NULL;
	int bob, here, comes;
	struct world *w;

	opts.seed = seed;
	opts.mail_ms = 100;
	opts.log_ms = 4;
	w = client_world(&opts);
	bob = login(w, "bob", "b1");
	here = login(w, "alice", "a1");
	world_post(w, bob,
	    "{'id':1,'op':'group.create','mid':'g','title':'Hall','users':["
	    "'alice','carol','dave','erin']}");
	while (text == NULL ||
	    world_match(w, "{'id':1,'ok':{'conv':'$g'}}", text) != NULL) {
		world_run(w, 1);
		text = world_hear(w, bob);
	}
	world_post(w, bob,
	    "{'op':'message.send','conv':'$g','mid':'m','type':'text',"
	    "'body':{'text':'x'}}");
	comes = world_open(w);
	world_post(w, comes,
	    "{'id':1,'op':'hello','token':'$token.alice','device':'a2'}");
	world_settle(w);
	if (hears_of_two(w, here) != 1 || hears_of_two(w, comes) != 1)
		fail_msg("seed %d", (int)seed);
	world_free(w);
}

/* The log-in of another one knows of it before the news of it are here. */
static void
test_a_device_hears_all_when_another_comes(void **state)
{
	uint64_t seed;

	(void)state;
	crypto_init();
	for (seed = 1; seed <= SEEDS; seed++)
		both_hear_of_it(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_member_hears_all_while_it_is_one),
		cmocka_unit_test(test_a_device_hears_all_when_another_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
