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

#endif
