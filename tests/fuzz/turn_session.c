/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn_session: two authenticated clients, peers and time against turnd/core.
 * The input is steps of a byte for what, a byte for how long, and that many
 * bytes: datagrams as they are, or attributes that a client signs. Whatever
 * comes, nothing goes to a peer that a rule refuses, limits hold, and at the
 * end every relay port is given back.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/turn/client.h"

enum step { RAW, REQUEST, FROM_PEER, ELAPSE, SEND, CHANNEL_DATA, STEPS };

#define CLIENTS 2

static const char *const peers[] = { "198.41.0.4:9", "198.41.0.4:10",
	"127.0.0.1:22", "203.0.113.1:50000", "203.0.113.1:50001",
	"[2a00::7]:9" };

static const uint16_t methods[] = { STUN_ALLOCATE, STUN_REFRESH,
	STUN_CREATE_PERMISSION, STUN_CHANNEL_BIND, STUN_BINDING, STUN_CONNECT };

static void
check_to_peer(const struct fake *f)
{
	const struct prefix_rule *rule = prefix_list_find(f->peers, f->out.dst);

	MUST(turn_server_stats(f->server)->allocations > 0);
	MUST(f->relays[f->out.relay].open);
	MUST(rule == NULL || rule->verdict != PREFIX_DENY ||
	    fake_relay_at(f, f->out.dst) != FAKE_RELAYS);
}

static void
check(struct fake *f)
{
	const struct turn_stats *s = turn_server_stats(f->server);
	struct stun_msg m;

	MUST(s->allocations <= f->conf.max_allocations);
	if (f->out.to == TURN_PEER)
		check_to_peer(f);
	if (f->out.to == TURN_NOBODY)
		MUST(f->out.noted && f->out.note.reason != TURN_OK);
	if (f->out.to == TURN_CLIENT && f->out.head_len == 0)
		MUST(stun_decode(f->sent, f->sent_len, &m) == 0);
}

/* What changes a relay is sealed, and by one seal (RFC 8489 section 9.2.4). */
static void
check_sealed(const struct stun_msg *m)
{
	bool sha1 = stun_find(m, STUN_MESSAGE_INTEGRITY) != NULL;
	bool sha256 = stun_find(m, STUN_MESSAGE_INTEGRITY_SHA256) != NULL;

	MUST(m->method == STUN_BINDING || sha1 != sha256);
}

static void
request(struct client *c, const uint8_t *data, size_t len)
{
	c->sha256 = c->userhash = (data[0] & 0x40) != 0;
	c->algorithm = c->sha256 ? STUN_PASSWORD_SHA256 : 0;
	c->sha1_too = (data[0] & 0x20) != 0;
	client_begin(c, methods[data[0] % (sizeof(methods) / 2)]);
	if (data[0] & 0x80)
		stun_put_u32(&c->out, STUN_REQUESTED_TRANSPORT, 17u << 24);
	buf_put(&c->buf, data + 1, (len - 1) & ~(size_t)3);
	if (client_send(c) == 0)
		check_sealed(&c->answer);
}

static void
indication(struct client *c, const uint8_t *data, size_t len)
{
	static const uint8_t txid[STUN_TXID_LEN] = { 1 };

	c->buf = buf_fixed(c->mem, sizeof(c->mem));
	c->out = stun_begin(&c->buf, STUN_SEND, STUN_INDICATION, txid);
	buf_put(&c->buf, data, len & ~(size_t)3);
	if (stun_end(&c->out) == 0)
		fake_from_client(c->f, &c->addr, c->buf.data, c->buf.len);
}

static void
channel_data(struct client *c, const uint8_t *data, size_t len)
{
	stun_channel_header(
	    c->mem, (uint16_t)(0x4000 | data[0]), (uint16_t)(len - 1));
	memcpy(c->mem + STUN_CHANNEL_HEADER_LEN, data + 1, len - 1);
	fake_from_client(
	    c->f, &c->addr, c->mem, STUN_CHANNEL_HEADER_LEN + len - 1);
}

static void
from_peer(struct fake *f, const uint8_t *data, size_t len)
{
	struct addr peer =
	    fake_addr(peers[data[0] % (sizeof(peers) / sizeof(peers[0]))]);

	fake_from_peer(f, &peer, data[0] >> 4, data + 1, len - 1);
}

static void
step(struct fake *f, struct client *c, uint8_t what, const uint8_t *data,
    size_t len)
{
	f->out.to = TURN_NOBODY;
	f->out.noted = true;
	f->out.note.reason = TURN_NOT_STUN;
	switch (what % STEPS) {
	case RAW:
		fake_from_client(f, &c->addr, data, len);
		break;
	case REQUEST:
		request(c, data, len);
		break;
	case FROM_PEER:
		from_peer(f, data, len);
		break;
	case ELAPSE:
		fake_elapse(f, 1000 * (uint64_t)data[0] + 16 * (len - 1));
		break;
	case SEND:
		indication(c, data, len);
		break;
	default:
		channel_data(c, data, len);
		break;
	}
	check(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fake f;
	static struct client c[CLIENTS];
	uint64_t begun;
	size_t n, i;

	fake_init(&f);
	f.conf.has_v6 = true;
	f.conf.max_allocations = 2;
	f.conf.max_permissions = f.conf.max_channels = 4;
	fake_start(&f);
	client_init(&c[0], &f, "192.0.2.1:5000");
	client_init(&c[1], &f, "[2001:db8::2]:6000");
	MUST(client_allocate(&c[0]) == 0);
	MUST(client_permit(&c[0], peers[0]) == 0);
	MUST(client_bind(&c[0], 0x4000, peers[0]) == 0);
	MUST(client_allocate(&c[1]) == 0);
	while (len >= 3 && data[1] > 0) {
		n = data[1] < len - 2 ? data[1] : len - 2;
		step(&f, &c[data[0] >> 7], data[0] & 0x7f, data + 2, n);
		data += 2 + n;
		len -= 2 + n;
	}
	begun = turn_server_stats(f.server)->allocations_total;
	turn_server_free(f.server);
	f.server = NULL;
	MUST(f.ended == begun);
	for (i = 0; i < f.nrelays; i++)
		MUST(!f.relays[i].open);
	fake_fini(&f);
	return 0;
}
