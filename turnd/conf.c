/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <ifaddrs.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/listen.h"
#include "lib/net/sock.h"
#include "lib/stun/message.h"
#include "turnd/conf.h"

static const char *const listen_schemes[] = { "udp", "tcp", "tls", NULL };

#define OWN(field) offsetof(struct turnd_conf, field)
#define SECOND_MS  INT64_C(1000)
#define MINUTE_MS  INT64_C(60000)
/* RFC 8489 section 14.9; every challenge carries it. */
#define REALM_MAX 127

/* clang-format off: a table */
const struct conf_option turnd_options[] = {
	{ "turnd", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, listen_schemes,
	    "address that clients come to: udp://ADDRESS:PORT, tcp://... or "
	    "tls://..." },
	{ "turnd", "relay-address", CONF_ADDR, CONF_REPEAT, OWN(relay_addrs),
	    NULL, 0, 0, NULL,
	    "address of this machine that peers see; default: as listen" },
	{ "turnd", "relay-ports", CONF_RANGE, 0, OWN(relay_ports),
	    "49152-65535", 0, 0, NULL, "UDP ports of relayed addresses" },
	{ "turnd", "user", CONF_USER, CONF_REPEAT, OWN(users), NULL, 0, 0, NULL,
	    "static user NAME:PASSWORD, or NAME:0xKEY with the hex of "
	    "MD5(NAME:REALM:PASSWORD), or of that and its SHA-256" },
	{ "turnd", "no-auth", CONF_BOOL, 0, OWN(no_auth), "no", 0, 0, NULL,
	    "serve everybody without credentials: an open relay, for labs" },
	{ "turnd", "allow-peer", CONF_PREFIX, CONF_REPEAT, OWN(allow_peer),
	    NULL, 0, 0, NULL, "peers that are reached all the same" },
	{ "turnd", "deny-peer", CONF_PREFIX, CONF_REPEAT, OWN(deny_peer), NULL,
	    0, 0, NULL,
	    "peers that are refused; the most specific of "
	    "all rules wins" },
	{ "turnd", "strict-channels", CONF_BOOL, 0, OWN(strict_channels), "no",
	    0, 0, NULL, "only the channel numbers of RFC 8656, 0x4000-0x4fff" },
	{ "turnd", "user-quota", CONF_INT, 0, OWN(user_quota), "0", 0, 1000000,
	    NULL, "allocations a user may have; 0: no limit" },
	{ "turnd", "max-allocations", CONF_INT, 0, OWN(max_allocations),
	    "100000", 1, 1000000, NULL, "allocations in all" },
	{ "turnd", "max-permissions", CONF_INT, 0, OWN(max_permissions), "256",
	    1, 65536, NULL, "permissions an allocation may have" },
	{ "turnd", "max-channels", CONF_INT, 0, OWN(max_channels), "256", 1,
	    16383, NULL, "channels an allocation may have" },
	{ "turnd", "max-lifetime", CONF_DURATION, 0, OWN(max_lifetime_ms), "1h",
	    10 * MINUTE_MS, 24 * 60 * MINUTE_MS, NULL,
	    "longest lifetime that a client may ask for" },
	{ "turnd", "nonce-lifetime", CONF_DURATION, 0, OWN(nonce_lifetime_ms),
	    "10m", MINUTE_MS, 24 * 60 * MINUTE_MS, NULL,
	    "how long a nonce is good" },
	{ "turnd", "tcp-connections", CONF_INT, 0, OWN(tcp_connections), "4096",
	    1, 1000000, NULL, "TCP connections in all" },
	{ "turnd", "tcp-idle", CONF_DURATION, 0, OWN(tcp_idle_ms), "30s",
	    SECOND_MS, 3600 * SECOND_MS, NULL,
	    "a TCP connection without an allocation is closed after that" },
	{ "turnd", "tcp-buffer", CONF_BYTES, 0, OWN(tcp_buffer), "128k",
	    16 << 10, 16 << 20, NULL,
	    "what waits for a client that reads slowly; the oldest data is "
	    "dropped" },
	DAEMON_OPTIONS("turnd"),
	{ .key = NULL },
};
/* clang-format on */

/* "FILE:LINE: [section] key: " and what is wrong with it. */
static void
say_wrong(const struct conf *conf, const char *section, const char *key,
    size_t n, const char *what, char err[DAEMON_ERR_MAX])
{
	size_t used;

	conf_where(conf, section, key, n, err, DAEMON_ERR_MAX);
	used = strlen(err);
	snprintf(err + used, DAEMON_ERR_MAX - used, "%s", what);
}

static int
add_users(
    struct turn_users *users, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct conf_user *u = c->users.items;
	size_t i;
	int rc;

	for (i = 0; i < c->users.n; i++) {
		rc = turn_users_add(users, u[i].name, u[i].password);
		if (rc == 0)
			continue;
		say_wrong(conf, "turnd", "user", i,
		    rc == -EEXIST
			? "this name is there already; allowed: a name once"
			: "not a usable user; allowed: NAME:PASSWORD or "
			  "NAME:0x and 32 or 96 hex digits",
		    err);
		return rc;
	}
	return 0;
}

static int
add_secrets(
    struct turn_users *users, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	const char *const *secrets = c->turn_secrets.items;
	size_t i;
	int rc;

	for (i = 0; i < c->turn_secrets.n; i++) {
		rc = turn_users_add_secret(users, secrets[i]);
		if (rc == 0)
			continue;
		say_wrong(conf, "floe", "turn-secret", i,
		    rc == -ENOSPC ? "too many; allowed: 16"
				  : "empty; allowed: a secret",
		    err);
		return rc;
	}
	return 0;
}

/* 0, or -errno with err. */
static int
users_from(const struct conf *conf, const struct hash_key *key,
    struct turn_users **out, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	struct turn_users *users = turn_users_new(c->realm, key);
	int rc;

	snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (users == NULL)
		return -ENOMEM;
	rc = add_users(users, conf, err);
	if (rc == 0)
		rc = add_secrets(users, conf, err);
	if (rc != 0) {
		turn_users_free(users);
		return rc;
	}
	*out = users;
	return 0;
}

/* What the table cannot say. */
static int
check_rows(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);

	if (c->listen.n > TURND_LISTEN_MAX) {
		snprintf(err, DAEMON_ERR_MAX,
		    "%s: [turnd] listen: set %zu times; allowed: %d",
		    conf_file(conf), c->listen.n, TURND_LISTEN_MAX);
		return -EINVAL;
	}
	if (strlen(c->daemon.common.realm) > REALM_MAX) {
		say_wrong(conf, "floe", "realm", 0,
		    "too long; allowed: 1 to 127 bytes", err);
		return -EINVAL;
	}
	return 0;
}

int
turnd_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	static const struct hash_key any = { 1, 2 };
	const struct turnd_conf *c = conf_data(conf);
	struct turn_users *users;
	bool nobody;
	int rc;

	rc = check_rows(conf, err);
	if (rc == 0)
		rc = listeners_check_tls(conf, "turnd", &c->listen, "tls", err);
	if (rc == 0)
		rc = users_from(conf, &any, &users, err);
	if (rc != 0)
		return rc;
	nobody = turn_users_empty(users) && !c->no_auth;
	turn_users_free(users);
	if (!nobody)
		return 0;
	snprintf(err, DAEMON_ERR_MAX,
	    "%s: no user in [turnd] and no turn-secret in [floe], so nobody "
	    "could use this relay; for a lab, no-auth = yes serves everybody",
	    conf_file(conf));
	return -EINVAL;
}

static int
add_own(struct prefix_list *list, const struct addr *a)
{
	struct prefix_rule rule = { { *a, 0 }, PREFIX_DENY, turn_own_address };

	rule.prefix.addr.port = 0;
	rule.prefix.bits = (uint8_t)(8 * addr_ip_len(a));
	return prefix_list_add(list, &rule);
}

static bool
is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

static bool
is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == ADDR_V4 ? a->ip[0] == 127
				    : memcmp(a->ip, one, sizeof(one)) == 0;
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
		    !is_loopback(&a))
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
	/* One of a prefix that is routed here is on no interface. */
	for (i = 0; err == 0 && i < c->listen.n; i++) {
		if (!is_unspecified(&l[i].addr) && !is_loopback(&l[i].addr))
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
	char what[128];
	size_t i;
	int rc;

	for (i = 0; i < c->relay_addrs.n; i++) {
		rc = try_address(&given[i]);
		if (rc != 0) {
			snprintf(what, sizeof(what),
			    "cannot relay from it: %s; allowed: an address of "
			    "this machine",
			    strerror(-rc));
			say_wrong(conf, "turnd", "relay-address", i, what, err);
			return rc;
		}
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

static void
setup_core(struct turnd_setup *s, const struct turnd_conf *c)
{
	struct turn_config *core = &s->core;

	core->realm = c->daemon.common.realm;
	core->software = "Floe";
	core->no_auth = c->no_auth;
	core->channel_max =
	    c->strict_channels ? STUN_CHANNEL_MAX : STUN_CHANNEL_MAX_5766;
	core->max_lifetime_s = (uint32_t)(c->max_lifetime_ms / 1000);
	core->max_allocations = (uint32_t)c->max_allocations;
	core->max_permissions = (uint32_t)c->max_permissions;
	core->max_channels = (uint32_t)c->max_channels;
	crypto_random(core->nonce_key.bytes, sizeof(core->nonce_key.bytes));
	core->nonce_key.life_ms = (uint64_t)c->nonce_lifetime_ms;
	crypto_random(&core->hash_key, sizeof(core->hash_key));
}

int
turnd_setup_init(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	int rc;

	*s = (struct turnd_setup){ .users = NULL };
	setup_core(s, c);
	rc = users_from(conf, &s->core.hash_key, &s->users, err);
	if (rc == 0)
		snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (rc == 0)
		rc = setup_relay_addrs(s, conf, err);
	if (rc == 0)
		rc = setup_peers(s, c);
	s->core.users = s->users;
	if (rc == 0)
		turn_config_offer(&s->core);
	s->core.peers = s->peers;
	if (rc != 0)
		turnd_setup_fini(s);
	return rc;
}

void
turnd_setup_fini(struct turnd_setup *s)
{
	turn_users_free(s->users);
	prefix_list_free(s->peers);
	free(s->relay_addrs);
	crypto_wipe(s, sizeof(*s));
}
