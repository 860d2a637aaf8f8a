/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * presence: who is online, told to those who share a conversation. A user
 * is online from its first session until the last has gone for good, so a
 * link that breaks and comes back is not seen by anybody.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_PRESENCE_H
#define FLOE_SIGNALD_CORE_PRESENCE_H

#include "lib/json/json.h"
#include "signald/core/state.h"

/* The user has a session; has lost the last one. */
void sig_presence_online(struct sig_core *, struct sig_user *);
void sig_presence_offline(struct sig_core *, struct sig_user *);
/* An earlier core has told that it is online. */
void sig_presence_woken(struct sig_core *, struct sig_user *);

/* Asks the peer's shard; log-ins wait for the answer, but not for long. */
void sig_presence_ask(struct sig_core *, struct sig_user *, struct sig_peer *);
/* Two users share their first conversation: each hears of the other. */
void sig_presence_join(struct sig_core *, const char *, const char *);

/* user, state and last_seen, as members. */
void sig_presence_write(struct json_out *, const struct sig_peer *);

void sig_presence_asked(struct sig_core *, const struct sig_mail *);
void sig_presence_told(struct sig_core *, const struct sig_mail *);

#endif
