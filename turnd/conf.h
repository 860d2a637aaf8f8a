/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conf: the options of [turnd], and what the core needs made of them: users,
 * peer rules, keys.
 * Owns: what turnd_setup holds.  Thread: main; read by any once built.
 */
#ifndef FLOE_TURND_CONF_H
#define FLOE_TURND_CONF_H

#include "lib/daemon/daemon.h"
#include "turnd/core/server.h"
#include "turnd/realms.h"
#include "turnd/external.h"

#define TURND_LISTEN_MAX 256

struct turnd_conf {
	struct daemon_conf daemon;
	int64_t per_address;           /* TCP connections and DTLS sessions */
	struct conf_list balancers;    /* struct prefix */
	struct conf_list listen;       /* struct conf_listen */
	struct conf_list relay_addrs;  /* struct addr */
	struct conf_list external_ips; /* struct conf_addr_pair */
	struct conf_list external_probes; /* const char * */
	struct conf_range relay_ports;
	int64_t udp_buffer, relay_buffer;
	struct conf_list users;      /* struct conf_user */
	struct conf_list allow_peer; /* struct prefix */
	struct conf_list deny_peer;
	bool no_auth;
	bool user_store;
	struct conf_list realm_for;        /* const char * */
	struct conf_list realm_for_origin; /* likewise */
	struct conf_list realm_secrets;    /* struct conf_user */
	int64_t realm_quota;
	const char *oauth_server;    /* NULL: none */
	struct conf_list oauth_keys; /* struct conf_user */
	const char *hook_url;        /* NULL: none */
	const char *hook_token;
	const char *hook_ca;
	int64_t hook_timeout_ms;
	int64_t hook_cache_ms;
	int64_t hook_negative_ms;
	int64_t hook_entries;
	bool strict_channels;
	bool mobility;
	struct conf_list alternates; /* struct addr */
	const char *alternate_domain;
	int64_t user_quota;
	int64_t max_allocations;
	int64_t max_permissions;
	int64_t max_channels;
	int64_t max_connections;
	int64_t max_lifetime_ms;
	int64_t expired_grace_ms;
	int64_t nonce_lifetime_ms;
	int64_t rate_limit, rate_burst; /* of all workers together */
	int64_t auth_failures;
	int64_t alloc_bandwidth, user_bandwidth, total_bandwidth;
	int64_t bandwidth_burst_ms;
	int64_t tcp_connections;
	int64_t dtls_sessions;
	int64_t tcp_idle_ms;
	int64_t tcp_buffer;
	int64_t tcp_relay_connections;
};

extern const struct conf_option turnd_options[];

/* struct daemon's check. */
int turnd_check(const struct conf *, char err[DAEMON_ERR_MAX]);

/* So many bytes a second, with the burst that is configured. */
struct bucket_rate turnd_bandwidth(const struct turnd_conf *, uint64_t per_s);

/* What the workers' servers are made from. */
struct turnd_setup {
	struct turn_config core;
	struct realms realms;
	struct prefix_list *peers;
	struct addr *relay_addrs; /* as configured or found */
	size_t nrelay_addrs;
	struct externals externals; /* how the world sees them */
};

/* 0, or -errno with err; setup is then empty. */
int turnd_setup_init(
    struct turnd_setup *, const struct conf *, char err[DAEMON_ERR_MAX]);
void turnd_setup_fini(struct turnd_setup *);

/* addresses.c: the addresses that we relay from, and the peers that they may
 * reach. 0, or -errno, maybe with err. */
int addresses_init(
    struct turnd_setup *, const struct conf *, char err[DAEMON_ERR_MAX]);

#endif
