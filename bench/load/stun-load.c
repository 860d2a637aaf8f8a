/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun-load: Binding requests to one STUN server at a bounded rate, from many
 * source ports in turn, and how many were answered with a success.
 *
 *   stun-load [-r RATE] [-t SECONDS] [-s SOCKETS] ADDRESS:PORT
 *
 * What is due goes out every TICK_US, so that a server sees requests come in
 * small groups and not in one burst a scheduler tick.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "lib/stun/message.h"

#define BATCH       32
#define SOCKETS_MAX 1024
#define TICK_US     200
#define LINGER_US   300000 /* for the last answers */

static struct {
	struct addr server;
	unsigned int rate, seconds, nsocks;
	int socks[SOCKETS_MAX];
	unsigned int turn;
	uint64_t sent, answered, wrong;
	uint8_t out[BATCH][STUN_HEADER_LEN], in[BATCH][512];
	struct iovec out_iov[BATCH], in_iov[BATCH];
	struct mmsghdr out_msg[BATCH], in_msg[BATCH];
} g = { .rate = 20000, .seconds = 5, .nsocks = 64 };

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
	fprintf(stderr, "stun-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
open_sockets(void)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&g.server, &ss);
	unsigned int i;

	for (i = 0; i < g.nsocks; i++) {
		g.socks[i] = socket(
		    ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (g.socks[i] < 0 ||
		    connect(g.socks[i], (struct sockaddr *)&ss, len) != 0)
			die("socket");
	}
}

/* The transaction id is the number of the request, so every one is new. */
static void
build(uint8_t *out, uint64_t number)
{
	static const uint8_t head[8] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };

	memcpy(out, head, sizeof(head));
	memset(out + sizeof(head), 0, STUN_TXID_LEN);
	memcpy(out + sizeof(head), &number, sizeof(number));
}

static void
prepare(void)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		g.out_iov[i] = (struct iovec){ g.out[i], STUN_HEADER_LEN };
		g.out_msg[i].msg_hdr.msg_iov = &g.out_iov[i];
		g.out_msg[i].msg_hdr.msg_iovlen = 1;
		g.in_iov[i] = (struct iovec){ g.in[i], sizeof(g.in[i]) };
		g.in_msg[i].msg_hdr.msg_iov = &g.in_iov[i];
		g.in_msg[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Up to BATCH requests from the next socket. */
static unsigned int
send_some(uint64_t due)
{
	unsigned int n = due < BATCH ? (unsigned int)due : BATCH, i;
	int rc;

	for (i = 0; i < n; i++)
		build(g.out[i], g.sent + i);
	rc = sendmmsg(g.socks[g.turn++ % g.nsocks], g.out_msg, n, 0);
	if (rc < 0 && errno != EAGAIN && errno != ENOBUFS)
		die("send");
	g.sent += rc > 0 ? (unsigned int)rc : 0;
	return rc > 0 ? (unsigned int)rc : 0;
}

static void
hear(const uint8_t *data, size_t len)
{
	uint64_t number;

	memcpy(&number, data + 8, sizeof(number));
	if (len >= STUN_HEADER_LEN && data[0] == 0x01 && data[1] == 0x01 &&
	    number < g.sent)
		g.answered++;
	else
		g.wrong++;
}

static void
drain(int fd)
{
	int n, i;

	do {
		n = recvmmsg(fd, g.in_msg, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno != EAGAIN)
			die("receive");
		for (i = 0; i < n; i++)
			hear(g.in[i], g.in_msg[i].msg_len);
	} while (n == BATCH);
}

/* Answers are drained until the next tick; a server that is slow, or gone for
 * a moment, does not slow the requests down. */
static void
drain_until(uint64_t then_us)
{
	static unsigned int at;
	struct timespec ts = { 0, 0 };
	uint64_t now;
	unsigned int i;

	/* A few sockets a tick: each is reached every nsocks / 8 ticks. */
	for (i = 0; i < 8 && i < g.nsocks; i++)
		drain(g.socks[at++ % g.nsocks]);
	now = now_us();
	if (now < then_us) {
		ts.tv_nsec = (long)(then_us - now) * 1000;
		nanosleep(&ts, NULL);
	}
}

static void
load(void)
{
	uint64_t began = now_us(), now = began, due;
	uint64_t end = began + (uint64_t)g.seconds * 1000000;

	while (now < end) {
		due = (now - began) * g.rate / 1000000;
		/* After a moment without the CPU we catch up by a batch a
		 * tick: one big burst would be other traffic. */
		if (due > g.sent)
			send_some(due - g.sent);
		drain_until(now + TICK_US);
		now = now_us();
	}
	end = now_us() + LINGER_US;
	while (now_us() < end)
		drain_until(now_us() + TICK_US);
}

static unsigned int
number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > most) {
		fprintf(stderr, "stun-load: %s is not 1 to %lu\n", text, most);
		exit(2);
	}
	return (unsigned int)n;
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:t:s:")) != -1) {
		if (c == 'r')
			g.rate = number(optarg, 1000000);
		else if (c == 't')
			g.seconds = number(optarg, 3600);
		else if (c == 's')
			g.nsocks = number(optarg, SOCKETS_MAX);
		else
			return 2;
	}
	if (optind + 1 != argc || addr_parse(argv[optind], &g.server) != 0) {
		fprintf(stderr,
		    "usage: stun-load [-r RATE] [-t SECONDS] "
		    "[-s SOCKETS] ADDRESS:PORT\n");
		return 2;
	}
	/* The default slack of 50 us is a quarter of a tick. */
	prctl(PR_SET_TIMERSLACK, 1000);
	prepare();
	open_sockets();
	load();
	printf("sent %" PRIu64 " answered %" PRIu64 " wrong %" PRIu64 "\n",
	    g.sent, g.answered, g.wrong);
	return 0;
}
