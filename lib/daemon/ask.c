/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One question to one worker. Both sides hold it; whoever is last frees it, so
 * that a worker that answers late finds no dead memory and harms nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/daemon/run.h"

#define ANSWER_MAX HTTP_ANSWER_MAX

struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done, abandoned;
	daemon_ask_fn *fn;
	void *arg, *worker;
	struct buf out;
};

static struct question *
question_new(daemon_ask_fn *fn, void *arg, void *worker)
{
	struct question *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (q == NULL)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->answered, &attr);
	pthread_condattr_destroy(&attr);
	buf_init(&q->out, ANSWER_MAX);
	q->fn = fn;
	q->arg = arg;
	q->worker = worker;
	return q;
}

static void
question_free(struct question *q)
{
	buf_fini(&q->out);
	pthread_cond_destroy(&q->answered);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void
question_run(void *arg)
{
	struct question *q = arg;
	bool abandoned;

	pthread_mutex_lock(&q->lock);
	abandoned = q->abandoned;
	if (!abandoned)
		q->fn(q->worker, q->arg, &q->out);
	q->done = true;
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->lock);
	if (abandoned)
		question_free(q);
}

static int
ask_one(const struct daemon_worker *w, daemon_ask_fn *fn, void *arg,
    struct buf *out, const struct timespec *deadline)
{
	struct question *q = question_new(fn, arg, w->impl);
	bool done;
	int err = 0;

	if (q == NULL)
		return -ENOMEM;
	if (loop_post(w->loop, question_run, q) != 0) {
		question_free(q);
		return -ENOMEM;
	}
	pthread_mutex_lock(&q->lock);
	while (!q->done && err == 0)
		err = pthread_cond_timedwait(&q->answered, &q->lock, deadline);
	done = q->done;
	q->abandoned = !done;
	pthread_mutex_unlock(&q->lock);
	if (!done)
		return -ETIMEDOUT;
	if (out != NULL)
		buf_put(out, q->out.data, q->out.len);
	err = q->out.err;
	question_free(q);
	return err;
}

int
daemon_ask(struct daemon_run *run, daemon_ask_fn *fn, void *arg,
    struct buf *out, uint32_t timeout_ms)
{
	struct timespec deadline;
	int i, err = 0;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	for (i = 0; i < run->nworkers && err == 0; i++)
		err = ask_one(&run->workers[i], fn, arg, out, &deadline);
	return err;
}
