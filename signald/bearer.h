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

/* False: the request has been refused. */
bool bearer_take(struct conn *, const struct h1_head *, struct sig_claims *);

#endif
