/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-load: all clients and all peers of a TURN server, in one thread. See
 * `usage` for what it can do. Its output is lines of words and numbers:
 *
 *   ready ...       all flows stand; with -i a line of input starts them
 *   sent N ...      traffic has ended; with -i the next line lets all go
 *
 * so that who runs it can read the server's counters exactly around what is
 * measured.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/load/turn-flow.h"
#include "bench/load/turn-storm.h"
#include "bench/load/turn-traffic.h"
#include "bench/load/wire.h"

#define FLOWS_MAX 16000

static const char usage[] =
    "usage: turn-load [options] ADDRESS:PORT [COMMAND ...]\n"
    "  -m MODE   traffic: payloads through the relay (the default);\n"
    "            allocations: -n of them, as fast as they are made;\n"
    "            hold: -n of them with a channel, until input ends;\n"
    "            start: runs COMMAND, a server, until it answers\n"
    "  -u USER -w PASSWORD\n"
    "  -x OVER   udp, tcp, tls; none, none-tcp: the server is `forward`\n"
    "  -n COUNT  flows, or allocations: 1 to 16000\n"
    "  -i        wait for a line of input where the first lines of the\n"
    "            source say\n"
    "  -t SECONDS  -W SECONDS of traffic before it, or -W 1 to make and end\n"
    "            all allocations once before they are counted\n"
    "  -o COUNT  payloads, or allocations, under way at once\n"
    "traffic only:\n"
    "  -f FRAMES channel, or send: indications\n"
    "  -d WAY    up: client to peer; down; echo: both; pair: client to client\n"
    "  -l BYTES  of a payload, 64 to 1400\n"
    "  -b COUNT  payloads of one flow sent back to back\n"
    "  -r RATE   payloads a second, of all flows; 0: as fast as they arrive\n"
    "  -q US     at a rate, what is due leaves together so often; 1: evenly\n"
    "  -G        bursts leave and arrive as single datagrams\n";

enum mode { TRAFFIC, ALLOCATIONS, HOLD, START };

static struct options {
	struct turn_side side;
	struct flow_conf flow;
	enum mode mode;
	unsigned int window, rate, tick_us, seconds, warm_up;
	bool asks;
	char **command;
} o = {
	.side = { .user = "user", .password = "password" },
	.flow = { .way = FLOW_ECHO, .size = 160, .count = 1, .burst = 1 },
	.window = 64,
	.tick_us = 1,
	.seconds = 5,
};

static const char *const modes[] = { "traffic", "allocations", "hold", "start",
	NULL };
static const char *const overs[] = { "udp", "tcp", "tls", "none", "none-tcp",
	NULL };
static const char *const frames[] = { "channel", "send", NULL };
static const char *const ways[] = { "up", "down", "echo", "pair", NULL };

static _Noreturn void
misused(const char *what)
{
	fprintf(stderr, "turn-load: %s\n%s", what, usage);
	exit(2);
}

static unsigned int
number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < least || n > most)
		misused(text);
	return (unsigned int)n;
}

static unsigned int
word(const char *text, const char *const *words)
{
	unsigned int i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0)
			return i;
	}
	misused(text);
}

static bool
traffic_option(int c, const char *text)
{
	switch (c) {
	case 'f':
		o.flow.indications = word(text, frames) == 1;
		return true;
	case 'd':
		o.flow.way = (enum flow_way)word(text, ways);
		return true;
	case 'l':
		o.flow.size = number(text, PAYLOAD_MIN, FLOW_SIZE_MAX);
		return true;
	case 'b':
		o.flow.burst = number(text, 1, WIRE_SEGMENTS);
		return true;
	case 'r':
		o.rate = number(text, 0, 10000000);
		return true;
	case 'q':
		o.tick_us = number(text, 1, 100000);
		return true;
	case 'G':
		o.flow.plain = true;
		return true;
	default:
		return false;
	}
}

static void
option(int c, const char *text)
{
	switch (c) {
	case 'm':
		o.mode = (enum mode)word(text, modes);
		break;
	case 'u':
		o.side.user = text;
		break;
	case 'w':
		o.side.password = text;
		break;
	case 'x':
		o.side.over = (enum turn_over)word(text, overs);
		break;
	case 'n':
		o.flow.count = number(text, 1, FLOWS_MAX);
		break;
	case 'i':
		o.asks = true;
		break;
	case 't':
		o.seconds = number(text, 1, 240);
		break;
	case 'W':
		o.warm_up = number(text, 0, 60);
		break;
	case 'o':
		o.window = number(text, 1, 100000);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		misused("no such option");
	}
}

static void
parse(int argc, char **argv)
{
	const struct flow_conf *f = &o.flow;
	int c;

	/* +: what follows COMMAND is its own. */
	while ((c = getopt(argc, argv, "+m:u:w:x:n:it:W:o:f:d:l:b:r:q:Gh")) !=
	    -1) {
		if (!traffic_option(c, optarg))
			option(c, optarg);
	}
	if (optind >= argc || addr_parse(argv[optind], &o.side.server) != 0)
		misused("where is the server?");
	o.command = argv + optind + 1;
	/* A relayed address has the family of its peers, IPv4 unless asked. */
	if (o.side.server.family != ADDR_V4)
		misused("peers are IPv4, and so is the server");
	if (o.mode != TRAFFIC && o.mode != HOLD && o.side.over != TURN_OVER_UDP)
		misused("this mode knows UDP alone");
	if ((o.mode == START) != (o.command[0] != NULL))
		misused("start, and no other mode, wants a command");
	if (o.mode != TRAFFIC)
		return;
	if (o.window < f->burst)
		misused("the window is less than a burst");
	if (f->burst * (f->size + FLOW_PREFIX_MAX) > WIRE_SEGMENT_BYTES)
		misused("a burst is too long");
	if (f->way == FLOW_PAIR && f->count % 2 != 0)
		misused("pairs want an even number of flows");
	if (turn_over_none(o.side.over) && f->indications)
		misused("forward knows no indications");
}

/* Says that it is this far, and waits to be told to go on. */
static void
pause_here(void)
{
	int c;

	fflush(stdout);
	while (o.asks && (c = getchar()) != '\n' && c != EOF)
		;
}

static void
traffic(void)
{
	struct traffic_conf conf = { NULL, o.window, o.rate, o.tick_us };
	struct flows flows;

	o.flow.side = &o.side;
	flows_open(&flows, &o.flow);
	flows_merge(&flows);
	conf.flows = &flows;
	traffic_init(&conf);
	if (o.warm_up > 0)
		traffic_run(o.warm_up);
	printf("ready %u\n", flows.conf.count);
	pause_here();
	traffic_run(o.seconds);
	traffic_report();
	pause_here();
	flows_close(&flows);
}

static void
allocations(void)
{
	struct storm *s = storm_new(&o.side, o.flow.count);

	if (o.warm_up > 0) {
		storm_allocate(s, o.window, o.seconds);
		storm_end(s);
	}
	printf("ready %u\n", o.flow.count);
	pause_here();
	storm_allocate(s, o.window, o.seconds);
	storm_report(s);
	pause_here();
	storm_end(s);
	storm_free(s);
}

int
main(int argc, char **argv)
{
	struct rlimit lim;

	parse(argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	/* The default slack of 50 us is as much as a relay takes. */
	prctl(PR_SET_TIMERSLACK, 1000);
	if (crypto_init() != 0)
		wire_die("crypto", "does not start");
	turn_side_init(&o.side);
	if (o.mode == TRAFFIC)
		traffic();
	else if (o.mode == ALLOCATIONS)
		allocations();
	else if (o.mode == HOLD)
		hold(&o.side, o.flow.count);
	else
		start(&o.side, o.command);
	return 0;
}
