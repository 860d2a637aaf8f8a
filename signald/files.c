/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "signald/files.h"

#define FILES_MAX  1000
#define BYTES_MAX  (32 * 1024 * 1024) /* of all files */
#define DEPTH_MAX  8
#define PATH_BYTES 1024

struct files {
	struct file *files; /* sorted by path once loaded */
	size_t n;
	size_t bytes;
	char *err;
	size_t err_size;
};

static const struct {
	const char *suffix, *type;
} types[] = {
	{ ".css", "text/css; charset=utf-8" },
	{ ".html", "text/html; charset=utf-8" },
	{ ".ico", "image/x-icon" },
	{ ".jpg", "image/jpeg" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mp3", "audio/mpeg" },
	{ ".ogg", "audio/ogg" },
	{ ".png", "image/png" },
	{ ".svg", "image/svg+xml" },
	{ ".ts", "text/plain; charset=utf-8" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".woff2", "font/woff2" },
};

static const char *
type_of(const char *name)
{
	const char *suffix = strrchr(name, '.');
	size_t i;

	for (i = 0; suffix != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].suffix, suffix) == 0)
			return types[i].type;
	return NULL;
}

static int
fail(struct files *fs, const char *path, int err)
{
	snprintf(fs->err, fs->err_size, "%s: %s", path, strerror(-err));
	return err;
}

static int
read_all(int fd, uint8_t *data, size_t len)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = read(fd, data + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	return 0;
}

static int
read_file(int fd, size_t len, struct file *f)
{
	struct crypto_span span;
	uint8_t digest[CRYPTO_SHA256_LEN];
	char hex[33];
	int rc;

	f->data = malloc(len + 1);
	if (f->data == NULL)
		return -ENOMEM;
	f->len = len;
	rc = read_all(fd, f->data, len);
	span = (struct crypto_span){ f->data, len };
	if (rc == 0)
		rc = crypto_digest(CRYPTO_SHA256, &span, 1, digest);
	if (rc != 0)
		return rc;
	crypto_hex(digest, 16, hex);
	snprintf(f->etag, sizeof(f->etag), "\"%s\"", hex);
	return 0;
}

static int
add_file(struct files *fs, int fd, const char *path, size_t len)
{
	struct file *grown, *f;
	int rc;

	if (fs->n == FILES_MAX || len > BYTES_MAX - fs->bytes)
		return -EFBIG;
	grown = reallocarray(fs->files, fs->n + 1, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	fs->files = grown;
	f = &fs->files[fs->n];
	memset(f, 0, sizeof(*f));
	f->type = type_of(path);
	f->path = strdup(path);
	rc = f->path == NULL ? -ENOMEM : read_file(fd, len, f);
	if (rc != 0) {
		free(f->path);
		free(f->data);
		return rc;
	}
	fs->n++;
	fs->bytes += len;
	return 0;
}

static int load_dir(struct files *, int fd, const char *path, int depth);

/* Takes fd. */
static int
load_entry(struct files *fs, int fd, const char *path, int depth)
{
	struct stat st;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		rc = fail(fs, path, -errno);
	else if (S_ISDIR(st.st_mode))
		return load_dir(fs, fd, path, depth + 1);
	else if (S_ISREG(st.st_mode) && type_of(path) != NULL) {
		rc = add_file(fs, fd, path, (size_t)st.st_size);
		if (rc != 0)
			fail(fs, path, rc);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Takes fd. */
static int
load_dir(struct files *fs, int fd, const char *path, int depth)
{
	char below[PATH_BYTES];
	struct dirent *e;
	DIR *dir;
	int rc = 0;

	dir = fdopendir(fd);
	if (dir == NULL || depth > DEPTH_MAX) {
		rc = fail(fs, path, dir == NULL ? -errno : -ELOOP);
		if (dir == NULL)
			close(fd);
		else
			closedir(dir);
		return rc;
	}
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, e->d_name) >=
		    (int)sizeof(below))
			rc = fail(fs, path, -ENAMETOOLONG);
		else
			rc = load_entry(fs,
			    openat(fd, e->d_name,
				O_RDONLY | O_CLOEXEC | O_NONBLOCK),
			    below, depth);
	}
	closedir(dir);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	const struct file *left = a, *right = b;

	return strcmp(left->path, right->path);
}

int
files_load(const char *dir, struct files **out, char *err, size_t err_size)
{
	struct files *fs = calloc(1, sizeof(*fs));
	int fd, rc;

	if (fs == NULL)
		return -ENOMEM;
	fs->err = err;
	fs->err_size = err_size;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? fail(fs, dir, -errno) : load_dir(fs, fd, "", 0);
	if (rc != 0) {
		files_free(fs);
		return rc;
	}
	if (fs->n > 0)
		qsort(fs->files, fs->n, sizeof(*fs->files), by_path);
	*out = fs;
	return 0;
}

void
files_free(struct files *fs)
{
	size_t i;

	if (fs == NULL)
		return;
	for (i = 0; i < fs->n; i++) {
		free(fs->files[i].path);
		free(fs->files[i].data);
	}
	free(fs->files);
	free(fs);
}

const struct file *
files_find(const struct files *fs, const char *path)
{
	struct file key = { .path = (char *)path };

	if (strcmp(path, "/") == 0)
		key.path = (char *)"/index.html";
	if (fs->n == 0)
		return NULL;
	return bsearch(&key, fs->files, fs->n, sizeof(key), by_path);
}

size_t
files_count(const struct files *fs)
{
	return fs->n;
}
