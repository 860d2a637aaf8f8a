/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-sink: what arrives at clients and peers: whether it is right, how long
 * it took; and back from the peer, where that echoes.
 * Owns: its receiver and samples; flows are borrowed.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_TURN_SINK_H
#define FLOE_BENCH_LOAD_TURN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/latency.h"
#include "bench/load/payload.h"
#include "bench/load/turn-flow.h"
#include "bench/load/wire.h"

struct sink {
	struct flows *flows;
	struct wire_rx *rx;
	bool timed; /* latencies are wanted */
	uint64_t now_us;
	struct way way;
	struct latency latency;
	uint64_t received, wrong, echoed; /* payloads */
};

/* Reads all that is there. */
void sink_peer(struct sink *, int fd);
void sink_client(struct sink *, struct flow *);
/* How many messages left; the others are lost. */
unsigned int sink_send(int fd, struct mmsghdr *, unsigned int n);

#endif
