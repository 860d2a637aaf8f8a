/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes on when the daemon is killed and comes back. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/signald/core/scene.h"

#define DOWN_MS 2000

static void
test_session_goes_on(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");

	/* Nothing was ever pushed on it. */
	want_nothing(w, a);
	world_crash(w, DOWN_MS);
	assert_int_equal(WORLD_STAT(w, sessions), 1);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
	a = resume(w, "alice", "d1", "");
	want_nothing(w, a);
	assert_int_equal(WORLD_STAT(w, resumes), 1);
	/* And through the next one, from a resumed session. */
	world_crash(w, DOWN_MS);
	a = resume(w, "alice", "d1", "");
	world_lose(w, a);
	resume(w, "alice", "d1", "");
}

static void
test_stop_keeps_it_all(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_say(w, a, "{'op':'sync.ack','sync':1}");
	world_lose(w, b);
	world_drain(w);
	world_crash(w, DOWN_MS);
	a = resume(w, "alice", "d1", "");
	b = resume(w, "bob", "d1", "");
	want_nothing(w, a);
	want(w, b, "{'push':'message','sync':1,'mid':'m1'}");
	want_nothing(w, b);
}

static void
test_secret_is_asked_for(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1");
	static const char *const wrong[] = {
		"'device':'d1','session':'$alice.d1.s','secret':'x'",
		"'device':'d2','session':'$alice.d1.s',"
		"'secret':'$alice.d1.k'",
		"'device':'d1','session':'$alice.d1.s'",
	};
	char text[256];
	size_t i;

	world_crash(w, DOWN_MS);
	for (i = 0; i < LEN(wrong); i++) {
		a = world_open(w);
		world_hear_all(w, a);
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'$token.alice',%s}",
		    wrong[i]);
		ask(w, a, text, "{'id':1,'ok':{'resumed':false}}");
	}
	resume(w, "alice", "d1", "");
}

/* Whoever heard the answer of its hello resumes, whenever the end came. */
static void
test_an_answer_is_a_promise(void **state)
{
	struct world_opts opts = world_defaults();
	uint32_t kept = 0, seed;
	const char *answer;
	struct world *w;
	int a;

	opts.log_ms = opts.mail_ms = 40;
	for (seed = 1; seed <= 60; seed++) {
		opts.seed = seed;
		w = client_world(&opts);
		a = world_open(w);
		world_hear_all(w, a);
		world_post(w, a,
		    "{'id':1,'op':'hello','token':'$token.alice',"
		    "'device':'d1'}");
		world_run(w, world_random(w, 200));
		answer = world_hear(w, a);
		if (answer != NULL) {
			assert_null(world_match(w,
			    "{'id':1,'ok':{'session':'$alice.d1.s',"
			    "'secret':'$alice.d1.k'}}",
			    answer));
			world_crash(w, DOWN_MS);
			resume(w, "alice", "d1", "");
			kept++;
		}
		world_free(w);
	}
	assert_in_range(kept, 10, 59);
}

static void
test_full_disk_lets_people_in(void **state)
{
	struct world *w = *state;
	int a = world_open(w);

	world_hear_all(w, a);
	world_fail_appends(w, -ENOSPC, 2); /* the session, the last-seen */
	ask(w, a, "{'id':1,'op':'hello','token':'$token.alice','device':'d1'}",
	    "{'id':1,'ok':{'session':'$alice.d1.s',"
	    "'secret':'$alice.d1.k'}}");
	world_lose(w, a);
	resume(w, "alice", "d1", "");
	/* But the restart has not heard of it. */
	world_crash(w, DOWN_MS);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
}

/* The client has gone before its session was on the disk: nobody knows the
 * secret, so nothing stays. */
static void
test_hello_of_a_client_that_went(void **state)
{
	struct world_opts opts = world_defaults();
	struct world *w;
	int a;

	opts.log_ms = 40;
	w = client_world(&opts);
	a = world_open(w);
	world_post(
	    w, a, "{'id':1,'op':'hello','token':'$token.alice','device':'d1'}");
	while (WORLD_STAT(w, sessions) == 0)
		world_run(w, 1);
	assert_int_equal(WORLD_STAT(w, users_online), 0);
	world_lose(w, a);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
	assert_int_equal(disk_kept(world_disk(w)), 0);
	world_free(w);
}

static void
test_unread_pushes_and_unanswered_requests(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");
	int i;

	for (i = 0; i < 3; i++) {
		client_text(w, a, "bob", (char[]){ 'm', (char)('1' + i), 0 });
		world_hear_all(w, a);
	}
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	/* Neither the cursor nor this text gets to the disk. */
	world_post(w, a,
	    "{'id':9,'op':'message.send','to':'bob','mid':'m4',"
	    "'type':'text','body':{'text':'x'}}");
	world_crash(w, DOWN_MS);
	b = resume(w, "bob", "d1", ",'sync':2");
	want(w, b, "{'push':'message','sync':3,'mid':'m3'}");
	want_nothing(w, b);
	a = resume(w, "alice", "d1", ",'sync':3");
	ask(w, a,
	    "{'id':9,'op':'message.send','to':'bob','mid':'m3',"
	    "'type':'text','body':{'text':'x'}}",
	    "{'id':9,'ok':{'mid':'m3','seq':3}}");
	client_text(w, a, "bob", "m4");
	want(w, b, "{'push':'message','sync':4,'mid':'m4'}");
	want_nothing(w, b);
}

/* Without a sync of the client's own, its stored cursor counts. */
static void
test_stored_cursor_counts(void **state)
{
	struct world *w = *state;
	int a = login(w, "alice", "d1"), b = login(w, "bob", "d1");

	client_text(w, a, "bob", "m1");
	world_hear_all(w, a);
	client_text(w, a, "bob", "m2");
	world_say(w, b, "{'op':'sync.ack','sync':1}");
	world_run(w, 1100);
	assert_int_equal(disk_cursor(world_disk(w), "bob", "d1"), 1);
	world_crash(w, DOWN_MS);
	b = resume(w, "bob", "d1", "");
	want(w, b, "{'push':'message','sync':2,'mid':'m2'}");
	want_nothing(w, b);
}

/* alice and bob share a conversation and are here; what the peers hear. */
static struct world *
acquainted(void **state, int *a, int *b)
{
	struct world *w = *state;

	disk_befriend(world_disk(w), "alice", "bob");
	*a = login(w, "alice", "d1");
	*b = login(w, "bob", "d1");
	client_text(w, *a, "bob", "m1");
	world_say(w, *a, "{'op':'sync.ack','sync':1}");
	world_say(w, *b, "{'op':'sync.ack','sync':1}");
	world_hear_all(w, *a);
	world_hear_all(w, *b);
	world_ignore_presence(w, false);
	world_run(w, 1100);
	return w;
}

static void
ping(struct world *w, int link)
{
	ask(w, link, "{'id':5,'op':'ping'}", "{'id':5,'ok':{}}");
}

static void
test_presence_does_not_flicker(void **state)
{
	int a, b, i;
	struct world *w = acquainted(state, &a, &b);

	world_crash(w, DOWN_MS);
	b = world_open(w);
	want(w, b, "{'push':'welcome'}");
	ask(w, b,
	    "{'id':1,'op':'hello','token':'$token.bob','device':'d1',"
	    "'session':'$bob.d1.s','secret':'$bob.d1.k'}",
	    "{'id':1,'ok':{'resumed':true,"
	    "'peers':[{'user':'alice','state':'online'}]}}");
	world_run(w, 3000);
	ping(w, b);
	a = resume(w, "alice", "d1", "");
	for (i = 0; i < 20; i++) {
		ping(w, a);
		ping(w, b);
		world_run(w, 4000);
	}
	want_nothing(w, a);
	want_nothing(w, b);
}

/* A new log-in within the window: online before, online after. */
static void
test_presence_with_a_new_session(void **state)
{
	int a, b, i;
	struct world *w = acquainted(state, &a, &b);

	world_crash(w, DOWN_MS);
	b = resume(w, "bob", "d1", "");
	world_forget(w);
	a = login(w, "alice", "d1");
	for (i = 0; i < 20; i++) {
		ping(w, a);
		ping(w, b);
		world_run(w, 4000);
	}
	want_nothing(w, b);
	assert_int_equal(WORLD_STAT(w, sessions), 2);
}

static void
test_who_stays_away_goes_offline_once(void **state)
{
	int a, b, i;
	struct world *w = acquainted(state, &a, &b);

	world_crash(w, DOWN_MS);
	b = resume(w, "bob", "d1", "");
	for (i = 0; i < 14; i++) {
		want_nothing(w, b);
		world_run(w, 4000);
		ping(w, b);
	}
	world_run(w, 4100);
	want(w, b, "{'push':'presence','user':'alice','state':'offline'}");
	world_run(w, 2000);
	want_nothing(w, b);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
	assert_int_equal(disk_kept(world_disk(w)), 1);
	/* And stays so. */
	world_crash(w, DOWN_MS);
	assert_int_equal(WORLD_STAT(w, users_online), 1);
}

static void
test_unreadable_log(void **state)
{
	struct world *w = *state;

	login(w, "alice", "d1");
	world_fail_reads(w, -EIO, world_defaults().cfg.shards);
	world_crash(w, DOWN_MS);
	assert_int_equal(WORLD_STAT(w, sessions), 0);
	world_forget(w);
	login(w, "alice", "d1");
}

/* More than fit go for good. */
static void
test_woken_sessions_are_bounded(void **state)
{
	struct world_opts opts = world_defaults();
	char device[8];
	struct world *w;
	int i;

	opts.cfg.max_sessions_per_user = 3;
	w = client_world(&opts);
	for (i = 0; i < 3; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		login(w, "alice", device);
	}
	world_reconfigure(w)->max_sessions_per_user = 2;
	world_crash(w, DOWN_MS);
	assert_int_equal(WORLD_STAT(w, sessions), 2);
	world_settle(w);
	assert_int_equal(disk_kept(world_disk(w)), 2);
	world_free(w);
}

/* Everybody of the scene is back; the calls of a and b: as wanted. */
static void
scene_back(struct scene *s, const char *calls)
{
	static const struct {
		const char *user, *device;
	} who[] = { { "alice", "a1" }, { "bob", "b1" }, { "alice", "a2" },
		{ "bob", "b2" } };
	int *const links[] = { &s->a, &s->b, &s->a2, &s->b2 };
	char text[256], answer[256];
	size_t i;

	for (i = 0; i < LEN(who); i++) {
		*links[i] = world_open(s->w);
		world_hear_all(s->w, *links[i]);
		snprintf(text, sizeof(text),
		    "{'id':1,'op':'hello','token':'$token.%s','device':'%s',"
		    "'session':'$%s.%s.s','secret':'$%s.%s.k'}",
		    who[i].user, who[i].device, who[i].user, who[i].device,
		    who[i].user, who[i].device);
		snprintf(answer, sizeof(answer),
		    "{'id':1,'ok':{'resumed':true,'calls':%s}}",
		    i < 2 ? calls : "'*'");
		ask(s->w, *links[i], text, answer);
	}
}

static void
test_ringing_goes_on(void **state)
{
	struct scene s = scene_ringing(state);

	world_crash(s.w, DOWN_MS);
	assert_int_equal(WORLD_STAT(s.w, calls), 1);
	scene_back(&s, "['$c']");
	want(s.w, s.a, "{'push':'call.ringing','call':'$c'}");
	want(s.w, s.b,
	    "{'push':'call.invite','call':'$c','from':'alice',"
	    "'media':{'audio':true,'video':true},'ts':1790000000000}");
	want(s.w, s.b2, "{'push':'call.invite','call':'$c'}");
	want_nothing(s.w, s.a2);
	ask(s.w, s.b, OP("12", "accept"), STATE("12", "active"));
	want(s.w, s.a, "{'push':'call.accept','call':'$c','device':'b1'}");
	want(s.w, s.b2, ENDED("answered_elsewhere"));
	ask(s.w, s.a, "{'id':13,'op':'call.offer','call':'$c','sdp':'v=0'}",
	    STATE("13", "active"));
	want(s.w, s.b, "{'push':'call.offer','call':'$c','sdp':'v=0'}");
}

static void
test_ringing_ends_in_time(void **state)
{
	struct scene s = scene_ringing(state);

	scene_pass(&s, 40);
	world_crash(s.w, 10000);
	scene_back(&s, "['$c']");
	world_hear_all(s.w, s.a);
	scene_pass(&s, 9);
	want_nothing(s.w, s.a);
	world_run(s.w, 1100);
	want(s.w, s.a, ENDED("timeout"));
	want(s.w, s.a, RECORD("missed"));
}

static void
test_ringing_was_over_meanwhile(void **state)
{
	struct scene s = scene_ringing(state);

	world_crash(s.w, 90000);
	world_run(s.w, 1);
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
	scene_back(&s, "[]");
	want(s.w, s.a, ENDED("timeout"));
	want(s.w, s.a, RECORD("missed"));
}

static void
test_active_goes_on(void **state)
{
	struct scene s = scene_active(state);

	ask(s.w, s.a,
	    "{'id':12,'op':'call.media','call':'$c','audio':false,"
	    "'video':true,'screen':false,'hold':false}",
	    STATE("12", "active"));
	world_run(s.w, 1000);
	world_crash(s.w, DOWN_MS);
	scene_back(&s, "['$c']");
	/* What may have been lost with the old links. */
	want(s.w, s.a, "{'push':'call.accept','call':'$c','device':'b1'}");
	/* bob came a moment later than alice. */
	want(s.w, s.a, "{'push':'call.peer','call':'$c','state':'away'}");
	want(s.w, s.a, "{'push':'call.peer','call':'$c','state':'back'}");
	want_nothing(s.w, s.a);
	want(s.w, s.b, "{'push':'call.media','call':'$c','audio':false}");
	want_nothing(s.w, s.b);
	want_nothing(s.w, s.b2);
	ask(s.w, s.b, "{'id':13,'op':'call.offer','call':'$c','sdp':'v=0'}",
	    STATE("13", "active"));
	want(s.w, s.a, "{'push':'call.offer','call':'$c','sdp':'v=0'}");
	ask(s.w, s.b2, OP("14", "hangup"), REFUSED("14", "not_found"));
	ask(s.w, s.a, OP("15", "hangup"), STATE("15", "ended"));
	want(s.w, s.b,
	    "{'push':'call.ended','call':'$c','reason':'hangup',"
	    "'duration_ms':3000}");
	want(s.w, s.b,
	    "{'push':'message','type':'call',"
	    "'body':{'outcome':'answered','duration_ms':3000}}");
	/* The next restart has nothing left of it. */
	world_crash(s.w, DOWN_MS);
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
}

/* Not on the disk means told to nobody: it rings on, and can be accepted. */
static void
test_accept_that_was_lost(void **state)
{
	struct scene s = scene_ringing(state);

	world_fail_appends(s.w, 0, 0);
	world_slow_log(s.w, 1000);
	world_post(s.w, s.b, OP("12", "accept"));
	while (WORLD_STAT(s.w, calls_answered) == 0)
		world_run(s.w, 1);
	want_nothing(s.w, s.a);
	want_nothing(s.w, s.b);
	want_nothing(s.w, s.b2);
	world_slow_log(s.w, 0);
	world_crash(s.w, DOWN_MS);
	scene_back(&s, "['$c']");
	world_hear_all(s.w, s.a);
	world_hear_all(s.w, s.b);
	ask(s.w, s.b, OP("12", "accept"), STATE("12", "active"));
	want(s.w, s.a, "{'push':'call.accept','call':'$c','device':'b1'}");
}

static void
test_accept_on_a_full_disk(void **state)
{
	struct scene s = scene_ringing(state);

	world_fail_appends(s.w, -ENOSPC, 1);
	ask(s.w, s.b, OP("12", "accept"), STATE("12", "active"));
	want(s.w, s.a, "{'push':'call.accept','call':'$c','device':'b1'}");
}

/* Before the end is on the disk nobody hears of it, and a crash takes it. */
static void
test_end_on_its_way_to_the_disk(void **state)
{
	struct scene s = scene_active(state);

	world_slow_log(s.w, 1000);
	world_post(s.w, s.a, OP("12", "hangup"));
	while (WORLD_STAT(s.w, calls) > 0)
		world_run(s.w, 1);
	want_nothing(s.w, s.a);
	want_nothing(s.w, s.b);
	world_slow_log(s.w, 0);
	world_crash(s.w, DOWN_MS);
	scene_back(&s, "['$c']");
	world_hear_all(s.w, s.a);
	world_hear_all(s.w, s.b);
	ask(s.w, s.a, OP("13", "hangup"), STATE("13", "ended"));
	want(s.w, s.b, "{'push':'call.ended','call':'$c','reason':'hangup'}");
	world_crash(s.w, DOWN_MS);
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
}

/* Hung up while the accept was on its way to the disk. */
static void
test_accept_of_a_call_that_ends(void **state)
{
	struct scene s = scene_ringing(state);

	world_slow_log(s.w, 1000);
	world_post(s.w, s.b, OP("12", "accept"));
	while (WORLD_STAT(s.w, calls_answered) == 0)
		world_run(s.w, 1);
	world_post(s.w, s.a, OP("13", "hangup"));
	world_settle(s.w);
	want(s.w, s.a, STATE("13", "ended"));
	want(s.w, s.a, ENDED("hangup"));
	want(s.w, s.b, REFUSED("12", "not_found"));
	want(s.w, s.b, ENDED("hangup"));
	/* It had not been told that another device answered. */
	want(s.w, s.b2, ENDED("hangup"));
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
	world_crash(s.w, DOWN_MS);
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
}

static void
test_side_that_stays_away_is_lost(void **state)
{
	struct scene s = scene_active(state);
	int i;

	world_crash(s.w, DOWN_MS);
	s.a = resume(s.w, "alice", "a1", "");
	world_hear_all(s.w, s.a);
	for (i = 0; i < 14; i++) {
		want_nothing(s.w, s.a);
		world_run(s.w, 4000);
		ping(s.w, s.a);
	}
	world_run(s.w, 5000);
	want(s.w, s.a, ENDED("lost"));
	want(s.w, s.a, RECORD("answered"));
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
}

/* The session is gone from the disk and its call is not: the end came between
 * the two. */
static void
test_call_without_its_session(void **state)
{
	struct scene s = scene_active(state);
	struct sig_append gone = { .kind = SIG_APPEND_KEEP };
	struct sig_appended done;

	snprintf(gone.conv, sizeof(gone.conv), "s:bob:%s",
	    world_var(s.w, "bob.b1.s"));
	disk_append(world_disk(s.w), &gone, &done);
	assert_int_equal(done.err, 0);
	world_crash(s.w, DOWN_MS);
	world_settle(s.w);
	assert_int_equal(WORLD_STAT(s.w, calls), 0);
	s.a = resume(s.w, "alice", "a1", "");
	want(s.w, s.a, ENDED("lost"));
}

/* Its end was told to a link that had broken, and then we broke: whoever
 * comes back sees by the list that there is no such call any more. */
static void
test_end_that_was_not_heard(void **state)
{
	struct scene s = scene_active(state);

	world_lose(s.w, s.b);
	want(s.w, s.a, "{'push':'call.peer','call':'$c','state':'away'}");
	ask(s.w, s.a, OP("13", "hangup"), STATE("13", "ended"));
	world_crash(s.w, DOWN_MS);
	scene_back(&s, "[]");
	want(s.w, s.b, "{'push':'message','type':'call','body':{'call':'$c'}}");
}

static void
test_no_list_without_a_restart(void **state)
{
	struct scene s = scene_active(state);
	const char *answer;

	world_lose(s.w, s.a);
	s.a = world_open(s.w);
	world_hear_all(s.w, s.a);
	world_say(s.w, s.a,
	    "{'id':1,'op':'hello','token':'$token.alice','device':'a1',"
	    "'session':'$alice.a1.s','secret':'$alice.a1.k'}");
	answer = world_hear(s.w, s.a);
	assert_null(world_match(s.w, "{'id':1,'ok':{'resumed':true}}", answer));
	assert_null(strstr(answer, "\"calls\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(test_session_goes_on),
		ALONE(test_stop_keeps_it_all),
		ALONE(test_secret_is_asked_for),
		ALONE(test_an_answer_is_a_promise),
		ALONE(test_full_disk_lets_people_in),
		ALONE(test_hello_of_a_client_that_went),
		ALONE(test_unread_pushes_and_unanswered_requests),
		ALONE(test_stored_cursor_counts),
		ALONE(test_presence_does_not_flicker),
		ALONE(test_presence_with_a_new_session),
		ALONE(test_who_stays_away_goes_offline_once),
		ALONE(test_unreadable_log),
		ALONE(test_woken_sessions_are_bounded),
		ALONE(test_ringing_goes_on),
		ALONE(test_ringing_ends_in_time),
		ALONE(test_ringing_was_over_meanwhile),
		ALONE(test_active_goes_on),
		ALONE(test_accept_that_was_lost),
		ALONE(test_accept_on_a_full_disk),
		ALONE(test_end_on_its_way_to_the_disk),
		ALONE(test_accept_of_a_call_that_ends),
		ALONE(test_side_that_stays_away_is_lost),
		ALONE(test_call_without_its_session),
		ALONE(test_end_that_was_not_heard),
		ALONE(test_no_list_without_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
