/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/json/json.h"
#include "turnd/door.h"
#include "turnd/tell.h"
#include "turnd/turnd.h"
#include "turnd/useradmin.h"

#define ASK_MS 2000 /* for the workers to tell their allocations */

/* clang-format off: a table */
static const struct metric
    allocations = { "turnd_allocations", "gauge",
	    "Allocations that live now." },
    allocations_total = { "turnd_allocations_total", "counter",
	    "Allocations made." },
    relayed_bytes = { "turnd_relayed_bytes_total", "counter",
	    "Bytes of application data relayed." },
    relayed_packets = { "turnd_relayed_packets_total", "counter",
	    "Datagrams relayed." },
    peers = { "turnd_tcp_relay_connections", "gauge",
	    "Connections of TCP allocations with peers that live now." },
    peers_total = { "turnd_tcp_relay_connections_total", "counter",
	    "Connections of TCP allocations with peers, begun or accepted." },
    requests = { "turnd_requests_total", "counter",
	    "Requests answered, by method and outcome." },
    records_held = { "turnd_records_held_back_total", "counter",
	    "Lines of ended allocations that were not written." },
    auth_failures = { "turnd_auth_failures_total", "counter",
	    "Requests with a wrong user, password or an expired name." },
    connections = { "turnd_tcp_connections", "gauge",
	    "TCP connections that are open now." },
    accepted = { "turnd_tcp_accepted_total", "counter",
	    "TCP connections accepted." },
    ended = { "turnd_tcp_ended_total", "counter",
	    "TCP connections ended, by reason." },
    sessions = { "turnd_dtls_sessions", "gauge",
	    "DTLS sessions that are open now." },
    opened = { "turnd_dtls_opened_total", "counter",
	    "DTLS sessions begun or refused: clients with a good cookie." },
    sessions_ended = { "turnd_dtls_ended_total", "counter",
	    "DTLS sessions ended, by reason." },
    challenges = { "turnd_dtls_challenges_total", "counter",
	    "DTLS hellos answered with a cookie, or not at all." },
    strays = { "turnd_dtls_strays_total", "counter",
	    "DTLS datagrams of no session." },
    hook_answers = { "turnd_auth_hook_answers_total", "counter",
	    "Questions to the auth-hook that ended, by result." },
    hook_hits = { "turnd_auth_hook_cache_hits_total", "counter",
	    "Users whose answer was still good." },
    hook_limited = { "turnd_auth_hook_limited_total", "counter",
	    "Questions that were not asked: too many at a time." },
    hook_asking = { "turnd_auth_hook_asking", "gauge",
	    "Questions under way now." },
    receive_buffer = { "turnd_udp_receive_buffer_bytes", "gauge",
	    "Room for what comes, of each socket of such a kind." },
    drops = { "turnd_drops_total", "counter",
	    "Requests refused and datagrams dropped, by reason." };
/* clang-format on */

static const void *
core_stats_of(const void *worker)
{
	return ((const struct worker *)worker)->stats;
}

static const void *
shell_stats_of(const void *worker)
{
	return &((const struct worker *)worker)->shell;
}

static void
put_labelled(struct buf *b, const struct metric *m, const char *label,
    const char *a, const char *second, uint64_t v)
{
	char mem[128];
	struct buf labels = buf_fixed(mem, sizeof(mem));

	buf_printf(&labels, "%s=\"%s\"", label, a);
	if (second != NULL)
		buf_printf(&labels, ",outcome=\"%s\"", second);
	buf_u8(&labels, 0);
	if (labels.err == 0)
		metric_u64(b, m, mem, v);
}

static void
put_traffic(struct buf *b, const struct turn_stats *s)
{
	const struct turn_traffic *up = &s->relayed[TURN_UP];
	const struct turn_traffic *down = &s->relayed[TURN_DOWN];

	metric_begin(b, &relayed_bytes);
	metric_u64(
	    b, &relayed_bytes, "direction=\"" TURN_UP_NAME "\"", up->bytes);
	metric_u64(
	    b, &relayed_bytes, "direction=\"" TURN_DOWN_NAME "\"", down->bytes);
	metric_begin(b, &relayed_packets);
	metric_u64(
	    b, &relayed_packets, "direction=\"" TURN_UP_NAME "\"", up->packets);
	metric_u64(b, &relayed_packets, "direction=\"" TURN_DOWN_NAME "\"",
	    down->packets);
	metric_begin(b, &peers);
	metric_u64(b, &peers, "", s->connections);
	metric_begin(b, &peers_total);
	metric_u64(b, &peers_total, "", s->connections_total);
}

static void
put_requests(struct buf *b, const struct turn_stats *s)
{
	unsigned int i;

	metric_begin(b, &requests);
	for (i = 0; i < TURN_METHODS; i++) {
		put_labelled(b, &requests, "method", turn_method_name(i),
		    "success", s->requests[i] - s->refused[i]);
		put_labelled(b, &requests, "method", turn_method_name(i),
		    "error", s->refused[i]);
	}
}

static void
put_streams(struct buf *b, const struct stream_stats *s)
{
	enum stream_end end;

	metric_begin(b, &connections);
	metric_u64(b, &connections, "", stream_stats_open(s));
	metric_begin(b, &accepted);
	metric_u64(b, &accepted, "", s->accepted);
	metric_begin(b, &ended);
	for (end = 0; end < STREAM_ENDS; end++)
		put_labelled(b, &ended, "reason", stream_end_name(end), NULL,
		    s->ended[end]);
}

static void
put_assocs(struct buf *b, const struct assoc_stats *s)
{
	enum assoc_end end;

	metric_begin(b, &sessions);
	metric_u64(b, &sessions, "", assoc_stats_open(s));
	metric_begin(b, &opened);
	metric_u64(b, &opened, "", s->opened);
	metric_begin(b, &sessions_ended);
	for (end = 0; end < ASSOC_ENDS; end++)
		put_labelled(b, &sessions_ended, "reason", assoc_end_name(end),
		    NULL, s->ended[end]);
	metric_begin(b, &challenges);
	metric_u64(b, &challenges, "", s->challenges);
	metric_begin(b, &strays);
	metric_u64(b, &strays, "", s->strays);
}

static void
put_hook(struct buf *b, struct hook *hook)
{
	static const char *const results[] = { "found", "nobody", "failed" };
	struct lookup_stats s;
	int i;

	if (hook == NULL)
		return;
	hook_stats(hook, &s);
	metric_begin(b, &hook_answers);
	for (i = 0; i <= LOOKUP_FAILED; i++)
		put_labelled(b, &hook_answers, "result", results[i], NULL,
		    s.answered[i]);
	metric_begin(b, &hook_hits);
	metric_u64(b, &hook_hits, "", s.hits);
	metric_begin(b, &hook_limited);
	metric_u64(b, &hook_limited, "", s.limited);
	metric_begin(b, &hook_asking);
	metric_u64(b, &hook_asking, "", s.asking);
}

static void
put_buffers(struct buf *b, const struct turnd *d)
{
	metric_begin(b, &receive_buffer);
	put_labelled(b, &receive_buffer, "socket", "listener", NULL,
	    (uint64_t)d->listen_buffers.receive);
	put_labelled(b, &receive_buffer, "socket", "relay", NULL,
	    (uint64_t)d->relay_buffers.receive);
}

static void
get_metrics(void *arg, const struct http_request *req, struct http_reply *reply)
{
	const struct turnd *d = daemon_state(arg);
	struct buf *b = &reply->body;
	struct shell_stats shell;
	struct turn_stats s;
	int i;

	daemon_sum(arg, core_stats_of, &s, sizeof(s));
	daemon_sum(arg, shell_stats_of, &shell, sizeof(shell));
	reply->type = "text/plain; version=0.0.4";
	metric_begin(b, &allocations);
	metric_u64(b, &allocations, "", s.allocations);
	metric_begin(b, &allocations_total);
	metric_u64(b, &allocations_total, "", s.allocations_total);
	put_traffic(b, &s);
	put_requests(b, &s);
	put_streams(b, &shell.streams);
	put_assocs(b, &shell.assocs);
	put_hook(b, d->hook);
	put_buffers(b, d);
	metric_begin(b, &records_held);
	metric_u64(b, &records_held, "", shell.records_held);
	metric_begin(b, &auth_failures);
	metric_u64(b, &auth_failures, "", s.auth_failures);
	metric_begin(b, &drops);
	for (i = TURN_OK + 1; i < TURN_REASON_COUNT; i++)
		put_labelled(b, &drops, "reason",
		    turn_reason_info((enum turn_reason)i)->name, NULL,
		    s.reasons[i]);
}

static void
get_health(void *arg, const struct http_request *req, struct http_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

/* A name is what a client chose: bytes that are no UTF-8 are told as hex. */
static void
put_user(struct json_out *j, const char *user)
{
	char hex[2 * TURN_NAME_MAX + 1];
	char mem[6 * TURN_NAME_MAX + 3];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct json_out trial;

	json_out_init(&trial, &b);
	json_out_str(&trial, NULL, user);
	if (json_out_end(&trial) == 0) {
		json_out_str(j, "user", user);
		return;
	}
	crypto_hex(user, strlen(user), hex);
	json_out_str(j, "user_hex", hex);
}

static void
put_direction(
    struct json_out *j, const char *name, const struct turn_traffic *t)
{
	json_out_object(j, name);
	json_out_int(j, "packets", (int64_t)t->packets);
	json_out_int(j, "bytes", (int64_t)t->bytes);
	json_out_close(j);
}

/* What a worker tells of an allocation; the user's name and a NUL follow. */
struct told {
	int worker;
	struct addr server;
	const char *transport; /* the listener's scheme, which outlives us */
	struct turn_alloc_info info; /* but user; realm outlives us, too */
};

/* On a worker, whose clients wait meanwhile: so it copies, and writing is done
 * by the one who asks. */
static void
tell_allocations(void *worker, void *arg, struct buf *out)
{
	const struct worker *w = worker;
	uint64_t now_ms = loop_now_ms(w->loop);
	struct told t = { .worker = w->index };
	const char *user;
	size_t pos = 0;

	while (out->err == 0 &&
	    turn_server_walk(w->server, &pos, now_ms, &t.info)) {
		user = t.info.user;
		t.info.user = NULL;
		t.server = link_addr(w, t.info.link);
		t.transport = link_scheme(w, t.info.link);
		buf_put(out, &t, sizeof(t));
		buf_put(out, user, strlen(user) + 1);
	}
}

static void
put_allocation(const struct told *t, const char *user, struct buf *out)
{
	const struct turn_alloc_info *a = &t->info;
	struct addr first, second;
	char text[ADDR_STRLEN];
	struct json_out j;

	json_out_init(&j, out);
	json_out_object(&j, NULL);
	json_out_int(&j, "worker", t->worker);
	json_out_int(&j, "id", (int64_t)a->id);
	put_user(&j, user);
	json_out_str(&j, "realm", a->realm);
	json_out_str(&j, "client", addr_format(&a->client, text));
	json_out_str(&j, "transport", t->transport);
	json_out_str(&j, "server", addr_format(&t->server, text));
	alloc_addrs(a, &first, &second);
	json_out_str(&j, "relayed", addr_format(&first, text));
	if (second.family != ADDR_NONE)
		json_out_str(&j, "relayed_second", addr_format(&second, text));
	json_out_str(&j, "relay_transport", a->tcp ? "tcp" : "udp");
	json_out_int(&j, "created", (int64_t)a->created_s);
	json_out_int(&j, "age_ms", (int64_t)a->age_ms);
	json_out_int(&j, "left_ms", (int64_t)a->left_ms);
	json_out_int(&j, "permissions", a->permissions);
	json_out_int(&j, "channels", a->channels);
	json_out_int(&j, "connections", a->connections);
	put_direction(&j, TURN_UP_NAME, &a->traffic[TURN_UP]);
	put_direction(&j, TURN_DOWN_NAME, &a->traffic[TURN_DOWN]);
	json_out_end(&j);
}

static void
put_allocations(const struct buf *told, struct buf *out)
{
	const char *sep = "", *user;
	struct told t;
	size_t pos = 0;

	buf_puts(out, "{\"allocations\":[\n");
	while (pos < told->len) {
		memcpy(&t, told->data + pos, sizeof(t));
		user = (const char *)told->data + pos + sizeof(t);
		pos += sizeof(t) + strlen(user) + 1;
		buf_puts(out, sep);
		put_allocation(&t, user, out);
		sep = ",\n";
	}
	buf_puts(out, "\n]}\n");
}

static void
get_allocations(
    void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct buf told;
	int err;

	buf_init(&told, HTTP_ANSWER_MAX);
	err = daemon_ask(arg, tell_allocations, NULL, &told, ASK_MS);
	if (err == 0)
		err = told.err;
	if (err == 0)
		put_allocations(&told, &reply->body);
	else
		http_error(reply, 503, "busy", "a worker did not answer");
	buf_fini(&told);
}

static void
get_openapi(void *arg, const struct http_request *req, struct http_reply *reply)
{
	reply->type = "application/yaml";
	buf_put(&reply->body, turnd_openapi, turnd_openapi_len);
}

const struct http_route turnd_routes[] = {
	{ "GET", "/openapi.yaml", HTTP_OPEN, get_openapi,
	    "these routes in full" },
	{ "GET", "/healthz", HTTP_OPEN, get_health, "is turnd alive" },
	{ "GET", "/metrics", 0, get_metrics, "counters for Prometheus" },
	{ "GET", "/v1/allocations", 0, get_allocations,
	    "the allocations that live now" },
	{ "GET", "/v1/status", 0, drain_status,
	    "is turnd serving or draining, and how much lives" },
	{ "POST", "/v1/drain", 0, drain_begin,
	    "no new allocations; alternate: where clients are sent to" },
	{ "DELETE", "/v1/drain", 0, drain_end, "new allocations again" },
	{ "GET", "/v1/users", 0, useradmin_list,
	    "the users that are kept here; after=REALM/NAME, limit=N" },
	{ "GET", "/v1/users/*", 0, useradmin_get, "a user: REALM/NAME" },
	{ "PUT", "/v1/users/*", 0, useradmin_put,
	    "make or replace a user: password or key, quota, bandwidth, "
	    "expires" },
	{ "DELETE", "/v1/users/*", 0, useradmin_delete, "remove a user" },
	{ .method = NULL },
};
