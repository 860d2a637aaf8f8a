/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ws/handshake.h"
#include "signald/bearer.h"
#include "signald/download.h"
#include "signald/shelf.h"
#include "signald/worker.h"

enum range { RANGE_ALL, RANGE_PART, RANGE_BEYOND };

/* Digits at *s, moved past them. False: there are none, or too many. */
static bool
take_number(const char **s, uint64_t *n)
{
	const char *at = *s;

	*n = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (*n > UINT64_MAX / 100)
			return false;
		*n = *n * 10 + (uint64_t)(*at - '0');
	}
	if (at == *s)
		return false;
	*s = at;
	return true;
}

/*
 * RFC 9110 section 14.2: one range of bytes; what is more, or malformed, may
 * be taken for no range at all.
 */
static enum range
find_range(const char *field, uint64_t size, struct conn_file *f)
{
	static const char unit[] = "bytes=";
	uint64_t first, last = size - 1;

	*f = (struct conn_file){ -1, 0, size };
	if (field == NULL || strncmp(field, unit, sizeof(unit) - 1) != 0)
		return RANGE_ALL;
	field += sizeof(unit) - 1;
	if (*field == '-') {
		field++;
		if (!take_number(&field, &last) || *field != '\0')
			return RANGE_ALL;
		if (last == 0)
			return RANGE_BEYOND;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else {
		if (!take_number(&field, &first) || *field++ != '-' ||
		    (*field != '\0' && !take_number(&field, &last)) ||
		    *field != '\0' || last < first)
			return first >= size && *field == '\0' ? RANGE_BEYOND
							       : RANGE_ALL;
		if (first >= size)
			return RANGE_BEYOND;
		if (last > size - 1)
			last = size - 1;
	}
	f->at = first;
	f->left = last - first + 1;
	return RANGE_PART;
}

/* RFC 9110 section 13.1.5: a part of another version is of no use. */
static const char *
range_of(const struct h1_head *head, const char *etag)
{
	const char *only_if = h1_get(head, "If-Range");

	return only_if == NULL || strcmp(only_if, etag) == 0
	    ? h1_get(head, "Range")
	    : NULL;
}

static void
send_part(struct conn *c, const char *hash, const struct msglog_file *file,
    struct conn_file *f, const char *fields)
{
	struct front_answer a = { 200, file->type, fields, NULL, 0, false };
	char part[512];

	f->fd = shelf_fetch(c->desk->app->shelf, hash);
	if (f->fd < 0) {
		front_error(c, f->fd == -ENOENT ? 404 : 503,
		    f->fd == -ENOENT ? "not_found" : "storage", "no such file",
		    0);
		return;
	}
	if (f->left < file->size) {
		snprintf(part, sizeof(part),
		    "%sContent-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
		    "\r\n",
		    fields, f->at, f->at + f->left - 1, file->size);
		a.status = 206;
		a.fields = part;
	}
	c->worker->stats.downloads++;
	front_answer_file(c, &a, f);
}

static void
send_file(struct conn *c, const struct h1_head *head, const char *hash,
    const struct msglog_file *file)
{
	const char *known = h1_get(head, "If-None-Match");
	char etag[SIG_FILE_HASH_LEN + 3], fields[384];
	struct conn_file f;
	enum range range;

	snprintf(etag, sizeof(etag), "\"%s\"", hash);
	range = find_range(range_of(head, etag), file->size, &f);
	snprintf(fields, sizeof(fields),
	    "ETag: %s\r\nCache-Control: private, no-cache\r\n"
	    "Accept-Ranges: bytes\r\nContent-Disposition: attachment\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n",
	    etag);
	if (known != NULL && ws_list_has(known, etag, false)) {
		front_answer_file(c,
		    &(struct front_answer){ 304, NULL, fields, NULL, 0, false },
		    NULL);
	} else if (range == RANGE_BEYOND) {
		snprintf(fields, sizeof(fields),
		    "Content-Range: bytes */%" PRIu64 "\r\n", file->size);
		front_answer_file(c,
		    &(struct front_answer){ 416, NULL, fields, NULL, 0, false },
		    NULL);
	} else {
		send_part(c, hash, file, &f, fields);
	}
}

void
download(struct conn *c, const struct h1_head *head)
{
	const char *hash = head->path + strlen(c->route->path);
	struct msglog_file file;
	struct sig_claims claims;
	int rc = -ENOENT;

	if (!bearer_take(c, head, &claims))
		return;
	if (sig_file_hash_ok(hash, strlen(hash)))
		rc = msglog_file(c->desk->reader, claims.user, hash, &file);
	if (rc == 0)
		send_file(c, head, hash, &file);
	else if (rc == -ENOENT)
		front_error(c, 404, "not_found", "no such file", 0);
	else
		front_error(c, 503, "storage", "the log cannot be read", 2000);
}
