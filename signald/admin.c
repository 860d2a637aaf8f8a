/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/name.h"
#include "signald/drain.h"
#include "signald/figures.h"
#include "signald/operate.h"
#include "signald/useradmin.h"
#include "signald/worker.h"

#define ASK_MS 2000 /* for the workers to tell what they know */

static void
get_health(void *arg, const struct http_request *req, struct http_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

static void
tell_sessions(void *worker, void *arg, struct buf *out)
{
	sig_core_dump_sessions(app_desk(arg, worker)->core, out);
}

static void
get_sessions(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct app *app = app_asked(daemon_state(arg), req, reply);
	struct buf *b = &reply->body;
	size_t start, i;

	if (app == NULL)
		return;
	buf_puts(b, "{\"sessions\":[\n");
	start = b->len;
	if (daemon_ask(arg, tell_sessions, app, b, ASK_MS) != 0) {
		buf_reset(b);
		http_error(reply, 503, "busy", "a worker did not answer");
		return;
	}
	/* A session is a line; the last newline becomes the array's end. */
	for (i = start; i + 1 < b->len; i++)
		if (b->data[i] == '\n')
			b->data[i] = ',';
	buf_puts(b, "]}\n");
}

/* The two users of the body. False: err says what is wrong. */
static bool
read_pair(const struct http_request *req, struct sig_append *a,
    char err[JSON_ERR_MAX])
{
	static const struct json_limits limits = { 1024, 8, 2 };
	static const char *const names[] = { "users", NULL };
	const struct json *list;
	const char *one, *other;
	struct json *json = NULL;
	struct json_in in;

	if (json_parse(req->body, req->body_len, &limits, &json, err) != 0)
		return false;
	json_in_init(&in, json, "");
	list = json_in_array(&in, "users", 2, 2);
	json_in_only(&in, names);
	one = json_text(json_item(list, 0));
	other = json_text(json_item(list, 1));
	snprintf(err, JSON_ERR_MAX, "%s", in.err);
	if (in.code == 0 &&
	    (one == NULL || other == NULL || strcmp(one, other) == 0 ||
		!sig_name_user_ok(one, strlen(one)) ||
		!sig_name_user_ok(other, strlen(other)))) {
		in.code = -EINVAL;
		snprintf(err, JSON_ERR_MAX, "users: must be two user names");
	}
	if (in.code == 0) {
		snprintf(a->user, sizeof(a->user), "%s", one);
		snprintf(a->peer, sizeof(a->peer), "%s", other);
	}
	json_free(json);
	return in.code == 0;
}

static void
post_contacts(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct app *app = app_asked(daemon_state(arg), req, reply);
	struct sig_append *a = NULL;
	char err[JSON_ERR_MAX] = "";
	int rc;

	if (app == NULL)
		return;
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		http_error(reply, 503, "storage", "no memory");
		return;
	}
	a->kind = SIG_APPEND_CONTACT;
	a->contact = SIG_CONTACT_JOIN;
	a->ts = loop_wall_ms();
	if (!read_pair(req, a, err)) {
		sig_append_free(a);
		http_error(reply, 400, "bad_request", err);
		return;
	}
	rc = msglog_append_wait(app->log, a, NULL);
	if (rc == -ENOENT)
		http_error(reply, 404, "not_found", "users: no such user");
	else if (rc == -E2BIG)
		http_error(reply, 409, "conflict", "users: too many contacts");
	else if (rc != 0)
		http_error(reply, 503, "storage", strerror(-rc));
	else
		buf_puts(&reply->body, "{}\n");
}

static void
get_openapi(void *arg, const struct http_request *req, struct http_reply *reply)
{
	reply->type = "application/yaml";
	buf_put(&reply->body, signald_openapi, signald_openapi_len);
}

const struct http_route signald_routes[] = {
	{ "GET", "/openapi.yaml", HTTP_OPEN, get_openapi,
	    "these routes in full" },
	{ "GET", "/healthz", HTTP_OPEN, get_health, "is signald alive" },
	{ "GET", "/metrics", 0, figures_metrics, "counters for Prometheus" },
	{ "GET", "/readyz", HTTP_OPEN, drain_ready,
	    "should clients be sent here" },
	{ "GET", "/v1/status", 0, drain_status,
	    "is signald serving or draining, and how many links live" },
	{ "POST", "/v1/drain", 0, drain_begin,
	    "links are told to go, and no new ones taken" },
	{ "DELETE", "/v1/drain", 0, drain_end, "new links again" },
	{ "GET", "/v1/apps", 0, figures_apps,
	    "the apps; ?app=NAME behind a path below is for one, without it is "
	    "for main" },
	{ "GET", "/v1/stats", 0, figures_stats, "counters as JSON" },
	{ "GET", "/v1/config", 0, operate_config,
	    "the configuration that signald started with, without secrets" },
	{ "POST", "/v1/reload", 0, operate_reload,
	    "read the configuration again" },
	{ "POST", "/v1/broadcast", 0, operate_broadcast,
	    "a notice to all links: {\"text\"}" },
	{ "GET", "/v1/backup", 0, backup_status, "how the last backup went" },
	{ "POST", "/v1/backup", 0, backup_begin,
	    "copy the message log: {\"dir\"}, a new folder of backup-dir" },
	{ "GET", "/v1/sessions", 0, get_sessions,
	    "the sessions that live now" },
	{ "DELETE", "/v1/sessions/*", 0, useradmin_kick, "end this session" },
	{ "GET", "/v1/users", 0, useradmin_list,
	    "users by name: ?prefix=&after=&limit=" },
	{ "POST", "/v1/users", 0, useradmin_make,
	    "make a user: {\"user\",\"password\",\"nick\"}" },
	{ "GET", "/v1/users/*", 0, useradmin_get, "one user" },
	{ "POST", "/v1/users/*", 0, useradmin_change,
	    "USER/ban, USER/unban, USER/role {\"role\"}, "
	    "USER/password {\"password\"}" },
	{ "DELETE", "/v1/users/*", 0, useradmin_logout,
	    "USER: deletes the account; USER/sessions: ends them all, and "
	    "voids the user's tokens" },
	{ "POST", "/v1/contacts", 0, post_contacts,
	    "make two users friends: {\"users\":[\"NAME\",\"NAME\"]}" },
	{ .method = NULL },
};
