/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clients: those who come over TCP, TLS and DTLS, and those over any transport
 * whose allocation is another worker's.
 * Owns: their connections and sessions.  Thread: the worker's.
 */
#ifndef FLOE_TURND_CLIENTS_H
#define FLOE_TURND_CLIENTS_H

#include "turnd/door.h"

/* stream.c: clients over TCP */
int clients_open(struct worker *); /* 0 or -ENOMEM */
void clients_close(struct worker *);
/* This user is known by now. */
void clients_go_on(struct worker *, uint64_t user);
/* Queues what goes to a client on TCP or DTLS; false: it is on neither. */
bool clients_send(struct worker *, const struct turn_out *);
/* This allocation is over: its connection has to make another one soon. */
void clients_idle(struct worker *, const struct turn_alloc_info *);

/* dtls.c: clients over DTLS. 0 or -ENOMEM, and close is due. */
int dtls_clients_open(struct worker *);
void dtls_clients_close(struct worker *);
/* True: it was for DTLS, or is for nobody at this door. */
bool dtls_clients_input(struct worker *, const struct door *,
    const struct batch_in *, uint64_t now_ms);
void dtls_clients_send(struct worker *, const struct turn_out *);
void dtls_clients_idle(struct worker *, const struct turn_alloc_info *);
void dtls_clients_turn_end(struct worker *);

/* roam.c: clients whose allocation is another worker's (RFC 8016) */
void roam_open(struct worker *);
void roam_close(struct worker *);
/* True: the message is for that worker, which has a copy. */
bool roam_forward(struct worker *, const struct turn_in *);
/* From this message on, a Refresh with a ticket of that worker. */
void roam_begin(struct worker *, const struct turn_in *, uint16_t home);
bool roam_has(const struct worker *, const struct addr *client, uint16_t link);
/* Its association, here, is closed. */
void roam_closed(struct worker *, const struct addr *client, uint16_t link);
/* To a client whose association another worker has. */
void roam_send(struct worker *, const struct turn_out *);
/* No allocation is on this 5-tuple any more. */
void roam_left(struct worker *, const struct addr *client, uint16_t link);

#endif
