/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changebook: what every text has become in the end, by the changes of it that
 * stand in its conversation, one after the other; and that the history and all
 * devices say so. Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CHANGEBOOK_H
#define FLOE_TESTS_SIM_CHANGEBOOK_H

struct sim;

/* At the end, behind memberbook_settle. */
void changebook_check(struct sim *);

#endif
