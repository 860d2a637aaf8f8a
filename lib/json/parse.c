/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
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

/* The place after the string that begins at i; len when it has no end. */
static size_t
skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\')
			i++;
	}
	return i < len ? i + 1 : len;
}

static int
refuse(char err[JSON_ERR_MAX], const char *what, size_t limit)
{
	snprintf(err, JSON_ERR_MAX, "JSON with more than %zu %s", limit, what);
	return -EMSGSIZE;
}

/*
 * Counts depth and values before jansson allocates anything for them. Takes
 * brackets as they come: what does not match is jansson's to find, and the
 * counts hold for it too. An opening one stands for the first of what is
 * inside, a comma for each further one. *end: where the outermost value ends.
 */
static int
measure(const char *text, size_t len, const struct json_limits *max,
    size_t *end, char err[JSON_ERR_MAX])
{
	size_t i = 0, values = 0;
	unsigned int depth = 0;

	while (i < len) {
		switch (text[i]) {
		case '"':
			i = skip_string(text, len, i);
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
	return 0;
}

static int
load(const char *text, size_t len, struct json **out, char err[JSON_ERR_MAX])
{
	json_error_t why;
	json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (v != NULL) {
		*out = json_outside(v);
		return 0;
	}
	if (json_error_code(&why) == json_error_out_of_memory) {
		snprintf(err, JSON_ERR_MAX, "out of memory");
		return -ENOMEM;
	}
	/* Its text may quote the input, cut at any byte: name the kind only. */
	switch (json_error_code(&why)) {
	case json_error_duplicate_key:
		snprintf(err, JSON_ERR_MAX, "a repeated member at byte %d",
		    why.position);
		break;
	case json_error_invalid_utf8:
		snprintf(
		    err, JSON_ERR_MAX, "not UTF-8 at byte %d", why.position);
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		snprintf(err, JSON_ERR_MAX, "a NUL in a string at byte %d",
		    why.position);
		break;
	case json_error_numeric_overflow:
		snprintf(err, JSON_ERR_MAX, "a number too large at byte %d",
		    why.position);
		break;
	case json_error_premature_end_of_input:
		snprintf(err, JSON_ERR_MAX, "the JSON ends too early");
		break;
	default:
		snprintf(
		    err, JSON_ERR_MAX, "not JSON at byte %d", why.position);
		break;
	}
	return -EBADMSG;
}

int
json_parse_next(const char **text, size_t *len, const struct json_limits *max,
    struct json **out, char err[JSON_ERR_MAX])
{
	const char *p = *text + skip_space(*text, *len);
	size_t left = *len - (size_t)(p - *text), end;
	struct json *v = NULL;
	int rc;

	if (left > max->bytes)
		return refuse(err, "bytes", max->bytes);
	if (left > 0 && *p != '{' && *p != '[') {
		snprintf(err, JSON_ERR_MAX, "not a JSON object");
		return -EBADMSG;
	}
	if (left > 0) {
		rc = measure(p, left, max, &end, err);
		if (rc == 0)
			rc = load(p, end, &v, err);
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
	json_decref(json_inside(v));
}

size_t
json_items(const struct json *v)
{
	return json_array_size(json_inside(v));
}

const struct json *
json_item(const struct json *v, size_t i)
{
	return json_outside(json_array_get(json_inside(v), i));
}

bool
json_nil(const struct json *v)
{
	return json_is_null(json_inside(v));
}

int64_t
json_number(const struct json *v)
{
	return json_integer_value(json_inside(v));
}

const char *
json_text(const struct json *v)
{
	return json_string_value(json_inside(v));
}
