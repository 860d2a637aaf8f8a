/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* The first byte in memory that is not 0; there is one. */
static size_t
first_byte(uint64_t x)
{
	return (size_t)__builtin_ctzll(le64toh(x)) / 8;
}

size_t
json_plain(const char *s, size_t len)
{
	size_t i = 0;
	halves odd;
	bytes x;

	for (; i + sizeof(x) <= len; i += sizeof(x)) {
		memcpy(&x, s + i, sizeof(x));
		odd = (halves)((x < ' ') | (x == '"') | (x == '\\'));
		if (odd[0] != 0)
			return i + first_byte(odd[0]);
		if (odd[1] != 0)
			return i + 8 + first_byte(odd[1]);
	}
	while (i < len && (uint8_t)s[i] >= ' ' && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static void
put_escape(struct buf *b, char c)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *at = memchr(from, c, sizeof(from) - 1);

	if (at != NULL)
		buf_put(b, (const char[]){ '\\', to[at - from] }, 2);
	else
		buf_printf(b, "\\u%04X", c);
}

/* Of UTF-8 without NUL. */
static void
put_string(struct json_out *o, const char *s, size_t len)
{
	size_t n;

	buf_reserve(o->b, len + 2);
	buf_u8(o->b, '"');
	for (; len > 0; s += n, len -= n) {
		n = json_plain(s, len);
		buf_put(o->b, s, n);
		if (n == len)
			break;
		put_escape(o->b, s[n++]);
	}
	buf_u8(o->b, '"');
}

/* Of anything. */
static void
put_text(struct json_out *o, const void *s, size_t len)
{
	if (memchr(s, '\0', len) != NULL || !utf8_valid(s, len))
		spoil(o);
	else
		put_string(o, s, len);
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
	put_text(o, s, len);
}

void
json_out_int(struct json_out *o, const char *name, int64_t v)
{
	begin(o, name);
	buf_dec(o->b, v);
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
put_inside(struct json_out *o, const struct json *v)
{
	uint32_t i, n = v->len;

	for (i = 0, v = json_first(v); i < n; i++, v = json_behind(v))
		json_out_value(o, v->name, v);
	json_out_close(o);
}

/* With as few digits as read the same again, and as a real number. */
static void
put_real(struct json_out *o, const char *name, double v)
{
	char text[32], *plus;
	int digits = 15;

	do
		snprintf(text, sizeof(text), "%.*g", digits++, v);
	while (digits <= 17 && strtod(text, NULL) != v);
	plus = strchr(text, '+');
	if (plus != NULL)
		memmove(plus, plus + 1, strlen(plus));
	begin(o, name);
	buf_puts(o->b, text);
	if (strpbrk(text, ".e") == NULL)
		buf_puts(o->b, ".0");
}

void
json_out_value(struct json_out *o, const char *name, const struct json *v)
{
	if (v == NULL) {
		spoil(o);
		return;
	}
	switch (v->kind) {
	case JSON_NULL:
		json_out_null(o, name);
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		json_out_bool(o, name, v->kind == JSON_TRUE);
		break;
	case JSON_INTEGER:
		json_out_int(o, name, v->is.integer);
		break;
	case JSON_REAL:
		put_real(o, name, v->is.real);
		break;
	case JSON_STRING:
		begin(o, name);
		put_string(o, v->is.text, v->len);
		break;
	case JSON_ARRAY:
		json_out_array(o, name);
		put_inside(o, v);
		break;
	case JSON_OBJECT:
		json_out_object(o, name);
		put_inside(o, v);
		break;
	}
}

void
json_out_raw(struct json_out *o, const char *name, const void *text, size_t len)
{
	begin(o, name);
	buf_put(o->b, text, len);
}
