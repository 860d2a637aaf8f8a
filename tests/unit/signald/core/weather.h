/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weather: what befalls a world in the simulation: links that are slow or
 * stand still, clients that read slowly, and a server that is killed and comes
 * back on its disk. A world that is listened to runs by events alone: what a
 * client hears, and that its link is over, comes to its ears after its way.
 * Owns: nothing; a part of the world.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_SIGNALD_CORE_WEATHER_H
#define FLOE_TESTS_UNIT_SIGNALD_CORE_WEATHER_H

#include <stdbool.h>
#include <stdint.h>

struct world;

/* Neither may run or settle the world; anything else may be done. */
struct world_ears {
	void *arg;
	void (*heard)(void *arg, int link); /* world_hear has one more */
	void (*shut)(void *arg, int link, int code);
};
/* Borrowed. For all links that are opened from now on. */
void world_listen(struct world *, const struct world_ears *);
typedef void world_fn(void *arg);
/* Calls fn in ms, then frees arg. */
void world_timer(struct world *, uint64_t ms, world_fn *, void *arg);

/* From now on each frame takes up to ms, both ways. */
void world_slow(struct world *, int link, uint32_t ms);
/* From now on the client takes so many bytes a second, and the server keeps
 * up to bytes for it: then what is droppable goes, then the link. 0, 0: any. */
void world_narrow(struct world *, int link, uint32_t bps, uint32_t bytes);
/* Nothing passes for ms, and nobody is told. */
void world_stall(struct world *, int link, uint32_t ms);
/* The client closes its end: the server learns of it behind all that the
 * client has said. */
void world_hang_up(struct world *, int link);
/* Whose link it is: any number. */
void world_own(struct world *, int link, int owner);
/* The time until which something kept the link from working. */
uint64_t world_ill_until(const struct world *, int link);

/* All cores are gone, with what was under way; what was committed stays. The
 * server is back after ms; until then world_open gives 0. */
void world_kill(struct world *, uint32_t ms);
/* Every link is closed with 4003; world_kill is to follow. */
void world_stop(struct world *);

#endif
