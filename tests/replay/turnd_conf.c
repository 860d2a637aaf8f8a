/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/replay/turnd_run.h"

/* realm NAME [secret S] */
static void
do_conf_realm(struct run *r, struct words *w, const char *name)
{
	struct turn_users *users = fake_realm(&r->f, name);

	if (strcmp(words_next(w), "secret") == 0)
		turn_users_add_secret(users, words_next(w));
}

/* oauth SERVER KID KEY: once for each key */
static void
do_conf_oauth(struct run *r, struct words *w, const char *server)
{
	const char *kid = words_next(w), *key = words_next(w);

	if (fake_oauth(&r->f, server, kid, key) != 0)
		run_fail(r, w, "not a key");
}

/* The ones with a word of their own. */
static void
do_conf_word(struct run *r, struct words *w, const char *key, char *value)
{
	if (strcmp(key, "alternate-server") == 0) {
		r->f.core.alternates.addrs[r->f.core.alternates.n++] =
		    fake_addr(value);
	} else if (strcmp(key, "alternate-domain") == 0) {
		snprintf(r->domain, sizeof(r->domain), "%s", value);
		r->f.core.alternates.domain = r->domain;
	} else if (strcmp(key, "allow-peer") == 0) {
		fake_rule(&r->f, value, PREFIX_ALLOW);
	} else if (strcmp(key, "deny-peer") == 0) {
		fake_rule(&r->f, value, PREFIX_DENY);
	} else if (strcmp(key, "secret") == 0) {
		turn_users_add_secret(r->f.users, value);
	} else if (strcmp(key, "realm") == 0) {
		do_conf_realm(r, w, value);
	} else if (strcmp(key, "oauth") == 0) {
		do_conf_oauth(r, w, value);
	} else if (strcmp(key, "origin") == 0) {
		fake_origin(&r->f, value, words_next(w));
	} else if (strcmp(key, "user") == 0) {
		turn_users_add(r->f.users, value, run_cut_user(value));
	} else {
		run_fail(r, w, "unknown conf %s", key);
	}
}

void
run_conf(struct run *r, struct words *w)
{
	const struct {
		const char *key;
		uint32_t *value;
	} numbers[] = {
		{ "user-quota", &r->f.conf.user_quota },
		{ "realm-quota", &r->f.conf.realm_quota },
		{ "max-allocations", &r->f.conf.max_allocations },
		{ "max-permissions", &r->f.conf.max_permissions },
		{ "max-channels", &r->f.conf.max_channels },
		{ "max-connections", &r->f.conf.max_connections },
		{ "tcp-relay-connections", &r->f.conf.connections },
		{ "ports", &r->f.conf.ports },
		{ "expired-grace", &r->f.conf.expired_grace_s },
		{ "rate-limit", &r->f.conf.rate_limit },
		{ "rate-burst", &r->f.conf.rate_burst },
		{ "auth-failures", &r->f.conf.auth_failures },
		{ "allocation-bandwidth", &r->f.conf.alloc_bandwidth },
		{ "user-bandwidth", &r->f.conf.user_bandwidth },
		{ "total-bandwidth", &r->f.conf.total_bandwidth },
	};
	const char *key = words_next(w);
	char *value;
	size_t i;

	if (r->started) {
		run_fail(r, w, "conf after the first datagram");
		return;
	}
	if (strcmp(key, "no-auth") == 0) {
		r->f.conf.no_auth = true;
		return;
	}
	if (strcmp(key, "mobility") == 0) {
		r->f.conf.mobility = true;
		return;
	}
	if (strcmp(key, "relay-v6-only") == 0) {
		r->f.conf.has_v6 = r->f.conf.no_v4 = true;
		return;
	}
	if (strcmp(key, "relay-v6") == 0) {
		r->f.conf.has_v6 = true;
		return;
	}
	if (strcmp(key, "strict-channels") == 0) {
		r->f.conf.channel_max = STUN_CHANNEL_MAX;
		return;
	}
	value = words_next(w);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].value = (uint32_t)strtoul(value, NULL, 0);
			return;
		}
	}
	do_conf_word(r, w, key, value);
}
