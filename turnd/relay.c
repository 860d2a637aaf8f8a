/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/net/sock.h"
#include "turnd/door.h"
#include "turnd/relay.h"
#include "turnd/turnd.h"

/* Of the last descriptors no relay is made: the admin API needs some, which
 * would spin on a connection that it cannot take. */
#define SPARE_DESCRIPTORS 32
/* So many ICMP errors of one socket, and the others get their turn. */
#define ERRORS_MAX 16

/* The socket woke us for what ICMP says of datagrams that it sent. What is left
 * wakes us again. */
static void
relay_errors(void *arg)
{
	struct relay *r = arg;
	struct worker *w = r->worker;
	struct sock_error e;
	int i, got = 1;

	for (i = 0; i < ERRORS_MAX && got != 0; i++) {
		got = sock_next_error(r->fd, &e);
		if (got != 1)
			continue;
		/* As it is known to clients. */
		externals_tell(&w->turnd->setup.externals, &e.dst);
		worker_feed_icmp(w,
		    &(struct turn_icmp){
			(uint32_t)r->fd, e.dst, e.type, e.code, e.mtu });
	}
}

static void
relay_input(void *arg, struct batch_in *b, int n)
{
	struct relay *r = arg;
	struct turn_in in = { .from = TURN_PEER, .relay = (uint32_t)r->fd };

	worker_input(r->worker, b, n, &in, NULL);
}

static const struct dgram_ops relay_ops = {
	.input = relay_input,
	.erred = relay_errors,
};

bool
relay_spare(int fd)
{
	struct rlimit lim;

	return getrlimit(RLIMIT_NOFILE, &lim) == 0 &&
	    (rlim_t)fd + SPARE_DESCRIPTORS >= lim.rlim_cur;
}

/* Room in the table for a descriptor. */
static int
relay_room(struct worker *w, int fd)
{
	size_t n = w->nrelays == 0 ? 64 : w->nrelays;
	struct relay **table;

	if (relay_spare(fd))
		return -EMFILE;
	while (n <= (size_t)fd)
		n *= 2;
	if (n == w->nrelays)
		return 0;
	table = realloc(w->relays, n * sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	memset(table + w->nrelays, 0, (n - w->nrelays) * sizeof(*table));
	w->relays = table;
	w->nrelays = n;
	return 0;
}

static int
relay_watch(struct worker *w, int fd, const struct addr *addr, bool tcp)
{
	struct relay *r;
	int err = relay_room(w, fd);

	if (err != 0)
		return err;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	*r = (struct relay){ w, fd, tcp, *addr, NULL, NULL };
	if (tcp)
		r->io = loop_io_new(w->loop, fd, LOOP_READ, tcp_readable, r);
	else
		r->in = dgram_open(w->dgrams, fd, &relay_ops, r);
	if (r->io == NULL && r->in == NULL) {
		free(r);
		return -ENOMEM;
	}
	w->relays[fd] = r;
	if (tcp)
		return 0;
	/* Less room costs packets when we are late, nothing else. */
	sock_set_buffers(fd, w->turnd->relay_buffer, NULL);
	/* Without it clients hear less of their peers, and lose nothing. */
	(void)sock_keep_errors(fd, (enum addr_family)addr->family);
	return 0;
}

int
relay_open(void *worker, const struct turn_want *want, struct turn_relay *relay)
{
	struct worker *w = worker;
	struct addr near = link_addr(w, want->link);
	uint64_t now_ms = loop_now_ms(w->loop), next;
	int fd, err;

	fd = ports_open(w->turnd->ports, want, &near, now_ms, relay);
	if (fd < 0)
		return fd;
	relay->id = (uint32_t)fd;
	err = relay_watch(w, fd, &relay->addr, want->tcp);
	if (err != 0) {
		ports_close(w->turnd->ports, fd, &relay->addr, want->tcp);
		return err;
	}
	externals_tell(&w->turnd->setup.externals, &relay->addr);
	if (want->reserve) {
		next = ports_expire(w->turnd->ports, now_ms);
		if (next > now_ms)
			loop_timer_set(w->unclaimed, next - now_ms);
	}
	return 0;
}

void
relay_close(void *worker, uint32_t id)
{
	struct worker *w = worker;
	struct relay *r = w->relays[id];

	/* What waits to be sent by it goes first: its number may be another
	 * socket's in a moment. */
	batch_tx_flush(w->tx);
	w->relays[id] = NULL;
	loop_io_free(r->io);
	dgram_close(r->in);
	ports_close(w->turnd->ports, r->fd, &r->addr, r->tcp);
	free(r);
}

bool
relay_live(void *worker, const struct addr *addr, bool tcp)
{
	const struct turnd *d = ((struct worker *)worker)->turnd;
	struct addr bound = *addr;

	if (externals_hides(&d->setup.externals, addr))
		return false;
	externals_reach(&d->setup.externals, &bound);
	return ports_live(d->ports, &bound, tcp);
}
