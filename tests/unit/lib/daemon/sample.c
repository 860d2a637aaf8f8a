/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/lib/daemon/sample.h"

enum fault { FAULT_NONE, FAULT_CHECK, FAULT_OPEN, FAULT_WORKER };

static const char *const faults[] = { "none", "check", "open", "worker", NULL };

struct sample_conf {
	struct daemon_conf daemon;
	int64_t fault;
	int64_t shade;
	int64_t size;
};

static const struct conf_option options[] = {
	{ "stund", "fault", CONF_ENUM, 0, offsetof(struct sample_conf, fault),
	    "none", 0, 0, faults, "what goes wrong" },
	{ "stund", "shade", CONF_INT, CONF_LIVE,
	    offsetof(struct sample_conf, shade), "1", 0, 9, NULL, "live" },
	{ "stund", "size", CONF_INT, 0, offsetof(struct sample_conf, size), "1",
	    0, 9, NULL, "not live" },
	DAEMON_OPTIONS("stund"),
	{ .key = NULL },
};

struct sample {
	struct daemon_run *run;
	enum fault fault;
};

struct worker {
	int index;
	struct loop *loop;
};

/* One write a line, so that threads do not mix. */
#define SAY(...) dprintf(STDOUT_FILENO, __VA_ARGS__)

static int
check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct sample_conf *c = conf_data(conf);

	if (c->fault != FAULT_CHECK)
		return 0;
	snprintf(err, DAEMON_ERR_MAX, "the check says no");
	return -EINVAL;
}

static int
sample_open(struct daemon_run *run, void **state, char err[DAEMON_ERR_MAX])
{
	const struct sample_conf *c = conf_data(daemon_conf(run));
	struct sample *s;

	SAY("open workers=%d\n", daemon_workers(run));
	if (c->fault == FAULT_OPEN) {
		snprintf(err, DAEMON_ERR_MAX, "192.0.2.1:3478 is taken");
		return -EADDRINUSE;
	}
	s = calloc(1, sizeof(*s));
	s->run = run;
	s->fault = (enum fault)c->fault;
	*state = s;
	return 0;
}

/* Nine is a shade that only a reload minds. */
static int
sample_reload(void *state, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	const struct sample_conf *c = conf_data(fresh);

	if (c->shade == 9) {
		snprintf(err, DAEMON_ERR_MAX, "no such shade");
		return -EINVAL;
	}
	SAY("shade %d\n", (int)c->shade);
	return 0;
}

static void *
worker_new(void *state, int i, struct loop *loop)
{
	const struct sample *s = state;
	struct worker *w;

	if (s->fault == FAULT_WORKER && i == 1)
		return NULL;
	w = calloc(1, sizeof(*w));
	w->index = i;
	w->loop = loop;
	SAY("worker_new %d own_loop=%d\n", i, daemon_loop(s->run, i) == loop);
	return w;
}

static void
worker_stop(void *worker)
{
	struct worker *w = worker;

	SAY("worker_stop %d\n", w->index);
	loop_stop(w->loop);
}

static void
worker_free(void *worker)
{
	struct worker *w = worker;

	SAY("worker_free %d\n", w->index);
	free(w);
}

static void
sample_close(void *state)
{
	SAY("close\n");
	free(state);
}

static void
tell_index(void *worker, void *arg, struct buf *out)
{
	const struct worker *w = worker;

	buf_printf(out, "%s%d\n", (const char *)arg, w->index);
}

static void
block(void *arg)
{
	poll(NULL, 0, 300);
}

static void
answer(struct daemon_run *run, uint32_t timeout_ms, struct http_reply *rp)
{
	static char prefix[] = "worker ";
	int rc = daemon_ask(run, tell_index, prefix, &rp->body, timeout_ms);

	if (rc != 0)
		http_error(rp, 503, "overloaded", strerror(-rc));
}

static void
on_workers(void *run, const struct http_request *rq, struct http_reply *rp)
{
	answer(run, 10000, rp);
}

static void
on_busy(void *run, const struct http_request *rq, struct http_reply *rp)
{
	/* A worker that is busier than anybody waits for. */
	loop_post(daemon_loop(run, 1), block, NULL);
	answer(run, 20, rp);
}

static void
on_process(void *run, const struct http_request *rq, struct http_reply *rp)
{
	struct rlimit rl = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &rl);
	buf_printf(&rp->body, "uid=%d nofile=%d nonewprivs=%d\n", (int)getuid(),
	    rl.rlim_cur == rl.rlim_max, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static const struct http_route routes[] = {
	{ "GET", "/workers", 0, on_workers, "asks each" },
	{ "GET", "/busy", 0, on_busy, "asks too much" },
	{ "GET", "/process", HTTP_OPEN, on_process, "what became of us" },
	{ .method = NULL },
};

const struct daemon sample_daemon = {
	.name = "stund",
	.summary = "a sample",
	.options = options,
	.conf_size = sizeof(struct sample_conf),
	.check = check,
	.open = sample_open,
	.reload = sample_reload,
	.worker_new = worker_new,
	.worker_stop = worker_stop,
	.worker_free = worker_free,
	.close = sample_close,
	.routes = routes,
};
