/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp: TCP allocations (RFC 6062): peers' connections, from the Connect or the
 * peer's own until a ConnectionBind joins them with one of the client's. What
 * goes through them then is the shell's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

#define SERIAL_BITS 24 /* of a CONNECTION-ID; above it is the server */
#define MIX_ROUNDS  4

bool
tcp_init(struct turn_server *s)
{
	size_t max = s->cfg->max_connections > 0 ? s->cfg->connections : 0;

	htab_init(&s->conns, max);
	htab_init(&s->conn_peers, max);
	wheel_init(&s->dial_wheel, 0);
	wheel_init(&s->conn_wheel, 0);
	s->conn_pool = pool_new(sizeof(struct turn_conn), max);
	return s->conn_pool != NULL;
}

void
tcp_fini(struct turn_server *s)
{
	htab_fini(&s->conns);
	htab_fini(&s->conn_peers);
	pool_free(s->conn_pool);
}

/*
 * A keyed permutation of 32 bits, forth and back: so no two connections of the
 * servers have one id, it tells whose it is, and nobody else can make any of
 * it, or guess one better than by chance.
 */
static uint32_t
id_mix(const struct turn_server *s, uint32_t x, bool back)
{
	uint32_t left = x >> 16, right = x & 0xffff, swap;
	uint32_t round[3] = { STUN_CONNECTION_ID };
	int i;

	for (i = 0; i < MIX_ROUNDS; i++) {
		round[1] = (uint32_t)(back ? MIX_ROUNDS - 1 - i : i);
		round[2] = back ? left : right;
		swap = hash_bytes(&s->cfg->hash_key, round, sizeof(round)) &
		    0xffff;
		if (back) {
			swap ^= right;
			right = left;
			left = swap;
		} else {
			swap ^= left;
			left = right;
			right = swap;
		}
	}
	return left << 16 | right;
}

static uint64_t
id_hash(const struct turn_server *s, uint32_t id)
{
	return hash_bytes(&s->cfg->hash_key, &id, sizeof(id));
}

static bool
id_eq(const void *obj, const void *key)
{
	const struct turn_conn *c = obj;

	return c->id == *(const uint32_t *)key;
}

static struct turn_conn *
conn_by_id(const struct turn_server *s, uint32_t id)
{
	return htab_find(&s->conns, id_hash(s, id), id_eq, &id);
}

static bool
key_eq(const void *obj, const void *key)
{
	const struct turn_conn *c = obj;

	return memcmp(&c->key, key, sizeof(c->key)) == 0;
}

static struct turn_conn *
conn_by_key(const struct turn_server *s, const struct turn_peer_key *key)
{
	return htab_find(&s->conn_peers, peer_hash(s, key), key_eq, key);
}

static uint32_t
id_new(struct turn_server *s)
{
	uint32_t id;

	do {
		s->last_conn = (s->last_conn + 1) & ((1u << SERIAL_BITS) - 1);
		id = id_mix(s,
		    (uint32_t)s->ops.server << SERIAL_BITS | s->last_conn,
		    false);
	} while (conn_by_id(s, id) != NULL);
	return id;
}

static enum turn_reason
conn_room(const struct turn_server *s, const struct turn_alloc *a)
{
	if (a->nconns >= s->cfg->max_connections)
		return TURN_CONN_LIMIT;
	if (a->npending >= TURN_PENDING_MAX)
		return TURN_CONN_PENDING;
	return TURN_OK;
}

static void
conn_wait(struct turn_server *s, struct turn_conn *c, struct wheel *wheel,
    uint32_t seconds)
{
	c->until_ms = s->seen.now_ms + (uint64_t)seconds * 1000;
	wheel_set(wheel, &c->timer, c->until_ms);
}

static struct wheel *
conn_wheel(struct turn_server *s, const struct turn_conn *c)
{
	return c->state == CONN_CONNECTING ? &s->dial_wheel : &s->conn_wheel;
}

/* In the tables, connecting, without a timer. NULL: full. */
static struct turn_conn *
conn_new(struct turn_server *s, struct turn_alloc *a,
    const struct turn_peer_key *key)
{
	struct turn_conn *c = pool_get(s->conn_pool);

	if (c == NULL)
		return NULL;
	c->id = id_new(s);
	c->key = *key;
	c->alloc = a;
	if (htab_put(&s->conns, id_hash(s, c->id), c) != 0)
		goto fail;
	if (htab_put(&s->conn_peers, peer_hash(s, key), c) != 0) {
		htab_del(&s->conns, id_hash(s, c->id), c);
		goto fail;
	}
	LIST_INSERT_HEAD(&a->conns, c, link);
	a->nconns++;
	a->npending++;
	stat_add(&s->stats.connections, 1);
	stat_add(&s->stats.connections_total, 1);
	return c;
fail:
	pool_put(s->conn_pool, c);
	return NULL;
}

static void
conn_free(struct turn_server *s, struct turn_conn *c)
{
	wheel_clear(conn_wheel(s, c), &c->timer);
	htab_del(&s->conns, id_hash(s, c->id), c);
	htab_del(&s->conn_peers, peer_hash(s, &c->key), c);
	LIST_REMOVE(c, link);
	c->alloc->nconns--;
	if (c->state != CONN_BOUND)
		c->alloc->npending--;
	stat_add(&s->stats.connections, (uint64_t)-1);
	crypto_wipe(&c->asked, sizeof(c->asked));
	pool_put(s->conn_pool, c);
}

void
tcp_end(struct turn_server *s, struct turn_conn *c)
{
	s->ops.conn_close(s->ops.arg, c->id);
	conn_free(s, c);
}

/* All that the answer will need, as the request is gone by then. */
static void
conn_ask(struct turn_conn *c, const struct turn_req *r)
{
	struct turn_asked *a = &c->asked;

	memcpy(a->head, r->msg->data, sizeof(a->head));
	a->len = (uint16_t)r->msg->len;
	a->fingerprint = stun_find(r->msg, STUN_FINGERPRINT) != NULL;
	a->authed = r->authed;
	a->seal = r->seal;
	a->key = r->key;
}

static enum turn_reason
connect_reason(int err)
{
	switch (-err) {
	case 0:
		return TURN_OK;
	case ECONNREFUSED:
	case ECONNRESET:
	case EACCES:
	case EPERM:
		return TURN_CONNECT_REFUSED;
	case ETIMEDOUT:
		return TURN_CONNECT_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return TURN_CONNECT_UNREACHABLE;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return TURN_NO_SOCKET;
	default:
		return TURN_CONNECT_FAILED;
	}
}

/* The peer of a Connect, judged in the order of RFC 6062 section 5.2. It needs
 * no permission: that is for who comes from outside. */
static enum turn_reason
connect_decode(struct turn_req *r, struct turn_peer_key *key)
{
	const struct turn_half *half;
	enum turn_reason reason;
	bool own;
	int err;

	err = stun_get_xor_addr(r->msg, STUN_XOR_PEER_ADDRESS, &key->peer);
	if (err != 0)
		return err == -ENOENT ? TURN_MISSING_ATTRIBUTE
				      : TURN_BAD_ATTRIBUTE;
	if (key->peer.port == 0)
		return TURN_BAD_ATTRIBUTE;
	half = alloc_half(r->alloc, &key->peer);
	if (half != NULL) {
		key->relay = half->relay;
		r->note->peer = key->peer;
		if (conn_by_key(r->s, key) != NULL)
			return TURN_CONN_EXISTS;
	}
	reason = peer_check(r, &key->peer, &own);
	return reason != TURN_OK ? reason : conn_room(r->s, r->alloc);
}

enum turn_reason
tcp_connect(struct turn_req *r)
{
	struct turn_server *s = r->s;
	struct turn_peer_key key;
	enum turn_reason reason;
	struct turn_conn *c;
	int err;

	if (!r->alloc->tcp)
		return TURN_NOT_TCP;
	reason = connect_decode(r, &key);
	if (reason != TURN_OK)
		return reason;
	c = conn_new(s, r->alloc, &key);
	if (c == NULL)
		return TURN_CONN_FULL;
	err = s->ops.conn_open(s->ops.arg, key.relay, &key.peer, c->id);
	if (err != 0) {
		conn_free(s, c);
		return connect_reason(err);
	}
	conn_ask(c, r);
	conn_wait(s, c, &s->dial_wheel, TURN_CONNECT_S);
	r->later = true;
	return TURN_OK;
}

/* Answers the Connect that c came of. */
static void
conn_answer(struct turn_server *s, struct turn_conn *c, enum turn_reason reason,
    struct turn_out *out)
{
	const struct turn_asked *a = &c->asked;
	const struct turn_tuple *client = &c->alloc->tuple;
	const struct turn_in in = { .from = TURN_CLIENT,
		.src = &client->client,
		.link = client->link };
	struct stun_msg msg = { .data = a->head,
		.len = a->len,
		.method = STUN_CONNECT,
		.class = STUN_REQUEST,
		.nattrs = a->fingerprint,
		.attrs = { { .type = STUN_FINGERPRINT } } };
	struct turn_req r = { .s = s,
		.in = &in,
		.t = s->seen,
		.msg = &msg,
		.key = a->key,
		.seal = a->seal,
		.authed = a->authed,
		.buf = buf_fixed(out->reply, TURN_REPLY_MAX),
		.note = &out->note };

	server_reset(out);
	out->note.peer = c->key.peer;
	memcpy(out->note.user, c->alloc->user,
	    strnlen(c->alloc->user, sizeof(out->note.user) - 1));
	if (reason == TURN_OK) {
		reply_success(&r);
		stun_put_u32(&r.out, STUN_CONNECTION_ID, c->id);
	}
	server_answer(&r, reason, out);
	crypto_wipe(&r.key, sizeof(r.key));
}

static void
conn_connected(
    struct turn_server *s, struct turn_conn *c, int err, struct turn_out *out)
{
	conn_answer(s, c, connect_reason(err), out);
	if (err != 0) {
		tcp_end(s, c);
		return;
	}
	crypto_wipe(&c->asked, sizeof(c->asked));
	wheel_clear(&s->dial_wheel, &c->timer);
	c->state = CONN_PENDING;
	conn_wait(s, c, &s->conn_wheel, TURN_PENDING_S);
}

void
turn_server_connected(struct turn_server *s, uint32_t conn, int err,
    struct turn_time t, struct turn_out *out)
{
	struct turn_conn *c = conn_by_id(s, conn);

	s->seen = t;
	server_reset(out);
	if (c != NULL && c->state == CONN_CONNECTING)
		conn_connected(s, c, err, out);
}

/* The object that the wheel's timer t is embedded in. */
static struct turn_conn *
conn_of(struct wheel_timer *t)
{
	return (struct turn_conn *)(void *)((char *)t -
	    offsetof(struct turn_conn, timer));
}

bool
turn_server_overdue(
    struct turn_server *s, struct turn_time t, struct turn_out *out)
{
	struct wheel_timer *due = wheel_pop(&s->dial_wheel, t.now_ms);

	s->seen = t;
	server_reset(out);
	if (due == NULL)
		return false;
	conn_connected(s, conn_of(due), -ETIMEDOUT, out);
	return true;
}

void
tcp_expire(struct turn_server *s)
{
	struct wheel_timer *due;

	while ((due = wheel_pop(&s->conn_wheel, s->seen.now_ms)) != NULL) {
		stat_add(&s->stats.reasons[TURN_CONN_UNCLAIMED], 1);
		tcp_end(s, conn_of(due));
	}
}

uint64_t
tcp_next_ms(const struct turn_server *s)
{
	uint64_t d = wheel_next_ms(&s->dial_wheel);
	uint64_t c = wheel_next_ms(&s->conn_wheel);

	return d < c ? d : c;
}

static enum turn_reason
incoming_judge(struct turn_server *s, const struct turn_peer_key *key,
    struct turn_alloc **alloc)
{
	const struct turn_perm *p = perm_find(s, key->relay, &key->peer);
	struct turn_conn *old;
	bool own;

	if (p == NULL)
		return TURN_CONN_NO_PERMISSION;
	/* The rules of now, and an own address is judged with its port. */
	if (peer_refused(s, &key->peer, true, &own) != NULL)
		return TURN_CONN_DENIED;
	*alloc = p->alloc;
	/* The kernel makes a connection of two addresses once: an older one
	 * that waits is dead, and nobody has looked yet. */
	old = conn_by_key(s, key);
	if (old != NULL)
		tcp_end(s, old);
	return conn_room(s, p->alloc);
}

/* RFC 6062 section 5.3 */
static void
attempt_write(
    struct turn_server *s, const struct turn_conn *c, struct turn_out *out)
{
	struct buf buf = buf_fixed(out->reply, TURN_REPLY_MAX);
	uint8_t txid[STUN_TXID_LEN];
	struct stun_out msg;

	server_txid(s, txid);
	msg = stun_begin(&buf, STUN_CONNECTION_ATTEMPT, STUN_INDICATION, txid);
	stun_put_xor_addr(&msg, STUN_XOR_PEER_ADDRESS, &c->key.peer);
	stun_put_u32(&msg, STUN_CONNECTION_ID, c->id);
	stun_end(&msg);
	out->to = TURN_CLIENT;
	out->data = out->reply;
	out->len = buf.len;
	out->dst = &c->alloc->tuple.client;
	out->link = c->alloc->tuple.link;
}

bool
turn_server_incoming(struct turn_server *s, uint32_t relay,
    const struct addr *peer, struct turn_time t, uint32_t *conn,
    struct turn_out *out)
{
	const struct turn_peer_key key = { *peer, relay };
	struct turn_alloc *a = NULL;
	struct turn_conn *c = NULL;
	enum turn_reason reason;

	s->seen = t;
	server_reset(out);
	reason = incoming_judge(s, &key, &a);
	if (reason == TURN_OK) {
		c = conn_new(s, a, &key);
		if (c == NULL)
			reason = TURN_CONN_FULL;
	}
	if (reason != TURN_OK) {
		out->note.peer = *peer;
		server_drop(s, out, reason);
		return false;
	}
	c->state = CONN_PENDING;
	conn_wait(s, c, &s->conn_wheel, TURN_PENDING_S);
	attempt_write(s, c, out);
	*conn = c->id;
	return true;
}

void
tcp_find(struct turn_req *r)
{
	struct turn_server *s = r->s;
	uint32_t id, owner;

	if (stun_get_u32(r->msg, STUN_CONNECTION_ID, &id) != 0)
		return;
	owner = id_mix(s, id, true) >> SERIAL_BITS;
	if (owner == s->ops.server) {
		r->conn = conn_by_id(s, id);
	} else if (owner < s->ops.servers && r->in->stream) {
		r->moves = true;
		r->owner = (uint16_t)owner;
	}
}

/* RFC 6062 section 5.4 */
enum turn_reason
tcp_bind(struct turn_req *r)
{
	struct turn_conn *c = r->conn;

	if (!r->in->stream)
		return TURN_NOT_STREAM;
	/* A control connection stays one. */
	if (r->alloc != NULL)
		return TURN_ALLOCATION_EXISTS;
	if (stun_find(r->msg, STUN_CONNECTION_ID) == NULL)
		return TURN_MISSING_ATTRIBUTE;
	if (r->moves)
		return TURN_OK;
	if (c == NULL || c->state != CONN_PENDING || c->until_ms <= r->t.now_ms)
		return TURN_NO_CONNECTION;
	if (!auth_owns(r, c->alloc))
		return TURN_WRONG_USER;
	wheel_clear(&r->s->conn_wheel, &c->timer);
	c->state = CONN_BOUND;
	c->alloc->npending--;
	reply_success(r);
	return TURN_OK;
}

bool
turn_server_may_relay(struct turn_server *s, uint32_t conn,
    enum turn_direction d, size_t bytes, struct turn_time t)
{
	struct turn_conn *c = conn_by_id(s, conn);

	s->seen = t;
	return c == NULL || meter_has(s, c->alloc, d, bytes);
}

void
turn_server_relayed(
    struct turn_server *s, uint32_t conn, enum turn_direction d, uint64_t bytes)
{
	struct turn_conn *c = conn_by_id(s, conn);

	if (c == NULL)
		return;
	if (c->alloc->metered)
		(void)meter_take(s, c->alloc, d, bytes);
	stat_add(&c->alloc->traffic[d].bytes, bytes);
	stat_add(&s->stats.relayed[d].bytes, bytes);
}

void
turn_server_conn_over(struct turn_server *s, uint32_t conn, struct turn_time t)
{
	struct turn_conn *c = conn_by_id(s, conn);

	s->seen = t;
	if (c != NULL)
		tcp_end(s, c);
}
