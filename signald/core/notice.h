/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notice: a word of the operator's to everybody who has a link now.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_NOTICE_H
#define FLOE_SIGNALD_CORE_NOTICE_H

#include "signald/core/core.h"

#define SIG_NOTICE_BYTES 4096

/* How many links it was pushed to; it is dropped for those that are slow. */
uint64_t sig_core_notice(struct sig_core *, const char *text, struct sig_time);

#endif
