/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hook: users whom a server of the operator's knows (auth-hook): the questions
 * go out by lib/fetch, what comes back is kept in core/lookup. Workers never
 * wait: they are told of an answer on their own thread.
 * Owns: the cache and the fetching thread.  Thread: hook_find, attach and
 * detach a worker's; the others main. One lock, held for a look at the cache.
 */
#ifndef FLOE_TURND_HOOK_H
#define FLOE_TURND_HOOK_H

#include "lib/loop/loop.h"
#include "turnd/core/lookup.h"

struct hook;
struct turnd_conf;

/* On the worker's thread: a question about this user has an answer. */
typedef void hook_fn(void *worker, uint64_t user);

struct hook *hook_new(const struct turnd_conf *, hook_fn *); /* NULL: failed */
void hook_free(struct hook *); /* after the loops; NULL is fine */
/* Answers come until hook_detach; the index is below DAEMON_WORKERS_MAX. */
void hook_attach(struct hook *, int index, struct loop *, void *worker);
void hook_detach(struct hook *, int index);
/* As lookup_find; listener tells where the client came to. With
 * -EINPROGRESS *user is whom hook_fn will name. */
int hook_find(struct hook *, const struct lookup_who *, const char *listener,
    struct turn_record *, uint64_t *user);
void hook_stats(struct hook *, struct lookup_stats *); /* any thread */

#endif
