/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kept: the entries that a device has, each let through once and in order, and
 * what has become of the texts among them, as web/sdk/store.js.
 * Owns: nothing; the state is in the device.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_KEPT_H
#define FLOE_TESTS_SIM_KEPT_H

#include "tests/sim/ledger.h"

struct device;

struct kept {
	bool here;
	struct told_state state;
};

/* False: it is here already. */
bool kept_add(struct device *, const struct told *);
/* A text of the conversation, of this user or (-1) of anybody; 0: none. */
uint64_t kept_any_text(struct device *, int conv, int user);
/* In the end: the entry is here if it is due, and a text says so. */
void kept_check(
    const struct device *, int conv, uint64_t seq, const struct told_state *);

#endif
