/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/floe-probe/core/exchange.h"

#define RTO_MS    500
#define SENDS_MAX 3

struct exchange
exchange_begin(bool reliable, uint64_t now_ms)
{
	return (struct exchange){
		.reliable = reliable,
		.begun_ms = now_ms,
	};
}

/* The next send, or the end. */
static uint64_t
due_ms(const struct exchange *e)
{
	if (e->reliable)
		return e->begun_ms + EXCHANGE_STREAM_MS;
	if (e->sends == SENDS_MAX)
		return e->begun_ms + EXCHANGE_UDP_MS;
	return e->sent_ms + ((uint64_t)RTO_MS << (e->sends - 1));
}

enum exchange_do
exchange_next(struct exchange *e, uint64_t now_ms, uint64_t *wait_ms)
{
	unsigned int most = e->reliable ? 1 : SENDS_MAX;
	bool due = e->sends == 0 || now_ms >= due_ms(e);

	if (due && e->sends == most)
		return EXCHANGE_OVER;
	if (due) {
		e->sends++;
		e->sent_ms = now_ms;
	}
	*wait_ms = due_ms(e) - now_ms;
	return due ? EXCHANGE_SEND : EXCHANGE_WAIT;
}
