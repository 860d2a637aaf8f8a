/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "signald/signald.h"

#define KEY_LEN 32
_Static_assert(sizeof(((struct sig_config *)0)->token_key) == KEY_LEN,
    "the key on disk is the core's");

static int
fail(char err[DAEMON_ERR_MAX], const char *path, int rc)
{
	snprintf(err, DAEMON_ERR_MAX, "%.*s: %s", STATE_PATH_MAX, path,
	    strerror(-rc));
	return rc;
}

int
state_path(char path[STATE_PATH_MAX], const char *dir, const char *name,
    char err[DAEMON_ERR_MAX])
{
	int n = snprintf(path, STATE_PATH_MAX, "%s/%s", dir, name);

	if (n < STATE_PATH_MAX)
		return 0;
	snprintf(err, DAEMON_ERR_MAX, "state-dir: more than %d bytes",
	    STATE_PATH_MAX - (int)strlen(name) - 2);
	return -ENAMETOOLONG;
}

/* Two of us in one directory would write over each other. */
static int
take_lock(struct signald *d, const char *dir, char err[DAEMON_ERR_MAX])
{
	char path[STATE_PATH_MAX], pid[32] = "";
	ssize_t n;
	int rc;

	rc = state_path(path, dir, "signald.lock", err);
	if (rc != 0)
		return rc;
	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return fail(err, path, -errno);
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		n = read(d->lock_fd, pid, sizeof(pid) - 1);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		snprintf(err, DAEMON_ERR_MAX,
		    "state-dir %s is in use by another signald (pid %s); stop "
		    "it, or give this one a state-dir of its own",
		    dir, pid);
		return -EBUSY;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(d->lock_fd, 0) != 0 ||
	    pwrite(d->lock_fd, pid, (size_t)n, 0) != n)
		return fail(err, path, -errno);
	return 0;
}

/* The whole key or no file: it is written beside and renamed. */
static int
make_key(const char *path, uint8_t key[KEY_LEN])
{
	char beside[STATE_PATH_MAX + 8];
	int fd, rc = 0;

	snprintf(beside, sizeof(beside), "%s.new", path);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	crypto_random(key, KEY_LEN);
	if (write(fd, key, KEY_LEN) != KEY_LEN || fsync(fd) != 0 ||
	    rename(beside, path) != 0)
		rc = errno != 0 ? -errno : -EIO;
	close(fd);
	return rc;
}

int
state_key(const char *dir, uint8_t key[KEY_LEN], char err[DAEMON_ERR_MAX])
{
	char path[STATE_PATH_MAX];
	ssize_t n;
	int fd, rc;

	rc = state_path(path, dir, "token.key", err);
	if (rc != 0)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		rc = make_key(path, key);
		return rc == 0 ? 0 : fail(err, path, rc);
	}
	if (fd < 0)
		return fail(err, path, -errno);
	n = read(fd, key, KEY_LEN);
	close(fd);
	if (n == KEY_LEN)
		return 0;
	snprintf(err, DAEMON_ERR_MAX,
	    "%s: not a key of %d bytes; without this file a new one is made "
	    "and everybody logs in again",
	    path, KEY_LEN);
	return -EINVAL;
}

int
state_app(char path[STATE_PATH_MAX], const char *dir, const char *app,
    char err[DAEMON_ERR_MAX])
{
	char apps[STATE_PATH_MAX];
	int rc;

	rc = state_path(apps, dir, "apps", err);
	if (rc == 0)
		rc = state_path(path, apps, app, err);
	if (rc != 0)
		return rc;
	if (mkdir(apps, 0700) != 0 && errno != EEXIST)
		return fail(err, apps, -errno);
	return mkdir(path, 0700) == 0 || errno == EEXIST
	    ? 0
	    : fail(err, path, -errno);
}

int
state_open(struct signald *d, char err[DAEMON_ERR_MAX])
{
	const char *dir = d->conf->daemon.common.state_dir;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(err, dir, -errno);
	return take_lock(d, dir, err);
}
