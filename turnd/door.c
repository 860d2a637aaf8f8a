/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turnd/door.h"
#include "turnd/turnd.h"

static void
door_input(void *arg, struct batch_in *b, int n)
{
	struct door *d = arg;
	struct turn_in in = { .from = TURN_CLIENT };

	worker_input(d->worker, b, n, &in, d);
}

static const struct dgram_ops door_ops = { .input = door_input };

static enum door_kind
door_kind_of(const struct listener *l)
{
	return !listener_is_datagram(l) ? DOOR_STREAM
	    : listener_is(l, "dtls")    ? DOOR_DTLS
					: DOOR_UDP;
}

/* 0 or -ENOMEM */
static int
door_open(struct door *d)
{
	struct worker *w = d->worker;
	const struct turnd *t = w->turnd;
	const struct listener *l = &t->listeners.items[d->listener];

	d->kind = door_kind_of(l);
	d->fd = l->fds[w->index];
	d->secure = l->secure;
	if (l->shares)
		return 0;
	if (d->kind == DOOR_STREAM)
		return streams_listen(w->streams, d->fd, &l->addr,
		    &(struct stream_kind){ d->listener, l->secure,
			l->secure != LISTENER_NONE ? t->tls : NULL });
	d->in = dgram_open(w->dgrams, d->fd, &door_ops, d);
	return d->in == NULL ? -ENOMEM : 0;
}

int
doors_open(struct worker *w)
{
	const struct turnd *t = w->turnd;
	uint16_t i;

	w->doors = calloc(t->listeners.n, sizeof(*w->doors));
	w->links = links_new(w->server, t->setup.core.hash_key, t->listeners.n);
	if (w->doors == NULL || w->links == NULL)
		return -ENOMEM;
	for (i = 0; i < t->listeners.n; i++) {
		w->doors[i].worker = w;
		w->doors[i].listener = i;
		if (door_open(&w->doors[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

void
doors_close(struct worker *w)
{
	size_t i;

	for (i = 0; w->doors != NULL && i < w->turnd->listeners.n; i++)
		dgram_close(w->doors[i].in);
	free(w->doors);
	links_free(w->links);
}

struct addr
link_addr(const struct worker *w, uint16_t link)
{
	const struct link *l = links_at(w->links, link);
	const struct addr *bound = &w->turnd->listeners.items[l->listener].addr;
	struct addr a = l->local.family != ADDR_NONE ? l->local : *bound;

	a.port = bound->port;
	return a;
}

const char *
link_scheme(const struct worker *w, uint16_t link)
{
	return w->turnd->listeners.items[links_at(w->links, link)->listener]
	    .scheme;
}
