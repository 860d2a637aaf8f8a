/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "bench/load/payload.h"

#define MAGIC 0x466c6f65u
/* Of the books, in us: a slot is 16 ms, and what left 8 slots ago is lost. */
#define SLOT_SHIFT 14
#define SLOTS_LIVE 8

struct head {
	uint32_t magic;
	struct payload what;
};

static uint32_t
tail_of(const struct payload *p)
{
	return (uint32_t)p->number ^ p->flow ^ MAGIC;
}

void
payload_put(uint8_t *at, size_t len, const struct payload *p)
{
	struct head h = { MAGIC, *p };
	uint32_t tail = tail_of(p);

	memcpy(at, &h, sizeof(h));
	memcpy(at + len - sizeof(tail), &tail, sizeof(tail));
}

bool
payload_get(const uint8_t *at, size_t len, struct payload *p)
{
	struct head h;
	uint32_t tail;

	if (len < PAYLOAD_MIN)
		return false;
	memcpy(&h, at, sizeof(h));
	memcpy(&tail, at + len - sizeof(tail), sizeof(tail));
	*p = h.what;
	return h.magic == MAGIC && tail == tail_of(p);
}

void
payload_turn(uint8_t *at)
{
	uint32_t leg = 1;

	memcpy(at + offsetof(struct head, what.leg), &leg, sizeof(leg));
}

bool
payload_is_first(struct payload_seen *s, uint64_t number)
{
	uint64_t ago;

	if (number > s->top || s->bits == 0) {
		ago = number - s->top;
		s->bits = s->bits != 0 && ago < 64 ? s->bits << ago | 1 : 1;
		s->top = number;
		return true;
	}
	ago = s->top - number;
	if (ago >= 64 || (s->bits >> ago & 1) != 0)
		return false;
	s->bits |= (uint64_t)1 << ago;
	return true;
}

void
way_expire(struct way *w, uint64_t now_us)
{
	uint64_t now = now_us >> SLOT_SHIFT;
	uint32_t *slot;

	if (now > w->newest + WAY_SLOTS)
		w->newest = now - WAY_SLOTS;
	for (; w->newest < now; w->newest++) {
		slot = &w->slot[(w->newest + 1 - SLOTS_LIVE) % WAY_SLOTS];
		w->out -= *slot;
		*slot = 0;
	}
}

void
way_leave(struct way *w, uint64_t now_us, uint32_t n)
{
	way_expire(w, now_us);
	w->slot[(now_us >> SLOT_SHIFT) % WAY_SLOTS] += n;
	w->out += n;
}

void
way_arrive(struct way *w, uint64_t sent_us)
{
	uint32_t *slot = &w->slot[(sent_us >> SLOT_SHIFT) % WAY_SLOTS];

	if ((sent_us >> SLOT_SHIFT) + SLOTS_LIVE <= w->newest || *slot == 0)
		return; /* it has been written off */
	--*slot;
	w->out--;
}
