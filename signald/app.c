/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/app.h"
#include "signald/worker.h"

#define MINUTE_MS 60000
#define MAP_START (64 * 1024 * 1024)
#define LAZY_MS   200
#define WAITING   (256 * 1024 * 1024)
/* A user may try more often than an address: or one stranger's wrong
 * passwords would keep the user out. */
#define USER_RATE 4

static int
open_log(struct app *app, const char *state, char err[DAEMON_ERR_MAX])
{
	char dir[STATE_PATH_MAX];
	struct msglog_config cfg = {
		.dir = dir,
		.map_start = MAP_START,
		.map_max = (uint64_t)app->conf->store_max,
		.mid_keep_ms = (uint64_t)app->conf->mid_ms,
		.readers = DAEMON_WORKERS_MAX + 8,
		.lazy_ms = LAZY_MS,
		.waiting_max = WAITING,
	};
	int rc;

	if (cfg.map_start > cfg.map_max)
		cfg.map_start = cfg.map_max;
	rc = state_path(dir, state, "messages", err);
	if (rc != 0)
		return rc;
	rc = msglog_open(&cfg, &app->log);
	if (rc == 0)
		rc = msglog_start(app->log);
	if (rc != 0)
		snprintf(err, DAEMON_ERR_MAX, "%s: %s", dir,
		    rc == -EINVAL ? "not a message log of this version"
				  : strerror(-rc));
	return rc;
}

static int
open_shelf(struct app *app, const char *state, char err[DAEMON_ERR_MAX])
{
	char dir[STATE_PATH_MAX];
	const struct shelf_config cfg = {
		.dir = dir,
		.log = app->log,
		.quota = (uint64_t)app->conf->file_quota,
		.all = (uint64_t)app->conf->files_max,
		.keep_ms = (uint64_t)app->conf->file_keep_ms,
	};
	int rc;

	rc = state_path(dir, state, "files", err);
	return rc == 0 ? shelf_open(&cfg, &app->shelf, err, DAEMON_ERR_MAX)
		       : rc;
}

static int
open_rates(struct app *app)
{
	uint32_t rate = (uint32_t)app->conf->login_rate;

	app->user_rate = rate_new(rate * USER_RATE, MINUTE_MS);
	app->rest_rate = rate_new((uint32_t)app->conf->rest_rate, MINUTE_MS);
	return app->user_rate != NULL && app->rest_rate != NULL ? 0 : -ENOMEM;
}

int
app_open(struct app *app, const struct signald *d, int index,
    char err[DAEMON_ERR_MAX])
{
	const struct appconf_app *from = &d->appconf.apps[index];
	const char *dir = d->conf->daemon.common.state_dir;
	char path[STATE_PATH_MAX];
	int rc;

	app->name = from->name;
	app->file = from->conf;
	app->conf = conf_data(from->conf);
	rc = signald_setup_init(
	    &app->setup, d->conf, app->conf, app->name, d->nworkers);
	if (rc == 0 && index > 0) {
		rc = state_app(path, dir, app->name, err);
		dir = path;
	}
	if (rc == 0)
		rc = state_key(dir, app->setup.core.token_key, err);
	if (rc == 0)
		rc = keys_new(app->file, &app->keys, err);
	if (app->keys != NULL)
		app->setup.core.jwt = &app->keys->jwt;
	if (rc == 0)
		rc = open_log(app, dir, err);
	if (rc == 0)
		rc = open_shelf(app, dir, err);
	if (rc == 0)
		rc = webhook_new(
		    app->conf, &app->setup.core, &app->webhook, err);
	if (rc != 0)
		return rc;
	app->desks = calloc((size_t)d->nworkers, sizeof(*app->desks));
	return app->desks == NULL ? -ENOMEM : open_rates(app);
}

void
app_close(struct app *app, int workers)
{
	int i;

	shelf_free(app->shelf);
	if (app->log != NULL)
		msglog_stop(app->log);
	for (i = 0; app->desks != NULL && i < workers; i++)
		msglog_port_free(app->desks[i].port);
	msglog_close(app->log);
	keys_free(app->keys);
	webhook_free(app->webhook);
	rate_free(app->user_rate);
	rate_free(app->rest_rate);
	signald_setup_fini(&app->setup);
	free(app->desks);
}

struct desk *
app_desk(const struct app *app, const struct worker *w)
{
	return &app->desks[w->index];
}

struct app *
app_asked(const struct signald *d, const struct http_request *req,
    struct http_reply *reply)
{
	const char *name = http_query(req, "app");
	int i;

	for (i = 0; i < d->napps; i++)
		if (name == NULL || strcmp(d->apps[i].name, name) == 0)
			return &d->apps[i];
	http_error(reply, 404, "not_found",
	    "app: there is none of this name; GET /v1/apps lists them");
	return NULL;
}
