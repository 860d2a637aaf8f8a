/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signald/core/world.h"

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

void
world_narrow(struct world *w, int link, uint32_t bps, uint32_t bytes)
{
	struct link *l = world_link(w, link);

	l->bps = bps;
	l->bytes = bytes;
}

/* What waits for the client to take it; first: the oldest, of which a part may
 * be out. */
static size_t
bytes_behind(const struct world *w, int link, const struct event **first)
{
	const struct event *e;
	size_t bytes = 0;

	*first = NULL;
	TAILQ_FOREACH (e, &w->events, next) {
		if (e->kind != HEARD || e->link != link)
			continue;
		if (*first == NULL)
			*first = e;
		bytes += e->len;
	}
	return bytes;
}

void
weather_ends(const struct world *w, struct link *l)
{
	l->behind = l->behind || l->free_at > w->now;
}

/* Texts that were not sent yet go, oldest first, until bytes have gone. */
static size_t
drop_texts(struct world *w, int link, const struct event *first,
    bool droppable_only, size_t bytes)
{
	struct event *e, *next;
	size_t gone = 0;

	for (e = TAILQ_FIRST(&w->events); e != NULL && gone < bytes; e = next) {
		next = TAILQ_NEXT(e, next);
		if (e->kind != HEARD || e->link != link || e == first ||
		    (droppable_only && !e->droppable))
			continue;
		gone += e->len;
		TAILQ_REMOVE(&w->events, e, next);
		event_free(e);
	}
	return gone;
}

/* As signald/conn.c and link.c: what it did not get is in the log. */
bool
weather_takes(
    struct world *w, int link, size_t len, bool droppable, uint64_t *at)
{
	struct link *l = world_link(w, link);
	const struct event *first;
	size_t behind;

	if (l->bytes == 0)
		return true;
	behind = bytes_behind(w, link, &first);
	if (behind + len > l->bytes && first != NULL) {
		behind -=
		    drop_texts(w, link, first, true, behind + len - l->bytes);
		if (behind + len > l->bytes) {
			if (droppable || w->plant == PLANT_DROPPED)
				return false;
			drop_texts(w, link, first, false, SIZE_MAX);
			event_at(w, CLOSED, l->shard, w->now)->link = link;
			link_close(w, link, 4002);
			return false;
		}
	}
	if (l->free_at < w->now)
		l->free_at = w->now;
	l->free_at += len * 1000 / l->bps;
	if (*at < l->free_at)
		*at = l->free_at;
	if (l->ill_until < *at)
		l->ill_until = *at;
	return true;
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
	weather_ends(w, l);
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
