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
	appconf_free(&d->appconf);
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
	int rc = appconf_load(&d->appconf, conf, err), i;

	if (rc != 0)
		return rc;
	d->apps = calloc((size_t)d->appconf.n, sizeof(*d->apps));
	if (d->apps == NULL)
		return -ENOMEM;
	for (i = 0; rc == 0 && i < d->appconf.n; i++) {
		d->napps++;
		rc = app_open(&d->apps[i], d, i, err);
	}
	return rc;
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
	    KV_S("epoch", msglog_epoch(d->apps[0].log)), KV_I("apps", d->napps),
	    KV_U("web_files", files_count(d->files)));
	*state = d;
	return 0;
}

/* What the apps take of a configuration that is read while they run. */
struct fresh {
	struct signald *d;
	struct appconf conf;
	bool known[APPCONF_MAX]; /* whether it has them, by their index */
	struct keys *keys[APPCONF_MAX];
};

static void
take_keys(void *worker, void *arg, struct buf *out)
{
	const struct fresh *f = arg;
	struct desk *desk;
	int i;

	for (i = 0; i < f->d->napps; i++) {
		if (!f->known[i])
			continue;
		desk = worker_desk(worker, i);
		desk->config.jwt = f->keys[i] != NULL ? &f->keys[i]->jwt : NULL;
		sig_core_set_jwt(desk->core, desk->config.jwt);
	}
}

/* A worker that did not answer may go on with the older keys, so they stay
 * until all have taken newer ones. */
static int
reload_keys(struct fresh *f, char err[DAEMON_ERR_MAX])
{
	struct signald *d = f->d;
	struct keys *older;
	int rc, i;

	rc = daemon_ask(d->run, take_keys, f, NULL, RELOAD_MS);
	if (rc != 0)
		snprintf(err, DAEMON_ERR_MAX,
		    "a worker did not take the keys in time; reload again");
	for (i = 0; i < d->napps; i++) {
		older = d->apps[i].keys;
		if (!f->known[i])
			continue;
		if (rc == 0)
			keys_free(older);
		else if (f->keys[i] == NULL)
			continue;
		else
			f->keys[i]->older = older;
		d->apps[i].keys = f->keys[i];
		f->keys[i] = NULL;
	}
	return rc;
}

static void
say_stale(void *app, const char *section, const char *key, int line)
{
	log_warn("reload_needs_restart", KV_S("app", app),
	    KV_S("section", section), KV_S("key", key), KV_I("line", line));
}

/* What of the other apps only a restart changes; the main file's is
 * lib/daemon's to say. */
static void
warn_stale(const struct fresh *f)
{
	struct appconf *old = &f->d->appconf;
	const struct conf *now;
	int i;

	for (i = 1; i < old->n; i++) {
		now = appconf_find(&f->conf, old->apps[i].name);
		if (now == NULL)
			log_warn("app_stays_until_restart",
			    KV_S("app", old->apps[i].name));
		else
			conf_each_stale(old->apps[i].conf, now, say_stale,
			    old->apps[i].name);
	}
	for (i = 1; i < f->conf.n; i++)
		if (appconf_find(old, f->conf.apps[i].name) == NULL)
			log_warn("app_comes_with_restart",
			    KV_S("app", f->conf.apps[i].name));
}

static int
signald_reload(void *state, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	struct signald *d = state;
	struct fresh f = { .d = d };
	const struct conf *own;
	int rc, i;

	rc = appconf_load(&f.conf, conf, err);
	for (i = 0; rc == 0 && i < d->napps; i++) {
		own = appconf_find(&f.conf, d->apps[i].name);
		f.known[i] = own != NULL;
		if (own != NULL)
			rc = keys_new(own, &f.keys[i], err);
	}
	if (rc == 0)
		rc = listeners_reload_tls(d->tls, conf, err);
	if (rc == 0)
		rc = reload_keys(&f, err);
	if (rc == 0)
		warn_stale(&f);
	for (i = 0; i < d->napps; i++)
		keys_free(f.keys[i]);
	appconf_free(&f.conf);
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
		.dump = signald_dump,
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
