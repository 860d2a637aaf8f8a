/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * marks: how far a user has read, as its devices know it, and the list of
 * conversations that tells it to them.
 * Owns: nothing; the state is in the device.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_MARKS_H
#define FLOE_TESTS_SIM_MARKS_H

struct answer;
struct device;
struct json_in;

void marks_start(struct device *); /* the link is up */
void marks_read(struct device *);  /* the user looks at a conversation */
void marks_heard(struct device *, struct json_in *);
void marks_answer(struct device *, const struct answer *);

#endif
