/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

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
	if (a == NULL)
		a = mobility_at(s, &key);
	/* The wheel comes by up to a tick late; lifetimes are exact. */
	return a != NULL && alloc_expire(s, a) ? NULL : a;
}

struct turn_half *
alloc_half(struct turn_alloc *a, const struct addr *peer)
{
	struct turn_half *h = &a->halves[turn_family(peer)];

	return h->expires_ms != 0 ? h : NULL;
}

void
alloc_info(const struct turn_alloc *a, uint64_t now_ms, bool ended,
    struct turn_alloc_info *out)
{
	const struct turn_half *h;
	const struct turn_chan *c;
	int d, f;

	*out = (struct turn_alloc_info){
		.id = a->id,
		.user = a->user,
		.realm = a->realm == NULL ? "" : a->realm->name,
		.client = a->tuple.client,
		.link = a->tuple.link,
		.next_link = a->next.client.family != ADDR_NONE ? a->next.link
								: a->tuple.link,
		.created_s = a->created_s,
		.age_ms = now_ms - a->created_ms,
		.permissions = a->nperms,
		.channels = a->nchans,
		.tcp = a->tcp,
		.connections = a->nconns,
		.traffic = { a->traffic[0], a->traffic[1] },
	};
	for (f = 0; f < TURN_FAMILIES; f++) {
		h = &a->halves[f];
		if (ended || h->expires_ms != 0)
			out->relayed[f] = h->relayed;
		if (h->expires_ms > now_ms + out->left_ms)
			out->left_ms = h->expires_ms - now_ms;
	}
	LIST_FOREACH (c, &a->chans, link) {
		for (d = 0; d < TURN_DIRECTIONS; d++) {
			out->traffic[d].packets += c->traffic[d].packets;
			out->traffic[d].bytes += c->traffic[d].bytes;
		}
	}
}

void
alloc_free(struct turn_server *s, struct turn_alloc *a)
{
	oauth_forget(a);
	free(a->user);
	pool_put(s->alloc_pool, a);
}

struct turn_share
alloc_share(const struct turn_server *s, const struct turn_realm *realm,
    uint64_t user, enum turn_family family)
{
	/* An open relay's are all of one. */
	return (struct turn_share){
		.user = user,
		.realm = realm == NULL ? 0 : (uint16_t)(realm - s->cfg->realms),
		.family = family,
	};
}

/* RFC 8656 section 8.1: and the permissions and channels of this family, but
 * none of the other. */
void
alloc_half_end(
    struct turn_server *s, struct turn_alloc *a, enum turn_family family)
{
	struct turn_half *h = &a->halves[family];
	struct turn_chan *c, *next_c;
	struct turn_perm *p, *next_p;
	struct turn_share share;
	struct turn_conn *n, *next_n;

	if (h->expires_ms == 0)
		return;
	for (n = LIST_FIRST(&a->conns); n != NULL; n = next_n) {
		next_n = LIST_NEXT(n, link);
		if (n->key.relay == h->relay)
			tcp_end(s, n);
	}
	for (c = LIST_FIRST(&a->chans); c != NULL; c = next_c) {
		next_c = LIST_NEXT(c, link);
		if (c->key.relay == h->relay)
			chan_free(s, c);
	}
	for (p = LIST_FIRST(&a->perms); p != NULL; p = next_p) {
		next_p = LIST_NEXT(p, link);
		if (p->key.relay == h->relay)
			perm_free(s, p);
	}
	h->expires_ms = 0;
	s->ops.relay_close(s->ops.arg, h->relay);
	share = alloc_share(s, a->realm, a->share_id, family);
	s->ops.quota_give(s->ops.arg, &share);
}

void
alloc_drop(struct turn_server *s, struct turn_alloc *a)
{
	alloc_half_end(s, a, TURN_V4);
	alloc_half_end(s, a, TURN_V6);
	mobility_end(s, a);
	wheel_clear(&s->alloc_wheel, &a->timer);
	htab_del(&s->allocs, tuple_hash(s, &a->tuple), a);
	alloc_free(s, a);
}

void
alloc_end(struct turn_server *s, struct turn_alloc *a, enum turn_end why)
{
	struct turn_alloc_info info;

	alloc_info(a, s->seen.now_ms, true, &info);
	s->ops.ended(s->ops.arg, &info, why);
	stat_add(&s->stats.allocations, (uint64_t)-1);
	alloc_drop(s, a);
}

/* When the first of the halves ends. */
void
alloc_set_timer(struct turn_server *s, struct turn_alloc *a)
{
	uint64_t first = UINT64_MAX;
	int f;

	for (f = 0; f < TURN_FAMILIES; f++) {
		if (a->halves[f].expires_ms != 0 &&
		    a->halves[f].expires_ms < first)
			first = a->halves[f].expires_ms;
	}
	wheel_set(&s->alloc_wheel, &a->timer, first);
}

bool
alloc_expire(struct turn_server *s, struct turn_alloc *a)
{
	bool due[TURN_FAMILIES];
	int f, live = 0, over = 0;

	for (f = 0; f < TURN_FAMILIES; f++) {
		due[f] = a->halves[f].expires_ms != 0 &&
		    a->halves[f].expires_ms <= s->seen.now_ms;
		live += a->halves[f].expires_ms != 0;
		over += due[f];
	}
	if (over == 0)
		return false;
	if (over == live) {
		alloc_end(s, a, TURN_END_EXPIRED);
		return true;
	}
	alloc_half_end(s, a, due[TURN_V4] ? TURN_V4 : TURN_V6);
	alloc_set_timer(s, a);
	return false;
}
