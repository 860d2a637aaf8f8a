/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * review: in the end a device asks for all there is, and the answers are held
 * against the books. Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_SIM_REVIEW_H
#define FLOE_TESTS_SIM_REVIEW_H

struct answer;
struct device;
struct request;

void review_history(struct device *);
/* The list and the rosters, when the books know all of the history. */
void review_rest(struct device *);
void
review_answer(struct device *, const struct request *, const struct answer *);

#endif
