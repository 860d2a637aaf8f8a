/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outbox: events on their way to one receiver: in order, a batch at a time,
 * each again until it is taken or too old. What does not fit pushes the
 * oldest out. No clock, no socket: those are webhook.c's.
 * Owns: the texts.  Thread: one at a time.
 */
#ifndef FLOE_SIGNALD_OUTBOX_H
#define FLOE_SIGNALD_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define OUTBOX_PREFIX_MAX 32

struct outbox;

struct outbox_conf {
	char prefix[OUTBOX_PREFIX_MAX + 1]; /* of ids, unique to this run */
	size_t bytes;                       /* of all that waits */
	uint64_t age_ms;                    /* longer it does not wait */
	uint32_t retry_min_ms, retry_max_ms;
	uint32_t batch;     /* events at a time */
	size_t batch_bytes; /* and about so many bytes */
};

enum outbox_result {
	OUTBOX_TAKEN,
	OUTBOX_FAILED,  /* maybe later */
	OUTBOX_REFUSED, /* never, as they are */
};

struct outbox_stats {
	uint64_t taken, refused, expired, dropped; /* events */
	uint64_t failures;                         /* batches */
	uint64_t waiting, bytes;                   /* now */
};

struct outbox *outbox_new(const struct outbox_conf *);
void outbox_free(struct outbox *); /* NULL is fine */
/* text: a JSON object with a member at least, which is copied and gets an id.
 * 0, -EMSGSIZE or -ENOMEM: it is dropped. */
int outbox_put(struct outbox *, const char *text, size_t len, uint64_t now_ms);
/* Writes the items of the array that is to be sent now; false: there is none,
 * one is under way, or it is not time yet. */
bool outbox_take(struct outbox *, uint64_t now_ms, struct buf *);
/* How the batch that was taken ended. random: spreads the next attempt. */
void outbox_ended(
    struct outbox *, enum outbox_result, uint64_t now_ms, uint32_t random);
const struct outbox_stats *outbox_stats(const struct outbox *);

#endif
