/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group: conversations of many members: founding, coming and going, roles,
 * how they are kept. What is asked is judged by the log, in the transaction
 * that writes it (signald/log/group.h); here it is read, answered, and those
 * whom it concerns are told.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_GROUP_H
#define FLOE_SIGNALD_CORE_GROUP_H

#include "signald/core/op.h"

/* arg: enum sig_group_op; of members: the kind of read. */
sig_op_fn sig_op_group, sig_op_group_get, sig_op_group_members;

#endif
