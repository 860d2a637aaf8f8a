/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * storm: people who text, call and gather while their links break, with and
 * without anybody noticing, mail between shards is late, the log is slow and
 * sometimes fails, and now and then all of it is killed. At the end every text
 * that was ever sent is stored and has reached every device once and in order,
 * and nothing is left behind. FLOE_STORM=FROM-TO runs those seeds instead of
 * the usual ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/json/json.h"
#include "tests/unit/signald/core/client.h"

#define USERS   4
#define DEVICES 8 /* two of each user */
#define WAITING 4 /* texts of a device that have no answer yet */
#define STEPS   300
#define SEEDS   30

static const char *const users[USERS] = { "alice", "bob", "carol", "dave" };

struct device {
	int user;
	char name[8];
	int link; /* 0: none that the client knows of */
	bool ready;
	char session[64], secret[64], epoch[64];
	uint64_t sync;       /* kept, without a hole */
	uint64_t seq[USERS]; /* of the conversation with each */
	struct {
		char mid[16];
		int to;
	} waiting[WAITING];
	char call[SIG_CALL_MAX + 1];
};

struct storm {
	struct world *w;
	struct device d[DEVICES];
	uint32_t texts;              /* ever sent */
	char room[SIG_ROOM_MAX + 1]; /* the last that was made */
};

static void say(struct storm *s, const struct device *d, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct storm *s, const struct device *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	world_post(s->w, d->link, text);
}

static int
user_named(const char *name)
{
	int i;

	for (i = 0; i < USERS; i++) {
		if (strcmp(users[i], name) == 0)
			return i;
	}
	fail_msg("no user %s", name);
	return 0;
}

static void
copy(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src == NULL ? "" : src);
}

/* The other user of "main:1:x:y". */
static int
peer_in(const struct device *d, const char *conv)
{
	const char *x = conv + strlen("main:1:"), *y = strrchr(conv, ':') + 1;
	char first[SIG_NAME_MAX + 1];

	copy(first, sizeof(first), x);
	first[strcspn(first, ":")] = '\0';
	return user_named(strcmp(first, users[d->user]) == 0 ? y : first);
}

static void
on_message(struct device *d, struct json_in *in)
{
	uint64_t sync = (uint64_t)json_in_int(in, "sync", 1, INT64_MAX);
	uint64_t seq = (uint64_t)json_in_int(in, "seq", 1, INT64_MAX);
	const char *conv = json_in_str(in, "conv", 1, SIG_CONV_MAX);
	int peer = peer_in(d, conv);

	assert_true(sync <= d->sync + 1);
	if (sync <= d->sync)
		return; /* again, and the client knows */
	d->sync = sync;
	assert_int_equal(seq, d->seq[peer] + 1);
	d->seq[peer] = seq;
}

static void
on_hello(struct device *d, struct json_in *ok)
{
	assert_true(json_in_bool(ok, "recovered"));
	copy(d->session, sizeof(d->session), json_in_str(ok, "session", 1, 63));
	copy(d->secret, sizeof(d->secret), json_in_str(ok, "secret", 1, 63));
	copy(d->epoch, sizeof(d->epoch), json_in_str(ok, "epoch", 1, 63));
	if (!json_in_bool(ok, "resumed"))
		d->call[0] = '\0';
	d->ready = true;
}

static void
say_text(struct storm *s, const struct device *d, int i)
{
	say(s, d,
	    "{'id':%d,'op':'message.send','to':'%s','mid':'%s',"
	    "'type':'text','body':{'text':'x'}}",
	    100 + i, users[d->waiting[i].to], d->waiting[i].mid);
}

static void
on_answer(struct storm *s, struct device *d, int64_t id, struct json_in *in)
{
	const struct json *ok = json_in_object_opt(in, "ok");
	struct json_in members;
	int i = (int)id - 100;

	if (ok == NULL) {
		/* Nothing was stored, so it is asked again. */
		if (i >= 0 && d->waiting[i].mid[0] != '\0')
			say_text(s, d, i);
		return;
	}
	json_in_init(&members, ok, "ok");
	if (id == 1) {
		on_hello(d, &members);
		for (i = 0; i < WAITING; i++) {
			if (d->waiting[i].mid[0] != '\0')
				say_text(s, d, i);
		}
	} else if (id == 2) {
		copy(d->call, sizeof(d->call),
		    json_in_str(&members, "call", 1, SIG_CALL_MAX));
	} else if (id == 4) {
		copy(s->room, sizeof(s->room),
		    json_in_str(&members, "room", 1, SIG_ROOM_MAX));
	} else if (i >= 0) {
		assert_string_equal(
		    json_in_str(&members, "mid", 1, 64), d->waiting[i].mid);
		d->waiting[i].mid[0] = '\0';
	}
	assert_int_equal(members.code, 0);
}

static void
on_text(struct storm *s, struct device *d, const char *text)
{
	const struct json_limits limits = { 1 << 20, 10000, 16 };
	char err[JSON_ERR_MAX];
	struct json_in in;
	struct json *v;
	const char *push;

	assert_int_equal(json_parse(text, strlen(text), &limits, &v, err), 0);
	json_in_init(&in, v, "");
	push = json_in_str_opt(&in, "push", 1, 64);
	if (push == NULL)
		on_answer(s, d, json_in_int(&in, "id", 1, INT64_MAX), &in);
	else if (strcmp(push, "message") == 0)
		on_message(d, &in);
	else if (strcmp(push, "call.invite") == 0)
		copy(d->call, sizeof(d->call),
		    json_in_str(&in, "call", 1, SIG_CALL_MAX));
	assert_int_equal(in.code, 0);
	json_free(v);
}

static void
hear_everybody(struct storm *s)
{
	const char *text;
	struct device *d;

	for (d = s->d; d < s->d + DEVICES; d++) {
		if (d->link == 0)
			continue;
		while ((text = world_hear(s->w, d->link)) != NULL)
			on_text(s, d, text);
		if (world_closed(s->w, d->link) != 0) {
			assert_int_not_equal(world_closed(s->w, d->link), 4502);
			d->link = 0;
		}
	}
}

static void
enter(struct storm *s, struct device *d)
{
	d->link = world_open(s->w);
	d->ready = false;
	if (d->session[0] == '\0')
		say(s, d,
		    "{'id':1,'op':'hello','token':'$token.%s','device':'%s',"
		    "'sync':%llu}",
		    users[d->user], d->name, (unsigned long long)d->sync);
	else
		say(s, d,
		    "{'id':1,'op':'hello','token':'$token.%s','device':'%s',"
		    "'session':'%s','secret':'%s','epoch':'%s','sync':%llu}",
		    users[d->user], d->name, d->session, d->secret, d->epoch,
		    (unsigned long long)d->sync);
}

static void
write_text(struct storm *s, struct device *d)
{
	int i = (int)world_random(s->w, WAITING);

	if (d->waiting[i].mid[0] != '\0')
		return;
	snprintf(
	    d->waiting[i].mid, sizeof(d->waiting[i].mid), "m%u", ++s->texts);
	d->waiting[i].to =
	    (d->user + 1 + (int)world_random(s->w, USERS - 1)) % USERS;
	say_text(s, d, i);
}

static void
talk(struct storm *s, struct device *d)
{
	static const char *const ops[] = { "ringing", "accept", "accept",
		"refuse", "cancel", "hangup", "offer','sdp':'v=0",
		"answer','sdp':'v=1" };
	uint32_t i = world_random(s->w, LEN(ops) + 3);

	if (i > LEN(ops))
		say(s, d, "{'id':2,'op':'call.invite','to':'%s','media':{}}",
		    users[(d->user + 1 + (int)world_random(s->w, USERS - 1)) %
			USERS]);
	else if (i == LEN(ops))
		say(s, d,
		    "{'op':'call.candidate','call':'%s','candidates':[null]}",
		    d->call);
	else
		say(s, d, "{'id':3,'op':'call.%s','call':'%s'}", ops[i],
		    d->call);
}

#define MEDIA "'media':{'audio':true,'video':false}"

static void
gather(struct storm *s, struct device *d)
{
	static const char *const ops[] = { "join'," MEDIA ",'room",
		"leave','room", "offer','to':1,'sdp':'v=0','room",
		"answer','to':2,'sdp':'v=0','room", "media'," MEDIA ",'room" };
	static const char *const chats[] = { "join'", "join'", "leave'",
		"members'", "send','body':{},'self':true" };
	uint32_t i = world_random(s->w, LEN(ops) + 1);

	if (world_random(s->w, 3) == 0)
		say(s, d, "{'id':5,'op':'chatroom.%s,'room':'hall-%u'}",
		    chats[world_random(s->w, LEN(chats))],
		    world_random(s->w, 2));
	else if (i == LEN(ops) || s->room[0] == '\0')
		say(s, d, "{'id':4,'op':'room.create'," MEDIA "}");
	else
		say(s, d, "{'id':5,'op':'room.%s':'%s'}", ops[i], s->room);
}

/* One thing that one of them does. */
static void
step(struct storm *s)
{
	struct device *d = &s->d[world_random(s->w, DEVICES)];
	uint32_t dice = world_random(s->w, 100);

	if (d->link == 0) {
		if (dice < 60)
			enter(s, d);
	} else if (dice < 5) {
		world_vanish(s->w, d->link);
		d->link = 0;
	} else if (dice < 10) {
		world_lose(s->w, d->link);
		d->link = 0;
	} else if (!d->ready) {
		return;
	} else if (dice < 40) {
		write_text(s, d);
	} else if (dice < 60) {
		say(s, d, "{'op':'sync.ack','sync':%llu}",
		    (unsigned long long)d->sync);
	} else if (dice < 85) {
		talk(s, d);
	} else if (dice < 98) {
		gather(s, d);
	} else if (world_random(s->w, 4) == 0) {
		world_crash(s->w, world_random(s->w, 3000));
		for (d = s->d; d < s->d + DEVICES; d++)
			d->link = 0;
	} else {
		world_fail_appends(s->w, -EIO, 1);
	}
}

static bool
quiet(const struct storm *s)
{
	const struct device *d, *other;
	int i;

	for (d = s->d; d < s->d + DEVICES; d++) {
		for (i = 0; i < WAITING; i++) {
			if (d->waiting[i].mid[0] != '\0')
				return false;
		}
		other = &s->d[(d - s->d + USERS) % DEVICES];
		if (d->sync != other->sync)
			return false;
	}
	return true;
}

/* Nothing goes wrong any more; everybody comes and stays until all is told. */
static void
calm(struct storm *s)
{
	struct device *d;
	int round;

	for (round = 0; round < 200 && !(round > 20 && quiet(s)); round++) {
		for (d = s->d; d < s->d + DEVICES; d++) {
			if (d->link == 0)
				enter(s, d);
			else if (d->ready)
				say(s, d, "{'op':'sync.ack','sync':%llu}",
				    (unsigned long long)d->sync);
		}
		world_run(s->w, 500);
		hear_everybody(s);
	}
	assert_true(quiet(s));
}

static void
check_end(struct storm *s)
{
	struct device *d;
	uint64_t told = 0;
	int i;

	/* Dense in each conversation and inbox, so the counts are the proof:
	 * what one device of each user has is all that the log has. */
	for (d = s->d; d < s->d + USERS; d++) {
		for (i = 0; i < USERS; i++)
			told += d->seq[i];
	}
	assert_int_equal(told, 2 * disk_count(world_disk(s->w)));
	assert_int_equal(disk_texts(world_disk(s->w)), s->texts);
	for (d = s->d; d < s->d + DEVICES; d++)
		world_lose(s->w, d->link);
	world_run(s->w, 200000);
	assert_int_equal(WORLD_STAT(s->w, links), 0);
	assert_int_equal(WORLD_STAT(s->w, sessions), 0);
	assert_int_equal(WORLD_STAT(s->w, users_online), 0);
	assert_int_equal(WORLD_STAT(s->w, calls), 0);
	assert_int_equal(WORLD_STAT(s->w, rooms), 0);
	/* A removal that failed is made up for after the next restart. */
	world_crash(s->w, 1000);
	world_run(s->w, 200000);
	assert_int_equal(disk_kept(world_disk(s->w)), 0);
}

static void
storm(uint64_t seed)
{
	struct world_opts opts = world_defaults();
	struct storm *s = calloc(1, sizeof(*s));
	int i;

	opts.seed = seed;
	opts.mail_ms = seed % 3 == 0 ? 0 : (uint32_t)(seed % 7) * 20;
	opts.log_ms = (uint32_t)(seed % 5) * 20;
	opts.cfg.shards = (uint32_t)(seed % 4) + 1;
	opts.cfg.window = seed % 2 == 0 ? 4 : 256;
	opts.cfg.resume_ms = seed % 11 == 0 ? 2000 : 20000;
	s->w = client_world(&opts);
	for (i = 0; i < DEVICES; i++) {
		s->d[i].user = i % USERS;
		snprintf(s->d[i].name, sizeof(s->d[i].name), "d%d", i);
	}
	for (i = 0; i < STEPS; i++) {
		step(s);
		world_run(s->w, world_random(s->w, 200));
		hear_everybody(s);
	}
	world_fail_appends(s->w, 0, 0);
	calm(s);
	print_message("seed %llu: %zu messages, %llu resends, %llu resumes, "
		      "%llu calls, %llu answered\n",
	    (unsigned long long)seed, disk_count(world_disk(s->w)),
	    (unsigned long long)WORLD_STAT(s->w, resends),
	    (unsigned long long)WORLD_STAT(s->w, resumes),
	    (unsigned long long)WORLD_STAT(s->w, calls_started),
	    (unsigned long long)WORLD_STAT(s->w, calls_answered));
	check_end(s);
	world_free(s->w);
	free(s);
}

static void
test_storm(void **state)
{
	const char *range = getenv("FLOE_STORM");
	unsigned long seed = 1, last = SEEDS;

	if (range != NULL)
		assert_int_equal(sscanf(range, "%lu-%lu", &seed, &last), 2);
	for (; seed <= last; seed++)
		storm(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_storm, client_setup, client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
