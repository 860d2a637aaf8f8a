/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "signald/log/msglog.h"
#include "signald/shelf.h"

#define SWEEP_MAX_MS 60000 /* between two sweeps */
#define SWEEP_MIN_MS 250
#define PATH_LEN     (SHELF_DIR_MAX + 128)

struct shelf {
	char dir[SHELF_DIR_MAX];
	struct msglog *log;
	struct msglog_reader *reader; /* the thread's */
	uint64_t quota, all, keep_ms;
	pthread_t thread;
	bool running;
	struct log_limit failures; /* the thread's */
	pthread_mutex_t lock;      /* guards what follows, and posting */
	pthread_cond_t wake;
	LIST_HEAD(, shelf_job) jobs;
	STAILQ_HEAD(, shelf_job) queue;
	struct shelf_job *current;
	uint64_t last_number;
	bool stop;
};

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Where a file under construction is. */
static void
new_path(const struct shelf_job *job, bool named, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/new/%s%s%" PRIu64, job->shelf->dir,
	    named ? job->file.hash : "", named ? "-" : "", job->number);
}

static void
kept_path(const struct shelf *s, const char *hash, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%.2s/%.62s", s->dir, hash, hash + 2);
}

/* A name in a directory is on the disk when the directory is. */
static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* From files/new to its place; what is there already has the same bytes. */
static int
put_in_place(const struct shelf *s, const char *from, const char *hash)
{
	char path[PATH_LEN], dir[PATH_LEN];
	int rc;

	kept_path(s, hash, path);
	snprintf(dir, sizeof(dir), "%s/%.2s", s->dir, hash);
	if (mkdir(dir, 0700) == 0) {
		rc = sync_dir(s->dir);
		if (rc != 0)
			return rc;
	} else if (errno != EEXIST) {
		return -errno;
	}
	return rename(from, path) == 0 ? sync_dir(dir) : -errno;
}

/* Asks the log and waits. */
static int
ask(struct shelf *s, enum sig_append_kind kind, const char *user,
    const struct sig_file *file)
{
	struct sig_append *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->kind = kind;
	a->ts = loop_wall_ms();
	a->sync = s->keep_ms;
	snprintf(a->user, sizeof(a->user), "%s", user);
	if (file != NULL) {
		a->file = malloc(sizeof(*a->file));
		if (a->file == NULL) {
			sig_append_free(a);
			return -ENOMEM;
		}
		*a->file = *file;
	}
	return msglog_append_wait(s->log, a, NULL);
}

/* Makes the bytes durable under a name that tells what they are. */
static int
seal(struct shelf_job *job)
{
	char from[PATH_LEN], to[PATH_LEN], dir[PATH_LEN];

	new_path(job, false, from);
	new_path(job, true, to);
	snprintf(dir, sizeof(dir), "%s/new", job->shelf->dir);
	if (fsync(job->fd) != 0 || rename(from, to) != 0)
		return -errno;
	job->named = true;
	return sync_dir(dir);
}

static int
keep(struct shelf *s, struct shelf_job *job)
{
	char path[PATH_LEN];
	int rc;

	rc = seal(job);
	if (rc == 0)
		rc = ask(s, SIG_APPEND_FILE, job->user, &job->file);
	new_path(job, job->named, path);
	if (rc == 0)
		rc = put_in_place(s, path, job->file.hash);
	if (rc != 0)
		unlink(path);
	return rc;
}

/* 0: a file is to be forgotten; -ENOENT: none. */
static int
is_due(struct shelf *s)
{
	uint64_t now = loop_wall_ms();

	return msglog_file_idle(
	    s->reader, now > s->keep_ms ? now - s->keep_ms : 0);
}

/* Has the log forget some files, and takes away what it has forgotten. */
static void
sweep(struct shelf *s)
{
	struct sig_file file = { .size = 0 };
	char path[PATH_LEN];
	uint64_t held;
	int rc;

	rc = is_due(s);
	if (rc == 0)
		rc = ask(s, SIG_APPEND_FILE_SWEEP, "", NULL);
	if (rc == -ENOENT) /* a crash may have left some to take away */
		rc = 0;
	while (rc == 0) {
		rc = msglog_file_gone(s->reader, file.hash);
		if (rc != 0)
			break;
		kept_path(s, file.hash, path);
		/* Uploaded again before a crash: the log knows it. */
		rc = msglog_file_known(s->reader, file.hash);
		if (rc == -ENOENT)
			rc = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
		if (rc == 0)
			rc = ask(s, SIG_APPEND_FILE_GONE, "", &file);
	}
	if (rc != -ENOENT && log_limit_pass(&s->failures, now_ms(), &held))
		log_error("file_sweep_failed", KV_ERR(rc), KV_U("held", held));
}

/* Posting happens under the lock, so that a forgotten loop gets nothing. */
static void
deliver(struct shelf *s, struct shelf_job *job)
{
	bool gone;

	pthread_mutex_lock(&s->lock);
	s->current = NULL;
	gone = job->loop == NULL || loop_post(job->loop, job->done, job) != 0;
	pthread_mutex_unlock(&s->lock);
	if (gone)
		shelf_drop(job);
}

static uint64_t
sweep_every(const struct shelf *s)
{
	uint64_t every = s->keep_ms / 8;

	if (every > SWEEP_MAX_MS)
		return SWEEP_MAX_MS;
	return every < SWEEP_MIN_MS ? SWEEP_MIN_MS : every;
}

/* The next job, NULL when it is time to sweep. False: stopped. */
static bool
take(struct shelf *s, uint64_t until_ms, struct shelf_job **out)
{
	struct timespec until = { (time_t)(until_ms / 1000),
		(long)(until_ms % 1000) * 1000000 };
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (STAILQ_EMPTY(&s->queue) && !s->stop && rc == 0)
		rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
	*out = s->stop ? NULL : STAILQ_FIRST(&s->queue);
	if (*out != NULL)
		STAILQ_REMOVE_HEAD(&s->queue, next);
	s->current = *out;
	pthread_mutex_unlock(&s->lock);
	return !s->stop;
}

static void *
shelf_main(void *arg)
{
	struct shelf *s = arg;
	struct shelf_job *job;
	uint64_t due = 0;

	pthread_setname_np(pthread_self(), "shelf");
	while (take(s, due, &job)) {
		if (job != NULL) {
			job->err = keep(s, job);
			deliver(s, job);
		}
		if (now_ms() >= due) {
			sweep(s);
			due = now_ms() +
			    (is_due(s) == 0 ? SWEEP_MIN_MS : sweep_every(s));
		}
	}
	return NULL;
}

/* One file of an earlier life in files/new: HASH-NUMBER was complete. */
static int
settle(struct shelf *s, const char *name)
{
	char path[PATH_LEN], hash[SIG_FILE_HASH_LEN + 1];
	int rc = -ENOENT;

	snprintf(path, sizeof(path), "%s/new/%.*s", s->dir, 100, name);
	snprintf(hash, sizeof(hash), "%.*s", SIG_FILE_HASH_LEN, name);
	if (sig_file_hash_ok(hash, strlen(hash)) &&
	    name[SIG_FILE_HASH_LEN] == '-')
		rc = msglog_file_known(s->reader, hash);
	if (rc == 0)
		return put_in_place(s, path, hash);
	if (rc != -ENOENT)
		return rc;
	return unlink(path) == 0 ? 0 : -errno;
}

static int
settle_all(struct shelf *s)
{
	const struct dirent *e;
	char path[PATH_LEN];
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/new", s->dir);
	dir = opendir(path);
	if (dir == NULL)
		return -errno;
	while (rc == 0 && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			rc = settle(s, e->d_name);
	closedir(dir);
	return rc;
}

static int
make_dirs(const struct shelf *s)
{
	char path[PATH_LEN];

	if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/new", s->dir);
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

static int
start(struct shelf *s)
{
	int rc;

	rc = make_dirs(s);
	if (rc != 0)
		return rc;
	s->reader = msglog_reader_new(s->log);
	if (s->reader == NULL)
		return -ENOMEM;
	rc = settle_all(s);
	if (rc == 0)
		rc = -pthread_create(&s->thread, NULL, shelf_main, s);
	s->running = rc == 0;
	return rc;
}

int
shelf_open(const struct shelf_config *cfg, struct shelf **out, char *err,
    size_t err_size)
{
	struct shelf *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int rc = -ENOMEM;

	if (s == NULL)
		goto fail;
	LIST_INIT(&s->jobs);
	STAILQ_INIT(&s->queue);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	s->log = cfg->log;
	s->quota = cfg->quota;
	s->all = cfg->all;
	s->keep_ms = cfg->keep_ms;
	s->failures.burst = 1;
	rc = strlen(cfg->dir) < sizeof(s->dir) ? 0 : -ENAMETOOLONG;
	if (rc == 0) {
		snprintf(s->dir, sizeof(s->dir), "%s", cfg->dir);
		rc = start(s);
	}
	if (rc == 0) {
		*out = s;
		return 0;
	}
fail:
	snprintf(err, err_size, "%s: %s", cfg->dir, strerror(-rc));
	shelf_free(s);
	return rc;
}

void
shelf_free(struct shelf *s)
{
	struct shelf_job *job;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	while ((job = STAILQ_FIRST(&s->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->queue, next);
		shelf_drop(job);
	}
	msglog_reader_free(s->reader);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Whether one more may be under construction; if so, it is listed. */
static int
take_slot(struct shelf *s, struct shelf_job *job, uint64_t all_used)
{
	const struct shelf_job *other;
	uint64_t used = all_used + sig_file_cost(job->file.size);
	int all = 0, mine = 0, rc = 0;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH (other, &s->jobs, of_shelf) {
		all++;
		mine += strcmp(other->user, job->user) == 0;
		used += sig_file_cost(other->file.size);
	}
	if (all >= SHELF_JOBS_MAX || mine >= SHELF_USER_JOBS)
		rc = -EAGAIN;
	else if (used > s->all)
		rc = -ENFILE;
	if (rc == 0) {
		LIST_INSERT_HEAD(&s->jobs, job, of_shelf);
		job->shelf = s;
		job->number = ++s->last_number;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int
shelf_begin(struct shelf *s, const char *user, uint64_t size, uint64_t all_used,
    struct shelf_job **out)
{
	struct shelf_job *job = calloc(1, sizeof(*job));
	char path[PATH_LEN];
	int rc = -ENOMEM;

	if (job == NULL)
		return -ENOMEM;
	job->fd = -1;
	job->file.size = size;
	job->file.quota = s->quota;
	job->file.all = s->all;
	snprintf(job->user, sizeof(job->user), "%s", user);
	job->sum = crypto_sum_new(CRYPTO_SHA256);
	if (job->sum != NULL)
		rc = take_slot(s, job, all_used);
	if (rc == 0) {
		new_path(job, false, path);
		job->fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (job->fd < 0)
			rc = -errno;
	}
	if (rc != 0) {
		shelf_drop(job);
		return rc;
	}
	*out = job;
	return 0;
}

int
shelf_write(struct shelf_job *job, const void *data, size_t len)
{
	const uint8_t *at = data;
	size_t left = len;
	ssize_t n;

	if (len > job->file.size - job->written)
		return -EFBIG;
	while (left > 0) {
		n = write(job->fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		left -= (size_t)n;
	}
	job->written += len;
	return crypto_sum_add(job->sum, data, len);
}

void
shelf_keep(struct shelf_job *job)
{
	uint8_t digest[CRYPTO_SHA256_LEN];
	struct shelf *s = job->shelf;

	job->err = crypto_sum_end(job->sum, digest);
	crypto_hex(digest, sizeof(digest), job->file.hash);
	pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->queue, job, next);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void
shelf_drop(struct shelf_job *job)
{
	struct shelf *s;
	char path[PATH_LEN];

	if (job == NULL)
		return;
	s = job->shelf;
	if (job->fd >= 0) {
		close(job->fd);
		/* One that was kept has another name by now. */
		new_path(job, false, path);
		unlink(path);
	}
	if (s != NULL) {
		pthread_mutex_lock(&s->lock);
		LIST_REMOVE(job, of_shelf);
		pthread_mutex_unlock(&s->lock);
	}
	crypto_sum_free(job->sum);
	free(job);
}

void
shelf_forget(struct shelf *s, struct loop *loop)
{
	struct shelf_job *job;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH (job, &s->jobs, of_shelf)
		if (job->loop == loop)
			job->loop = NULL;
	pthread_mutex_unlock(&s->lock);
}

int
shelf_fetch(const struct shelf *s, const char *hash)
{
	char path[PATH_LEN];
	int fd;

	kept_path(s, hash, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 ? fd : -errno;
}
