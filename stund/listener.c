/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/sock.h"
#include "stund/stund.h"

#define BACKLOG SOMAXCONN

static int
listener_open(struct stund *d, const struct conf_listen *l)
{
	struct listener *new = &d->listeners[d->nlisteners];
	int rc;

	if (strcmp(l->scheme, "tcp") == 0) {
		new->transport = OVER_TCP;
		rc = sock_tcp_group(
		    &l->addr, new->fds, d->workers, BACKLOG, &new->addr);
	} else {
		new->transport = OVER_UDP;
		rc = sock_udp_group(&l->addr, new->fds, d->workers, &new->addr);
	}
	if (rc != 0)
		return rc;
	d->nlisteners++;
	log_info("listening", KV_S("scheme", l->scheme),
	    KV_ADDR("address", &new->addr), KV_I("workers", d->workers));
	return 0;
}

int
listeners_open(
    struct stund *d, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct stund_conf *c = conf_data(conf);
	const struct conf_listen *l = c->listen.items;
	char text[ADDR_STRLEN];
	size_t i, used;
	int rc;

	d->listeners = calloc(c->listen.n, sizeof(*d->listeners));
	if (d->listeners == NULL)
		return -ENOMEM;
	for (i = 0; i < c->listen.n; i++) {
		rc = listener_open(d, &l[i]);
		if (rc == 0)
			continue;
		conf_where(conf, "stund", "listen", i, err, DAEMON_ERR_MAX);
		used = strlen(err);
		snprintf(err + used, DAEMON_ERR_MAX - used,
		    "cannot listen on %s: %s%s", addr_format(&l[i].addr, text),
		    strerror(-rc),
		    rc == -EADDRINUSE ? " (another stund, or coturn?)" : "");
		return rc;
	}
	return 0;
}

void
listeners_close(struct stund *d)
{
	size_t i;
	int k;

	for (i = 0; i < d->nlisteners; i++) {
		for (k = 0; k < d->workers; k++)
			close(d->listeners[i].fds[k]);
	}
	free(d->listeners);
}
