/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rate: how often a user may do something that costs others: so many at once,
 * then one each period.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_RATE_H
#define FLOE_SIGNALD_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct sig_rate {
	uint64_t clear_ms; /* when all that was taken is paid back */
};

/* Takes one; false: too soon, nothing is taken. */
static inline bool
sig_rate_take(
    struct sig_rate *r, uint64_t now_ms, uint32_t period_ms, uint32_t burst)
{
	uint64_t clear = r->clear_ms > now_ms ? r->clear_ms : now_ms;

	if (clear + period_ms > now_ms + (uint64_t)period_ms * burst)
		return false;
	r->clear_ms = clear + period_ms;
	return true;
}

#endif
