/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changes: a device edits, retracts and reacts to what it has. They wait in
 * the outbox as texts do, so that they are asked for again.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_CHANGES_H
#define FLOE_TESTS_SIM_CHANGES_H

#include "tests/sim/ledger.h"

struct device;

void changes_act(struct device *);
/* Asks for it, with the conversation written by the outbox. */
void changes_send(struct device *, const struct ledger_text *,
    const char *target, uint32_t mid);

#endif
