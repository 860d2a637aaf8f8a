/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients over UDP or DTLS that moved (RFC 8016) to where another worker hears
 * them. An allocation stays with the worker that made it, its home; the one
 * that hears the client sends home what comes, copied, and passes on what the
 * home has for a client over DTLS, whose keys it has. Over UDP the home answers
 * by itself, for its socket of the listener has the same address.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turnd/clients.h"
#include "turnd/turnd.h"

/* What may wait for one worker; more is dropped as on a full socket. */
#define PARCELS_MAX 4096
/* Clients of others that a worker hears. */
#define ROAMERS_MAX 65536

enum parcel_kind {
	PARCEL_MESSAGE, /* home: what the client said */
	PARCEL_ANSWER,  /* from home: what the client is to hear */
	PARCEL_CLOSED,  /* home: its association is closed */
	PARCEL_FORGET,  /* from home: no allocation is there */
};

/* The 5-tuple as every worker knows it. Without holes: hashed as bytes. */
struct roam_id {
	uint16_t listener;
	struct addr local;
	struct addr client;
};

struct parcel {
	struct turnd *turnd;
	enum parcel_kind kind;
	uint16_t from, to;
	bool verified;
	struct roam_id id;
	size_t len;
	uint8_t data[];
};

struct roamer {
	struct roam_id id;
	uint16_t home;
};

static bool
roamer_eq(const void *obj, const void *key)
{
	const struct roamer *r = obj;

	return memcmp(&r->id, key, sizeof(r->id)) == 0;
}

static uint64_t
id_hash(const struct worker *w, const struct roam_id *id)
{
	return hash_bytes(&w->turnd->setup.core.hash_key, id, sizeof(*id));
}

static struct roam_id
id_of(const struct worker *w, const struct addr *client, uint16_t link)
{
	const struct link *l = links_at(w->links, link);

	return (struct roam_id){ l->listener, l->local, *client };
}

static struct roamer *
roamer_find(const struct worker *w, const struct roam_id *id)
{
	/* Most workers hear no such client, ever. */
	if (w->roamers.used == 0)
		return NULL;
	return htab_find(&w->roamers, id_hash(w, id), roamer_eq, id);
}

static void
roamer_drop(struct worker *w, struct roamer *r)
{
	if (r == NULL)
		return;
	htab_del(&w->roamers, id_hash(w, &r->id), r);
	free(r);
}

static void parcel_open(void *arg);

static struct parcel *
parcel_new(const struct worker *w, enum parcel_kind kind, uint16_t to,
    const struct roam_id *id, size_t len)
{
	struct parcel *p = malloc(sizeof(*p) + len);

	if (p == NULL)
		return NULL;
	*p = (struct parcel){
		.turnd = w->turnd,
		.kind = kind,
		.from = (uint16_t)w->index,
		.to = to,
		.id = *id,
		.len = len,
	};
	return p;
}

/* Takes the parcel, which may be NULL. */
static void
parcel_post(struct worker *w, struct parcel *p)
{
	_Atomic uint32_t *waiting;

	if (p != NULL && p->to < w->turnd->workers) {
		waiting = &w->turnd->parcels[p->to];
		if (atomic_fetch_add(waiting, 1) < PARCELS_MAX &&
		    loop_post(
			daemon_loop(w->turnd->run, p->to), parcel_open, p) == 0)
			return;
		atomic_fetch_sub(waiting, 1);
	}
	free(p);
	stat_add(&w->stats->reasons[TURN_ROAM_FULL], 1);
}

static void
post_message(struct worker *w, uint16_t home, const struct roam_id *id,
    const struct turn_in *in)
{
	struct parcel *p = parcel_new(w, PARCEL_MESSAGE, home, id, in->len);

	if (p != NULL) {
		p->verified = in->verified;
		memcpy(p->data, in->data, in->len);
	}
	parcel_post(w, p);
}

/* The home's number for a 5-tuple that worker from hears; or -errno. */
static int
far_link(struct worker *w, const struct parcel *p)
{
	return links_get_via(w->links, p->from, p->id.listener, &p->id.local,
	    loop_now_ms(w->loop));
}

static void
open_message(struct worker *w, struct parcel *p)
{
	int link = far_link(w, p);
	struct turn_in in = {
		.from = TURN_CLIENT,
		.data = p->data,
		.len = p->len,
		.src = &p->id.client,
		.verified = p->verified,
		.link = (uint16_t)link,
	};

	if (link < 0) {
		stat_add(&w->stats->reasons[TURN_TOO_MANY_ADDRESSES], 1);
		return;
	}
	worker_feed(w, &in, worker_now(w));
	worker_flush(w); /* the parcel is what was queued */
	if (!turn_server_has(
		w->server, &p->id.client, (uint16_t)link, worker_now(w)))
		roam_left(w, &p->id.client, (uint16_t)link);
}

static void
open_answer(struct worker *w, struct parcel *p)
{
	int link = links_get(
	    w->links, p->id.listener, &p->id.local, loop_now_ms(w->loop));
	struct turn_out out = {
		.to = TURN_CLIENT,
		.data = p->data,
		.len = p->len,
		.reply = p->data,
		.dst = &p->id.client,
		.link = (uint16_t)link,
	};

	if (link >= 0)
		(void)clients_send(w, &out);
	worker_flush(w);
}

static void
open_closed(struct worker *w, struct parcel *p)
{
	int link = far_link(w, p);

	if (link < 0)
		return;
	turn_server_gone(
	    w->server, &p->id.client, (uint16_t)link, worker_now(w));
	w->timers_moved = true;
}

/* Unless the client has moved once more meanwhile, to another home. */
static void
open_forget(struct worker *w, struct parcel *p)
{
	struct roamer *r = roamer_find(w, &p->id);

	if (r != NULL && r->home == p->from)
		roamer_drop(w, r);
}

/* On the thread of the worker that it is for, or after that has ended. */
static void
parcel_open(void *arg)
{
	static void (*const open[])(struct worker *, struct parcel *) = {
		[PARCEL_MESSAGE] = open_message,
		[PARCEL_ANSWER] = open_answer,
		[PARCEL_CLOSED] = open_closed,
		[PARCEL_FORGET] = open_forget,
	};
	struct parcel *p = arg;
	struct worker *w = p->turnd->running[p->to];

	atomic_fetch_sub(&p->turnd->parcels[p->to], 1);
	if (w != NULL)
		open[p->kind](w, p);
	free(p);
}

void
roam_open(struct worker *w)
{
	htab_init(&w->roamers, ROAMERS_MAX);
}

void
roam_close(struct worker *w)
{
	struct roamer *r;
	size_t pos = 0;

	while ((r = htab_next(&w->roamers, &pos)) != NULL)
		free(r);
	htab_fini(&w->roamers);
}

bool
roam_forward(struct worker *w, const struct turn_in *in)
{
	struct roam_id id;
	struct roamer *r;

	if (w->roamers.used == 0 || links_at(w->links, in->link)->via != 0)
		return false;
	id = id_of(w, in->src, in->link);
	r = roamer_find(w, &id);
	if (r == NULL)
		return false;
	post_message(w, r->home, &id, in);
	return true;
}

void
roam_begin(struct worker *w, const struct turn_in *in, uint16_t home)
{
	struct roam_id id = id_of(w, in->src, in->link);
	struct roamer *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return;
	r->id = id;
	r->home = home;
	if (htab_put(&w->roamers, id_hash(w, &id), r) != 0) {
		free(r);
		stat_add(&w->stats->reasons[TURN_ROAM_FULL], 1);
		return;
	}
	post_message(w, home, &id, in);
}

bool
roam_has(const struct worker *w, const struct addr *client, uint16_t link)
{
	struct roam_id id = id_of(w, client, link);

	return roamer_find(w, &id) != NULL;
}

void
roam_closed(struct worker *w, const struct addr *client, uint16_t link)
{
	struct roam_id id = id_of(w, client, link);
	struct roamer *r = roamer_find(w, &id);

	if (r == NULL)
		return;
	parcel_post(w, parcel_new(w, PARCEL_CLOSED, r->home, &id, 0));
	roamer_drop(w, r);
}

void
roam_send(struct worker *w, const struct turn_out *out)
{
	const struct link *l = links_at(w->links, out->link);
	struct roam_id id = { l->listener, l->local, *out->dst };
	struct parcel *p = parcel_new(w, PARCEL_ANSWER, (uint16_t)(l->via - 1),
	    &id, out->head_len + out->len);

	if (p != NULL) {
		memcpy(p->data, out->head, out->head_len);
		memcpy(p->data + out->head_len, out->data, out->len);
	}
	parcel_post(w, p);
}

void
roam_left(struct worker *w, const struct addr *client, uint16_t link)
{
	const struct link *l = links_at(w->links, link);
	struct roam_id id = { l->listener, l->local, *client };

	if (l->via != 0)
		parcel_post(w,
		    parcel_new(
			w, PARCEL_FORGET, (uint16_t)(l->via - 1), &id, 0));
}
