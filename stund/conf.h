/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf: the options of [stund].
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_STUND_CONF_H
#define FLOE_STUND_CONF_H

#include "lib/daemon/daemon.h"

struct stund_conf {
	struct daemon_conf daemon;
	struct conf_list listen; /* struct conf_listen */
	int64_t tcp_connections; /* of all workers together */
	int64_t tcp_idle_ms;
};

extern const struct conf_option stund_options[];

/* struct daemon's check. */
int stund_check(const struct conf *, char err[DAEMON_ERR_MAX]);

#endif
