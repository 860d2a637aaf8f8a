/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bearer: who speaks in a REST call with "Authorization: Bearer TOKEN". Takes
 * what a hello takes, of users that are there.
 * Owns: nothing.  Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_BEARER_H
#define FLOE_SIGNALD_BEARER_H

#include "signald/core/auth.h"
#include "signald/front.h"

/* 0; -ENOENT (there is no token), -EACCES (not a good one), -EPERM (its
 * user is banned), -EIO: with why in
 * words fit for the sender. */
int bearer_find(struct conn *, const struct h1_head *, struct sig_claims *,
    const char **why);
/* False: the request has been refused. */
bool bearer_take(struct conn *, const struct h1_head *, struct sig_claims *);

#endif
