/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rest: the ops of floe.v1 over HTTP: POST /api/v1/op/NOUN.VERB with the op's
 * fields as the body, and a few forms of it that look like REST. A request
 * goes to the worker that owns its user, runs in the core there as one of a
 * link would, and its answer becomes status and body.
 * Owns: the job of a request belongs to its connection.
 * Thread: the worker's.
 */
#ifndef FLOE_SIGNALD_REST_H
#define FLOE_SIGNALD_REST_H

#include "signald/core/core.h"
#include "signald/front.h"

struct rest_job;

/* Of front_route. */
void rest_head(struct conn *, const struct h1_head *);
bool rest_bytes(struct conn *, const void *, size_t len);
void rest_end(struct conn *, const void *, size_t len);
void rest_job_free(struct rest_job *); /* NULL is fine */

/* Whether a link of the core is a request of here; then effects of the core
 * about it come here. */
bool rest_is(uint64_t link);
void rest_send(struct desk *, struct sig_effect *);
void rest_close(struct desk *, struct sig_effect *);

#endif
