/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/forward.h"
#include "bench/load/turn-client.h"
#include "bench/load/wire.h"
#include "lib/net/sock.h"

#define ASK_MS       500
#define ASK_TRIES    6
#define CHALLENGES   3
#define STREAM_BYTES 65536
#define UDP          (17u << 24) /* of REQUESTED-TRANSPORT */

const struct turn_ask turn_ask_allocate = { STUN_ALLOCATE,
	STUN_REQUESTED_TRANSPORT, UDP, NULL };
const struct turn_ask turn_ask_end = { STUN_REFRESH, STUN_LIFETIME, 0, NULL };

bool
turn_over_stream(enum turn_over over)
{
	return over == TURN_OVER_TCP || over == TURN_OVER_TLS ||
	    over == TURN_OVER_NONE_TCP;
}

bool
turn_over_none(enum turn_over over)
{
	return over == TURN_OVER_NONE || over == TURN_OVER_NONE_TCP;
}

static int
open_socket(const struct turn_side *side)
{
	int kind = turn_over_stream(side->over) ? SOCK_STREAM : SOCK_DGRAM;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&side->server, &ss);
	int fd = socket(ss.ss_family, kind | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&ss, len) != 0)
		wire_die("connect", NULL);
	if (kind == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* The address from which the server is reached is also the peers'. */
void
turn_side_init(struct turn_side *side)
{
	struct tls_client_conf conf = { .insecure = true };
	char err[TLS_ERR_MAX];
	enum turn_over over = side->over;
	int fd;

	side->over = TURN_OVER_UDP;
	fd = open_socket(side);
	side->over = over;
	if (sock_local(fd, &side->local) != 0)
		wire_die("socket", NULL);
	close(fd);
	side->local.port = 0;
	if (over == TURN_OVER_TLS &&
	    tls_client_ctx_new(&conf, &side->tls, err) != 0)
		wire_die("tls", err);
}

void
turn_client_open(struct turn_side *side, struct turn_client *c)
{
	char host[ADDR_STRLEN];
	struct addr at = side->server;

	*c = (struct turn_client){ .fd = open_socket(side) };
	if (turn_over_stream(side->over)) {
		c->in = malloc(STREAM_BYTES);
		if (c->in == NULL)
			wire_die("memory", NULL);
	}
	if (side->over == TURN_OVER_TLS) {
		at.port = 0;
		c->tls = tls_open_client_fd(
		    side->tls, c->fd, addr_format(&at, host), false);
		if (c->tls == NULL || tls_handshake(c->tls) != 0)
			wire_die("tls",
			    c->tls != NULL ? tls_error(c->tls) : "no memory");
		tls_read_ahead(c->tls, true);
	}
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

void
turn_client_close(struct turn_client *c)
{
	tls_free(c->tls);
	free(c->in);
	close(c->fd);
}

/* None is used twice, and none is known from a run before. */
static void
next_txid(uint8_t txid[STUN_TXID_LEN])
{
	static uint8_t base[STUN_TXID_LEN];
	static uint32_t count;

	if (count++ == 0)
		crypto_random(base, sizeof(base));
	memcpy(txid, base, sizeof(base));
	memcpy(txid, &count, sizeof(count));
}

size_t
turn_client_build(const struct turn_side *side, struct turn_client *c,
    const struct turn_ask *ask, uint8_t out[TURN_REQUEST_MAX])
{
	struct buf b = buf_fixed(out, TURN_REQUEST_MAX);
	struct stun_out o;

	next_txid(c->txid);
	o = stun_begin(&b, ask->method, STUN_REQUEST, c->txid);
	if (ask->type != 0)
		stun_put_u32(&o, ask->type, ask->value);
	if (ask->peer != NULL)
		stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, ask->peer);
	if (c->nonce_len > 0) {
		stun_put(&o, STUN_USERNAME, side->user, strlen(side->user));
		stun_put(&o, STUN_REALM, side->realm, strlen(side->realm));
		stun_put(&o, STUN_NONCE, c->nonce, c->nonce_len);
		stun_put_integrity(
		    &o, CRYPTO_SHA1, side->key, sizeof(side->key));
	}
	if (stun_end(&o) != 0)
		wire_die("request", "too long");
	return b.len;
}

static enum turn_answer
hear_error(
    struct turn_side *side, struct turn_client *c, const struct stun_msg *m)
{
	const struct stun_attr *code = stun_find(m, STUN_ERROR_CODE);
	const struct stun_attr *realm = stun_find(m, STUN_REALM);
	const struct stun_attr *nonce = stun_find(m, STUN_NONCE);

	if (code == NULL || code->len < 4)
		return TURN_REFUSED;
	c->refused =
	    (uint16_t)(stun_value(m, code)[2] * 100 + stun_value(m, code)[3]);
	if (realm == NULL || nonce == NULL || realm->len >= TURN_TEXT_MAX ||
	    nonce->len > TURN_TEXT_MAX)
		return TURN_REFUSED;
	if (c->refused != 401 && c->refused != 438)
		return TURN_REFUSED;
	memcpy(c->nonce, stun_value(m, nonce), nonce->len);
	c->nonce_len = (uint8_t)nonce->len;
	if (side->realm[0] != '\0')
		return TURN_CHALLENGED;
	memcpy(side->realm, stun_value(m, realm), realm->len);
	if (stun_long_term_key(CRYPTO_MD5, side->user, side->realm,
		side->password, side->key) != 0)
		wire_die("key", NULL);
	return TURN_CHALLENGED;
}

enum turn_answer
turn_client_hear(struct turn_side *side, struct turn_client *c,
    const uint8_t *data, size_t len)
{
	struct stun_msg m;

	if (!stun_looks_like(data, len) || stun_decode(data, len, &m) != 0 ||
	    memcmp(stun_txid(&m), c->txid, STUN_TXID_LEN) != 0)
		return TURN_NOTHING;
	if (m.class == STUN_ERROR)
		return hear_error(side, c, &m);
	if (m.class != STUN_SUCCESS ||
	    stun_check_integrity(
		&m, CRYPTO_SHA1, side->key, sizeof(side->key)) != 0)
		return TURN_NOTHING;
	if (m.method == STUN_ALLOCATE &&
	    stun_get_xor_addr(&m, STUN_XOR_RELAYED_ADDRESS, &c->relayed) != 0)
		return TURN_REFUSED;
	return TURN_GRANTED;
}

ssize_t
turn_client_send(struct turn_client *c, const void *data, size_t len)
{
	ssize_t n;

	if (c->tls != NULL)
		return tls_write(c->tls, data, len);
	n = send(c->fd, data, len, MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

static ssize_t
receive(struct turn_client *c, void *data, size_t room)
{
	ssize_t n;

	if (c->tls != NULL)
		n = tls_read(c->tls, data, room);
	else if ((n = recv(c->fd, data, room, 0)) < 0)
		n = -errno;
	if (c->in != NULL && n <= 0 && n != -EAGAIN)
		wire_die("a connection", "ended");
	return n;
}

static void
cut_frames(struct turn_client *c, turn_hear_fn *hear, void *arg)
{
	size_t at = 0;
	int len;

	for (;;) {
		len = stun_stream_next(c->in + at, c->in_len - at);
		if (len < 0)
			wire_die("a connection", "brought no frame");
		if (len == 0 || (size_t)len > c->in_len - at)
			break;
		hear(arg, c->in + at, (size_t)len);
		at += (size_t)len;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
}

void
turn_client_stream(struct turn_client *c, turn_hear_fn *hear, void *arg)
{
	size_t room;
	ssize_t n;

	/* TLS keeps what it has read ahead. */
	do {
		room = STREAM_BYTES - c->in_len;
		n = receive(c, c->in + c->in_len, room);
		if (n <= 0)
			return;
		c->in_len += (size_t)n;
		cut_frames(c, hear, arg);
	} while (c->tls != NULL || (size_t)n == room);
}

struct asked {
	struct turn_side *side;
	struct turn_client *client;
	enum turn_answer answer;
};

static void
hear_asked(void *arg, uint8_t *data, size_t len)
{
	struct asked *a = arg;
	enum turn_answer answer =
	    turn_client_hear(a->side, a->client, data, len);

	if (answer != TURN_NOTHING)
		a->answer = answer;
}

static void
await(struct asked *a)
{
	struct turn_client *c = a->client;
	uint64_t end = wire_now_us() + ASK_MS * 1000;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint8_t data[2048];
	ssize_t n;

	while (a->answer == TURN_NOTHING && wire_now_us() < end) {
		if (poll(&p, 1, ASK_MS) <= 0)
			continue;
		if (c->in != NULL) {
			turn_client_stream(c, hear_asked, a);
			continue;
		}
		n = receive(c, data, sizeof(data));
		if (n > 0)
			hear_asked(a, data, (size_t)n);
	}
}

enum turn_answer
turn_client_ask(
    struct turn_side *side, struct turn_client *c, const struct turn_ask *ask)
{
	struct asked a = { side, c, TURN_NOTHING };
	uint8_t out[TURN_REQUEST_MAX];
	int tries = ASK_TRIES, challenges = 0;
	size_t len = turn_client_build(side, c, ask, out);

	while (tries-- > 0) {
		turn_client_send(c, out, len);
		a.answer = TURN_NOTHING;
		await(&a);
		if (a.answer == TURN_CHALLENGED) {
			if (++challenges > CHALLENGES)
				return TURN_REFUSED;
			len = turn_client_build(side, c, ask, out);
		} else if (a.answer != TURN_NOTHING)
			return a.answer;
	}
	return TURN_NOTHING;
}

void
turn_client_die(const struct turn_client *c, const char *what)
{
	char why[32] = "no answer";

	if (c->refused != 0)
		snprintf(why, sizeof(why), "refused with %u", c->refused);
	wire_die(what, why);
}

/* `forward` is told the peer and tells the port that the peer will see. */
static void
forward_reach(
    struct turn_side *side, struct turn_client *c, const struct addr *peer)
{
	struct forward_hello hello, back;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int tries = ASK_TRIES;

	hello = (struct forward_hello){ FORWARD_MAGIC, { 0 }, peer->port, 0 };
	memcpy(hello.ip, peer->ip, sizeof(hello.ip));
	do {
		if (tries-- == 0)
			wire_die("forward", "says nothing");
		turn_client_send(c, &hello, sizeof(hello));
	} while (poll(&p, 1, ASK_MS) != 1 ||
	    recv(c->fd, &back, sizeof(back), 0) != sizeof(back));
	c->relayed = side->server;
	c->relayed.port = back.port;
}

/* A port that had an allocation a moment ago may be refused with 437, and
 * another one is taken, as RFC 8656 section 7.4 asks. */
void
turn_client_allocate(struct turn_side *side, struct turn_client *c)
{
	int tries = ASK_TRIES;

	while (!turn_over_none(side->over) &&
	    turn_client_ask(side, c, &turn_ask_allocate) != TURN_GRANTED) {
		if (c->refused != 437 || --tries == 0)
			turn_client_die(c, "an allocation");
		turn_client_close(c);
		turn_client_open(side, c);
	}
}

void
turn_client_reach(struct turn_side *side, struct turn_client *c,
    const struct addr *peer, bool channel)
{
	struct turn_ask bind = { STUN_CHANNEL_BIND, STUN_CHANNEL_NUMBER,
		(uint32_t)TURN_CHANNEL << 16, peer };
	struct turn_ask permit = { STUN_CREATE_PERMISSION, 0, 0, peer };

	if (turn_over_none(side->over))
		forward_reach(side, c, peer);
	else if (turn_client_ask(side, c, channel ? &bind : &permit) !=
	    TURN_GRANTED)
		turn_client_die(c, "a channel or permission");
}
