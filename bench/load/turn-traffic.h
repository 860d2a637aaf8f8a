/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-traffic: payloads through the relay, all that a window lets leave or at
 * a rate, and what became of them.
 * Owns: its buffers; flows are borrowed.  Thread: one, which never sleeps
 * when all that a window lets leave does: a server on a network wakes nobody
 * by sending. At a rate it sleeps between packets, as one that is always busy
 * is the first to be kept waiting where programs share the CPUs.
 */
#ifndef FLOE_BENCH_LOAD_TURN_TRAFFIC_H
#define FLOE_BENCH_LOAD_TURN_TRAFFIC_H

#include <stdint.h>

#include "bench/load/turn-flow.h"

struct traffic_conf {
	struct flows *flows;
	unsigned int window; /* payloads under way at once */
	uint64_t rate;       /* of payloads a second; 0: what the window lets */
	unsigned int tick_us; /* at a rate, what is due leaves so often */
};

void traffic_init(const struct traffic_conf *);
/* Forgets what was counted before, and ends when all have arrived or are given
 * up. */
void traffic_run(unsigned int seconds);
/* A line of words and numbers; idle is the part of the time without work: when
 * there is none, this program and not the server was as fast as it could. */
void traffic_report(void);

#endif
