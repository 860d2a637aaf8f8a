/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 8016: a client that has a ticket takes its allocation along to another
 * 5-tuple. A ticket says which server keeps the allocation, which one it is,
 * and how often it has moved; it is encrypted and sealed (SIV: the seal is
 * what the encryption begins from), so it tells a client nothing and cannot be
 * guessed. Nothing is kept for one but its number in the allocation. It is text
 * of 32 characters, because coturn's client takes it for a string, and has no
 * room for a longer one.
 *
 * While it moves an allocation has two 5-tuples. Data goes to the old one until
 * data comes from the new one, which ends the old one (section 3.2.2). It also
 * goes to the new one as soon as a request comes from there that needs no
 * ticket: such a client has heard that it moved, and one that only listens
 * would else hear nothing more (coturn's, for one). Then the old one may still
 * send for a while.
 */
#include <string.h>

#include "turnd/core/core.h"

#define SEAL_LEN   12
#define PLAIN_LEN  12 /* server, 3 bytes of its number, id */
#define TICKET_LEN (SEAL_LEN + PLAIN_LEN)
#define TEXT_LEN   (TICKET_LEN / 3 * 4)
#define NUMBER_MAX 0xffffff
/* So long data is taken from where a client was. */
#define OLD_MS 30000

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

/* The beginning of a MAC; the purposes have nothing in common. */
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
	uint8_t mask[PLAIN_LEN];
	int err = ticket_mac(s, 'm', seal, mask);
	size_t i;

	for (i = 0; i < PLAIN_LEN; i++)
		text[i] ^= mask[i];
	return err;
}

void
mobility_put_ticket(struct turn_req *r, const struct turn_alloc *a)
{
	uint32_t head = (uint32_t)r->s->ops.server << 24 | a->ticket;
	uint8_t ticket[TICKET_LEN], *plain = ticket + SEAL_LEN;
	char text[CRYPTO_BASE64_LEN(TICKET_LEN)];

	if (a->ticket == 0)
		return;
	memcpy(plain, &head, sizeof(head));
	memcpy(plain + sizeof(head), &a->id, sizeof(a->id));
	if (ticket_mac(r->s, 's', plain, ticket) != 0 ||
	    ticket_mask(r->s, ticket, plain) != 0)
		return;
	crypto_base64url(ticket, TICKET_LEN, text);
	stun_put(&r->out, STUN_MOBILITY_TICKET, text, TEXT_LEN);
}

/* False: it is not one of ours. */
static bool
ticket_open(struct turn_req *r, const uint8_t *value, size_t len)
{
	uint8_t ticket[TICKET_LEN], *plain = ticket + SEAL_LEN, seal[SEAL_LEN];
	struct turn_ticket *t = &r->ticket;
	size_t room = sizeof(ticket);
	uint32_t head;

	if (len != TEXT_LEN ||
	    crypto_base64url_decode((const char *)value, len, ticket, &room) !=
		0 ||
	    room != TICKET_LEN)
		return false;
	if (ticket_mask(r->s, ticket, plain) != 0 ||
	    ticket_mac(r->s, 's', plain, seal) != 0 ||
	    !crypto_equal(seal, ticket, SEAL_LEN))
		return false;
	memcpy(&head, plain, sizeof(head));
	t->server = (uint16_t)(head >> 24);
	t->number = head & NUMBER_MAX;
	memcpy(&t->id, plain + sizeof(head), sizeof(t->id));
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

/* Only one 5-tuple is left of the two. */
static void
drop_next(struct turn_server *s, struct turn_alloc *a)
{
	struct turn_tuple left = a->next;

	if (!moving(a))
		return;
	htab_del(&s->moving, tuple_hash(s, &a->next), a);
	a->next = (struct turn_tuple){ .client.family = ADDR_NONE };
	a->arrived = false;
	if (s->ops.left != NULL)
		s->ops.left(s->ops.arg, &left.client, left.link);
}

/* Is this the 5-tuple that the last ticket was given to? */
static bool
is_at(const struct turn_alloc *a, const struct turn_tuple *t)
{
	return memcmp(moving(a) && !a->arrived ? &a->next : &a->tuple, t,
		   sizeof(*t)) == 0;
}

static bool
is_next(const struct turn_alloc *a, const struct turn_tuple *t)
{
	return moving(a) && memcmp(&a->next, t, sizeof(*t)) == 0;
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

/* The 5-tuples change places: from now on data goes to what was next. */
static bool
swap(struct turn_server *s, struct turn_alloc *a)
{
	struct turn_tuple old = a->tuple;

	if (htab_put(&s->allocs, tuple_hash(s, &a->next), a) != 0)
		return false; /* it goes on where it is */
	htab_del(&s->moving, tuple_hash(s, &a->next), a);
	htab_del(&s->allocs, tuple_hash(s, &old), a);
	a->tuple = a->next;
	a->next = old;
	a->arrived = true;
	a->adrift = false;
	a->old_until_ms = s->seen.now_ms + OLD_MS;
	move_channels(s, a);
	/* There was one entry, and there is room for one. */
	(void)htab_put(&s->moving, tuple_hash(s, &a->next), a);
	return true;
}

enum turn_reason
mobility_move(struct turn_req *r)
{
	struct turn_tuple to = { *r->in->src, r->in->link, 0 };
	struct turn_server *s = r->s;
	struct turn_alloc *a = r->alloc;

	/* "The old ticket can only be used for the purposes of
	 * retransmission": it gets the answer that was lost. */
	if (r->ticket.number % NUMBER_MAX + 1 == a->ticket && is_at(a, &to) &&
	    memcmp(a->move_txid, stun_txid(r->msg), STUN_TXID_LEN) == 0)
		return TURN_OK;
	if (r->ticket.number != a->ticket || is_at(a, &to))
		return TURN_BAD_TICKET;
	/* As for a new allocation. */
	if (addr_tunneled(&to.client))
		return TURN_CLIENT_TUNNELED;
	drop_next(s, a);
	if (!is_at(a, &to)) {
		a->next = to;
		if (htab_put(&s->moving, tuple_hash(s, &to), a) != 0) {
			a->next =
			    (struct turn_tuple){ .client.family = ADDR_NONE };
			return TURN_FULL;
		}
	}
	if (a->adrift && moving(a) && swap(s, a))
		drop_next(s, a);
	a->ticket = a->ticket % NUMBER_MAX + 1;
	memcpy(a->move_txid, stun_txid(r->msg), sizeof(a->move_txid));
	return TURN_OK;
}

struct turn_alloc *
mobility_at(struct turn_server *s, const struct turn_tuple *t)
{
	struct turn_alloc *a;

	/* Few are on their way at any time, and most often none. */
	if (s->moving.used == 0)
		return NULL;
	a = htab_find(&s->moving, tuple_hash(s, t), next_eq, t);
	if (a == NULL || !a->arrived || s->seen.now_ms < a->old_until_ms)
		return a;
	drop_next(s, a);
	return NULL;
}

bool
mobility_data(struct turn_server *s, struct turn_tuple *from)
{
	struct turn_tuple key = { from->client, from->link, 0 };
	struct turn_alloc *a = mobility_at(s, &key);

	if (a == NULL || alloc_expire(s, a))
		return false;
	if (!a->arrived && swap(s, a))
		drop_next(s, a);
	from->client = a->tuple.client;
	from->link = a->tuple.link;
	return true;
}

void
mobility_request(struct turn_req *r)
{
	struct turn_tuple from = { *r->in->src, r->in->link, 0 };
	struct turn_alloc *a = r->alloc;

	if (!r->ticket.given && !a->arrived && is_next(a, &from))
		(void)swap(r->s, a);
}

bool
mobility_abandoned(struct turn_req *r)
{
	struct turn_tuple from = { *r->in->src, r->in->link, 0 };

	if (!r->alloc->arrived || !is_next(r->alloc, &from))
		return false;
	drop_next(r->s, r->alloc);
	r->alloc = NULL;
	return true;
}

bool
mobility_gone(
    struct turn_server *s, struct turn_alloc *a, const struct turn_tuple *t)
{
	if (is_next(a, t) || (moving(a) && swap(s, a)))
		drop_next(s, a);
	else
		a->adrift = true;
	/* Break before make: with its ticket the client may come back. */
	return a->ticket != 0;
}

void
mobility_end(struct turn_server *s, struct turn_alloc *a)
{
	drop_next(s, a);
	if (a->ticket != 0)
		htab_del(&s->tickets, id_hash(s, a->id), a);
	a->ticket = 0;
}
