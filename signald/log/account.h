/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * account: appends that make a user or change what the operator and the user
 * say of it.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_ACCOUNT_H
#define FLOE_SIGNALD_LOG_ACCOUNT_H

#include "signald/log/run.h"

run_fn account_add;    /* SIG_APPEND_USER */
run_fn account_change; /* SIG_APPEND_ACCOUNT */
run_fn account_tell;   /* SIG_APPEND_PROFILE */

#endif
