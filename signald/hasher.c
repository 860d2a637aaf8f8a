/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "signald/hasher.h"

#define QUEUE_MAX 64

STAILQ_HEAD(hash_jobs, hash_job);

struct hasher {
	pthread_t thread;
	char decoy[CRYPTO_PWHASH_LEN];
	pthread_mutex_t lock; /* guards what follows, and posting */
	pthread_cond_t wake;
	struct hash_jobs queue;
	size_t queued;
	struct hash_job *current;
	bool stop;
};

void
hash_job_free(struct hash_job *job)
{
	if (job == NULL)
		return;
	crypto_wipe(job, sizeof(*job));
	free(job);
}

/* The next job, or NULL at the end. */
static struct hash_job *
take(struct hasher *h)
{
	struct hash_job *job = NULL;

	pthread_mutex_lock(&h->lock);
	while (STAILQ_EMPTY(&h->queue) && !h->stop)
		pthread_cond_wait(&h->wake, &h->lock);
	if (!h->stop) {
		job = STAILQ_FIRST(&h->queue);
		STAILQ_REMOVE_HEAD(&h->queue, next);
		h->queued--;
		h->current = job;
	}
	pthread_mutex_unlock(&h->lock);
	return job;
}

static void
work(struct hash_job *job)
{
	if (job->hash[0] == '\0')
		job->err = crypto_pwhash_make(
		    job->password, job->password_len, job->hash);
	else
		job->err = crypto_pwhash_verify(
		    job->hash, job->password, job->password_len);
	crypto_wipe(job->password, sizeof(job->password));
}

/* Posting happens under the lock, so that a forgotten loop gets nothing. */
static void
deliver(struct hasher *h, struct hash_job *job)
{
	bool gone;

	pthread_mutex_lock(&h->lock);
	h->current = NULL;
	gone = job->loop == NULL || loop_post(job->loop, job->done, job) != 0;
	pthread_mutex_unlock(&h->lock);
	if (gone)
		hash_job_free(job);
}

static void *
hasher_main(void *arg)
{
	struct hasher *h = arg;
	struct hash_job *job;

	pthread_setname_np(pthread_self(), "hasher");
	while ((job = take(h)) != NULL) {
		work(job);
		deliver(h, job);
	}
	return NULL;
}

struct hasher *
hasher_new(void)
{
	struct hasher *h = calloc(1, sizeof(*h));
	uint8_t random[16];

	if (h == NULL)
		return NULL;
	STAILQ_INIT(&h->queue);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, NULL);
	crypto_random(random, sizeof(random));
	if (crypto_pwhash_make(
		(const char *)random, sizeof(random), h->decoy) != 0 ||
	    pthread_create(&h->thread, NULL, hasher_main, h) != 0) {
		pthread_cond_destroy(&h->wake);
		pthread_mutex_destroy(&h->lock);
		free(h);
		return NULL;
	}
	return h;
}

void
hasher_free(struct hasher *h)
{
	struct hash_job *job;

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	while ((job = STAILQ_FIRST(&h->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&h->queue, next);
		hash_job_free(job);
	}
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

int
hasher_submit(struct hasher *h, struct hash_job *job)
{
	int rc = -EAGAIN;

	pthread_mutex_lock(&h->lock);
	if (h->queued < QUEUE_MAX) {
		STAILQ_INSERT_TAIL(&h->queue, job, next);
		h->queued++;
		pthread_cond_signal(&h->wake);
		rc = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

void
hasher_forget(struct hasher *h, struct loop *loop)
{
	struct hash_job *job;

	pthread_mutex_lock(&h->lock);
	STAILQ_FOREACH (job, &h->queue, next)
		if (job->loop == loop)
			job->loop = NULL;
	if (h->current != NULL && h->current->loop == loop)
		h->current->loop = NULL;
	pthread_mutex_unlock(&h->lock);
}

const char *
hasher_decoy(const struct hasher *h)
{
	return h->decoy;
}
