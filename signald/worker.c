/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "signald/account.h"
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

/* Mail on its way to another worker. */
struct letter {
	struct worker *to;
	struct sig_mail *mail;
};

static void
letter_arrives(void *arg)
{
	struct letter *l = arg;

	if (l->to->core == NULL)
		sig_mail_free(l->mail);
	else
		sig_core_mail(l->to->core, l->mail, worker_time(l->to));
	free(l);
}

static void
do_post(struct worker *w, struct sig_effect *e)
{
	struct letter *l;

	if (e->shard == (uint32_t)w->index) {
		sig_core_mail(w->core, e->mail, worker_time(w));
		e->mail = NULL;
		return;
	}
	l = malloc(sizeof(*l));
	if (l == NULL)
		goto lost;
	l->to = &w->d->workers[e->shard];
	l->mail = e->mail;
	if (loop_post(l->to->loop, letter_arrives, l) == 0) {
		e->mail = NULL;
		return;
	}
lost:
	free(l);
	w->stats.mail_lost++;
}

static void
do_append(struct worker *w, struct sig_effect *e)
{
	struct sig_appended failed = { .err = 0 };
	struct sig_append *append = e->append;

	e->append = NULL;
	failed.err = msglog_append(w->port, e->ticket, false, append);
	if (failed.err != 0)
		sig_core_appended(w->core, e->ticket, &failed, worker_time(w));
}

struct reading {
	struct worker *worker;
	uint64_t ticket;
};

static void
rows_read(void *arg, const struct sig_rows *rows)
{
	struct reading *r = arg;

	sig_core_read(r->worker->core, r->ticket, rows, worker_time(r->worker));
}

static void
do_read(struct worker *w, struct sig_effect *e)
{
	struct reading r = { w, e->ticket };

	msglog_read(w->reader, e->read, rows_read, &r);
}

static void
do_tell(struct worker *w, struct sig_effect *e)
{
	webhook_post(w->d->webhook, e->text, e->len);
}

void
worker_pump(struct worker *w)
{
	static void (*const by_kind[])(struct worker *, struct sig_effect *) = {
		[SIG_SEND] = link_send,
		[SIG_CLOSE] = link_close,
		[SIG_MOVE] = link_move,
		[SIG_POST] = do_post,
		[SIG_APPEND] = do_append,
		[SIG_READ] = do_read,
		[SIG_TELL] = do_tell,
	};
	struct sig_effect e;

	while (sig_core_effect(w->core, &e)) {
		by_kind[e.kind](w, &e);
		sig_effect_fini(&e);
	}
}

static void
appended(void *arg, bool own, uint64_t ticket, const struct sig_appended *done)
{
	struct worker *w = arg;
	struct conn *c;

	if (!own) {
		sig_core_appended(w->core, ticket, done, worker_time(w));
		worker_pump(w);
		return;
	}
	c = worker_conn(w, ticket);
	if (c != NULL)
		account_appended(c, done);
}

static void
results_arrive(void *arg)
{
	struct worker *w = arg;

	if (w->core != NULL)
		msglog_port_drain(w->port, appended, w);
}

/* On the writer's thread. */
static int
results_wait(void *arg)
{
	struct worker *w = arg;

	return loop_post(w->loop, results_arrive, w);
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
	uint64_t due = sig_core_next_ms(w->core);
	uint64_t other = wheel_next_ms(&w->wheel);

	due = other < due ? other : due;
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

	w->timer_due_ms = UINT64_MAX;
	while ((t = wheel_pop(&w->wheel, loop_now_ms(w->loop))) != NULL) {
		if (t == &w->doors_shut)
			doors_watch(w, true);
		else
			conn_on_timer(t);
	}
	sig_core_tick(w->core, worker_time(w));
}

static bool
is_done(const struct worker *w)
{
	uint64_t now = loop_now_ms(w->loop);

	if (now >= w->stop_by_ms)
		return true;
	return msglog_port_pending(w->port) == 0 &&
	    (TAILQ_EMPTY(&w->all) || now >= w->goodbye_by_ms);
}

/* Everything that happened in this turn is carried out and sent. */
static void
turn_ends(void *arg)
{
	struct worker *w = arg;
	struct conn *c;

	if (w->core == NULL)
		return;
	worker_pump(w);
	/* A connection that dies on sending makes work, and less of it each
	 * time. */
	while ((c = TAILQ_FIRST(&w->dirty)) != NULL) {
		conn_flush(c);
		worker_pump(w);
	}
	msglog_port_flush(w->port);
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

	w->core = sig_core_new(&w->config);
	w->port = msglog_port_new(w->d->log, results_wait, w);
	w->reader = msglog_reader_new(w->d->log);
	w->strangers = ws_pool_new(&strangers);
	w->links = ws_pool_new(&links);
	w->echoes = ws_pool_new(&echoes);
	w->timer = loop_timer_new(w->loop, on_timer, w);
	return w->core != NULL && w->port != NULL && w->reader != NULL &&
	    w->strangers != NULL && w->links != NULL && w->echoes != NULL &&
	    w->timer != NULL && doors_open(w) == 0;
}

void
worker_turn_uris(void *worker, const char *const *uris)
{
	struct worker *w = worker;

	memcpy(w->turn_uris, uris, sizeof(w->turn_uris));
}

/* The list is the worker's own, since it changes while it runs. */
static void
take_turn_uris(struct worker *w)
{
	const char *const *all = w->config.turn_uris;
	size_t i;

	for (i = 0; i < SIG_TURN_URIS_MAX && all[i] != NULL; i++)
		w->turn_uris[i] = all[i];
	w->config.turn_uris = w->turn_uris;
	relays_attach(w->d->relays, w->index, w->loop, w, w->turn_uris);
}

static void
start_serving(void *arg)
{
	struct worker *w = arg;

	sig_core_start(w->core, worker_time(w));
	worker_pump(w);
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

	w->d = d;
	w->index = index;
	w->loop = loop;
	w->next_id = 1;
	w->timer_due_ms = UINT64_MAX;
	w->config = d->setup.core;
	w->config.shard = (uint32_t)index;
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
	loop_on_turn_end(loop, turn_ends, w);
	sig_core_load(w->core, worker_time(w));
	worker_pump(w);
	wait_for_all(w);
	return w;
}

void
worker_stop(void *worker)
{
	struct worker *w = worker;
	struct conn *c, *next;

	w->stopping = true;
	w->goodbye_by_ms =
	    loop_now_ms(w->loop) + w->config.drain_ms + GOODBYE_MS;
	w->stop_by_ms = w->goodbye_by_ms - GOODBYE_MS + STOP_MS;
	doors_watch(w, false);
	sig_core_drain(w->core, worker_time(w));
	worker_pump(w);
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
	struct sig_core *core = w->core;
	struct conn *c;

	while (core != NULL && (c = TAILQ_FIRST(&w->all)) != NULL)
		conn_kill(c);
	free_dead(w);
	doors_close(w);
	/* From here on, mail and results that arrive are thrown away. */
	w->core = NULL;
	sig_core_free(core);
	hasher_forget(w->d->hasher, w->loop);
	relays_detach(w->d->relays, w->index);
	shelf_forget(w->d->shelf, w->loop);
	if (w->port != NULL)
		msglog_port_mute(w->port);
	msglog_reader_free(w->reader);
	loop_timer_free(w->timer);
	ws_pool_free(w->strangers);
	ws_pool_free(w->links);
	ws_pool_free(w->echoes);
	htab_fini(&w->by_id);
	buf_fini(&w->control);
}
