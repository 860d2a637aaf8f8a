/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run: a running daemon, shared by the files of lib/daemon only.
 * Owns: the workers' loops and threads.  Thread: main; a worker's own slot is
 * written by its thread under lock until it is ready, then read-only.
 */
#ifndef FLOE_LIB_DAEMON_RUN_H
#define FLOE_LIB_DAEMON_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/daemon/daemon.h"

enum worker_phase {
	WORKER_STARTING,
	WORKER_READY,
	WORKER_FAILED,
};

struct daemon_worker {
	struct daemon_run *run;
	int index;
	pthread_t thread;
	bool joinable;
	struct loop *loop;
	void *impl;
	enum worker_phase phase; /* under run->lock */
};

struct daemon_run {
	const struct daemon *d;
	struct conf *conf;  /* what the daemon started with */
	struct conf *fresh; /* of the last reload, or NULL */
	void *state;
	struct http_server *admin;
	atomic_bool failed; /* a worker's loop ended by itself */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a worker's phase */
	int nworkers;
	enum daemon_engine engine; /* of workers' loops */
	bool insist;               /* it is a pity if not */
	struct daemon_worker workers[DAEMON_WORKERS_MAX];
};

/* Reads the file that the daemon was started with; NULL with err. */
struct conf *
run_load(const struct daemon_run *, const char *file, char err[DAEMON_ERR_MAX]);
/* reload.c: on SIGHUP. All of the new configuration that can be changed, or
 * nothing; the log tells which. */
void run_reload(struct daemon_run *);

/* Starts all workers and waits until each is ready. 0 or -errno; started
 * ones run on until workers_stop. */
int workers_start(struct daemon_run *);
/* Asks all to stop, waits, frees. Fine after a failed start. */
void workers_stop(struct daemon_run *);

#endif
