/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "bench/load/turn-sink.h"
#include "bench/load/turn-traffic.h"
#include "bench/load/wire.h"

#define QUEUE     64
#define EVENTS    128
#define LINGER_US 300000
/* Bursts that leave in one turn at a fixed rate: after a moment without the
 * CPU it catches up by these, not by all at once. */
#define BURSTS_A_TURN 4
#define NAP_MAX_US    100000
#define RELAX         16 /* pauses of a turn without work, less than 1 us */
#define IS_PEER       ((uint64_t)1 << 32)

static struct {
	struct traffic_conf conf;
	struct flows *flows;
	int epoll;
	struct sink sink;
	unsigned int turn; /* whose burst is next */
	uint64_t bursts;   /* made at a rate */
	uint64_t sent, idle_us;
	double seconds;
	/* Bursts that wait for one sendmmsg, all of one socket. */
	int queue_fd;
	unsigned int queued;
	struct mmsghdr queue[QUEUE];
	struct iovec queue_iov[QUEUE];
	uint8_t *queue_mem;
	size_t queue_slot;
} g;

static void
watch(int fd, uint64_t what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = what };

	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		wire_die("epoll", NULL);
}

void
traffic_init(const struct traffic_conf *conf)
{
	struct flows *all = conf->flows;
	size_t frame =
	    all->client_len > all->peer_len ? all->client_len : all->peer_len;
	unsigned int i;

	g.conf = *conf;
	g.flows = all;
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	g.sink = (struct sink){
		.flows = all, .rx = wire_rx_new(), .timed = conf->rate > 0
	};
	g.queue_slot = frame * all->conf.burst;
	g.queue_mem = calloc(QUEUE, g.queue_slot);
	if (g.epoll < 0 || g.queue_mem == NULL ||
	    latency_init(&g.sink.latency) != 0)
		wire_die("memory", NULL);
	for (i = 0; i < QUEUE; i++) {
		g.queue[i].msg_hdr.msg_iov = &g.queue_iov[i];
		g.queue[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < all->peers; i++)
		watch(all->peer[i], IS_PEER | i);
	for (i = 0; i < all->conf.count; i++)
		watch(all->flow[i].client.fd, i);
}

static void
flush_queue(void)
{
	unsigned int burst = g.flows->conf.burst, n;

	if (g.queued == 0)
		return;
	n = sink_send(g.queue_fd, g.queue, g.queued);
	g.sent += (uint64_t)n * burst;
	way_leave(&g.sink.way, g.sink.now_us, n * burst);
	g.queued = 0;
}

/* A merge is one message; without, each datagram is one. */
static void
queue_burst(struct flow *f, bool from_peer, uint8_t *data, size_t len)
{
	struct msghdr *m;

	g.queue_iov[g.queued] = (struct iovec){ data, len };
	m = &g.queue[g.queued].msg_hdr;
	m->msg_name = from_peer ? &f->relayed : NULL;
	m->msg_namelen = from_peer ? f->relayed_len : 0;
	if (++g.queued == QUEUE)
		flush_queue();
}

/* The same datagrams without UDP_SEGMENT, for who wants to see what it does. */
static void
send_plain(struct flow *f, bool from_peer, uint8_t *data, size_t len)
{
	unsigned int burst = g.flows->conf.burst, i;
	struct sockaddr *to = from_peer ? (struct sockaddr *)&f->relayed : NULL;
	socklen_t to_len = from_peer ? f->relayed_len : 0;
	int fd = from_peer ? f->peer : f->client.fd;

	for (i = 0; i < burst; i++) {
		if (sendto(fd, data + i * len, len, 0, to, to_len) < 0)
			continue;
		g.sent++;
		way_leave(&g.sink.way, g.sink.now_us, 1);
	}
}

/* False: the flow's stream takes no more for now. */
static bool
send_burst(struct flow *f)
{
	struct flows *all = g.flows;
	bool from_peer = all->conf.way == FLOW_DOWN;
	size_t len = from_peer ? all->peer_len : all->client_len;
	int fd = from_peer ? f->peer : f->client.fd;
	uint8_t *data;

	if (all->streams && !from_peer && !flow_flush(f))
		return false;
	if (fd != g.queue_fd)
		flush_queue();
	g.queue_fd = fd;
	data = g.queue_mem + g.queued * g.queue_slot;
	flow_burst(all, f, from_peer, data, g.sink.now_us);
	if (all->streams && !from_peer) {
		flow_write(f, data, len * all->conf.burst);
		g.sent += all->conf.burst;
		way_leave(&g.sink.way, g.sink.now_us, all->conf.burst);
	} else if (all->conf.plain)
		send_plain(f, from_peer, data, len);
	else
		queue_burst(f, from_peer, data, len * all->conf.burst);
	return true;
}

/* Bursts of the next flows. */
static void
send_some(uint64_t bursts)
{
	unsigned int count = g.flows->conf.count, blocked = 0;

	g.sink.now_us = wire_now_us();
	while (bursts > 0 && blocked < count) {
		if (send_burst(&g.flows->flow[g.turn++ % count]))
			bursts--;
		else
			blocked++;
	}
	flush_queue();
}

static int
receive_some(uint64_t wait_us)
{
	const struct timespec wait = { 0, (long)wait_us * 1000 };
	struct epoll_event e[EVENTS];
	int n = epoll_pwait2(g.epoll, e, EVENTS, &wait, NULL), i;

	if (n < 0 && errno != EINTR)
		wire_die("epoll", NULL);

	for (i = 0; i < n; i++) {
		if ((e[i].data.u64 & IS_PEER) == 0)
			sink_client(&g.sink, &g.flows->flow[e[i].data.u64]);
		else
			sink_peer(
			    &g.sink, g.flows->peer[(uint32_t)e[i].data.u64]);
	}
	return n;
}

/* How many bursts may leave now. */
static uint64_t
due(uint64_t began_us)
{
	uint64_t burst = g.flows->conf.burst, past, n;

	if (g.conf.rate == 0) {
		way_expire(&g.sink.way, g.sink.now_us);
		return g.sink.way.out >= g.conf.window
		    ? 0
		    : (g.conf.window - g.sink.way.out) / burst;
	}
	past = g.sink.now_us - began_us;
	n = (past - past % g.conf.tick_us) * g.conf.rate / 1000000 / burst;
	n = n > g.bursts ? n - g.bursts : 0;
	n = n < BURSTS_A_TURN ? n : BURSTS_A_TURN;
	g.bursts += n;
	return n;
}

/* How long until the next burst at a rate; at full rate there is no waiting. */
static uint64_t
nap_us(uint64_t began_us)
{
	uint64_t past = g.sink.now_us - began_us, tick = g.conf.tick_us, next;

	if (g.conf.rate == 0)
		return 0;
	next = (g.bursts + 1) * g.flows->conf.burst * 1000000 / g.conf.rate;
	next = (next + tick - 1) / tick * tick;
	next = next > past ? next - past : 0;
	return next < NAP_MAX_US ? next : NAP_MAX_US;
}

/* The other half of the core may be the server's. */
static void
relax(void)
{
	int i;

	for (i = 0; i < RELAX; i++) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile("yield");
#endif
	}
}

static void
forget(void)
{
	g.sink.received = g.sink.wrong = g.sink.echoed = 0;
	g.sink.latency.n = 0;
	g.sent = g.idle_us = g.bursts = 0;
}

/* Until all have arrived, or none does any more. */
static void
drain(void)
{
	uint64_t now = wire_now_us(), last = now;
	unsigned int i;

	while (now - last < LINGER_US &&
	    g.sink.received < g.sent + g.sink.echoed) {
		for (i = 0; g.flows->streams && i < g.flows->conf.count; i++)
			flow_flush(&g.flows->flow[i]);
		if (receive_some(0) > 0)
			last = now;
		now = wire_now_us();
		way_expire(&g.sink.way, now);
	}
}

void
traffic_run(unsigned int seconds)
{
	uint64_t began = wire_now_us(), now = began, n, nap;
	uint64_t end = began + (uint64_t)seconds * 1000000;
	bool idle;

	forget();
	for (g.sink.now_us = now; now < end; now = g.sink.now_us) {
		n = due(began);
		if (n > 0)
			send_some(n);
		nap = n == 0 ? nap_us(began) : 0;
		idle = receive_some(nap) == 0 && n == 0;
		if (idle && nap == 0)
			relax();
		g.sink.now_us = wire_now_us();
		g.idle_us += idle ? g.sink.now_us - now : 0;
	}
	g.seconds = (double)(now - began) / 1e6;
	drain();
}

static double
own_cpu_s(void)
{
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
	    (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
}

void
traffic_report(void)
{
	struct sink *s = &g.sink;
	uint64_t sent = g.sent + s->echoed;

	latency_sort(&s->latency);
	printf("sent %" PRIu64 " received %" PRIu64 " lost %" PRIu64
	       " wrong %" PRIu64 " relayed %" PRIu64 " seconds %.3f"
	       " p50_us %" PRIu32 " p99_us %" PRIu32 " idle %.2f own_s %.2f\n",
	    sent, s->received, sent > s->received ? sent - s->received : 0,
	    s->wrong, s->received * (g.flows->conf.way == FLOW_PAIR ? 2 : 1),
	    g.seconds, latency_us(&s->latency, 0.50),
	    latency_us(&s->latency, 0.99), (double)g.idle_us / 1e6 / g.seconds,
	    own_cpu_s());
}
