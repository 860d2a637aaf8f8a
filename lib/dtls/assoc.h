/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * assoc: the DTLS associations (RFC 6347, RFC 7350) of one worker, over
 * sockets and a clock that are the caller's. Datagrams of clients go in,
 * messages come out, a record each; what is sent becomes a datagram of one
 * record. Nothing is kept for a client before it has returned the cookie.
 * Invariant: an association ends within assocs_input or assocs_expire, never
 * inside another call.
 * Owns: associations, and the bytes of messages and datagrams until flushed.
 * Thread: one; its stats are read by any.
 */
#ifndef FLOE_LIB_DTLS_ASSOC_H
#define FLOE_LIB_DTLS_ASSOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/base/hash.h"
#include "lib/tls/dtls.h"

/* Why an association ended, or did not begin. */
enum assoc_end {
	ASSOC_BY_CLIENT, /* close_notify */
	ASSOC_IDLE,
	ASSOC_HANDSHAKE, /* the client did not go on with it */
	ASSOC_DTLS,      /* it broke DTLS or refused ours */
	ASSOC_REPLACED,  /* it has begun anew from the same address */
	ASSOC_REFUSED,   /* as many as allowed are there */
	ASSOC_CROWDED,   /* as many of one address */
	ASSOC_ENDS
};
const char *assoc_end_name(enum assoc_end); /* for metrics */

/* Counters only (lib/base/counter.h): they are added up as an array. */
struct assoc_stats {
	uint64_t opened; /* or refused: cookies that were good */
	uint64_t ended[ASSOC_ENDS];
	uint64_t challenges; /* ClientHellos without a good cookie */
	uint64_t strays;     /* datagrams of no association */
	uint64_t received_bytes, sent_bytes; /* inside DTLS */
};
/* How many are open; the stats were read while they changed. */
uint64_t assoc_stats_open(const struct assoc_stats *);

struct assoc;
struct assocs;

/* The 5-tuple. Without holes: hashed and compared as bytes. */
struct assoc_id {
	uint16_t listener;
	struct addr local; /* ADDR_NONE: what the listener is bound to */
	struct addr client;
};
const struct assoc_id *assoc_id(const struct assoc *);

struct assoc_ops {
	void *arg;
	/* A datagram for the client, whose bytes are good until flushed. */
	void (*send)(void *arg, const struct assoc_id *, const void *, size_t);
	/* All that was given to send or message has to be out on return. */
	void (*flush)(void *arg);
	/* May the hello of somebody be looked at, whose address may be
	 * another's? NULL: always. */
	bool (*admit)(void *arg, const struct assoc_id *);
	/* 0; -EUSERS: its host has enough of them; another -errno: it is
	 * refused. May be NULL. */
	int (*opened)(void *arg, struct assoc *);
	/* One message; its bytes are good until flushed. */
	void (*message)(void *arg, struct assoc *, uint8_t *, size_t len);
	/* Nothing touched it for idle_ms: true keeps it. May be NULL. */
	bool (*idle)(void *arg, struct assoc *);
	/* Last words of one that was opened. May be NULL. */
	void (*closed)(void *arg, struct assoc *);
};

struct assocs_conf {
	struct tls_ctx *tls;
	struct hash_key hash_key;
	size_t max;       /* associations */
	uint64_t idle_ms; /* handshakes are over by then, too */
};

/* Both are copied; NULL: no memory. */
struct assocs *assocs_new(const struct assocs_conf *, const struct assoc_ops *,
    struct assoc_stats *, uint64_t now_ms);
void assocs_free(struct assocs *); /* with a good-bye; NULL is fine */

/* A datagram that dtls_looks_like. */
void assocs_input(struct assocs *, const struct assoc_id *, const void *,
    size_t len, uint64_t now_ms);
/* What is borrowed has been sent. */
void assocs_flushed(struct assocs *);
/* Repeats what was lost, ends what is over. */
void assocs_expire(struct assocs *, uint64_t now_ms);
/* When to call that next; UINT64_MAX: nothing to wait for. */
uint64_t assocs_next_ms(const struct assocs *);

struct assoc *assocs_find(const struct assocs *, const struct assoc_id *);
/* Queues head and data as one message. 0, or as dtls_write. */
int assoc_send(struct assoc *, const void *head, size_t head_len,
    const void *data, size_t len);
/* Its idle time begins anew. */
void assoc_touch(struct assoc *, uint64_t now_ms);

#endif
