/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * post: the receiving end of mail, one table row a kind.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_POST_H
#define FLOE_SIGNALD_CORE_POST_H

#include "signald/core/state.h"

/* Borrows the mail. */
void sig_post_receive(struct sig_core *, const struct sig_mail *);

#endif
