/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/htab.h"
#include "turnd/core/server.h"
#include "turnd/links.h"

/* A sweep looks at every allocation, so strangers must not cause many. */
#define SWEEP_MS 1000

static_assert(sizeof(struct link) == 2 * sizeof(uint16_t) + sizeof(struct addr),
    "a key is hashed as bytes: no holes");

struct entry {
	struct link link;
	SLIST_ENTRY(entry) next;
	bool known; /* in the table */
};

struct links {
	const struct turn_server *server;
	struct hash_key hash_key;
	struct htab table; /* of entries behind the listeners', by link */
	SLIST_HEAD(, entry) unused;
	uint64_t sweep_ms; /* not before then */
	size_t listeners;
	size_t n; /* entries that were ever used */
	struct entry entries[LINKS_MAX];
};

struct links *
links_new(
    const struct turn_server *server, struct hash_key key, size_t listeners)
{
	struct links *l;
	size_t i;

	if (listeners > LINKS_MAX)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->server = server;
	l->hash_key = key;
	htab_init(&l->table, LINKS_MAX);
	SLIST_INIT(&l->unused);
	for (i = 0; i < listeners; i++)
		l->entries[i].link.listener = (uint16_t)i;
	l->listeners = l->n = listeners;
	return l;
}

void
links_free(struct links *l)
{
	if (l == NULL)
		return;
	htab_fini(&l->table);
	free(l);
}

static uint64_t
link_hash(const struct links *l, const struct link *k)
{
	return hash_bytes(&l->hash_key, k, sizeof(*k));
}

static bool
link_eq(const void *obj, const void *key)
{
	const struct entry *e = obj;
	const struct link *k = key;

	return e->link.listener == k->listener && e->link.via == k->via &&
	    addr_equal(&e->link.local, &k->local);
}

/* Forgets the links that no allocation is on. */
static void
links_sweep(struct links *l)
{
	bool used[LINKS_MAX] = { false };
	struct turn_alloc_info info;
	struct entry *e;
	size_t i, pos = 0;

	while (turn_server_walk(l->server, &pos, 0, &info))
		used[info.link] = used[info.next_link] = true;
	for (i = l->listeners; i < l->n; i++) {
		e = &l->entries[i];
		if (used[i] || !e->known)
			continue;
		htab_del(&l->table, link_hash(l, &e->link), e);
		e->known = false;
		SLIST_INSERT_HEAD(&l->unused, e, next);
	}
}

static struct entry *
entry_get(struct links *l, uint64_t now_ms)
{
	struct entry *e;

	if (l->n < LINKS_MAX)
		return &l->entries[l->n++];
	if (SLIST_EMPTY(&l->unused) && now_ms >= l->sweep_ms) {
		l->sweep_ms = now_ms + SWEEP_MS;
		links_sweep(l);
	}
	e = SLIST_FIRST(&l->unused);
	if (e != NULL)
		SLIST_REMOVE_HEAD(&l->unused, next);
	return e;
}

static int
number_of(struct links *l, const struct link *key, uint64_t now_ms)
{
	uint64_t hash = link_hash(l, key);
	struct entry *e;

	e = htab_find(&l->table, hash, link_eq, key);
	if (e == NULL) {
		e = entry_get(l, now_ms);
		if (e == NULL)
			return -ENOSPC;
		e->link = *key;
		if (htab_put(&l->table, hash, e) != 0) {
			SLIST_INSERT_HEAD(&l->unused, e, next);
			return -ENOMEM;
		}
		e->known = true;
	}
	return (int)(e - l->entries);
}

int
links_get(struct links *l, uint16_t listener, const struct addr *local,
    uint64_t now_ms)
{
	const struct link key = { listener, 0, *local };

	return local->family == ADDR_NONE ? listener
					  : number_of(l, &key, now_ms);
}

int
links_get_via(struct links *l, uint16_t worker, uint16_t listener,
    const struct addr *local, uint64_t now_ms)
{
	const struct link key = { listener, (uint16_t)(worker + 1), *local };

	return number_of(l, &key, now_ms);
}

const struct link *
links_at(const struct links *l, uint16_t number)
{
	return &l->entries[number].link;
}
