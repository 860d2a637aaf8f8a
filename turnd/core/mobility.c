/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 8016: a client that has a ticket takes its allocation along to another
 * 5-tuple. A ticket says which server keeps the allocation, which one it is,
 * and how often it has moved; it is encrypted and sealed (SIV: the seal is
 * what the encryption begins from), so it tells a client nothing and cannot be
 * guessed. Nothing is kept for one but its number in the allocation.
 */
#include <string.h>

#include "turnd/core/core.h"

#define SEAL_LEN   16
#define PLAIN_LEN  16
#define TICKET_LEN (SEAL_LEN + PLAIN_LEN)

static bool
ticket_eq(const void *obj, const void *id)
{
	const struct turn_alloc *a = obj;

	return a->id == *(const uint64_t *)id;
}

static bool
next_eq(const void *obj, const void *key)
{
	const struct turn_alloc *a = obj;

	return memcmp(&a->next, key, sizeof(a->next)) == 0;
}

static uint64_t
id_hash(const struct turn_server *s, uint64_t id)
{
	return hash_bytes(&s->cfg->hash_key, &id, sizeof(id));
}

/* The first 16 bytes of a MAC; the purposes have nothing in common. */
static int
ticket_mac(const struct turn_server *s, uint8_t purpose,
    const uint8_t in[PLAIN_LEN], uint8_t out[SEAL_LEN])
{
	const struct crypto_span spans[] = { { &purpose, 1 },
		{ in, PLAIN_LEN } };
	uint8_t mac[CRYPTO_SHA256_LEN];
	int err;

	err = crypto_hmac(CRYPTO_SHA256, s->cfg->ticket_key,
	    sizeof(s->cfg->ticket_key), spans, 2, mac);
	memcpy(out, mac, SEAL_LEN);
	return err;
}

/* Encrypts or decrypts. */
static int
ticket_mask(const struct turn_server *s, const uint8_t seal[SEAL_LEN],
    uint8_t text[PLAIN_LEN])
{
	uint8_t mask[SEAL_LEN];
	int err = ticket_mac(s, 'm', seal, mask);
	size_t i;

	for (i = 0; i < PLAIN_LEN; i++)
		text[i] ^= mask[i];
	return err;
}

void
mobility_put_ticket(struct turn_req *r, const struct turn_alloc *a)
{
	uint16_t server[2] = { r->s->ops.server, 0 };
	uint8_t ticket[TICKET_LEN], *plain = ticket + SEAL_LEN;

	if (a->ticket == 0)
		return;
	memcpy(plain, server, 4);
	memcpy(plain + 4, &a->ticket, 4);
	memcpy(plain + 8, &a->id, 8);
	if (ticket_mac(r->s, 's', plain, ticket) == 0 &&
	    ticket_mask(r->s, ticket, plain) == 0)
		stun_put(&r->out, STUN_MOBILITY_TICKET, ticket, TICKET_LEN);
}

/* False: it is not one of ours. */
static bool
ticket_open(struct turn_req *r, const uint8_t *value, size_t len)
{
	uint8_t plain[PLAIN_LEN], seal[SEAL_LEN];
	struct turn_ticket *t = &r->ticket;

	if (len != TICKET_LEN)
		return false;
	memcpy(plain, value + SEAL_LEN, PLAIN_LEN);
	if (ticket_mask(r->s, value, plain) != 0 ||
	    ticket_mac(r->s, 's', plain, seal) != 0 ||
	    !crypto_equal(seal, value, SEAL_LEN))
		return false;
	memcpy(&t->server, plain, sizeof(t->server));
	memcpy(&t->number, plain + 4, sizeof(t->number));
	memcpy(&t->id, plain + 8, sizeof(t->id));
	return true;
}

void
mobility_find(struct turn_req *r)
{
	const struct stun_attr *attr = stun_find(r->msg, STUN_MOBILITY_TICKET);
	struct turn_server *s = r->s;
	struct turn_alloc *a;

	r->ticket.given = attr != NULL;
	if (attr == NULL || !s->cfg->mobility)
		return;
	r->ticket.good = ticket_open(r, stun_value(r->msg, attr), attr->len);
	r->ticket.occupied = r->alloc;
	r->alloc = NULL;
	if (!r->ticket.good)
		return;
	r->moves = r->ticket.server != s->ops.server;
	r->owner = r->ticket.server;
	if (r->moves)
		return;
	a = htab_find(
	    &s->tickets, id_hash(s, r->ticket.id), ticket_eq, &r->ticket.id);
	if (a != NULL && !alloc_expire(s, a))
		r->alloc = a;
}

/* RFC 8016 section 3.2.2, in its order. */
enum turn_reason
mobility_judge(struct turn_req *r)
{
	const struct turn_ticket *t = &r->ticket;

	if (!t->given)
		return TURN_OK;
	if (!r->s->cfg->mobility)
		return TURN_MOBILITY_FORBIDDEN;
	if (!t->good)
		return TURN_BAD_TICKET;
	/* The new 5-tuple has an allocation of its own. */
	if (t->occupied != NULL && t->occupied != r->alloc)
		return TURN_ALLOCATION_EXISTS;
	return TURN_OK;
}

enum turn_reason
mobility_grant(struct turn_req *r, struct turn_alloc *a)
{
	struct turn_server *s = r->s;

	if (htab_put(&s->tickets, id_hash(s, a->id), a) != 0)
		return TURN_FULL;
	a->ticket = 1;
	return TURN_OK;
}

static bool
moving(const struct turn_alloc *a)
{
	return a->next.client.family != ADDR_NONE;
}

/* The client is not expected on the new 5-tuple any more. */
static void
stop_moving(struct turn_server *s, struct turn_alloc *a)
{
	struct turn_tuple left = a->next;

	if (!moving(a))
		return;
	htab_del(&s->moving, tuple_hash(s, &a->next), a);
	a->next = (struct turn_tuple){ .client.family = ADDR_NONE };
	if (s->ops.left != NULL)
		s->ops.left(s->ops.arg, &left.client, left.link);
}

/* Both are what the allocation is found by. */
static bool
is_at(const struct turn_alloc *a, const struct turn_tuple *t)
{
	return memcmp(moving(a) ? &a->next : &a->tuple, t, sizeof(*t)) == 0;
}

enum turn_reason
mobility_move(struct turn_req *r)
{
	struct turn_tuple to = { *r->in->src, r->in->link, 0 };
	struct turn_server *s = r->s;
	struct turn_alloc *a = r->alloc;

	/* "The old ticket can only be used for the purposes of
	 * retransmission": it gets the answer that was lost. */
	if (r->ticket.number == a->ticket - 1 && is_at(a, &to) &&
	    memcmp(a->move_txid, stun_txid(r->msg), STUN_TXID_LEN) == 0)
		return TURN_OK;
	if (r->ticket.number != a->ticket || is_at(a, &to))
		return TURN_BAD_TICKET;
	/* As for a new allocation. */
	if (addr_tunneled(&to.client))
		return TURN_CLIENT_TUNNELED;
	stop_moving(s, a);
	if (!is_at(a, &to)) {
		a->next = to;
		if (htab_put(&s->moving, tuple_hash(s, &to), a) != 0) {
			a->next =
			    (struct turn_tuple){ .client.family = ADDR_NONE };
			return TURN_FULL;
		}
	}
	a->ticket++;
	memcpy(a->move_txid, stun_txid(r->msg), sizeof(a->move_txid));
	return TURN_OK;
}

struct turn_alloc *
mobility_at(const struct turn_server *s, const struct turn_tuple *t)
{
	/* Few are on their way at any time, and most often none. */
	if (s->moving.used == 0)
		return NULL;
	return htab_find(&s->moving, tuple_hash(s, t), next_eq, t);
}

/* A channel that finds no room is gone, as if its time were over. */
static void
move_channels(struct turn_server *s, struct turn_alloc *a)
{
	struct turn_chan *c, *next;

	for (c = LIST_FIRST(&a->chans); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		htab_del(&s->chan_tuples, tuple_hash(s, &c->tuple), c);
		c->tuple.client = a->tuple.client;
		c->tuple.link = a->tuple.link;
		if (htab_put(&s->chan_tuples, tuple_hash(s, &c->tuple), c) != 0)
			chan_free(s, c);
	}
}

/*
 * Section 3.2.2: with the first data from the new 5-tuple, or when the
 * connection of the old one is closed, the old one is over.
 */
void
mobility_arrive(struct turn_server *s, struct turn_alloc *a)
{
	struct turn_tuple old = a->tuple;

	if (htab_put(&s->allocs, tuple_hash(s, &a->next), a) != 0)
		return; /* it goes on at the old one */
	htab_del(&s->moving, tuple_hash(s, &a->next), a);
	htab_del(&s->allocs, tuple_hash(s, &old), a);
	a->tuple = a->next;
	a->next = (struct turn_tuple){ .client.family = ADDR_NONE };
	move_channels(s, a);
	if (s->ops.left != NULL)
		s->ops.left(s->ops.arg, &old.client, old.link);
}

bool
mobility_data(struct turn_server *s, const struct turn_tuple *from)
{
	struct turn_tuple key = { from->client, from->link, 0 };
	struct turn_alloc *a = mobility_at(s, &key);

	if (a == NULL || alloc_expire(s, a))
		return false;
	mobility_arrive(s, a);
	return true;
}

bool
mobility_gone(
    struct turn_server *s, struct turn_alloc *a, const struct turn_tuple *t)
{
	if (moving(a) && is_at(a, t))
		stop_moving(s, a);
	else if (moving(a))
		mobility_arrive(s, a);
	/* Break before make: with its ticket the client may come back. */
	return a->ticket != 0;
}

void
mobility_end(struct turn_server *s, struct turn_alloc *a)
{
	stop_moving(s, a);
	if (a->ticket != 0)
		htab_del(&s->tickets, id_hash(s, a->id), a);
	a->ticket = 0;
}
