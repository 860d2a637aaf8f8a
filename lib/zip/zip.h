/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zip: zlib as the others see it: the CRC-32 of STUN's FINGERPRINT, and raw
 * DEFLATE (RFC 1951) cut at the borders of messages as RFC 7692 has it.
 * Owns: a stream its window.  Thread: any, one at a time.
 */
#ifndef FLOE_LIB_ZIP_ZIP_H
#define FLOE_LIB_ZIP_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* Of the bytes after those that crc is of; of nothing it is 0. */
uint32_t zip_crc32(uint32_t crc, const void *, size_t len);

/* What zlib can do for both directions: a window of 8 bits it makes 9. */
#define ZIP_BITS_MIN 9
#define ZIP_BITS_MAX 15

struct zip_deflater;
struct zip_inflater;

/* A window of 1 << bits bytes; eight times that is its memory. NULL: none. */
struct zip_deflater *zip_deflater_new(int bits);
void zip_deflater_free(struct zip_deflater *); /* NULL is fine */
/* Appends a message of less than 4 GiB, without the four bytes that all would
 * end with. keep: the next one may refer to it. */
void zip_deflate(struct zip_deflater *, const void *, size_t len, bool keep,
    struct buf *out);

/* A window of 1 << bits bytes, taken when needed; NULL: no memory. */
struct zip_inflater *zip_inflater_new(int bits);
void zip_inflater_free(struct zip_inflater *); /* NULL is fine */
/* Appends what a message was, at most max bytes. 0; -EMSGSIZE: it is longer;
 * -EBADMSG: no DEFLATE; -ENOMEM. After an error the stream is of no use. */
int zip_inflate(struct zip_inflater *, const void *, size_t len, bool keep,
    size_t max, struct buf *out);

#endif
