/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/daemon/listen.h"
#include "stund/conf.h"
#include "stund/core/behaviour.h"

static const char *const listen_schemes[] = { "udp", "tcp", "tls", "dtls",
	"auto", NULL };

static const char *const off[] = { "off", NULL };

#define OWN(field) offsetof(struct stund_conf, field)
#define SECOND_MS  INT64_C(1000)

/* clang-format off: a table */
const struct conf_option stund_options[] = {
	{ "stund", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, listen_schemes,
	    "address that clients come to: udp://ADDRESS:PORT, tcp://..., "
	    "tls://..., dtls://..., or auto://... for all of them" },
	{ "stund", "alternate", CONF_ADDRPORT, CONF_REPEAT, OWN(alternate),
	    NULL, 0, 0, NULL,
	    "second address and port, for NAT behaviour discovery" },
	{ "stund", "external-ip", CONF_ADDRPAIR, CONF_REPEAT, OWN(external_ips),
	    NULL, 0, 0, NULL,
	    "PUBLIC/PRIVATE: what the world sees, before a 1:1 NAT, of an "
	    "address of alternate or its first one" },
	{ "stund", "tcp-connections", CONF_INT, 0, OWN(tcp_connections), "4096",
	    1, 1000000, NULL, "TCP connections in all" },
	{ "stund", "connections-per-address", CONF_INT, 0, OWN(per_address),
	    "1024", 1, 1000000, NULL,
	    "TCP connections and DTLS sessions of one address (IPv6: /64)" },
	{ "stund", "dtls-sessions", CONF_INT, 0, OWN(dtls_sessions), "4096", 1,
	    1000000, NULL, "DTLS sessions in all" },
	{ "stund", "proxy-protocol-from", CONF_PREFIX, CONF_REPEAT,
	    OWN(balancers), NULL, 0, 0, NULL,
	    "load balancers, whose TCP connections begin with a PROXY "
	    "header" },
	{ "stund", "tcp-idle", CONF_DURATION, 0, OWN(tcp_idle_ms), "30s",
	    SECOND_MS, 3600 * SECOND_MS, NULL,
	    "a TCP connection or DTLS session without a request is closed "
	    "after that" },
	{ "stund", "rate-limit", CONF_RATE, 0, OWN(rate_limit), "2000/s", 0,
	    1000000, off, "answers to one network (/24, /48) over UDP" },
	{ "stund", "rate-burst", CONF_INT, 0, OWN(rate_burst), "10000", 1,
	    1000000, NULL, "and so many at once" },
	DAEMON_IO_ENGINE("stund"),
	DAEMON_OPTIONS("stund"),
	{ .key = NULL },
};
/* clang-format on */

static bool
is_udp(const struct conf_listen *uri)
{
	return strcmp(uri->scheme, "udp") == 0 ||
	    strcmp(uri->scheme, "auto") == 0;
}

size_t
stund_first(const struct stund_conf *c, size_t n)
{
	const struct addr *second = (const struct addr *)c->alternate.items + n;
	const struct addr any = { .family = second->family };
	const struct conf_listen *uri = c->listen.items;
	size_t i;

	/* RFC 5780 section 6 has two addresses; all of them are not one. */
	for (i = 0; i < c->listen.n; i++) {
		if (is_udp(&uri[i]) && uri[i].addr.family == second->family &&
		    !addr_equal_ip(&uri[i].addr, &any))
			break;
	}
	return i;
}

/* NULL, or what is wrong with the n-th alternate. */
static const char *
alternate_trouble(const struct stund_conf *c, size_t n)
{
	const struct addr *second = c->alternate.items;
	const struct conf_listen *uri = c->listen.items;
	size_t i, first = stund_first(c, n);
	struct behaviour b;
	unsigned int k;

	for (i = 0; i < n; i++) {
		if (second[i].family == second[n].family)
			return "given twice; allowed: one of IPv4 and one of "
			       "IPv6";
	}
	if (first == c->listen.n)
		return "has no first address; allowed with: "
		       "listen = udp://ADDRESS:PORT of the same family, and "
		       "neither 0.0.0.0 nor [::]";
	if (addr_equal_ip(&second[n], &uri[first].addr) ||
	    second[n].port == uri[first].addr.port)
		return "allowed: another address and another port than the "
		       "first udp one of listen";
	b = behaviour_of(&uri[first].addr, &second[n]);
	for (i = 0; i < c->listen.n; i++) {
		for (k = 1; k < BEHAVIOUR_CORNERS; k++) {
			if (is_udp(&uri[i]) &&
			    addr_equal(&uri[i].addr, &b.at[k]))
				return "opens the other three udp sockets "
				       "itself; allowed: none of them in "
				       "listen";
		}
	}
	return NULL;
}

/* Nobody is told any other address of ours. */
static bool
is_told(const struct stund_conf *c, const struct addr *a)
{
	const struct addr *second = c->alternate.items;
	const struct conf_listen *uri = c->listen.items;
	size_t i;

	for (i = 0; i < c->alternate.n; i++) {
		if (addr_equal_ip(a, &second[i]) ||
		    addr_equal_ip(a, &uri[stund_first(c, i)].addr))
			return true;
	}
	return false;
}

static int
check_externals(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct stund_conf *c = conf_data(conf);
	const struct conf_addr_pair *pair = c->external_ips.items;
	size_t i;

	for (i = 0; i < c->external_ips.n; i++) {
		if (pair[i].first.family != pair[i].second.family ||
		    !is_told(c, &pair[i].second))
			return conf_wrong(conf, "stund", "external-ip", i, err,
			    "allowed: PUBLIC/PRIVATE of one family, PRIVATE "
			    "being the address of alternate or the first one "
			    "of listen");
	}
	return 0;
}

int
stund_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct stund_conf *c = conf_data(conf);
	const char *what;
	size_t i;

	for (i = 0; i < c->alternate.n; i++) {
		what = alternate_trouble(c, i);
		if (what != NULL)
			return conf_wrong(
			    conf, "stund", "alternate", i, err, "%s", what);
	}
	if (check_externals(conf, err) != 0)
		return -EINVAL;
	return listeners_check_tls(conf, "stund", &c->listen, err);
}
