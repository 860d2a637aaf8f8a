/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-flow: the clients and the peers of a load, set up, and the frames that
 * they send. A flow is a client with its allocation and the peer that it
 * talks to; some flows share a peer.
 * Owns: all of them.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_TURN_FLOW_H
#define FLOE_BENCH_LOAD_TURN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/load/payload.h"
#include "bench/load/turn-client.h"

#define FLOW_PEERS_MAX  16
#define FLOW_PREFIX_MAX 64
#define FLOW_SIZE_MAX   1400

enum flow_way {
	FLOW_UP,   /* client to peer */
	FLOW_DOWN, /* peer to client */
	FLOW_ECHO, /* to the peer and back */
	FLOW_PAIR, /* client to client, over both relayed addresses */
};

struct flow_conf {
	struct turn_side *side;
	enum flow_way way;
	bool indications; /* no channels */
	bool plain;       /* neither UDP_SEGMENT nor UDP_GRO */
	unsigned int size, count, burst;
};

struct flow {
	struct turn_client client;
	uint32_t number;
	int peer; /* its socket */
	struct sockaddr_storage relayed;
	socklen_t relayed_len;
	uint64_t payloads;               /* made so far */
	struct payload_seen seen[2];     /* by leg */
	uint8_t prefix[FLOW_PREFIX_MAX]; /* of what its client sends */
	size_t prefix_len;
	uint8_t *rest; /* of a burst that a stream did not take at once */
	size_t rest_at, rest_len;
};

struct flows {
	struct flow_conf conf;
	struct flow *flow; /* conf.count of them */
	int peer[FLOW_PEERS_MAX];
	unsigned int peers;
	bool streams;
	size_t client_len, peer_len; /* of a frame that one of them sends */
};

void flows_open(struct flows *, const struct flow_conf *);
/* From now on bursts leave and arrive merged. */
void flows_merge(struct flows *);
void flows_close(struct flows *); /* with the allocations */

/* count frames after each other, as its client, or its peer, sends them. */
void flow_burst(struct flows *, struct flow *, bool from_peer, uint8_t *at,
    uint64_t now_us);
/* Of a stream: false when it takes no more for now. */
bool flow_flush(struct flow *);
void flow_write(struct flow *, const uint8_t *, size_t);

#endif
