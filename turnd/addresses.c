/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/net/sock.h"
#include "turnd/conf.h"

static bool
is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/* The address from which this machine would speak to the internet: the kernel
 * tells when a UDP socket is connected, which sends nothing. */
static int
primary_address(enum addr_family family, struct addr *out)
{
	struct addr far, any = { .family = (uint8_t)family };
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, err;

	err = addr_parse(
	    family == ADDR_V4 ? "192.0.2.1:9" : "[2001:db8::1]:9", &far);
	fd = sock_udp(&any);
	if (err != 0 || fd < 0)
		return err != 0 ? err : fd;
	len = addr_to_sockaddr(&far, &ss);
	err = connect(fd, (struct sockaddr *)&ss, len) != 0
	    ? -errno
	    : sock_local(fd, out);
	close(fd);
	out->port = 0;
	return err;
}

static void
relay_add(struct turnd_setup *s, const struct addr *a)
{
	size_t i;

	for (i = 0; i < s->nrelay_addrs; i++) {
		if (addr_equal_ip(&s->relay_addrs[i], a))
			return;
	}
	s->relay_addrs[s->nrelay_addrs] = *a;
	s->relay_addrs[s->nrelay_addrs++].port = 0;
}

/* 0, or -errno: a socket cannot be bound to it. */
static int
try_address(const struct addr *a)
{
	int fd;

	if (is_unspecified(a))
		return -EADDRNOTAVAIL;
	fd = sock_udp(a);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Told at the start, or every Allocate would fail. */
static int
add_given(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct addr *given = c->relay_addrs.items;
	size_t i;
	int rc;

	for (i = 0; i < c->relay_addrs.n; i++) {
		rc = try_address(&given[i]);
		if (rc != 0)
			return conf_wrong(conf, "turnd", "relay-address", i,
			    err,
			    "cannot relay from it: %s; allowed: an address of "
			    "this machine",
			    strerror(-rc));
		relay_add(s, &given[i]);
	}
	return 0;
}

/* As configured; else where clients come to; else what the machine has. */
static int
setup_relay_addrs(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct conf_listen *l = c->listen.items;
	struct addr a;
	size_t i;

	s->relay_addrs =
	    calloc(c->relay_addrs.n + c->listen.n, sizeof(*s->relay_addrs));
	if (s->relay_addrs == NULL)
		return -ENOMEM;
	if (c->relay_addrs.n > 0)
		return add_given(s, conf, err);
	for (i = 0; i < c->listen.n; i++) {
		a = l[i].addr;
		if (!is_unspecified(&a) ||
		    primary_address((enum addr_family)a.family, &a) == 0)
			relay_add(s, &a);
	}
	if (s->nrelay_addrs > 0)
		return 0;
	snprintf(err, DAEMON_ERR_MAX,
	    "%s: no relay-address in [turnd], and this machine has no route "
	    "from which to tell one: set it",
	    conf_file(conf));
	return -EADDRNOTAVAIL;
}

/* The relay address that an external-ip without PRIVATE is for; NULL: it could
 * be several, or none. */
static const struct addr *
only_relay(const struct turnd_setup *s, uint8_t family)
{
	const struct addr *only = NULL;
	size_t i;

	for (i = 0; i < s->nrelay_addrs; i++) {
		if (s->relay_addrs[i].family != family)
			continue;
		if (only != NULL)
			return NULL;
		only = &s->relay_addrs[i];
	}
	return only;
}

static const struct addr *
external_bound(const struct turnd_setup *s, const struct conf_addr_pair *p)
{
	size_t i;

	if (p->second.family == ADDR_NONE)
		return only_relay(s, p->first.family);
	for (i = 0; i < s->nrelay_addrs; i++) {
		if (addr_equal_ip(&s->relay_addrs[i], &p->second) &&
		    p->first.family == p->second.family)
			return &s->relay_addrs[i];
	}
	return NULL;
}

static int
add_externals(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct conf_addr_pair *p = c->external_ips.items;
	const struct addr *bound;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->external_ips.n; i++) {
		bound = external_bound(s, &p[i]);
		if (bound != NULL && !is_unspecified(&p[i].first)) {
			rc = externals_add(&s->externals, bound, &p[i].first);
			continue;
		}
		rc = conf_wrong(conf, "turnd", "external-ip", i, err,
		    "which relay address is it? allowed: PUBLIC/PRIVATE, "
		    "where PRIVATE is a relay-address of the same family");
	}
	return rc;
}

static void
probe(
    struct turnd_setup *s, const struct turnd_conf *c, const struct addr *bound)
{
	const char *const *servers = c->external_probes.items;
	struct addr told;
	size_t i;
	int rc;

	for (i = 0; i < c->external_probes.n; i++) {
		rc = external_probe(servers[i], bound, &told);
		if (rc == 0 && externals_add(&s->externals, bound, &told) == 0)
			return;
		log_warn("external_ip_probe_failed", KV_S("server", servers[i]),
		    KV_ADDR("from", bound), KV_ERR(rc));
	}
	log_warn("relay_address_private", KV_ADDR("address", bound),
	    KV_S("hint",
		"peers elsewhere cannot reach it: behind a 1:1 NAT set "
		"external-ip or external-ip-probe"));
}

/* As configured; what is private and not told is asked for. */
static int
setup_externals(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	struct prefix_list *special = prefix_list_new();
	int rc = special == NULL ? -ENOMEM : prefix_list_add_special(special);
	const struct addr *a = s->relay_addrs;
	size_t i;

	if (rc == 0)
		rc = add_externals(s, conf, err);
	for (i = 0; rc == 0 && i < s->nrelay_addrs; i++) {
		if (!addr_is_loopback(&a[i]) &&
		    !externals_hides(&s->externals, &a[i]) &&
		    prefix_list_find(special, &a[i]) != NULL)
			probe(s, conf_data(conf), &a[i]);
	}
	prefix_list_free(special);
	return rc;
}

static int
add_own(struct prefix_list *list, const struct addr *a)
{
	struct prefix_rule rule = { { *a, 0 }, PREFIX_DENY, turn_own_address };

	rule.prefix.addr.port = 0;
	rule.prefix.bits = (uint8_t)(8 * addr_ip_len(a));
	return prefix_list_add(list, &rule);
}

/* Loopback has its rule already, which allow-peer = 127.0.0.0/8 lifts. */
static int
add_interfaces(struct prefix_list *list)
{
	struct ifaddrs *all, *i;
	struct addr a;
	int err = 0;

	if (getifaddrs(&all) != 0)
		return -errno;
	for (i = all; err == 0 && i != NULL; i = i->ifa_next) {
		if (i->ifa_addr != NULL &&
		    addr_from_sockaddr((void *)i->ifa_addr, &a) == 0 &&
		    !addr_is_loopback(&a))
			err = add_own(list, &a);
	}
	freeifaddrs(all);
	return err;
}

static int
add_configured(struct prefix_list *list, const struct conf_list *prefixes,
    enum prefix_verdict verdict, const char *name)
{
	const struct prefix *p = prefixes->items;
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < prefixes->n; i++)
		err = prefix_list_add(
		    list, &(struct prefix_rule){ p[i], verdict, name });
	return err;
}

static int
setup_peers(struct turnd_setup *s, const struct turnd_conf *c)
{
	const struct conf_listen *l = c->listen.items;
	size_t i;
	int err;

	s->peers = prefix_list_new();
	if (s->peers == NULL)
		return -ENOMEM;
	err = prefix_list_add_special(s->peers);
	if (err == 0)
		err = add_interfaces(s->peers);
	for (i = 0; err == 0 && i < s->nrelay_addrs; i++)
		err = add_own(s->peers, &s->relay_addrs[i]);
	for (i = 0; err == 0 && i < s->externals.n; i++)
		err = add_own(s->peers, &s->externals.items[i].told);
	/* One of a prefix that is routed here is on no interface. */
	for (i = 0; err == 0 && i < c->listen.n; i++) {
		if (!is_unspecified(&l[i].addr) &&
		    !addr_is_loopback(&l[i].addr))
			err = add_own(s->peers, &l[i].addr);
	}
	/* Last, so that the operator's word counts on equal prefixes. */
	if (err == 0)
		err = add_configured(
		    s->peers, &c->allow_peer, PREFIX_ALLOW, "allow-peer");
	if (err == 0)
		err = add_configured(
		    s->peers, &c->deny_peer, PREFIX_DENY, "deny-peer");
	return err;
}

int
addresses_init(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	int rc = setup_relay_addrs(s, conf, err);

	if (rc == 0)
		rc = setup_externals(s, conf, err);
	return rc != 0 ? rc : setup_peers(s, conf_data(conf));
}
