/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "signald/conf.h"
#include "signald/keys.h"

#define FILE_MAX 8192
#define LEEWAY_S 30 /* between two machines with a time service */
#define BLANKS   " \t"

/* The parts of a row: KID ALG FILE. */
struct row {
	char kid[JWT_KID_MAX + 1];
	enum jwt_alg alg;
	const char *file;
};

static bool
row_read(const char *text, struct row *row)
{
	size_t kid = strcspn(text, BLANKS), alg;
	const char *at = text + kid + strspn(text + kid, BLANKS);
	int i;

	if (kid == 0 || kid > JWT_KID_MAX)
		return false;
	memcpy(row->kid, text, kid);
	row->kid[kid] = '\0';
	alg = strcspn(at, BLANKS);
	row->alg = JWT_ALGS;
	for (i = 0; i < JWT_ALGS; i++) {
		if (strlen(jwt_alg_name(i)) == alg &&
		    memcmp(jwt_alg_name(i), at, alg) == 0)
			row->alg = i;
	}
	row->file = at + alg + strspn(at + alg, BLANKS);
	return row->alg != JWT_ALGS && row->file[0] != '\0';
}

/* The whole file, without the newline at its end. */
static ssize_t
file_read(const char *path, char data[FILE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, FILE_MAX);
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -err;
	if (n > 0 && data[n - 1] == '\n')
		n--;
	if (n > 0 && data[n - 1] == '\r')
		n--;
	return n == FILE_MAX ? -EFBIG : n;
}

static const char *
add_reason(int rc)
{
	return rc == -EEXIST ? "that kid is there already"
	    : rc == -ENOSPC  ? "too many keys; 16 are allowed"
	    : rc == -ENOMEM
	    ? "out of memory"
	    : "not a key for this algorithm; allowed: a PEM \"PUBLIC KEY\" "
	      "(RSA of 2048 to 8192 bits, P-256, Ed25519), or for HS256 a "
	      "secret of 32 to 1024 bytes";
}

static int
add_row(const struct conf *conf, const char *text, size_t i,
    struct jwt_keys *set, char err[DAEMON_ERR_MAX])
{
	char data[FILE_MAX];
	struct row row;
	ssize_t n;
	int rc;

	if (!row_read(text, &row))
		return conf_wrong(conf, "signald", "jwt-key", i, err,
		    "not a key; allowed: KID ALG FILE, where ALG is HS256, "
		    "RS256, ES256 or EdDSA");
	n = file_read(row.file, data);
	if (n < 0)
		return conf_wrong(conf, "signald", "jwt-key", i, err,
		    "cannot read %.200s: %s", row.file, strerror((int)-n));
	rc = jwt_keys_add(set, row.kid, row.alg, data, (size_t)n);
	crypto_wipe(data, sizeof(data));
	return rc == 0 ? 0
		       : conf_wrong(conf, "signald", "jwt-key", i, err, "%s",
			     add_reason(rc));
}

static char *
copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

static struct keys *
keys_make(const struct signald_conf *c)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->set = jwt_keys_new();
	k->issuer = copy(c->jwt_issuer);
	k->audience = copy(c->jwt_audience);
	k->subject = copy(c->jwt_user_claim);
	if (k->set == NULL || k->subject == NULL ||
	    (k->issuer == NULL) != (c->jwt_issuer == NULL) ||
	    (k->audience == NULL) != (c->jwt_audience == NULL)) {
		keys_free(k);
		return NULL;
	}
	k->jwt = (struct sig_jwt){ k->set,
		{ k->issuer, k->audience, k->subject, LEEWAY_S } };
	return k;
}

int
keys_new(const struct conf *conf, struct keys **out, char err[DAEMON_ERR_MAX])
{
	const struct signald_conf *c = conf_data(conf);
	const char *const *rows = c->jwt_keys.items;
	struct keys *k;
	size_t i;
	int rc;

	*out = NULL;
	if (c->jwt_keys.n == 0)
		return 0;
	k = keys_make(c);
	if (k == NULL) {
		snprintf(err, DAEMON_ERR_MAX, "out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < c->jwt_keys.n; i++) {
		rc = add_row(conf, rows[i], i, k->set, err);
		if (rc != 0) {
			keys_free(k);
			return rc;
		}
	}
	*out = k;
	return 0;
}

void
keys_free(struct keys *k)
{
	struct keys *older;

	for (; k != NULL; k = older) {
		older = k->older;
		jwt_keys_free(k->set);
		free(k->issuer);
		free(k->audience);
		free(k->subject);
		free(k);
	}
}
