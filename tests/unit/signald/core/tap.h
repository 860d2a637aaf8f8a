/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tap: what the links of a world say and hear, appended to the file that
 * $FLOE_FRAMES names, for tools/check/frames.py: "world" begins a world,
 * then "> LINK LENGTH" for the client's frames and "< LINK LENGTH" for the
 * server's, each with that many bytes and a newline after it.
 * Owns: the file.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_TAP_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_TAP_H

#include <stddef.h>
#include <stdio.h>

FILE *tap_open(void); /* NULL without $FLOE_FRAMES; the rest is quiet then */
void tap_close(FILE *);
void tap_said(FILE *, int link, const char *text, size_t len);
void tap_heard(FILE *, int link, const char *text, size_t len);

#endif
