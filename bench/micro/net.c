/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/micro/bench.h"
#include "lib/net/batch.h"
#include "lib/net/sock.h"

#define SINKS 32
#define BYTES 160 /* 20 ms of G.711, the packet of every comparison */

static struct batch_rx *rx;
static struct batch_tx *tx;
static int from, sinks[SINKS];
static bool merging;
static bool plan_only; /* nothing leaves: the kernel's part is left out */
static struct addr self, dst[SINKS];

/* Stands before that of libc in this program. */
int
sendmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags)
{
	if (plan_only)
		return (int)n;
	return (int)syscall(SYS_sendmmsg, fd, m, n, flags);
}

static int
open_udp(struct addr *at)
{
	struct addr a = addr_v4(127, 0, 0, 1, 0);
	int fd = sock_udp(&a);

	if (fd < 0 || sock_local(fd, at) != 0)
		exit(1);
	return fd;
}

static void
open_all(void)
{
	int i;

	if (rx != NULL)
		return;
	rx = batch_rx_new();
	tx = batch_tx_new(NULL, NULL);
	if (rx == NULL || tx == NULL)
		exit(1);
	from = open_udp(&self);
	for (i = 0; i < SINKS; i++)
		sinks[i] = open_udp(&dst[i]);
}

/* The same sockets, with what comes in a row merged by the kernel. */
static void
open_merging(void)
{
	int i;

	open_all();
	for (i = 0; i < SINKS && !merging; i++)
		batch_rx_merge(sinks[i]);
	batch_rx_merge(from);
	merging = true;
}

static uint64_t
drain(int fd)
{
	uint64_t got = 0;
	int r;

	do {
		r = batch_rx_read(rx, fd);
		got += r > 0 ? (uint64_t)r : 0;
	} while (batch_rx_more(rx));
	return got;
}

/* n datagrams to as many destinations, flushed by the given number; what has
 * arrived is read at once, so its cost is in the figure too. */
static uint64_t
send_and_receive(uint64_t n, int destinations, int by)
{
	static const char data[BYTES];
	uint64_t got = 0;
	int i;

	while (n > 0) {
		for (i = 0; i < by && n > 0; i++, n--)
			batch_tx_add(tx, from, &dst[i % destinations], "head",
			    4, data, sizeof(data) - 4);
		batch_tx_flush(tx);
		for (i = 0; i < destinations; i++)
			got += drain(sinks[i]);
	}
	return got;
}

static uint64_t
plan(uint64_t n, int destinations)
{
	static const char data[BYTES];
	uint64_t left;
	int i;

	plan_only = true;
	for (left = n; left > 0;) {
		for (i = 0; i < BATCH_MAX && left > 0; i++, left--)
			batch_tx_add(tx, from, &dst[i % destinations], "head",
			    4, data, sizeof(data) - 4);
		batch_tx_flush(tx);
	}
	plan_only = false;
	return n;
}

static uint64_t
plan_one(uint64_t n)
{
	return plan(n, 1);
}

static uint64_t
plan_many(uint64_t n)
{
	return plan(n, SINKS);
}

static uint64_t
lone(uint64_t n)
{
	return send_and_receive(n, 1, 1);
}

static uint64_t
one_flow(uint64_t n)
{
	return send_and_receive(n, 1, BATCH_MAX);
}

static uint64_t
many_flows(uint64_t n)
{
	return send_and_receive(n, SINKS, BATCH_MAX);
}

/* As from many clients: nothing is there to be merged. */
static uint64_t
many_sources(uint64_t n)
{
	static const char data[BYTES];
	uint64_t got = 0;
	int i;

	while (n > 0) {
		for (i = 0; i < SINKS && n > 0; i++, n--)
			batch_tx_add(
			    tx, sinks[i], &self, NULL, 0, data, sizeof(data));
		batch_tx_flush(tx);
		got += drain(from);
	}
	return got;
}

const struct bench net_benches[] = {
	{ "batch: plan alone, 64 to one destination", open_all, plan_one },
	{ "batch: plan alone, 64 to 32 destinations", open_all, plan_many },
	{ "batch: a lone 160 B datagram, loopback", open_all, lone },
	{ "batch: 64 of them to one destination", open_all, one_flow },
	{ "batch: 64 of them to 32 destinations", open_all, many_flows },
	{ "batch: 32 of them from as many sources", open_all, many_sources },
	{ "batch: a lone one, merging socket", open_merging, lone },
	{ "batch: 64 to one merging socket", open_merging, one_flow },
	{ "batch: 64 to 32 merging sockets", open_merging, many_flows },
	{ "batch: 32 from as many, merging socket", open_merging,
	    many_sources },
	{ .name = NULL },
};
