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
	unsigned int slot;
	int level = 0;

	if (due <= w->tick) {
		LIST_INSERT_HEAD(&w->due, t, link);
		return;
	}
	while (level < WHEEL_LEVELS - 1 && due - w->tick >= SPAN(level + 1))
		level++;
	/* Beyond the last level: parked in its farthest slot, placed anew when
	 * that slot comes by. */
	if (due - w->tick >= SPAN(WHEEL_LEVELS))
		due = w->tick + SPAN(WHEEL_LEVELS) - 1;
	slot = due >> (LEVEL_BITS * level) & (WHEEL_SLOTS - 1);
	LIST_INSERT_HEAD(&w->slots[level][slot], t, link);
	w->filled[level] |= (uint64_t)1 << slot;
}

/* The last timer of a slot points back at the slot itself, which tells its
 * number; one in the due list or behind another timer points elsewhere. */
static void
wheel_unlink(struct wheel *w, struct wheel_timer *t)
{
	uintptr_t at = (uintptr_t)t->link.le_prev - (uintptr_t)w->slots;

	if (LIST_NEXT(t, link) == NULL && at < sizeof(w->slots)) {
		at /= sizeof(w->slots[0][0]);
		w->filled[at / WHEEL_SLOTS] &=
		    ~((uint64_t)1 << at % WHEEL_SLOTS);
	}
	LIST_REMOVE(t, link);
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
	wheel_unlink(w, t);
	t->set = false;
	w->count--;
}

/* Empties the slot reached into finer levels, the due list, or - timers that
 * were parked - farther slots; none comes back to this one. */
static void
wheel_cascade(struct wheel *w, int level)
{
	unsigned int slot;
	struct wheel_list *head;
	struct wheel_timer *t;

	slot = w->tick >> (LEVEL_BITS * level) & (WHEEL_SLOTS - 1);
	head = &w->slots[level][slot];
	w->filled[level] &= ~((uint64_t)1 << slot);
	while ((t = LIST_FIRST(head)) != NULL) {
		LIST_REMOVE(t, link);
		wheel_place(w, t);
	}
}

/* The next tick at which some slot of any level has to be emptied. */
static uint64_t
wheel_next_tick(const struct wheel *w)
{
	uint64_t best = WHEEL_NEVER, ahead, at, base;
	unsigned int level, turn;

	for (level = 0; level < WHEEL_LEVELS; level++) {
		if (w->filled[level] == 0)
			continue;
		/* The slots from the next one on, turned round to bit 0. */
		base = (w->tick >> (LEVEL_BITS * level)) + 1;
		turn = base & (WHEEL_SLOTS - 1);
		ahead = w->filled[level] >> turn |
		    w->filled[level] << (-turn & (WHEEL_SLOTS - 1));
		at = base + (unsigned int)__builtin_ctzll(ahead);
		at <<= LEVEL_BITS * level;
		if (at < best)
			best = at;
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
