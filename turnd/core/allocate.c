/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

#define TRANSPORT_TCP 6 /* IANA protocol numbers of REQUESTED-TRANSPORT */
#define TRANSPORT_UDP 17
#define FAMILY_V4     1 /* of REQUESTED-ADDRESS-FAMILY */
#define FAMILY_V6     2

static uint64_t
share_id(const struct turn_req *r)
{
	return r->user.share != 0 ? r->user.share : r->user.id;
}

/* RFC 8656 section 7.2: at least the default, at most what is configured. */
static uint32_t
lifetime_of(const struct turn_req *r, uint32_t asked)
{
	uint32_t max = r->s->cfg->max_lifetime_s;

	if (asked > max)
		asked = max;
	if (asked < TURN_LIFETIME_S)
		asked = TURN_LIFETIME_S;
	return oauth_lifetime(r, asked);
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

/* By which of its numbers the client would know ADDITIONAL-ADDRESS-FAMILY. */
static uint16_t
additional(const struct turn_req *r)
{
	return stun_find(r->msg, STUN_ADDITIONAL_ADDRESS_FAMILY_OLD) != NULL
	    ? STUN_ADDITIONAL_ADDRESS_FAMILY_OLD
	    : STUN_ADDITIONAL_ADDRESS_FAMILY;
}

static enum turn_reason
want_family(const struct turn_req *r, struct turn_want *want, bool *dual)
{
	bool asked = stun_find(r->msg, STUN_REQUESTED_ADDRESS_FAMILY) != NULL;
	uint8_t family = asked ? get_family(r) : FAMILY_V4;

	*dual = stun_find(r->msg, additional(r)) != NULL;
	/* RFC 8656 section 7.2: a reservation has its family already, and
	 * there is one token in an answer. */
	if ((asked || *dual) && want->token != NULL)
		return TURN_BAD_ATTRIBUTE;
	if (*dual &&
	    (asked || want->reserve ||
		get_u32(r, additional(r), 0) >> 24 != FAMILY_V6))
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

static enum turn_reason
want_transport(const struct turn_req *r, struct turn_want *want)
{
	uint32_t protocol = get_u32(r, STUN_REQUESTED_TRANSPORT, 0) >> 24;

	if (protocol == TRANSPORT_UDP)
		return TURN_OK;
	if (protocol != TRANSPORT_TCP || r->s->cfg->max_connections == 0)
		return TURN_TRANSPORT_UNSUPPORTED;
	/* RFC 6062 section 5.1 */
	if (!r->in->stream)
		return TURN_NOT_STREAM;
	if (stun_find(r->msg, STUN_EVEN_PORT) != NULL ||
	    stun_find(r->msg, STUN_RESERVATION_TOKEN) != NULL ||
	    stun_find(r->msg, STUN_DONT_FRAGMENT) != NULL)
		return TURN_UDP_ATTRIBUTE;
	want->tcp = true;
	return TURN_OK;
}

/*
 * RFC 8656 section 3.7: who does not see the DF bits of the IPv4 datagrams that
 * become IPv6 refuses DONT-FRAGMENT. With a relayed address of each family it
 * is good for one of them.
 */
static enum turn_reason
want_whole(struct turn_req *r, const struct turn_want *want)
{
	if (stun_find(r->msg, STUN_DONT_FRAGMENT) == NULL ||
	    want->family == ADDR_V4 || r->in->stream ||
	    r->in->src->family == ADDR_V6)
		return TURN_OK;
	r->unknown[0] = STUN_DONT_FRAGMENT;
	r->nunknown = 1;
	return TURN_UNKNOWN_ATTRIBUTE;
}

/* What the client asks for, in the order of RFC 8656 section 7.2. */
static enum turn_reason
want_decode(struct turn_req *r, struct turn_want *want, bool *dual)
{
	enum turn_reason reason;

	*want = (struct turn_want){ .user = r->user.id, .link = r->in->link };
	if (stun_find(r->msg, STUN_REQUESTED_TRANSPORT) == NULL)
		return TURN_MISSING_ATTRIBUTE;
	reason = want_transport(r, want);
	if (reason == TURN_OK)
		reason = want_port(r, want);
	if (reason == TURN_OK)
		reason = want_family(r, want, dual);
	return reason != TURN_OK ? reason : want_whole(r, want);
}

static void
alloc_answer(struct turn_req *r, const struct turn_alloc *a)
{
	bool old = additional(r) == STUN_ADDITIONAL_ADDRESS_FAMILY_OLD;
	uint8_t missing = FAMILY_V4;
	int f;

	reply_success(r);
	for (f = 0; f < TURN_FAMILIES; f++) {
		if (a->halves[f].expires_ms != 0)
			stun_put_xor_addr(&r->out, STUN_XOR_RELAYED_ADDRESS,
			    &a->halves[f].relayed);
	}
	if (a->halves[TURN_V4].relayed.family != ADDR_NONE)
		missing = FAMILY_V6;
	if (a->denied != 0)
		stun_put_address_error(&r->out,
		    old ? STUN_ADDRESS_ERROR_CODE_OLD : STUN_ADDRESS_ERROR_CODE,
		    missing, a->denied, turn_code_phrase(a->denied));
	stun_put_u32(&r->out, STUN_LIFETIME, a->lifetime_s);
	mobility_put_ticket(r, a);
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
	a->realm = r->realm;
	a->user_id = r->user.id;
	a->share_id = share_id(r);
	a->user_expires_s = r->user.expires_s;
	a->created_ms = r->t.now_ms;
	a->created_s = r->t.wall_s;
	memcpy(a->txid, stun_txid(r->msg), sizeof(a->txid));
	a->user = strdup(r->user.name);
	if (a->user == NULL || !oauth_keep(r, a) ||
	    htab_put(&s->allocs, tuple_hash(s, &a->tuple), a) != 0) {
		alloc_free(s, a);
		return NULL;
	}
	return a;
}

static enum turn_reason
quota_take(const struct turn_req *r, enum turn_family family)
{
	const struct turn_ops *ops = &r->s->ops;
	struct turn_share share =
	    alloc_share(r->s, r->realm, share_id(r), family);

	share.limit = r->record.quota;
	switch (ops->quota_take(ops->arg, &share)) {
	case 0:
		return TURN_OK;
	case -EDQUOT:
		return TURN_USER_QUOTA;
	case -EUSERS:
		return TURN_REALM_QUOTA;
	default:
		return TURN_FULL;
	}
}

static void
quota_give(const struct turn_req *r, enum turn_family family)
{
	const struct turn_ops *ops = &r->s->ops;
	struct turn_share share =
	    alloc_share(r->s, r->realm, share_id(r), family);

	ops->quota_give(ops->arg, &share);
}

static enum turn_reason
relay_reason(int err)
{
	switch (err) {
	case 0:
		return TURN_OK;
	case -EAFNOSUPPORT:
		return TURN_FAMILY_UNSUPPORTED;
	case -ENOENT:
		return TURN_NO_RESERVATION;
	case -EADDRINUSE:
		return TURN_NO_PORT;
	default:
		return TURN_NO_SOCKET;
	}
}

/* Opens a relay that the quota of family has been taken for. */
static enum turn_reason
half_open_relay(struct turn_req *r, const struct turn_want *want,
    enum turn_family *family, struct turn_relay *relay)
{
	struct turn_ops *ops = &r->s->ops;
	enum turn_reason reason;

	reason = relay_reason(ops->relay_open(ops->arg, want, relay));
	if (reason != TURN_OK || turn_family(&relay->addr) == *family)
		return reason;
	/* Only a token's family is not known before. */
	quota_give(r, *family);
	*family = turn_family(&relay->addr);
	reason = quota_take(r, *family);
	if (reason == TURN_OK)
		return TURN_OK;
	ops->relay_close(ops->arg, relay->id);
	/* For the caller to give back what it took. */
	*family = TURN_FAMILIES;
	return reason;
}

static enum turn_reason
half_open(struct turn_req *r, const struct turn_want *want,
    struct turn_alloc *a, uint64_t expires_ms)
{
	enum turn_family family = want->family == ADDR_V4 ? TURN_V4 : TURN_V6;
	struct turn_relay relay;
	enum turn_reason reason;

	reason = quota_take(r, family);
	if (reason != TURN_OK)
		return reason;
	reason = half_open_relay(r, want, &family, &relay);
	if (reason != TURN_OK) {
		if (family != TURN_FAMILIES)
			quota_give(r, family);
		return reason;
	}
	a->halves[family] =
	    (struct turn_half){ relay.addr, relay.id, expires_ms };
	a->reserved = want->reserve;
	memcpy(a->token, relay.token, sizeof(a->token));
	return TURN_OK;
}

/*
 * RFC 8656 section 7.2: both families, or the one that can be had and the
 * reason against the other, for which only 440 and 508 are defined.
 */
static enum turn_reason
alloc_open_both(struct turn_req *r, struct turn_want *want,
    struct turn_alloc *a, uint64_t expires_ms)
{
	enum turn_reason v4, v6, failed;

	want->family = ADDR_V4;
	v4 = half_open(r, want, a, expires_ms);
	if (v4 == TURN_USER_QUOTA)
		return v4;
	want->family = ADDR_V6;
	v6 = half_open(r, want, a, expires_ms);
	if (v6 == TURN_USER_QUOTA)
		return v6;
	if (v4 != TURN_OK && v6 != TURN_OK)
		return v6 == TURN_FAMILY_UNSUPPORTED ? v4 : v6;
	failed = v4 != TURN_OK ? v4 : v6;
	if (failed != TURN_OK) {
		a->denied = (uint16_t)turn_reason_info(failed)->code;
		stat_add(&r->s->stats.reasons[failed], 1);
	}
	return TURN_OK;
}

static enum turn_reason
alloc_open(struct turn_req *r, struct turn_want *want, bool dual)
{
	uint32_t lifetime_s = lifetime_of(r, get_u32(r, STUN_LIFETIME, 0));
	uint64_t expires_ms = r->t.now_ms + (uint64_t)lifetime_s * 1000;
	struct turn_server *s = r->s;
	struct turn_alloc *a = alloc_new(r);
	enum turn_reason reason;

	if (a == NULL)
		return TURN_FULL;
	reason = dual ? alloc_open_both(r, want, a, expires_ms)
		      : half_open(r, want, a, expires_ms);
	if (reason == TURN_OK)
		reason = meter_begin(r, a);
	if (reason == TURN_OK && stun_find(r->msg, STUN_MOBILITY_TICKET))
		reason = mobility_grant(r, a);
	if (reason != TURN_OK) {
		alloc_drop(s, a);
		return reason;
	}
	a->tcp = want->tcp;
	a->lifetime_s = lifetime_s;
	alloc_set_timer(s, a);
	stat_add(&s->stats.allocations, 1);
	stat_add(&s->stats.allocations_total, 1);
	alloc_answer(r, a);
	return TURN_OK;
}

/* RFC 8016 section 3.1.2: an empty MOBILITY-TICKET asks for one. */
static enum turn_reason
want_ticket(const struct turn_req *r, const struct turn_want *want)
{
	const struct stun_attr *a = stun_find(r->msg, STUN_MOBILITY_TICKET);

	if (a == NULL)
		return TURN_OK;
	if (a->len != 0)
		return TURN_BAD_TICKET;
	/* The connections of a TCP allocation are its client's connections. */
	return r->s->cfg->mobility && !want->tcp ? TURN_OK
						 : TURN_MOBILITY_FORBIDDEN;
}

enum turn_reason
alloc_allocate(struct turn_req *r)
{
	struct turn_want want;
	enum turn_reason reason;
	bool dual;

	if (r->alloc != NULL && !mobility_abandoned(r)) {
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
	/* RFC 8656 section 21.4: a loop through the tunnel would amplify. */
	if (addr_tunneled(r->in->src))
		return TURN_CLIENT_TUNNELED;
	reason = want_decode(r, &want, &dual);
	if (reason == TURN_OK)
		reason = want_ticket(r, &want);
	if (reason != TURN_OK)
		return reason;
	if (r->s->draining)
		return alternate_judge(r, TURN_DRAINING);
	reason = alloc_open(r, &want, dual);
	/* What another server may have. */
	if (reason == TURN_FULL || reason == TURN_NO_PORT ||
	    reason == TURN_NO_SOCKET)
		reason = alternate_judge(r, reason);
	return reason;
}

/* Which of the allocation's families a Refresh is about; how many. */
static int
refresh_picks(const struct turn_req *r, bool picks[TURN_FAMILIES])
{
	bool named = stun_find(r->msg, STUN_REQUESTED_ADDRESS_FAMILY) != NULL;
	int f, n = 0;

	for (f = 0; f < TURN_FAMILIES; f++) {
		picks[f] = r->alloc->halves[f].expires_ms != 0 &&
		    (!named || get_family(r) == FAMILY_V4 + f);
		n += picks[f];
	}
	return n;
}

/* A lifetime of 0 ends what is picked, and the allocation with the last. */
static void
refresh_apply(
    struct turn_req *r, const bool picks[TURN_FAMILIES], uint32_t lifetime_s)
{
	struct turn_half *halves = r->alloc->halves;
	bool stays = false;
	int f;

	for (f = 0; f < TURN_FAMILIES; f++) {
		if (picks[f] && lifetime_s != 0)
			halves[f].expires_ms =
			    r->t.now_ms + (uint64_t)lifetime_s * 1000;
		stays |=
		    halves[f].expires_ms != 0 && (!picks[f] || lifetime_s != 0);
	}
	if (!stays) {
		alloc_end(r->s, r->alloc, TURN_END_DELETED);
		r->alloc = NULL;
		return;
	}
	for (f = 0; f < TURN_FAMILIES && lifetime_s == 0; f++) {
		if (picks[f])
			alloc_half_end(r->s, r->alloc, (enum turn_family)f);
	}
	alloc_set_timer(r->s, r->alloc);
}

/* RFC 8656 section 8.2 */
enum turn_reason
alloc_refresh(struct turn_req *r)
{
	uint32_t lifetime = get_u32(r, STUN_LIFETIME, TURN_LIFETIME_S);
	bool picks[TURN_FAMILIES];
	enum turn_reason reason;

	if (refresh_picks(r, picks) == 0)
		return TURN_PEER_FAMILY;
	if (r->ticket.given) {
		reason = mobility_move(r);
		if (reason != TURN_OK)
			return reason;
	}
	if (!oauth_keep(r, r->alloc))
		return TURN_FULL;
	if (lifetime != 0)
		lifetime = lifetime_of(r, lifetime);
	refresh_apply(r, picks, lifetime);
	reply_success(r);
	stun_put_u32(&r->out, STUN_LIFETIME, lifetime);
	if (r->ticket.given && r->alloc != NULL)
		mobility_put_ticket(r, r->alloc);
	return TURN_OK;
}
