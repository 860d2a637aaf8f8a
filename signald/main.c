/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "signald/signald.h"
#include "signald/worker.h"

#define MINUTE_MS 60000
#define MAP_START (64 * 1024 * 1024)
#define LAZY_MS   200
#define WAITING   (256 * 1024 * 1024)
#define RELOAD_MS 5000
/* A user may try more often than an address: or one stranger's wrong
 * passwords would keep the user out. */
#define USER_RATE 4

static void
signald_close(void *state)
{
	struct signald *d = state;
	int i;

	backup_free(d->backup);
	hasher_free(d->hasher);
	shelf_free(d->shelf);
	if (d->log != NULL)
		msglog_stop(d->log);
	for (i = 0; d->workers != NULL && i < d->nworkers; i++)
		msglog_port_free(d->workers[i].port);
	msglog_close(d->log);
	listeners_close(&d->listeners);
	files_free(d->files);
	keys_free(d->keys);
	tls_ctx_free(d->tls);
	relays_free(d->relays);
	webhook_free(d->webhook);
	rate_free(d->address_rate);
	rate_free(d->user_rate);
	rate_free(d->rest_rate);
	share_free(d->addresses);
	signald_setup_fini(&d->setup);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	pthread_mutex_destroy(&d->ready_lock);
	free(d->workers);
	free(d);
}

static int
open_log(struct signald *d, char err[DAEMON_ERR_MAX])
{
	char dir[STATE_PATH_MAX];
	struct msglog_config cfg = {
		.dir = dir,
		.map_start = MAP_START,
		.map_max = (uint64_t)d->conf->store_max,
		.mid_keep_ms = (uint64_t)d->conf->mid_ms,
		.readers = DAEMON_WORKERS_MAX + 8,
		.lazy_ms = LAZY_MS,
		.waiting_max = WAITING,
	};
	int rc;

	if (cfg.map_start > cfg.map_max)
		cfg.map_start = cfg.map_max;
	snprintf(
	    dir, sizeof(dir), "%s/messages", d->conf->daemon.common.state_dir);
	rc = msglog_open(&cfg, &d->log);
	if (rc == 0)
		rc = msglog_start(d->log);
	if (rc != 0)
		snprintf(err, DAEMON_ERR_MAX, "%s: %s", dir,
		    rc == -EINVAL ? "not a message log of this version"
				  : strerror(-rc));
	return rc;
}

static int
open_shelf(struct signald *d, char err[DAEMON_ERR_MAX])
{
	char dir[STATE_PATH_MAX];
	const struct shelf_config cfg = {
		.dir = dir,
		.log = d->log,
		.quota = (uint64_t)d->conf->file_quota,
		.all = (uint64_t)d->conf->files_max,
		.keep_ms = (uint64_t)d->conf->file_keep_ms,
	};
	int rc;

	rc = state_path(dir, d->conf->daemon.common.state_dir, "files", err);
	return rc == 0 ? shelf_open(&cfg, &d->shelf, err, DAEMON_ERR_MAX) : rc;
}

static int
open_parts(struct signald *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	static const char *const alpn[] = { "http/1.1", NULL };
	uint32_t rate = (uint32_t)d->conf->login_rate;
	int rc;

	rc = signald_setup_init(&d->setup, conf, d->nworkers);
	if (rc == 0)
		rc = state_open(d, err);
	if (rc == 0)
		rc = keys_new(conf, &d->keys, err);
	if (d->keys != NULL)
		d->setup.core.jwt = &d->keys->jwt;
	if (rc == 0)
		rc = listeners_open_tls(
		    conf, &d->conf->listen, alpn, &d->tls, err);
	if (rc == 0)
		rc = files_load(
		    d->conf->web_dir, &d->files, err, DAEMON_ERR_MAX);
	if (rc == 0)
		rc = listeners_open(&d->listeners, conf, "signald",
		    &d->conf->listen, d->nworkers, err);
	if (rc == 0)
		rc = open_log(d, err);
	if (rc == 0)
		rc = open_shelf(d, err);
	if (rc == 0)
		rc = relays_new(d->conf, worker_turn_uris, &d->relays, err);
	if (rc == 0)
		rc = webhook_new(d->conf, &d->webhook, err);
	if (rc != 0)
		return rc;
	d->workers = calloc((size_t)d->nworkers, sizeof(*d->workers));
	d->hasher = hasher_new();
	d->backup = backup_new();
	d->address_rate = rate_new(rate, MINUTE_MS);
	d->user_rate = rate_new(rate * USER_RATE, MINUTE_MS);
	d->rest_rate = rate_new((uint32_t)d->conf->rest_rate, MINUTE_MS);
	if (d->conf->max_per_address > 0)
		d->addresses = share_new((uint32_t)d->conf->max_per_address);
	return d->workers == NULL || d->hasher == NULL || d->backup == NULL ||
		d->address_rate == NULL || d->user_rate == NULL ||
		d->rest_rate == NULL ||
		(d->conf->max_per_address > 0 && d->addresses == NULL)
	    ? -ENOMEM
	    : 0;
}

static int
signald_open(struct daemon_run *run, void **state, char err[DAEMON_ERR_MAX])
{
	const struct conf *conf = daemon_conf(run);
	struct signald *d = calloc(1, sizeof(*d));
	int rc;

	snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (d == NULL)
		return -ENOMEM;
	d->run = run;
	d->conf = conf_data(conf);
	d->nworkers = daemon_workers(run);
	d->lock_fd = -1;
	pthread_mutex_init(&d->ready_lock, NULL);
	rc = open_parts(d, conf, err);
	if (rc != 0) {
		signald_close(d);
		return rc;
	}
	log_info("opened", KV_S("state_dir", d->conf->daemon.common.state_dir),
	    KV_S("epoch", msglog_epoch(d->log)),
	    KV_U("web_files", files_count(d->files)));
	*state = d;
	return 0;
}

static void
take_keys(void *worker, void *arg, struct buf *out)
{
	struct worker *w = worker;
	const struct keys *keys = arg;

	w->config.jwt = keys != NULL ? &keys->jwt : NULL;
	sig_core_set_jwt(w->core, w->config.jwt);
}

/* A worker that did not answer may go on with the older keys, so they stay
 * until all have taken newer ones. */
static int
reload_keys(struct signald *d, struct keys *keys, char err[DAEMON_ERR_MAX])
{
	struct keys *older = d->keys;
	int rc;

	rc = daemon_ask(d->run, take_keys, keys, NULL, RELOAD_MS);
	if (rc == 0) {
		keys_free(older);
		d->keys = keys;
		return 0;
	}
	snprintf(err, DAEMON_ERR_MAX,
	    "a worker did not take the keys in time; reload again");
	if (keys != NULL) {
		keys->older = older;
		d->keys = keys;
	}
	return rc;
}

static int
signald_reload(void *state, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	struct signald *d = state;
	struct keys *keys;
	int rc;

	rc = keys_new(fresh, &keys, err);
	if (rc != 0)
		return rc;
	rc = listeners_reload_tls(d->tls, fresh, err);
	if (rc == 0)
		return reload_keys(d, keys, err);
	keys_free(keys);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct daemon signald = {
		.name = "signald",
		.summary = "a signaling and chat server",
		.options = signald_options,
		.conf_size = sizeof(struct signald_conf),
		.check = signald_check,
		.open = signald_open,
		.reload = signald_reload,
		.worker_new = worker_new,
		.worker_stop = worker_stop,
		.worker_free = worker_free,
		.close = signald_close,
		.routes = signald_routes,
	};

	return daemon_main(&signald, argc, argv);
}
