/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/counter.h"
#include "lib/json/json.h"
#include "signald/figures.h"
#include "signald/outbox.h"
#include "signald/worker.h"

#define ASK_MS    2000 /* for the workers to tell what they know */
#define LABEL_MAX (SIG_APP_MAX + 16)

/* What an app counts: workers tell of its cores, the log of itself. */
struct own {
	struct sig_stats core;
	struct {
		uint64_t commits, failed, appends, expired;
		uint64_t map_bytes, used_bytes;
	} log;
	struct outbox_stats hook;
	bool hooked;
};

/* All of them, and what the workers count for all. */
struct figures {
	const struct signald *d;
	struct worker_stats shell;
	struct own apps[APPCONF_MAX];
};

struct row {
	struct metric metric;
	size_t at;
};

#define OWN(field)   offsetof(struct own, field)
#define SHELL(field) offsetof(struct worker_stats, field)
#define N(rows)      (sizeof(rows) / sizeof((rows)[0]))

/* clang-format off: tables */
static const struct row shells[] = {
	{ { "signald_connections", "gauge", "Connections of the public port." },
	    SHELL(connections) },
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
}, owns[] = {
	{ { "signald_links", "gauge", "WebSocket links." }, OWN(core.links) },
	{ { "signald_strangers", "gauge",
	      "WebSocket links before their log-in." },
	    OWN(core.strangers) },
	{ { "signald_sessions", "gauge",
	      "Sessions, with a link or waiting for one." },
	    OWN(core.sessions) },
	{ { "signald_users_online", "gauge", "Users with a session." },
	    OWN(core.users_online) },
	{ { "signald_calls", "gauge", "Calls that go on." }, OWN(core.calls) },
	{ { "signald_rooms", "gauge", "Rooms and chatrooms with somebody in." },
	    OWN(core.rooms) },
	{ { "signald_requests_total", "counter", "Requests on links." },
	    OWN(core.requests) },
	{ { "signald_errors_total", "counter",
	      "Requests on links that were refused." },
	    OWN(core.errors) },
	{ { "signald_messages_total", "counter", "Messages acknowledged." },
	    OWN(core.messages) },
	{ { "signald_duplicates_total", "counter",
	      "Messages that had been sent before." },
	    OWN(core.duplicates) },
	{ { "signald_pushes_total", "counter", "Messages pushed to devices." },
	    OWN(core.pushes) },
	{ { "signald_resends_total", "counter", "Pushes sent again." },
	    OWN(core.resends) },
	{ { "signald_resumes_total", "counter", "Sessions that came back." },
	    OWN(core.resumes) },
	{ { "signald_retained_rows_total", "counter",
	      "Rows that retention took." },
	    OWN(core.retained) },
	{ { "signald_calls_started_total", "counter", "Calls begun." },
	    OWN(core.calls_started) },
	{ { "signald_calls_answered_total", "counter", "Calls accepted." },
	    OWN(core.calls_answered) },
	{ { "signald_commits_total", "counter",
	      "Transactions of the message log on disk." },
	    OWN(log.commits) },
	{ { "signald_failed_commits_total", "counter",
	      "Transactions that failed, disk full included." },
	    OWN(log.failed) },
	{ { "signald_appends_total", "counter",
	      "Messages, cursors, users and times stored." },
	    OWN(log.appends) },
	{ { "signald_mids_expired_total", "counter",
	      "Idempotency keys forgotten by age." },
	    OWN(log.expired) },
	{ { "signald_store_map_bytes", "gauge",
	      "Address space of the message log." },
	    OWN(log.map_bytes) },
	{ { "signald_store_used_bytes", "gauge",
	      "Disk space of the message log." },
	    OWN(log.used_bytes) },
}, hooks[] = {
	{ { "signald_webhook_events_total", "counter",
	      "Events that the webhook took." },
	    OWN(hook.taken) },
	{ { "signald_webhook_refused_total", "counter",
	      "Events that it will never take." },
	    OWN(hook.refused) },
	{ { "signald_webhook_expired_total", "counter",
	      "Events that were too old before it took them." },
	    OWN(hook.expired) },
	{ { "signald_webhook_dropped_total", "counter",
	      "Events that had to make room." },
	    OWN(hook.dropped) },
	{ { "signald_webhook_failures_total", "counter",
	      "Attempts that failed." },
	    OWN(hook.failures) },
	{ { "signald_webhook_waiting", "gauge", "Events that wait." },
	    OWN(hook.waiting) },
};

static const struct metric seconds = { "signald_commit_seconds_total",
	"counter", "Time in transactions, mostly the sync." },
			   sizes = { "signald_commit_group_size", "histogram",
				   "Appends that one sync made durable." };
/* clang-format on */

/* Structs of counters, and nothing else. */
static void
add(void *sums, const void *counters, size_t size)
{
	counter_sum(sums, counters, size / sizeof(uint64_t));
}

/* On a worker. */
static void
tell(void *worker, void *arg, struct buf *out)
{
	const struct worker *w = worker;
	struct figures *f = arg;
	int i;

	add(&f->shell, &w->stats, sizeof(w->stats));
	for (i = 0; i < w->d->napps; i++)
		add(&f->apps[i].core, sig_core_stats(worker_desk(w, i)->core),
		    sizeof(struct sig_stats));
}

static uint64_t
load(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
tell_log(const struct app *app, struct own *own)
{
	const struct msglog_stats *s = msglog_stats(app->log);

	own->log.commits = load(&s->commits);
	own->log.failed = load(&s->failed_commits);
	own->log.appends = load(&s->appends);
	own->log.expired = load(&s->mids_expired);
	msglog_disk(app->log, &own->log.map_bytes, &own->log.used_bytes);
	own->hooked = webhook_stats(app->webhook, &own->hook);
}

/* To be freed; NULL: the reply says why. */
static struct figures *
ask(struct daemon_run *run, struct http_reply *reply)
{
	struct figures *f = calloc(1, sizeof(*f));
	int i;

	if (f == NULL) {
		http_error(reply, 503, "busy", "no memory");
		return NULL;
	}
	f->d = daemon_state(run);
	if (daemon_ask(run, tell, f, NULL, ASK_MS) != 0) {
		http_error(reply, 503, "busy", "a worker did not answer");
		free(f);
		return NULL;
	}
	for (i = 0; i < f->d->napps; i++)
		tell_log(&f->d->apps[i], &f->apps[i]);
	return f;
}

static uint64_t
value(const void *of, const struct row *row)
{
	uint64_t v;

	memcpy(&v, (const char *)of + row->at, sizeof(v));
	return v;
}

/* app="NAME", where there are others. */
static const char *
label(const struct figures *f, int app, char out[LABEL_MAX])
{
	snprintf(out, LABEL_MAX, f->d->napps > 1 ? "app=\"%s\"" : "",
	    f->d->apps[app].name);
	return out;
}

static void
put_own(
    struct buf *b, const struct figures *f, const struct row *row, bool hooked)
{
	char text[LABEL_MAX];
	int i;

	metric_begin(b, &row->metric);
	for (i = 0; i < f->d->napps; i++)
		if (!hooked || f->apps[i].hooked)
			metric_u64(b, &row->metric, label(f, i, text),
			    value(&f->apps[i], row));
}

static void
put_sizes(struct buf *b, const struct figures *f, int app)
{
	const struct msglog_stats *s = msglog_stats(f->d->apps[app].log);
	char text[LABEL_MAX], braced[LABEL_MAX + 2] = "", le[16];
	uint64_t sum = 0;
	unsigned int i;

	label(f, app, text);
	if (text[0] != '\0')
		snprintf(braced, sizeof(braced), "{%s}", text);
	for (i = 0; i < MSGLOG_BUCKETS; i++) {
		sum += load(&s->group_sizes[i]);
		snprintf(le, sizeof(le), i < MSGLOG_BUCKETS - 1 ? "%u" : "+Inf",
		    1U << i);
		buf_printf(b, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n",
		    sizes.name, text, text[0] != '\0' ? "," : "", le, sum);
	}
	buf_printf(b, "%s_sum%s %" PRIu64 "\n%s_count%s %" PRIu64 "\n",
	    sizes.name, braced, f->apps[app].log.appends, sizes.name, braced,
	    sum);
}

static void
put_logs(struct buf *b, const struct figures *f)
{
	char text[LABEL_MAX];
	int i;

	metric_begin(b, &seconds);
	for (i = 0; i < f->d->napps; i++)
		metric_double(b, &seconds, label(f, i, text),
		    (double)load(&msglog_stats(f->d->apps[i].log)->commit_ns) /
			1e9);
	metric_begin(b, &sizes);
	for (i = 0; i < f->d->napps; i++)
		put_sizes(b, f, i);
}

void
figures_metrics(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct figures *f = ask(arg, reply);
	struct buf *b = &reply->body;
	bool hooked = false;
	size_t i;

	if (f == NULL)
		return;
	reply->type = "text/plain; version=0.0.4";
	for (i = 0; i < N(shells); i++) {
		metric_begin(b, &shells[i].metric);
		metric_u64(
		    b, &shells[i].metric, "", value(&f->shell, &shells[i]));
	}
	for (i = 0; i < N(owns); i++)
		put_own(b, f, &owns[i], false);
	put_logs(b, f);
	for (i = 0; i < (size_t)f->d->napps; i++)
		hooked |= f->apps[i].hooked;
	for (i = 0; hooked && i < N(hooks); i++)
		put_own(b, f, &hooks[i], true);
	relays_metrics(f->d->relays, b);
	free(f);
}

static void
put_members(
    struct json_out *o, const struct row *rows, size_t n, const void *of)
{
	size_t i;

	for (i = 0; i < n; i++)
		json_out_int(o, rows[i].metric.name + strlen("signald_"),
		    (int64_t)value(of, &rows[i]));
}

void
figures_stats(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct signald *d = daemon_state(arg);
	const struct app *app = app_asked(d, req, reply);
	struct figures *f = app != NULL ? ask(arg, reply) : NULL;
	struct json_out o;

	if (f == NULL)
		return;
	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	put_members(&o, shells, N(shells), &f->shell);
	put_members(&o, owns, N(owns), &f->apps[app - d->apps]);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
	free(f);
}

static void
put_app(struct json_out *o, const struct app *app, const struct own *own)
{
	const char *const *hosts = app->conf->hosts.items;
	size_t i;

	json_out_object(o, NULL);
	json_out_str(o, "app", app->name);
	json_out_array(o, "hosts");
	for (i = 0; i < app->conf->hosts.n; i++)
		json_out_str(o, NULL, hosts[i]);
	json_out_close(o);
	json_out_str(o, "epoch", msglog_epoch(app->log));
	json_out_int(o, "links", (int64_t)own->core.links);
	json_out_int(o, "sessions", (int64_t)own->core.sessions);
	json_out_int(o, "users_online", (int64_t)own->core.users_online);
	json_out_int(o, "messages_total", (int64_t)own->core.messages);
	json_out_int(o, "store_used_bytes", (int64_t)own->log.used_bytes);
	json_out_close(o);
}

void
figures_apps(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct figures *f = ask(arg, reply);
	struct json_out o;
	int i;

	if (f == NULL)
		return;
	json_out_init(&o, &reply->body);
	json_out_object(&o, NULL);
	json_out_array(&o, "apps");
	for (i = 0; i < f->d->napps; i++)
		put_app(&o, &f->d->apps[i], &f->apps[i]);
	json_out_close(&o);
	json_out_end(&o);
	buf_u8(&reply->body, '\n');
	free(f);
}
