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
	int64_t per_address;           /* TCP connections and DTLS sessions */
	struct conf_list balancers;    /* struct prefix */
	struct conf_list listen;       /* struct conf_listen */
	struct conf_list alternate;    /* struct addr */
	struct conf_list external_ips; /* struct conf_addr_pair */
	int64_t tcp_connections;       /* of all workers together */
	int64_t dtls_sessions;         /* likewise */
	int64_t tcp_idle_ms;
	int64_t rate_limit, rate_burst; /* of all workers together */
};

extern const struct conf_option stund_options[];

/* The first address of listen for the n-th alternate: the first udp one of
 * its family that is one address. uris' count when there is none. */
size_t stund_first(const struct stund_conf *, size_t n);
/* struct daemon's check. */
int stund_check(const struct conf *, char err[DAEMON_ERR_MAX]);

#endif
