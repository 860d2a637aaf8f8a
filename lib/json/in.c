/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/json/internal.h"

/* Names of members come from strangers, so only a part is ever repeated. */
#define NAME_SHOWN 40

static void __attribute__((format(printf, 4, 5)))
fail(struct json_in *in, int code, const char *name, const char *fmt, ...)
{
	struct buf b = buf_fixed(in->err, sizeof(in->err) - 1);
	char what[JSON_ERR_MAX];
	va_list ap;

	if (in->code != 0)
		return;
	in->code = code;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (*in->where != '\0')
		buf_printf(&b, "%s%s", in->where, *name != '\0' ? "." : "");
	buf_printf(&b, "%s: ", name);
	buf_puts(&b, what);
	in->err[b.len] = '\0';
}

void
json_in_init(struct json_in *in, const struct json *obj, const char *where)
{
	*in = (struct json_in){ .obj = obj, .where = where };
	if (obj != NULL && obj->kind == JSON_OBJECT)
		return;
	in->code = -EINVAL;
	snprintf(in->err, sizeof(in->err), "%s%smust be an object", where,
	    *where != '\0' ? ": " : "");
}

/* Most differ in the first byte. */
static bool
same(const char *a, const char *b)
{
	return a[0] == b[0] && strcmp(a, b) == 0;
}

static const struct json *
member(const struct json_in *in, const char *name)
{
	const struct json *v;
	uint32_t i;

	if (in->code != 0)
		return NULL;
	v = json_first(in->obj);
	for (i = 0; i < in->obj->len; i++, v = json_behind(v)) {
		if (same(v->name, name))
			return v;
	}
	return NULL;
}

/* A member that has to be there. */
static const struct json *
needed(struct json_in *in, const char *name)
{
	const struct json *v = member(in, name);

	if (v == NULL)
		fail(in, -EINVAL, name, "is missing");
	return v;
}

static const char *
as_str(struct json_in *in, const char *name, const struct json *v, size_t min,
    size_t max)
{
	if (v == NULL)
		return NULL;
	if (v->kind != JSON_STRING)
		fail(in, -EINVAL, name, "must be a string");
	else if (v->len < min || v->len > max)
		fail(in, v->len > max ? -EMSGSIZE : -EINVAL, name,
		    "must have %zu to %zu bytes", min, max);
	return in->code == 0 ? v->is.text : NULL;
}

static int64_t
as_int(struct json_in *in, const char *name, const struct json *v, int64_t min,
    int64_t max, int64_t def)
{
	if (v == NULL)
		return def;
	if (v->kind != JSON_INTEGER)
		fail(in, -EINVAL, name, "must be an integer");
	else if (v->is.integer < min || v->is.integer > max)
		fail(in, -EINVAL, name, "must be %" PRId64 " to %" PRId64, min,
		    max);
	return in->code == 0 ? v->is.integer : def;
}

static bool
as_bool(struct json_in *in, const char *name, const struct json *v, bool def)
{
	if (v == NULL)
		return def;
	if (v->kind != JSON_TRUE && v->kind != JSON_FALSE)
		fail(in, -EINVAL, name, "must be true or false");
	return in->code == 0 ? v->kind == JSON_TRUE : def;
}

static const struct json *
as_object(struct json_in *in, const char *name, const struct json *v)
{
	if (v != NULL && v->kind != JSON_OBJECT)
		fail(in, -EINVAL, name, "must be an object");
	return in->code == 0 ? v : NULL;
}

static const struct json *
as_array(struct json_in *in, const char *name, const struct json *v, size_t min,
    size_t max)
{
	size_t n = json_items(v);

	if (v == NULL)
		return NULL;
	if (v->kind != JSON_ARRAY)
		fail(in, -EINVAL, name, "must be an array");
	else if (n < min || n > max)
		fail(in, n > max ? -EMSGSIZE : -EINVAL, name,
		    "must have %zu to %zu items", min, max);
	return in->code == 0 ? v : NULL;
}

bool
json_in_has(const struct json_in *in, const char *name)
{
	return member(in, name) != NULL;
}

const char *
json_in_str(struct json_in *in, const char *name, size_t min, size_t max)
{
	return as_str(in, name, needed(in, name), min, max);
}

const char *
json_in_str_opt(struct json_in *in, const char *name, size_t min, size_t max)
{
	return as_str(in, name, member(in, name), min, max);
}

int64_t
json_in_int(struct json_in *in, const char *name, int64_t min, int64_t max)
{
	return as_int(in, name, needed(in, name), min, max, min);
}

int64_t
json_in_int_opt(
    struct json_in *in, const char *name, int64_t min, int64_t max, int64_t def)
{
	return as_int(in, name, member(in, name), min, max, def);
}

bool
json_in_bool(struct json_in *in, const char *name)
{
	return as_bool(in, name, needed(in, name), false);
}

bool
json_in_bool_opt(struct json_in *in, const char *name, bool def)
{
	return as_bool(in, name, member(in, name), def);
}

const struct json *
json_in_object(struct json_in *in, const char *name)
{
	return as_object(in, name, needed(in, name));
}

const struct json *
json_in_object_opt(struct json_in *in, const char *name)
{
	return as_object(in, name, member(in, name));
}

const struct json *
json_in_array(struct json_in *in, const char *name, size_t min, size_t max)
{
	return as_array(in, name, needed(in, name), min, max);
}

const struct json *
json_in_array_opt(struct json_in *in, const char *name, size_t min, size_t max)
{
	return as_array(in, name, member(in, name), min, max);
}

const struct json *
json_in_any(const struct json_in *in, const char *name)
{
	return member(in, name);
}

static bool
among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (same(*names, name))
			return true;
	}
	return false;
}

/* The first bytes of a name, cut between characters: err stays UTF-8. */
static void
show_name(const char *name, char out[NAME_SHOWN + 4])
{
	size_t n = strnlen(name, NAME_SHOWN + 1);
	bool cut = n > NAME_SHOWN;

	if (cut)
		n = NAME_SHOWN;
	while (cut && n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	snprintf(out, NAME_SHOWN + 4, "%.*s%s", (int)n, name, cut ? "..." : "");
}

void
json_in_only(struct json_in *in, const char *const *names)
{
	char shown[NAME_SHOWN + 4];
	const struct json *v;
	uint32_t i;

	if (in->code != 0)
		return;
	v = json_first(in->obj);
	for (i = 0; i < in->obj->len; i++, v = json_behind(v)) {
		if (among(v->name, names))
			continue;
		show_name(v->name, shown);
		fail(in, -EINVAL, shown, "unknown field");
		return;
	}
}

void
json_in_fail(struct json_in *in, const char *name, const char *why)
{
	fail(in, -EINVAL, name, "%s", why);
}
