/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn_session: clients of several kinds, peers, ICMP and time against
 * turnd/core. The input is a program: a byte for what happens and to whom,
 * then what that takes; requests are put together of attributes that make
 * sense (peers, channels, tokens, tickets and CONNECTION-IDs heard before) and
 * of ones that do not, and are signed, rightly or not. Past the end all bytes
 * are zero.
 *
 * Whatever comes, nothing goes to a peer that a rule refuses or to a client
 * without an allocation, limits hold, what is open belongs to somebody, and at
 * the end everything is given back.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/turn/client.h"

#define STEPS_MAX 300
#define HEARD     4 /* of each kind are remembered */
#define TICKET    64
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

/* The ports that client n may come from: it may move. */
#define CLIENTS 4
#define PLACES  3

enum step {
	RAW,
	REQUEST,
	FROM_PEER,
	ELAPSE,
	SEND,
	CHANNEL_DATA,
	ICMP,
	ARRIVES,
	DIALED,
	OVER,
	CARRIED,
	GONE,
	MOVES,
	DRAIN,
	STEPS
};

enum kind {
	PEER,
	CHANNEL,
	LIFETIME,
	TRANSPORT,
	FAMILY,
	ADDITIONAL,
	EVEN,
	TOKEN,
	TICKET_OF,
	CONN,
	DF,
	DATA,
	ANY,
	KINDS
};

struct heard {
	uint8_t tokens[HEARD][TURN_TOKEN_LEN];
	uint8_t tickets[HEARD][TICKET];
	uint16_t ticket_len[HEARD];
	uint32_t conns[HEARD];
	unsigned int ntokens, ntickets, nconns;
};

struct world {
	struct fake f;
	struct client c[CLIENTS];
	struct heard heard;
	struct cursor in;
};

static const char *const peers[] = { "198.41.0.4:9", "198.41.0.4:10",
	"198.41.0.5:9", "198.41.0.6:9", "[2a00::7]:9", "[2a00::8]:9",
	"127.0.0.1:22", "[::ffff:10.0.0.1]:9" };

static const char *const places[CLIENTS] = { "192.0.2.1", "[2003::2]",
	"192.0.2.3", "192.0.2.4" };

/* time-limited names as tests/replay/turnd/rest.script makes them */
static const struct {
	const char *name, *password;
} users[] = { { "alice", "wonderland" }, { "bob", "builder" },
	{ "1700000600:carol", "z+pXbarwVNrLOIL0VWOfJ/v0Gck=" },
	{ "alice", "wrong" } };

/* RFC 7635; the last one has ended. */
static const struct {
	const char *kid, *key, *mac;
} kids[] = { { "north", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
		 "01234567890123456789" },
	{ "union",
	    "MTIzNDU2Nzg5MDEyMzQ1Ng==", "another-key-of-thirty-two-bytes." },
	{ "past",
	    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=:A256GCM:1700000100",
	    "01234567890123456789" } };

static const uint16_t methods[] = { STUN_ALLOCATE, STUN_REFRESH,
	STUN_CREATE_PERMISSION, STUN_CHANNEL_BIND, STUN_BINDING, STUN_CONNECT,
	STUN_CONNECTION_BIND, STUN_CONNECTION_ATTEMPT };

static const uint32_t lifetimes[] = { 0, 1, 600, 601, 900, 3600, UINT32_MAX };

static const uint32_t times_ms[] = { 1, 16, 100, 1000, 29000, 30000, 60000,
	299999, 300000, 599999, 600000, 3600000 };

static uint8_t
byte(struct world *w)
{
	uint8_t v = cursor_u8(&w->in);

	return w->in.err != 0 ? 0 : v;
}

/* Up to so many bytes of what is left. */
static const uint8_t *
bytes(struct world *w, size_t *len)
{
	const uint8_t *p;

	if (*len > cursor_left(&w->in))
		*len = cursor_left(&w->in);
	p = cursor_bytes(&w->in, *len);
	return p != NULL ? p : (const uint8_t *)"";
}

/* One of the table, or a relayed address, which may be alive. */
static struct addr
peer_at(const struct world *w, uint8_t i)
{
	if (i >= 0x80 && w->f.nrelays > 0)
		return w->f.relays[i % w->f.nrelays].addr;
	return fake_addr(peers[i % COUNT(peers)]);
}

static void
check_to_peer(const struct fake *f)
{
	const struct prefix_rule *rule = prefix_list_find(f->peers, f->out.dst);

	MUST(turn_server_stats(f->server)->allocations > 0);
	MUST(f->relays[f->out.relay].open && !f->relays[f->out.relay].tcp);
	MUST(f->relays[f->out.relay].addr.family == f->out.dst->family);
	MUST(rule == NULL || rule->verdict != PREFIX_DENY ||
	    fake_relay_at(f, f->out.dst) != FAKE_RELAYS);
}

/* Data goes to clients only by an allocation. */
static void
check_to_client(struct fake *f)
{
	struct stun_msg m;
	struct addr dst = *f->out.dst;

	if (f->out.head_len > 0) {
		MUST(turn_server_has(f->server, &dst, f->out.link, f->t));
		return;
	}
	MUST(stun_decode(f->sent, f->sent_len, &m) == 0);
	MUST(m.class == STUN_SUCCESS || m.class == STUN_ERROR ||
	    turn_server_has(f->server, &dst, f->out.link, f->t));
}

/* What is open belongs to an allocation, and each has no more than it may. */
static void
check_walk(const struct fake *f)
{
	const struct turn_stats *s = turn_server_stats(f->server);
	size_t pos = 0, n = 0, relays = 0, conns = 0, i;
	struct turn_alloc_info info;
	int k;

	while (turn_server_walk(f->server, &pos, f->t.now_ms, &info)) {
		n++;
		for (k = 0; k < TURN_FAMILIES; k++)
			relays += info.relayed[k].family != ADDR_NONE;
		conns += info.connections;
		MUST(info.permissions <= f->conf.max_permissions);
		MUST(info.channels <= f->conf.max_channels);
		MUST(info.connections <= f->conf.max_connections);
	}
	MUST(n == s->allocations && n <= f->conf.max_allocations);
	for (i = 0; i < f->nrelays; i++)
		relays -= f->relays[i].open;
	MUST(relays == 0);
	MUST(conns == fake_open_conns(f) && conns <= f->conf.connections);
}

static void
check(struct fake *f)
{
	if (f->out.to == TURN_PEER)
		check_to_peer(f);
	else if (f->out.to == TURN_CLIENT)
		check_to_client(f);
	check_walk(f);
}

/* What changes a relay is sealed, and by one seal (RFC 8489 section 9.2.4). */
static void
check_sealed(const struct stun_msg *m)
{
	bool sha1 = stun_find(m, STUN_MESSAGE_INTEGRITY) != NULL;
	bool sha256 = stun_find(m, STUN_MESSAGE_INTEGRITY_SHA256) != NULL;

	MUST(m->method == STUN_BINDING || sha1 != sha256);
}

/* Tokens, tickets and CONNECTION-IDs are for later. */
static void
listen_to(struct heard *h, const struct stun_msg *m)
{
	const struct stun_attr *token = stun_find(m, STUN_RESERVATION_TOKEN);
	const struct stun_attr *ticket = stun_find(m, STUN_MOBILITY_TICKET);
	uint32_t conn;
	unsigned int i;

	if (token != NULL && token->len == TURN_TOKEN_LEN)
		memcpy(h->tokens[h->ntokens++ % HEARD], stun_value(m, token),
		    TURN_TOKEN_LEN);
	if (ticket != NULL && ticket->len <= TICKET) {
		i = h->ntickets++ % HEARD;
		h->ticket_len[i] = ticket->len;
		memcpy(h->tickets[i], stun_value(m, ticket), ticket->len);
	}
	if (stun_get_u32(m, STUN_CONNECTION_ID, &conn) == 0)
		h->conns[h->nconns++ % HEARD] = conn;
}

static void
put_any(struct world *w, struct stun_out *o)
{
	uint16_t type = (uint16_t)(byte(w) << 8);
	const uint8_t *v;
	size_t len;

	type |= byte(w);
	len = byte(w) & 63;
	v = bytes(w, &len);
	stun_put(o, type, v, len);
}

static void
put_attr(struct world *w, struct stun_out *o)
{
	const struct heard *h = &w->heard;
	uint8_t kind = byte(w) % KINDS, v = kind == ANY ? 0 : byte(w);
	static const uint8_t data[256];
	struct addr a;

	switch (kind) {
	case PEER:
		a = peer_at(w, v);
		stun_put_xor_addr(o, STUN_XOR_PEER_ADDRESS, &a);
		break;
	case CHANNEL:
		stun_put_u32(o, STUN_CHANNEL_NUMBER,
		    (uint32_t)(v < 0x80 ? 0x4000 | (v & 7) : v << 8) << 16);
		break;
	case LIFETIME:
		stun_put_u32(o, STUN_LIFETIME, lifetimes[v % COUNT(lifetimes)]);
		break;
	case TRANSPORT:
		stun_put_u32(o, STUN_REQUESTED_TRANSPORT,
		    (v == 0          ? 17u
			    : v == 1 ? 6u
				     : v)
			<< 24);
		break;
	case FAMILY:
		stun_put_u32(
		    o, STUN_REQUESTED_ADDRESS_FAMILY, (uint32_t)v << 24);
		break;
	case ADDITIONAL:
		stun_put_u32(
		    o, STUN_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)v << 24);
		break;
	case EVEN:
		stun_put(o, STUN_EVEN_PORT, &v, 1);
		break;
	case TOKEN:
		stun_put(o, STUN_RESERVATION_TOKEN, h->tokens[v % HEARD],
		    TURN_TOKEN_LEN);
		break;
	case TICKET_OF:
		stun_put(o, STUN_MOBILITY_TICKET, h->tickets[v % HEARD],
		    v < HEARD ? h->ticket_len[v] : 0);
		break;
	case CONN:
		stun_put_u32(o, STUN_CONNECTION_ID, h->conns[v % HEARD]);
		break;
	case DF:
		stun_put(o, STUN_DONT_FRAGMENT, NULL, 0);
		break;
	case DATA:
		stun_put(o, STUN_DATA_ATTR, data, v);
		break;
	default:
		put_any(w, o);
		break;
	}
}

static void
put_attrs(struct world *w, struct stun_out *o)
{
	unsigned int n = byte(w) & 7;

	while (n-- > 0)
		put_attr(w, o);
}

/* By a token, or by the key of one from before. */
static void
by_token(struct world *w, struct client *c, uint8_t how)
{
	unsigned int kid = (how >> 3 & 3) % COUNT(kids);

	c->user = kids[kid].kid;
	c->mac = kids[kid].mac;
	c->with_token = (how & 0x20) == 0;
	c->token_broken = (how & 0x40) != 0;
	c->token_issued_s = w->f.t.wall_s + 10 - byte(w);
	c->token_lifetime_s = (uint32_t)byte(w) * 10;
}

static void
request(struct world *w, struct client *c)
{
	uint8_t what = byte(w);
	uint16_t method = methods[what % COUNT(methods)];
	uint8_t flags = byte(w);
	int code;

	c->user = users[flags & 3].name;
	c->password = users[flags & 3].password;
	c->sha256 = (flags & 0x04) != 0;
	c->algorithm = c->sha256 ? STUN_PASSWORD_SHA256 : 0;
	c->sha1_too = (flags & 0x08) != 0;
	c->userhash = (flags & 0x10) != 0;
	c->same_id = (flags & 0x20) != 0;
	c->no_integrity = (flags & 0x40) != 0;
	if (flags & 0x80)
		c->nonce[0] = '\0';
	c->mac = NULL;
	c->with_token = false;
	if (what & 0x80)
		by_token(w, c, what);
	client_begin(c, method);
	put_attrs(w, &c->out);
	w->f.dial_error = w->f.nconns < FAKE_CONNS - 1 ? 0 : -EMFILE;
	code = client_send(c);
	/* Elsewhere is told to whom we know. */
	if (code == 0 || code == 300)
		check_sealed(&c->answer);
	if (code == 0)
		listen_to(&w->heard, &c->answer);
}

static void
indication(struct world *w, struct client *c)
{
	static const uint8_t txid[STUN_TXID_LEN] = { 1 };

	c->buf = buf_fixed(c->mem, sizeof(c->mem));
	c->out = stun_begin(&c->buf, STUN_SEND, STUN_INDICATION, txid);
	put_attrs(w, &c->out);
	if (stun_end(&c->out) == 0)
		fake_from_client(&w->f, &c->addr, c->buf.data, c->buf.len);
}

static void
raw(struct world *w, struct client *c)
{
	size_t len = byte(w);
	const uint8_t *p = bytes(w, &len);

	fake_from_client(&w->f, &c->addr, p, len);
}

static void
channel_data(struct world *w, struct client *c)
{
	uint8_t channel = byte(w), len = byte(w);

	memset(c->mem, 'x', sizeof(c->mem));
	stun_channel_header(c->mem, 0x4000 | (channel & 7), len);
	/* Longer or shorter than it says, sometimes. */
	fake_from_client(&w->f, &c->addr, c->mem,
	    STUN_CHANNEL_HEADER_LEN + len + (channel >> 6) -
		(len > 0 && (channel & 8) != 0));
}

static void
from_peer(struct world *w)
{
	struct addr peer = peer_at(w, byte(w));
	uint32_t relay = byte(w) & 15;
	uint8_t text[256] = { 'y' };

	fake_from_peer(&w->f, &peer, relay, text, byte(w));
}

static void
icmp(struct world *w)
{
	struct turn_icmp what = { .relay = byte(w) & 15 };

	what.peer = peer_at(w, byte(w));
	what.type = byte(w);
	what.code = byte(w);
	what.mtu = (uint32_t)byte(w) << 8;
	fake_icmp(&w->f, &what);
}

static void
arrives(struct world *w)
{
	struct addr peer = peer_at(w, byte(w));
	uint32_t relay = byte(w) & 15;
	struct stun_msg m;

	if (w->f.nconns >= FAKE_CONNS - 1 ||
	    fake_arrives(&w->f, &peer, relay) == 0)
		return;
	MUST(stun_decode(w->f.sent, w->f.sent_len, &m) == 0);
	MUST(m.method == STUN_CONNECTION_ATTEMPT);
	listen_to(&w->heard, &m);
}

/* The n-th connection that is open, or is being made. */
static struct fake_conn *
conn_at(struct world *w, bool dialing)
{
	uint8_t n = byte(w) & 3;
	size_t i;

	for (i = 0; i < w->f.nconns; i++) {
		if (w->f.conns[i].open && w->f.conns[i].dialing == dialing &&
		    n-- == 0)
			return &w->f.conns[i];
	}
	return NULL;
}

static void
dialed(struct world *w)
{
	const struct fake_conn *conn = conn_at(w, true);
	struct stun_msg m;

	if (conn == NULL)
		return;
	fake_dialed(&w->f, &conn->peer, byte(w) & 1 ? -ECONNREFUSED : 0);
	if (w->f.out.to == TURN_CLIENT &&
	    stun_decode(w->f.sent, w->f.sent_len, &m) == 0)
		listen_to(&w->heard, &m);
}

static void
over(struct world *w, bool carried)
{
	const struct fake_conn *conn = conn_at(w, false);

	if (conn == NULL)
		return;
	if (carried)
		turn_server_relayed(
		    w->f.server, conn->id, byte(w) & 1, byte(w));
	else
		turn_server_conn_over(w->f.server, conn->id, w->f.t);
}

static void
elapse(struct world *w)
{
	uint8_t v = byte(w);

	/* The wheels may come by late. */
	w->f.t.now_ms += times_ms[v % COUNT(times_ms)];
	w->f.t.wall_s += times_ms[v % COUNT(times_ms)] / 1000;
	if (v & 0x80)
		return;
	fake_elapse(&w->f, 0);
	while (fake_overdue(&w->f))
		check(&w->f);
}

static void
drain(struct world *w)
{
	uint8_t v = byte(w);
	struct addr instead = fake_addr(peers[(v >> 1) % COUNT(peers)]);

	turn_server_drain(
	    w->f.server, (v & 1) != 0, (v & 0x80) != 0 ? &instead : NULL);
}

static void
step(struct world *w)
{
	uint8_t what = byte(w);
	struct client *c = &w->c[what >> 4 & (CLIENTS - 1)];

	w->f.out.to = TURN_NOBODY;
	w->f.stream = c->stream;
	switch ((what & 15) % STEPS) {
	case RAW:
		raw(w, c);
		break;
	case REQUEST:
		request(w, c);
		break;
	case FROM_PEER:
		from_peer(w);
		break;
	case ELAPSE:
		elapse(w);
		break;
	case SEND:
		indication(w, c);
		break;
	case CHANNEL_DATA:
		channel_data(w, c);
		break;
	case ICMP:
		icmp(w);
		break;
	case ARRIVES:
		arrives(w);
		break;
	case DIALED:
		dialed(w);
		break;
	case OVER:
		over(w, false);
		break;
	case CARRIED:
		over(w, true);
		break;
	case GONE:
		turn_server_gone(w->f.server, &c->addr, 0, w->f.t);
		break;
	case MOVES:
		c->addr.port = (uint16_t)(5000 + byte(w) % PLACES);
		break;
	case DRAIN:
		drain(w);
		break;
	}
	check(&w->f);
}

static void
begin(struct world *w, const uint8_t *data, size_t len)
{
	struct fake *f = &w->f;
	int i;

	memset(&w->heard, 0, sizeof(w->heard));
	w->in = cursor_init(data, len);
	fake_init(f);
	f->conf.has_v6 = f->conf.mobility = true;
	f->conf.max_allocations = 3;
	f->conf.max_permissions = f->conf.max_channels = 2;
	f->conf.max_connections = 3;
	f->conf.connections = 5;
	f->conf.alloc_bandwidth = 2000;
	f->conf.user_bandwidth = 3000;
	f->conf.total_bandwidth = 5000;
	f->conf.auth_failures = 5;
	f->core.alternates.addrs[0] = fake_addr(peers[6]);
	f->core.alternates.n = 1;
	turn_users_add_secret(f->users, "north");
	for (i = 0; i < (int)COUNT(kids); i++)
		MUST(fake_oauth(f, "turn.example", kids[i].kid, kids[i].key) ==
		    0);
	fake_start(f);
	fake_record(f, NULL, "bob", "builder");
	for (i = 0; i < CLIENTS; i++) {
		client_init(&w->c[i], f, places[i]);
		w->c[i].addr.port = 5000;
		w->c[i].stream = i >= 2;
	}
	/* One of each kind is there already. */
	MUST(client_allocate(&w->c[0]) == 0);
	MUST(client_permit(&w->c[0], peers[0]) == 0);
	MUST(client_bind(&w->c[0], 0x4000, peers[0]) == 0);
	MUST(client_allocate_tcp(&w->c[2]) == 0);
	MUST(client_permit(&w->c[2], peers[0]) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	uint64_t begun;
	size_t i, n;

	begin(&w, data, len);
	for (n = 0; n < STEPS_MAX && cursor_left(&w.in) > 0; n++)
		step(&w);
	begun = turn_server_stats(w.f.server)->allocations_total;
	turn_server_free(w.f.server);
	w.f.server = NULL;
	MUST(w.f.ended == begun);
	MUST(fake_open_conns(&w.f) == 0);
	for (i = 0; i < w.f.nrelays; i++)
		MUST(!w.f.relays[i].open);
	fake_fini(&w.f);
	return 0;
}
