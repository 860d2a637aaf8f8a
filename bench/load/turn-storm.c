/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/turn-storm.h"
#include "bench/load/wire.h"

#define EVENTS      64
#define AT_ONCE_MAX 1024
#define AGAIN_US    200000 /* a request without an answer is sent again */
#define START_US    60000000
#define START_TRY   500 /* us */
#define DISCARD     9   /* the port of the peer of those that are held */

/* A client that is at it. */
struct busy {
	struct turn_client *client; /* NULL: nobody */
	uint64_t asked_us;
	size_t len; /* of the request */
	uint8_t request[TURN_REQUEST_MAX];
};

struct storm {
	struct turn_side *side;
	unsigned int count, begun, stand, under_way;
	uint64_t took_us;
	int epoll;
	struct turn_client *clients;
	uint32_t *place; /* which busy a client is */
	unsigned int at_once;
	struct busy busy[AT_ONCE_MAX];
};

struct storm *
storm_new(struct turn_side *side, unsigned int count)
{
	struct storm *s = calloc(1, sizeof(*s));
	struct epoll_event e = { .events = EPOLLIN };
	unsigned int i;

	if (s == NULL ||
	    (s->clients = calloc(count, sizeof(*s->clients))) == NULL ||
	    (s->place = calloc(count, sizeof(*s->place))) == NULL ||
	    (s->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		wire_die("memory", NULL);
	s->side = side;
	s->count = count;
	for (i = 0; i < count; i++) {
		turn_client_open(side, &s->clients[i]);
		e.data.u32 = i;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->clients[i].fd, &e) !=
		    0)
			wire_die("epoll", NULL);
	}
	return s;
}

static void
ask(struct storm *s, struct busy *b, uint64_t now_us)
{
	b->len = turn_client_build(
	    s->side, b->client, &turn_ask_allocate, b->request);
	b->asked_us = now_us;
	turn_client_send(b->client, b->request, b->len);
}

/* The next client that has none yet takes the place. */
static void
begin(struct storm *s, struct busy *b, uint64_t now_us)
{
	b->client = NULL;
	if (s->begun == s->count)
		return;
	s->place[s->begun] = (uint32_t)(b - s->busy);
	b->client = &s->clients[s->begun++];
	b->client->nonce_len = 0;
	s->under_way++;
	ask(s, b, now_us);
}

static void
hears(struct storm *s, uint32_t i)
{
	struct turn_client *c = &s->clients[i];
	struct busy *b = &s->busy[s->place[i]];
	uint64_t now = wire_now_us();
	uint8_t data[2048];
	ssize_t n;

	while ((n = recv(c->fd, data, sizeof(data), 0)) > 0) {
		if (b->client != c)
			continue;
		switch (turn_client_hear(s->side, c, data, (size_t)n)) {
		case TURN_CHALLENGED:
			ask(s, b, now);
			break;
		case TURN_GRANTED:
			s->stand++;
			s->under_way--;
			begin(s, b, now);
			break;
		case TURN_REFUSED:
			turn_client_die(c, "an allocation");
		default:
			break;
		}
	}
}

/* Now and then: what may have been lost is sent again. */
static void
ask_again(struct storm *s, uint64_t now_us)
{
	struct busy *b;

	for (b = s->busy; b < s->busy + s->at_once; b++) {
		if (b->client == NULL || now_us - b->asked_us < AGAIN_US)
			continue;
		b->asked_us = now_us;
		turn_client_send(b->client, b->request, b->len);
	}
}

void
storm_allocate(struct storm *s, unsigned int at_once, unsigned int seconds)
{
	struct epoll_event e[EVENTS];
	uint64_t began = wire_now_us(), now = began, swept = began;
	uint64_t until = began + (uint64_t)seconds * 1000000;
	unsigned int i;
	int n;

	s->at_once = at_once < AT_ONCE_MAX ? at_once : AT_ONCE_MAX;
	s->begun = s->stand = s->under_way = 0;
	for (i = 0; i < s->at_once; i++)
		begin(s, &s->busy[i], now);
	while (s->under_way > 0 && now < until) {
		n = epoll_wait(s->epoll, e, EVENTS, 0);
		for (i = 0; (int)i < n; i++)
			hears(s, e[i].data.u32);
		now = wire_now_us();
		if (now - swept > AGAIN_US / 4) {
			ask_again(s, now);
			swept = now;
		}
	}
	s->took_us = now - began;
}

void
storm_report(const struct storm *s)
{
	printf("allocations %u seconds %.4f\n", s->stand,
	    (double)s->took_us / 1e6);
}

static void
end(struct turn_side *side, struct turn_client *c, unsigned int count)
{
	for (; count > 0; c++, count--) {
		if (turn_client_ask(side, c, &turn_ask_end) != TURN_GRANTED)
			break; /* the server is gone, perhaps */
	}
}

void
storm_end(struct storm *s)
{
	end(s->side, s->clients, s->begun);
}

void
storm_free(struct storm *s)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		turn_client_close(&s->clients[i]);
	close(s->epoll);
	free(s->place);
	free(s->clients);
	free(s);
}

void
hold(struct turn_side *side, unsigned int count)
{
	struct turn_client *c = calloc(count, sizeof(*c));
	struct addr peer = side->local;
	uint64_t began = wire_now_us();
	unsigned int i;

	if (c == NULL)
		wire_die("memory", NULL);
	peer.port = DISCARD;
	for (i = 0; i < count; i++) {
		turn_client_open(side, &c[i]);
		turn_client_allocate(side, &c[i]);
		turn_client_reach(side, &c[i], &peer, true);
	}
	printf("held %u seconds %.2f\n", count,
	    (double)(wire_now_us() - began) / 1e6);
	fflush(stdout);
	while (getchar() != EOF)
		;
	end(side, c, count);
	for (i = 0; i < count; i++)
		turn_client_close(&c[i]);
	free(c);
}

static pid_t
run(char **argv)
{
	pid_t pid = fork();
	int null;

	if (pid < 0)
		wire_die("fork", NULL);
	if (pid > 0)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

void
start(struct turn_side *side, char **argv)
{
	const struct turn_ask binding = { .method = STUN_BINDING };
	const struct timespec wait = { 0, START_TRY * 1000 };
	uint8_t out[TURN_REQUEST_MAX], in[2048];
	uint64_t began, now;
	struct turn_client c;
	struct pollfd p = { .events = POLLIN };
	size_t len;
	pid_t pid;

	turn_client_open(side, &c);
	p.fd = c.fd;
	len = turn_client_build(side, &c, &binding, out);
	began = now = wire_now_us();
	pid = run(argv);
	/* Nobody listens at first, which is told as an error at once. */
	while (recv(c.fd, in, sizeof(in), 0) < STUN_HEADER_LEN) {
		now = wire_now_us();
		if (now - began > START_US || waitpid(pid, NULL, WNOHANG) != 0)
			wire_die(argv[0], "does not answer");
		turn_client_send(&c, out, len);
		ppoll(&p, 1, &wait, NULL);
		if ((p.revents & POLLERR) != 0)
			nanosleep(&wait, NULL);
	}
	printf("start_ms %.2f\n", (double)(wire_now_us() - began) / 1e3);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	turn_client_close(&c);
}
