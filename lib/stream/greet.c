/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/addr/prefix.h"
#include "lib/addr/proxy.h"
#include "lib/stream/internal.h"

_Static_assert(PROXY_HEADER_MAX < STREAM_READ_MAX, "a header fits");

static bool
is_balancer(const struct streams *ss, const struct addr *a)
{
	size_t i;

	for (i = 0; i < ss->conf.nbalancers; i++) {
		if (prefix_covers(&ss->conf.balancers[i], a))
			return true;
	}
	return false;
}

/* Either kind may come, and the first byte tells. */
static bool
is_open_kind(const struct stream_kind *k)
{
	return k->tls != NULL && k->plain != k->secure;
}

bool
stream_must_greet(struct stream *s)
{
	s->proxied = is_balancer(s->all, &s->id.client);
	return s->proxied || is_open_kind(&s->door->kind);
}

int
stream_count(struct stream *s)
{
	struct census *c = s->all->conf.census;
	int err = c != NULL ? census_enter(c, &s->id.client) : 0;

	s->counted = c != NULL && err == 0;
	return err;
}

/* Bytes that are there and stay there, or -errno. */
static ssize_t
peek(const struct stream *s, void *data, size_t room)
{
	ssize_t n = recv(s->fd, data, room, MSG_DONTWAIT | MSG_PEEK);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n == 0 ? -ECONNRESET : n;
}

/* Takes n bytes away that have been peeked at. */
static int
consume(const struct stream *s, void *data, size_t n)
{
	return recv(s->fd, data, n, MSG_DONTWAIT) == (ssize_t)n ? 0
								: -ECONNRESET;
}

/* Keeps n bytes more of a header that is not whole. They are taken out of the
 * socket, or it would wake us up for them again and again. */
static int
keep(struct stream *s, size_t n)
{
	uint8_t *rest = realloc(s->rest, s->rest_len + n);

	if (rest == NULL)
		return -ENOMEM;
	s->rest = rest;
	if (consume(s, rest + s->rest_len, n) != 0)
		return -ECONNRESET;
	s->rest_len += n;
	return -EAGAIN;
}

/* What follows the header stays in the socket: it may be TLS's. */
static int
read_header(struct stream *s)
{
	struct proxy_header h = { .told = false };
	uint8_t *in = s->all->in;
	size_t have = s->rest_len;
	ssize_t n;
	int len;

	if (have > 0)
		memcpy(in, s->rest, have);
	n = peek(s, in + have, PROXY_HEADER_MAX - have);
	if (n < 0)
		return (int)n;
	len = proxy_decode(in, have + (size_t)n, &h);
	if (len < 0)
		return len;
	if (len == 0)
		return keep(s, (size_t)n);
	if (consume(s, in, (size_t)len - have) != 0)
		return -ECONNRESET;
	free(s->rest);
	s->rest = NULL;
	s->rest_len = 0;
	s->proxied = false;
	if (h.told)
		s->id.client = h.client;
	return stream_count(s);
}

int
stream_greet(struct stream *s)
{
	const struct stream_kind *k = &s->door->kind;
	uint8_t first = 0;
	ssize_t n;
	int err = 0;

	if (s->proxied)
		err = read_header(s);
	if (err != 0)
		return err;
	if (!is_open_kind(k))
		return stream_begin(s, k->tls != NULL);
	n = peek(s, &first, 1);
	if (n < 0)
		return (int)n;
	/* RFC 7983 section 7, which has DTLS and TLS begin alike. */
	return stream_begin(s, first >= 20 && first <= 63);
}
