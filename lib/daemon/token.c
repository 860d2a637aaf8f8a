/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/daemon.h"

#define TOKEN_BYTES 24 /* of randomness in a token that we make */
#define TOKEN_MIN   16 /* characters of one that the operator makes */

static int
token_create(const char *path)
{
	uint8_t raw[TOKEN_BYTES];
	char text[CRYPTO_BASE64_LEN(TOKEN_BYTES) + 1];
	size_t len;
	ssize_t n;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	crypto_random(raw, sizeof(raw));
	crypto_base64url(raw, sizeof(raw), text);
	len = strlen(text);
	text[len++] = '\n';
	n = write(fd, text, len);
	crypto_wipe(raw, sizeof(raw));
	crypto_wipe(text, sizeof(text));
	if (close(fd) != 0 || n != (ssize_t)len) {
		unlink(path);
		return n < 0 ? -errno : -EIO;
	}
	return 0;
}

int
daemon_secret(
    const char *path, char *out, size_t size, char err[DAEMON_ERR_MAX])
{
	int e, fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	e = n < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (e != 0) {
		snprintf(err, DAEMON_ERR_MAX, "cannot read %.200s: %s", path,
		    strerror(-e));
		return e;
	}
	out[n] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	if (strlen(out) < TOKEN_MIN) {
		snprintf(err, DAEMON_ERR_MAX,
		    "%.200s holds no token of at least %d characters", path,
		    TOKEN_MIN);
		return -EINVAL;
	}
	return 0;
}

int
daemon_token(const char *path, char *out, size_t size, char err[DAEMON_ERR_MAX])
{
	size_t said;
	int e;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		e = token_create(path);
		if (e != 0) {
			snprintf(err, DAEMON_ERR_MAX, "cannot make %.200s: %s",
			    path, strerror(-e));
			return e;
		}
	}
	e = daemon_secret(path, out, size, err);
	if (e == -EINVAL) {
		said = strlen(err);
		snprintf(err + said, DAEMON_ERR_MAX - said,
		    "; delete the file and it is made anew");
	}
	return e;
}
