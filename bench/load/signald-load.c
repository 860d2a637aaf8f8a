/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald-load: many WebSocket clients of one signald, on one loop. Each link
 * sends texts to its partner and counts what comes back acknowledged, which
 * signald does after the message is on disk; or it only holds its link.
 *
 *   signald-load [-p PORT] [-u USERS] [-l LINKS] [-d DEPTH] [-t SECONDS]
 *                [-s BYTES] [-r RATE] [-k KEYFILE] [-i]
 *
 * USERS accounts are registered (or logged in) first; LINKS are spread over
 * them; DEPTH sends of a link are under way at once; -i: idle. -s BYTES: size
 * of a text. -r RATE: sends a second in all, instead of as fast as answered.
 * -k: the accounts are there from an earlier run; make their tokens from
 * signald's STATE-DIR/token.key, without a log-in.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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

#include "lib/crypto/crypto.h"
#include "lib/loop/loop.h"
#include "lib/net/sock.h"
#include "lib/ws/ws.h"
#include "signald/core/token.h"

#define OUT_MAX     (1024 * 1024)
#define ACK_EVERY   32
#define TICK_MS     200
#define PING_TICKS  20 /* 4 s */
#define SAMPLES_MAX 20000000
#define DEPTH_MAX   256
#define PASSWORD    "signald-load"

struct link {
	int fd, index;
	struct loop_io *io;
	struct ws ws;
	struct buf out;
	bool upgraded, ready;
	uint32_t next_id;
	int flying;
	uint64_t sent_us[DEPTH_MAX]; /* by id */
	uint64_t sync, acked;
};

static struct {
	struct addr server;
	int users, nlinks, depth;
	int seconds;
	size_t text_bytes;
	double rate; /* 0: closed loop */
	bool idle;
	const char *key_file;
	struct loop *loop;
	struct loop_timer *tick;
	struct ws_pool *pool;
	struct link *links;
	char (*tokens)[SIG_TOKEN_MAX];
	int ready, ticks, turn;
	double owed;
	bool measuring;
	uint64_t began_us, ended_us;
	uint64_t acked, pushed, errors, refused;
	uint32_t *samples;
	size_t nsamples;
	uint8_t scratch[65536];
} g = {
	.users = 100,
	.nlinks = 100,
	.depth = 1,
	.seconds = 10,
	.text_bytes = 64,
};

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "signald-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
dial(void)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&g.server, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&ss, len) != 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* One blocking REST call; the answer's bytes, NUL-terminated. */
static void
post(int fd, const char *path, const char *body, char *answer, size_t size)
{
	char request[1024];
	size_t at = 0;
	ssize_t n;
	int len;

	len = snprintf(request, sizeof(request),
	    "POST %s HTTP/1.1\r\nHost: load\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    path, strlen(body), body);
	if (write(fd, request, (size_t)len) != len)
		die("write");
	/* The answer to a POST ends with its object. */
	do {
		n = read(fd, answer + at, size - 1 - at);
		if (n <= 0)
			die("read");
		at += (size_t)n;
		answer[at] = '\0';
	} while (answer[at - 1] != '}');
}

static void
enter_user(int fd, int i)
{
	char body[128], answer[4096];
	const char *token;

	snprintf(body, sizeof(body),
	    "{\"user\":\"load%d\",\"password\":\"" PASSWORD "\"}", i);
	post(fd, "/api/v1/login", body, answer, sizeof(answer));
	if (strstr(answer, "\"token\":") == NULL)
		post(fd, "/api/v1/register", body, answer, sizeof(answer));
	token = strstr(answer, "\"token\":\"");
	if (token == NULL) {
		fprintf(stderr, "signald-load: no account: %s\n", answer);
		exit(1);
	}
	token += strlen("\"token\":\"");
	snprintf(g.tokens[i], sizeof(g.tokens[i]), "%.*s",
	    (int)strcspn(token, "\""), token);
}

static void
make_token(const uint8_t key[SIG_TOKEN_KEY_LEN], int i)
{
	uint8_t id[SIG_TOKEN_ID_LEN];
	char user[32];

	snprintf(user, sizeof(user), "load%d", i);
	crypto_random(id, sizeof(id));
	if (sig_token_make(
		key, user, 0, loop_wall_ms() + 3600000, id, g.tokens[i]) != 0)
		die("token");
}

static void
enter_users(void)
{
	uint8_t key[SIG_TOKEN_KEY_LEN];
	int i, fd;

	if (g.key_file == NULL) {
		fd = dial();
		for (i = 0; i < g.users; i++)
			enter_user(fd, i);
	} else {
		fd = open(g.key_file, O_RDONLY);
		if (fd < 0 || read(fd, key, sizeof(key)) != sizeof(key))
			die(g.key_file);
		for (i = 0; i < g.users; i++)
			make_token(key, i);
	}
	close(fd);
}

static void link_io(void *arg, int fd, int what);

static void
link_flush(struct link *l)
{
	ssize_t n;

	while (l->out.len > 0) {
		n = write(l->fd, l->out.data, l->out.len);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			die("write to a link");
		buf_consume(&l->out, (size_t)n);
	}
	loop_io_set(l->io, LOOP_READ | (l->out.len > 0 ? LOOP_WRITE : 0));
}

static void
say(struct link *l, const char *text, size_t len)
{
	ws_send(&l->ws, g.pool, WS_TEXT, text, len, &l->out);
	if (l->out.err != 0)
		die("a link's queue");
}

static void
send_text(struct link *l)
{
	int user = l->index % g.users;
	char text[20000];
	int n;

	if (l->flying == g.depth) {
		g.refused++;
		return;
	}
	n = snprintf(text, sizeof(text),
	    "{\"id\":%" PRIu32 ",\"op\":\"message.send\",\"to\":\"load%d\","
	    "\"mid\":\"%" PRIx64 "-%d-%" PRIu32 "\",\"type\":\"text\","
	    "\"body\":{\"text\":\"%0*d\"}}",
	    l->next_id, user ^ 1, g.began_us, l->index, l->next_id,
	    (int)g.text_bytes, 7);
	l->sent_us[l->next_id % DEPTH_MAX] = now_us();
	l->next_id++;
	l->flying++;
	say(l, text, (size_t)n);
}

static void
say_hello(struct link *l)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "{\"id\":1,\"op\":\"hello\",\"token\":\"%s\",\"device\":\"l%d\"}",
	    g.tokens[l->index % g.users], l->index);

	say(l, text, (size_t)n);
}

static void
acknowledge(struct link *l)
{
	char text[64];
	int n = snprintf(text, sizeof(text),
	    "{\"op\":\"sync.ack\",\"sync\":%" PRIu64 "}", l->sync);

	l->acked = l->sync;
	say(l, text, (size_t)n);
}

static void
answered(struct link *l, const char *text)
{
	uint32_t id = (uint32_t)strtoul(text + strlen("{\"id\":"), NULL, 10);
	bool ok = strstr(text, "\"ok\":") != NULL;

	if (id == 1) {
		if (!ok) {
			fprintf(stderr, "signald-load: %s\n", text);
			exit(1);
		}
		l->ready = true;
		g.ready++;
		return;
	}
	l->flying--;
	if (!ok) {
		if (g.errors++ == 0)
			fprintf(stderr, "signald-load: %s\n", text);
	} else if (g.measuring) {
		g.acked++;
		if (g.nsamples < SAMPLES_MAX)
			g.samples[g.nsamples++] =
			    (uint32_t)(now_us() - l->sent_us[id % DEPTH_MAX]);
	}
	if (g.measuring && g.rate == 0)
		send_text(l);
}

static bool
hear(void *arg, enum ws_type type, const uint8_t *data, size_t len)
{
	static const char push[] = "{\"push\":\"message\",\"sync\":";
	struct link *l = arg;
	char text[4096];

	len = len < sizeof(text) ? len : sizeof(text) - 1;
	memcpy(text, data, len);
	text[len] = '\0';
	if (strncmp(text, "{\"id\":", 6) == 0) {
		answered(l, text);
	} else if (strncmp(text, push, sizeof(push) - 1) == 0) {
		l->sync = strtoull(text + sizeof(push) - 1, NULL, 10);
		g.pushed += g.measuring;
		if (l->sync >= l->acked + ACK_EVERY)
			acknowledge(l);
	} else if (strncmp(text, "{\"push\":\"welcome\"", 17) == 0) {
		say_hello(l);
	}
	return true;
}

static void
link_io(void *arg, int fd, int what)
{
	struct link *l = arg;
	struct ws_sink sink = { g.pool, &l->out, hear, l };
	const uint8_t *data = g.scratch;
	const char *end;
	ssize_t n;

	if ((what & LOOP_READ) != 0) {
		n = read(fd, g.scratch, sizeof(g.scratch));
		if (n == 0 || (n < 0 && errno != EAGAIN))
			die("a link ended");
		if (n > 0 && !l->upgraded) {
			end = memmem(data, (size_t)n, "\r\n\r\n", 4);
			if (end == NULL || memcmp(data, "HTTP/1.1 101", 12))
				die("no upgrade");
			l->upgraded = true;
			n -= end + 4 - (const char *)data;
			data = (const uint8_t *)end + 4;
		}
		if (n > 0 && ws_input(&l->ws, &sink, data, (size_t)n) < 0)
			die("a link was closed");
	}
	link_flush(l);
}

static void
link_open(struct link *l, int index)
{
	static const char upgrade[] =
	    "GET /ws HTTP/1.1\r\nHost: load\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Protocol: floe.v1\r\n\r\n";

	l->index = index;
	l->fd = dial();
	l->next_id = 2;
	buf_init(&l->out, OUT_MAX);
	buf_puts(&l->out, upgrade);
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
	l->io = loop_io_new(g.loop, l->fd, LOOP_READ, link_io, l);
	if (l->io == NULL)
		die("a watch");
	link_flush(l);
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double
percentile(double p)
{
	size_t i = (size_t)(p * (double)g.nsamples);

	return g.nsamples == 0
	    ? 0
	    : (double)g.samples[i < g.nsamples ? i : g.nsamples - 1] / 1000;
}

static void
report(void)
{
	double s = (double)(g.ended_us - g.began_us) / 1e6;
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	qsort(g.samples, g.nsamples, sizeof(*g.samples), by_size);
	printf("links %d, depth %d, %zu B texts, %.1f s\n", g.nlinks, g.depth,
	    g.text_bytes, s);
	printf("acked %" PRIu64 " (%.0f/s), pushed %" PRIu64 " (%.0f/s), "
	       "errors %" PRIu64 ", held back %" PRIu64 "\n",
	    g.acked, (double)g.acked / s, g.pushed, (double)g.pushed / s,
	    g.errors, g.refused);
	printf("ack ms: p50 %.2f p90 %.2f p99 %.2f p99.9 %.2f max %.2f\n",
	    percentile(0.50), percentile(0.90), percentile(0.99),
	    percentile(0.999), percentile(1.0));
	printf("own CPU %.2f s\n",
	    (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
		(double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
}

static void
start_measuring(void)
{
	int i, k;

	g.measuring = true;
	g.began_us = now_us();
	printf("ready %d\n", g.ready);
	fflush(stdout);
	for (i = 0; i < g.nlinks && !g.idle && g.rate == 0; i++) {
		for (k = 0; k < g.depth; k++)
			send_text(&g.links[i]);
		link_flush(&g.links[i]);
	}
}

/* At a fixed rate: what is due in this tick, link after link. */
static void
send_due(double s)
{
	for (g.owed += g.rate * s; g.owed >= 1; g.owed -= 1) {
		struct link *l = &g.links[g.turn++ % g.nlinks];

		send_text(l);
		link_flush(l);
	}
}

static void
keep_up(struct link *l)
{
	if (!l->ready)
		return;
	if (l->sync > l->acked)
		acknowledge(l);
	/* Spread, so that idle links do not all ping at once. */
	if (g.idle && (g.ticks + l->index) % PING_TICKS == 0)
		say(l, "{\"op\":\"ping\"}", 13);
	link_flush(l);
}

static void
on_tick(void *arg)
{
	static uint64_t last_us;
	uint64_t now = now_us();
	int i;

	if (g.measuring && now - g.began_us >= (uint64_t)g.seconds * 1000000) {
		g.ended_us = now;
		g.measuring = false;
		loop_stop(g.loop);
		return;
	}
	if (g.measuring && g.rate > 0) {
		send_due((double)(now - last_us) / 1e6);
		last_us = now;
		loop_timer_set(g.tick, 1);
		if (now / (TICK_MS * 1000) == (uint64_t)g.ticks)
			return;
		g.ticks = (int)(now / (TICK_MS * 1000));
	} else {
		loop_timer_set(g.tick, TICK_MS);
		g.ticks++;
	}
	last_us = now;
	for (i = 0; i < g.nlinks; i++)
		keep_up(&g.links[i]);
	if (!g.measuring && g.ready == g.nlinks)
		start_measuring();
}

/* A count; whatever is none is told as usage. */
static int
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return *text == '\0' || *end != '\0' || n > 1000000 ? -1 : (int)n;
}

static void
parse_arguments(int argc, char **argv)
{
	const char *at = "127.0.0.1:8080";
	char text[64];
	int c;

	while ((c = getopt(argc, argv, "p:u:l:d:t:s:r:k:i")) != -1) {
		switch (c) {
		case 'p':
			snprintf(text, sizeof(text), "127.0.0.1:%s", optarg);
			at = text;
			break;
		case 'u':
			g.users = number(optarg);
			break;
		case 'l':
			g.nlinks = number(optarg);
			break;
		case 'd':
			g.depth = number(optarg);
			break;
		case 't':
			g.seconds = number(optarg);
			break;
		case 's':
			g.text_bytes = (size_t)number(optarg);
			break;
		case 'r':
			g.rate = number(optarg);
			break;
		case 'k':
			g.key_file = optarg;
			break;
		case 'i':
			g.idle = true;
			break;
		default:
			exit(2);
		}
	}
	if (addr_parse(at, &g.server) != 0 || g.users < 2 || g.users % 2 != 0 ||
	    g.nlinks < 1 || g.depth < 1 || g.depth > DEPTH_MAX ||
	    g.text_bytes < 1 || g.text_bytes > 16384 || g.seconds < 1 ||
	    g.rate < 0) {
		fprintf(stderr,
		    "signald-load: see its source for usage; "
		    "users are an even number\n");
		exit(2);
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

int
main(int argc, char **argv)
{
	struct ws_limits limits = { 1 << 20, 1024, true, crypto_random };
	int i;

	parse_arguments(argc, argv);
	raise_descriptors();
	if (crypto_init() != 0)
		die("crypto");
	g.loop = loop_new();
	g.pool = ws_pool_new(&limits);
	g.links = calloc((size_t)g.nlinks, sizeof(*g.links));
	g.tokens = calloc((size_t)g.users, sizeof(*g.tokens));
	g.samples = malloc(SAMPLES_MAX * sizeof(*g.samples));
	if (g.loop == NULL || g.pool == NULL || g.links == NULL ||
	    g.tokens == NULL || g.samples == NULL)
		die("memory");
	enter_users();
	for (i = 0; i < g.nlinks; i++)
		link_open(&g.links[i], i);
	g.tick = loop_timer_new(g.loop, on_tick, NULL);
	loop_timer_set(g.tick, TICK_MS);
	loop_run(g.loop);
	report();
	return 0;
}
