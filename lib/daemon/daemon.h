/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * daemon: what every daemon of ours does the same way: arguments, start-up
 * order, privileges, worker threads, signals, readiness, and asking workers
 * from another thread. main.c fills in a struct daemon and calls daemon_main.
 * Owns: the workers and the admin server while running.
 * Thread: daemon_main on main; daemon_ask on the admin thread.
 */
#ifndef FLOE_LIB_DAEMON_DAEMON_H
#define FLOE_LIB_DAEMON_DAEMON_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/conf/conf.h"
#include "lib/http/http.h"
#include "lib/loop/loop.h"

/* Exit statuses: 0 ended as told, 1 failed at run time, 2 usage or config. */
enum { DAEMON_OK = 0, DAEMON_FAILED = 1, DAEMON_USAGE = 2 };

#define DAEMON_WORKERS_MAX 64
#define DAEMON_ERR_MAX     CONF_ERR_MAX

struct daemon_run; /* a running daemon */

/* First member of every daemon's configuration; DAEMON_OPTIONS: its rows. */
struct daemon_conf {
	struct conf_common common;
	struct conf_listen admin; /* scheme NULL: no admin server */
	const char *admin_token_file;
	int64_t io_engine; /* enum daemon_engine; with DAEMON_IO_ENGINE */
};

enum daemon_engine { DAEMON_AUTO, DAEMON_EPOLL, DAEMON_URING };
extern const char *const daemon_engines[]; /* their names */

extern const char *const daemon_admin_schemes[]; /* "http" */

#define DAEMON_OPTIONS(sec)                                                   \
	{ sec, "admin", CONF_LISTEN, 0, offsetof(struct daemon_conf, admin),  \
		NULL, 0, 0, daemon_admin_schemes,                             \
		"address of the admin REST API and /metrics" },               \
	{                                                                     \
		sec, "admin-token-file", CONF_PATH, 0,                        \
		    offsetof(struct daemon_conf, admin_token_file), NULL, 0,  \
		    0, NULL,                                                  \
		    "file with the admin API's bearer token; made if missing" \
	}

/* For daemons whose turns move many datagrams. Where the kernel refuses
 * io_uring, workers' loops are by epoll, and the log says so once, as a warning
 * when it was insisted on. */
#define DAEMON_IO_ENGINE(sec)                                                 \
	{                                                                     \
		sec, "io-engine", CONF_ENUM, 0,                               \
		    offsetof(struct daemon_conf, io_engine), "auto", 0, 0,    \
		    daemon_engines,                                           \
		    "what reads and writes sockets; io_uring needs Linux 6.1" \
	}

/* Each may be NULL. "err" takes a message for the operator. */
struct daemon {
	const char *name, *summary; /* "turnd", "a TURN relay" */
	const struct conf_option *options;
	size_t conf_size;
	/* What measured best, which io-engine = auto is. DAEMON_AUTO: options
	 * are without DAEMON_IO_ENGINE. */
	enum daemon_engine best;
	/* Judges what a table cannot. 0, or -errno with err (exit 2). */
	int (*check)(const struct conf *, char err[DAEMON_ERR_MAX]);
	/* What -T prints, when it is more than conf_dump does. */
	void (*dump)(const struct conf *, FILE *);
	/* On main, before any thread: open sockets and stores. 0 or -errno
	 * with err (exit 1). *state goes to all the others. */
	int (*open)(
	    struct daemon_run *, void **state, char err[DAEMON_ERR_MAX]);
	/*
	 * On main, while workers run: take from fresh, which has passed check,
	 * what can be taken. 0; or -errno with err and nothing has changed.
	 * fresh stays until the next reload that succeeds has returned.
	 */
	int (*reload)(
	    void *state, const struct conf *fresh, char err[DAEMON_ERR_MAX]);
	/* On its own thread: make worker i. NULL ends the daemon. */
	void *(*worker_new)(void *state, int i, struct loop *);
	/* On its thread, asked to stop: ends its work, then loop_stop. NULL:
	 * the loop is stopped at once. */
	void (*worker_stop)(void *worker);
	void (*worker_free)(void *worker);
	/* On main, after the workers have ended; not called without a state. */
	void (*close)(void *state);
	const struct http_route *routes; /* handlers get the daemon_run */
};

int daemon_main(const struct daemon *, int argc, char **argv);

const struct conf *daemon_conf(const struct daemon_run *);
void *daemon_state(const struct daemon_run *);
int daemon_workers(const struct daemon_run *); /* how many */
struct loop *daemon_loop(const struct daemon_run *, int i);
void *daemon_worker(const struct daemon_run *, int i);

/* Asks for a reload when the file is good; what came of it is logged. 0, or
 * -errno with err and nothing happens. Thread: any. */
int daemon_reload(const struct daemon_run *, char err[DAEMON_ERR_MAX]);

/* Adds up the counters (lib/base/counter.h) of all workers, size bytes of them
 * at what of tells of each. Thread: any. */
typedef const void *daemon_counters_fn(const void *worker);
void daemon_sum(
    const struct daemon_run *, daemon_counters_fn *of, void *sums, size_t size);

/*
 * Runs fn(worker, arg, out) on each worker's thread, one after the other.
 * What fn puts is added to the asker's out; NULL: nothing is to be told.
 * 0; -ETIMEDOUT when a worker has not begun after timeout_ms in all, and then
 * it never will; -ENOMEM. fn does not run any more when this returns, so arg
 * may live on the stack. Thread: any but a worker's.
 */
typedef void daemon_ask_fn(void *worker, void *arg, struct buf *out);
int daemon_ask(struct daemon_run *, daemon_ask_fn *, void *arg, struct buf *out,
    uint32_t timeout_ms);

/* Reads a file whose first line is a secret. 0, or -errno with err. */
int daemon_secret(
    const char *path, char *out, size_t size, char err[DAEMON_ERR_MAX]);
/* Reads a token file; makes one (mode 0600, random) when it is missing.
 * 0, or -errno with err. */
int daemon_token(
    const char *path, char *out, size_t size, char err[DAEMON_ERR_MAX]);

#endif
