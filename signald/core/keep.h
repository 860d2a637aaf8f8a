/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keep: what outlives the daemon beside the messages: a record in the log of
 * each session and each call, by which the next core takes them up again
 * (doc/adr/0024). A session's stands from its hello to its end, a call's
 * changes with its state; nobody is told what is not on the disk.
 * Keys are "s:user:session" and "c:conversation".
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_KEEP_H
#define FLOE_SIGNALD_CORE_KEEP_H

#include "lib/base/buf.h"
#include "lib/json/json.h"
#include "signald/core/state.h"

#define SIG_KEY_MAX SIG_CONV_MAX

/* False: too long, so there is no such record. */
bool sig_keep_call_key(char out[SIG_KEY_MAX + 1], const char *conv);
void sig_keep_session_key(
    char out[SIG_KEY_MAX + 1], const char *user, const char *session);

/* Writes the record and takes the text; ticket as sig_append. lazy: nobody
 * waits for it. 0 or -errno. */
int sig_keep_put(struct sig_core *, struct sig_ticket *, const char *key,
    struct buf *text, bool lazy);
/* Removes it, soon. */
void sig_keep_drop(struct sig_core *, const char *key);
/* Reads all records and takes up those of this shard. */
void sig_keep_load(struct sig_core *);

#endif
