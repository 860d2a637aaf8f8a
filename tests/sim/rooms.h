/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rooms: what a device does about rooms and chatrooms.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_ROOMS_H
#define FLOE_TESTS_SIM_ROOMS_H

struct answer;
struct device;
struct request;

void rooms_act(struct device *);
void
rooms_answer(struct device *, const struct request *, const struct answer *);

#endif
