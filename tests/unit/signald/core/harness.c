/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/world.h"

/* The core has no source of its own; tests want the same one every time. */
static uint64_t random_state;

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void
core_random(void *out, size_t len)
{
	uint8_t *p = out;

	while (len-- > 0)
		*p++ = (uint8_t)next_random(&random_state);
}

uint32_t
world_random(struct world *w, uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)(next_random(&w->seed) % n);
}

struct world_opts
world_defaults(void)
{
	static const char *const secrets[] = { "s3cret", NULL };
	static const char *const turns[] = {
		"turn:203.0.113.1:3478?transport=udp", NULL
	};
	static const char *const stuns[] = { "stun:203.0.113.1:3478", NULL };

	return (struct world_opts){ .seed = 1,
		.cfg = { .shards = 4,
		    .app = "main",
		    .node = "n1",
		    .ping_ms = 5000,
		    .kill_ms = 7000,
		    .mobile_ping_ms = 25000,
		    .mobile_wait_ms = 8000,
		    .spread_ms = 2000,
		    .hello_ms = 5000,
		    .resume_ms = 60000,
		    .ring_ms = 60000,
		    .resend_ms = 3000,
		    .frame_bytes = 65536,
		    .text_bytes = 16384,
		    .sdp_bytes = 49152,
		    .candidates = 64,
		    .window = 256,
		    .max_links = 1000,
		    .max_sessions_per_user = 8,
		    .max_pending_per_session = 32,
		    .group_members = 100,
		    .group_fanout = 4,
		    .max_rooms = 100,
		    .chatroom_members = 1000,
		    .token_key = { 1, 2, 3 },
		    .shard_key = { 4 }, /* alice, bob, carol and calls apart */
		    .turn_secrets = secrets,
		    .turn_uris = turns,
		    .stun_uris = stuns,
		    .ice_ttl_s = 3600,
		    .token_ms = 86400000,
		    .random = core_random } };
}

void
world_load_cores(struct world *w)
{
	struct sig_config cfg = w->opts.cfg;
	uint32_t i;

	for (cfg.shard = 0; cfg.shard < cfg.shards; cfg.shard++)
		w->cores[cfg.shard] = sig_core_new(&cfg);
	for (i = 0; i < cfg.shards; i++) {
		sig_core_load(w->cores[i], world_time(w));
		shell_run(w, i);
	}
}

void
world_start_cores(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		sig_core_start(w->cores[i], world_time(w));
		shell_run(w, i);
	}
}

/* As the daemon: all have loaded before one starts. */
static void
cores_new(struct world *w)
{
	world_load_cores(w);
	world_settle(w);
	world_start_cores(w);
}

struct world *
world_new(const struct world_opts *opts)
{
	struct world *w = calloc(1, sizeof(*w));

	w->opts = *opts;
	w->seed = random_state = opts->seed;
	w->disk = disk_new("5f2c0000000000000000000000000000");
	w->tap = tap_open();
	TAILQ_INIT(&w->events);
	TAILQ_INIT(&w->waiting);
	STAILQ_INIT(&w->told);
	STAILQ_INIT(&w->told_old);
	script_init(&w->script, w->opts.cfg.token_key);
	cores_new(w);
	return w;
}

static void
heard_free(struct heard_list *list)
{
	struct heard *h;

	while ((h = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(h->text);
		free(h);
	}
}

static void
events_free(struct events *events)
{
	struct event *e;

	while ((e = TAILQ_FIRST(events)) != NULL) {
		TAILQ_REMOVE(events, e, next);
		event_free(e);
	}
}

void
world_free_cores(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		sig_core_free(w->cores[i]);
		w->cores[i] = NULL;
	}
	events_free(&w->waiting);
	w->commit = NULL;
}

void
world_crash(struct world *w, uint64_t ms)
{
	int i;

	world_free_cores(w);
	events_free(&w->events);
	for (i = 1; i <= w->nlinks; i++)
		w->links[i]->gone = true;
	w->now += ms;
	cores_new(w);
}

struct sig_config *
world_reconfigure(struct world *w)
{
	return &w->opts.cfg;
}

void
world_slow_log(struct world *w, uint32_t ms)
{
	w->opts.log_ms = ms;
}

void
world_free(struct world *w)
{
	world_free_cores(w);
	events_free(&w->events);
	for (; w->nlinks > 0; w->nlinks--) {
		heard_free(&w->links[w->nlinks]->heard);
		heard_free(&w->links[w->nlinks]->old);
		free(w->links[w->nlinks]);
	}
	heard_free(&w->told);
	heard_free(&w->told_old);
	disk_free(w->disk);
	tap_close(w->tap);
	script_fini(&w->script);
	free(w);
}

struct sig_time
world_time(const struct world *w)
{
	return (struct sig_time){ w->now, WORLD_WALL_MS + w->now };
}

struct link *
world_link(const struct world *w, int link)
{
	if (link < 1 || link > w->nlinks)
		abort();
	return w->links[link];
}

static int
link_new(struct world *w, uint32_t shard)
{
	struct link *l = calloc(1, sizeof(*l));

	if (w->nlinks + 1 >= LINKS_MAX)
		abort();
	STAILQ_INIT(&l->heard);
	STAILQ_INIT(&l->old);
	l->shard = shard;
	l->opened_ms = w->now;
	w->links[++w->nlinks] = l;
	return w->nlinks;
}

int
world_open_at(struct world *w, uint32_t shard)
{
	int link;

	if (w->down)
		return 0;
	link = link_new(w, shard);
	sig_core_link_open(w->cores[shard], (uint64_t)link, world_time(w));
	shell_run(w, shard);
	return link;
}

int
world_open(struct world *w)
{
	return world_open_at(w, world_random(w, w->opts.cfg.shards));
}

int
world_guest(struct world *w, const char *user, const char *text)
{
	uint32_t shard = sig_shard_of(&w->opts.cfg, user);
	int link = link_new(w, shard);
	char *said = script_text(&w->script, text, WORLD_WALL_MS + w->now);

	tap_said(w->tap, link, said, strlen(said));
	sig_core_ask(w->cores[shard], (uint64_t)link, user, said, strlen(said),
	    world_time(w));
	free(said);
	shell_run(w, shard);
	world_settle(w);
	world_lose(w, link);
	return link;
}

bool
world_post(struct world *w, int link, const char *text)
{
	struct link *l = world_link(w, link);
	struct event *e;

	if (l->shut || l->vanished || l->gone)
		return false;
	e = event_at(w, FRAME, l->shard, link_later(w, l, &l->frame_at));
	e->link = link;
	e->text = script_text(&w->script, text, WORLD_WALL_MS + w->now);
	e->len = strlen(e->text);
	return true;
}

bool
world_say(struct world *w, int link, const char *text)
{
	bool open = world_post(w, link, text);

	world_settle(w);
	return open;
}

void
world_late_close(struct world *w, int link)
{
	shell_closed(w, link);
	world_settle(w);
}

void
world_account(struct world *w, const char *user, enum sig_account account,
    enum sig_user_role role)
{
	uint32_t shard = world_random(w, w->opts.cfg.shards);
	struct sig_append a = { .kind = SIG_APPEND_ACCOUNT,
		.account = account,
		.role = role,
		.ts = WORLD_WALL_MS + w->now };
	struct sig_appended done;

	snprintf(a.user, sizeof(a.user), "%s", user);
	disk_append(w->disk, &a, &done);
	if (done.err != 0)
		abort();
	sig_core_standing(w->cores[shard], user, &done.standing, world_time(w));
	shell_run(w, shard);
	world_settle(w);
}

bool
world_kick(struct world *w, const char *session)
{
	bool kicked = false;
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		kicked |= sig_core_kick(w->cores[i], session, world_time(w));
		shell_run(w, i);
	}
	world_settle(w);
	return kicked;
}

bool
world_dribble(struct world *w, int link)
{
	return sig_core_link_heard(w->cores[world_link(w, link)->shard],
	    (uint64_t)link, world_time(w));
}

void
world_lose(struct world *w, int link)
{
	world_link(w, link)->gone = true;
	world_late_close(w, link);
}

void
world_vanish(struct world *w, int link)
{
	world_link(w, link)->vanished = true;
}

void
world_drain(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		sig_core_drain(w->cores[i], world_time(w));
		shell_run(w, i);
	}
	world_settle(w);
}

uint32_t
world_shards(const struct world *w)
{
	return w->opts.cfg.shards;
}

void
world_flush(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++)
		shell_run(w, i);
	world_settle(w);
}

const char *
world_hear(struct world *w, int link)
{
	struct link *l = world_link(w, link);
	struct heard *h = STAILQ_FIRST(&l->heard);

	if (h == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&l->heard, next);
	STAILQ_INSERT_TAIL(&l->old, h, next);
	l->unheard--;
	return h->text;
}

const char *
world_told(struct world *w)
{
	struct heard *h = STAILQ_FIRST(&w->told);

	if (h == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&w->told, next);
	STAILQ_INSERT_TAIL(&w->told_old, h, next);
	return h->text;
}

size_t
world_unheard(const struct world *w, int link)
{
	return world_link(w, link)->unheard;
}

void
world_hear_all(struct world *w, int link)
{
	while (world_hear(w, link) != NULL)
		continue;
	heard_free(&world_link(w, link)->old);
}

int
world_closed(const struct world *w, int link)
{
	return world_link(w, link)->code;
}

uint32_t
world_shard(const struct world *w, int link)
{
	return world_link(w, link)->shard;
}

struct disk *
world_disk(struct world *w)
{
	return w->disk;
}

struct sig_core *
world_core(struct world *w, uint32_t shard)
{
	return w->cores[shard];
}

uint64_t
world_now(const struct world *w)
{
	return w->now;
}

uint64_t
world_stat(const struct world *w, size_t offset)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++)
		sum += *(const uint64_t *)((const char *)sig_core_stats(
					       w->cores[i]) +
		    offset);
	return sum;
}

void
world_fail_appends(struct world *w, int err, uint32_t n)
{
	w->append_err = err;
	w->append_errs = n;
}

void
world_fail_reads(struct world *w, int err, uint32_t n)
{
	w->read_err = err;
	w->read_errs = n;
}

void
world_lose_inbox_mail(struct world *w, bool lose)
{
	w->lose_inbox = lose;
}

uint64_t
world_mails(const struct world *w, enum sig_mail_kind kind)
{
	return w->mails[kind].all;
}

uint64_t
world_most_mails(const struct world *w, enum sig_mail_kind kind)
{
	return w->mails[kind].most;
}

void
world_ignore_presence(struct world *w, bool ignore)
{
	w->no_presence = ignore;
}

const char *
world_match(struct world *w, const char *want, const char *text)
{
	return script_match(&w->script, want, text, WORLD_WALL_MS + w->now);
}

const char *
world_var(const struct world *w, const char *name)
{
	return script_var(&w->script, name);
}

void
world_forget(struct world *w)
{
	script_forget(&w->script);
}

char *
world_text(struct world *w, const char *text)
{
	return script_text(&w->script, text, WORLD_WALL_MS + w->now);
}
