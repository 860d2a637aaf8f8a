/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "turnd/core/core.h"

static_assert(
    sizeof(struct turn_tuple) == 24 && sizeof(struct turn_peer_key) == 24,
    "keys are hashed as bytes: no holes");
static_assert(
    offsetof(struct turn_chan, traffic) == 64, "a flow is one cache line");

static bool
tuple_eq(const void *obj, const void *key)
{
	const struct turn_chan *c = obj;

	return memcmp(&c->tuple, key, sizeof(c->tuple)) == 0;
}

static bool
peer_eq(const void *obj, const void *key)
{
	const struct turn_chan *c = obj;

	return memcmp(&c->key, key, sizeof(c->key)) == 0;
}

struct turn_chan *
chan_by_tuple(const struct turn_server *s, const struct turn_tuple *key)
{
	return htab_find(&s->chan_tuples, tuple_hash(s, key), tuple_eq, key);
}

struct turn_chan *
chan_by_peer(const struct turn_server *s, const struct turn_peer_key *key)
{
	return htab_find(&s->chan_peers, peer_hash(s, key), peer_eq, key);
}

static void
chan_set_until(struct turn_chan *c, uint64_t perm_until_ms)
{
	c->until_ms = perm_until_ms < c->bound_until_ms ? perm_until_ms
							: c->bound_until_ms;
}

void
chan_permitted(
    struct turn_alloc *a, const struct addr *ip, uint64_t perm_until_ms)
{
	struct turn_chan *c;

	LIST_FOREACH (c, &a->chans, link) {
		if (addr_equal_ip(&c->key.peer, ip))
			chan_set_until(c, perm_until_ms);
	}
}

void
chan_free(struct turn_server *s, struct turn_chan *c)
{
	struct turn_alloc *a = c->alloc;
	int d;

	for (d = 0; d < TURN_DIRECTIONS; d++) {
		a->traffic[d].packets += c->traffic[d].packets;
		a->traffic[d].bytes += c->traffic[d].bytes;
	}
	LIST_REMOVE(c, link);
	a->nchans--;
	wheel_clear(&s->chan_wheel, &c->timer);
	htab_del(&s->chan_tuples, tuple_hash(s, &c->tuple), c);
	htab_del(&s->chan_peers, peer_hash(s, &c->key), c);
	pool_put(s->chan_pool, c);
}

/* A binding whose time is over but that the wheel has not reached is none. */
static struct turn_chan *
chan_live(struct turn_server *s, struct turn_chan *c)
{
	if (c != NULL && c->bound_until_ms <= s->seen.now_ms) {
		chan_free(s, c);
		return NULL;
	}
	return c;
}

static struct turn_chan *
chan_new(struct turn_server *s, struct turn_alloc *a,
    const struct turn_tuple *tuple, const struct turn_peer_key *key)
{
	struct turn_chan *c;

	if (a->nchans >= s->cfg->max_channels)
		return NULL;
	c = pool_get(s->chan_pool);
	if (c == NULL)
		return NULL;
	c->tuple = *tuple;
	c->key = *key;
	c->alloc = a;
	c->metered = a->metered;
	if (htab_put(&s->chan_tuples, tuple_hash(s, tuple), c) != 0)
		goto fail;
	if (htab_put(&s->chan_peers, peer_hash(s, key), c) != 0) {
		htab_del(&s->chan_tuples, tuple_hash(s, tuple), c);
		goto fail;
	}
	LIST_INSERT_HEAD(&a->chans, c, link);
	a->nchans++;
	return c;
fail:
	pool_put(s->chan_pool, c);
	return NULL;
}

static enum turn_reason
chan_decode(const struct turn_req *r, uint16_t *number, struct addr *peer)
{
	uint32_t v;
	int err;

	err = stun_get_u32(r->msg, STUN_CHANNEL_NUMBER, &v);
	if (err == 0)
		err = stun_get_xor_addr(r->msg, STUN_XOR_PEER_ADDRESS, peer);
	if (err != 0)
		return err == -ENOENT ? TURN_MISSING_ATTRIBUTE
				      : TURN_BAD_ATTRIBUTE;
	*number = (uint16_t)(v >> 16);
	if (*number < STUN_CHANNEL_MIN || *number > r->s->cfg->channel_max)
		return TURN_BAD_CHANNEL;
	/* No datagram comes from port 0, and port 0 marks a permission. */
	return peer->port == 0 ? TURN_BAD_ATTRIBUTE : TURN_OK;
}

/* Binds or refreshes, permission included (RFC 8656 section 12.2). */
static enum turn_reason
chan_install(struct turn_req *r, struct turn_chan *c,
    const struct turn_tuple *tuple, const struct turn_peer_key *key, bool own)
{
	struct turn_server *s = r->s;
	bool fresh = c == NULL;
	enum turn_reason reason;

	if (fresh)
		c = chan_new(s, r->alloc, tuple, key);
	if (c == NULL)
		return TURN_PEER_LIMIT;
	reason = perm_grant(s, r->alloc, &key->peer, own);
	if (reason != TURN_OK) {
		if (fresh)
			chan_free(s, c);
		return reason;
	}
	c->own = own;
	c->bound_until_ms = r->t.now_ms + TURN_CHANNEL_S * 1000;
	wheel_set(&s->chan_wheel, &c->timer, c->bound_until_ms);
	chan_set_until(c, r->t.now_ms + TURN_PERMISSION_S * 1000);
	return TURN_OK;
}

enum turn_reason
chan_bind(struct turn_req *r)
{
	struct turn_tuple tuple = r->alloc->tuple;
	struct turn_peer_key key;
	struct turn_chan *by_tuple, *by_peer;
	enum turn_reason reason;
	bool own;

	if (r->alloc->tcp)
		return TURN_NOT_UDP;
	reason = chan_decode(r, &tuple.channel, &key.peer);
	if (reason == TURN_OK)
		reason = peer_check(r, &key.peer, &own);
	if (reason != TURN_OK)
		return reason;
	key.relay = alloc_half(r->alloc, &key.peer)->relay;
	by_tuple = chan_live(r->s, chan_by_tuple(r->s, &tuple));
	by_peer = chan_live(r->s, chan_by_peer(r->s, &key));
	if (by_tuple != by_peer)
		return by_tuple != NULL ? TURN_CHANNEL_IN_USE
					: TURN_PEER_IN_USE;
	reason = chan_install(r, by_tuple, &tuple, &key, own);
	if (reason == TURN_OK)
		reply_success(r);
	return reason;
}
