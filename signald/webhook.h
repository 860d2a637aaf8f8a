/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * webhook: tells a server of the operator's what happens here (core/event.h):
 * signed batches over lib/fetch, one under way, in order, repeated until it
 * takes them. Who posts an event never waits.
 * Owns: the outbox and the sending thread.
 * Thread: post, user and metrics any; the others main.
 */
#ifndef FLOE_SIGNALD_WEBHOOK_H
#define FLOE_SIGNALD_WEBHOOK_H

#include "lib/daemon/daemon.h"
#include "signald/core/event.h"

struct outbox_stats;
struct signald_conf;
struct webhook;

/* Of struct daemon's check. */
int webhook_check(const struct conf *, char err[DAEMON_ERR_MAX]);
/* Bits of the events that are wanted. */
uint32_t webhook_events(const struct signald_conf *);
/* *out is NULL when there is none. 0, or -errno with err. */
int webhook_new(const struct signald_conf *, const struct sig_config *,
    struct webhook **out, char err[DAEMON_ERR_MAX]);
/* What still waits is forgotten. NULL is fine, likewise below. */
void webhook_free(struct webhook *);
void webhook_post(struct webhook *, const char *text, size_t len);
/* An event that says no more than whom. */
void webhook_user(struct webhook *, const struct sig_config *,
    enum sig_event_kind, const char *user);
/* False: there is none. */
bool webhook_stats(struct webhook *, struct outbox_stats *);

#endif
