/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group: the life of a group: who is in it, who may do what, how it is kept.
 * Whatever happens is judged by the roles first, then written together with
 * its notice, an entry of the conversation like a message, so that every
 * member hears of it in its place and once.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_GROUP_H
#define FLOE_SIGNALD_LOG_GROUP_H

#include "signald/log/run.h"

/* SIG_APPEND_GROUP; refusals as in struct sig_appended. What has no notice
 * (a wish to join, its refusal) tells only 0. */
run_fn group_apply;

#endif
