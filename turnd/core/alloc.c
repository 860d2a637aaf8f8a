/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

#define TRANSPORT_UDP 17 /* IANA protocol number in REQUESTED-TRANSPORT */
#define FAMILY_V4     1  /* of REQUESTED-ADDRESS-FAMILY */
#define FAMILY_V6     2

static bool
alloc_eq(const void *obj, const void *key)
{
	const struct turn_alloc *a = obj;

	return memcmp(&a->tuple, key, sizeof(a->tuple)) == 0;
}

struct turn_alloc *
alloc_find(struct turn_server *s, const struct addr *client, uint16_t link)
{
	struct turn_tuple key = { *client, link, 0 };
	struct turn_alloc *a;

	a = htab_find(&s->allocs, tuple_hash(s, &key), alloc_eq, &key);
	/* The wheel comes by up to a tick late; lifetimes are exact. */
	if (a != NULL && a->expires_ms <= s->seen.now_ms) {
		alloc_end(s, a, TURN_END_EXPIRED);
		a = NULL;
	}
	return a;
}

void
alloc_info(
    const struct turn_alloc *a, uint64_t now_ms, struct turn_alloc_info *out)
{
	const struct turn_chan *c;
	int d;

	*out = (struct turn_alloc_info){
		.id = a->id,
		.user = a->user,
		.client = a->tuple.client,
		.link = a->tuple.link,
		.relayed = a->relayed,
		.created_s = a->created_s,
		.age_ms = now_ms - a->created_ms,
		.left_ms = a->expires_ms > now_ms ? a->expires_ms - now_ms : 0,
		.permissions = a->nperms,
		.channels = a->nchans,
		.traffic = { a->traffic[0], a->traffic[1] },
	};
	LIST_FOREACH (c, &a->chans, link) {
		for (d = 0; d < TURN_DIRECTIONS; d++) {
			out->traffic[d].packets += c->traffic[d].packets;
			out->traffic[d].bytes += c->traffic[d].bytes;
		}
	}
}

static void
alloc_free(struct turn_server *s, struct turn_alloc *a)
{
	free(a->user);
	pool_put(s->alloc_pool, a);
}

void
alloc_end(struct turn_server *s, struct turn_alloc *a, enum turn_end why)
{
	struct turn_alloc_info info;

	alloc_info(a, s->seen.now_ms, &info);
	s->ops.ended(s->ops.arg, &info, why);
	while (!LIST_EMPTY(&a->chans))
		chan_free(s, LIST_FIRST(&a->chans));
	while (!LIST_EMPTY(&a->perms))
		perm_free(s, LIST_FIRST(&a->perms));
	s->ops.relay_close(s->ops.arg, a->relay);
	s->ops.quota_give(s->ops.arg, a->user_id);
	wheel_clear(&s->alloc_wheel, &a->timer);
	htab_del(&s->allocs, tuple_hash(s, &a->tuple), a);
	stat_add(&s->stats.allocations, (uint64_t)-1);
	alloc_free(s, a);
}

/* RFC 8656 section 7.2: at least the default, at most what is configured. */
static uint32_t
lifetime_of(const struct turn_req *r, uint32_t asked)
{
	uint32_t max = r->s->cfg->max_lifetime_s;

	if (asked > max)
		asked = max;
	return asked > TURN_LIFETIME_S ? asked : TURN_LIFETIME_S;
}

static void
alloc_set_lifetime(struct turn_req *r, struct turn_alloc *a, uint32_t seconds)
{
	a->expires_ms = r->t.now_ms + (uint64_t)seconds * 1000;
	wheel_set(&r->s->alloc_wheel, &a->timer, a->expires_ms);
}

/*
 * An attribute of four bytes, whose length the server has checked; def when
 * it is not there.
 */
static uint32_t
get_u32(const struct turn_req *r, uint16_t type, uint32_t def)
{
	(void)stun_get_u32(r->msg, type, &def);
	return def;
}

/* 0 when the client does not ask for a family. */
static uint8_t
get_family(const struct turn_req *r)
{
	return (uint8_t)(get_u32(r, STUN_REQUESTED_ADDRESS_FAMILY, 0) >> 24);
}

static enum turn_reason
want_family(const struct turn_req *r, struct turn_want *want)
{
	bool asked = stun_find(r->msg, STUN_REQUESTED_ADDRESS_FAMILY) != NULL;
	uint8_t family = asked ? get_family(r) : FAMILY_V4;

	/* RFC 8656 section 7.2: a reservation has its family already. */
	if (asked && want->token != NULL)
		return TURN_BAD_ATTRIBUTE;
	if (family != FAMILY_V4 && family != FAMILY_V6)
		return TURN_FAMILY_UNSUPPORTED;
	want->family = family == FAMILY_V4 ? ADDR_V4 : ADDR_V6;
	return TURN_OK;
}

static enum turn_reason
want_port(const struct turn_req *r, struct turn_want *want)
{
	const struct stun_attr *even, *token;

	even = stun_find(r->msg, STUN_EVEN_PORT);
	token = stun_find(r->msg, STUN_RESERVATION_TOKEN);
	if (even != NULL && token != NULL)
		return TURN_BAD_ATTRIBUTE;
	if (even != NULL) {
		want->even = true;
		want->reserve = (*stun_value(r->msg, even) & 0x80) != 0;
	}
	if (token != NULL)
		want->token = stun_value(r->msg, token);
	return TURN_OK;
}

/* What the client asks for, in the order of RFC 8656 section 7.2. */
static enum turn_reason
want_decode(const struct turn_req *r, struct turn_want *want)
{
	enum turn_reason reason;

	*want = (struct turn_want){ .user = r->user.id, .link = r->in->link };
	if (stun_find(r->msg, STUN_REQUESTED_TRANSPORT) == NULL)
		return TURN_MISSING_ATTRIBUTE;
	if (get_u32(r, STUN_REQUESTED_TRANSPORT, 0) >> 24 != TRANSPORT_UDP)
		return TURN_TRANSPORT_UNSUPPORTED;
	reason = want_port(r, want);
	return reason != TURN_OK ? reason : want_family(r, want);
}

static void
alloc_answer(struct turn_req *r, const struct turn_alloc *a)
{
	reply_success(r);
	stun_put_xor_addr(&r->out, STUN_XOR_RELAYED_ADDRESS, &a->relayed);
	stun_put_u32(&r->out, STUN_LIFETIME, a->lifetime_s);
	if (a->reserved)
		stun_put(&r->out, STUN_RESERVATION_TOKEN, a->token,
		    sizeof(a->token));
	stun_put_xor_addr(&r->out, STUN_XOR_MAPPED_ADDRESS, r->in->src);
}

/* A new one in the table, without relay and lifetime; NULL: full. */
static struct turn_alloc *
alloc_new(struct turn_req *r)
{
	struct turn_server *s = r->s;
	struct turn_alloc *a = pool_get(s->alloc_pool);

	if (a == NULL)
		return NULL;
	a->tuple = (struct turn_tuple){ *r->in->src, r->in->link, 0 };
	a->id = ++s->last_id;
	a->user_id = r->user.id;
	a->user_expires_s = r->user.expires_s;
	a->created_ms = r->t.now_ms;
	a->created_s = r->t.wall_s;
	memcpy(a->txid, stun_txid(r->msg), sizeof(a->txid));
	a->user = strdup(r->user.name);
	if (a->user == NULL ||
	    htab_put(&s->allocs, tuple_hash(s, &a->tuple), a) != 0) {
		alloc_free(s, a);
		return NULL;
	}
	return a;
}

static enum turn_reason
alloc_open_relay(
    struct turn_req *r, const struct turn_want *want, struct turn_alloc *a)
{
	struct turn_server *s = r->s;
	struct turn_relay relay;
	int err;

	err = s->ops.relay_open(s->ops.arg, want, &relay);
	if (err == -EAFNOSUPPORT)
		return TURN_FAMILY_UNSUPPORTED;
	if (err == -ENOENT)
		return TURN_NO_RESERVATION;
	if (err != 0)
		return err == -EADDRINUSE ? TURN_NO_PORT : TURN_NO_SOCKET;
	a->relay = relay.id;
	a->relayed = relay.addr;
	a->reserved = want->reserve;
	memcpy(a->token, relay.token, sizeof(a->token));
	return TURN_OK;
}

static enum turn_reason
alloc_open(struct turn_req *r, const struct turn_want *want)
{
	struct turn_server *s = r->s;
	enum turn_reason reason;
	struct turn_alloc *a;
	int err;

	err = s->ops.quota_take(s->ops.arg, r->user.id);
	if (err != 0)
		return err == -EDQUOT ? TURN_USER_QUOTA : TURN_FULL;
	a = alloc_new(r);
	if (a == NULL) {
		s->ops.quota_give(s->ops.arg, r->user.id);
		return TURN_FULL;
	}
	reason = alloc_open_relay(r, want, a);
	if (reason != TURN_OK) {
		htab_del(&s->allocs, tuple_hash(s, &a->tuple), a);
		s->ops.quota_give(s->ops.arg, r->user.id);
		alloc_free(s, a);
		return reason;
	}
	a->lifetime_s = lifetime_of(r, get_u32(r, STUN_LIFETIME, 0));
	alloc_set_lifetime(r, a, a->lifetime_s);
	stat_add(&s->stats.allocations, 1);
	stat_add(&s->stats.allocations_total, 1);
	alloc_answer(r, a);
	return TURN_OK;
}

enum turn_reason
alloc_allocate(struct turn_req *r)
{
	struct turn_want want;
	enum turn_reason reason;

	if (r->alloc != NULL) {
		/* RFC 8656 section 7.2: a client that lost our success
		 * response repeats the request with the same transaction id,
		 * and 437 would make it give the relay up. */
		if (!auth_owns(r, r->alloc) ||
		    memcmp(r->alloc->txid, stun_txid(r->msg), STUN_TXID_LEN) !=
			0)
			return TURN_ALLOCATION_EXISTS;
		alloc_answer(r, r->alloc);
		return TURN_OK;
	}
	reason = want_decode(r, &want);
	if (reason != TURN_OK)
		return reason;
	return alloc_open(r, &want);
}

enum turn_reason
alloc_refresh(struct turn_req *r)
{
	struct turn_alloc *a = r->alloc;
	uint32_t lifetime = get_u32(r, STUN_LIFETIME, TURN_LIFETIME_S);
	uint8_t ours = a->relayed.family == ADDR_V4 ? FAMILY_V4 : FAMILY_V6;

	/* RFC 8656 section 8.2 */
	if (stun_find(r->msg, STUN_REQUESTED_ADDRESS_FAMILY) != NULL &&
	    get_family(r) != ours)
		return TURN_PEER_FAMILY;
	if (lifetime != 0) {
		lifetime = lifetime_of(r, lifetime);
		alloc_set_lifetime(r, a, lifetime);
	}
	reply_success(r);
	stun_put_u32(&r->out, STUN_LIFETIME, lifetime);
	if (lifetime == 0) {
		r->alloc = NULL;
		alloc_end(r->s, a, TURN_END_DELETED);
	}
	return TURN_OK;
}
