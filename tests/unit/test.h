/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test: what cmocka wants included before itself.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_TEST_H
#define FLOE_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
