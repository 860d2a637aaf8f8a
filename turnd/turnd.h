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
#include "lib/log/log.h"
#include "lib/base/htab.h"
#include "lib/net/batch.h"
#include "lib/net/census.h"
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
	/* The one lock that workers share; held for a table look-up when an
	 * allocation begins or ends, since a user's allocations are spread. */
	pthread_mutex_t quota_lock;
	struct turn_quota *quota;
	struct turn_pipe *total; /* NULL: no total-bandwidth */
	/* Those that run. A worker's own row is its thread's, and after that
	 * has ended, main's. */
	struct worker *running[DAEMON_WORKERS_MAX];
	struct hook *hook;                 /* NULL: no auth-hook */
	struct drain drain;                /* the admin's thread's */
	struct userdb *userdb;             /* NULL: no user-store */
	struct userdb_reader *admin_users; /* the admin's thread's */
};

/* What clients of a listener are to us. */
enum door_kind { DOOR_UDP, DOOR_DTLS, DOOR_STREAM };

/* A worker's socket of a listener. */
struct door {
	struct worker *worker;
	enum door_kind kind;
	int fd;
	uint16_t listener;
	uint16_t secure; /* the listener of DTLS that comes here, or NONE */
	struct loop_io *io;
};

/* A relay socket; the core knows it by its descriptor. */
struct relay {
	struct worker *worker;
	int fd;
	bool tcp; /* it listens */
	struct addr addr;
	struct loop_io *io;
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
	struct batch_rx *rx;
	struct batch_tx *tx;
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

/* asked.c: users who are not in the configuration, as struct turn_ops has
 * them, and requests that wait for the answer. */
int asked_open(struct worker *); /* 0 or -ENOMEM */
void asked_close(struct worker *);
int asked_find(void *worker, const char *realm, const struct turn_name *,
    struct turn_record *);
int asked_by_hash(void *worker, const char *realm, const uint8_t *hash,
    char name[TURN_NAME_MAX + 1]);
/* What was fed has to wait. */
void asked_park(struct worker *, const struct turn_in *);
hook_fn asked_answered;

/* worker.c: as struct daemon has them. */
void *worker_new(void *turnd, int index, struct loop *);
void worker_stop(void *worker);
void worker_free(void *worker);
/* Reads what a socket has and feeds it to the server; in tells the side and
 * is filled with each datagram. door: a client's way in, NULL for peers. How
 * many there were. */
int worker_read(struct worker *, int fd, struct turn_in *in, struct door *);

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
/* Tells the operator of a network that is over its limit, now and then. */
void log_rate_limited(struct worker *, const struct addr *client);
/* The relayed addresses as they are told; second: ADDR_NONE unless dual. */
void alloc_addrs(
    const struct turn_alloc_info *, struct addr *first, struct addr *second);

/* dtls.c: clients over DTLS. 0 or -ENOMEM, and close is due. */
int dtls_clients_open(struct worker *);
void dtls_clients_close(struct worker *);
/* True: it was for DTLS, or is for nobody at this door. */
bool dtls_clients_input(struct worker *, const struct door *,
    const struct batch_in *, uint64_t now_ms);
void dtls_clients_send(struct worker *, const struct turn_out *);
void dtls_clients_idle(struct worker *, const struct turn_alloc_info *);
void dtls_clients_turn_end(struct worker *);

/* stream.c: clients over TCP */
int clients_open(struct worker *); /* 0 or -ENOMEM */
void clients_close(struct worker *);
/* This user is known by now. */
void clients_go_on(struct worker *, uint64_t user);
/* Queues what goes to a client on TCP or DTLS; false: it is on neither. */
bool clients_send(struct worker *, const struct turn_out *);
/* This allocation is over: its connection has to make another one soon. */
void clients_idle(struct worker *, const struct turn_alloc_info *);

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

/* door.c: -ENOMEM: what was opened stays to be closed. */
int doors_open(struct worker *);
void doors_close(struct worker *);
/* The server's half of a 5-tuple. */
struct addr link_addr(const struct worker *, uint16_t link);
const char *link_scheme(const struct worker *, uint16_t link);

/* relay.c: as struct turn_ops has them; the id is the descriptor. */
int relay_open(void *worker, const struct turn_want *, struct turn_relay *);
void relay_close(void *worker, uint32_t id);
bool relay_live(void *worker, const struct addr *, bool tcp);
/* Is this one of the last descriptors? */
bool relay_spare(int fd);

/* tcp.c: data connections of TCP allocations. 0 or -ENOMEM, and close is due.
 */
int tcp_open(struct worker *);
void tcp_close(struct worker *);                  /* after the server's end */
void tcp_readable(void *relay, int fd, int what); /* a loop_io_fn */
/* As struct turn_ops has them. */
int tcp_conn_open(
    void *worker, uint32_t relay, const struct addr *peer, uint32_t conn);
void tcp_conn_close(void *worker, uint32_t conn);
/* The client's connection for it has come: the parts are taken. */
void tcp_join(struct worker *, uint32_t conn, struct stream_parts *);
/* Gives a client's connection to another worker: the parts are taken. */
void tcp_move(struct worker *, int worker, struct stream_parts *);

/* admin.c */
extern const struct http_route turnd_routes[];

#endif
