/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exchange: when a request is sent, sent again and given up (RFC 8489 section
 * 6.2), with fewer tries than there: a person waits for the answer.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_EXCHANGE_H
#define FLOE_TOOLS_PROBE_CORE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#define EXCHANGE_UDP_MS    3500 /* after sends at 0, 0.5 and 1.5 s */
#define EXCHANGE_STREAM_MS 5000

enum exchange_do {
	EXCHANGE_SEND,
	EXCHANGE_WAIT,
	EXCHANGE_OVER, /* nobody has answered */
};

struct exchange {
	bool reliable; /* the transport sends it again by itself */
	unsigned int sends;
	uint64_t begun_ms, sent_ms;
};

struct exchange exchange_begin(bool reliable, uint64_t now_ms);
/* What is to be done now; *wait_ms until this is to be called again. */
enum exchange_do
exchange_next(struct exchange *, uint64_t now_ms, uint64_t *wait_ms);

#endif
