/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realms: the realms that turnd serves, who may use each, and which one a
 * client is in: that of the ORIGIN it tells, of the address it came to, or
 * the first, which is [floe] realm.
 * Owns: the users.  Thread: main; read by any once built.
 */
#ifndef FLOE_TURND_REALMS_H
#define FLOE_TURND_REALMS_H

#include "lib/daemon/daemon.h"
#include "turnd/core/config.h"

/* A listening address (port 0: all its ports) that is a realm's. */
struct realm_place {
	struct addr addr;
	uint16_t realm;
};

/* RFC 8489 section 14.9; every challenge carries it. */
#define REALM_MAX 127

struct realms {
	char names[TURN_MAX_REALMS][REALM_MAX + 1];
	struct turn_realm items[TURN_MAX_REALMS];
	struct turn_users *users[TURN_MAX_REALMS]; /* the items' */
	size_t n;
	struct turn_origin origins[TURN_MAX_ORIGINS];
	size_t norigins;
	struct realm_place *places;
	size_t nplaces;
};

/* From the configuration, which keeps the origins. 0, or -errno with err; then
 * it is empty. */
int realms_init(struct realms *, const struct conf *, const struct hash_key *,
    char err[DAEMON_ERR_MAX]);
void realms_fini(struct realms *); /* zeroed is fine */
/* Nobody is in any of them. */
bool realms_empty(const struct realms *);
/* The place of a realm, or -ENOENT. */
int realms_find(const struct realms *, const char *name, size_t len);
/* Of clients who come to this address; the first row that fits counts. */
uint16_t realms_at(const struct realms *, const struct addr *);

#endif
