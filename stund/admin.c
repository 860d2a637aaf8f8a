/* SPDX-License-Identifier: BSD-3-Clause */

#include "stund/stund.h"

static const char *const transports[TRANSPORTS] = {
	[OVER_UDP] = "udp",
	[OVER_TCP] = "tcp",
	[OVER_DTLS] = "dtls",
};

/* clang-format off: a table */
static const struct metric answers = { "stund_answers_total", "counter",
	"Requests answered, by result." },
			   drops = { "stund_drops_total", "counter",
				   "Messages and answers dropped, by reason." },
			   received_bytes = { "stund_received_bytes_total",
				   "counter", "Bytes received." },
			   sent_bytes = { "stund_sent_bytes_total", "counter",
				   "Bytes sent." },
			   connections = { "stund_tcp_connections", "gauge",
				   "TCP connections that are open now." },
			   accepted = { "stund_tcp_accepted_total", "counter",
				   "TCP connections accepted." },
			   ended = { "stund_tcp_ended_total", "counter",
				   "TCP connections ended, by reason." },
			   sessions = { "stund_dtls_sessions", "gauge",
				   "DTLS sessions that are open now." },
			   opened = { "stund_dtls_opened_total", "counter",
				   "DTLS sessions begun or refused: clients "
				   "with a good cookie." },
			   sessions_ended = { "stund_dtls_ended_total",
				   "counter",
				   "DTLS sessions ended, by reason." },
			   challenges = { "stund_dtls_challenges_total",
				   "counter",
				   "DTLS hellos answered with a cookie, or not "
				   "at all." },
			   strays = { "stund_dtls_strays_total", "counter",
				   "DTLS datagrams of no session." };
/* clang-format on */

static const void *
stats_of(const void *worker)
{
	return &((const struct worker *)worker)->stats;
}

static void
put_result(struct buf *b, const struct metric *m, enum transport t,
    const char *label, const char *value, uint64_t v)
{
	char mem[128];
	struct buf labels = buf_fixed(mem, sizeof(mem));

	buf_printf(
	    &labels, "transport=\"%s\",%s=\"%s\"", transports[t], label, value);
	buf_u8(&labels, 0);
	if (labels.err == 0)
		metric_u64(b, m, mem, v);
}

static void
put_results(struct buf *b, const struct stund_stats *s)
{
	enum transport t;
	int r;

	metric_begin(b, &answers);
	for (t = 0; t < TRANSPORTS; t++) {
		for (r = 0; r < BINDING_RESULTS; r++) {
			if (binding_is_answer(r))
				put_result(b, &answers, t, "result",
				    binding_result_name(r), s->results[t][r]);
		}
	}
	metric_begin(b, &drops);
	for (t = 0; t < TRANSPORTS; t++) {
		for (r = 0; r < BINDING_RESULTS; r++) {
			if (!binding_is_answer(r))
				put_result(b, &drops, t, "reason",
				    binding_result_name(r), s->results[t][r]);
		}
	}
	put_result(
	    b, &drops, OVER_UDP, "reason", "rate-limited", s->rate_limited);
	put_result(b, &drops, OVER_UDP, "reason", "too-long", s->truncated);
	put_result(
	    b, &drops, OVER_UDP, "reason", "send-refused", s->send_errors);
	put_result(b, &drops, OVER_UDP, "reason", "no-room", s->no_room);
}

static void
put_bytes(struct buf *b, const struct metric *m, uint64_t udp, uint64_t tcp,
    uint64_t dtls)
{
	metric_begin(b, m);
	metric_u64(b, m, "transport=\"udp\"", udp);
	metric_u64(b, m, "transport=\"tcp\"", tcp);
	metric_u64(b, m, "transport=\"dtls\"", dtls);
}

static void
put_streams(struct buf *b, const struct stream_stats *s)
{
	char labels[32];
	int i;

	metric_begin(b, &accepted);
	metric_u64(b, &accepted, "", s->accepted);
	metric_begin(b, &ended);
	for (i = 0; i < STREAM_ENDS; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
		    stream_end_name((enum stream_end)i));
		metric_u64(b, &ended, labels, s->ended[i]);
	}
	metric_begin(b, &connections);
	metric_u64(b, &connections, "", stream_stats_open(s));
}

static void
put_sessions(struct buf *b, const struct assoc_stats *s)
{
	char labels[32];
	int i;

	metric_begin(b, &sessions);
	metric_u64(b, &sessions, "", assoc_stats_open(s));
	metric_begin(b, &opened);
	metric_u64(b, &opened, "", s->opened);
	metric_begin(b, &sessions_ended);
	for (i = 0; i < ASSOC_ENDS; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"",
		    assoc_end_name((enum assoc_end)i));
		metric_u64(b, &sessions_ended, labels, s->ended[i]);
	}
	metric_begin(b, &challenges);
	metric_u64(b, &challenges, "", s->challenges);
	metric_begin(b, &strays);
	metric_u64(b, &strays, "", s->strays);
}

static void
get_metrics(void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct stund_stats s;

	daemon_sum(arg, stats_of, &s, sizeof(s));
	reply->type = "text/plain; version=0.0.4";
	put_results(&reply->body, &s);
	put_bytes(&reply->body, &received_bytes, s.received_bytes,
	    s.streams.received_bytes, s.assocs.received_bytes);
	put_bytes(&reply->body, &sent_bytes, s.sent_bytes, s.streams.sent_bytes,
	    s.assocs.sent_bytes);
	put_streams(&reply->body, &s.streams);
	put_sessions(&reply->body, &s.assocs);
}

static void
get_health(void *arg, const struct http_request *req, struct http_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

static void
get_openapi(void *arg, const struct http_request *req, struct http_reply *reply)
{
	reply->type = "application/yaml";
	buf_put(&reply->body, stund_openapi, stund_openapi_len);
}

const struct http_route stund_routes[] = {
	{ "GET", "/openapi.yaml", HTTP_OPEN, get_openapi,
	    "these routes in full" },
	{ "GET", "/healthz", HTTP_OPEN, get_health, "is stund alive" },
	{ "GET", "/metrics", 0, get_metrics, "counters for Prometheus" },
	{ .method = NULL },
};
