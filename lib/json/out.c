/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/json/internal.h"

void
json_out_init(struct json_out *o, struct buf *b)
{
	*o = (struct json_out){ .b = b };
}

static void
spoil(struct json_out *o)
{
	if (o->b->err == 0)
		o->b->err = -EINVAL;
}

static uint32_t
level(const struct json_out *o)
{
	return UINT32_C(1) << (o->depth - 1);
}

static int
append(const char *data, size_t len, void *arg)
{
	struct buf *b = arg;

	buf_put(b, data, len);
	return b->err == 0 ? 0 : -1;
}

/* A string as jansson spells it, which also judges its UTF-8. */
static void
put_string(struct json_out *o, const void *s, size_t len)
{
	json_t *v = NULL;

	if (memchr(s, '\0', len) == NULL)
		v = json_stringn(s, len);
	if (v == NULL) {
		spoil(o);
		return;
	}
	json_dump_callback(v, append, o->b, JSON_ENCODE_ANY);
	json_decref(v);
}

/* The comma and the name before any value. */
static void
begin(struct json_out *o, const char *name)
{
	bool in_object = o->depth > 0 && (o->objects & level(o)) != 0;

	if (in_object != (name != NULL)) {
		spoil(o);
		return;
	}
	if (o->depth > 0 && (o->filled & level(o)) != 0)
		buf_u8(o->b, ',');
	if (o->depth > 0)
		o->filled |= level(o);
	if (name == NULL)
		return;
	put_string(o, name, strlen(name));
	buf_u8(o->b, ':');
}

static void
open_level(struct json_out *o, const char *name, bool object)
{
	begin(o, name);
	if (o->depth >= JSON_DEPTH_MAX) {
		spoil(o);
		return;
	}
	buf_u8(o->b, object ? '{' : '[');
	o->depth++;
	o->filled &= ~level(o);
	o->objects &= ~level(o);
	if (object)
		o->objects |= level(o);
}

void
json_out_object(struct json_out *o, const char *name)
{
	open_level(o, name, true);
}

void
json_out_array(struct json_out *o, const char *name)
{
	open_level(o, name, false);
}

void
json_out_close(struct json_out *o)
{
	if (o->depth == 0) {
		spoil(o);
		return;
	}
	buf_u8(o->b, (o->objects & level(o)) != 0 ? '}' : ']');
	o->depth--;
}

int
json_out_end(struct json_out *o)
{
	while (o->depth > 0)
		json_out_close(o);
	return o->b->err;
}

void
json_out_str(struct json_out *o, const char *name, const char *s)
{
	json_out_mem(o, name, s, strlen(s));
}

void
json_out_mem(struct json_out *o, const char *name, const void *s, size_t len)
{
	begin(o, name);
	put_string(o, s, len);
}

void
json_out_int(struct json_out *o, const char *name, int64_t v)
{
	begin(o, name);
	buf_printf(o->b, "%" PRId64, v);
}

void
json_out_bool(struct json_out *o, const char *name, bool v)
{
	begin(o, name);
	buf_puts(o->b, v ? "true" : "false");
}

void
json_out_null(struct json_out *o, const char *name)
{
	begin(o, name);
	buf_puts(o->b, "null");
}

void
json_out_value(struct json_out *o, const char *name, const struct json *v)
{
	begin(o, name);
	if (v == NULL ||
	    json_dump_callback(json_inside(v), append, o->b,
		JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		spoil(o);
}

void
json_out_raw(struct json_out *o, const char *name, const void *text, size_t len)
{
	begin(o, name);
	buf_put(o->b, text, len);
}
