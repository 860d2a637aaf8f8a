/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contact: whom a user keeps as contacts, and looking for people. Both rows of
 * a relation (relation.h) change in one append, and every device of either
 * user is told; one that was away sees by the version of the contacts in
 * its hello's answer that it has to read the list again.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CONTACT_H
#define FLOE_SIGNALD_CORE_CONTACT_H

#include "signald/core/op.h"

sig_op_fn sig_op_contact, sig_op_contacts, sig_op_search;

void sig_contact_told(struct sig_core *, const struct sig_mail *);

/* A deleted user's contact has lost it, as the log has answered. */
void sig_contact_erased(
    struct sig_core *, const char *user, const struct sig_appended *);

#endif
