/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cursor: reads big-endian fields from a byte string, with a sticky error.
 * A read past the end returns zero, moves nothing and sets err, so a decoder
 * reads all its fields and checks once.
 * Owns: nothing; borrows the bytes.  Thread: any, one at a time.
 */
#ifndef FLOE_LIB_BASE_CURSOR_H
#define FLOE_LIB_BASE_CURSOR_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *data;
	size_t len; /* bytes in data */
	size_t pos; /* next byte to read, <= len */
	int err;    /* 0, or -EBADMSG for ever after a short read */
};

static inline struct cursor
cursor_init(const void *data, size_t len)
{
	return (struct cursor){ data, len, 0, 0 };
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return c->err != 0 ? 0 : c->len - c->pos;
}

/* The next n bytes, borrowed; NULL when there are fewer. */
static inline const uint8_t *
cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p;

	if (cursor_left(c) < n || c->err != 0) {
		c->err = -EBADMSG;
		return NULL;
	}
	p = c->data + c->pos;
	c->pos += n;
	return p;
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 1);

	return p == NULL ? 0 : p[0];
}

static inline uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, 8);
	uint64_t v = 0;
	int i;

	for (i = 0; p != NULL && i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

#endif
