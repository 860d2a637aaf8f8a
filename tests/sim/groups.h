/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * groups: what a device does about groups, as web/sdk/groups.js.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_GROUPS_H
#define FLOE_TESTS_SIM_GROUPS_H

struct answer;
struct device;
struct request;

/* Founds one, lets people in and out, comes and goes. */
void groups_act(struct device *);
void
groups_answer(struct device *, const struct request *, const struct answer *);
/* A group to write to, as a target of a text; mostly the user is in it. -1:
 * none. */
int groups_any(struct device *);

#endif
