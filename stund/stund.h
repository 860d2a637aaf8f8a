/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stund: what all workers of the daemon share, and the worker with its
 * sockets. main.c makes the first, lib/daemon the others.
 * Invariant: struct stund is immutable while workers run.
 * Owns: struct stund its listeners; a worker its links, streams and buffers.
 * Thread: a worker's is its own; its stats are read by any.
 */
#ifndef FLOE_STUND_STUND_H
#define FLOE_STUND_STUND_H

#include "lib/addr/limit.h"
#include "lib/base/counter.h"
#include "lib/daemon/listen.h"
#include "lib/dgram/dgram.h"
#include "lib/dtls/assoc.h"
#include "lib/log/log.h"
#include "lib/net/census.h"
#include "lib/stream/stream.h"
#include "stund/conf.h"
#include "stund/core/binding.h"

enum transport { OVER_UDP, OVER_TCP, OVER_DTLS, TRANSPORTS };

/* Four sockets that answer for each other (RFC 5780). */
struct square {
	struct behaviour behaviour;
	const struct listener *at[BEHAVIOUR_CORNERS];
};

struct stund {
	struct daemon_run *run;
	struct listeners listeners;
	struct listeners others;  /* of the squares, but for their first */
	struct square squares[2]; /* IPv4 and IPv6 */
	size_t nsquares;
	struct tls_ctx *tls; /* NULL: no listener speaks it */
	int workers;
	size_t streams_max; /* of a worker */
	size_t assocs_max;  /* likewise */
	struct hash_key hash_key;
	const struct conf_list *balancers; /* struct prefix */
	struct census *census;             /* of clients over TCP and DTLS */
	uint64_t idle_ms;
	struct limit_rate rate; /* of answers to a network, of a worker */
};

/* Counters only (lib/base/counter.h): they are added up as an array. */
struct stund_stats {
	uint64_t results[TRANSPORTS][BINDING_RESULTS];
	uint64_t received_bytes, sent_bytes; /* over UDP, DTLS records too */
	uint64_t rate_limited; /* answers over UDP that were not sent */
	uint64_t truncated;    /* datagrams longer than a buffer */
	uint64_t send_errors;  /* answers that the kernel refused */
	uint64_t no_room;      /* datagrams that found a socket's buffer full */
	struct stream_stats streams;
	struct assoc_stats assocs;
};

/* A worker's socket of a listener. */
struct link {
	struct worker *worker;
	int fd;
	uint16_t secure;  /* the listener of DTLS that comes here, or NONE */
	bool plain;       /* so does what is in the clear */
	struct dgram *in; /* over UDP */
	const struct square *square; /* NULL: it answers itself */
	unsigned int corner;         /* of the square */
};

struct worker {
	const struct stund *stund;
	int index;
	struct loop *loop;
	struct link *links; /* as many as listeners and others */
	struct dgrams *dgrams;
	struct batch_tx *tx; /* theirs */
	struct streams *streams;
	struct assocs *assocs; /* NULL: no certificate */
	struct loop_timer *assocs_timer;
	uint64_t assocs_due_ms; /* what that is set to */
	struct limit *limit;
	struct log_limit crowds;           /* of DTLS sessions of one address */
	struct log_limit limited, trouble; /* lines of it; of receiving */
	struct stund_stats stats;
	int nanswers; /* since the last flush */
	uint8_t answers[BATCH_MAX][BINDING_ANSWER_MAX];
};

/* worker.c: as struct daemon has them. */
void *worker_new(void *stund, int index, struct loop *);
void worker_free(void *worker);
/* The core's verdict on one message, counted; the answer in out. */
void worker_answer(struct worker *, enum transport, const struct binding_in *,
    struct binding_out *);

void worker_flush(struct worker *);
/* May somebody be answered whose address may be another's? */
bool worker_may_answer(struct worker *, const struct addr *client);

/* stream.c */
int clients_open(struct worker *); /* 0 or -ENOMEM */

/* dtls.c */
int sessions_open(struct worker *); /* 0 or -ENOMEM */
void sessions_close(struct worker *);
/* True: it was for DTLS, or is for nobody on this socket. */
bool
sessions_input(struct worker *, const struct link *, const struct batch_in *);
void sessions_turn_end(struct worker *);

/* admin.c */
extern const struct http_route stund_routes[];
/* doc/openapi/stund-admin.yaml */
extern const uint8_t stund_openapi[];
extern const size_t stund_openapi_len;

#endif
