/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outside: an identity service for tests: one HS256 key, tokens on request.
 * Owns: its key.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_OUTSIDE_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_OUTSIDE_H

#include "signald/core/auth.h"

#define OUTSIDE_LEEWAY_S 5
#define OUTSIDE_MAX      1024

/* For the issuer "id", without an audience. */
const struct sig_jwt *outside_new(void);
void outside_free(const struct sig_jwt *);
/* A token with these claims beside the issuer: "\"sub\":\"alice\",...". */
const char *outside_token(char out[OUTSIDE_MAX], const char *claims);
/* A good one. iat_s 0: does not say. */
const char *outside_of(
    char out[OUTSIDE_MAX], const char *user, uint64_t exp_s, uint64_t iat_s);

#endif
