/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "stund/stund.h"

static const char *const transports[TRANSPORTS] = {
	[OVER_UDP] = "udp",
	[OVER_TCP] = "tcp",
};

static const char *const ends[STREAM_ENDS] = {
	[STREAM_BY_CLIENT] = "client",
	[STREAM_IDLE] = "idle",
	[STREAM_NOT_STUN] = "not-stun",
	[STREAM_TOO_LONG] = "too-long",
	[STREAM_FAILED] = "failed",
	[STREAM_REFUSED] = "refused",
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
				   "TCP connections ended, by reason." };
/* clang-format on */

static void
sum_stats(const struct daemon_run *run, struct stund_stats *sum)
{
	const struct worker *w;
	int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < daemon_workers(run); i++) {
		w = daemon_worker(run, i);
		if (w != NULL)
			counter_sum((uint64_t *)sum,
			    (const uint64_t *)&w->stats,
			    sizeof(*sum) / sizeof(uint64_t));
	}
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
	put_result(b, &drops, OVER_UDP, "reason", "too-long", s->truncated);
	put_result(
	    b, &drops, OVER_UDP, "reason", "send-refused", s->send_errors);
}

static void
put_bytes(struct buf *b, const struct metric *m, const uint64_t *by_transport)
{
	char labels[32];
	enum transport t;

	metric_begin(b, m);
	for (t = 0; t < TRANSPORTS; t++) {
		snprintf(
		    labels, sizeof(labels), "transport=\"%s\"", transports[t]);
		metric_u64(b, m, labels, by_transport[t]);
	}
}

static void
put_streams(struct buf *b, const struct stund_stats *s)
{
	uint64_t open = s->accepted;
	char labels[32];
	int i;

	metric_begin(b, &accepted);
	metric_u64(b, &accepted, "", s->accepted);
	metric_begin(b, &ended);
	for (i = 0; i < STREAM_ENDS; i++) {
		snprintf(labels, sizeof(labels), "reason=\"%s\"", ends[i]);
		metric_u64(b, &ended, labels, s->ended[i]);
		/* Read after accepted: a stream may have begun and ended. */
		open -= s->ended[i] < open ? s->ended[i] : open;
	}
	metric_begin(b, &connections);
	metric_u64(b, &connections, "", open);
}

static void
get_metrics(void *arg, const struct http_request *req, struct http_reply *reply)
{
	struct stund_stats s;

	sum_stats(arg, &s);
	reply->type = "text/plain; version=0.0.4";
	put_results(&reply->body, &s);
	put_bytes(&reply->body, &received_bytes, s.received_bytes);
	put_bytes(&reply->body, &sent_bytes, s.sent_bytes);
	put_streams(&reply->body, &s);
}

static void
get_health(void *arg, const struct http_request *req, struct http_reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}\n");
}

const struct http_route stund_routes[] = {
	{ "GET", "/healthz", HTTP_OPEN, get_health, "is stund alive" },
	{ "GET", "/metrics", 0, get_metrics, "counters for Prometheus" },
	{ .method = NULL },
};
