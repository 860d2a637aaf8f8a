/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * utf8: which bytes are text (Unicode table 3-7: no overlong forms, no
 * surrogates, nothing above U+10FFFF).
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_BASE_UTF8_H
#define FLOE_LIB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence at p, of which left > 0 are there; or 0. */
size_t utf8_len(const uint8_t *p, size_t left);
bool utf8_valid(const uint8_t *, size_t len);

/* Text that comes in pieces; starts zeroed. */
struct utf8 {
	uint8_t part[4]; /* of a sequence that is not whole yet */
	uint8_t len;
};
/* False as soon as nothing that follows could make it text. */
bool utf8_more(struct utf8 *, const uint8_t *, size_t len);
/* May it end here? */
bool utf8_whole(const struct utf8 *);

#endif
