/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large: what a device reads by cursor, as web/sdk/large.js: entries that come
 * without a place in the inbox, and the rest from the history. Here the cursor
 * begins where its user has come, on every device. And the walk of the inbox
 * through the same conversations. Owns: nothing; the state is in the device.
 * Thread: one.
 */
#ifndef FLOE_TESTS_SIM_LARGE_H
#define FLOE_TESTS_SIM_LARGE_H

#include "tests/sim/request.h"
#include "tests/sim/told.h"

void large_page(struct device *); /* a new page begins */
/* The link is up, and these are as far as that; may be NULL. */
void large_start(struct device *, const struct json *heads);
void large_push(struct device *, const struct told *);
void large_inbox(struct device *, const struct told *);
void
large_answer(struct device *, const struct request *, const struct answer *);
bool large_quiet(const struct device *);

#endif
