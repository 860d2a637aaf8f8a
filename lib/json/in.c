/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
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
	if (json_is_object(json_inside(obj)))
		return;
	in->code = -EINVAL;
	snprintf(in->err, sizeof(in->err), "%s%smust be an object", where,
	    *where != '\0' ? ": " : "");
}

static json_t *
member(const struct json_in *in, const char *name)
{
	if (in->code != 0)
		return NULL;
	return json_object_get(json_inside(in->obj), name);
}

/* A member that has to be there. */
static json_t *
needed(struct json_in *in, const char *name)
{
	json_t *v = member(in, name);

	if (v == NULL)
		fail(in, -EINVAL, name, "is missing");
	return v;
}

static const char *
as_str(struct json_in *in, const char *name, const json_t *v, size_t min,
    size_t max)
{
	size_t len = json_string_length(v);

	if (v == NULL)
		return NULL;
	if (!json_is_string(v))
		fail(in, -EINVAL, name, "must be a string");
	else if (len < min || len > max)
		fail(in, len > max ? -EMSGSIZE : -EINVAL, name,
		    "must have %zu to %zu bytes", min, max);
	return in->code == 0 ? json_string_value(v) : NULL;
}

static int64_t
as_int(struct json_in *in, const char *name, const json_t *v, int64_t min,
    int64_t max, int64_t def)
{
	int64_t n = json_integer_value(v);

	if (v == NULL)
		return def;
	if (!json_is_integer(v))
		fail(in, -EINVAL, name, "must be an integer");
	else if (n < min || n > max)
		fail(in, -EINVAL, name, "must be %" PRId64 " to %" PRId64, min,
		    max);
	return in->code == 0 ? n : def;
}

static bool
as_bool(struct json_in *in, const char *name, const json_t *v, bool def)
{
	if (v == NULL)
		return def;
	if (!json_is_boolean(v))
		fail(in, -EINVAL, name, "must be true or false");
	return in->code == 0 ? json_is_true(v) : def;
}

static const struct json *
as_object(struct json_in *in, const char *name, json_t *v)
{
	if (v != NULL && !json_is_object(v))
		fail(in, -EINVAL, name, "must be an object");
	return in->code == 0 ? json_outside(v) : NULL;
}

static const struct json *
as_array(
    struct json_in *in, const char *name, json_t *v, size_t min, size_t max)
{
	size_t n = json_array_size(v);

	if (v == NULL)
		return NULL;
	if (!json_is_array(v))
		fail(in, -EINVAL, name, "must be an array");
	else if (n < min || n > max)
		fail(in, n > max ? -EMSGSIZE : -EINVAL, name,
		    "must have %zu to %zu items", min, max);
	return in->code == 0 ? json_outside(v) : NULL;
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
	return json_outside(member(in, name));
}

static bool
among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
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
	const char *name;
	json_t *v;

	if (in->code != 0)
		return;
	json_object_foreach(json_inside(in->obj), name, v)
	{
		if (among(name, names))
			continue;
		show_name(name, shown);
		fail(in, -EINVAL, shown, "unknown field");
		return;
	}
}

void
json_in_fail(struct json_in *in, const char *name, const char *why)
{
	fail(in, -EINVAL, name, "%s", why);
}
