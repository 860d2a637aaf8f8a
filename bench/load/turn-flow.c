/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load/turn-flow.h"
#include "bench/load/wire.h"
#include "lib/net/sock.h"

#define PADDED(n) (((size_t)(n) + 3) & ~(size_t)3)

/* All of an indication but its data is the same each time. */
static void
indication_prefix(const struct flow_conf *conf, struct flow *f,
    const struct addr *peer, size_t *frame_len)
{
	static const uint8_t txid[STUN_TXID_LEN] = "indication  ";
	uint8_t mem[FLOW_SIZE_MAX + 128], data[FLOW_SIZE_MAX] = { 0 };
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct stun_out o = stun_begin(&b, STUN_SEND, STUN_INDICATION, txid);

	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	stun_put(&o, STUN_DATA_ATTR, data, conf->size);
	if (stun_end(&o) != 0)
		wire_die("indication", "too long");
	*frame_len = b.len;
	f->prefix_len = b.len - PADDED(conf->size);
	memcpy(f->prefix, mem, f->prefix_len);
}

static void
make_prefix(struct flows *all, struct flow *f, const struct addr *peer)
{
	unsigned int size = all->conf.size;

	if (all->conf.indications) {
		indication_prefix(&all->conf, f, peer, &all->client_len);
		return;
	}
	f->prefix_len = STUN_CHANNEL_HEADER_LEN;
	stun_channel_header(f->prefix, TURN_CHANNEL, (uint16_t)size);
	all->client_len =
	    f->prefix_len + (all->streams ? PADDED(size) : (size_t)size);
}

static void
open_peers(struct flows *all, struct addr at[FLOW_PEERS_MAX])
{
	unsigned int i;

	all->peers =
	    all->conf.count < FLOW_PEERS_MAX ? all->conf.count : FLOW_PEERS_MAX;
	for (i = 0; i < all->peers; i++) {
		all->peer[i] = wire_open(&all->conf.side->local);
		if (sock_local(all->peer[i], &at[i]) != 0)
			wire_die("socket", NULL);
	}
}

static void
open_flow(struct flows *all, struct flow *f, unsigned int i)
{
	struct turn_side *side = all->conf.side;

	f->number = i;
	f->peer = all->peer[i * all->peers / all->conf.count];
	turn_client_open(side, &f->client);
	if (all->streams) {
		f->rest = malloc(WIRE_SEGMENT_BYTES);
		if (f->rest == NULL)
			wire_die("memory", NULL);
	}
	turn_client_allocate(side, &f->client);
	if (!all->streams)
		wire_roomy(f->client.fd);
}

void
flows_open(struct flows *all, const struct flow_conf *conf)
{
	struct turn_side *side = conf->side;
	struct addr at[FLOW_PEERS_MAX], peer;
	unsigned int i;
	struct flow *f;

	*all = (struct flows){ .conf = *conf, .peer_len = conf->size };
	all->streams = turn_over_stream(side->over);
	all->flow = calloc(conf->count, sizeof(*all->flow));
	if (all->flow == NULL)
		wire_die("memory", NULL);
	open_peers(all, at);
	for (i = 0; i < conf->count; i++)
		open_flow(all, &all->flow[i], i);
	for (i = 0; i < conf->count; i++) {
		f = &all->flow[i];
		peer = conf->way == FLOW_PAIR
		    ? all->flow[i ^ 1].client.relayed
		    : at[i * all->peers / conf->count];
		turn_client_reach(side, &f->client, &peer, !conf->indications);
		f->relayed_len =
		    addr_to_sockaddr(&f->client.relayed, &f->relayed);
		make_prefix(all, f, &peer);
	}
}

void
flows_merge(struct flows *all)
{
	unsigned int i;

	if (all->conf.plain)
		return;
	for (i = 0; i < all->peers; i++) {
		wire_merge(all->peer[i]);
		wire_segment(all->peer[i], all->peer_len);
	}
	for (i = 0; i < all->conf.count && !all->streams; i++) {
		wire_merge(all->flow[i].client.fd);
		wire_segment(all->flow[i].client.fd, all->client_len);
	}
}

/* Best effort: the server may be gone. */
void
flows_close(struct flows *all)
{
	struct turn_side *side = all->conf.side;
	bool ask = !turn_over_none(side->over);
	unsigned int i;

	for (i = 0; i < all->conf.count; i++) {
		if (!all->streams)
			wire_segment(all->flow[i].client.fd, 0);
		ask = ask &&
		    turn_client_ask(side, &all->flow[i].client,
			&turn_ask_end) == TURN_GRANTED;
		turn_client_close(&all->flow[i].client);
		free(all->flow[i].rest);
	}
	for (i = 0; i < all->peers; i++)
		close(all->peer[i]);
	free(all->flow);
}

void
flow_burst(struct flows *all, struct flow *f, bool from_peer, uint8_t *at,
    uint64_t now_us)
{
	size_t prefix = from_peer ? 0 : f->prefix_len;
	size_t len = from_peer ? all->peer_len : all->client_len;
	struct payload p = { .flow = f->number, .sent_us = now_us };
	unsigned int i;

	for (i = 0; i < all->conf.burst; i++, at += len) {
		p.number = ++f->payloads;
		memcpy(at, f->prefix, prefix);
		payload_put(at + prefix, all->conf.size, &p);
	}
}

bool
flow_flush(struct flow *f)
{
	ssize_t n;

	while (f->rest_len > 0) {
		n = turn_client_send(
		    &f->client, f->rest + f->rest_at, f->rest_len);
		if (n == -EAGAIN)
			return false;
		if (n < 0)
			wire_die("a connection", strerror((int)-n));
		f->rest_at += (size_t)n;
		f->rest_len -= (size_t)n;
	}
	return true;
}

void
flow_write(struct flow *f, const uint8_t *data, size_t len)
{
	ssize_t n = turn_client_send(&f->client, data, len);

	if (n < 0 && n != -EAGAIN)
		wire_die("a connection", strerror((int)-n));
	n = n < 0 ? 0 : n;
	f->rest_at = 0;
	f->rest_len = len - (size_t)n;
	memcpy(f->rest, data + n, f->rest_len);
}
