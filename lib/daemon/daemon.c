/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/counter.h"
#include "lib/crypto/crypto.h"
#include "lib/daemon/run.h"
#include "lib/daemon/system.h"
#include "lib/log/log.h"

#define DEFAULT_CONF "/etc/floe/floe.conf"
#define KEEP_ASKED   (1 << 20)  /* bytes asked of the kernel at once */
#define KEEP_FREE    (16 << 20) /* of each thread, not given back */

const char *const daemon_admin_schemes[] = { "http", NULL };

enum action { RUN, TEST, EXIT_OK, EXIT_USAGE };

struct arguments {
	const char *conf;
	enum action action;
};

static void
usage(const struct daemon *d, FILE *f)
{
	fprintf(f,
	    "%s - %s\n\n"
	    "usage: %s [-c FILE] [-T] [-V] [-h]\n\n"
	    "  -c, --config FILE  configuration file (default %s)\n"
	    "  -T, --test         check the configuration, print it, exit\n"
	    "  -V, --version      print the version, exit\n"
	    "  -h, --help         print this, exit\n\n"
	    "Runs in the foreground and logs to standard error. See %s(8)\n"
	    "and floe.conf(5).\n",
	    d->name, d->summary, d->name, DEFAULT_CONF, d->name);
}

static struct arguments
parse_arguments(const struct daemon *d, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 'T' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { DEFAULT_CONF, RUN };
	int c;

	while ((c = getopt_long(argc, argv, "c:TVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			a.conf = optarg;
			break;
		case 'T':
			a.action = TEST;
			break;
		case 'V':
			printf("%s %s\n", d->name, PACKAGE_VERSION);
			a.action = EXIT_OK;
			return a;
		case 'h':
			usage(d, stdout);
			a.action = EXIT_OK;
			return a;
		default:
			fprintf(
			    stderr, "%s: try %s --help\n", d->name, d->name);
			a.action = EXIT_USAGE;
			return a;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
		    "%s: unexpected argument \"%s\"; try %s --help\n", d->name,
		    argv[optind], d->name);
		a.action = EXIT_USAGE;
	}
	return a;
}

#define TOKEN_MAX 256

/* *token stays empty when none is configured. 0 or -errno with err. */
static int
read_token(const struct daemon_run *run, char token[TOKEN_MAX],
    char err[DAEMON_ERR_MAX])
{
	const struct daemon_conf *c = conf_data(run->conf);
	char why[DAEMON_ERR_MAX];
	int e;

	token[0] = '\0';
	if (c->admin.scheme == NULL || c->admin_token_file == NULL)
		return 0;
	e = daemon_token(c->admin_token_file, token, TOKEN_MAX, why);
	if (e == 0)
		return 0;
	conf_wrong(
	    run->conf, run->d->name, "admin-token-file", 0, err, "%s", why);
	return e;
}

/* Starts the admin server if one is configured. 0 or -errno with err. */
static int
start_admin(struct daemon_run *run, const char *token, char err[DAEMON_ERR_MAX])
{
	const struct daemon_conf *c = conf_data(run->conf);
	char addr[ADDR_STRLEN];
	int e;

	if (c->admin.scheme == NULL || run->d->routes == NULL)
		return 0;
	e = http_start(&c->admin.addr, *token != '\0' ? token : NULL,
	    run->d->routes, run, &run->admin);
	if (e == 0)
		return 0;
	addr_format(&c->admin.addr, addr);
	snprintf(err, DAEMON_ERR_MAX,
	    "%s:%d: [%s] admin: cannot listen on %s: %s", conf_file(run->conf),
	    c->admin.line, run->d->name, addr, strerror(-e));
	return e;
}

static int
count_workers(const struct conf_common *c)
{
	long n =
	    c->workers > 0 ? (long)c->workers : sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > DAEMON_WORKERS_MAX ? DAEMON_WORKERS_MAX : (int)n;
}

static void
serve(struct daemon_run *run)
{
	int sig;

	log_info(
	    "started", KV_S("version", PACKAGE_VERSION), KV_I("pid", getpid()));
	system_notify("READY=1");
	while ((sig = system_wait()) == SIGHUP)
		run_reload(run);
	system_notify("STOPPING=1");
	log_info("stopping", KV_S("signal", strsignal(sig)));
}

/* 0, or -errno with err. */
static int
drop(const struct daemon_run *run, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(run->conf);
	char why[DAEMON_ERR_MAX];
	int e = system_drop(c->user, why, sizeof(why));

	if (e == 0)
		return 0;
	conf_wrong(run->conf, "floe", "user", 0, err, "%s", why);
	return e;
}

/*
 * What may need root comes before the account changes; the admin server comes
 * last, because its handlers ask the workers.
 */
static int
start(struct daemon_run *run, char err[DAEMON_ERR_MAX])
{
	char token[TOKEN_MAX];
	int e;

	e = run->d->open == NULL ? 0 : run->d->open(run, &run->state, err);
	if (e != 0)
		return e;
	e = read_token(run, token, err);
	if (e == 0)
		e = drop(run, err);
	if (e != 0)
		return e;
	snprintf(err, DAEMON_ERR_MAX, "a worker could not start");
	e = workers_start(run);
	if (e == 0)
		e = start_admin(run, token, err);
	crypto_wipe(token, sizeof(token));
	return e;
}

static int
run_daemon(struct daemon_run *run, char err[DAEMON_ERR_MAX])
{
	int e;

	system_raise_nofile();
	system_forbid_privileges();
	system_block_signals();
	run->nworkers = count_workers(conf_data(run->conf));
	e = start(run, err);
	if (e == 0) {
		serve(run);
		e = run->failed ? -EIO : 0;
		snprintf(err, DAEMON_ERR_MAX, "a worker failed");
	}
	http_stop(run->admin);
	workers_stop(run);
	if (run->d->close != NULL && run->state != NULL)
		run->d->close(run->state);
	return e;
}

/* lib/http would refuse it, but only a daemon that starts finds that out. */
static int
check_admin(
    const struct daemon *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct daemon_conf *c;
	char addr[ADDR_STRLEN];

	if (d->routes == NULL)
		return 0;
	c = conf_data(conf);
	if (c->admin.scheme == NULL || c->admin_token_file != NULL ||
	    addr_is_loopback(&c->admin.addr))
		return 0;
	return conf_wrong(conf, d->name, "admin", 0, err,
	    "%s is not loopback; allowed: 127.0.0.1 or [::1], or any address "
	    "once admin-token-file is set",
	    addr_format(&c->admin.addr, addr));
}

struct conf *
run_load(
    const struct daemon_run *run, const char *file, char err[DAEMON_ERR_MAX])
{
	const struct daemon *d = run->d;
	struct conf *conf = conf_load(file, d->options, d->conf_size, err);

	if (conf == NULL)
		return NULL;
	if (check_admin(d, conf, err) == 0 &&
	    (d->check == NULL || d->check(conf, err) == 0))
		return conf;
	conf_free(conf);
	return NULL;
}

/*
 * A worker allocates what a turn brings and frees it when the turn ends: by
 * itself libc gives those pages back each time, and asks for them anew.
 */
static void
keep_memory(void)
{
	(void)mallopt(M_TOP_PAD, KEEP_ASKED);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
}

int
daemon_main(const struct daemon *d, int argc, char **argv)
{
	struct daemon_run run = { .d = d,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	struct arguments a = parse_arguments(d, argc, argv);
	const struct conf_common *c;
	char err[DAEMON_ERR_MAX] = "";
	int status = DAEMON_OK;

	if (a.action == EXIT_OK || a.action == EXIT_USAGE)
		return a.action == EXIT_OK ? DAEMON_OK : DAEMON_USAGE;
	keep_memory();
	if (crypto_init() != 0) {
		fprintf(stderr,
		    "%s: libcrypto lacks an algorithm that is "
		    "needed (MD5, SHA-1, SHA-256)\n",
		    d->name);
		return DAEMON_FAILED;
	}
	run.conf = run_load(&run, a.conf, err);
	if (run.conf == NULL) {
		status = DAEMON_USAGE;
	} else if (a.action == TEST) {
		(d->dump != NULL ? d->dump : conf_dump)(run.conf, stdout);
	} else {
		c = conf_data(run.conf);
		log_init(d->name, (enum log_level)c->log_level,
		    (enum log_format)c->log_format);
		if (run_daemon(&run, err) != 0)
			status = DAEMON_FAILED;
	}
	if (status != DAEMON_OK)
		fprintf(stderr, "%s: %s\n", d->name, err);
	conf_free(run.fresh);
	conf_free(run.conf);
	crypto_fini();
	return status;
}

const struct conf *
daemon_conf(const struct daemon_run *run)
{
	return run->conf;
}

void *
daemon_state(const struct daemon_run *run)
{
	return run->state;
}

int
daemon_workers(const struct daemon_run *run)
{
	return run->nworkers;
}

struct loop *
daemon_loop(const struct daemon_run *run, int i)
{
	return run->workers[i].loop;
}

void *
daemon_worker(const struct daemon_run *run, int i)
{
	return run->workers[i].impl;
}

void
daemon_sum(const struct daemon_run *run, daemon_counters_fn *of, void *sums,
    size_t size)
{
	const void *worker;
	int i;

	memset(sums, 0, size);
	for (i = 0; i < run->nworkers; i++) {
		worker = run->workers[i].impl;
		if (worker != NULL)
			counter_sum(sums, of(worker), size / sizeof(uint64_t));
	}
}
