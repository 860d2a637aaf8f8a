/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/crypto/crypto.h"
#include "lib/daemon/listen.h"
#include "lib/stun/message.h"
#include "turnd/conf.h"

static const char *const auto_word[] = { "auto", NULL };
static const char *const listen_schemes[] = { "udp", "tcp", "tls", "dtls",
	"auto", NULL };

static const char *const off[] = { "off", NULL };

#define OWN(field) offsetof(struct turnd_conf, field)
/* 10 GB/s, more than a line has. */
#define BANDWIDTH_MAX        INT64_C(10000000000)
#define BUFFER_MIN           4096 /* a datagram and what the kernel adds */
#define BUFFER_MAX           (INT64_C(1) << 30)
#define SECOND_MS            INT64_C(1000)
#define MINUTE_MS            INT64_C(60000)
#define ALTERNATE_DOMAIN_MAX 255 /* RFC 8489 section 14.16 */

/* clang-format off: a table */
const struct conf_option turnd_options[] = {
	{ "turnd", "listen", CONF_LISTEN, CONF_REPEAT | CONF_REQUIRED,
	    OWN(listen), NULL, 0, 0, listen_schemes,
	    "address that clients come to: udp://ADDRESS:PORT, tcp://..., "
	    "tls://..., dtls://..., or auto://... for all of them" },
	{ "turnd", "relay-address", CONF_ADDR, CONF_REPEAT, OWN(relay_addrs),
	    NULL, 0, 0, NULL,
	    "address of this machine that peers see; default: as listen" },
	{ "turnd", "external-ip", CONF_ADDRPAIR, CONF_REPEAT, OWN(external_ips),
	    NULL, 0, 0, NULL,
	    "public address of a relay address behind a 1:1 NAT: PUBLIC, or "
	    "PUBLIC/PRIVATE when there are several" },
	{ "turnd", "external-ip-probe", CONF_STRING, CONF_REPEAT,
	    OWN(external_probes), NULL, 0, 0, NULL,
	    "STUN server HOST:PORT that tells at the start how it sees a "
	    "private relay address without external-ip" },
	{ "turnd", "relay-ports", CONF_RANGE, 0, OWN(relay_ports),
	    "49152-65535", 0, 0, NULL, "ports of relayed addresses" },
	DAEMON_IO_ENGINE("turnd"),
	{ "turnd", "udp-buffer", CONF_BYTES, 0, OWN(udp_buffer), "4m",
	    BUFFER_MIN, BUFFER_MAX, NULL,
	    "bytes of receive and of send buffer of a UDP listener's socket" },
	{ "turnd", "relay-buffer", CONF_BYTES, 0, OWN(relay_buffer), "512k",
	    BUFFER_MIN, BUFFER_MAX, NULL, "likewise of a UDP relay socket" },
	{ "turnd", "user", CONF_USER, CONF_REPEAT, OWN(users), NULL, 0, 0, NULL,
	    "static user NAME:PASSWORD, or NAME:0xKEY with the hex of "
	    "MD5(NAME:REALM:PASSWORD), or of that and its SHA-256" },
	{ "turnd", "realm-for", CONF_STRING, CONF_REPEAT, OWN(realm_for), NULL,
	    0, 0, NULL,
	    "REALM ADDRESS[:PORT]: the realm of clients who come to it" },
	{ "turnd", "realm-for-origin", CONF_STRING, CONF_REPEAT,
	    OWN(realm_for_origin), NULL, 0, 0, NULL,
	    "REALM ORIGIN: the realm of clients who tell it in ORIGIN" },
	{ "turnd", "realm-secret", CONF_USER, CONF_REPEAT, OWN(realm_secrets),
	    NULL, 0, 0, NULL,
	    "REALM:SECRET: the realm takes such secrets and no turn-secret" },
	{ "turnd", "realm-quota", CONF_INT, 0, OWN(realm_quota), "0", 0,
	    1000000, NULL, "allocations a realm may have; 0: no limit" },
	{ "turnd", "user-store", CONF_BOOL, 0, OWN(user_store), "no", 0, 0,
	    NULL, "users in state-dir, edited over the admin REST" },
	{ "turnd", "oauth-server", CONF_STRING, 0, OWN(oauth_server), NULL, 0,
	    0, NULL,
	    "our name at the authorization server: takes tokens of RFC 7635" },
	{ "turnd", "oauth-key", CONF_USER, CONF_REPEAT, OWN(oauth_keys), NULL,
	    0, 0, NULL,
	    "KID:BASE64KEY[:ALGORITHM[:UNTIL]] that it seals tokens with" },
	{ "turnd", "auth-hook", CONF_STRING, 0, OWN(hook_url), NULL, 0, 0, NULL,
	    "http:// or https:// URL to ask for users who are not here" },
	{ "turnd", "auth-hook-token", CONF_SECRET, 0, OWN(hook_token), NULL, 0,
	    0, NULL, "sent to it as Authorization: Bearer" },
	{ "turnd", "auth-hook-ca", CONF_PATH, CONF_READABLE, OWN(hook_ca), NULL,
	    0, 0, NULL, "PEM file that it is trusted by, not the system's" },
	{ "turnd", "auth-hook-timeout", CONF_DURATION, 0, OWN(hook_timeout_ms),
	    "3s", 100, 30 * SECOND_MS, NULL, "to wait for its answer" },
	{ "turnd", "auth-hook-cache", CONF_DURATION, 0, OWN(hook_cache_ms),
	    "1m", SECOND_MS, 24 * 60 * MINUTE_MS, NULL,
	    "how long its answer about a user is good" },
	{ "turnd", "auth-hook-negative", CONF_DURATION, 0,
	    OWN(hook_negative_ms), "10s", 0, 24 * 60 * MINUTE_MS, NULL,
	    "likewise, that there is no such user" },
	{ "turnd", "auth-hook-entries", CONF_INT, 0, OWN(hook_entries), "10000",
	    1, 1000000, NULL, "users that are kept, and as many who are none" },
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
	{ "turnd", "mobility", CONF_BOOL, 0, OWN(mobility), "no", 0, 0, NULL,
	    "allocations go along when a client changes its address (RFC "
	    "8016)" },
	{ "turnd", "alternate-server", CONF_ADDRPORT, CONF_REPEAT,
	    OWN(alternates), NULL, 0, 0, NULL,
	    "where new clients are sent to when turnd drains or is full" },
	{ "turnd", "alternate-domain", CONF_STRING, 0, OWN(alternate_domain),
	    NULL, 0, 0, NULL,
	    "name in the certificates of the alternate-servers" },
	{ "turnd", "user-quota", CONF_INT, 0, OWN(user_quota), "auto", 1,
	    1000000, auto_word,
	    "relayed addresses of each family a user may have; auto: a tenth "
	    "of all, at least 18" },
	{ "turnd", "max-allocations", CONF_INT, 0, OWN(max_allocations),
	    "100000", 1, 1000000, NULL, "relayed addresses in all" },
	{ "turnd", "max-permissions", CONF_INT, 0, OWN(max_permissions), "256",
	    1, 65536, NULL, "permissions an allocation may have" },
	{ "turnd", "max-channels", CONF_INT, 0, OWN(max_channels), "256", 1,
	    16383, NULL, "channels an allocation may have" },
	{ "turnd", "max-connections", CONF_INT, 0, OWN(max_connections), "32",
	    0, 65535, NULL,
	    "connections with peers that a TCP allocation may have; 0: no "
	    "TCP allocations" },
	{ "turnd", "expired-grace", CONF_DURATION, 0, OWN(expired_grace_ms),
	    "1d", 0, 30 * 24 * 60 * MINUTE_MS, NULL,
	    "how long an allocation is refreshed after the end of the "
	    "credential that opened it" },
	{ "turnd", "max-lifetime", CONF_DURATION, 0, OWN(max_lifetime_ms), "1h",
	    10 * MINUTE_MS, 24 * 60 * MINUTE_MS, NULL,
	    "longest lifetime that a client may ask for" },
	{ "turnd", "nonce-lifetime", CONF_DURATION, 0, OWN(nonce_lifetime_ms),
	    "10m", MINUTE_MS, 24 * 60 * MINUTE_MS, NULL,
	    "how long a nonce is good" },
	{ "turnd", "rate-limit", CONF_RATE, 0, OWN(rate_limit), "1000/s", 0,
	    1000000, off,
	    "answers over UDP to one network (/24, /48) without credentials" },
	{ "turnd", "rate-burst", CONF_INT, 0, OWN(rate_burst), "5000", 1,
	    1000000, NULL, "and so many at once" },
	{ "turnd", "auth-failures", CONF_INT, 0, OWN(auth_failures), "20", 0,
	    600, off,
	    "wrong passwords of a user at an address before it has to wait" },
	{ "turnd", "allocation-bandwidth", CONF_BYTES, 0, OWN(alloc_bandwidth),
	    "0", 0, BANDWIDTH_MAX, NULL,
	    "bytes a second that an allocation relays each way; 0: no limit" },
	{ "turnd", "user-bandwidth", CONF_BYTES, 0, OWN(user_bandwidth), "0", 0,
	    BANDWIDTH_MAX, NULL,
	    "likewise all allocations of a user; 0: no limit" },
	{ "turnd", "total-bandwidth", CONF_BYTES, 0, OWN(total_bandwidth), "0",
	    0, BANDWIDTH_MAX, NULL, "likewise of turnd; 0: no limit" },
	{ "turnd", "bandwidth-burst", CONF_DURATION, 0, OWN(bandwidth_burst_ms),
	    "1s", 10, 60 * SECOND_MS, NULL,
	    "so much of a bandwidth may pass at once" },
	{ "turnd", "tcp-connections", CONF_INT, 0, OWN(tcp_connections), "4096",
	    1, 1000000, NULL, "TCP connections in all" },
	{ "turnd", "connections-per-address", CONF_INT, 0, OWN(per_address),
	    "1024", 1, 1000000, NULL,
	    "TCP connections and DTLS sessions of one address (IPv6: /64)" },
	{ "turnd", "dtls-sessions", CONF_INT, 0, OWN(dtls_sessions), "4096", 1,
	    1000000, NULL, "DTLS sessions in all" },
	{ "turnd", "proxy-protocol-from", CONF_PREFIX, CONF_REPEAT,
	    OWN(balancers), NULL, 0, 0, NULL,
	    "load balancers, whose TCP connections begin with a PROXY "
	    "header" },
	{ "turnd", "tcp-idle", CONF_DURATION, 0, OWN(tcp_idle_ms), "30s",
	    SECOND_MS, 3600 * SECOND_MS, NULL,
	    "a TCP connection or DTLS session without an allocation is "
	    "closed after that" },
	{ "turnd", "tcp-buffer", CONF_BYTES, 0, OWN(tcp_buffer), "128k",
	    16 << 10, 16 << 20, NULL,
	    "what waits for a client that reads slowly; the oldest data is "
	    "dropped" },
	{ "turnd", "tcp-relay-connections", CONF_INT, 0,
	    OWN(tcp_relay_connections), "4096", 1, 1000000, NULL,
	    "connections with peers of all TCP allocations" },
	DAEMON_OPTIONS("turnd"),
	{ .key = NULL },
};
/* clang-format on */

/* A socket can be bound to a group, but nobody speaks from one. */
static bool
is_group(const struct addr *a)
{
	return a->family == ADDR_V4 ? a->ip[0] >= 224 : a->ip[0] == 0xff;
}

/* What the table cannot say. */
static int
check_rows(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct addr *relays = c->relay_addrs.items;
	size_t i;

	for (i = 0; i < c->relay_addrs.n; i++) {
		if (is_group(&relays[i]))
			return conf_wrong(conf, "turnd", "relay-address", i,
			    err, "a group's; allowed: a machine's address");
	}
	if ((c->oauth_server == NULL) != (c->oauth_keys.n == 0))
		return conf_wrong(conf, "turnd",
		    c->oauth_server == NULL ? "oauth-key" : "oauth-server", 0,
		    err, "without %s; allowed: both or none",
		    c->oauth_server == NULL ? "oauth-server" : "oauth-key");
	if (c->oauth_server != NULL && strlen(c->oauth_server) > REALM_MAX)
		return conf_wrong(conf, "turnd", "oauth-server", 0, err,
		    "too long; allowed: 1 to 127 bytes");
	if (c->hook_url != NULL &&
	    strncasecmp(c->hook_url, "http://", 7) != 0 &&
	    strncasecmp(c->hook_url, "https://", 8) != 0)
		return conf_wrong(conf, "turnd", "auth-hook", 0, err,
		    "not a URL that can be asked; allowed: http://... or "
		    "https://...");
	if (c->alternates.n > TURN_MAX_ALTERNATES)
		return conf_wrong(conf, "turnd", "alternate-server",
		    TURN_MAX_ALTERNATES, err, "too many; allowed: 16");
	if (c->alternate_domain != NULL &&
	    strlen(c->alternate_domain) > ALTERNATE_DOMAIN_MAX)
		return conf_wrong(conf, "turnd", "alternate-domain", 0, err,
		    "too long; allowed: 255 characters");
	if (c->listen.n > TURND_LISTEN_MAX) {
		snprintf(err, DAEMON_ERR_MAX,
		    "%s: [turnd] listen: set %zu times; allowed: %d",
		    conf_file(conf), c->listen.n, TURND_LISTEN_MAX);
		return -EINVAL;
	}
	return 0;
}

static int
oauth_from(
    const struct conf *conf, struct turn_oauth *o, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	const struct conf_user *u = c->oauth_keys.items;
	struct turn_token_key *key;
	size_t i;

	o->server = c->oauth_server;
	for (i = 0; i < c->oauth_keys.n; i++) {
		if (i == TURN_TOKEN_KEYS)
			return conf_wrong(conf, "turnd", "oauth-key", i, err,
			    "too many; allowed: %d", TURN_TOKEN_KEYS);
		key = &o->keys[o->nkeys++];
		if (strlen(u[i].name) >= sizeof(key->kid) ||
		    turn_token_key_parse(key, u[i].password) != 0)
			return conf_wrong(conf, "turnd", "oauth-key", i, err,
			    "not a usable key; allowed: KID (to 63 bytes), "
			    "the base64 of 32 or 16 bytes, and maybe :A256GCM "
			    "or :A128GCM, and maybe :UNTIL in seconds since "
			    "1970");
		memcpy(key->kid, u[i].name, strlen(u[i].name) + 1);
	}
	return 0;
}

int
turnd_check(const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	static const struct hash_key any = { 1, 2 };
	const struct turnd_conf *c = conf_data(conf);
	struct turn_oauth oauth = { .nkeys = 0 };
	struct realms realms;
	bool nobody;
	int rc;

	rc = check_rows(conf, err);
	if (rc == 0)
		rc = listeners_check_tls(conf, "turnd", &c->listen, err);
	if (rc == 0)
		rc = oauth_from(conf, &oauth, err);
	crypto_wipe(&oauth, sizeof(oauth));
	if (rc == 0)
		rc = realms_init(&realms, conf, &any, err);
	if (rc != 0)
		return rc;
	nobody = realms_empty(&realms) && !c->user_store &&
	    c->hook_url == NULL && c->oauth_server == NULL && !c->no_auth;
	realms_fini(&realms);
	if (!nobody)
		return 0;
	snprintf(err, DAEMON_ERR_MAX,
	    "%s: no user, user-store, auth-hook or oauth-server in [turnd] and "
	    "no turn-secret in [floe], so nobody could use this relay; for a "
	    "lab, "
	    "no-auth = yes "
	    "serves everybody",
	    conf_file(conf));
	return -EINVAL;
}

struct bucket_rate
turnd_bandwidth(const struct turnd_conf *c, uint64_t per_s)
{
	struct bucket_rate r = { per_s, 0 };

	if (r.per_s > BANDWIDTH_MAX)
		r.per_s = BANDWIDTH_MAX;
	r.burst = r.per_s * (uint64_t)c->bandwidth_burst_ms / 1000;
	/* Less than that, and some datagrams would never pass. */
	if (r.burst < UINT16_MAX)
		r.burst = UINT16_MAX;
	return r;
}

static void
setup_core(struct turnd_setup *s, const struct turnd_conf *c)
{
	struct turn_config *core = &s->core;

	core->software = "Floe";
	core->no_auth = c->no_auth;
	core->mobility = c->mobility;
	core->expired_grace_s = (uint32_t)(c->expired_grace_ms / 1000);
	core->alternates.n = c->alternates.n;
	if (c->alternates.n > 0)
		memcpy(core->alternates.addrs, c->alternates.items,
		    c->alternates.n * sizeof(struct addr));
	core->alternates.domain = c->alternate_domain;
	crypto_random(core->ticket_key, sizeof(core->ticket_key));
	core->channel_max =
	    c->strict_channels ? STUN_CHANNEL_MAX : STUN_CHANNEL_MAX_5766;
	core->max_lifetime_s = (uint32_t)(c->max_lifetime_ms / 1000);
	core->max_allocations = (uint32_t)c->max_allocations;
	core->max_permissions = (uint32_t)c->max_permissions;
	core->max_channels = (uint32_t)c->max_channels;
	core->max_connections = (uint32_t)c->max_connections;
	turn_config_backoff(core, (uint32_t)c->auth_failures);
	core->alloc_rate = turnd_bandwidth(c, (uint64_t)c->alloc_bandwidth);
	crypto_random(&core->hash_key, sizeof(core->hash_key));
}

/* Each realm has nonces of its own, which no other one accepts. */
static int
setup_realms(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	struct turn_realm *realm;
	size_t i;
	int rc;

	rc = realms_init(&s->realms, conf, &s->core.hash_key, err);
	for (i = 0; rc == 0 && i < s->realms.n; i++) {
		realm = &s->realms.items[i];
		crypto_random(
		    realm->nonce_key.bytes, sizeof(realm->nonce_key.bytes));
		realm->nonce_key.life_ms = (uint64_t)c->nonce_lifetime_ms;
		if (c->hook_url != NULL || c->oauth_server != NULL)
			turn_users_need_names(s->realms.users[i]);
		turn_realm_offer(realm);
	}
	s->core.realms = s->realms.items;
	s->core.nrealms = s->realms.n;
	s->core.origins = s->realms.origins;
	s->core.norigins = s->realms.norigins;
	return rc;
}

int
turnd_setup_init(
    struct turnd_setup *s, const struct conf *conf, char err[DAEMON_ERR_MAX])
{
	const struct turnd_conf *c = conf_data(conf);
	int rc;

	*s = (struct turnd_setup){ .nrelay_addrs = 0 };
	setup_core(s, c);
	rc = oauth_from(conf, &s->core.oauth, err);
	if (rc == 0)
		rc = setup_realms(s, conf, err);
	if (rc == 0)
		snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (rc == 0)
		rc = addresses_init(s, conf, err);
	s->core.peers = s->peers;
	if (rc != 0)
		turnd_setup_fini(s);
	return rc;
}

void
turnd_setup_fini(struct turnd_setup *s)
{
	realms_fini(&s->realms);
	prefix_list_free(s->peers);
	externals_fini(&s->externals);
	free(s->relay_addrs);
	crypto_wipe(s, sizeof(*s));
}
