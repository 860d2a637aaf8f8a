/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/internal.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
skip_space(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && is_space(text[i]))
		i++;
	return i;
}

/*
 * Moves *i from the beginning of a string to behind it, to len when it has no
 * end. False, with *i there: a control character, which must be escaped. (The
 * parser does not see all of them when it looks at 16 bytes at once.)
 */
static bool
skip_string(const char *text, size_t len, size_t *i)
{
	for (++*i; *i < len; ++*i) {
		*i += json_plain(text + *i, len - *i);
		if (*i >= len)
			break;
		if (text[*i] == '"') {
			++*i;
			return true;
		}
		if (text[*i] != '\\')
			return false;
		++*i;
	}
	*i = len;
	return true;
}

static int
say(enum json_fault fault, size_t at, size_t len, char err[JSON_ERR_MAX])
{
	static const char *const words[] = {
		[JSON_REPEATED] = "a repeated member",
		[JSON_NOT_UTF8] = "not UTF-8",
		[JSON_HAS_NUL] = "a NUL in a string",
		[JSON_TOO_LARGE] = "a number too large",
		[JSON_SYNTAX] = "not JSON",
	};

	if (fault == JSON_NO_MEMORY) {
		snprintf(err, JSON_ERR_MAX, "out of memory");
		return -ENOMEM;
	}
	if (fault == JSON_SYNTAX && at >= len)
		snprintf(err, JSON_ERR_MAX, "the JSON ends too early");
	else
		snprintf(
		    err, JSON_ERR_MAX, "%s at byte %zu", words[fault], at + 1);
	return -EBADMSG;
}

static int
refuse(char err[JSON_ERR_MAX], const char *what, size_t limit)
{
	snprintf(err, JSON_ERR_MAX, "JSON with more than %zu %s", limit, what);
	return -EMSGSIZE;
}

/*
 * Counts depth and values before anything is allocated for them. Takes
 * brackets as they come: what does not match is the parser's to find, and the
 * counts hold for it too. An opening one stands for the first of what is
 * inside, a comma for each further one. *end: where the outermost value ends;
 * *n: the values that it may have inside.
 */
static int
measure(const char *text, size_t len, const struct json_limits *max,
    size_t *end, size_t *n, char err[JSON_ERR_MAX])
{
	size_t i = 0, values = 0;
	unsigned int depth = 0;

	while (i < len) {
		switch (text[i]) {
		case '"':
			if (!skip_string(text, len, &i))
				return say(JSON_SYNTAX, i, len, err);
			continue;
		case '{':
		case '[':
			if (++depth > max->depth)
				return refuse(err, "levels", max->depth);
			values++;
			break;
		case ',':
			values++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		default:
			break;
		}
		i++;
		if (values > max->values)
			return refuse(err, "values", max->values);
		if (depth == 0)
			break;
	}
	*end = i;
	*n = values;
	return 0;
}

/* In one block: the values, at most n inside the outermost, and the text. */
static int
load(const char *text, size_t len, size_t n, struct json **out,
    char err[JSON_ERR_MAX])
{
	struct json *v = malloc((n + 1) * sizeof(*v) + len + JSON_TEXT_PAD);
	enum json_fault fault = JSON_NO_MEMORY;
	size_t at = 0;
	char *copy;

	if (v != NULL) {
		copy = (char *)(v + n + 1);
		memcpy(copy, text, len);
		memset(copy + len, 0, JSON_TEXT_PAD);
		fault = json_tree(copy, len, v, n + 1, &at);
	}
	if (fault == JSON_FINE) {
		*out = v;
		return 0;
	}
	free(v);
	return say(fault, at, len, err);
}

int
json_parse_next(const char **text, size_t *len, const struct json_limits *max,
    struct json **out, char err[JSON_ERR_MAX])
{
	const char *p = *text + skip_space(*text, *len);
	size_t left = *len - (size_t)(p - *text), end, n;
	struct json *v = NULL;
	int rc;

	if (left > max->bytes)
		return refuse(err, "bytes", max->bytes);
	if (left > 0 && *p != '{' && *p != '[') {
		snprintf(err, JSON_ERR_MAX, "not a JSON object");
		return -EBADMSG;
	}
	if (left > 0) {
		rc = measure(p, left, max, &end, &n, err);
		if (rc == 0)
			rc = load(p, end, n, &v, err);
		if (rc != 0)
			return rc;
		p += end;
		left -= end;
	}
	*text = p;
	*len = left;
	*out = v;
	return 0;
}

int
json_parse(const void *text, size_t len, const struct json_limits *max,
    struct json **out, char err[JSON_ERR_MAX])
{
	const char *p = text;
	struct json *v;
	int rc = json_parse_next(&p, &len, max, &v, err);

	if (rc != 0)
		return rc;
	if (v == NULL) {
		snprintf(err, JSON_ERR_MAX, "no JSON at all");
		return -EBADMSG;
	}
	if (skip_space(p, len) < len) {
		snprintf(err, JSON_ERR_MAX, "more after the JSON's end");
		json_free(v);
		return -EBADMSG;
	}
	*out = v;
	return 0;
}

void
json_free(struct json *v)
{
	free(v);
}

size_t
json_items(const struct json *v)
{
	return v != NULL && v->kind == JSON_ARRAY ? v->len : 0;
}

const struct json *
json_item(const struct json *v, size_t i)
{
	if (i >= json_items(v))
		return NULL;
	for (v = json_first(v); i > 0; i--)
		v = json_behind(v);
	return v;
}

bool
json_nil(const struct json *v)
{
	return v != NULL && v->kind == JSON_NULL;
}

int64_t
json_number(const struct json *v)
{
	return v != NULL && v->kind == JSON_INTEGER ? v->is.integer : 0;
}

const char *
json_text(const struct json *v)
{
	return v != NULL && v->kind == JSON_STRING ? v->is.text : NULL;
}
