/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn-storm: loads without traffic: allocations as fast as they are made,
 * allocations that are held, and how long a server takes to start.
 * Owns: its clients.  Thread: one.
 */
#ifndef FLOE_BENCH_LOAD_TURN_STORM_H
#define FLOE_BENCH_LOAD_TURN_STORM_H

#include "bench/load/turn-client.h"

struct storm;

/* count clients, each with a source port of its own. */
struct storm *storm_new(struct turn_side *, unsigned int count);
/*
 * Each makes an allocation from the first challenge on, at_once of them under
 * way, for no longer than so many seconds.
 */
void storm_allocate(struct storm *, unsigned int at_once, unsigned int seconds);
void storm_report(const struct storm *); /* how many stand, how long it took */
void storm_end(struct storm *);          /* the allocations; the clients stay */
void storm_free(struct storm *);

/* count allocations with a permission and a channel, until standard input
 * ends. */
void hold(struct turn_side *, unsigned int count);

/* Runs the command and tells in how many ms a Binding request is answered. */
void start(struct turn_side *, char **argv);

#endif
