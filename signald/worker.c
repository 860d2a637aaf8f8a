/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/door.h"
#include "signald/link.h"
#include "signald/worker.h"

#define FRAGMENTS_MAX 1024
#define CONTROL_MAX   (64 * 1024)
#define STOP_MS       3000 /* for what is on its way to the disk */
#define GOODBYE_MS    1000 /* for peers to end after we did */

struct sig_time
worker_time(const struct worker *w)
{
	return (struct sig_time){ loop_now_ms(w->loop), loop_wall_ms() };
}

struct desk *
worker_desk(const struct worker *w, int app)
{
	return app_desk(&w->d->apps[app], w);
}

static void
free_dead(struct worker *w)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&w->dead)) != NULL) {
		TAILQ_REMOVE(&w->dead, c, all);
		conn_free(c);
	}
}

static void
arm_timer(struct worker *w)
{
	uint64_t now = loop_now_ms(w->loop);
	uint64_t due = wheel_next_ms(&w->wheel), other;
	int i;

	for (i = 0; i < w->d->napps; i++) {
		other = sig_core_next_ms(worker_desk(w, i)->core);
		due = other < due ? other : due;
	}
	if (w->stopping && w->goodbye_by_ms < due)
		due = now < w->goodbye_by_ms ? w->goodbye_by_ms : w->stop_by_ms;
	if (due == w->timer_due_ms)
		return;
	w->timer_due_ms = due;
	if (due == UINT64_MAX)
		loop_timer_clear(w->timer);
	else
		loop_timer_set(w->timer, due > now ? due - now : 0);
}

static void
on_timer(void *arg)
{
	struct worker *w = arg;
	struct wheel_timer *t;
	int i;

	w->timer_due_ms = UINT64_MAX;
	while ((t = wheel_pop(&w->wheel, loop_now_ms(w->loop))) != NULL) {
		if (t == &w->doors_shut)
			doors_watch(w, true);
		else
			conn_on_timer(t);
	}
	for (i = 0; i < w->d->napps; i++)
		sig_core_tick(worker_desk(w, i)->core, worker_time(w));
}

static bool
is_done(const struct worker *w)
{
	uint64_t now = loop_now_ms(w->loop);
	int i;

	if (now >= w->stop_by_ms)
		return true;
	for (i = 0; i < w->d->napps; i++)
		if (msglog_port_pending(worker_desk(w, i)->port) > 0)
			return false;
	return TAILQ_EMPTY(&w->all) || now >= w->goodbye_by_ms;
}

/* Everything that happened in this turn is carried out and sent. */
static void
turn_ends(void *arg)
{
	struct worker *w = arg;
	struct desk *desk;
	struct conn *c;
	int i;

	if (!w->works)
		return;
	for (i = 0; i < w->d->napps; i++)
		desk_pump(worker_desk(w, i));
	/* A connection that dies on sending makes work, and less of it each
	 * time. */
	while ((c = TAILQ_FIRST(&w->dirty)) != NULL) {
		desk = c->desk;
		conn_flush(c);
		desk_pump(desk);
	}
	for (i = 0; i < w->d->napps; i++) {
		desk_flush(worker_desk(w, i));
		msglog_port_flush(worker_desk(w, i)->port);
	}
	free_dead(w);
	arm_timer(w);
	if (w->stopping && is_done(w))
		loop_stop(w->loop);
}

static bool
make_parts(struct worker *w)
{
	struct ws_limits strangers = { SIG_PRELOGIN_READ, FRAGMENTS_MAX, false,
		NULL };
	struct ws_limits links = { SIGNALD_FRAME_MAX, FRAGMENTS_MAX, false,
		NULL };
	struct ws_limits echoes = { LINK_ECHO_MAX, UINT32_MAX, false, NULL };

	int i;

	for (i = 0; i < w->d->napps; i++)
		if (desk_open(worker_desk(w, i), &w->d->apps[i], w) != 0)
			return false;
	w->strangers = ws_pool_new(&strangers);
	w->links = ws_pool_new(&links);
	w->echoes = ws_pool_new(&echoes);
	w->timer = loop_timer_new(w->loop, on_timer, w);
	return w->strangers != NULL && w->links != NULL && w->echoes != NULL &&
	    w->timer != NULL && doors_open(w) == 0;
}

void
worker_turn_uris(void *worker, const char *const *uris)
{
	struct worker *w = worker;

	memcpy(w->turn_uris, uris, sizeof(w->turn_uris));
}

static void
take_turn_uris(struct worker *w)
{
	const struct conf_list *all = &w->d->conf->turn_uris;

	if (all->n > 0) /* and no more than fit: relays_check */
		memcpy(w->turn_uris, all->items, all->n * sizeof(char *));
	relays_attach(w->d->relays, w->index, w->loop, w, w->turn_uris);
}

static void
start_serving(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < w->d->napps; i++)
		desk_start(worker_desk(w, i));
	doors_watch(w, true);
}

/*
 * Links move between workers from the first one on, so no worker opens its
 * doors before all can be posted to. What could fail has happened before.
 */
static void
wait_for_all(struct worker *w)
{
	struct signald *d = w->d;
	int i;

	pthread_mutex_lock(&d->ready_lock);
	if (++d->ready == d->nworkers) {
		for (i = 0; i < d->nworkers; i++)
			if (loop_post(d->workers[i].loop, start_serving,
				&d->workers[i]) != 0)
				log_error("worker_not_serving",
				    KV_I("worker", i), KV_ERR(ENOMEM));
	}
	pthread_mutex_unlock(&d->ready_lock);
}

void *
worker_new(void *state, int index, struct loop *loop)
{
	struct signald *d = state;
	struct worker *w = &d->workers[index];
	int i;

	w->d = d;
	w->index = index;
	w->loop = loop;
	w->next_id = 1;
	w->timer_due_ms = UINT64_MAX;
	take_turn_uris(w);
	TAILQ_INIT(&w->all);
	TAILQ_INIT(&w->dirty);
	TAILQ_INIT(&w->dead);
	wheel_init(&w->wheel, loop_now_ms(loop));
	htab_init(&w->by_id, (size_t)d->conf->max_connections);
	buf_init(&w->control, CONTROL_MAX);
	if (!make_parts(w)) {
		log_error(
		    "worker_failed", KV_I("worker", index), KV_ERR(ENOMEM));
		worker_free(w);
		return NULL;
	}
	w->works = true;
	loop_on_turn_end(loop, turn_ends, w);
	for (i = 0; i < d->napps; i++)
		desk_load(worker_desk(w, i));
	wait_for_all(w);
	return w;
}

void
worker_stop(void *worker)
{
	struct worker *w = worker;
	struct conn *c, *next;
	struct desk *desk;
	int i;

	w->stopping = true;
	w->goodbye_by_ms =
	    loop_now_ms(w->loop) + (uint64_t)w->d->conf->drain_ms + GOODBYE_MS;
	w->stop_by_ms = w->goodbye_by_ms - GOODBYE_MS + STOP_MS;
	doors_watch(w, false);
	for (i = 0; i < w->d->napps; i++) {
		desk = worker_desk(w, i);
		sig_core_drain(desk->core, worker_time(w));
		desk_pump(desk);
	}
	for (c = TAILQ_FIRST(&w->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->state == CONN_ECHO)
			link_end(c, 1001, "the server stops");
		else if (c->state == CONN_HTTP && !conn_sends(c) &&
		    !c->has_head)
			conn_kill(c);
		else if (c->state != CONN_LINK)
			c->keep_alive = false;
	}
}

void
worker_free(void *worker)
{
	struct worker *w = worker;
	struct conn *c;
	int i;

	while ((c = TAILQ_FIRST(&w->all)) != NULL)
		conn_kill(c);
	free_dead(w);
	doors_close(w);
	w->works = false;
	hasher_forget(w->d->hasher, w->loop);
	relays_detach(w->d->relays, w->index);
	for (i = 0; i < w->d->napps; i++) {
		desk_close(worker_desk(w, i));
		shelf_forget(w->d->apps[i].shelf, w->loop);
	}
	loop_timer_free(w->timer);
	ws_pool_free(w->strangers);
	ws_pool_free(w->links);
	ws_pool_free(w->echoes);
	htab_fini(&w->by_id);
	buf_fini(&w->control);
}
