/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * life: a link is good as long as the token that opened it. Some time before
 * the end its client is told, and can bring a fresh one over the same link;
 * at the end the link is closed, and the session waits for the next hello.
 * Owns: the life timer of a link.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_LIFE_H
#define FLOE_SIGNALD_CORE_LIFE_H

#include "signald/core/op.h"
#include "signald/core/token.h"

/* What the link lives by from now on. */
void
sig_life_begin(struct sig_core *, struct sig_link *, const struct sig_grant *);
/* The timer comes by the clock of timers; this is the one that counts. */
bool sig_life_over(const struct sig_core *, const struct sig_link *);
void sig_life_end(struct sig_core *, struct sig_link *); /* unset is fine */
/* A fresh token of ours; 0 or -errno. */
int
sig_life_token(const struct sig_config *, const char *user, uint32_t generation,
    uint64_t wall_ms, char token[SIG_TOKEN_MAX], uint64_t *expires_ms);

sig_op_fn sig_op_token_refresh;

#endif
