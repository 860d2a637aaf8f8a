/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/client.h"
#include "lib/addr/addr.h"
#include "lib/crypto/crypto.h"
#include "lib/net/sock.h"

#define OUT_MAX     (1024 * 1024)
#define MESSAGE_MAX (1024 * 1024)
#define FRAGMENTS   1024
#define TOKEN_S     3600

static struct {
	struct client_side side;
	struct addr server;
	struct loop *loop;
	struct ws_pool *pool;
	TAILQ_HEAD(, client) queued;
	uint64_t random;
	uint8_t scratch[65536];
} g = { .queued = TAILQ_HEAD_INITIALIZER(g.queued), .random = 1 };

uint64_t
client_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
client_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", g.side.name, what,
	    why != NULL ? why : strerror(errno));
	exit(1);
}

/* Masks keep proxies from being fooled; here is none, and real randomness
 * would cost a system call a frame. */
static void
make_mask(void *out, size_t len)
{
	uint8_t *bytes = out;

	for (; len > 0; len--) {
		g.random ^= g.random << 13;
		g.random ^= g.random >> 7;
		g.random ^= g.random << 17;
		*bytes++ = (uint8_t)g.random;
	}
}

static void
raise_descriptors(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static void
turn_ends(void *arg)
{
	client_flush();
}

struct loop *
client_init(const struct client_side *side)
{
	struct ws_limits limits = { MESSAGE_MAX, FRAGMENTS, true, make_mask };
	char at[64];

	g.side = *side;
	raise_descriptors();
	snprintf(at, sizeof(at), "127.0.0.1:%s", side->port);
	if (addr_parse(at, &g.server) != 0)
		client_die(side->port, "not a port");
	if (crypto_init() != 0)
		client_die("crypto", "does not start");
	g.loop = loop_new();
	g.pool = ws_pool_new(&limits);
	if (g.loop == NULL || g.pool == NULL)
		client_die("memory", NULL);
	loop_on_turn_end(g.loop, turn_ends, NULL);
	return g.loop;
}

static void
client_send(struct client *c)
{
	ssize_t n;

	while (c->out.len > 0) {
		n = write(c->fd, c->out.data, c->out.len);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			client_die("write to a link", NULL);
		buf_consume(&c->out, (size_t)n);
	}
	loop_io_set(c->io, LOOP_READ | (c->out.len > 0 ? LOOP_WRITE : 0));
}

static void
client_queue(struct client *c)
{
	if (c->queued)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&g.queued, c, next);
}

void
client_flush(void)
{
	struct client *c;

	while ((c = TAILQ_FIRST(&g.queued)) != NULL) {
		TAILQ_REMOVE(&g.queued, c, next);
		c->queued = false;
		client_send(c);
	}
}

void
client_say(struct client *c, const char *text, size_t len)
{
	ws_send(&c->ws, g.pool, WS_TEXT, text, len, &c->out);
	if (c->out.err != 0)
		client_die("a link's queue", "is full");
	client_queue(c);
}

static bool
on_message(void *arg, enum ws_type type, const uint8_t *data, size_t len)
{
	if (type != WS_PING)
		g.side.hear(arg, (const char *)data, len);
	return true;
}

static void
on_io(void *arg, int fd, int what)
{
	struct client *c = arg;
	struct ws_sink sink = { g.pool, &c->out, on_message, c };
	const uint8_t *data = g.scratch;
	const char *end;
	ssize_t n = 0;

	if ((what & LOOP_READ) != 0) {
		n = read(fd, g.scratch, sizeof(g.scratch));
		if (n == 0 || (n < 0 && errno != EAGAIN))
			client_die("a link", "ended");
	}
	if (n > 0 && !c->upgraded) {
		end = memmem(data, (size_t)n, "\r\n\r\n", 4);
		if (end == NULL || memcmp(data, "HTTP/1.1 101", 12) != 0)
			client_die("a link", "is no WebSocket");
		c->upgraded = true;
		n -= end + 4 - (const char *)data;
		data = (const uint8_t *)end + 4;
	}
	if (n > 0 && ws_input(&c->ws, &sink, data, (size_t)n) < 0)
		client_die("a link", "was closed");
	if (c->out.len > 0)
		client_queue(c);
}

void
client_open(struct client *c)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&g.server, &ss);
	int on = 1;

	c->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&ss, len) != 0)
		client_die("connect", NULL);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	buf_init(&c->out, OUT_MAX);
	buf_printf(&c->out,
	    "GET %s HTTP/1.1\r\nHost: load\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
	    g.side.path);
	if (g.side.protocol != NULL)
		buf_printf(
		    &c->out, "Sec-WebSocket-Protocol: %s\r\n", g.side.protocol);
	buf_puts(&c->out, "\r\n");
	c->io = loop_io_new(g.loop, c->fd, LOOP_READ, on_io, c);
	if (c->io == NULL)
		client_die("memory", NULL);
	client_send(c);
}

void
client_secret(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");

	if (f == NULL || fgets(out, (int)size, f) == NULL)
		client_die(path, NULL);
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

void
client_token(const char *secret, const char *user, char out[CLIENT_TOKEN_MAX])
{
	static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"load\"}";
	int64_t now = (int64_t)(loop_wall_ms() / 1000);
	char payload[128], part[CRYPTO_BASE64_LEN(sizeof(payload))];
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct buf b = buf_fixed(out, CLIENT_TOKEN_MAX);
	struct crypto_span span = { out, 0 };
	int n;

	n = snprintf(payload, sizeof(payload),
	    "{\"sub\":\"%s\",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", user,
	    now, now + TOKEN_S);
	crypto_base64url(head, sizeof(head) - 1, part);
	buf_printf(&b, "%s.", part);
	crypto_base64url(payload, (size_t)n, part);
	buf_puts(&b, part);
	span.len = b.len;
	if (crypto_hmac(CRYPTO_SHA256, secret, strlen(secret), &span, 1, mac) !=
	    0)
		client_die("token", "cannot be signed");
	crypto_base64url(mac, sizeof(mac), part);
	buf_printf(&b, ".%s", part);
	buf_u8(&b, '\0');
	if (b.err != 0)
		client_die("token", "is too long");
}
