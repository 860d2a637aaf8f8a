/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/backup.h"
#include "signald/core/name.h"
#include "signald/drain.h"
#include "signald/operate.h"
#include "signald/useradmin.h"
#include "signald/worker.h"

#define ASK_MS 2000 /* for the workers to tell what they know */

/* What the workers tell, added up. */
struct sums {
	struct sig_stats core;
	struct worker_stats shell;
};

#define CORE(field)  offsetof(struct sums, core.field)
#define SHELL(field) offsetof(struct sums, shell.field)

/* clang-format off: a table */
static const struct {
	struct metric metric;
	size_t at;
} metrics[] = {
	{ { "signald_connections", "gauge", "Connections of the public port." },
	    SHELL(connections) },
	{ { "signald_links", "gauge", "WebSocket links." }, CORE(links) },
	{ { "signald_strangers", "gauge",
	      "WebSocket links before their log-in." },
	    CORE(strangers) },
	{ { "signald_sessions", "gauge",
	      "Sessions, with a link or waiting for one." },
	    CORE(sessions) },
	{ { "signald_users_online", "gauge", "Users with a session." },
	    CORE(users_online) },
	{ { "signald_calls", "gauge", "Calls that go on." }, CORE(calls) },
	{ { "signald_rooms", "gauge", "Rooms and chatrooms with somebody in." },
	    CORE(rooms) },
	{ { "signald_accepted_total", "counter", "Connections let in." },
	    SHELL(accepted) },
	{ { "signald_refused_total", "counter",
	      "Connections refused for want of room." },
	    SHELL(refused) },
	{ { "signald_http_requests_total", "counter", "HTTP requests." },
	    SHELL(http_requests) },
	{ { "signald_upgrades_total", "counter",
	      "Requests that became a WebSocket." },
	    SHELL(upgrades) },
	{ { "signald_moves_total", "counter",
	      "Links that moved to their user's worker." },
	    SHELL(moved) },
	{ { "signald_slow_closed_total", "counter",
	      "Links closed because they read too slowly." },
	    SHELL(slow_closed) },
	{ { "signald_dropped_total", "counter",
	      "Ephemeral pushes dropped for slow links." },
	    SHELL(dropped) },
	{ { "signald_mail_lost_total", "counter",
	      "Mail between workers lost for want of memory." },
	    SHELL(mail_lost) },
	{ { "signald_uploads_total", "counter", "Files uploaded." },
	    SHELL(uploads) },
	{ { "signald_upload_bytes_total", "counter",
	      "Bytes of uploads, aborted ones too." },
	    SHELL(upload_bytes) },
	{ { "signald_downloads_total", "counter", "Files asked for and sent." },
	    SHELL(downloads) },
	{ { "signald_requests_total", "counter", "Requests on links." },
	    CORE(requests) },
	{ { "signald_errors_total", "counter",
	      "Requests on links that were refused." },
	    CORE(errors) },
	{ { "signald_messages_total", "counter", "Messages acknowledged." },
	    CORE(messages) },
	{ { "signald_duplicates_total", "counter",
	      "Messages that had been sent before." },
	    CORE(duplicates) },
	{ { "signald_pushes_total", "counter", "Messages pushed to devices." },
	    CORE(pushes) },
	{ { "signald_resends_total", "counter", "Pushes sent again." },
	    CORE(resends) },
	{ { "signald_resumes_total", "counter", "Sessions that came back." },
	    CORE(resumes) },
	{ { "signald_retained_rows_total", "counter",
	      "Rows that retention took." },
	    CORE(retained) },
	{ { "signald_calls_started_total", "counter", "Calls begun." },
	    CORE(calls_started) },
	{ { "signald_calls_answered_total", "counter", "Calls accepted." },
	    CORE(calls_answered) },
};

static const struct metric
    commits = { "signald_commits_total", "counter",
	    "Transactions of the message log on disk." },
    failed = { "signald_failed_commits_total", "counter",
	    "Transactions that failed, disk full included." },
    appends = { "signald_appends_total", "counter",
	    "Messages, cursors, users and times stored." },
    seconds = { "signald_commit_seconds_total", "counter",
	    "Time in transactions, mostly the sync." },
    sizes = { "signald_commit_group_size", "histogram",
	    "Appends that one sync made durable." },
    expired = { "signald_mids_expired_total", "counter",
	    "Idempotency keys forgotten by age." },
    map = { "signald_store_map_bytes", "gauge",
	    "Address space of the message log." },
    used = { "signald_store_used_bytes", "gauge",
	    "Disk space of the message log." };
/* clang-format on */

static void
tell_stats(void *worker, void *arg, struct buf *out)
{
	const struct worker *w = worker;
	struct sums s = { *sig_core_stats(worker_desk(w, 0)->core), w->stats };

	buf_put(out, &s, sizeof(s));
}

/* Both structs are plain arrays of counters. */
static void
add_up(const struct buf *told, uint64_t sum[sizeof(struct sums) / 8])
{
	struct sums one;
	uint64_t part[sizeof(struct sums) / 8];
	size_t at, i;

	for (at = 0; at + sizeof(one) <= told->len; at += sizeof(one)) {
		memcpy(part, told->data + at, sizeof(part));
		for (i = 0; i < sizeof(part) / 8; i++)
			sum[i] += part[i];
	}
}

/* 0 or -errno. */
static int
ask_stats(struct daemon_run *run, uint64_t sum[sizeof(struct sums) / 8])
{
	struct buf told;
	int rc;

	buf_init(&told, DAEMON_WORKERS_MAX * sizeof(struct sums));
	rc = daemon_ask(run, tell_stats, NULL, &told, ASK_MS);
	add_up(&told, sum);
	buf_fini(&told);
	return rc;
}

static void
put_sizes(struct buf *b, const struct msglog_stats *s)
{
	char label[32];
	uint64_t sum = 0;
	unsigned int i;

	metric_begin(b, &sizes);
	for (i = 0; i < MSGLOG_BUCKETS; i++) {
		sum += atomic_load_explicit(
		    &s->group_sizes[i], memory_order_relaxed);
		if (i < MSGLOG_BUCKETS - 1)
			snprintf(label, sizeof(label), "le=\"%u\"", 1U << i);
		else
			snprintf(label, sizeof(label), "le=\"+Inf\"");
		buf_printf(
		    b, "%s_bucket{%s} %" PRIu64 "\n", sizes.name, label, sum);
	}
	buf_printf(b, "%s_sum %" PRIu64 "\n%s_count %" PRIu64 "\n", sizes.name,
	    (uint64_t)atomic_load_explicit(&s->appends, memory_order_relaxed),
	    sizes.name, sum);
}

static void
put_one(struct buf *b, const struct metric *m, uint64_t value)
{
	metric_begin(b, m);
	metric_u64(b, m, "", value);
}

static void
put_log(struct buf *b, struct msglog *log)
{
	const struct msglog_stats *s = msglog_stats(log);
	uint64_t map_bytes, used_bytes;

#define LOAD(field) atomic_load_explicit(&s->field, memory_order_relaxed)
	put_one(b, &commits, LOAD(commits));
	put_one(b, &failed, LOAD(failed_commits));
	put_one(b, &appends, LOAD(appends));
	put_one(b, &expired, LOAD(mids_expired));
	metric_begin(b, &seconds);
	metric_double(b, &seconds, "", (double)LOAD(commit_ns) / 1e9);
#undef LOAD
	put_sizes(b, s);
	msglog_disk(log, &map_bytes, &used_bytes);
	put_one(b, &map, map_bytes);
	put_one(b, &used, used_bytes);
}

static void
get_metrics(void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	uint64_t sum[sizeof(struct sums) / 8] = { 0 };
	size_t i;

	if (ask_stats(arg, sum) != 0) {
		http_error(reply, 503, "busy", "a worker did not answer");
		return;
	}
	reply->type = "text/plain; version=0.0.4";
	for (i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		put_one(
		    &reply->body, &metrics[i].metric, sum[metrics[i].at / 8]);
	put_log(&reply->body, d->apps[0].log);
	relays_metrics(d->relays, &reply->body);
	webhook_metrics(d->apps[0].webhook, &reply->body);
}

static void
put_member(struct json_out *o, const char *name, uint64_t value)
{
	json_out_int(o, name + strlen("signald_"), (int64_t)value);
}

static void
get_stats(void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	const struct msglog_stats *s = msglog_stats(d->apps[0].log);
	uint64_t sum[sizeof(struct sums) / 8] = { 0 }, map_bytes, used_bytes;
	struct json_out o;
	size_t i;

	if (ask_stats(arg, sum) != 0) {
		http_error(reply, 503, "busy", "a worker did not answer");
		return;
	}
	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	for (i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		put_member(&o, metrics[i].metric.name, sum[metrics[i].at / 8]);
	put_member(&o, commits.name, s->commits);
	put_member(&o, failed.name, s->failed_commits);
	put_member(&o, appends.name, s->appends);
	put_member(&o, expired.name, s->mids_expired);
	msglog_disk(d->apps[0].log, &map_bytes, &used_bytes);
	put_member(&o, map.name, map_bytes);
	put_member(&o, used.name, used_bytes);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
}

static void
get_health(void *arg, const struct http_request *req, struct http_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

static void
tell_sessions(void *worker, void *arg, struct buf *out)
{
	sig_core_dump_sessions(worker_desk(worker, 0)->core, out);
}

static void
get_sessions(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct buf *b = &reply->body;
	size_t start, i;

	buf_puts(b, "{\"sessions\":[\n");
	start = b->len;
	if (daemon_ask(arg, tell_sessions, NULL, b, ASK_MS) != 0) {
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
	struct signald *d = daemon_state(arg);
	struct sig_append *a = calloc(1, sizeof(*a));
	char err[JSON_ERR_MAX] = "";
	int rc;

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
	rc = msglog_append_wait(d->apps[0].log, a, NULL);
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
	{ "GET", "/metrics", 0, get_metrics, "counters for Prometheus" },
	{ "GET", "/readyz", HTTP_OPEN, drain_ready,
	    "should clients be sent here" },
	{ "GET", "/v1/status", 0, drain_status,
	    "is signald serving or draining, and how many links live" },
	{ "POST", "/v1/drain", 0, drain_begin,
	    "links are told to go, and no new ones taken" },
	{ "DELETE", "/v1/drain", 0, drain_end, "new links again" },
	{ "GET", "/v1/stats", 0, get_stats, "counters as JSON" },
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
