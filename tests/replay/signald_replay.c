/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald_replay: runs scripts (README.md) against signald/core. Without
 * arguments all of tests/replay/signald; ends with 1 when one of them failed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/replay/words.h"
#include "tests/unit/signald/core/harness.h"

#define LINKS_MAX 64
#define SCRIPTS   "tests/replay/signald"

struct run {
	struct world_opts opts;
	struct world *world; /* NULL until the first line beside conf */
	struct {
		char *name;
		int link;
	} links[LINKS_MAX];
	size_t nlinks;
	bool failed;
};

static void fail(struct run *, const struct words *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct run *r, const struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	printf("%s:%d: %s\n  ", w->file, w->line, w->text);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void
start(struct run *r)
{
	if (r->world == NULL)
		r->world = world_new(&r->opts);
}

static void
do_conf(struct run *r, struct words *w)
{
	struct sig_config *cfg = &r->opts.cfg;
	const struct {
		const char *key;
		uint32_t *value;
	} numbers[] = {
		{ "shards", &cfg->shards },
		{ "mail-ms", &r->opts.mail_ms },
		{ "log-ms", &r->opts.log_ms },
		{ "window", &cfg->window },
		{ "resume-ms", &cfg->resume_ms },
		{ "kill-ms", &cfg->kill_ms },
		{ "ring-ms", &cfg->ring_ms },
		{ "text-bytes", &cfg->text_bytes },
		{ "max-pending", &cfg->max_pending_per_session },
		{ "max-rooms", &cfg->max_rooms },
		{ "chatroom-members", &cfg->chatroom_members },
		{ "max-sessions", &cfg->max_sessions_per_user },
	};
	const char *key = words_next(w);
	size_t i;

	if (r->world != NULL) {
		fail(r, w, "conf comes first");
		return;
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].value = words_number(w);
			return;
		}
	}
	if (strcmp(key, "seed") == 0)
		r->opts.seed = words_number(w);
	else
		fail(r, w, "unknown conf %s", key);
}

static void
do_user(struct run *r, struct words *w)
{
	const char *name = words_next(w);

	start(r);
	disk_add_user(world_disk(r->world), name, words_next(w));
}

static void
do_friends(struct run *r, struct words *w)
{
	const char *one = words_next(w);

	start(r);
	disk_befriend(world_disk(r->world), one, words_next(w));
}

static void
do_elapse(struct run *r, struct words *w)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	char *unit;
	uint64_t n = strtoull(words_next(w), &unit, 10);
	size_t i;

	start(r);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			world_run(r->world, n * units[i].ms);
			return;
		}
	}
	fail(r, w, "elapse in ms, s, m or h");
}

static void
do_log(struct run *r, struct words *w)
{
	static const struct {
		const char *name;
		int err;
	} errs[] = { { "ENOSPC", -ENOSPC }, { "EIO", -EIO } };
	const char *what = words_next(w), *name;
	size_t i;

	start(r);
	words_next(w); /* fails */
	name = words_next(w);
	for (i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		if (strcmp(name, errs[i].name) != 0)
			continue;
		if (strcmp(what, "appends") == 0) {
			world_fail_appends(
			    r->world, errs[i].err, words_number(w));
			return;
		}
		if (strcmp(what, "reads") == 0) {
			world_fail_reads(
			    r->world, errs[i].err, words_number(w));
			return;
		}
	}
	fail(r, w, "log appends|reads fails ENOSPC|EIO N");
}

static int
link_named(const struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->nlinks; i++) {
		if (strcmp(r->links[i].name, name) == 0)
			return r->links[i].link;
	}
	return 0;
}

static void
link_open(struct run *r, struct words *w, const char *name)
{
	size_t i;

	for (i = 0; i < r->nlinks; i++) {
		if (strcmp(r->links[i].name, name) == 0)
			break;
	}
	if (i == LINKS_MAX) {
		fail(r, w, "more than %d links", LINKS_MAX);
		return;
	}
	if (i == r->nlinks) {
		r->links[i].name = strdup(name);
		r->nlinks++;
	}
	r->links[i].link = world_open(r->world);
}

/* What stands after the sign in the line as it is. */
static const char *
json_of(const struct words *w, char sign)
{
	const char *p = strchr(w->text, sign);

	return p == NULL ? "" : p + 1;
}

static void
do_expect(struct run *r, struct words *w, int link)
{
	const char *why, *text = world_hear(r->world, link);

	why = world_match(r->world, json_of(w, '<'), text);
	if (why != NULL)
		fail(r, w, "%s", why);
}

static void
do_link(struct run *r, struct words *w)
{
	const char *name = words_next(w), *verb = words_next(w), *text;
	int link, code;

	start(r);
	if (strcmp(verb, "open") == 0) {
		link_open(r, w, name);
		return;
	}
	link = link_named(r, name);
	if (link == 0) {
		fail(r, w, "no link %s is open", name);
	} else if (strcmp(verb, ">") == 0) {
		if (!world_say(r->world, link, json_of(w, '>')))
			fail(r, w, "the link is closed");
	} else if (strcmp(verb, "<") == 0) {
		do_expect(r, w, link);
	} else if (strcmp(verb, "nothing") == 0) {
		text = world_hear(r->world, link);
		if (text != NULL)
			fail(r, w, "heard %s", text);
	} else if (strcmp(verb, "closed") == 0) {
		code = world_closed(r->world, link);
		if (code != (int)words_number(w))
			fail(r, w, "closed with %d", code);
	} else if (strcmp(verb, "lost") == 0) {
		world_lose(r->world, link);
	} else if (strcmp(verb, "vanishes") == 0) {
		world_vanish(r->world, link);
	} else {
		fail(r, w, "unknown verb %s", verb);
	}
}

static const struct {
	const char *name;
	void (*run)(struct run *, struct words *);
} verbs[] = {
	{ "conf", do_conf },
	{ "user", do_user },
	{ "friends", do_friends },
	{ "elapse", do_elapse },
	{ "log", do_log },
	{ "link", do_link },
};

static void
run_line(struct run *r, struct words *w)
{
	const char *verb = words_next(w);
	size_t i;

	if (*verb == '\0')
		return;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i].name) == 0) {
			verbs[i].run(r, w);
			return;
		}
	}
	fail(r, w, "unknown line");
}

static bool
run_script(const char *file)
{
	struct run r = { .opts = world_defaults() };
	struct words w;
	size_t i;

	if (words_open(&w, file) != 0) {
		printf("%s: %s\n", file, strerror(errno));
		return false;
	}
	while (!r.failed && words_line(&w))
		run_line(&r, &w);
	/* What nobody asked for is as wrong as what did not come. */
	for (i = 0; i < r.nlinks && !r.failed; i++) {
		snprintf(w.text, sizeof(w.text), "the end of the script");
		if (world_unheard(r.world, r.links[i].link) > 0)
			fail(&r, &w, "%s has more: %s", r.links[i].name,
			    world_hear(r.world, r.links[i].link));
	}
	for (i = 0; i < r.nlinks; i++)
		free(r.links[i].name);
	if (r.world != NULL)
		world_free(r.world);
	words_close(&w);
	return !r.failed;
}

int
main(int argc, char **argv)
{
	if (crypto_init() != 0)
		return 1;
	return words_main(argc, argv, SCRIPTS, run_script);
}
