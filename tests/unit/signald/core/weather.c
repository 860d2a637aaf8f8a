/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/world.h"

#define EARLY_MAX 64

static const char *const plants[PLANTS] = { "nothing", "early-ack",
	"forget-mids", "late-close", "lost-end", "bad-unread" };

enum world_plant
world_plant_named(const char *name)
{
	int i;

	for (i = 0; i < PLANTS; i++) {
		if (strcmp(plants[i], name) == 0)
			return (enum world_plant)i;
	}
	return PLANT_NOTHING;
}

void
world_plant(struct world *w, enum world_plant plant)
{
	w->plant = plant;
	if (plant == PLANT_FORGET_MIDS)
		disk_keep_mids(w->disk, 0);
}

void
world_listen(struct world *w, const struct world_ears *ears)
{
	w->ears = ears;
}

void
world_timer(struct world *w, uint64_t ms, world_fn *fn, void *arg)
{
	struct event *e = event_at(w, TIMER, 0, w->now + ms);

	e->fn = fn;
	e->arg = arg;
}

void
world_slow(struct world *w, int link, uint32_t ms)
{
	world_link(w, link)->slow_ms = ms;
}

/* Whether the network carries it. */
static bool
on_the_way(const struct event *e, int link)
{
	return e->link == link &&
	    (e->kind == FRAME || e->kind == GONE || e->kind == HEARD ||
		e->kind == SHUT);
}

void
world_stall(struct world *w, int link, uint32_t ms)
{
	struct events held = TAILQ_HEAD_INITIALIZER(held);
	struct link *l = world_link(w, link);
	uint64_t until = w->now + ms;
	struct event *e, *next;

	if (l->stall_until < until)
		l->stall_until = l->ill_until = until;
	for (e = TAILQ_FIRST(&w->events); e != NULL; e = next) {
		next = TAILQ_NEXT(e, next);
		if (!on_the_way(e, link) || e->at > l->stall_until)
			continue;
		TAILQ_REMOVE(&w->events, e, next);
		TAILQ_INSERT_TAIL(&held, e, next);
	}
	while ((e = TAILQ_FIRST(&held)) != NULL) {
		TAILQ_REMOVE(&held, e, next);
		event_put(w, e, l->stall_until);
	}
}

void
world_hang_up(struct world *w, int link)
{
	struct link *l = world_link(w, link);

	if (l->vanished || l->shut)
		return;
	event_at(w, GONE, l->shard, link_later(w, l, &l->frame_at))->link =
	    link;
	l->shut = true;
}

void
world_own(struct world *w, int link, int owner)
{
	world_link(w, link)->owner = owner;
}

uint64_t
world_ill_until(const struct world *w, int link)
{
	const struct link *l = world_link(w, link);

	return l->vanished ? UINT64_MAX : l->ill_until;
}

/* What only the server's memory knew. */
static bool
dies(const struct event *e)
{
	return e->kind != TIMER && e->kind != HEARD && e->kind != SHUT;
}

void
world_kill(struct world *w, uint32_t ms)
{
	struct event *e, *next;
	int link;

	world_free_cores(w);
	for (e = TAILQ_FIRST(&w->events); e != NULL; e = next) {
		next = TAILQ_NEXT(e, next);
		if (!dies(e))
			continue;
		TAILQ_REMOVE(&w->events, e, next);
		event_free(e);
	}
	for (link = 1; link <= w->nlinks; link++) {
		if (world_link(w, link)->code == 0)
			link_close(w, link, 1006);
		world_link(w, link)->ill_until = UINT64_MAX;
		world_link(w, link)->moving = false;
	}
	w->down = true;
	event_at(w, START, 0, w->now + ms);
}

void
world_stop(struct world *w)
{
	uint32_t i;

	for (i = 0; !w->down && i < w->opts.cfg.shards; i++) {
		sig_core_drain(w->cores[i], world_time(w));
		shell_run(w, i);
	}
}

static void
run_gone(struct world *w, const struct event *e)
{
	struct link *l = world_link(w, e->link);

	if (l->moving) {
		event_at(w, GONE, l->shard, l->frame_at)->link = e->link;
		return;
	}
	if (l->gone)
		return;
	l->gone = true;
	if (l->code == 0)
		shell_closed(w, e->link);
}

/* The doors open when all have loaded. */
static void
run_ready(struct world *w)
{
	const struct event *e;

	TAILQ_FOREACH (e, &w->events, next) {
		if (e->kind != ROWS)
			continue;
		event_at(w, READY, 0, w->now + 1);
		return;
	}
	w->down = false;
	world_start_cores(w);
}

void
weather_event(struct world *w, struct event *e)
{
	struct link *l;

	switch (e->kind) {
	case TIMER:
		e->fn(e->arg);
		break;
	case START:
		world_load_cores(w);
		event_at(w, READY, 0, w->now);
		break;
	case READY:
		run_ready(w);
		break;
	case GONE:
		run_gone(w, e);
		break;
	case HEARD:
		l = world_link(w, e->link);
		if (l->shut || l->vanished)
			break;
		link_hears(l, e->text);
		e->text = NULL;
		w->ears->heard(w->ears->arg, e->link);
		break;
	default: /* SHUT */
		l = world_link(w, e->link);
		if (l->shut || l->vanished)
			break;
		l->shut = true;
		w->ears->shut(w->ears->arg, e->link, e->err);
	}
}

/* All that waits is answered as if it were on the disk. */
void
weather_early_ack(struct world *w)
{
	const struct sig_append *appends[EARLY_MAX];
	struct sig_appended done[EARLY_MAX];
	struct event *e, *told;
	size_t n = 0;

	TAILQ_FOREACH (e, &w->waiting, next) {
		if (n == EARLY_MAX)
			return;
		appends[n++] = e->append;
	}
	disk_commit(w->disk, appends, n, done, true);
	e = TAILQ_LAST(&w->waiting, events);
	e->told = true;
	told = event_new(APPENDED, e->shard);
	told->ticket = e->ticket;
	shell_appended(w, told, &done[n - 1]);
}

/* The newest open link of whose link this is. */
int
weather_newer(const struct world *w, int link)
{
	const struct link *old = world_link(w, link), *l;
	int i;

	for (i = w->nlinks; i > link; i--) {
		l = world_link(w, i);
		if (l->owner == old->owner && l->code == 0 && !l->moving)
			return i;
	}
	return link;
}

bool
weather_loses(const struct world *w, const struct sig_mail *mail)
{
	static const char ended[] = "{\"push\":\"call.ended\"";

	return w->plant == PLANT_LOST_END && mail->kind == SIG_MAIL_CALL_PUSH &&
	    mail->session[0] == '\0' && mail->text_len >= sizeof(ended) &&
	    memcmp(mail->text, ended, sizeof(ended) - 1) == 0;
}

void
weather_rows(
    struct world *w, enum sig_read_kind kind, const struct sig_rows *rows)
{
	if (w->plant == PLANT_BAD_UNREAD && kind == SIG_READ_CONVS &&
	    rows->nrows > 0 && world_random(w, 8) == 0)
		((struct sig_row *)rows->rows)[0].unread++;
}
