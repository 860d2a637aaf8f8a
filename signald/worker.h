/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker: one thread with its loop, its desk of every app and its connections.
 * Owns: its connections, timers, and what is in its desks.
 * Thread: its own; from others only what the headers of posts say.
 */
#ifndef FLOE_SIGNALD_WORKER_H
#define FLOE_SIGNALD_WORKER_H

#include "lib/base/htab.h"
#include "lib/base/wheel.h"
#include "lib/log/log.h"
#include "lib/ws/ws.h"
#include "signald/conn.h"
#include "signald/core/relay.h"
#include "signald/signald.h"

#define WORKER_SCRATCH (64 * 1024)

/* A worker's socket of a listener. */
struct door {
	struct worker *worker;
	const struct listener *listener;
	int fd;
	struct loop_io *io;
};

struct worker_stats {
	uint64_t accepted, refused; /* connections */
	uint64_t http_requests, upgrades, moved;
	uint64_t slow_closed, dropped; /* pushes that were droppable */
	uint64_t mail_lost;            /* no memory for it */
	uint64_t uploads, upload_bytes, downloads;
	uint64_t connections; /* now */
};

struct worker {
	struct signald *d;
	int index;
	struct loop *loop;
	bool works; /* false before and after it runs */
	/* Of all its desks; it changes while they run. */
	const char *turn_uris[SIG_TURN_URIS_MAX + 1];
	struct ws_pool *strangers, *links, *echoes;
	struct buf control; /* frames that lib/ws answers by itself */
	struct door *doors;
	struct wheel_timer doors_shut; /* no descriptors left: wait */
	struct htab by_id;
	uint64_t next_id;
	struct conn_list all;
	struct conn_list dirty; /* have output that was not tried yet */
	struct conn_list dead;  /* freed when the turn ends */
	struct wheel wheel;
	struct loop_timer *timer;
	uint64_t timer_due_ms; /* what timer is set to */
	bool stopping;
	uint64_t stop_by_ms, goodbye_by_ms;
	struct worker_stats stats;
	struct log_limit warnings;
	uint8_t scratch[WORKER_SCRATCH];
};

/* struct daemon's functions. */
void *worker_new(void *signald, int index, struct loop *);
void worker_stop(void *worker);
void worker_free(void *worker);
/* relays_fn */
void worker_turn_uris(void *worker, const char *const *uris);

struct sig_time worker_time(const struct worker *);
/* Its place of the app with this index. */
struct desk *worker_desk(const struct worker *, int app);
/* NULL when it is gone, and after all. */
struct conn *worker_conn(const struct worker *, uint64_t id);

#endif
