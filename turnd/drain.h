/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drain: taking turnd out of service without ending a call: no new allocations
 * while those that live go on. Told to all workers by the admin API.
 * Owns: nothing.  Thread: the admin server's.
 */
#ifndef FLOE_TURND_DRAIN_H
#define FLOE_TURND_DRAIN_H

#include <stdbool.h>

#include "lib/addr/addr.h"
#include "lib/http/http.h"

struct drain {
	bool on;
	struct addr instead; /* ADDR_NONE: alternate-server */
	uint64_t since_s;    /* wall clock */
};

/* Handlers of /v1/drain and /v1/status. */
http_fn drain_begin, drain_end, drain_status;

#endif
