/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/net/sock.h"
#include "turnd/ports.h"

#define PORTS_TRIES       64    /* ports tried for one allocation */
#define RESERVE_MS        30000 /* RFC 8656 section 7.2 */
#define RESERVATIONS_MAX  1024
#define RESERVATIONS_USER 64 /* of those; one user cannot have them all */
#define BACKLOG           64 /* of a TCP allocation */
#define WORDS             (65536 / 64)
#define RESTING_MAX \
	4096 /* ports that nobody gets, for what is still on its way */

typedef _Atomic uint64_t port_bits[WORDS];

/* One relay address, for one transport: a port of UDP and the same of TCP are
 * two. */
struct port_set {
	struct addr addr;
	bool tcp;
	_Atomic uint32_t next; /* position in the permutation */
	port_bits taken;       /* by an allocation or a reservation */
	port_bits live;        /* by an allocation */
	/* Given back and still taken, a ring; under the lock. */
	uint16_t resting[RESTING_MAX];
	uint32_t first_resting, nresting;
};

struct reservation {
	TAILQ_ENTRY(reservation) link;
	uint64_t until_ms;
	uint64_t user;
	int fd;
	struct addr addr;
	uint8_t token[TURN_TOKEN_LEN];
};

struct ports {
	struct hash_key key;
	uint32_t low, count;
	unsigned int half_bits; /* of the permutation's 2 * half_bits */
	size_t nsets;           /* two for each address */
	struct port_set **sets;
	_Atomic uint32_t next_set;
	/* Of reservations and of ports at rest. */
	pthread_mutex_t lock;
	TAILQ_HEAD(reservation_list, reservation) reserved; /* oldest first */
	size_t nreserved;
};

struct ports *
ports_new(const struct addr *addrs, size_t n, uint16_t low, uint16_t high,
    const struct hash_key *key)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->key = *key;
	p->low = low;
	p->count = (uint32_t)high - low + 1;
	while ((1u << (2 * p->half_bits)) < p->count)
		p->half_bits++;
	pthread_mutex_init(&p->lock, NULL);
	TAILQ_INIT(&p->reserved);
	p->sets = calloc(2 * n, sizeof(*p->sets));
	for (; p->sets != NULL && p->nsets < 2 * n; p->nsets++) {
		p->sets[p->nsets] = calloc(1, sizeof(struct port_set));
		if (p->sets[p->nsets] == NULL)
			break;
		p->sets[p->nsets]->addr = addrs[p->nsets / 2];
		p->sets[p->nsets]->tcp = p->nsets % 2 != 0;
	}
	if (p->nsets < 2 * n) {
		ports_free(p);
		return NULL;
	}
	return p;
}

void
ports_free(struct ports *p)
{
	size_t i;

	if (p == NULL)
		return;
	ports_expire(p, UINT64_MAX);
	for (i = 0; i < p->nsets; i++)
		free(p->sets[i]);
	free(p->sets);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/*
 * The i-th port: a Feistel network over the next power of four, walked until
 * it hits the range, which takes less than four steps on average.
 */
static uint16_t
port_at(const struct ports *p, uint32_t i)
{
	uint32_t mask = (1u << p->half_bits) - 1, left, right, swap;
	uint32_t x = i % p->count;
	uint32_t round[2];

	do {
		left = x >> p->half_bits;
		right = x & mask;
		for (round[0] = 0; round[0] < 4; round[0]++) {
			round[1] = right;
			swap = right;
			right = left ^
			    ((uint32_t)hash_bytes(
				 &p->key, round, sizeof(round)) &
				mask);
			left = swap;
		}
		x = left << p->half_bits | right;
	} while (x >= p->count);
	return (uint16_t)(p->low + x);
}

/* False when it was set already. */
static bool
bit_take(port_bits bits, uint16_t port)
{
	uint64_t bit = (uint64_t)1 << (port % 64);

	return (atomic_fetch_or(&bits[port / 64], bit) & bit) == 0;
}

static void
bit_clear(port_bits bits, uint16_t port)
{
	atomic_fetch_and(&bits[port / 64], ~((uint64_t)1 << (port % 64)));
}

static struct port_set *
set_of(const struct ports *p, const struct addr *addr, bool tcp)
{
	size_t i;

	for (i = tcp; i < p->nsets; i += 2) {
		if (addr_equal_ip(&p->sets[i]->addr, addr))
			return p->sets[i];
	}
	return NULL;
}

bool
ports_live(const struct ports *p, const struct addr *addr, bool tcp)
{
	const struct port_set *s = set_of(p, addr, tcp);

	return s != NULL &&
	    (atomic_load_explicit(
		 &s->live[addr->port / 64], memory_order_relaxed) >>
		    (addr->port % 64) &
		1) != 0;
}

/* The descriptor, -EADDRINUSE (try the next), or an error to give up on. */
static int
port_bind(struct port_set *s, uint16_t port, struct addr *addr)
{
	int fd, err = 0;

	if (!bit_take(s->taken, port))
		return -EADDRINUSE;
	*addr = s->addr;
	addr->port = port;
	if (s->tcp)
		err = sock_tcp_group(addr, &fd, 1, BACKLOG, NULL);
	else
		fd = sock_udp(addr);
	if (err != 0)
		fd = err;
	if (fd < 0)
		bit_clear(s->taken, port);
	/* A port that is privileged or forbidden is like one in use. */
	return fd == -EACCES ? -EADDRINUSE : fd;
}

/* Under the lock. */
static bool
may_reserve(const struct ports *p, uint64_t user)
{
	const struct reservation *r;
	int n = 0;

	TAILQ_FOREACH (r, &p->reserved, link)
		n += r->user == user;
	return n < RESERVATIONS_USER && p->nreserved < RESERVATIONS_MAX;
}

static int
reserve(struct ports *p, const struct turn_want *want, uint64_t now_ms, int fd,
    const struct addr *addr, uint8_t token[TURN_TOKEN_LEN])
{
	struct reservation *r = calloc(1, sizeof(*r));
	bool full;

	if (r == NULL)
		return -ENOMEM;
	r->until_ms = now_ms + RESERVE_MS;
	r->user = want->user;
	r->fd = fd;
	r->addr = *addr;
	crypto_random(r->token, sizeof(r->token));
	memcpy(token, r->token, sizeof(r->token));
	pthread_mutex_lock(&p->lock);
	full = !may_reserve(p, want->user);
	if (!full) {
		TAILQ_INSERT_TAIL(&p->reserved, r, link);
		p->nreserved++;
	}
	pthread_mutex_unlock(&p->lock);
	if (full)
		free(r);
	return full ? -ENOENT : 0;
}

/* An even port and, reserved for the same user, the odd one above it. */
static int
open_pair(struct ports *p, struct port_set *s, const struct turn_want *want,
    uint64_t now_ms, uint16_t port, struct turn_relay *relay)
{
	struct addr above;
	int fd, fd2, err;

	if (port + 1u >= p->low + p->count)
		return -EADDRINUSE;
	fd = port_bind(s, port, &relay->addr);
	if (fd < 0)
		return fd;
	fd2 = port_bind(s, (uint16_t)(port + 1), &above);
	if (fd2 < 0) {
		ports_close(p, fd, &relay->addr, false);
		return fd2;
	}
	err = reserve(p, want, now_ms, fd2, &above, relay->token);
	if (err != 0) {
		ports_close(p, fd2, &above, false);
		ports_close(p, fd, &relay->addr, false);
		return err;
	}
	return fd;
}

static int
open_at(struct ports *p, struct port_set *s, const struct turn_want *want,
    uint64_t now_ms, uint16_t port, struct turn_relay *relay)
{
	return want->reserve ? open_pair(p, s, want, now_ms, port, relay)
			     : port_bind(s, port, &relay->addr);
}

/* The port that has rested longest; 0: none does. Under the lock. */
static uint16_t
rest_end(struct port_set *s)
{
	uint16_t port;

	if (s->nresting == 0)
		return 0;
	port = s->resting[s->first_resting];
	s->first_resting = (s->first_resting + 1) % RESTING_MAX;
	s->nresting--;
	bit_clear(s->taken, port);
	return port;
}

/*
 * Late datagrams for whom it belonged to shall not reach whom it belongs to
 * next: it is free only when as many as can rest were given back after it, or
 * when nothing else is.
 */
static void
rest_begin(struct ports *p, struct port_set *s, uint16_t port)
{
	pthread_mutex_lock(&p->lock);
	if (s->nresting == RESTING_MAX)
		(void)rest_end(s);
	s->resting[(s->first_resting + s->nresting++) % RESTING_MAX] = port;
	pthread_mutex_unlock(&p->lock);
}

/* When nearly all are taken: what is free, from some port on upwards. */
static int
open_leftover(struct ports *p, struct port_set *s, const struct turn_want *want,
    uint64_t now_ms, struct turn_relay *relay)
{
	uint32_t i, start = port_at(p, atomic_load(&s->next)) - p->low;
	int fd = -EADDRINUSE, tries = 0;
	uint64_t taken;
	uint16_t port;

	for (i = 0; i < p->count && fd == -EADDRINUSE; i++) {
		port = (uint16_t)(p->low + (start + i) % p->count);
		taken = atomic_load(&s->taken[port / 64]);
		if (taken == UINT64_MAX)
			i += 63 - port % 64; /* on to the next word */
		if ((taken >> port % 64 & 1) != 0 ||
		    (want->even && port % 2 != 0))
			continue;
		if (tries++ == PORTS_TRIES)
			break;
		fd = open_at(p, s, want, now_ms, port, relay);
	}
	return fd;
}

/* When nothing else is left: what has rested longest, or, where not every port
 * will do, all that rest. */
static int
open_rested(struct ports *p, struct port_set *s, const struct turn_want *want,
    uint64_t now_ms, struct turn_relay *relay)
{
	int fd = -EADDRINUSE, tries = 0;
	uint16_t port;

	if (want->even) {
		pthread_mutex_lock(&p->lock);
		while (rest_end(s) != 0)
			;
		pthread_mutex_unlock(&p->lock);
		return open_leftover(p, s, want, now_ms, relay);
	}
	while (fd == -EADDRINUSE && tries++ < PORTS_TRIES) {
		pthread_mutex_lock(&p->lock);
		port = rest_end(s);
		pthread_mutex_unlock(&p->lock);
		if (port == 0)
			break;
		fd = open_at(p, s, want, now_ms, port, relay);
	}
	return fd;
}

static int
open_in_set(struct ports *p, struct port_set *s, const struct turn_want *want,
    uint64_t now_ms, struct turn_relay *relay)
{
	int fd = -EADDRINUSE, i;
	uint16_t port;

	for (i = 0; i < PORTS_TRIES && fd == -EADDRINUSE; i++) {
		port = port_at(p, atomic_fetch_add(&s->next, 1));
		if (want->even && port % 2 != 0 && --port < p->low)
			continue;
		fd = open_at(p, s, want, now_ms, port, relay);
	}
	if (fd == -EADDRINUSE)
		fd = open_leftover(p, s, want, now_ms, relay);
	if (fd == -EADDRINUSE)
		fd = open_rested(p, s, want, now_ms, relay);
	return fd;
}

/* The socket that a token of this user stands for. */
static int
claim(struct ports *p, const struct turn_want *want, uint64_t now_ms,
    struct turn_relay *relay)
{
	struct reservation *r;
	int fd = -ENOENT;

	pthread_mutex_lock(&p->lock);
	TAILQ_FOREACH (r, &p->reserved, link) {
		if (r->user == want->user && r->until_ms > now_ms &&
		    crypto_equal(r->token, want->token, TURN_TOKEN_LEN))
			break;
	}
	if (r != NULL) {
		TAILQ_REMOVE(&p->reserved, r, link);
		p->nreserved--;
		fd = r->fd;
		relay->addr = r->addr;
		free(r);
	}
	pthread_mutex_unlock(&p->lock);
	return fd;
}

/* The index of the set to try first. */
static size_t
first_set(
    struct ports *p, const struct turn_want *want, const struct addr *near)
{
	size_t i;

	for (i = 0; i < p->nsets && near->family == want->family; i++) {
		if (addr_equal_ip(&p->sets[i]->addr, near))
			return i;
	}
	return 2 * atomic_fetch_add(&p->next_set, 1);
}

static int
open_any(struct ports *p, const struct turn_want *want, const struct addr *near,
    uint64_t now_ms, struct turn_relay *relay)
{
	size_t first = first_set(p, want, near), i;
	int fd = -EAFNOSUPPORT;

	for (i = 0; i < p->nsets && fd < 0; i++) {
		struct port_set *s = p->sets[(first + i) % p->nsets];

		if (s->addr.family == want->family && s->tcp == want->tcp)
			fd = open_in_set(p, s, want, now_ms, relay);
	}
	/* RFC 8656 section 7.2: the client may do without. */
	return fd == -EADDRINUSE && want->even ? -ENOENT : fd;
}

int
ports_open(struct ports *p, const struct turn_want *want,
    const struct addr *near, uint64_t now_ms, struct turn_relay *relay)
{
	struct port_set *s;
	int fd;

	memset(relay, 0, sizeof(*relay));
	fd = want->token != NULL ? claim(p, want, now_ms, relay)
				 : open_any(p, want, near, now_ms, relay);
	if (fd < 0)
		return fd;
	s = set_of(p, &relay->addr, want->tcp);
	bit_take(s->live, relay->addr.port);
	return fd;
}

void
ports_close(struct ports *p, int fd, const struct addr *addr, bool tcp)
{
	struct port_set *s = set_of(p, addr, tcp);

	bit_clear(s->live, addr->port);
	close(fd);
	rest_begin(p, s, addr->port);
}

uint64_t
ports_expire(struct ports *p, uint64_t now_ms)
{
	struct reservation_list over = TAILQ_HEAD_INITIALIZER(over);
	struct reservation *r;
	uint64_t next;

	pthread_mutex_lock(&p->lock);
	while (
	    (r = TAILQ_FIRST(&p->reserved)) != NULL && r->until_ms <= now_ms) {
		TAILQ_REMOVE(&p->reserved, r, link);
		p->nreserved--;
		TAILQ_INSERT_TAIL(&over, r, link);
	}
	next = r != NULL ? r->until_ms : 0;
	pthread_mutex_unlock(&p->lock);
	while ((r = TAILQ_FIRST(&over)) != NULL) {
		TAILQ_REMOVE(&over, r, link);
		ports_close(p, r->fd, &r->addr, false);
		free(r);
	}
	return next;
}
