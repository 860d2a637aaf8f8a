/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http: the admin REST server of a daemon, on libmicrohttpd and a thread of
 * its own. A const table of routes says everything; handlers run on the
 * server's thread and so read only counters, snapshots, or ask a worker
 * through lib/daemon.
 * Owns: the listener and its thread.  Thread: start and stop on main.
 */
#ifndef FLOE_LIB_HTTP_HTTP_H
#define FLOE_LIB_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"

#define HTTP_BODY_MAX   (64 * 1024)        /* of a request */
#define HTTP_ANSWER_MAX (64 * 1024 * 1024) /* of an answer */

struct http_server;

struct http_request {
	const char *method, *path; /* path without the query */
	const char *rest;          /* what a route's trailing "*" matched */
	const void *body;
	size_t body_len;
	const void *impl; /* for http_query */
};

struct http_reply {
	int status;
	const char *type; /* static; default "application/json" */
	struct buf body;
};

typedef void
http_fn(void *arg, const struct http_request *, struct http_reply *);

#define HTTP_OPEN 0x1 /* never needs the token: healthz */
#define HTTP_READ 0x2 /* needs it only when one is configured: metrics */

struct http_route {
	const char *method; /* NULL ends the table */
	const char *path;   /* exact, or a prefix that ends in a star */
	unsigned int flags;
	http_fn *fn;
	const char *help; /* one line, for the index at "/" */
};

/*
 * token NULL: only HTTP_OPEN and HTTP_READ routes answer, and addr must be
 * loopback (-EPERM). 0, or -errno (-EADDRINUSE: the address is taken).
 */
int http_start(const struct addr *, const char *token,
    const struct http_route *, void *arg, struct http_server **);
void http_stop(struct http_server *); /* waits for handlers; NULL is fine */
uint16_t http_port(const struct http_server *); /* for a start on port 0 */
/* A parameter of the query string, or NULL. */
const char *http_query(const struct http_request *, const char *name);
/* {"err":{"code":...,"msg":...}} */
void
http_error(struct http_reply *, int status, const char *code, const char *msg);

/*
 * Prometheus text (format 0.0.4). A row a metric; values are written under
 * the row last begun.
 */
struct metric {
	const char *name;
	const char *type; /* "counter", "gauge", "histogram" */
	const char *help;
};
void metric_begin(struct buf *, const struct metric *);
/* labels: "" or `reason="x",worker="1"`, values already escaped. */
void
metric_u64(struct buf *, const struct metric *, const char *labels, uint64_t);
void
metric_double(struct buf *, const struct metric *, const char *labels, double);

#endif
