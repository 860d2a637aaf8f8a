/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "bench/load/forward.h"
#include "bench/load/turn-sink.h"

unsigned int
sink_send(int fd, struct mmsghdr *m, unsigned int n)
{
	int rc = sendmmsg(fd, m, n, MSG_DONTWAIT);

	if (rc < 0 && errno != EAGAIN && errno != ENOBUFS)
		wire_die("send", NULL);
	return rc < 0 ? 0 : (unsigned int)rc;
}

/* At its sink. */
static void
arrives(struct sink *s, const struct payload *p)
{
	way_arrive(&s->way, p->sent_us);
	if (s->timed)
		latency_add(&s->latency, s->now_us - p->sent_us);
}

static bool
counts(struct sink *s, struct payload *p, const uint8_t *data, size_t len,
    uint32_t leg)
{
	if (len != s->flows->conf.size || !payload_get(data, len, p) ||
	    p->leg != leg || p->flow >= s->flows->conf.count ||
	    !payload_is_first(&s->flows->flow[p->flow].seen[leg], p->number)) {
		s->wrong++;
		return false;
	}
	s->received++;
	return true;
}

/* Whether it came from the address that its flow's relay has. */
static bool
is_of(const struct flow *f, const struct sockaddr_storage *src)
{
	return memcmp(src, &f->relayed, f->relayed_len) == 0;
}

static void
peer_hears(struct sink *s, struct wire_in *in)
{
	struct payload p;
	size_t at, len;

	for (at = 0; at < in->len; at += in->stride) {
		len = in->len - at < in->stride ? in->len - at : in->stride;
		if (!counts(s, &p, in->data + at, len, 0))
			continue;
		if (!is_of(&s->flows->flow[p.flow], in->src))
			s->wrong++;
		if (s->flows->conf.way == FLOW_ECHO)
			payload_turn(in->data + at);
		else
			arrives(s, &p);
	}
}

/* Out of the buffers that it came in. */
static void
echo(struct sink *s, int fd, int n)
{
	struct mmsghdr back[WIRE_BATCH];
	struct iovec iov[WIRE_BATCH];
	struct wire_in *in;
	unsigned int left, i;

	for (i = 0; i < (unsigned int)n; i++) {
		in = wire_at(s->rx, (int)i);
		iov[i] = (struct iovec){ in->data, in->len };
		back[i] = (struct mmsghdr){
			.msg_hdr = { .msg_name = (void *)in->src,
			    .msg_namelen = s->flows->flow[0].relayed_len,
			    .msg_iov = &iov[i],
			    .msg_iovlen = 1 }
		};
	}
	left = sink_send(fd, back, (unsigned int)n);
	for (i = 0; i < left; i++) {
		in = wire_at(s->rx, (int)i);
		s->echoed += in->len / s->flows->peer_len;
	}
}

void
sink_peer(struct sink *s, int fd)
{
	int n, i;

	do {
		n = wire_read(s->rx, fd);
		s->now_us = wire_now_us();
		for (i = 0; i < n; i++)
			peer_hears(s, wire_at(s->rx, i));
		if (n > 0 && s->flows->conf.way == FLOW_ECHO)
			echo(s, fd, n);
	} while (n == WIRE_BATCH);
}

/* The payload of ChannelData or of a Data indication, or behind what `forward`
 * puts there. */
static bool
unwrap(const struct sink *s, uint8_t *data, size_t len, const uint8_t **payload,
    size_t *payload_len)
{
	const struct stun_attr *a;
	struct stun_msg m;
	uint16_t channel;

	if (s->flows->conf.side->over == TURN_OVER_NONE) {
		*payload = data + FORWARD_HEAD;
		*payload_len = len - FORWARD_HEAD;
		return len > FORWARD_HEAD;
	}
	if (stun_channel_looks_like(data, len))
		return stun_channel_decode(
			   data, len, &channel, payload, payload_len) == 0 &&
		    channel == TURN_CHANNEL;
	if (stun_decode(data, len, &m) != 0 || m.method != STUN_DATA ||
	    (a = stun_find(&m, STUN_DATA_ATTR)) == NULL)
		return false;
	*payload = stun_value(&m, a);
	*payload_len = a->len;
	return true;
}

struct hearing {
	struct sink *sink;
	struct flow *flow;
};

static void
client_hears(void *arg, uint8_t *data, size_t len)
{
	struct hearing *h = arg;
	struct sink *s = h->sink;
	struct flow *f = h->flow;
	enum flow_way way = s->flows->conf.way;
	uint32_t from = way == FLOW_PAIR ? f->number ^ 1 : f->number;
	const uint8_t *payload;
	struct payload p;

	if (!unwrap(s, data, len, &payload, &len)) {
		s->wrong++;
		return;
	}
	if (!counts(s, &p, payload, len, way == FLOW_ECHO ? 1 : 0))
		return;
	if (p.flow != from)
		s->wrong++;
	arrives(s, &p);
}

void
sink_client(struct sink *s, struct flow *f)
{
	struct hearing h = { s, f };
	struct wire_in *in;
	size_t at, len;
	int n, i;

	s->now_us = wire_now_us();
	if (s->flows->streams) {
		turn_client_stream(&f->client, client_hears, &h);
		return;
	}
	do {
		n = wire_read(s->rx, f->client.fd);
		for (i = 0; i < n; i++) {
			in = wire_at(s->rx, i);
			for (at = 0; at < in->len; at += in->stride) {
				len = in->len - at;
				client_hears(&h, in->data + at,
				    len < in->stride ? len : in->stride);
			}
		}
	} while (n == WIRE_BATCH);
}
