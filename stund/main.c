/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/crypto.h"
#include "stund/stund.h"

static void
stund_close(void *state)
{
	struct stund *d = state;

	listeners_close(&d->listeners);
	listeners_close(&d->others);
	tls_ctx_free(d->tls);
	census_free(d->census);
	free(d);
}

/* What clients are told in place of the private addresses of a 1:1 NAT. */
static void
square_tell(struct square *q, const struct stund_conf *c)
{
	const struct conf_addr_pair *pair = c->external_ips.items;
	uint16_t port;
	unsigned int i;
	size_t k;

	for (i = 0; i < BEHAVIOUR_CORNERS; i++) {
		port = q->behaviour.at[i].port;
		for (k = 0; k < c->external_ips.n; k++) {
			if (!addr_equal_ip(&pair[k].second, &q->at[i]->addr))
				continue;
			q->behaviour.at[i] = pair[k].first;
			q->behaviour.at[i].port = port;
		}
	}
}

/* The square of the n-th alternate, as its first address was bound. */
static int
square_open(struct stund *d, size_t n, char err[DAEMON_ERR_MAX])
{
	const struct conf *conf = daemon_conf(d->run);
	const struct stund_conf *c = conf_data(conf);
	const struct listen_row row = { conf, "stund", "alternate", n };
	const struct listener *first =
	    listeners_of(&d->listeners, stund_first(c, n));
	struct square *q = &d->squares[n];
	struct conf_listen uri = { .scheme = "udp" };
	unsigned int i;
	int rc;

	q->behaviour = behaviour_of(
	    &first->addr, (const struct addr *)c->alternate.items + n);
	q->at[0] = first;
	for (i = 1; i < BEHAVIOUR_CORNERS; i++) {
		uri.addr = q->behaviour.at[i];
		q->at[i] = &d->others.items[d->others.n];
		rc = listeners_add(&d->others, &uri, &row, err);
		if (rc != 0)
			return rc;
	}
	square_tell(q, c);
	d->nsquares++;
	return 0;
}

static int
squares_open(struct stund *d, char err[DAEMON_ERR_MAX])
{
	const struct stund_conf *c = conf_data(daemon_conf(d->run));
	int rc = listeners_init(
	    &d->others, c->alternate.n * (BEHAVIOUR_CORNERS - 1), d->workers);
	size_t i;

	for (i = 0; rc == 0 && i < c->alternate.n; i++)
		rc = square_open(d, i, err);
	return rc;
}

static int
stund_open(struct daemon_run *run, void **state, char err[DAEMON_ERR_MAX])
{
	/* RFC 7443; a TURN client may ask for its address here. */
	static const char *const alpn[] = { "stun.nat-discovery", "stun.turn",
		NULL };
	const struct conf *conf = daemon_conf(run);
	const struct stund_conf *c = conf_data(conf);
	struct stund *d = calloc(1, sizeof(*d));
	int rc;

	snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (d == NULL)
		return -ENOMEM;
	d->run = run;
	d->workers = daemon_workers(run);
	d->streams_max =
	    (size_t)((c->tcp_connections + d->workers - 1) / d->workers);
	d->assocs_max =
	    (size_t)((c->dtls_sessions + d->workers - 1) / d->workers);
	crypto_random(&d->hash_key, sizeof(d->hash_key));
	d->balancers = &c->balancers;
	d->idle_ms = (uint64_t)c->tcp_idle_ms;
	d->rate = limit_rate_share(
	    (uint64_t)c->rate_limit, (uint64_t)c->rate_burst, d->workers);
	d->census =
	    census_new((d->streams_max + d->assocs_max) * (size_t)d->workers,
		(uint32_t)c->per_address, &d->hash_key);
	rc = d->census == NULL ? -ENOMEM : 0;
	if (rc == 0)
		rc = listeners_open_tls(conf, &c->listen, alpn, &d->tls, err);
	if (rc == 0)
		rc = listeners_open(
		    &d->listeners, conf, "stund", &c->listen, d->workers, err);
	if (rc == 0)
		rc = squares_open(d, err);
	if (rc != 0) {
		stund_close(d);
		return rc;
	}
	*state = d;
	return 0;
}

static int
stund_reload(void *state, const struct conf *fresh, char err[DAEMON_ERR_MAX])
{
	const struct stund *d = state;

	return listeners_reload_tls(d->tls, fresh, err);
}

int
main(int argc, char **argv)
{
	static const struct daemon stund = {
		.name = "stund",
		.summary = "a STUN server",
		.options = stund_options,
		.conf_size = sizeof(struct stund_conf),
		/* One socket's datagrams come and go in two calls by epoll. */
		.best = DAEMON_EPOLL,
		.check = stund_check,
		.open = stund_open,
		.reload = stund_reload,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.close = stund_close,
		.routes = stund_routes,
	};

	return daemon_main(&stund, argc, argv);
}
