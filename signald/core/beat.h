/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * beat: how a client and we know of each other that we live, by one of two
 * profiles that the client chooses; and how links that should be elsewhere are
 * told so, in their pongs: all of them while the core drains, as many as are
 * too many otherwise.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_BEAT_H
#define FLOE_SIGNALD_CORE_BEAT_H

#include "signald/core/op.h"

/* The hello's "heartbeat" into the log-in. */
void sig_beat_read(struct json_in *, struct sig_login *);
/* What holds for the link, as the member "heartbeat". */
void sig_beat_write(
    struct json_out *, const struct sig_config *, const struct sig_link *);
/* After so much silence its client is gone. */
uint32_t sig_beat_kill_ms(const struct sig_core *, const struct sig_link *);
/* Closes the links one after the other, those without a log-in at once. */
void sig_beat_drain(struct sig_core *);

sig_op_fn sig_op_ping;

#endif
