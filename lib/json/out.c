/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/utf8.h"
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

/* The bytes at the start of s that a string may have as they are. */
static size_t
plain(const uint8_t *s, size_t len)
{
	size_t i;

	for (i = 0; i < len && s[i] >= ' ' && s[i] != '"' && s[i] != '\\'; i++)
		;
	return i;
}

static void
put_escape(struct buf *b, uint8_t c)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *at = memchr(from, c, sizeof(from) - 1);

	if (at != NULL) {
		buf_u8(b, '\\');
		buf_u8(b, (uint8_t)to[at - from]);
	} else {
		buf_printf(b, "\\u%04X", c);
	}
}

/* As jansson would spell it, without a value and a tree for each. */
static void
put_string(struct json_out *o, const void *text, size_t len)
{
	const uint8_t *s = text;
	size_t n;

	if (memchr(s, '\0', len) != NULL || !utf8_valid(s, len)) {
		spoil(o);
		return;
	}
	buf_u8(o->b, '"');
	for (; len > 0; s += n, len -= n) {
		n = plain(s, len);
		buf_put(o->b, s, n);
		if (n == len)
			break;
		put_escape(o->b, s[n++]);
	}
	buf_u8(o->b, '"');
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

static void
put_members(struct json_out *o, const char *name, json_t *object)
{
	const char *key;
	json_t *v;

	json_out_object(o, name);
	json_object_foreach(object, key, v)
	    json_out_value(o, key, json_outside(v));
	json_out_close(o);
}

static void
put_items(struct json_out *o, const char *name, json_t *array)
{
	size_t i;

	json_out_array(o, name);
	for (i = 0; i < json_array_size(array); i++)
		json_out_value(o, NULL, json_outside(json_array_get(array, i)));
	json_out_close(o);
}

static void
put_number(struct json_out *o, const char *name, const json_t *v)
{
	begin(o, name);
	if (json_dump_callback(v, append, o->b, JSON_ENCODE_ANY) != 0)
		spoil(o);
}

void
json_out_value(struct json_out *o, const char *name, const struct json *v)
{
	json_t *in = json_inside(v);

	if (v == NULL)
		spoil(o);
	else if (json_is_object(in))
		put_members(o, name, in);
	else if (json_is_array(in))
		put_items(o, name, in);
	else if (json_is_string(in))
		json_out_mem(
		    o, name, json_string_value(in), json_string_length(in));
	else if (json_is_boolean(in))
		json_out_bool(o, name, json_is_true(in));
	else if (json_is_null(in))
		json_out_null(o, name);
	else
		put_number(o, name, in);
}

void
json_out_raw(struct json_out *o, const char *name, const void *text, size_t len)
{
	begin(o, name);
	buf_put(o->b, text, len);
}
