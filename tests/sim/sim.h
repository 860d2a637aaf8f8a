/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim: one schedule of the simulation: people with several devices each, who
 * text and call while links, servers and devices fail under them, all from one
 * seed. Devices behave as web/sdk does. What was promised and shown goes into
 * books of the checker's own (ledger.h, callbook.h), which are closed at the
 * end; nothing in them is taken from the code under test.
 * Owns: the world, the devices, the books.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_SIM_H
#define FLOE_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/callbook.h"
#include "tests/sim/memberbook.h"
#include "tests/unit/signald/core/harness.h"
#include "tests/unit/signald/core/plant.h"
#include "tests/unit/signald/core/weather.h"

#define SIM_DEVICES 16 /* in all, those that were replaced too */

/* What a seed makes of a schedule. Chances are in a hundred actions. */
struct sim_climate {
	uint32_t users, devices; /* of each user */
	uint32_t actions, pause_ms;
	uint32_t slow_ms; /* of a link, at most */
	uint32_t stall, lose, die, reload, close, replace, kill, stop, fail;
	uint32_t read, call, room, group, change;
	uint32_t narrow; /* of the links, those whose client reads slowly */
};

struct sim {
	uint64_t seed;
	bool trace;
	enum world_plant plant;
	struct world *w;
	struct world_ears ears;
	struct sim_climate climate;
	struct device *devices[SIM_DEVICES];
	uint32_t ndevices;
	bool calm; /* nothing goes wrong any more */
	bool last; /* all is quiet: answers are held against the books */
	char room[SIG_CONV_MAX + 1]; /* the last that was made */
	uint32_t founded;            /* groups */
	uint32_t fanout;             /* a larger group is read by cursor */
	struct ledger ledger;
	struct memberbook memberbook;
	struct callbook callbook;
	char why[512]; /* the first thing that was wrong; "" */
};

extern const char *const sim_users[LEDGER_USERS];
int sim_user(struct sim *, const char *name); /* -1: complained */

int sim_user_of(const struct sim *, int device);

/* Runs the seed to its end. True: nothing was wrong; else why says what. */
bool sim_run(struct sim *);

/* Something is wrong: the schedule has failed. */
void sim_complain(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of the trace. */
void sim_note(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool sim_failed(const struct sim *);
uint32_t sim_dice(struct sim *, uint32_t n); /* a number below n */
bool sim_chance(struct sim *, uint32_t in_hundred);

#endif
