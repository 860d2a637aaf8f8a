/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link: a connection that became a WebSocket: frames to the core and back, the
 * way to another worker, the echo for conformance suites.
 * Owns: nothing; state is in the connection.  Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_LINK_H
#define FLOE_SIGNALD_LINK_H

#include "signald/core/core.h"
#include "signald/front.h"

#define LINK_ECHO_MAX (32 * 1024 * 1024) /* of a message at /echo */

/* Of front_route. */
void link_upgrade(struct conn *, const struct h1_head *);
void link_upgrade_echo(struct conn *, const struct h1_head *);
/* False: handed over, see front.h. */
bool link_input(struct conn *, const uint8_t *, size_t len);

/* Effects of the core. */
void link_send(struct desk *, struct sig_effect *);
void link_close(struct desk *, struct sig_effect *);
void link_move(struct desk *, struct sig_effect *);
/* Says good-bye with this code, whatever the core thinks. */
void link_end(struct conn *, uint16_t code, const char *reason);

#endif
