/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drain: taking signald out of service and back: links are told to go, new
 * ones are refused, and whoever balances load hears of it by /readyz.
 * Owns: nothing.  Thread: the admin server's; drain_front a worker's.
 */
#ifndef FLOE_SIGNALD_DRAIN_H
#define FLOE_SIGNALD_DRAIN_H

#include "lib/http/http.h"
#include "signald/front.h"

/* Handlers of /v1/drain, /v1/status and /readyz. */
http_fn drain_begin, drain_end, drain_status, drain_ready;
front_head_fn drain_front; /* /readyz of the public port */

#endif
