/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * h1_head: any bytes as the head of an HTTP request are refused with a status
 * of ours, or give strings that lie inside the head.
 */
#include <errno.h>
#include <string.h>

#include "lib/h1/h1.h"
#include "tests/fuzz/fuzz.h"

static const char *text;
static size_t text_len;

static void
check_string(const char *s)
{
	MUST(s != NULL);
	if (*s == '\0')
		return; /* may be a literal */
	MUST(s >= text && s < text + text_len);
	MUST(memchr(s, '\0', (size_t)(text + text_len - s)) != NULL);
	MUST(strpbrk(s, "\r\n") == NULL);
}

/* A parameter and a path are decoded into what is theirs, or refused. */
static void
check_decoded(const struct h1_head *h)
{
	static const char *const names[] = { "username", "q", "" };
	char out[32];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		rc = h1_query(h->query, names[i], out, sizeof(out));
		MUST(rc == 0 || rc == -ENOENT || rc == -EMSGSIZE ||
		    rc == -EBADMSG);
		MUST(rc != 0 || memchr(out, '\0', sizeof(out)) != NULL);
	}
	rc = h1_unescape(h->path, strlen(h->path), out, sizeof(out));
	MUST(rc == 0 || rc == -EMSGSIZE || rc == -EBADMSG);
	MUST(rc != 0 || strlen(out) <= strlen(h->path));
}

static void
check(const struct h1_head *h)
{
	size_t i;

	check_string(h->path);
	check_string(h->query);
	MUST(h->path[0] == '/' || h->path[0] == '*');
	MUST(h->nfields <= H1_FIELDS_MAX);
	for (i = 0; i < h->nfields; i++) {
		check_string(h->fields[i].name);
		check_string(h->fields[i].value);
		MUST(h1_get(h, h->fields[i].name) != NULL);
	}
	MUST(h1_count(h, "Host") <= 1);
	MUST(h1_get(h, "Transfer-Encoding") == NULL);
	check_decoded(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct h1_head head;
	char *copy;
	size_t n, i;
	int status;

	n = h1_head_len((const char *)data, len, 0);
	for (i = 0; i < n; i++) /* found at its last byte and no sooner */
		MUST(h1_head_len((const char *)data, i, 0) == 0);
	if (n == 0)
		return 0;
	MUST(n <= len && h1_head_len((const char *)data, len, n - 1) == n);
	copy = malloc(n); /* its size, so that a byte beyond is seen */
	MUST(copy != NULL);
	memcpy(copy, data, n);
	text = copy;
	text_len = n;
	status = h1_parse(copy, n, &head);
	MUST(status == 0 || status == 400 || status == 411 || status == 431 ||
	    status == 501 || status == 505);
	if (status == 0)
		check(&head);
	free(copy);
	return 0;
}
