/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/json/json.h"
#include "lib/log/log.h"
#include "signald/backup.h"
#include "signald/signald.h"

#define BODY_MAX     4096
#define NAME_MAX_LEN 64
#define PATH_LEN     (STATE_PATH_MAX + NAME_MAX_LEN + 32)

enum backup_state { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };

struct backup {
	const struct app *app;
	const char *folder;
	pthread_t thread;
	bool joinable; /* the admin thread's, likewise what is above */
	char name[NAME_MAX_LEN + 1];
	pthread_mutex_t lock; /* of what follows */
	enum backup_state state;
	uint64_t bytes;
	int err;
};

struct backup *
backup_new(void)
{
	struct backup *b = calloc(1, sizeof(*b));

	if (b != NULL)
		pthread_mutex_init(&b->lock, NULL);
	return b;
}

void
backup_free(struct backup *b)
{
	if (b == NULL)
		return;
	if (b->joinable)
		pthread_join(b->thread, NULL);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static int
sync_path(const char *path)
{
	int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Without it everybody would have to log in again. */
static int
write_key(const struct app *app, const char *dir)
{
	const uint8_t *key = app->setup.core.token_key;
	const size_t len = sizeof(app->setup.core.token_key);
	char path[PATH_LEN + 16];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/token.key", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, key, len) != (ssize_t)len || fsync(fd) != 0)
		rc = errno != 0 ? -errno : -EIO;
	close(fd);
	return rc;
}

/* Into a folder of another name, which is renamed when all is on disk. */
static int
copy(const struct backup *b, uint64_t *bytes)
{
	char part[PATH_LEN], dir[PATH_LEN], messages[PATH_LEN + 16],
	    data[PATH_LEN + 32];
	struct stat st;
	int rc;

	snprintf(dir, sizeof(dir), "%s/%s", b->folder, b->name);
	snprintf(part, sizeof(part), "%s/.%s.part", b->folder, b->name);
	snprintf(messages, sizeof(messages), "%s/messages", part);
	snprintf(data, sizeof(data), "%s/data.mdb", messages);
	if (mkdir(part, 0700) != 0 || mkdir(messages, 0700) != 0)
		return -errno;
	rc = msglog_copy(b->app->log, messages);
	if (rc == 0)
		rc = write_key(b->app, part);
	if (rc == 0)
		rc = sync_path(data);
	if (rc == 0)
		rc = sync_path(messages);
	if (rc == 0)
		rc = sync_path(part);
	if (rc == 0 && (stat(data, &st) != 0 || rename(part, dir) != 0))
		rc = -errno;
	if (rc == 0) {
		*bytes = (uint64_t)st.st_size;
		return sync_path(b->folder);
	}
	/* What is half there is nobody's backup. */
	unlink(data);
	rmdir(messages);
	snprintf(data, sizeof(data), "%s/token.key", part);
	unlink(data);
	rmdir(part);
	return rc;
}

static void *
backup_run(void *arg)
{
	struct backup *b = arg;
	uint64_t began = loop_wall_ms(), bytes = 0;
	int rc;

	pthread_setname_np(pthread_self(), "backup");
	rc = copy(b, &bytes);
	if (rc == 0)
		log_info("backup", KV_S("name", b->name),
		    KV_S("app", b->app->name), KV_U("bytes", bytes),
		    KV_U("ms", loop_wall_ms() - began));
	else
		log_error("backup_failed", KV_S("name", b->name), KV_ERR(rc));
	pthread_mutex_lock(&b->lock);
	b->state = rc == 0 ? BACKUP_DONE : BACKUP_FAILED;
	b->bytes = bytes;
	b->err = rc;
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* A word of letters, digits, dots and dashes, so that it leads nowhere else. */
static bool
name_ok(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return s[0] != '.' && s[strspn(s, chars)] == '\0';
}

/* NULL, or what is wrong with the body. */
static const char *
read_body(const struct http_request *req, char name[NAME_MAX_LEN + 1],
    char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { BODY_MAX, 4, 2 };
	static const char *const names[] = { "dir", NULL };
	const char *dir;
	struct json *body;
	struct json_in in;

	if (json_parse(req->body, req->body_len, &limits, &body, err) != 0)
		return err;
	json_in_init(&in, body, "");
	json_in_only(&in, names);
	dir = json_in_str(&in, "dir", 1, NAME_MAX_LEN);
	memcpy(err, in.err, JSON_ERR_MAX);
	if (in.code == 0 && !name_ok(dir))
		snprintf(err, JSON_ERR_MAX,
		    "dir: must be of A-Z a-z 0-9 . _ - and not begin with a "
		    "dot");
	else if (in.code == 0)
		snprintf(name, NAME_MAX_LEN + 1, "%s", dir);
	json_free(body);
	return *err != '\0' ? err : NULL;
}

static bool
running(struct backup *b)
{
	bool yes;

	pthread_mutex_lock(&b->lock);
	yes = b->state == BACKUP_RUNNING;
	pthread_mutex_unlock(&b->lock);
	return yes;
}

static int
start(struct backup *b, const struct app *app, const char *folder,
    const char *name)
{
	int rc;

	if (b->joinable)
		pthread_join(b->thread, NULL);
	b->app = app;
	b->folder = folder;
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->state = BACKUP_RUNNING;
	rc = pthread_create(&b->thread, NULL, backup_run, b);
	b->joinable = rc == 0;
	if (rc != 0)
		b->state = BACKUP_FAILED;
	b->err = -rc;
	return -rc;
}

void
backup_begin(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	char name[NAME_MAX_LEN + 1], path[PATH_LEN], err[JSON_ERR_MAX] = "";
	struct signald *d = daemon_state(arg);
	const struct app *app = app_asked(d, req, reply);
	const char *wrong;

	if (app == NULL)
		return;
	if (d->conf->backup_dir == NULL) {
		http_error(reply, 404, "not_found", "backup-dir is not set");
		return;
	}
	wrong = read_body(req, name, err);
	if (wrong != NULL) {
		http_error(reply, 400, "bad_request", wrong);
		return;
	}
	if (running(d->backup)) {
		http_error(reply, 409, "conflict", "another one is under way");
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", d->conf->backup_dir, name);
	if (access(path, F_OK) == 0)
		http_error(reply, 409, "conflict", "dir: is there already");
	else if (start(d->backup, app, d->conf->backup_dir, name) != 0)
		http_error(reply, 503, "busy", "no thread");
	else
		backup_status(arg, NULL, reply);
	if (reply->status == 200)
		reply->status = 202;
}

void
backup_status(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	static const char *const states[] = { "none", "running", "done",
		"failed" };
	struct signald *d = daemon_state(arg);
	struct backup *b = d->backup;
	struct json_out o;

	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	pthread_mutex_lock(&b->lock);
	json_out_str(&o, "state", states[b->state]);
	if (b->state != BACKUP_NONE) {
		json_out_str(&o, "app", b->app->name);
		json_out_str(&o, "dir", b->name);
	}
	if (b->state == BACKUP_DONE)
		json_out_int(&o, "bytes", (int64_t)b->bytes);
	if (b->state == BACKUP_FAILED)
		json_out_str(&o, "why", strerror(-b->err));
	pthread_mutex_unlock(&b->lock);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
}
