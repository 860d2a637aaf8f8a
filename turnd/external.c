/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/net/sock.h"
#include "lib/stun/message.h"
#include "turnd/external.h"

#define PROBE_TRIES 4
#define PROBE_MS    500 /* before the next try */
#define ANSWER_MAX  1500

static struct external *
find_bound(const struct externals *e, const struct addr *a)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (addr_equal_ip(&e->items[i].bound, a))
			return &e->items[i];
	}
	return NULL;
}

int
externals_add(
    struct externals *e, const struct addr *bound, const struct addr *told)
{
	struct external *x = find_bound(e, bound), *items;

	if (x == NULL) {
		items = realloc(e->items, (e->n + 1) * sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		e->items = items;
		x = &items[e->n++];
	}
	*x = (struct external){ *bound, *told };
	x->bound.port = x->told.port = 0;
	return 0;
}

void
externals_fini(struct externals *e)
{
	free(e->items);
	*e = (struct externals){ NULL, 0 };
}

static void
set_ip(struct addr *a, const struct addr *ip)
{
	a->family = ip->family;
	memcpy(a->ip, ip->ip, sizeof(a->ip));
}

void
externals_tell(const struct externals *e, struct addr *bound)
{
	const struct external *x = find_bound(e, bound);

	if (x != NULL)
		set_ip(bound, &x->told);
}

void
externals_reach(const struct externals *e, struct addr *told)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (addr_equal_ip(&e->items[i].told, told)) {
			set_ip(told, &e->items[i].bound);
			return;
		}
	}
}

bool
externals_hides(const struct externals *e, const struct addr *bound)
{
	return find_bound(e, bound) != NULL;
}

/* The host's first address of the family. */
static int
resolve(const char *server, const struct addr *like, struct addr *out)
{
	const struct addrinfo hints = {
		.ai_family = like->family == ADDR_V6 ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICSERV,
	};
	const char *colon = strrchr(server, ':');
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct addrinfo *found;
	char host[256];
	size_t len;
	int rc;

	if (addr_parse(server, out) == 0 && out->port != 0)
		return out->family == like->family ? 0 : -ENOENT;
	if (colon == NULL || colon == server)
		return -EINVAL;
	len = (size_t)(colon - server);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, server, len);
	host[len] = '\0';
	rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		return rc == EAI_SERVICE ? -EINVAL : -ENOENT;
	memcpy(&ss, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return addr_from_sockaddr(&ss, out);
}

/* Whether the datagram answers the request of this id, and then how. */
static bool
answer_read(const uint8_t *data, size_t len, const uint8_t txid[STUN_TXID_LEN],
    struct addr *mapped)
{
	struct stun_msg m;

	return stun_decode(data, len, &m) == 0 && m.method == STUN_BINDING &&
	    m.class == STUN_SUCCESS &&
	    memcmp(stun_txid(&m), txid, STUN_TXID_LEN) == 0 &&
	    stun_get_xor_addr(&m, STUN_XOR_MAPPED_ADDRESS, mapped) == 0;
}

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* True when the answer came before until_ms; junk is read and forgotten. */
static bool
wait_answer(int fd, uint64_t until_ms, const uint8_t txid[STUN_TXID_LEN],
    struct addr *mapped)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t data[ANSWER_MAX];
	uint64_t now_ms;
	ssize_t n;

	while ((now_ms = clock_ms()) < until_ms) {
		if (poll(&p, 1, (int)(until_ms - now_ms)) <= 0)
			continue;
		n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0 && answer_read(data, (size_t)n, txid, mapped))
			return true;
	}
	return false;
}

/* Over a connected socket: nobody but the server is heard. */
static int
ask(int fd, struct addr *mapped)
{
	uint8_t txid[STUN_TXID_LEN], data[STUN_HEADER_LEN + 8];
	struct buf b = buf_fixed(data, sizeof(data));
	struct stun_out out;
	int i, rc;

	crypto_random(txid, sizeof(txid));
	out = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	stun_put_fingerprint(&out);
	rc = stun_end(&out);
	for (i = 0; rc == 0 && i < PROBE_TRIES; i++) {
		(void)send(fd, data, b.len, MSG_NOSIGNAL);
		if (wait_answer(fd, clock_ms() + PROBE_MS, txid, mapped))
			return 0;
	}
	return rc != 0 ? rc : -ETIMEDOUT;
}

int
external_probe(const char *server, const struct addr *bound, struct addr *told)
{
	struct sockaddr_storage ss;
	struct addr far, mapped, from = *bound;
	int fd, rc = resolve(server, bound, &far);

	if (rc != 0)
		return rc;
	from.port = 0;
	fd = sock_udp(&from);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&far, &ss)) !=
	    0)
		rc = -errno;
	if (rc == 0)
		rc = ask(fd, &mapped);
	close(fd);
	if (rc != 0)
		return rc;
	*told = mapped;
	told->port = 0;
	return 0;
}
