/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "turnd/core/core.h"

/* So much ICMP a client is told: ten in a row, and one in 100 ms. */
#define ICMP_EACH_MS  100
#define ICMP_BURST_MS 1000

/* An own address is a peer only while it is somebody's relayed address. */
static bool
own_gone(const struct turn_server *s, bool own, const struct addr *peer)
{
	return own && !s->ops.relay_live(s->ops.arg, peer, false);
}

/* counted: where the datagram is counted besides the server's totals */
static void
relay_up(struct turn_server *s, struct turn_traffic *counted,
    const struct turn_peer_key *to, struct turn_out *out)
{
	out->to = TURN_PEER;
	out->relay = to->relay;
	out->dst = &to->peer;
	traffic_add(&counted[TURN_UP], out->len);
	traffic_add(&s->stats.relayed[TURN_UP], out->len);
}

static void
relay_down(struct turn_server *s, struct turn_traffic *counted,
    const struct turn_tuple *to, size_t payload, struct turn_out *out)
{
	out->to = TURN_CLIENT;
	out->link = to->link;
	out->dst = &to->client;
	traffic_add(&counted[TURN_DOWN], payload);
	traffic_add(&s->stats.relayed[TURN_DOWN], payload);
}

void
data_from_client(struct turn_server *s, const struct turn_in *in,
    struct turn_time t, struct turn_out *out)
{
	struct turn_tuple key = { *in->src, in->link, 0 };
	struct turn_chan *c;

	if (stun_channel_decode(
		in->data, in->len, &key.channel, &out->data, &out->len) != 0) {
		server_drop(s, out, TURN_MALFORMED);
		return;
	}
	c = chan_by_tuple(s, &key);
	if (c == NULL && mobility_data(s, &key))
		c = chan_by_tuple(s, &key);
	if (c == NULL) {
		server_drop(s, out, TURN_CHANNEL_UNBOUND);
		return;
	}
	if (c->until_ms <= t.now_ms) {
		server_drop(s, out,
		    c->bound_until_ms <= t.now_ms ? TURN_CHANNEL_UNBOUND
						  : TURN_CHANNEL_NO_PERMISSION);
		return;
	}
	if (own_gone(s, c->own, &c->key.peer)) {
		server_drop(s, out, TURN_PEER_GONE);
		return;
	}
	if (c->metered && !meter_pass(s, c->alloc, TURN_UP, out->len, out))
		return;
	relay_up(s, c->traffic, &c->key, out);
}

/* Attributes of a Send indication. */
static bool
send_known(uint16_t type)
{
	return type == STUN_XOR_PEER_ADDRESS || type == STUN_DATA_ATTR ||
	    type == STUN_DONT_FRAGMENT;
}

static enum turn_reason
send_judge(
    struct turn_server *s, struct turn_alloc *a, struct turn_peer_key *key)
{
	const struct turn_half *half = alloc_half(a, &key->peer);
	const struct turn_perm *p = NULL;
	bool own;

	if (half != NULL) {
		key->relay = half->relay;
		p = perm_find(s, key->relay, &key->peer);
	}
	if (p == NULL)
		return peer_refused(s, &key->peer, false, &own) != NULL
		    ? TURN_SEND_DENIED
		    : TURN_SEND_NO_PERMISSION;
	if (key->peer.port == 0)
		return TURN_SEND_INCOMPLETE;
	return own_gone(s, p->own, &key->peer) ? TURN_PEER_GONE : TURN_OK;
}

/*
 * DONT-FRAGMENT is for what comes over TCP and for IPv4 to IPv4; in all other
 * cases it is ignored (RFC 8656 sections 13 to 15).
 */
static bool
obeys_df(const struct turn_in *in, const struct addr *peer)
{
	return in->stream ||
	    (in->src->family == ADDR_V4 && peer->family == ADDR_V4);
}

/* RFC 8656 section 11.2 */
void
data_send(struct turn_server *s, const struct turn_in *in,
    const struct stun_msg *msg, struct turn_out *out)
{
	const struct stun_attr *data = stun_find(msg, STUN_DATA_ATTR);
	struct turn_tuple from = { *in->src, in->link, 0 };
	struct turn_peer_key *key = &s->send_key;
	struct turn_alloc *a;
	enum turn_reason reason;
	uint16_t unknown;

	a = alloc_find(s, in->src, in->link);
	if (a == NULL) {
		server_drop(s, out, TURN_SEND_NO_ALLOCATION);
		return;
	}
	if (a->tcp) {
		server_drop(s, out, TURN_NOT_UDP);
		return;
	}
	(void)mobility_data(s, &from);
	if (data == NULL || stun_unknown(msg, send_known, &unknown, 1) > 0 ||
	    stun_get_xor_addr(msg, STUN_XOR_PEER_ADDRESS, &key->peer) != 0) {
		server_drop(s, out, TURN_SEND_INCOMPLETE);
		return;
	}
	reason = send_judge(s, a, key);
	if (reason != TURN_OK) {
		out->note.peer = key->peer;
		server_drop(s, out, reason);
		return;
	}
	if (a->metered && !meter_pass(s, a, TURN_UP, data->len, out))
		return;
	out->data = stun_value(msg, data);
	out->len = data->len;
	out->whole = stun_find(msg, STUN_DONT_FRAGMENT) != NULL &&
	    obeys_df(in, &key->peer);
	relay_up(s, a->traffic, key, out);
}

/*
 * Turns a peer's datagram into a Data indication (RFC 8656 section 11.3) where
 * it lies: header, XOR-PEER-ADDRESS and the head of DATA go in front of it,
 * padding behind. -1 when there is no room for that.
 */
static int
data_indication(
    struct turn_server *s, const struct turn_in *in, struct turn_out *out)
{
	size_t head = STUN_HEADER_LEN + 4 + 4 + addr_ip_len(in->src) + 4;
	size_t pad = -in->len & 3, body;
	uint8_t txid[STUN_TXID_LEN];
	struct stun_out msg;
	struct buf buf;

	if (in->head_room < head || in->tail_room < pad ||
	    in->len > UINT16_MAX - TURN_HEAD_ROOM)
		return -1;
	server_txid(s, txid);
	buf = buf_fixed(in->data - head, head);
	msg = stun_begin(&buf, STUN_DATA, STUN_INDICATION, txid);
	stun_put_xor_addr(&msg, STUN_XOR_PEER_ADDRESS, in->src);
	buf_u16(&buf, STUN_DATA_ATTR);
	buf_u16(&buf, (uint16_t)in->len);
	memset(in->data + in->len, 0, pad);
	body = head - STUN_HEADER_LEN + in->len + pad;
	buf.data[2] = (uint8_t)(body >> 8);
	buf.data[3] = (uint8_t)body;
	out->data = buf.data;
	out->len = head + in->len + pad;
	return buf.err;
}

static void
peer_by_permission(
    struct turn_server *s, const struct turn_in *in, struct turn_out *out)
{
	struct turn_perm *p = perm_find(s, in->relay, in->src);
	enum turn_reason reason = TURN_OK;

	if (p == NULL)
		reason = TURN_IN_NO_PERMISSION;
	else if (own_gone(s, p->own, in->src))
		reason = TURN_IN_DENIED;
	else if (p->alloc->metered &&
	    !meter_pass(s, p->alloc, TURN_DOWN, in->len, out))
		return;
	else if (data_indication(s, in, out) != 0)
		reason = TURN_TOO_LONG;
	if (reason != TURN_OK) {
		out->note.peer = *in->src;
		server_drop(s, out, reason);
		return;
	}
	relay_down(s, p->alloc->traffic, &p->alloc->tuple, in->len, out);
}

void
data_from_peer(struct turn_server *s, const struct turn_in *in,
    struct turn_time t, struct turn_out *out)
{
	struct turn_peer_key key = { *in->src, in->relay };
	struct turn_chan *c = chan_by_peer(s, &key);

	if (c == NULL || c->until_ms <= t.now_ms) {
		peer_by_permission(s, in, out);
		return;
	}
	if (own_gone(s, c->own, in->src)) {
		out->note.peer = *in->src;
		server_drop(s, out, TURN_IN_DENIED);
		return;
	}
	if (c->metered && !meter_pass(s, c->alloc, TURN_DOWN, in->len, out))
		return;
	stun_channel_header(out->head, c->tuple.channel, (uint16_t)in->len);
	out->head_len = STUN_CHANNEL_HEADER_LEN;
	out->data = in->data;
	out->len = in->len;
	relay_down(s, c->traffic, &c->tuple, in->len, out);
}

/* RFC 8656 section 11.5; the field of the code is wider than ICMP's. */
static bool
icmp_relayed(const struct turn_icmp *i)
{
	if (i->peer.family == ADDR_V4)
		return i->type == 3 || i->type == 11;
	return i->type >= 1 && i->type <= 3;
}

static enum turn_reason
icmp_judge(struct turn_server *s, const struct turn_icmp *icmp,
    const struct turn_perm *p)
{
	struct turn_alloc *a;

	if (p == NULL || !icmp_relayed(icmp) ||
	    own_gone(s, p->own, &icmp->peer))
		return TURN_ICMP_UNWANTED;
	a = p->alloc;
	if (a->icmp_ms < s->seen.now_ms)
		a->icmp_ms = s->seen.now_ms;
	if (a->icmp_ms >= s->seen.now_ms + ICMP_BURST_MS)
		return TURN_ICMP_LIMITED;
	a->icmp_ms += ICMP_EACH_MS;
	return TURN_OK;
}

/* The length of the indication in out->reply; 0: it did not fit. */
static size_t
icmp_indication(
    struct turn_server *s, const struct turn_icmp *icmp, struct turn_out *out)
{
	struct buf buf = buf_fixed(out->reply, TURN_REPLY_MAX);
	struct stun_out msg;
	uint8_t txid[STUN_TXID_LEN];

	server_txid(s, txid);
	msg = stun_begin(&buf, STUN_DATA, STUN_INDICATION, txid);
	stun_put_xor_addr(&msg, STUN_XOR_PEER_ADDRESS, &icmp->peer);
	stun_put_icmp(&msg, icmp->type, icmp->code, icmp->mtu);
	return stun_end(&msg) == 0 ? buf.len : 0;
}

void
data_from_icmp(
    struct turn_server *s, const struct turn_icmp *icmp, struct turn_out *out)
{
	struct turn_perm *p = perm_find(s, icmp->relay, &icmp->peer);
	enum turn_reason reason = icmp_judge(s, icmp, p);

	if (reason == TURN_OK) {
		out->len = icmp_indication(s, icmp, out);
		if (out->len == 0)
			reason = TURN_ICMP_UNWANTED;
	}
	if (reason != TURN_OK) {
		out->note.peer = icmp->peer;
		server_drop(s, out, reason);
		return;
	}
	out->to = TURN_CLIENT;
	out->data = out->reply;
	out->link = p->alloc->tuple.link;
	out->dst = &p->alloc->tuple.client;
}
