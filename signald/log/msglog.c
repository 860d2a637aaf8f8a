/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/crypto/crypto.h"
#include "lib/log/log.h"
#include "lib/store/store.h"
#include "signald/log/apply.h"
#include "signald/log/life.h"
#include "signald/log/msglog.h"
#include "signald/log/rows.h"
#include "signald/log/schema.h"

#define RECORD_MAX (512 * 1024)

struct msglog {
	struct store *store;
	char epoch[SIG_EPOCH_LEN];
	uint64_t mid_keep_ms;
	uint32_t lazy_ms;
	size_t waiting_max;
	atomic_size_t waiting; /* cost of all that is asked and not drained */
	struct msglog_stats stats;
	struct log_limit failures; /* the writer's */
	pthread_t writer;
	bool running;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct apply_list queue;
	size_t urgent; /* in the queue: somebody waits for the answer */
	bool stop;
};

struct msglog_port {
	struct msglog *log;
	msglog_wake_fn *wake;
	void *arg;
	struct apply_list outgoing; /* the owner's, until flushed */
	size_t outgoing_urgent;
	size_t pending;       /* asked and not drained; the owner's */
	pthread_mutex_t lock; /* guards what follows */
	struct apply_list results;
	bool woken;
};

struct msglog_reader {
	struct msglog *log;
	struct store_reader *store;
	struct sig_row rows[MSGLOG_ROWS_MAX];
};

static void
count(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The epoch of a store that is new. */
static void
draw_epoch(char *epoch)
{
	uint8_t random[(SIG_EPOCH_LEN - 1) / 2];

	crypto_random(random, sizeof(random));
	crypto_hex(random, sizeof(random), epoch);
}

int
msglog_open(const struct msglog_config *cfg, struct msglog **out)
{
	struct store_config store = { cfg->dir, schema_tables, cfg->map_start,
		cfg->map_max, cfg->readers };
	pthread_condattr_t attr;
	struct msglog *log;
	int rc;

	if (mkdir(cfg->dir, 0700) != 0 && errno != EEXIST)
		return -errno;
	log = calloc(1, sizeof(*log));
	if (log == NULL)
		return -ENOMEM;
	STAILQ_INIT(&log->queue);
	log->mid_keep_ms = cfg->mid_keep_ms;
	log->lazy_ms = cfg->lazy_ms;
	log->waiting_max = cfg->waiting_max;
	log->failures.burst = 1;
	draw_epoch(log->epoch);
	pthread_mutex_init(&log->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&log->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = store_open(&store, &log->store);
	if (rc == 0)
		rc = store_write(log->store, life_begin, log->epoch);
	if (rc != 0) {
		msglog_close(log);
		return rc;
	}
	*out = log;
	return 0;
}

void
msglog_close(struct msglog *log)
{
	if (log == NULL)
		return;
	store_close(log->store);
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

const char *
msglog_epoch(const struct msglog *log)
{
	return log->epoch;
}

const struct msglog_stats *
msglog_stats(const struct msglog *log)
{
	return &log->stats;
}

int
msglog_copy(struct msglog *log, const char *dir)
{
	return store_copy(log->store, dir);
}

void
msglog_disk(struct msglog *log, uint64_t *map_bytes, uint64_t *used_bytes)
{
	struct store_stats stats;

	store_stats(log->store, &stats);
	*map_bytes = stats.map_bytes;
	*used_bytes = stats.used_bytes;
}

/*
 * Waits until somebody needs an answer, or what may wait has waited long
 * enough, and takes all there is. False: stopped, and nothing is left.
 */
static bool
take_group(struct msglog *log, struct apply_list *group)
{
	struct timespec until;
	bool timed = false;
	int rc = 0;

	STAILQ_INIT(group);
	pthread_mutex_lock(&log->lock);
	while (log->urgent == 0 && !log->stop && rc != ETIMEDOUT) {
		if (STAILQ_EMPTY(&log->queue)) {
			pthread_cond_wait(&log->wake, &log->lock);
			continue;
		}
		if (!timed) {
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_sec += log->lazy_ms / 1000;
			until.tv_nsec += (long)(log->lazy_ms % 1000) * 1000000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			timed = true;
		}
		rc = pthread_cond_timedwait(&log->wake, &log->lock, &until);
	}
	STAILQ_CONCAT(group, &log->queue);
	log->urgent = 0;
	pthread_mutex_unlock(&log->lock);
	return !STAILQ_EMPTY(group);
}

static unsigned int
bucket_of(uint64_t n)
{
	unsigned int i = 0;

	while (i < MSGLOG_BUCKETS - 1 && n > (uint64_t)1 << i)
		i++;
	return i;
}

static void
commit_group(struct msglog *log, struct apply_list *requests)
{
	struct apply_group group = { .requests = requests,
		.mid_keep_ms = log->mid_keep_ms };
	struct apply_request *r;
	uint64_t began = now_ns(), held;
	int rc;

	rc = store_write(log->store, apply_group, &group);
	count(&log->stats.commit_ns, now_ns() - began);
	atomic_store_explicit(
	    &log->stats.failing, rc != 0, memory_order_relaxed);
	if (rc == 0) {
		if (group.count == 0)
			return;
		count(&log->stats.commits, 1);
		count(&log->stats.appends, group.count);
		count(&log->stats.messages, group.messages);
		count(&log->stats.duplicates, group.duplicates);
		count(&log->stats.mids_expired, group.mids_expired);
		count(&log->stats.group_sizes[bucket_of(group.count)], 1);
		return;
	}
	count(&log->stats.failed_commits, 1);
	/* A full disk fails them all, as fast as clients repeat. */
	if (log_limit_pass(&log->failures, now_ns() / 1000000, &held))
		log_error("commit_failed", KV_ERR(rc), KV_U("held", held));
	STAILQ_FOREACH (r, requests, next) {
		memset(&r->done, 0, sizeof(r->done));
		r->done.err = rc;
	}
}

/* Gives results back, run by run of one port, so in the order of asking. */
static void
hand_back(struct apply_list *group)
{
	struct apply_request *r;
	struct msglog_port *port;

	while ((r = STAILQ_FIRST(group)) != NULL) {
		port = r->port;
		pthread_mutex_lock(&port->lock);
		while (r != NULL && r->port == port) {
			STAILQ_REMOVE_HEAD(group, next);
			STAILQ_INSERT_TAIL(&port->results, r, next);
			r = STAILQ_FIRST(group);
		}
		if (!port->woken && port->wake != NULL)
			port->woken = port->wake(port->arg) == 0;
		pthread_mutex_unlock(&port->lock);
	}
}

static void *
writer_main(void *arg)
{
	struct msglog *log = arg;
	struct apply_list group;

	pthread_setname_np(pthread_self(), "log-writer");
	while (take_group(log, &group)) {
		commit_group(log, &group);
		hand_back(&group);
	}
	return NULL;
}

int
msglog_start(struct msglog *log)
{
	int rc;

	rc = pthread_create(&log->writer, NULL, writer_main, log);
	log->running = rc == 0;
	return -rc;
}

void
msglog_stop(struct msglog *log)
{
	if (!log->running)
		return;
	pthread_mutex_lock(&log->lock);
	log->stop = true;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->writer, NULL);
	log->running = false;
}

struct msglog_port *
msglog_port_new(struct msglog *log, msglog_wake_fn *wake, void *arg)
{
	struct msglog_port *port = calloc(1, sizeof(*port));

	if (port == NULL)
		return NULL;
	port->log = log;
	port->wake = wake;
	port->arg = arg;
	STAILQ_INIT(&port->outgoing);
	STAILQ_INIT(&port->results);
	pthread_mutex_init(&port->lock, NULL);
	return port;
}

static void
request_free(struct apply_request *r)
{
	atomic_fetch_sub_explicit(
	    &r->port->log->waiting, r->cost, memory_order_relaxed);
	sig_append_free(r->append);
	buf_fini(&r->record);
	free(r->to);
	free(r);
}

static void
free_list(struct apply_list *list)
{
	struct apply_request *r;

	while ((r = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		request_free(r);
	}
}

void
msglog_port_free(struct msglog_port *port)
{
	if (port == NULL)
		return;
	free_list(&port->outgoing);
	free_list(&port->results);
	pthread_mutex_destroy(&port->lock);
	free(port);
}

void
msglog_port_mute(struct msglog_port *port)
{
	pthread_mutex_lock(&port->lock);
	port->wake = NULL;
	pthread_mutex_unlock(&port->lock);
}

static bool
lazy(const struct sig_append *a)
{
	return a->kind == SIG_APPEND_CURSOR || a->kind == SIG_APPEND_SEEN ||
	    a->kind == SIG_APPEND_READ ||
	    (a->kind == SIG_APPEND_KEEP && a->lazy);
}

/* A body is there twice once its record is made. */
static size_t
cost_of(const struct sig_append *a)
{
	return sizeof(struct apply_request) + sizeof(*a) + 2 * a->body_len +
	    a->nmentions * sizeof(a->mentions[0]);
}

int
msglog_append(struct msglog_port *port, uint64_t ticket, bool own,
    struct sig_append *append)
{
	struct msglog *log = port->log;
	struct apply_request *r = NULL;
	size_t cost = cost_of(append);
	bool room;

	room = atomic_fetch_add_explicit(
		   &log->waiting, cost, memory_order_relaxed) +
		cost <=
	    log->waiting_max;
	if (room)
		r = calloc(1, sizeof(*r));
	if (r == NULL) {
		atomic_fetch_sub_explicit(
		    &log->waiting, cost, memory_order_relaxed);
		sig_append_free(append);
		return room ? -ENOMEM : -EAGAIN;
	}
	r->port = port;
	r->cost = cost;
	r->ticket = ticket;
	r->own = own;
	r->append = append;
	buf_init(&r->record, RECORD_MAX);
	STAILQ_INSERT_TAIL(&port->outgoing, r, next);
	port->pending++;
	if (!lazy(append))
		port->outgoing_urgent++;
	return 0;
}

void
msglog_port_flush(struct msglog_port *port)
{
	struct msglog *log = port->log;

	if (STAILQ_EMPTY(&port->outgoing))
		return;
	pthread_mutex_lock(&log->lock);
	/* The writer sleeps only while nothing urgent waits; what is lazy
	 * wakes it once, to look at the clock. */
	if (log->urgent == 0 &&
	    (port->outgoing_urgent > 0 || STAILQ_EMPTY(&log->queue)))
		pthread_cond_signal(&log->wake);
	STAILQ_CONCAT(&log->queue, &port->outgoing);
	log->urgent += port->outgoing_urgent;
	pthread_mutex_unlock(&log->lock);
	port->outgoing_urgent = 0;
}

void
msglog_port_drain(struct msglog_port *port, msglog_done_fn *fn, void *arg)
{
	struct apply_list list;
	struct apply_request *r;

	STAILQ_INIT(&list);
	pthread_mutex_lock(&port->lock);
	STAILQ_CONCAT(&list, &port->results);
	port->woken = false;
	pthread_mutex_unlock(&port->lock);
	while ((r = STAILQ_FIRST(&list)) != NULL) {
		STAILQ_REMOVE_HEAD(&list, next);
		port->pending--;
		fn(arg, r->own, r->ticket, &r->done);
		request_free(r);
	}
}

size_t
msglog_port_pending(const struct msglog_port *port)
{
	return port->pending;
}

/* A port for one append, whose owner sleeps until the result is there. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	struct sig_appended result;
};

static int
waiter_wake(void *arg)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

static void
waiter_result(
    void *arg, bool own, uint64_t ticket, const struct sig_appended *result)
{
	struct waiter *w = arg;

	w->result = *result;
	w->result.text = w->result.peer_text = NULL;
}

int
msglog_append_wait(
    struct msglog *log, struct sig_append *append, struct sig_appended *done)
{
	struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };
	struct msglog_port *port;
	int rc;

	port = msglog_port_new(log, waiter_wake, &w);
	if (port == NULL) {
		sig_append_free(append);
		return -ENOMEM;
	}
	rc = msglog_append(port, 0, true, append);
	if (rc == 0) {
		msglog_port_flush(port);
		pthread_mutex_lock(&w.lock);
		while (!w.done)
			pthread_cond_wait(&w.cond, &w.lock);
		pthread_mutex_unlock(&w.lock);
		msglog_port_drain(port, waiter_result, &w);
		rc = w.result.err;
		if (done != NULL)
			*done = w.result;
	}
	msglog_port_free(port);
	return rc;
}

struct msglog_reader *
msglog_reader_new(struct msglog *log)
{
	struct msglog_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->log = log;
	r->store = store_reader_new(log->store);
	if (r->store == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
msglog_reader_free(struct msglog_reader *r)
{
	if (r == NULL)
		return;
	store_reader_free(r->store);
	free(r);
}

struct store_txn *
msglog_begin(struct msglog_reader *r)
{
	return store_read_begin(r->store);
}

void
msglog_end(struct msglog_reader *r)
{
	store_read_end(r->store);
}

void
msglog_read(struct msglog_reader *r, const struct sig_read *read,
    msglog_rows_fn *fn, void *arg)
{
	struct sig_rows rows = { .err = -EIO };
	struct store_txn *txn = store_read_begin(r->store);

	if (txn != NULL)
		rows_read(txn, r->rows, r->log->epoch, read, &rows);
	fn(arg, &rows);
	if (txn != NULL)
		store_read_end(r->store);
}

int
msglog_account(
    struct msglog_reader *r, const char *user, struct msglog_account *out)
{
	struct store_txn *txn = store_read_begin(r->store);
	struct schema_key k = schema_name(user);
	struct schema_user record;
	uint64_t uid;
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = schema_find(txn, T_USER_IDS, &k, &uid);
	if (rc == 0)
		rc = schema_user(txn, uid, &record);
	if (rc == 0) {
		snprintf(out->nick, sizeof(out->nick), "%s", record.nick);
		snprintf(out->pwhash, sizeof(out->pwhash), "%s", record.pwhash);
		out->standing = record.standing;
	}
	store_read_end(r->store);
	return rc;
}
