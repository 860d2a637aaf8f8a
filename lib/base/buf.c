/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"

#define BUF_FIRST_CAP 256

struct buf
buf_fixed(void *mem, size_t size)
{
	return (struct buf){ .data = mem, .cap = size, .max = size };
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .heap = true };
}

void
buf_fini(struct buf *b)
{
	if (b->heap)
		free(b->data);
	*b = (struct buf){ .data = NULL };
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

static int
buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST_CAP;
	uint8_t *data;

	if (!b->heap || need > b->max)
		return -ENOSPC;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	data = realloc(b->data, cap);
	if (data == NULL)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

void
buf_reserve(struct buf *b, size_t n)
{
	if (n > b->cap - b->len && n <= b->max - b->len)
		(void)buf_grow(b, b->len + n);
}

uint8_t *
buf_extend_grown(struct buf *b, size_t n)
{
	uint8_t *p;

	if (b->err != 0)
		return NULL;
	if (n > b->max - b->len)
		b->err = -ENOSPC;
	else if (n > b->cap - b->len || (b->heap && b->data == NULL))
		b->err = buf_grow(b, b->len + n);
	if (b->err != 0)
		return NULL;
	p = b->data + b->len;
	b->len += n;
	return p;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_dec(struct buf *b, int64_t v)
{
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[20], *p = text + sizeof(text);

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		*--p = '-';
	buf_put(b, p, (size_t)(text + sizeof(text) - p));
}

void
buf_u16(struct buf *b, uint16_t v)
{
	buf_put(b, (uint8_t[]){ v >> 8, v & 0xff }, 2);
}

void
buf_u32(struct buf *b, uint32_t v)
{
	buf_put(b,
	    (uint8_t[]){ v >> 24, v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff }, 4);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	uint8_t be[8];
	int i;

	for (i = 0; i < 8; i++)
		be[i] = v >> (56 - 8 * i) & 0xff;
	buf_put(b, be, sizeof(be));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char text[256], *s = text;
	va_list ap;
	int n;

	if (b->err != 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Not straight into the buf: a fixed one has no room for the NUL. */
	if (n >= (int)sizeof(text)) {
		va_start(ap, fmt);
		n = vasprintf(&s, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		b->err = -ENOMEM;
		return;
	}
	buf_put(b, s, (size_t)n);
	if (s != text)
		free(s);
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}
