/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turnd: what all workers of the daemon share, and the worker with its
 * sockets. main.c makes the first, lib/daemon the others.
 * Invariant: struct turnd is immutable while workers run, but for ports (which
 * looks after itself) and the quota (behind its lock).
 * Owns: struct turnd its listeners, ports, quota, users; a worker its server,
 * relay sockets and buffers.  Thread: a worker's is its own.
 */
#ifndef FLOE_TURND_TURND_H
#define FLOE_TURND_TURND_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/daemon/listen.h"
#include "lib/dtls/assoc.h"
#include "lib/base/bucket.h"
#include "lib/dgram/dgram.h"
#include "lib/log/log.h"
#include "lib/base/htab.h"
#include "lib/net/census.h"
#include "lib/net/sock.h"
#include "lib/stream/stream.h"
#include "turnd/conf.h"
#include "turnd/core/quota.h"
#include "turnd/core/server.h"
#include "turnd/drain.h"
#include "turnd/hook.h"
#include "turnd/links.h"
#include "turnd/park.h"
#include "turnd/ports.h"
#include "turnd/userdb.h"

struct turnd {
	struct daemon_run *run;
	struct turnd_setup setup;
	struct ports *ports;
	struct listeners listeners;
	struct tls_ctx *tls; /* NULL: no listener speaks it */
	int workers;
	_Atomic uint32_t *parcels; /* that wait for each worker (roam.c) */
	size_t streams_max;        /* TCP connections of a worker */
	size_t assocs_max;         /* DTLS associations of a worker */
	const struct conf_list *balancers; /* struct prefix */
	struct census *census;             /* of clients over TCP and DTLS */
	uint64_t idle_ms;                  /* of one without an allocation */
	size_t send_max;                   /* bytes that wait on one */
	int relay_buffer;                  /* asked for, of a relay socket */
	/* That the kernel gives. */
	struct sock_buffers listen_buffers, relay_buffers;
	/* The one lock that workers share; held for a table look-up when an
	 * allocation begins or ends, since a user's allocations are spread. */
	pthread_mutex_t quota_lock;
	struct turn_quota *quota;
	struct turn_pipe *total; /* NULL: no total-bandwidth */
	/* Those that run. A worker's own row is its thread's, and after that
	 * has ended, main's. */
	struct worker *running[DAEMON_WORKERS_MAX];
	struct hook *hook;     /* NULL: no auth-hook */
	struct drain drain;    /* the admin's thread's */
	size_t room;           /* allocations that there may be at a time */
	struct userdb *userdb; /* NULL: no user-store */
	struct userdb_reader *admin_users; /* the admin's thread's */
};

/* Counters only (lib/base/counter.h): they are added up as an array. */
struct shell_stats {
	struct stream_stats streams;
	struct assoc_stats assocs;
	uint64_t records_held; /* lines of ended allocations not written */
};

struct worker {
	struct turnd *turnd;
	int index;
	struct loop *loop;
	struct turn_server *server;
	struct turn_stats *stats; /* the server's */
	struct shell_stats shell; /* our own; read by any */
	struct dgrams *dgrams;
	struct batch_tx *tx;     /* theirs */
	struct door *doors;      /* as many as listeners */
	struct links *links;     /* what clients asked at the doors */
	struct streams *streams; /* clients over TCP */
	struct htab clients;     /* those by their 5-tuple */
	struct assocs *assocs;   /* clients over DTLS; NULL: no certificate */
	struct loop_timer *assocs_timer;
	uint64_t assocs_due_ms; /* what that is set to */
	struct htab roamers;    /* clients that others' allocations moved to */
	struct relay **relays;  /* by descriptor */
	size_t nrelays;         /* room in relays */
	struct pool *conn_pool; /* RFC 6062: peers' connections */
	struct htab conns;      /* those by their number */
	struct loop_timer *conn_rest; /* until accepting makes sense again */
	LIST_HEAD(, waiter) waiters;  /* streams whose user is asked for */
	struct stream *leaving;       /* a stream that was asked to */
	struct loop_timer *expiry;    /* of what the server keeps */
	struct loop_timer *unclaimed; /* reserved ports */
	bool timers_moved;            /* expiry has to be set anew */
	struct userdb_reader *users;  /* NULL: no user-store */
	struct park *park;            /* what waits for the hook; or NULL */
	const struct turn_in *in;     /* what the server is fed */
	uint64_t asked_for;           /* whom that waits for */
	struct log_limit refusals;
	struct bucket records;    /* lines of ended allocations */
	struct log_limit limited; /* of networks with too many requests */
	struct log_limit crowds;  /* of DTLS sessions of one address */
	struct log_limit trouble; /* of receiving */
	struct addr reach;        /* of the peer that out goes to */
	struct turn_out out;
	int nreplies; /* used since the last flush */
	uint8_t replies[BATCH_MAX][TURN_REPLY_MAX];
};

/* worker.c: as struct daemon has them. */
void *worker_new(void *turnd, int index, struct loop *);
void worker_stop(void *worker);
void worker_free(void *worker);
/* Feeds datagrams to the server; in tells the side and is filled with each.
 * door: a client's way in, NULL for peers. */
void worker_input(struct worker *, struct batch_in *, int n, struct turn_in *in,
    struct door *);

/* One message to the server; what comes out is queued. data and reply stay
 * borrowed until the flush. */
void worker_feed(struct worker *, const struct turn_in *, struct turn_time);
/* Does what was fed last wait until its user has been asked for? */
bool worker_pending(const struct worker *);
void worker_feed_icmp(struct worker *, const struct turn_icmp *);
/* As turn_server_connected and turn_server_incoming. */
void worker_connected(struct worker *, uint32_t conn, int err);
bool worker_incoming(
    struct worker *, uint32_t relay, const struct addr *peer, uint32_t *conn);
struct turn_time worker_now(const struct worker *);
void worker_flush(struct worker *);

/* admin.c */
extern const struct http_route turnd_routes[];
/* doc/openapi/turnd-admin.yaml */
extern const uint8_t turnd_openapi[];
extern const size_t turnd_openapi_len;

#endif
