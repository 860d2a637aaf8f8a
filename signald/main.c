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
#define RELOAD_MS 5000

static void
signald_close(void *state)
{
	struct signald *d = state;
	int i;

	backup_free(d->backup);
	hasher_free(d->hasher);
	for (i = 0; d->apps != NULL && i < d->napps; i++)
		app_close(&d->apps[i], d->nworkers);
	listeners_close(&d->listeners);
	files_free(d->files);
	tls_ctx_free(d->tls);
	relays_free(d->relays);
	rate_free(d->address_rate);
	share_free(d->addresses);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	pthread_mutex_destroy(&d->ready_lock);
	free(d->workers);
	free(d->apps);
	free(d);
}

static int
open_parts(struct signald *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	static const char *const alpn[] = { "http/1.1", NULL };
	int rc;

	rc = state_open(d, err);
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
		rc = relays_new(d->conf, worker_turn_uris, &d->relays, err);
	if (rc != 0)
		return rc;
	d->workers = calloc((size_t)d->nworkers, sizeof(*d->workers));
	d->hasher = hasher_new();
	d->backup = backup_new();
	d->address_rate = rate_new((uint32_t)d->conf->login_rate, MINUTE_MS);
	if (d->conf->max_per_address > 0)
		d->addresses = share_new((uint32_t)d->conf->max_per_address);
	return d->workers == NULL || d->hasher == NULL || d->backup == NULL ||
		d->address_rate == NULL ||
		(d->conf->max_per_address > 0 && d->addresses == NULL)
	    ? -ENOMEM
	    : 0;
}

static int
open_apps(struct signald *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	d->apps = calloc(1, sizeof(*d->apps));
	if (d->apps == NULL)
		return -ENOMEM;
	d->napps = 1;
	return app_open(&d->apps[0], d, conf, err);
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
	if (rc == 0)
		rc = open_apps(d, conf, err);
	if (rc != 0) {
		signald_close(d);
		return rc;
	}
	log_info("opened", KV_S("state_dir", d->conf->daemon.common.state_dir),
	    KV_S("epoch", msglog_epoch(d->apps[0].log)),
	    KV_U("web_files", files_count(d->files)));
	*state = d;
	return 0;
}

static void
take_keys(void *worker, void *arg, struct buf *out)
{
	struct desk *desk = worker_desk(worker, 0);
	const struct keys *keys = arg;

	desk->config.jwt = keys != NULL ? &keys->jwt : NULL;
	sig_core_set_jwt(desk->core, desk->config.jwt);
}

/* A worker that did not answer may go on with the older keys, so they stay
 * until all have taken newer ones. */
static int
reload_keys(struct signald *d, struct keys *keys, char err[DAEMON_ERR_MAX])
{
	struct app *app = &d->apps[0];
	struct keys *older = app->keys;
	int rc;

	rc = daemon_ask(d->run, take_keys, keys, NULL, RELOAD_MS);
	if (rc == 0) {
		keys_free(older);
		app->keys = keys;
		return 0;
	}
	snprintf(err, DAEMON_ERR_MAX,
	    "a worker did not take the keys in time; reload again");
	if (keys != NULL) {
		keys->older = older;
		app->keys = keys;
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
