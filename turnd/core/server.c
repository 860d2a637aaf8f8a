/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

#define NEEDS_AUTH  1
#define NEEDS_ALLOC 2
#define NEEDS_CONN  4

/* That are told apart, for 256 KiB each. */
#define NETWORKS 16384
#define FAILURES 16384

static enum turn_reason binding(struct turn_req *);

static const struct turn_method {
	uint16_t method;
	unsigned int needs;
	enum turn_reason (*fn)(struct turn_req *);
	const char *name;
} methods[TURN_METHODS] = {
	{ STUN_BINDING, 0, binding, "binding" },
	{ STUN_ALLOCATE, NEEDS_AUTH, alloc_allocate, "allocate" },
	{ STUN_REFRESH, NEEDS_AUTH | NEEDS_ALLOC, alloc_refresh, "refresh" },
	{ STUN_CREATE_PERMISSION, NEEDS_AUTH | NEEDS_ALLOC, perm_create,
	    "create_permission" },
	{ STUN_CHANNEL_BIND, NEEDS_AUTH | NEEDS_ALLOC, chan_bind,
	    "channel_bind" },
	{ STUN_CONNECT, NEEDS_AUTH | NEEDS_ALLOC, tcp_connect, "connect" },
	{ STUN_CONNECTION_BIND, NEEDS_AUTH | NEEDS_CONN, tcp_bind,
	    "connection_bind" },
};

/* Comprehension-required attributes that we act on, or ignore knowingly. */
static const uint16_t known_types[] = {
	STUN_USERNAME,
	STUN_MESSAGE_INTEGRITY,
	STUN_MESSAGE_INTEGRITY_SHA256,
	STUN_PASSWORD_ALGORITHM,
	STUN_USERHASH,
	STUN_REALM,
	STUN_NONCE,
	STUN_CHANNEL_NUMBER,
	STUN_LIFETIME,
	STUN_XOR_PEER_ADDRESS,
	STUN_REQUESTED_ADDRESS_FAMILY,
	STUN_EVEN_PORT,
	STUN_REQUESTED_TRANSPORT,
	/* RFC 8656 section 7.2: in an Allocate it asks whether we know it. */
	STUN_DONT_FRAGMENT,
	STUN_RESERVATION_TOKEN,
	STUN_CONNECTION_ID,
};

const char *
turn_method_name(unsigned int row)
{
	return row < TURN_METHODS ? methods[row].name : NULL;
}

static const struct turn_method *
method_of(uint16_t method)
{
	size_t i;

	for (i = 0; i < TURN_METHODS; i++) {
		if (methods[i].method == method)
			return &methods[i];
	}
	return NULL;
}

static bool
type_known(uint16_t type)
{
	size_t i;

	for (i = 0; i < sizeof(known_types) / sizeof(known_types[0]); i++) {
		if (known_types[i] == type)
			return true;
	}
	return false;
}

static bool
type_known_or_token(uint16_t type)
{
	return type == STUN_ACCESS_TOKEN || type_known(type);
}

static bool
server_open_tables(struct turn_server *s)
{
	const struct turn_config *cfg = s->cfg;
	size_t allocs = cfg->max_allocations;
	size_t perms = allocs * cfg->max_permissions;
	size_t chans = allocs * cfg->max_channels;

	htab_init(&s->allocs, allocs);
	htab_init(&s->tickets, allocs);
	htab_init(&s->moving, allocs);
	htab_init(&s->perms, perms);
	htab_init(&s->chan_tuples, chans);
	htab_init(&s->chan_peers, chans);
	s->alloc_pool = pool_new(sizeof(struct turn_alloc), allocs);
	s->perm_pool = pool_new(sizeof(struct turn_perm), perms);
	s->chan_pool = pool_new(sizeof(struct turn_chan), chans);
	s->answers = limit_new(NETWORKS, &cfg->hash_key);
	s->failures = limit_new(FAILURES, &cfg->hash_key);
	return s->alloc_pool != NULL && s->perm_pool != NULL &&
	    s->chan_pool != NULL && s->answers != NULL && s->failures != NULL &&
	    tcp_init(s);
}

struct turn_server *
turn_server_new(const struct turn_config *cfg, const struct turn_ops *ops)
{
	struct turn_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cfg = cfg;
	s->ops = *ops;
	wheel_init(&s->alloc_wheel, 0);
	wheel_init(&s->perm_wheel, 0);
	wheel_init(&s->chan_wheel, 0);
	if (!server_open_tables(s)) {
		turn_server_free(s);
		return NULL;
	}
	return s;
}

void
turn_server_free(struct turn_server *s)
{
	struct turn_alloc *a;
	size_t pos = 0;

	if (s == NULL)
		return;
	while ((a = htab_next(&s->allocs, &pos)) != NULL) {
		alloc_end(s, a, TURN_END_SHUTDOWN);
		pos = 0; /* the table has moved */
	}
	htab_fini(&s->allocs);
	htab_fini(&s->tickets);
	htab_fini(&s->moving);
	htab_fini(&s->perms);
	htab_fini(&s->chan_tuples);
	htab_fini(&s->chan_peers);
	pool_free(s->alloc_pool);
	pool_free(s->perm_pool);
	pool_free(s->chan_pool);
	limit_free(s->answers);
	limit_free(s->failures);
	tcp_fini(s);
	free(s);
}

void
server_drop(struct turn_server *s, struct turn_out *out, enum turn_reason why)
{
	out->to = TURN_NOBODY;
	out->noted = true;
	out->note.reason = why;
	stat_add(&s->stats.reasons[why], 1);
}

void
server_txid(struct turn_server *s, uint8_t txid[STUN_TXID_LEN])
{
	uint64_t id[2] = { ++s->indications, 0 };

	id[1] = hash_bytes(&s->cfg->hash_key, id, sizeof(id));
	memcpy(txid, (uint8_t *)id + sizeof(id) - STUN_TXID_LEN, STUN_TXID_LEN);
}

/* RFC 8489 section 14.2: an RFC 3489 client knows only the plain form. */
static enum turn_reason
binding(struct turn_req *r)
{
	/* RFC 8489 section 11: it has no place there. */
	if (r->msg->rfc3489 && r->in->verified)
		return TURN_OLD_OVER_DTLS;
	reply_success(r);
	if (r->msg->rfc3489)
		stun_put_addr(&r->out, STUN_MAPPED_ADDRESS, r->in->src);
	else
		stun_put_xor_addr(&r->out, STUN_XOR_MAPPED_ADDRESS, r->in->src);
	return TURN_OK;
}

static enum turn_reason
request_serve(struct turn_req *r, const struct turn_method *m)
{
	enum turn_reason reason = TURN_OK;

	if (m->needs != 0)
		r->alloc = alloc_find(r->s, r->in->src, r->in->link);
	if (m->needs & NEEDS_CONN)
		tcp_find(r);
	if (m->method == STUN_REFRESH)
		mobility_find(r);
	if (m->needs & NEEDS_AUTH)
		reason = auth_check(r);
	if (reason != TURN_OK)
		return reason;
	memcpy(r->note->user, r->user.name, sizeof(r->note->user) - 1);
	/* RFC 7635 section 7: whoever was not asked for a token. */
	r->nunknown = stun_unknown(r->msg,
	    r->s->cfg->oauth.server != NULL ? type_known_or_token : type_known,
	    r->unknown, sizeof(r->unknown) / sizeof(r->unknown[0]));
	if (r->nunknown > 0)
		return TURN_UNKNOWN_ATTRIBUTE;
	if (stun_malformed(r->msg) != NULL)
		return TURN_BAD_ATTRIBUTE;
	reason = mobility_judge(r);
	if (reason != TURN_OK || (r->ticket.good && r->moves))
		return reason;
	if ((m->needs & NEEDS_ALLOC) && r->alloc == NULL)
		return TURN_NO_ALLOCATION;
	/* RFC 8656 section 5 */
	if ((m->needs & NEEDS_ALLOC) && !auth_owns(r, r->alloc))
		return TURN_WRONG_USER;
	if (m->needs & NEEDS_ALLOC)
		mobility_request(r);
	return m->fn(r);
}

static void
request_count(
    struct turn_server *s, const struct turn_method *m, enum turn_reason reason)
{
	stat_add(&s->stats.requests[m - methods], 1);
	if (reason == TURN_OK)
		return;
	stat_add(&s->stats.refused[m - methods], 1);
	stat_add(&s->stats.reasons[reason], 1);
	if (reason == TURN_UNKNOWN_USER || reason == TURN_WRONG_PASSWORD ||
	    reason == TURN_CREDENTIAL_EXPIRED || reason == TURN_TOKEN_KEY ||
	    reason == TURN_BAD_TOKEN || reason == TURN_TOKEN_EXPIRED)
		stat_add(&s->stats.auth_failures, 1);
}

static bool
dropped(enum turn_reason reason)
{
	return reason != TURN_OK && turn_reason_info(reason)->code == 0;
}

void
server_answer(struct turn_req *r, enum turn_reason reason, struct turn_out *out)
{
	const struct turn_method *m = method_of(r->msg->method);

	out->noted = true;
	out->note.method = m->name;
	out->note.reason = reason;
	if (reason != TURN_OK)
		reply_error(r, reason);
	request_count(r->s, m, reason);
	out->len = reply_end(r);
	if (out->len == 0)
		return;
	out->to = TURN_CLIENT;
	out->data = out->reply;
	out->dst = r->in->src;
	out->link = r->in->link;
}

static void
server_request(
    struct turn_req *r, const struct turn_method *m, struct turn_out *out)
{
	enum turn_reason reason;

	r->buf = buf_fixed(out->reply, TURN_REPLY_MAX);
	r->note = &out->note;
	out->noted = true;
	out->note.method = m->name;
	reason = request_serve(r, m);
	if (reason == TURN_OK && r->moves) {
		out->then = TURN_THEN_MOVE;
		out->server = r->owner;
	} else if (dropped(reason)) {
		server_drop(r->s, out, reason);
	} else if (reason != TURN_OK || !r->later) {
		if (!guard_answers(r))
			server_drop(r->s, out, TURN_RATE_LIMITED);
		else
			server_answer(r, reason, out);
	}
	if (reason == TURN_OK && r->conn != NULL) {
		out->then = TURN_THEN_JOIN;
		out->conn = r->conn->id;
	}
	crypto_wipe(&r->key, sizeof(r->key));
	crypto_wipe(&r->record, sizeof(r->record));
	crypto_wipe(&r->token, sizeof(r->token));
}

static const struct turn_method *
method_find(const struct stun_msg *msg)
{
	if (msg->class != STUN_REQUEST)
		return NULL;
	/* Only Binding has an RFC 3489 form. */
	if (msg->rfc3489 && msg->method != STUN_BINDING)
		return NULL;
	return method_of(msg->method);
}

static void
server_stun(struct turn_server *s, const struct turn_in *in, struct turn_time t,
    struct turn_out *out)
{
	const struct turn_method *m;
	struct stun_msg msg;

	if (stun_decode(in->data, in->len, &msg) != 0) {
		server_drop(s, out, TURN_MALFORMED);
		return;
	}
	if (msg.class == STUN_INDICATION && msg.method == STUN_SEND) {
		data_send(s, in, &msg, out);
		return;
	}
	m = method_find(&msg);
	if (m == NULL) {
		server_drop(s, out, TURN_UNKNOWN_METHOD);
		return;
	}
	server_request(
	    &(struct turn_req){ .s = s, .in = in, .t = t, .msg = &msg }, m,
	    out);
}

void
server_reset(struct turn_out *out)
{
	out->to = TURN_NOBODY;
	out->head_len = 0;
	out->len = 0;
	out->whole = false;
	out->then = TURN_THEN_NOTHING;
	out->noted = false;
	out->note.reason = TURN_OK;
	out->note.method = NULL;
	out->note.rule = NULL;
	out->note.peer = (struct addr){ .family = ADDR_NONE };
	out->note.user[0] = '\0';
}

void
turn_server_input(struct turn_server *s, const struct turn_in *in,
    struct turn_time t, struct turn_out *out)
{
	s->seen = t;
	server_reset(out);
	if (in->from == TURN_PEER)
		data_from_peer(s, in, t, out);
	else if (stun_channel_looks_like(in->data, in->len))
		data_from_client(s, in, t, out);
	else if (stun_looks_like(in->data, in->len))
		server_stun(s, in, t, out);
	else
		server_drop(s, out, TURN_NOT_STUN);
}

void
turn_server_icmp(struct turn_server *s, const struct turn_icmp *icmp,
    struct turn_time t, struct turn_out *out)
{
	s->seen = t;
	server_reset(out);
	data_from_icmp(s, icmp, out);
}

bool
turn_server_has(struct turn_server *s, const struct addr *client, uint16_t link,
    struct turn_time t)
{
	s->seen = t;
	return alloc_find(s, client, link) != NULL;
}

void
turn_server_gone(struct turn_server *s, const struct addr *client,
    uint16_t link, struct turn_time t)
{
	struct turn_tuple tuple = { *client, link, 0 };
	struct turn_alloc *a;

	s->seen = t;
	a = alloc_find(s, client, link);
	if (a != NULL && !mobility_gone(s, a, &tuple))
		alloc_end(s, a, TURN_END_DISCONNECTED);
}

/* The object of type that the wheel's timer t is embedded in. */
#define OWNER(t, type) ((type *)(void *)((char *)(t)-offsetof(type, timer)))

size_t
turn_server_expire(struct turn_server *s, struct turn_time t)
{
	struct wheel_timer *due;
	size_t n = 0;

	s->seen = t;
	tcp_expire(s);
	while ((due = wheel_pop(&s->chan_wheel, t.now_ms)) != NULL)
		chan_free(s, OWNER(due, struct turn_chan));
	while ((due = wheel_pop(&s->perm_wheel, t.now_ms)) != NULL)
		perm_free(s, OWNER(due, struct turn_perm));
	while ((due = wheel_pop(&s->alloc_wheel, t.now_ms)) != NULL) {
		if (alloc_expire(s, OWNER(due, struct turn_alloc)))
			n++;
	}
	return n;
}

uint64_t
turn_server_next_ms(const struct turn_server *s)
{
	uint64_t a = wheel_next_ms(&s->alloc_wheel);
	uint64_t p = wheel_next_ms(&s->perm_wheel);
	uint64_t c = wheel_next_ms(&s->chan_wheel);
	uint64_t n = tcp_next_ms(s);

	if (p < a)
		a = p;
	if (n < a)
		a = n;
	return c < a ? c : a;
}

struct turn_stats *
turn_server_stats(struct turn_server *s)
{
	return &s->stats;
}

bool
turn_server_walk(const struct turn_server *s, size_t *pos, uint64_t now_ms,
    struct turn_alloc_info *out)
{
	const struct turn_alloc *a = htab_next(&s->allocs, pos);

	if (a == NULL)
		return false;
	alloc_info(a, now_ms, false, out);
	return true;
}

size_t
turn_server_alloc_bytes(void)
{
	return sizeof(struct turn_alloc) + sizeof(struct turn_perm) +
	    sizeof(struct turn_chan);
}
