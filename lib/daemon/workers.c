/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lib/daemon/run.h"
#include "lib/log/log.h"

const char *const daemon_engines[] = { "auto", "epoll", "io_uring", NULL };

static void
set_phase(struct daemon_worker *w, enum worker_phase phase)
{
	pthread_mutex_lock(&w->run->lock);
	w->phase = phase;
	pthread_cond_broadcast(&w->run->changed);
	pthread_mutex_unlock(&w->run->lock);
}

static void *
worker_main(void *arg)
{
	struct daemon_worker *w = arg;
	const struct daemon *d = w->run->d;
	int err;

	w->impl = d->worker_new(w->run->state, w->index, w->loop);
	if (w->impl == NULL) {
		set_phase(w, WORKER_FAILED);
		return NULL;
	}
	set_phase(w, WORKER_READY);
	err = loop_run(w->loop);
	if (err != 0) {
		log_error(
		    "worker_failed", KV_I("worker", w->index), KV_ERR(err));
		w->run->failed = true;
		/* A daemon with a dead worker serves nobody well. */
		kill(getpid(), SIGTERM);
	}
	if (d->worker_free != NULL)
		d->worker_free(w->impl);
	return NULL;
}

/* By io_uring, where the daemon wants it and the machine has it. */
static struct loop *
worker_loop(struct daemon_run *run)
{
	struct loop *l;

	if (run->engine != DAEMON_URING)
		return loop_new();
	l = loop_new_ring();
	if (l != NULL)
		return l;
	log_write(run->insist ? LOG_WARN : LOG_DEBUG, "io_uring_refused",
	    (const struct log_kv[]){
		KV_ERR(-errno), KV_S("instead", "epoll"), KV_END });
	/* Said once: the next ones do not try. */
	run->engine = DAEMON_EPOLL;
	return loop_new();
}

static int
worker_start(struct daemon_run *run, int i)
{
	struct daemon_worker *w = &run->workers[i];
	int err;

	w->run = run;
	w->index = i;
	w->phase = WORKER_STARTING;
	w->loop = worker_loop(run);
	if (w->loop == NULL)
		return -ENOMEM;
	err = pthread_create(&w->thread, NULL, worker_main, w);
	if (err != 0)
		return -err;
	w->joinable = true;
	return 0;
}

int
workers_start(struct daemon_run *run)
{
	const struct daemon_conf *c = conf_data(run->conf);
	int i, err = 0;

	run->insist = c->io_engine == DAEMON_URING;
	run->engine = c->io_engine != DAEMON_AUTO
	    ? (enum daemon_engine)c->io_engine
	    : run->d->best;
	for (i = 0; i < run->nworkers && err == 0; i++)
		err = worker_start(run, i);
	if (err != 0)
		return err;
	if (run->d->best != DAEMON_AUTO)
		log_info("io_engine",
		    KV_S("name",
			run->engine == DAEMON_EPOLL ? "epoll" : "io_uring"));
	pthread_mutex_lock(&run->lock);
	for (i = 0; i < run->nworkers; i++) {
		while (run->workers[i].phase == WORKER_STARTING)
			pthread_cond_wait(&run->changed, &run->lock);
		if (run->workers[i].phase == WORKER_FAILED)
			err = -ECANCELED; /* the worker has logged why */
	}
	pthread_mutex_unlock(&run->lock);
	return err;
}

static void
stop_worker(void *arg)
{
	struct daemon_worker *w = arg;

	if (w->run->d->worker_stop != NULL)
		w->run->d->worker_stop(w->impl);
	else
		loop_stop(w->loop);
}

void
workers_stop(struct daemon_run *run)
{
	struct daemon_worker *w;
	int i;

	for (i = 0; i < run->nworkers; i++) {
		w = &run->workers[i];
		/* Without memory for the mail there is no soft end. */
		if (w->joinable && w->phase == WORKER_READY &&
		    loop_post(w->loop, stop_worker, w) != 0)
			_exit(DAEMON_FAILED);
	}
	for (i = 0; i < run->nworkers; i++) {
		if (run->workers[i].joinable)
			pthread_join(run->workers[i].thread, NULL);
	}
	for (i = 0; i < run->nworkers; i++) {
		if (run->workers[i].loop != NULL)
			loop_free(run->workers[i].loop);
	}
}
