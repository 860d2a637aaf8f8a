/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relays: asks the relays that the operator names (relay) every few seconds
 * how they are, by lib/fetch, and tells the workers when that changes the
 * order of the TURN servers. Workers never wait for it.
 * Owns: the asking thread and what was reported.
 * Thread: attach and detach a worker's, metrics any; the others main.
 */
#ifndef FLOE_SIGNALD_RELAYS_H
#define FLOE_SIGNALD_RELAYS_H

#include "lib/daemon/daemon.h"
#include "signald/core/relay.h"

struct relays;
struct signald_conf;

/* On the worker's thread: the TURN URIs in their new order. */
typedef void relays_fn(void *worker, const char *const *uris);

/* Of struct daemon's check. */
int relays_check(const struct conf *, char err[DAEMON_ERR_MAX]);
/* *out is NULL when none is watched. 0, or -errno with err. */
int relays_new(const struct signald_conf *, relays_fn *, struct relays **out,
    char err[DAEMON_ERR_MAX]);
void relays_free(struct relays *); /* after the loops; NULL is fine */
/* Changes are told until relays_detach. uris is how it stands now. NULL
 * relays: nothing happens. */
void relays_attach(struct relays *, int index, struct loop *, void *worker,
    const char *uris[SIG_TURN_URIS_MAX + 1]);
void relays_detach(struct relays *, int index);
void relays_metrics(struct relays *, struct buf *); /* NULL is fine */

#endif
