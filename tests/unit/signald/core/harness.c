/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "tests/unit/signald/core/harness.h"
#include "tests/unit/signald/core/script.h"

#define LINKS_MAX 4096

enum event_kind { MAIL, COMMIT, APPENDED, ROWS, FRAME, ADOPT, CLOSED };

/* Something that will happen to one shard. */
struct event {
	TAILQ_ENTRY(event) next;
	enum event_kind kind;
	uint64_t at;
	uint32_t shard;
	uint64_t ticket;
	int link;
	int err;
	char *text; /* FRAME ADOPT */
	size_t len;
	struct sig_mail *mail;
	struct sig_append *append;
	struct sig_appended result;
	struct sig_read read;
};

struct heard {
	STAILQ_ENTRY(heard) next;
	char *text;
};
STAILQ_HEAD(heard_list, heard);

struct link {
	uint32_t shard;
	bool vanished; /* the client's end is gone, the server does not know */
	bool moving;   /* between two shards: its frames wait */
	bool gone;     /* the shell has reported its end, or moved it away */
	int code;
	uint64_t frame_at; /* when the last frame arrives: they stay in order */
	struct heard_list heard, old;
	size_t unheard;
};

struct world {
	struct world_opts opts;
	uint64_t now, seed;
	struct sig_core *cores[WORLD_SHARDS_MAX];
	struct memlog *log;
	TAILQ_HEAD(events, event)
	events; /* by time; equal times as they came */
	uint64_t mail_at[WORLD_SHARDS_MAX][WORLD_SHARDS_MAX];
	uint64_t commit_at[WORLD_SHARDS_MAX], result_at[WORLD_SHARDS_MAX];
	int append_err, read_err;
	uint32_t append_errs, read_errs;
	bool lose_inbox, no_presence;
	struct link *links[LINKS_MAX];
	int nlinks;
	struct script script;
};

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
		    .token_key = { 1, 2, 3 },
		    .shard_key = { 4 }, /* alice, bob, carol and calls apart */
		    .turn_secrets = secrets,
		    .turn_uris = turns,
		    .stun_uris = stuns,
		    .ice_ttl_s = 3600,
		    .random = core_random } };
}

struct world *
world_new(const struct world_opts *opts)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sig_config cfg = opts->cfg;

	w->opts = *opts;
	w->seed = random_state = opts->seed;
	w->log = memlog_new("5f2c0000000000000000000000000000");
	TAILQ_INIT(&w->events);
	script_init(&w->script, w->opts.cfg.token_key);
	for (cfg.shard = 0; cfg.shard < cfg.shards; cfg.shard++)
		w->cores[cfg.shard] = sig_core_new(&cfg);
	return w;
}

static void
event_free(struct event *e)
{
	free(e->text);
	sig_mail_free(e->mail);
	sig_append_free(e->append);
	free(e);
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

void
world_free(struct world *w)
{
	struct event *e;
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++)
		sig_core_free(w->cores[i]);
	while ((e = TAILQ_FIRST(&w->events)) != NULL) {
		TAILQ_REMOVE(&w->events, e, next);
		event_free(e);
	}
	for (; w->nlinks > 0; w->nlinks--) {
		heard_free(&w->links[w->nlinks]->heard);
		heard_free(&w->links[w->nlinks]->old);
		free(w->links[w->nlinks]);
	}
	memlog_free(w->log);
	script_fini(&w->script);
	free(w);
}

static struct sig_time
world_time(const struct world *w)
{
	return (struct sig_time){ w->now, WORLD_WALL_MS + w->now };
}

static struct event *
event_at(struct world *w, enum event_kind kind, uint32_t shard, uint64_t at)
{
	struct event *e = calloc(1, sizeof(*e)), *before;

	e->kind = kind;
	e->shard = shard;
	e->at = at;
	TAILQ_FOREACH_REVERSE(before, &w->events, events, next)
	{
		if (before->at <= at)
			break;
	}
	if (before == NULL)
		TAILQ_INSERT_HEAD(&w->events, e, next);
	else
		TAILQ_INSERT_AFTER(&w->events, before, e, next);
	return e;
}

/* A time up to ms from now, but not before *last, which it becomes. */
static uint64_t
later(struct world *w, uint32_t ms, uint64_t *last)
{
	uint64_t at = w->now + world_random(w, ms + 1);

	if (at < *last)
		at = *last;
	*last = at;
	return at;
}

static struct link *
link_of(const struct world *w, int link)
{
	if (link < 1 || link > w->nlinks)
		abort();
	return w->links[link];
}

static void
effect_send(struct world *w, struct sig_effect *effect)
{
	struct link *l = link_of(w, (int)effect->link);
	static const char presence[] = "{\"push\":\"presence\"";
	struct heard *h;

	if (l->code != 0 || l->vanished || l->gone)
		return;
	if (w->no_presence && effect->len > sizeof(presence) &&
	    memcmp(effect->text, presence, sizeof(presence) - 1) == 0)
		return;
	h = calloc(1, sizeof(*h));
	h->text = strndup(effect->text, effect->len);
	STAILQ_INSERT_TAIL(&l->heard, h, next);
	l->unheard++;
}

static void
effect_post(struct world *w, uint32_t from, struct sig_effect *effect)
{
	struct event *e;

	if (w->lose_inbox && effect->mail->kind == SIG_MAIL_INBOX)
		return;
	e = event_at(w, MAIL, effect->shard,
	    later(w, w->opts.mail_ms, &w->mail_at[from][effect->shard]));
	e->mail = effect->mail;
	effect->mail = NULL;
}

static void
effect_log(struct world *w, uint32_t shard, struct sig_effect *effect)
{
	struct event *e;
	uint64_t at;

	if (effect->kind == SIG_APPEND) {
		at = later(w, w->opts.log_ms, &w->commit_at[shard]);
		e = event_at(w, COMMIT, shard, at);
		e->append = effect->append;
		effect->append = NULL;
	} else {
		at = w->now + world_random(w, w->opts.log_ms + 1);
		e = event_at(w, ROWS, shard, at);
		e->read = effect->read;
	}
	e->ticket = effect->ticket;
}

static void
effect_move(struct world *w, struct sig_effect *effect)
{
	struct link *l = link_of(w, (int)effect->link);
	struct event *e;

	l->shard = effect->shard;
	l->moving = true;
	e = event_at(
	    w, ADOPT, effect->shard, later(w, w->opts.mail_ms, &l->frame_at));
	e->link = (int)effect->link;
	e->text = effect->text;
	e->len = effect->len;
	effect->text = NULL;
}

static void
carry_out(struct world *w, uint32_t shard)
{
	struct sig_effect effect;
	struct link *l;

	while (sig_core_effect(w->cores[shard], &effect)) {
		switch (effect.kind) {
		case SIG_SEND:
			effect_send(w, &effect);
			break;
		case SIG_CLOSE:
			l = link_of(w, (int)effect.link);
			if (l->code == 0)
				l->code = effect.code;
			event_at(w, CLOSED, shard, w->now)->link =
			    (int)effect.link;
			break;
		case SIG_MOVE:
			effect_move(w, &effect);
			break;
		case SIG_POST:
			effect_post(w, shard, &effect);
			break;
		case SIG_APPEND:
		case SIG_READ:
			effect_log(w, shard, &effect);
			break;
		}
		sig_effect_fini(&effect);
	}
}

static void
run_commit(struct world *w, struct event *e)
{
	struct sig_appended result = { .err = w->append_err };
	struct event *done;

	if (w->append_errs > 0)
		w->append_errs--;
	else
		memlog_append(w->log, e->append, &result);
	done = event_at(w, APPENDED, e->shard,
	    later(w, w->opts.log_ms, &w->result_at[e->shard]));
	done->ticket = e->ticket;
	done->result = result;
}

static void
run_rows(struct world *w, const struct event *e)
{
	struct sig_rows rows = { .err = w->read_err };

	if (w->read_errs > 0)
		w->read_errs--;
	else
		memlog_read(w->log, &e->read, &rows);
	sig_core_read(w->cores[e->shard], e->ticket, &rows, world_time(w));
}

static void
run_frame(struct world *w, struct event *e)
{
	struct link *l = link_of(w, e->link);
	struct event *again;

	if (l->moving) {
		again = event_at(w, FRAME, l->shard, l->frame_at);
		again->link = e->link;
		again->text = e->text;
		again->len = e->len;
		e->text = NULL;
		return;
	}
	sig_core_link_frame(w->cores[l->shard], (uint64_t)e->link, e->text,
	    e->len, world_time(w));
	carry_out(w, l->shard);
}

static void
run_event(struct world *w, struct event *e)
{
	struct sig_core *core = w->cores[e->shard];
	struct sig_time t = world_time(w);

	switch (e->kind) {
	case MAIL:
		sig_core_mail(core, e->mail, t);
		e->mail = NULL;
		break;
	case COMMIT:
		run_commit(w, e);
		break;
	case APPENDED:
		sig_core_appended(core, e->ticket, &e->result, t);
		break;
	case ROWS:
		run_rows(w, e);
		break;
	case FRAME:
		run_frame(w, e);
		break;
	case ADOPT:
		link_of(w, e->link)->moving = false;
		sig_core_link_adopt(
		    core, (uint64_t)e->link, e->text, e->len, t);
		break;
	case CLOSED:
		sig_core_link_closed(core, (uint64_t)e->link, t);
		break;
	}
	carry_out(w, e->shard);
}

/* The next event up to the time given; false when there is none. */
static bool
run_one(struct world *w, uint64_t until)
{
	struct event *e = TAILQ_FIRST(&w->events);

	if (e == NULL || e->at > until)
		return false;
	TAILQ_REMOVE(&w->events, e, next);
	if (e->at > w->now)
		w->now = e->at;
	run_event(w, e);
	event_free(e);
	return true;
}

static void
run_ticks(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		if (sig_core_next_ms(w->cores[i]) > w->now)
			continue;
		sig_core_tick(w->cores[i], world_time(w));
		carry_out(w, i);
	}
}

static uint64_t
next_tick(const struct world *w)
{
	uint64_t next = UINT64_MAX, at;
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		at = sig_core_next_ms(w->cores[i]);
		if (at < next)
			next = at;
	}
	return next;
}

void
world_settle(struct world *w)
{
	while (run_one(w, UINT64_MAX))
		continue;
}

void
world_run(struct world *w, uint64_t ms)
{
	uint64_t until = w->now + ms, tick;
	const struct event *e;

	for (;;) {
		tick = next_tick(w);
		e = TAILQ_FIRST(&w->events);
		if (e != NULL && e->at <= until && e->at <= tick) {
			run_one(w, until);
			continue;
		}
		if (tick > until)
			break;
		if (tick > w->now)
			w->now = tick;
		run_ticks(w);
	}
	w->now = until;
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
	w->links[++w->nlinks] = l;
	return w->nlinks;
}

int
world_open_at(struct world *w, uint32_t shard)
{
	int link = link_new(w, shard);

	sig_core_link_open(w->cores[shard], (uint64_t)link, world_time(w));
	carry_out(w, shard);
	return link;
}

int
world_open(struct world *w)
{
	return world_open_at(w, world_random(w, w->opts.cfg.shards));
}

bool
world_post(struct world *w, int link, const char *text)
{
	struct link *l = link_of(w, link);
	struct event *e;

	if (l->code != 0 || l->vanished || l->gone)
		return false;
	e = event_at(w, FRAME, l->shard, later(w, 0, &l->frame_at));
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
	struct link *l = link_of(w, link);

	sig_core_link_closed(w->cores[l->shard], (uint64_t)link, world_time(w));
	carry_out(w, l->shard);
	world_settle(w);
}

void
world_lose(struct world *w, int link)
{
	link_of(w, link)->gone = true;
	world_late_close(w, link);
}

void
world_vanish(struct world *w, int link)
{
	link_of(w, link)->vanished = true;
}

void
world_drain(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->opts.cfg.shards; i++) {
		sig_core_drain(w->cores[i], world_time(w));
		carry_out(w, i);
	}
	world_settle(w);
}

const char *
world_hear(struct world *w, int link)
{
	struct link *l = link_of(w, link);
	struct heard *h = STAILQ_FIRST(&l->heard);

	if (h == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&l->heard, next);
	STAILQ_INSERT_TAIL(&l->old, h, next);
	l->unheard--;
	return h->text;
}

size_t
world_unheard(const struct world *w, int link)
{
	return link_of(w, link)->unheard;
}

void
world_hear_all(struct world *w, int link)
{
	while (world_hear(w, link) != NULL)
		continue;
	heard_free(&link_of(w, link)->old);
}

int
world_closed(const struct world *w, int link)
{
	return link_of(w, link)->code;
}

uint32_t
world_shard(const struct world *w, int link)
{
	return link_of(w, link)->shard;
}

struct memlog *
world_log(struct world *w)
{
	return w->log;
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
