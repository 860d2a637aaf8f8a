/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include "lib/daemon/listen.h"
#include "stund/conf.h"

static const char *const listen_schemes[] = { "udp", "tcp", "tls", NULL };

#define OWN(field) offsetof(struct stund_conf, field)
#define SECOND_MS  INT64_C(1000)

/* clang-format off: a table */
const struct conf_option stund_options[] = {
	{ "stund", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, listen_schemes,
	    "address that clients come to: udp://ADDRESS:PORT, tcp://... or "
	    "tls://..." },
	{ "stund", "tcp-connections", CONF_INT, 0, OWN(tcp_connections), "4096",
	    1, 1000000, NULL, "TCP connections in all" },
	{ "stund", "tcp-idle", CONF_DURATION, 0, OWN(tcp_idle_ms), "30s",
	    SECOND_MS, 3600 * SECOND_MS, NULL,
	    "a TCP connection without a request is closed after that" },
	DAEMON_OPTIONS("stund"),
	{ .key = NULL },
};
/* clang-format on */

int
stund_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct stund_conf *c = conf_data(conf);

	return listeners_check_tls(conf, "stund", &c->listen, "tls", err);
}
