/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald_frames: any frames on the links of people who have logged in, or
 * not yet, with links that break and time that passes between. The input is
 * cut at its NULs; the first byte of a piece names a link or an event, the
 * rest is the frame, where $c is the last call's id. Everything said to a
 * link is JSON, nobody hears of a message with a hole before it, and when
 * all have gone nothing is left.
 */
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/json/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/signald/core/harness.h"

#define LINKS     4 /* a, b, c: logged in; d: not yet */
#define PIECES    64
#define FRAME_MAX 70000

static const struct json_limits limits = { 1 << 20, 20000, 20 };
static const char *const users[LINKS] = { "alice", "bob", "alice", "carol" };

struct people {
	struct world *w;
	int link[LINKS];
	uint64_t sync[LINKS]; /* heard without a hole */
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

static void
check_message(struct people *p, int i, const struct json *v)
{
	struct json_in in;
	const char *push;
	uint64_t sync;

	json_in_init(&in, v, "");
	MUST(in.code == 0); /* an object */
	push = json_in_str_opt(&in, "push", 1, 64);
	if (push == NULL || strcmp(push, "message") != 0)
		return;
	sync = (uint64_t)json_in_int(&in, "sync", 1, INT64_MAX);
	MUST(in.code == 0);
	/* The last one says by itself where it begins. */
	MUST(i == LINKS - 1 || sync <= p->sync[i] + 1);
	if (sync > p->sync[i])
		p->sync[i] = sync;
}

static void
hear(struct people *p)
{
	char err[JSON_ERR_MAX];
	struct json *v;
	const char *text;
	int i;

	for (i = 0; i < LINKS; i++) {
		while ((text = world_hear(p->w, p->link[i])) != NULL) {
			MUST(json_parse(text, strlen(text), &limits, &v, err) ==
			    0);
			check_message(p, i, v);
			json_free(v);
			world_match(
			    p->w, "{'push':'call.invite','call':'$c'}", text);
		}
		world_hear_all(p->w, p->link[i]);
	}
}

/* A fresh link; it starts at what the user has heard on it so far. */
static void
enter(struct people *p, int i)
{
	char hello[160];

	p->link[i] = world_open(p->w);
	if (i == LINKS - 1)
		return;
	snprintf(hello, sizeof(hello),
	    "{'id':1,'op':'hello','token':'$token.%s','device':'d%d',"
	    "'sync':%llu}",
	    users[i], i, (unsigned long long)p->sync[i]);
	world_say(p->w, p->link[i], hello);
}

static void
piece(struct people *p, const uint8_t *data, size_t len)
{
	static char frame[FRAME_MAX];
	int i = data[0] % LINKS;

	len = len - 1 < sizeof(frame) - 1 ? len - 1 : sizeof(frame) - 1;
	memcpy(frame, data + 1, len);
	frame[len] = '\0';
	switch (data[0]) {
	case '+':
		world_run(p->w, len * 1000);
		return;
	case '-':
		i = frame[0] & (LINKS - 1);
		world_lose(p->w, p->link[i]);
		enter(p, i);
		return;
	case '!':
		world_forget(p->w); /* the next call is $c */
		return;
	default:
		world_say(p->w, p->link[i], frame);
	}
}

static void
people_end(struct people *p)
{
	world_run(p->w, 200000);
	hear(p);
	MUST(WORLD_STAT(p->w, links) == 0);
	MUST(WORLD_STAT(p->w, sessions) == 0);
	MUST(WORLD_STAT(p->w, users_online) == 0);
	MUST(WORLD_STAT(p->w, calls) == 0);
	world_free(p->w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world_opts opts = world_defaults();
	const uint8_t *end = data + len, *cut;
	struct people p = { .sync = { 0 } };
	int i, n;

	p.w = world_new(&opts);
	for (i = 0; i < LINKS; i++)
		disk_add_user(world_disk(p.w), users[i], users[i]);
	for (i = 0; i < LINKS; i++)
		enter(&p, i);
	hear(&p);
	for (n = 0; n < PIECES && data < end; n++) {
		cut = memchr(data, '\0', (size_t)(end - data));
		if (cut == NULL)
			cut = end;
		if (cut > data)
			piece(&p, data, (size_t)(cut - data));
		hear(&p);
		data = cut + 1;
	}
	people_end(&p);
	return 0;
}
