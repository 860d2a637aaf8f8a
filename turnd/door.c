/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turnd/turnd.h"

static void
door_readable(void *arg, int fd, int what)
{
	struct door *d = arg;
	struct turn_in in = { .from = TURN_CLIENT };

	worker_read(d->worker, fd, &in, d);
}

int
doors_open(struct worker *w)
{
	const struct turnd *t = w->turnd;
	struct door *d;
	uint16_t i;

	w->doors = calloc(t->listeners.n, sizeof(*w->doors));
	w->links = links_new(w->server, t->setup.core.hash_key, t->listeners.n);
	if (w->doors == NULL || w->links == NULL)
		return -ENOMEM;
	for (i = 0; i < t->listeners.n; i++) {
		d = &w->doors[i];
		d->worker = w;
		d->fd = t->listeners.items[i].fds[w->index];
		d->listener = i;
		if (!listener_is(&t->listeners.items[i], "udp")) {
			if (streams_listen(w->streams, i, d->fd,
				&t->listeners.items[i].addr,
				listener_is(&t->listeners.items[i], "tls")
				    ? t->tls
				    : NULL) != 0)
				return -ENOMEM;
			continue;
		}
		batch_rx_merge(d->fd);
		d->io =
		    loop_io_new(w->loop, d->fd, LOOP_READ, door_readable, d);
		if (d->io == NULL)
			return -ENOMEM;
	}
	return 0;
}

void
doors_close(struct worker *w)
{
	size_t i;

	for (i = 0; w->doors != NULL && i < w->turnd->listeners.n; i++)
		loop_io_free(w->doors[i].io);
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
