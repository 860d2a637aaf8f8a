/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald-load: many WebSocket clients of one signald, on one loop. Each link
 * sends texts to its partner and counts what comes back acknowledged, which
 * signald does after the message is on disk.
 *
 *   signald-load -k SECRET [-p PORT] [-u USERS] [-l LINKS] [-d DEPTH]
 *                [-t SECONDS] [-s BYTES] [-r RATE]
 *
 * LINKS are spread over USERS, whom signald knows by tokens of an identity
 * service: -k: the file of its secret, the jwt-key "load" of signald. DEPTH
 * sends of a link are under way at once. -s BYTES: size of a text. -r RATE:
 * sends a second in all, instead of as fast as answered.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/load/client.h"
#include "bench/load/latency.h"

#define ACK_EVERY 32
#define TICK_MS   200
#define DEPTH_MAX 256
#define TEXT_MAX  16384

struct link {
	struct client client; /* first: what is heard is heard by it */
	int index;
	bool ready;
	uint32_t next_id;
	int flying;
	uint64_t sent_us[DEPTH_MAX]; /* by id */
	uint64_t sync, acked;
};

static struct {
	int users, nlinks, depth;
	int seconds;
	size_t text_bytes;
	double rate; /* 0: closed loop */
	struct loop *loop;
	struct loop_timer *tick;
	struct link *links;
	char secret[1024];
	int ready, ticks, turn;
	double owed;
	bool measuring;
	uint64_t began_us, ended_us;
	uint64_t acked, pushed, errors, refused;
	struct latency latency;
} g = {
	.users = 100,
	.nlinks = 100,
	.depth = 1,
	.seconds = 10,
	.text_bytes = 64,
};

static void
send_text(struct link *l)
{
	int user = l->index % g.users;
	char text[TEXT_MAX + 512];
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
	l->sent_us[l->next_id % DEPTH_MAX] = client_now_us();
	l->next_id++;
	l->flying++;
	client_say(&l->client, text, (size_t)n);
}

static void
say_hello(struct link *l)
{
	char user[32], token[CLIENT_TOKEN_MAX], text[CLIENT_TOKEN_MAX + 128];
	int n;

	snprintf(user, sizeof(user), "load%d", l->index % g.users);
	client_token(g.secret, user, token);
	n = snprintf(text, sizeof(text),
	    "{\"id\":1,\"op\":\"hello\",\"token\":\"%s\",\"device\":\"l%d\"}",
	    token, l->index);
	client_say(&l->client, text, (size_t)n);
}

static void
acknowledge(struct link *l)
{
	char text[64];
	int n = snprintf(text, sizeof(text),
	    "{\"op\":\"sync.ack\",\"sync\":%" PRIu64 "}", l->sync);

	l->acked = l->sync;
	client_say(&l->client, text, (size_t)n);
}

static void
answered(struct link *l, const char *text)
{
	uint32_t id = (uint32_t)strtoul(text + strlen("{\"id\":"), NULL, 10);
	bool ok = strstr(text, "\"ok\":") != NULL;

	if (id == 1) {
		if (!ok)
			client_die("hello", text);
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
		latency_add(
		    &g.latency, client_now_us() - l->sent_us[id % DEPTH_MAX]);
	}
	if (g.measuring && g.rate == 0)
		send_text(l);
}

static void
hear(struct client *c, const char *data, size_t len)
{
	static const char push[] = "{\"push\":\"message\",\"sync\":";
	struct link *l = (struct link *)c;
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
}

static void
report(void)
{
	double s = (double)(g.ended_us - g.began_us) / 1e6;
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	printf("links %d, depth %d, %zu B texts, %.1f s\n", g.nlinks, g.depth,
	    g.text_bytes, s);
	printf("acked %" PRIu64 " (%.0f/s), pushed %" PRIu64 " (%.0f/s), "
	       "errors %" PRIu64 ", held back %" PRIu64 "\n",
	    g.acked, (double)g.acked / s, g.pushed, (double)g.pushed / s,
	    g.errors, g.refused);
	latency_print(&g.latency, "ack");
	printf("own CPU %.2f s\n",
	    (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
		(double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
}

static void
start_measuring(void)
{
	int i, k;

	g.measuring = true;
	g.began_us = client_now_us();
	printf("ready %d\n", g.ready);
	fflush(stdout);
	for (i = 0; i < g.nlinks && g.rate == 0; i++) {
		for (k = 0; k < g.depth; k++)
			send_text(&g.links[i]);
	}
}

/* At a fixed rate: what is due in this tick, link after link. */
static void
send_due(double s)
{
	for (g.owed += g.rate * s; g.owed >= 1; g.owed -= 1)
		send_text(&g.links[g.turn++ % g.nlinks]);
}

static void
on_tick(void *arg)
{
	static uint64_t last_us;
	uint64_t now = client_now_us();
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
	}
	last_us = now;
	for (i = 0; i < g.nlinks; i++) {
		if (g.links[i].ready && g.links[i].sync > g.links[i].acked)
			acknowledge(&g.links[i]);
	}
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
parse_arguments(int argc, char **argv, const char **port)
{
	const char *secret = NULL;
	int c;

	while ((c = getopt(argc, argv, "p:u:l:d:t:s:r:k:")) != -1) {
		switch (c) {
		case 'p':
			*port = optarg;
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
			secret = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (secret == NULL || g.users < 2 || g.users % 2 != 0 || g.nlinks < 1 ||
	    g.depth < 1 || g.depth > DEPTH_MAX || g.text_bytes < 1 ||
	    g.text_bytes > TEXT_MAX || g.seconds < 1 || g.rate < 0) {
		fprintf(stderr,
		    "signald-load: see its source for usage; "
		    "users are an even number\n");
		exit(2);
	}
	client_secret(secret, g.secret, sizeof(g.secret));
}

int
main(int argc, char **argv)
{
	struct client_side side = { .name = "signald-load",
		.path = "/ws",
		.protocol = "floe.v1",
		.port = "8080",
		.hear = hear };
	int i;

	parse_arguments(argc, argv, &side.port);
	g.loop = client_init(&side);
	g.links = calloc((size_t)g.nlinks, sizeof(*g.links));
	if (g.links == NULL || latency_init(&g.latency) != 0)
		client_die("memory", NULL);
	for (i = 0; i < g.nlinks; i++) {
		g.links[i].index = i;
		g.links[i].next_id = 2;
		client_open(&g.links[i].client);
	}
	g.tick = loop_timer_new(g.loop, on_tick, NULL);
	loop_timer_set(g.tick, TICK_MS);
	loop_run(g.loop);
	report();
	return 0;
}
