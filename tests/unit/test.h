/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test: what cmocka wants included before itself, and bytes told as hex.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_TEST_H
#define FLOE_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Hex with white space between bytes; returns the count of bytes. */
static inline size_t
from_hex(const char *hex, void *out, size_t room)
{
	uint8_t *p = out;
	unsigned int byte;
	size_t n = 0;
	int used;

	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		assert_true(n < room);
		p[n++] = (uint8_t)byte;
		hex += used;
	}
	assert_int_equal(strspn(hex, " \t\n"), strlen(hex));
	return n;
}

#endif
