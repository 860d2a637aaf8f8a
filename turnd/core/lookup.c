/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/htab.h"
#include "turnd/core/lookup.h"

/* Networks told apart before they share a place: 64 KiB. */
#define RATE_SLOTS 4096

enum state { ASKING, KNOWN, NOBODY, FAILED };

TAILQ_HEAD(entries, entry);

struct entry {
	TAILQ_ENTRY(entry) next; /* while it is not asked about */
	uint64_t hash;
	enum state state;
	uint64_t until_ms, stale_ms; /* good until; with rec: at the worst */
	uint64_t waiting;            /* workers, a bit each */
	bool has_rec;
	struct turn_record rec;
	char key[]; /* realm, NUL, name, NUL */
};

struct lookup {
	struct lookup_conf conf;
	struct htab table;
	struct entries known, others; /* the longest unused first */
	size_t nknown, nothers;
	struct limit *rate;
	struct lookup_stats stats;
	uint64_t asked; /* counts up, for tickets */
	struct {
		uint64_t ticket; /* 0: free */
		struct entry *entry;
	} slots[LOOKUP_ASKING_MAX];
};

struct lookup *
lookup_new(const struct lookup_conf *conf)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conf = *conf;
	TAILQ_INIT(&l->known);
	TAILQ_INIT(&l->others);
	htab_init(&l->table, 2 * conf->entries + LOOKUP_ASKING_MAX);
	l->rate = limit_new(RATE_SLOTS, &conf->hash_key);
	if (l->rate == NULL) {
		lookup_free(l);
		return NULL;
	}
	return l;
}

static void
entry_free(struct entry *e)
{
	crypto_wipe(&e->rec, sizeof(e->rec));
	free(e);
}

void
lookup_free(struct lookup *l)
{
	struct entry *e;
	size_t pos = 0;

	if (l == NULL)
		return;
	while ((e = htab_next(&l->table, &pos)) != NULL)
		entry_free(e);
	htab_fini(&l->table);
	limit_free(l->rate);
	free(l);
}

static bool
entry_eq(const void *obj, const void *key)
{
	const struct entry *e = obj;
	const struct lookup_who *who = key;
	size_t head = strlen(e->key) + 1;

	return strcmp(e->key, who->realm) == 0 &&
	    strcmp(e->key + head, who->name) == 0;
}

static uint64_t
who_hash(const struct lookup *l, const struct lookup_who *who)
{
	struct hash_key key = l->conf.hash_key;

	key.k0 ^= hash_bytes(&key, who->realm, strlen(who->realm));
	return hash_bytes(&key, who->name, strlen(who->name));
}

static struct entry *
entry_new(struct lookup *l, const struct lookup_who *who, uint64_t hash)
{
	size_t head = strlen(who->realm) + 1, len = strlen(who->name) + 1;
	struct entry *e = calloc(1, sizeof(*e) + head + len);

	if (e == NULL)
		return NULL;
	memcpy(e->key, who->realm, head);
	memcpy(e->key + head, who->name, len);
	e->hash = hash;
	if (htab_put(&l->table, hash, e) != 0) {
		entry_free(e);
		return NULL;
	}
	return e;
}

static void
entry_unlist(struct lookup *l, struct entry *e)
{
	if (e->state == KNOWN) {
		TAILQ_REMOVE(&l->known, e, next);
		l->nknown--;
	} else {
		TAILQ_REMOVE(&l->others, e, next);
		l->nothers--;
	}
}

/* Into the list of its state, which loses its first when it is too long. */
static void
entry_list(struct lookup *l, struct entry *e)
{
	struct entries *list = e->state == KNOWN ? &l->known : &l->others;
	size_t *n = e->state == KNOWN ? &l->nknown : &l->nothers;
	struct entry *first;

	TAILQ_INSERT_TAIL(list, e, next);
	if (++*n <= l->conf.entries)
		return;
	first = TAILQ_FIRST(list);
	entry_unlist(l, first);
	htab_del(&l->table, first->hash, first);
	entry_free(first);
}

static int
entry_tell(struct lookup *l, struct entry *e, struct turn_record *rec)
{
	entry_unlist(l, e);
	entry_list(l, e);
	if (e->state == KNOWN)
		*rec = e->rec;
	return e->state == KNOWN ? 0 : e->state == NOBODY ? -ENOENT : -EIO;
}

/* A free slot, or LOOKUP_ASKING_MAX. */
static size_t
slot_find(const struct lookup *l)
{
	size_t i;

	for (i = 0; i < l->conf.asking; i++) {
		if (l->slots[i].ticket == 0)
			return i;
	}
	return LOOKUP_ASKING_MAX;
}

/* Begins to ask about e (NULL: a new one). 0, or -EBUSY. */
static int
ask_begin(struct lookup *l, struct entry *e, const struct lookup_who *who,
    uint64_t now_ms, struct lookup_ask *ask)
{
	struct prefix network = limit_network(who->client);
	size_t slot = slot_find(l);

	if (slot == LOOKUP_ASKING_MAX ||
	    !limit_take(l->rate, &l->conf.rate, &network, now_ms))
		return -EBUSY;
	if (e != NULL)
		entry_unlist(l, e);
	else
		e = entry_new(l, who, ask->user);
	if (e == NULL)
		return -EBUSY;
	e->state = ASKING;
	e->waiting = 0;
	l->slots[slot].entry = e;
	l->slots[slot].ticket = ask->ticket =
	    ++l->asked * LOOKUP_ASKING_MAX + slot;
	l->stats.asked++;
	l->stats.asking++;
	return 0;
}

int
lookup_find(struct lookup *l, const struct lookup_who *who, uint64_t now_ms,
    struct turn_record *rec, struct lookup_ask *ask)
{
	struct entry *e;

	ask->ticket = 0;
	ask->user = who_hash(l, who);
	e = htab_find(&l->table, ask->user, entry_eq, who);
	if (e == NULL || e->state != ASKING) {
		if (e != NULL && now_ms < e->until_ms) {
			l->stats.hits++;
			return entry_tell(l, e, rec);
		}
		if (ask_begin(l, e, who, now_ms, ask) != 0) {
			l->stats.limited++;
			return e != NULL && e->has_rec && now_ms < e->stale_ms
			    ? entry_tell(l, e, rec)
			    : -EBUSY;
		}
		e = htab_find(&l->table, ask->user, entry_eq, who);
	}
	e->waiting |= UINT64_C(1) << who->worker;
	return -EINPROGRESS;
}

bool
lookup_asked(const struct lookup *l, uint64_t ticket, const char **realm,
    const char **name)
{
	size_t slot = ticket % LOOKUP_ASKING_MAX;

	if (ticket == 0 || l->slots[slot].ticket != ticket)
		return false;
	*realm = l->slots[slot].entry->key;
	*name = *realm + strlen(*realm) + 1;
	return true;
}

static void
entry_answer(struct lookup *l, struct entry *e, enum lookup_result result,
    const struct turn_record *rec, uint64_t now_ms)
{
	switch (result) {
	case LOOKUP_FOUND:
		e->rec = *rec;
		e->has_rec = true;
		e->state = KNOWN;
		e->until_ms = now_ms + l->conf.found_ms;
		e->stale_ms = e->until_ms + l->conf.stale_ms;
		return;
	case LOOKUP_NOBODY:
		crypto_wipe(&e->rec, sizeof(e->rec));
		e->has_rec = false;
		e->state = NOBODY;
		e->until_ms = now_ms + l->conf.nobody_ms;
		return;
	case LOOKUP_FAILED:
		e->state = e->has_rec && now_ms < e->stale_ms ? KNOWN : FAILED;
		e->until_ms = now_ms + l->conf.failed_ms;
		return;
	}
}

uint64_t
lookup_answer(struct lookup *l, uint64_t ticket, enum lookup_result result,
    const struct turn_record *rec, uint64_t now_ms, uint64_t *user)
{
	size_t slot = ticket % LOOKUP_ASKING_MAX;
	struct entry *e = l->slots[slot].entry;
	uint64_t waiting;

	if (ticket == 0 || l->slots[slot].ticket != ticket)
		return 0;
	l->slots[slot].ticket = 0;
	l->stats.asking--;
	l->stats.answered[result]++;
	waiting = e->waiting;
	*user = e->hash;
	entry_answer(l, e, result, rec, now_ms);
	entry_list(l, e);
	return waiting;
}

const struct lookup_stats *
lookup_stats(const struct lookup *l)
{
	return &l->stats;
}
