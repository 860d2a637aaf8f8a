/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * audience: the members of large conversations who are online on this shard.
 * Such a conversation is in nobody's inbox: an entry is told to every shard
 * once, and pushed there without a sync to those who sit in the audience, in
 * order: what a shard hears too early or not at all it reads from the log, once
 * for all. Notices seat and unseat as they are told, so a member hears all from
 * its coming to its going and nothing else. A client knows by the seq whether
 * it has missed something, and by the heads in the answer to its hello; it
 * reads the rest from the conversation. Invariant: a seat has one user and one
 * audience; an audience has a seat. Owns: audiences and seats of a core.
 * Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_AUDIENCE_H
#define FLOE_SIGNALD_CORE_AUDIENCE_H

#include "lib/json/json.h"
#include "signald/core/state.h"

/* A flag of SIG_MAIL_INBOX: the entry is what the user came with. */
#define SIG_INBOX_JOINED 1u

/* The user sits in (or may have all along) for what comes after head. 0 or
 * -ENOMEM. */
int sig_audience_join(
    struct sig_core *, struct sig_user *, const char *conv, uint64_t head);
/* The member large of the hello's answer: the user's seats and their heads. */
void sig_audience_write(struct json_out *, const struct sig_user *);
/* Out of all of them. */
void sig_audience_leave_all(struct sig_core *, struct sig_user *);
/* The user has come by the mail's entry, by whatever way it came first. */
void sig_audience_seat(
    struct sig_core *, struct sig_user *, const struct sig_mail *);

/* An entry that is on disk, to the audiences of all shards. */
void sig_audience_tell(struct sig_core *, const struct sig_appended *);
void sig_audience_receive(struct sig_core *, const struct sig_mail *);

#endif
