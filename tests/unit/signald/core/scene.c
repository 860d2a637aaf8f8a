/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/signald/core/scene.h"

struct scene
scene_people(void **state)
{
	struct scene s = { .w = *state };

	s.a = login(s.w, "alice", "a1");
	s.a2 = login(s.w, "alice", "a2");
	s.b = login(s.w, "bob", "b1");
	s.b2 = login(s.w, "bob", "b2");
	return s;
}

struct scene
scene_invited(void **state)
{
	struct scene s = scene_people(state);

	ask(s.w, s.a, INVITE("10", "bob"), STATE("10", "inviting"));
	want(s.w, s.b,
	    "{'push':'call.invite','call':'$c','from':'alice',"
	    "'media':{'audio':true,'video':true},'ts':1790000000000}");
	want(s.w, s.b2, "{'push':'call.invite','call':'$c'}");
	want_nothing(s.w, s.a);
	want_nothing(s.w, s.a2);
	return s;
}

struct scene
scene_ringing(void **state)
{
	struct scene s = scene_invited(state);

	ask(s.w, s.b, OP("11", "ringing"), STATE("11", "ringing"));
	want(s.w, s.a, "{'push':'call.ringing','call':'$c'}");
	return s;
}

struct scene
scene_active(void **state)
{
	struct scene s = scene_ringing(state);

	ask(s.w, s.b, OP("12", "accept"), STATE("12", "active"));
	want(s.w, s.a, "{'push':'call.accept','call':'$c','device':'b1'}");
	want(s.w, s.b2, ENDED("answered_elsewhere"));
	want_nothing(s.w, s.b);
	return s;
}

static void
alive(struct scene *s)
{
	const int links[] = { s->a, s->a2, s->b, s->b2 };
	size_t i;

	for (i = 0; i < LEN(links); i++)
		world_say(s->w, links[i], "{'op':'sync.ack','sync':0}");
}

void
scene_pass(struct scene *s, int seconds)
{
	for (; seconds > 0; seconds -= 5) {
		alive(s);
		world_run(s->w, seconds > 5 ? 5000 : (uint64_t)seconds * 1000);
	}
	alive(s);
}
