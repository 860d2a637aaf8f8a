/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp: the sockets of TCP allocations (RFC 6062). A peer's data stay in the
 * kernel, whose window tells the peer, until the client's connection has come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/pool.h"
#include "lib/net/sock.h"
#include "turnd/pair.h"
#include "turnd/relay.h"
#include "turnd/turnd.h"

#define ACCEPT_ROUNDS 16
#define REST_MS       1000 /* after running out of descriptors */

/* What there is of a connection of the core, by its number. */
struct conn {
	struct worker *worker;
	uint32_t id;
	int fd;             /* the peer's; -1: the pair has it */
	struct loop_io *io; /* while connecting */
	struct pair *pair;
};

static uint64_t
conn_hash(const struct worker *w, uint32_t id)
{
	return hash_bytes(&w->turnd->setup.core.hash_key, &id, sizeof(id));
}

static bool
conn_eq(const void *obj, const void *key)
{
	const struct conn *c = obj;

	return c->id == *(const uint32_t *)key;
}

static struct conn *
conn_find(const struct worker *w, uint32_t id)
{
	return htab_find(&w->conns, conn_hash(w, id), conn_eq, &id);
}

/* Takes the descriptor. NULL: no memory, or it is one of the last. */
static struct conn *
conn_new(struct worker *w, uint32_t id, int fd)
{
	struct conn *c = relay_spare(fd) ? NULL : pool_get(w->conn_pool);

	if (c == NULL)
		return NULL;
	*c = (struct conn){ .worker = w, .id = id, .fd = fd };
	if (htab_put(&w->conns, conn_hash(w, id), c) != 0) {
		pool_put(w->conn_pool, c);
		return NULL;
	}
	return c;
}

void
tcp_conn_close(void *worker, uint32_t id)
{
	struct worker *w = worker;
	struct conn *c = conn_find(w, id);

	if (c == NULL)
		return;
	htab_del(&w->conns, conn_hash(w, id), c);
	loop_io_free(c->io);
	pair_free(c->pair);
	if (c->fd >= 0)
		close(c->fd);
	pool_put(w->conn_pool, c);
}

static void
conn_writable(void *arg, int fd, int what)
{
	struct conn *c = arg;

	loop_io_free(c->io);
	c->io = NULL;
	worker_connected(c->worker, c->id, sock_connected(fd));
}

int
tcp_conn_open(
    void *worker, uint32_t relay, const struct addr *peer, uint32_t id)
{
	struct worker *w = worker;
	struct addr to = *peer;
	struct conn *c;
	int fd;

	externals_reach(&w->turnd->setup.externals, &to);
	fd = sock_tcp_connect(&w->relays[relay]->addr, &to);
	if (fd < 0)
		return fd;
	c = conn_new(w, id, fd);
	if (c == NULL) {
		close(fd);
		return -EMFILE;
	}
	c->io = loop_io_new(w->loop, fd, LOOP_WRITE, conn_writable, c);
	if (c->io != NULL)
		return 0;
	tcp_conn_close(w, id);
	return -ENOMEM;
}

static void
conn_accepted(struct relay *r, int fd, const struct sockaddr_storage *from)
{
	struct worker *w = r->worker;
	struct addr peer;
	uint32_t id;

	if (addr_from_sockaddr(from, &peer) != 0) {
		close(fd);
		return;
	}
	/* As it is known to clients. */
	externals_tell(&w->turnd->setup.externals, &peer);
	if (!worker_incoming(w, (uint32_t)r->fd, &peer, &id)) {
		close(fd);
		return;
	}
	if (conn_new(w, id, fd) != NULL)
		return;
	close(fd);
	stat_add(&w->stats->reasons[TURN_NO_SOCKET], 1);
	turn_server_conn_over(w->server, id, worker_now(w));
}

/* Connections stay in the queues, and would wake us up for nothing again and
 * again. */
static void
accept_pause(struct relay *r)
{
	(void)loop_io_set(r->io, 0);
	(void)loop_timer_set(r->worker->conn_rest, REST_MS);
}

static void
accept_resume(void *arg)
{
	struct worker *w = arg;
	size_t i;

	for (i = 0; i < w->nrelays; i++) {
		if (w->relays[i] != NULL && w->relays[i]->tcp)
			(void)loop_io_set(w->relays[i]->io, LOOP_READ);
	}
}

void
tcp_readable(void *relay, int listener, int what)
{
	struct relay *r = relay;
	struct sockaddr_storage from;
	socklen_t len;
	int fd, rounds;

	for (rounds = 0; rounds < ACCEPT_ROUNDS; rounds++) {
		len = sizeof(from);
		fd = accept4(listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_accepted(r, fd, &from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			accept_pause(r);
		return;
	}
}

static bool
pair_may(void *arg, enum turn_direction d, size_t bytes)
{
	const struct conn *c = arg;
	struct worker *w = c->worker;

	return turn_server_may_relay(w->server, c->id, d, bytes, worker_now(w));
}

static void
pair_moved(void *arg, enum turn_direction d, size_t bytes)
{
	const struct conn *c = arg;

	turn_server_relayed(c->worker->server, c->id, d, bytes);
}

static void
pair_over(void *arg)
{
	const struct conn *c = arg;
	struct worker *w = c->worker;

	turn_server_conn_over(w->server, c->id, worker_now(w));
}

void
tcp_join(struct worker *w, uint32_t id, struct stream_parts *parts)
{
	struct conn *c = conn_find(w, id);
	const struct pair_ops ops = { c, pair_may, pair_moved, pair_over };

	if (c != NULL)
		c->pair = pair_new(w->loop, parts, c->fd, &ops);
	if (c != NULL && c->pair != NULL) {
		c->fd = -1;
		return;
	}
	stream_parts_fini(parts);
	turn_server_conn_over(w->server, id, worker_now(w));
}

struct move {
	struct turnd *turnd;
	int worker;
	struct stream_parts parts;
};

/* On the thread of the worker that it goes to, or on main's after all. */
static void
move_arrive(void *arg)
{
	struct move *m = arg;
	struct worker *w = m->turnd->running[m->worker];

	if (w == NULL || streams_adopt(w->streams, &m->parts) != 0)
		stream_parts_fini(&m->parts);
	free(m);
}

void
tcp_move(struct worker *w, int worker, struct stream_parts *parts)
{
	struct move *m = malloc(sizeof(*m));

	if (m == NULL) {
		stream_parts_fini(parts);
		return;
	}
	*m = (struct move){ w->turnd, worker, *parts };
	if (loop_post(daemon_loop(w->turnd->run, worker), move_arrive, m) !=
	    0) {
		stream_parts_fini(&m->parts);
		free(m);
	}
}

int
tcp_open(struct worker *w)
{
	size_t max = w->turnd->setup.core.connections;

	htab_init(&w->conns, max);
	w->conn_pool = pool_new(sizeof(struct conn), max);
	w->conn_rest = loop_timer_new(w->loop, accept_resume, w);
	return w->conn_pool == NULL || w->conn_rest == NULL ? -ENOMEM : 0;
}

void
tcp_close(struct worker *w)
{
	htab_fini(&w->conns);
	pool_free(w->conn_pool);
	loop_timer_free(w->conn_rest);
}
