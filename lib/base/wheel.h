/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wheel: a hierarchical timer wheel on a caller's millisecond clock. Setting
 * and clearing are O(1) whatever the number of timers; a timer never fires
 * early. Four levels of 64 slots, the finest 2^WHEEL_TICK_SHIFT ms wide.
 * Owns: nothing; timers are embedded in the caller's objects, which must
 * clear them before they die.  Thread: one.
 */
#ifndef FLOE_LIB_BASE_WHEEL_H
#define FLOE_LIB_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define WHEEL_LEVELS     4
#define WHEEL_SLOTS      64
#define WHEEL_TICK_SHIFT 4 /* 16 ms a slot of the finest level */
#define WHEEL_NEVER      UINT64_MAX

struct wheel_timer {
	LIST_ENTRY(wheel_timer) link;
	uint64_t due_ms;
	bool set;
};

LIST_HEAD(wheel_list, wheel_timer);

struct wheel {
	struct wheel_list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	uint64_t filled[WHEEL_LEVELS]; /* a bit per slot that is not empty */
	struct wheel_list due;         /* reached, handed out by wheel_pop */
	uint64_t tick;                 /* ticks that have passed */
	uint64_t now_ms;
	uint64_t count;
};

void wheel_init(struct wheel *, uint64_t now_ms);
/* Sets or moves a timer (one that was never set is all zero). */
void wheel_set(struct wheel *, struct wheel_timer *, uint64_t due_ms);
void wheel_clear(struct wheel *, struct wheel_timer *); /* unset is fine */
/*
 * One timer due at or before now_ms, cleared; NULL when none is left.
 * Call until NULL. Timers may be set and cleared in between.
 */
struct wheel_timer *wheel_pop(struct wheel *, uint64_t now_ms);
/*
 * When to call wheel_pop next; WHEEL_NEVER without timers. May be earlier
 * than the first timer is due (a far timer moves to a finer level then),
 * never later than that by more than a tick.
 */
uint64_t wheel_next_ms(const struct wheel *);

#endif
