/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nick: the index of users by what they call themselves. Only the letters of
 * ASCII are taken for the same, large or small.
 * Owns: nothing.  Thread: the writer's; nick_key any.
 */
#ifndef FLOE_SIGNALD_LOG_NICK_H
#define FLOE_SIGNALD_LOG_NICK_H

#include "signald/log/run.h"

/* Bytes of a nick that the index knows. */
#define NICK_KEY_MAX 64

/* A user has this nick from now on, or no longer. 0 or the store's. */
int nick_put(struct run *, uint64_t uid, const char *nick);
int nick_del(struct run *, uint64_t uid, const char *nick);

/* The first bytes of the keys of all nicks that begin so. */
struct schema_key nick_key(const char *start);

#endif
