/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signaling-load: many WebSocket clients of one signaling server, on one loop.
 * Each side of a pair sends the other candidates of some 300 B and, one in ten,
 * an SDP of 3 KB, and counts what arrives; or all only hold their links.
 *
 *   signaling-load -k SECRET [-s SERVER] [-p PORT] [-l LINKS] [-d DEPTH]
 *                  [-t SECONDS] [-r RATE] [-i] [-q]
 *
 * -s floe, ws or socketio: whose language is spoken: that of signald or those
 * of ws-relay.mjs and socketio-relay.mjs, beside this. Every link is of a user
 * of its own, with a token that is made with the SECRET in that file. Before
 * it says that it is ready, each pair of floe is in a call. DEPTH messages of a
 * link are under way at once. -r RATE: messages a second in all, instead of as
 * fast as they arrive. -i: idle. -q: with floe, ask for no answers.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/load/client.h"
#include "bench/load/latency.h"

#define TICK_MS         200
#define PING_TICKS      20 /* 4 s */
#define OPEN_AT_ONCE    100
#define DEPTH_MAX       64
#define SDP_EVERY       10
#define CANDIDATE_BYTES 300
#define SDP_BYTES       3000
#define CALL_MAX        160
#define USER_MAX        32

struct link {
	struct client client; /* first: what is heard is heard by it */
	int index;
	bool ready;
	uint32_t next_id, sent, arrived;
	uint64_t sent_us[DEPTH_MAX]; /* messages of a link stay in order */
	bool greeted;                /* floe, as is what follows */
	char call[CALL_MAX + 1];
};

/* What differs between the servers. */
struct dialect {
	const char *name, *path, *protocol;
	void (*hear)(struct client *, const char *, size_t);
	/* A signaling message for the partner; body is the payload's text. */
	int (*signal)(
	    struct link *, char *, size_t, bool sdp, const char *body);
	void (*beat)(struct link *); /* NULL: the server pings */
};

static struct {
	const struct dialect *dialect;
	int nlinks, depth, seconds;
	double rate; /* 0: closed loop */
	bool idle, quiet;
	char secret[1024];
	struct loop *loop;
	struct loop_timer *tick;
	struct link *links;
	int opened, ready, turn;
	uint64_t ticks;
	double owed;
	bool measuring;
	uint64_t began_us, ended_us;
	uint64_t relayed, answers, errors, held_back;
	struct latency latency;
	char sdp[SDP_BYTES + 1];
} g = {
	.nlinks = 200,
	.depth = 1,
	.seconds = 10,
};

static struct link *
partner(const struct link *l)
{
	return &g.links[l->index ^ 1];
}

/* Of this run alone: those of an earlier one may still be in their calls. */
static void
user_of(const struct link *l, char user[USER_MAX])
{
	snprintf(user, USER_MAX, "l%d-%d", (int)getpid(), l->index);
}

static bool
starts(const char *text, size_t len, const char *head)
{
	size_t n = strlen(head);

	return len >= n && memcmp(text, head, n) == 0;
}

static void
say(struct link *l, const char *text)
{
	client_say(&l->client, text, strlen(text));
}

static void
is_ready(struct link *l)
{
	if (l->ready)
		return;
	l->ready = true;
	g.ready++;
}

static void
send_signal(struct link *l)
{
	bool sdp = l->sent % SDP_EVERY == 0;
	char text[2 * SDP_BYTES], body[2 * SDP_BYTES];
	int n;

	if (l->sent - partner(l)->arrived == (uint32_t)g.depth) {
		g.held_back++;
		return;
	}
	/* A client's SDP differs from its last one in the version, at least. */
	if (sdp)
		snprintf(body, sizeof(body),
		    "\"v=0\\r\\no=- 4611732 %" PRIu32
		    " IN IP4 127.0.0.1\\r\\n%s\"",
		    l->sent, g.sdp);
	else
		snprintf(body, sizeof(body),
		    "{\"candidate\":\"candidate:%" PRIu32 " 1 udp 1677729535 "
		    "203.0.113.77 50217 typ srflx raddr 192.168.178.23 rport "
		    "50217 generation 0 ufrag 4ZcD network-id 1 network-cost "
		    "10\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,"
		    "\"usernameFragment\":\"4ZcD\"}",
		    l->sent);
	n = g.dialect->signal(l, text, sizeof(text), sdp, body);
	l->sent_us[l->sent++ % DEPTH_MAX] = client_now_us();
	client_say(&l->client, text, (size_t)n);
}

/* A message of the partner's is here. */
static void
arrives(struct link *l)
{
	struct link *from = partner(l);
	uint64_t sent_us = from->sent_us[l->arrived++ % DEPTH_MAX];

	if (!g.measuring)
		return;
	g.relayed++;
	latency_add(&g.latency, client_now_us() - sent_us);
	if (g.rate == 0)
		send_signal(from);
}

static void
token_of(const struct link *l, char token[CLIENT_TOKEN_MAX])
{
	char user[USER_MAX];

	user_of(l, user);
	client_token(g.secret, user, token);
}

/* signald: hello; then the even one calls, and the odd one accepts. */

static void
floe_request(struct link *l, const char *op, const char *fields)
{
	char text[CLIENT_TOKEN_MAX + 256];

	snprintf(text, sizeof(text), "{\"id\":%" PRIu32 ",\"op\":\"%s\"%s}",
	    l->next_id++, op, fields);
	say(l, text);
}

static void
floe_hello(struct link *l)
{
	char token[CLIENT_TOKEN_MAX], fields[CLIENT_TOKEN_MAX + 64];

	token_of(l, token);
	snprintf(fields, sizeof(fields), ",\"token\":\"%s\",\"device\":\"d\"",
	    token);
	floe_request(l, "hello", fields);
}

static void
floe_call(struct link *l, const char *op, const char *call, size_t len)
{
	char fields[CALL_MAX + 16];

	snprintf(l->call, sizeof(l->call), "%.*s", (int)len, call);
	snprintf(fields, sizeof(fields), ",\"call\":\"%s\"", l->call);
	floe_request(l, op, fields);
}

static void
floe_invite(struct link *l)
{
	char fields[128], to[USER_MAX];

	user_of(partner(l), to);
	snprintf(fields, sizeof(fields),
	    ",\"to\":\"%s\",\"media\":{\"audio\":true,\"video\":true}", to);
	floe_request(l, "call.invite", fields);
}

static void
floe_answered(struct link *l, const char *text, size_t len)
{
	uint32_t id = (uint32_t)strtoul(text + strlen("{\"id\":"), NULL, 10);

	if (memmem(text, len, "\"ok\":", 5) == NULL) {
		if (g.errors++ == 0)
			fprintf(
			    stderr, "signaling-load: %.*s\n", (int)len, text);
		return;
	}
	g.answers += g.measuring;
	if (id != 1)
		return;
	l->greeted = true;
	if (g.idle)
		is_ready(l);
	else if (partner(l)->greeted)
		floe_invite(&g.links[l->index & ~1]);
}

static void
floe_pushed(struct link *l, const char *text, size_t len)
{
	static const char invite[] = "{\"push\":\"call.invite\",\"call\":\"";
	static const char accept[] = "{\"push\":\"call.accept\",\"call\":\"";
	const size_t head = sizeof(invite) - 1;

	if (starts(text, len, invite)) {
		floe_call(
		    l, "call.accept", text + head, strcspn(text + head, "\""));
	} else if (starts(text, len, accept)) {
		snprintf(l->call, sizeof(l->call), "%.*s",
		    (int)strcspn(text + head, "\""), text + head);
		is_ready(l);
		is_ready(partner(l));
	} else if (starts(text, len, "{\"push\":\"welcome\"")) {
		floe_hello(l);
	} else if (starts(text, len, "{\"push\":\"call.ended\"")) {
		client_die("a call", "ended");
	}
}

static void
floe_hear(struct client *c, const char *text, size_t len)
{
	struct link *l = (struct link *)c;

	if (starts(text, len, "{\"push\":\"call.candidate\"") ||
	    starts(text, len, "{\"push\":\"call.offer\""))
		arrives(l);
	else if (starts(text, len, "{\"id\":"))
		floe_answered(l, text, len);
	else
		floe_pushed(l, text, len);
}

static int
floe_signal(struct link *l, char *text, size_t size, bool sdp, const char *body)
{
	char id[32] = "";

	if (!g.quiet)
		snprintf(id, sizeof(id), "\"id\":%" PRIu32 ",", l->next_id++);
	return snprintf(text, size,
	    sdp ? "{%s\"op\":\"call.offer\",\"call\":\"%s\",\"sdp\":%s}"
		: "{%s\"op\":\"call.candidate\",\"call\":\"%s\","
		  "\"candidates\":[%s]}",
	    id, l->call, body);
}

static void
floe_beat(struct link *l)
{
	say(l, "{\"op\":\"ping\"}");
}

/* ws: JSON, and a hello first. */

static void
ws_hello(struct link *l)
{
	char token[CLIENT_TOKEN_MAX], text[CLIENT_TOKEN_MAX + 64];

	token_of(l, token);
	snprintf(
	    text, sizeof(text), "{\"type\":\"hello\",\"token\":\"%s\"}", token);
	say(l, text);
}

static void
ws_hear(struct client *c, const char *text, size_t len)
{
	struct link *l = (struct link *)c;

	if (starts(text, len, "{\"type\":\"welcome\""))
		ws_hello(l);
	else if (starts(text, len, "{\"type\":\"hello\""))
		is_ready(l);
	else if (starts(text, len, "{\"type\":\"error\""))
		client_die("refused", NULL);
	else
		arrives(l);
}

static int
ws_signal(struct link *l, char *text, size_t size, bool sdp, const char *body)
{
	char to[USER_MAX];

	user_of(partner(l), to);
	return snprintf(text, size, "{\"type\":\"%s\",\"to\":\"%s\",\"%s\":%s}",
	    sdp ? "offer" : "candidate", to, sdp ? "sdp" : "candidate", body);
}

/* socket.io 4 in engine.io 4: a digit or two before each JSON text. */

static void
socketio_connect(struct link *l)
{
	char token[CLIENT_TOKEN_MAX], text[CLIENT_TOKEN_MAX + 64];

	token_of(l, token);
	snprintf(text, sizeof(text), "40{\"token\":\"%s\"}", token);
	say(l, text);
}

static void
socketio_hear(struct client *c, const char *text, size_t len)
{
	struct link *l = (struct link *)c;

	if (starts(text, len, "42"))
		arrives(l);
	else if (starts(text, len, "40"))
		is_ready(l);
	else if (starts(text, len, "44"))
		client_die("refused", NULL);
	else if (starts(text, len, "0"))
		socketio_connect(l);
	else if (starts(text, len, "2"))
		say(l, "3");
}

static int
socketio_signal(
    struct link *l, char *text, size_t size, bool sdp, const char *body)
{
	char to[USER_MAX];

	user_of(partner(l), to);
	return snprintf(text, size,
	    "42[\"signal\",{\"type\":\"%s\",\"to\":\"%s\",\"%s\":%s}]",
	    sdp ? "offer" : "candidate", to, sdp ? "sdp" : "candidate", body);
}

static const struct dialect dialects[] = {
	{ "floe", "/ws", "floe.v1", floe_hear, floe_signal, floe_beat },
	{ "ws", "/", NULL, ws_hear, ws_signal, NULL },
	{ "socketio", "/socket.io/?EIO=4&transport=websocket", NULL,
	    socketio_hear, socketio_signal, NULL },
};

static void
report(void)
{
	double s = (double)(g.ended_us - g.began_us) / 1e6;
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	printf("links %d, depth %d, %.1f s\n", g.nlinks, g.depth, s);
	printf("acked %" PRIu64 " (%.0f/s), answers %" PRIu64 ", "
	       "errors %" PRIu64 ", held back %" PRIu64 "\n",
	    g.relayed, (double)g.relayed / s, g.answers, g.errors, g.held_back);
	latency_print(&g.latency, "relay");
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
	for (i = 0; i < g.nlinks && !g.idle && g.rate == 0; i++) {
		for (k = 0; k < g.depth; k++)
			send_signal(&g.links[i]);
	}
}

static void
open_some(void)
{
	while (g.opened < g.nlinks && g.opened - g.ready < OPEN_AT_ONCE) {
		g.links[g.opened].index = g.opened;
		g.links[g.opened].next_id = 1;
		client_open(&g.links[g.opened++].client);
	}
}

/* Spread, so that idle links do not all ping at once; a late tick leaves none
 * out. */
static void
beat(uint64_t now_us)
{
	int i;

	for (; g.ticks * TICK_MS * 1000 < now_us; g.ticks++) {
		for (i = (int)(g.ticks % PING_TICKS); i < g.opened;
		     i += PING_TICKS) {
			if (g.links[i].ready)
				g.dialect->beat(&g.links[i]);
		}
	}
}

static void
on_tick(void *arg)
{
	static uint64_t last_us;
	uint64_t now = client_now_us();

	if (g.measuring && now - g.began_us >= (uint64_t)g.seconds * 1000000) {
		g.ended_us = now;
		g.measuring = false;
		loop_stop(g.loop);
		return;
	}
	open_some();
	if (g.measuring && g.rate > 0) {
		g.owed += g.rate * (double)(now - last_us) / 1e6;
		for (; g.owed >= 1; g.owed -= 1)
			send_signal(&g.links[g.turn++ % g.nlinks]);
	}
	last_us = now;
	if (!g.measuring && g.ready == g.nlinks)
		start_measuring();
	if (g.dialect->beat != NULL)
		beat(now);
	loop_timer_set(g.tick, g.measuring && g.rate == 0 ? TICK_MS : 1);
}

/* As much of it as an SDP of this size has. */
static void
make_sdp(void)
{
	static const char line[] = "a=rtpmap:96 VP8/90000\\r\\n";
	size_t at;

	for (at = 0; at + sizeof(line) <= sizeof(g.sdp); at += sizeof(line) - 1)
		memcpy(g.sdp + at, line, sizeof(line));
}

/* A count; whatever is none is told as usage. */
static int
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return *text == '\0' || *end != '\0' || n > 1000000 ? -1 : (int)n;
}

static const struct dialect *
dialect_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		if (strcmp(dialects[i].name, name) == 0)
			return &dialects[i];
	}
	return NULL;
}

static void
parse_arguments(int argc, char **argv, const char **port)
{
	const char *secret = NULL, *server = "floe";
	int c;

	while ((c = getopt(argc, argv, "s:p:l:d:t:r:k:iq")) != -1) {
		switch (c) {
		case 's':
			server = optarg;
			break;
		case 'p':
			*port = optarg;
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
		case 'r':
			g.rate = number(optarg);
			break;
		case 'k':
			secret = optarg;
			break;
		case 'i':
			g.idle = true;
			break;
		case 'q':
			g.quiet = true;
			break;
		default:
			exit(2);
		}
	}
	g.dialect = dialect_find(server);
	if (g.dialect == NULL || secret == NULL || g.nlinks < 2 ||
	    g.nlinks % 2 != 0 || g.depth < 1 || g.depth > DEPTH_MAX ||
	    g.seconds < 1 || g.rate < 0) {
		fprintf(stderr,
		    "signaling-load: see its source for usage; "
		    "links are an even number\n");
		exit(2);
	}
	client_secret(secret, g.secret, sizeof(g.secret));
}

int
main(int argc, char **argv)
{
	struct client_side side = { .name = "signaling-load", .port = "8080" };

	parse_arguments(argc, argv, &side.port);
	side.path = g.dialect->path;
	side.protocol = g.dialect->protocol;
	side.hear = g.dialect->hear;
	g.loop = client_init(&side);
	g.links = calloc((size_t)g.nlinks, sizeof(*g.links));
	if (g.links == NULL || latency_init(&g.latency) != 0)
		client_die("memory", NULL);
	make_sdp();
	g.ticks = client_now_us() / (TICK_MS * 1000);
	g.tick = loop_timer_new(g.loop, on_tick, NULL);
	loop_timer_set(g.tick, 1);
	loop_run(g.loop);
	report();
	return 0;
}
