/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json: JSON of strangers in, ours out. Parsing is capped in bytes, depth and
 * count of values before anything is allocated; it refuses repeated members,
 * bad UTF-8, NUL inside strings, and numbers that do not fit. Reading an
 * object and writing a text have a sticky error: do it all, then check once.
 * Owns: a parsed value owns what is in it; what readers return is borrowed.
 * Thread: any, one at a time a value.
 */
#ifndef FLOE_LIB_JSON_JSON_H
#define FLOE_LIB_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct json; /* a parsed value */

#define JSON_ERR_MAX   160
#define JSON_DEPTH_MAX 32 /* of what json_out can write */

struct json_limits {
	size_t bytes;
	size_t values; /* members and items at all levels */
	unsigned int depth;
};

/*
 * One object or array and nothing but white space around it. 0; -EMSGSIZE
 * (beyond a limit), -EBADMSG (not JSON) or -ENOMEM, then err says it in words
 * fit for the sender.
 */
int json_parse(const void *text, size_t len, const struct json_limits *,
    struct json **out, char err[JSON_ERR_MAX]);
/*
 * The same for the first of several, one after the other: moves *text and
 * *len past it. *out is NULL when only white space was left.
 */
int json_parse_next(const char **text, size_t *len, const struct json_limits *,
    struct json **out, char err[JSON_ERR_MAX]);
void json_free(struct json *); /* NULL is fine */

/* Of an array; 0 and NULL for anything else, or out of range. */
size_t json_items(const struct json *);
const struct json *json_item(const struct json *, size_t i);
bool json_nil(const struct json *); /* is null */
/* The bytes of a string, NULL for anything else. */
const char *json_text(const struct json *);
/* An integer, 0 for anything else. */
int64_t json_number(const struct json *);

/*
 * Reading the members of an object. The first thing wrong stays in err:
 * "to: must be a string", "media.audio: unknown field". After it, and for an
 * absent optional member, a reader returns NULL, the default, or min.
 */
struct json_in {
	const struct json *obj;
	const char *where;      /* path of obj, "" at the top */
	int code;               /* 0; -EINVAL, -EMSGSIZE (value too large) */
	char err[JSON_ERR_MAX]; /* "" while all is well */
};

/* where: static or outliving the reader. Not an object: err at once. */
void json_in_init(struct json_in *, const struct json *, const char *where);
bool json_in_has(const struct json_in *, const char *name);
/* min..max bytes. NUL-terminated, without NUL inside, valid UTF-8. */
const char *
json_in_str(struct json_in *, const char *name, size_t min, size_t max);
const char *
json_in_str_opt(struct json_in *, const char *name, size_t min, size_t max);
int64_t
json_in_int(struct json_in *, const char *name, int64_t min, int64_t max);
int64_t json_in_int_opt(
    struct json_in *, const char *name, int64_t min, int64_t max, int64_t def);
bool json_in_bool(struct json_in *, const char *name);
bool json_in_bool_opt(struct json_in *, const char *name, bool def);
const struct json *json_in_object(struct json_in *, const char *name);
const struct json *json_in_object_opt(struct json_in *, const char *name);
const struct json *
json_in_array(struct json_in *, const char *name, size_t min, size_t max);
const struct json *
json_in_array_opt(struct json_in *, const char *name, size_t min, size_t max);
/* Any value, null too; NULL only when absent. */
const struct json *json_in_any(const struct json_in *, const char *name);
/* Something of a member is wrong that only the caller knows: "name: why". */
void json_in_fail(struct json_in *, const char *name, const char *why);
/* Refuses a member that is not among the names (NULL ends). */
void json_in_only(struct json_in *, const char *const *names);

/*
 * Writing one text straight into a buf, without a tree: commas and escapes
 * come by themselves. name is NULL inside an array and for the outermost
 * value, else UTF-8, which is not looked at: names are the program's own, or
 * were parsed. Errors are the buf's: check b->err at the end (-EINVAL: a
 * string that is not UTF-8, or objects and arrays closed wrongly).
 */
struct json_out {
	struct buf *b;
	unsigned int depth;
	uint32_t objects; /* bit a level: an object, not an array */
	uint32_t filled;  /* bit a level: needs a comma before the next */
};

void json_out_init(struct json_out *, struct buf *);
void json_out_object(struct json_out *, const char *name);
void json_out_array(struct json_out *, const char *name);
void json_out_close(struct json_out *); /* the innermost open one */
/* Closes all that is open, and is the check that the text is whole. */
int json_out_end(struct json_out *); /* 0 or b->err */
void json_out_str(struct json_out *, const char *name, const char *);
void json_out_mem(struct json_out *, const char *name, const void *, size_t);
void json_out_int(struct json_out *, const char *name, int64_t);
void json_out_bool(struct json_out *, const char *name, bool);
void json_out_null(struct json_out *, const char *name);
/* A parsed value, copied; or a text that is known to be JSON, as it is. */
void json_out_value(struct json_out *, const char *name, const struct json *);
void json_out_raw(struct json_out *, const char *name, const void *, size_t);

#endif
