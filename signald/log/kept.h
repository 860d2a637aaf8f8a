/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kept: records that the core keeps under keys of its own, to find them when
 * it comes back.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_KEPT_H
#define FLOE_SIGNALD_LOG_KEPT_H

#include "signald/log/run.h"

run_fn kept_write;
/* One that is not there is gone, too. */
int kept_drop(struct run *, const char *key);

#endif
