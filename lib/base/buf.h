/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buf: bytes under construction. Two owners of the memory, one set of
 * writers: buf_fixed() wraps memory of the caller and never allocates,
 * buf_init() grows on the heap up to a cap. An append that does not fit
 * changes nothing and sets err for ever, so a writer checks once.
 * Owns: the heap bytes of a growing buf.  Thread: any, one at a time.
 */
#ifndef FLOE_LIB_BASE_BUF_H
#define FLOE_LIB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	uint8_t *data;
	size_t len; /* bytes written */
	size_t cap; /* bytes of room in data */
	size_t max; /* data never grows beyond */
	int err;    /* 0, -ENOSPC (over max) or -ENOMEM; sticky */
	bool heap;
};

/* A buf over mem[0..size); never allocates; buf_fini is a no-op. */
struct buf buf_fixed(void *mem, size_t size);
/* An empty heap buf that may grow to max bytes. */
void buf_init(struct buf *, size_t max);
void buf_fini(struct buf *);
/* Memory for n more bytes at once; without it, it comes as it is needed. */
void buf_reserve(struct buf *, size_t n);
/* Empties and forgets the error; keeps the memory. */
void buf_reset(struct buf *);

uint8_t *buf_extend_grown(struct buf *, size_t n); /* of buf_extend */

/* Room for n more bytes, counted as written; NULL when they do not fit. */
static inline uint8_t *
buf_extend(struct buf *b, size_t n)
{
	if (b->err != 0 || n == 0 || n > b->cap - b->len)
		return buf_extend_grown(b, n);
	b->len += n;
	return b->data + b->len - n;
}

static inline void
buf_put(struct buf *b, const void *src, size_t n)
{
	uint8_t *p = buf_extend(b, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

static inline void
buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_puts(struct buf *, const char *);
void buf_dec(struct buf *, int64_t);  /* in digits */
void buf_u16(struct buf *, uint16_t); /* big-endian, likewise below */
void buf_u32(struct buf *, uint32_t);
void buf_u64(struct buf *, uint64_t);
void buf_printf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Drops the first n bytes (n <= len) and moves the rest down. */
void buf_consume(struct buf *, size_t n);

#endif
