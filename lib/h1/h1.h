/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * h1: the heads of HTTP/1.1 requests (RFC 9112), bytes in and fields out,
 * over http_parser. Bodies are the caller's: it knows their length.
 * Owns: nothing; what a parsed head points to lies in the caller's bytes.
 * Thread: any.
 */
#ifndef FLOE_LIB_H1_H1_H
#define FLOE_LIB_H1_H1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H1_FIELDS_MAX 64

enum h1_method { H1_GET, H1_HEAD, H1_POST, H1_DELETE, H1_OTHER };

struct h1_field {
	const char *name, *value;
};

struct h1_head {
	enum h1_method method;
	const char *path;  /* as sent, not decoded; begins with a slash */
	const char *query; /* behind the question mark; "" without */
	/* Of the target, or else the field Host (section 3.2.2); NULL: neither.
	 * With the port, and no NUL at its end. */
	const char *host;
	size_t host_len;
	bool keep_alive;
	bool expects_continue; /* section 10.1.1 of RFC 9110 */
	uint64_t body_len;
	size_t nfields;
	struct h1_field fields[H1_FIELDS_MAX];
};

/* Length of the head with its empty line, 0 when its end is not there yet.
 * from: bytes that an earlier call has seen. */
size_t h1_head_len(const char *, size_t len, size_t from);

/*
 * Parses data[0..len), one whole head, and writes NULs into it. 0, or the
 * status to refuse the request with: 400, 411 (chunked), 431 (too many
 * fields), 501 (another transfer coding), 505.
 */
int h1_parse(char *data, size_t len, struct h1_head *);

/* The value of the first field of that name, NULL when there is none. */
const char *h1_get(const struct h1_head *, const char *name);
size_t h1_count(const struct h1_head *, const char *name);
/*
 * The first parameter of that name in a query, decoded as a form is (+ is a
 * space). 0; -ENOENT; -EMSGSIZE: size is too small; -EBADMSG: a bad escape,
 * or a NUL.
 */
int h1_query(const char *query, const char *name, char *out, size_t size);
/* Bytes with %XX escapes alone (RFC 3986 section 2.1), decoded. 0, -EMSGSIZE
 * or -EBADMSG as above. */
int h1_unescape(const char *, size_t len, char *out, size_t size);
/* The words of a status: "Not Found". */
const char *h1_reason(int status);

#endif
