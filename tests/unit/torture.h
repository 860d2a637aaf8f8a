/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * torture: lets one allocation or MAC after the other fail, as it happens when
 * memory runs out. A program that wants it lists torture.c among its sources
 * and $(torture_ldflags) as its flags.
 *
 *	n = 0;
 *	do {
 *		torture_arm(++n);
 *		...
 *	} while (torture_disarm());
 *
 * does it with the first call failing, then the second, and so on, and at last
 * with none that does.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_TORTURE_H
#define FLOE_TESTS_UNIT_TORTURE_H

#include <stdbool.h>

/* The n-th call from now fails, and none behind it. */
void torture_arm(unsigned int n);
/* No call fails from here on. True when one has since torture_arm. */
bool torture_disarm(void);

#endif
