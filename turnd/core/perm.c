/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "turnd/core/core.h"

static bool
perm_eq(const void *obj, const void *key)
{
	const struct turn_perm *p = obj;

	return memcmp(&p->key, key, sizeof(p->key)) == 0;
}

struct turn_perm *
perm_find(struct turn_server *s, uint32_t relay, const struct addr *peer)
{
	struct turn_peer_key key = { *peer, relay };
	struct turn_perm *p;

	key.peer.port = 0; /* RFC 8656 section 9: ports do not matter */
	p = htab_find(&s->perms, peer_hash(s, &key), perm_eq, &key);
	if (p != NULL && p->until_ms <= s->seen.now_ms) {
		perm_free(s, p);
		p = NULL;
	}
	return p;
}

void
perm_free(struct turn_server *s, struct turn_perm *p)
{
	LIST_REMOVE(p, link);
	p->alloc->nperms--;
	wheel_clear(&s->perm_wheel, &p->timer);
	htab_del(&s->perms, peer_hash(s, &p->key), p);
	pool_put(s->perm_pool, p);
}

static struct turn_perm *
perm_new(struct turn_server *s, struct turn_alloc *a, const struct addr *peer)
{
	struct turn_perm *p;

	if (a->nperms >= s->cfg->max_permissions)
		return NULL;
	p = pool_get(s->perm_pool);
	if (p == NULL)
		return NULL;
	p->key = (struct turn_peer_key){ *peer, alloc_half(a, peer)->relay };
	p->key.peer.port = 0;
	p->alloc = a;
	if (htab_put(&s->perms, peer_hash(s, &p->key), p) != 0) {
		pool_put(s->perm_pool, p);
		return NULL;
	}
	LIST_INSERT_HEAD(&a->perms, p, link);
	a->nperms++;
	return p;
}

enum turn_reason
perm_grant(struct turn_server *s, struct turn_alloc *a, const struct addr *peer,
    bool own)
{
	struct turn_perm *p = perm_find(s, alloc_half(a, peer)->relay, peer);

	if (p == NULL)
		p = perm_new(s, a, peer);
	if (p == NULL)
		return TURN_PEER_LIMIT;
	p->own = own;
	p->until_ms = s->seen.now_ms + TURN_PERMISSION_S * 1000;
	wheel_set(&s->perm_wheel, &p->timer, p->until_ms);
	chan_permitted(a, peer, p->until_ms);
	return TURN_OK;
}

/* The peers of a request, judged one by one. */
struct perm_list {
	struct addr peer[STUN_MAX_ATTRS];
	bool own[STUN_MAX_ATTRS];
	size_t n;
};

static enum turn_reason
perm_decode(struct turn_req *r, struct perm_list *list)
{
	const struct stun_attr *attr;
	enum turn_reason reason;
	struct addr *peer;
	size_t i;

	for (i = 0; i < r->msg->nattrs; i++) {
		attr = &r->msg->attrs[i];
		if (attr->type != STUN_XOR_PEER_ADDRESS)
			continue;
		peer = &list->peer[list->n];
		if (stun_read_xor_addr(r->msg, attr, peer) != 0)
			return TURN_BAD_ATTRIBUTE;
		reason = peer_check(r, peer, &list->own[list->n]);
		if (reason != TURN_OK)
			return reason;
		list->n++;
	}
	return list->n > 0 ? TURN_OK : TURN_MISSING_ATTRIBUTE;
}

/* How many of the list's addresses have no permission yet. */
static size_t
perm_missing(struct turn_req *r, const struct perm_list *list)
{
	size_t i, j, n = 0;
	uint32_t relay;

	for (i = 0; i < list->n; i++) {
		for (j = 0; j < i; j++) {
			if (addr_equal_ip(&list->peer[i], &list->peer[j]))
				break;
		}
		relay = alloc_half(r->alloc, &list->peer[i])->relay;
		if (j == i && perm_find(r->s, relay, &list->peer[i]) == NULL)
			n++;
	}
	return n;
}

/* RFC 8656 section 10.2: all peers of the request or none. */
enum turn_reason
perm_create(struct turn_req *r)
{
	enum turn_reason reason;
	struct perm_list list;
	size_t i;

	list.n = 0;
	reason = perm_decode(r, &list);
	if (reason != TURN_OK)
		return reason;
	if (r->alloc->nperms + perm_missing(r, &list) >
	    r->s->cfg->max_permissions)
		return TURN_PEER_LIMIT;
	for (i = 0; i < list.n; i++) {
		reason = perm_grant(r->s, r->alloc, &list.peer[i], list.own[i]);
		/* Out of memory half-way: those granted run out unused. */
		if (reason != TURN_OK)
			return reason;
	}
	reply_success(r);
	return TURN_OK;
}
