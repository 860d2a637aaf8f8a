/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal: a parsed text is one block of memory: its values in the order of
 * the text, each with all that is inside right behind it, then their strings.
 * Owns: the outermost value is the block.  Thread: any.
 */
#ifndef FLOE_LIB_JSON_INTERNAL_H
#define FLOE_LIB_JSON_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/json/json.h"

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INTEGER,
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	const char *name; /* of a member; NULL otherwise */
	union {
		const char *text;
		int64_t integer;
		double real;
	} is;
	uint32_t len;  /* bytes of the text; members or items */
	uint32_t span; /* values: this one and all that is inside */
	enum json_kind kind;
};

/* The first value inside, and the one behind it; of len that there are. */
static inline const struct json *
json_first(const struct json *v)
{
	return v + 1;
}

static inline const struct json *
json_behind(const struct json *v)
{
	return v + v->span;
}

enum json_fault {
	JSON_FINE,
	JSON_REPEATED, /* member */
	JSON_NOT_UTF8,
	JSON_HAS_NUL,
	JSON_TOO_LARGE, /* number */
	JSON_SYNTAX,
	JSON_NO_MEMORY,
};

/* Bytes that are read, and not used, past the end of a text. */
#define JSON_TEXT_PAD 16

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes at the start of s that stand in a string as they are: none of
 * them a control character, a quote or a backslash. */
size_t json_plain(const char *s, size_t len);

/* tree.cc: the text, whose strings are decoded where they stand, as at most
 * room values. at: the byte where the fault is. */
enum json_fault
json_tree(char *text, size_t len, struct json *values, size_t room, size_t *at);

#ifdef __cplusplus
}
#endif

#endif
