/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/base/wheel.h"

#define LEVEL_BITS  6
#define SPAN(level) ((uint64_t)1 << (LEVEL_BITS * (level)))

/* The tick at whose end a timer is surely due: rounded up, never early. */
static uint64_t
tick_of(uint64_t ms)
{
	return (ms >> WHEEL_TICK_SHIFT) +
	    ((ms & ((1 << WHEEL_TICK_SHIFT) - 1)) != 0);
}

void
wheel_init(struct wheel *w, uint64_t now_ms)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ms >> WHEEL_TICK_SHIFT;
	w->now_ms = now_ms;
}

static void
wheel_place(struct wheel *w, struct wheel_timer *t)
{
	uint64_t due = tick_of(t->due_ms);
	struct wheel_list *head;
	int level = 0;

	if (due <= w->tick) {
		head = &w->due;
	} else {
		while (level < WHEEL_LEVELS - 1 &&
		    due - w->tick >= SPAN(level + 1))
			level++;
		/* Beyond the last level: parked in its farthest slot, placed
		 * anew when that slot comes by. */
		if (due - w->tick >= SPAN(WHEEL_LEVELS))
			due = w->tick + SPAN(WHEEL_LEVELS) - 1;
		head = &w->slots[level][due >> (LEVEL_BITS * level) &
		    (WHEEL_SLOTS - 1)];
	}
	LIST_INSERT_HEAD(head, t, link);
}

void
wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t due_ms)
{
	wheel_clear(w, t);
	t->due_ms = due_ms;
	t->set = true;
	w->count++;
	wheel_place(w, t);
}

void
wheel_clear(struct wheel *w, struct wheel_timer *t)
{
	if (!t->set)
		return;
	LIST_REMOVE(t, link);
	t->set = false;
	w->count--;
}

/* Empties one slot into finer levels or the due list. */
static void
wheel_cascade(struct wheel *w, int level)
{
	struct wheel_list *head, moved = LIST_HEAD_INITIALIZER(moved);
	struct wheel_timer *t;

	head = &w->slots[level]
			[w->tick >> (LEVEL_BITS * level) & (WHEEL_SLOTS - 1)];
	while ((t = LIST_FIRST(head)) != NULL) {
		LIST_REMOVE(t, link);
		LIST_INSERT_HEAD(&moved, t, link);
	}
	while ((t = LIST_FIRST(&moved)) != NULL) {
		LIST_REMOVE(t, link);
		wheel_place(w, t);
	}
}

/* The next tick at which some slot of any level has to be emptied. */
static uint64_t
wheel_next_tick(const struct wheel *w)
{
	uint64_t best = WHEEL_NEVER, at, base;
	int level, i;

	for (level = 0; level < WHEEL_LEVELS; level++) {
		base = w->tick >> (LEVEL_BITS * level);
		for (i = 1; i <= WHEEL_SLOTS; i++) {
			if (LIST_EMPTY(&w->slots[level][(base + i) &
				(WHEEL_SLOTS - 1)]))
				continue;
			at = (base + i) << (LEVEL_BITS * level);
			if (at < best)
				best = at;
			break;
		}
	}
	return best;
}

static void
wheel_advance(struct wheel *w, uint64_t to)
{
	uint64_t next;
	int level;

	while (w->tick < to) {
		next = w->count == 0 ? WHEEL_NEVER : wheel_next_tick(w);
		if (next > to) {
			w->tick = to;
			return;
		}
		w->tick = next;
		for (level = WHEEL_LEVELS - 1; level >= 0; level--) {
			if (w->tick % SPAN(level) == 0)
				wheel_cascade(w, level);
		}
	}
}

struct wheel_timer *
wheel_pop(struct wheel *w, uint64_t now_ms)
{
	struct wheel_timer *t;

	if (now_ms > w->now_ms)
		w->now_ms = now_ms;
	wheel_advance(w, w->now_ms >> WHEEL_TICK_SHIFT);
	t = LIST_FIRST(&w->due);
	if (t != NULL)
		wheel_clear(w, t);
	return t;
}

uint64_t
wheel_next_ms(const struct wheel *w)
{
	if (!LIST_EMPTY(&w->due))
		return w->now_ms;
	if (w->count == 0)
		return WHEEL_NEVER;
	return wheel_next_tick(w) << WHEEL_TICK_SHIFT;
}
