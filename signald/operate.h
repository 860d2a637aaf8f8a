/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * operate: what an operator says to all of signald and asks of it: the
 * configuration, a reload, a word to everybody.
 * Owns: nothing.  Thread: the admin server's.
 */
#ifndef FLOE_SIGNALD_OPERATE_H
#define FLOE_SIGNALD_OPERATE_H

#include "lib/http/http.h"

/* Handlers of /v1/config, /v1/reload and /v1/broadcast. */
http_fn operate_config, operate_reload, operate_broadcast;

#endif
