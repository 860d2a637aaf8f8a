/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "turnd/conf.h"
#include "turnd/realms.h"

struct build {
	struct realms *r;
	const struct conf *conf;
	const struct hash_key *key;
	char *err; /* DAEMON_ERR_MAX bytes */
};

int
realms_find(const struct realms *r, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (strlen(r->items[i].name) == len &&
		    memcmp(r->items[i].name, name, len) == 0)
			return (int)i;
	}
	return -ENOENT;
}

uint16_t
realms_at(const struct realms *r, const struct addr *a)
{
	const struct realm_place *p;
	size_t i;

	for (i = 0; i < r->nplaces; i++) {
		p = &r->places[i];
		if (addr_equal_ip(&p->addr, a) &&
		    (p->addr.port == 0 || p->addr.port == a->port))
			return p->realm;
	}
	return 0;
}

bool
realms_empty(const struct realms *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (!turn_users_empty(r->users[i]))
			return false;
	}
	return true;
}

/* Its place, -ENOSPC or -ENOMEM. */
static int
realm_add(const struct build *b, const char *name, size_t len)
{
	struct realms *r = b->r;
	/* A name in two realms is two users. */
	struct hash_key own = { b->key->k0, b->key->k1 ^ r->n };
	char *copy = r->names[r->n];

	if (r->n == TURN_MAX_REALMS)
		return -ENOSPC;
	memcpy(copy, name, len);
	copy[len] = '\0';
	r->users[r->n] = turn_users_new(copy, &own);
	if (r->users[r->n] == NULL)
		return -ENOMEM;
	r->items[r->n] =
	    (struct turn_realm){ .name = copy, .users = r->users[r->n] };
	return (int)r->n++;
}

/* The i-th row of the option, "REALM WHAT": the place of the realm, which is
 * made when it is new, and what; or -errno with err. */
static int
row_realm(const struct build *b, const char *key, size_t i, const char **what)
{
	const struct turnd_conf *c = conf_data(b->conf);
	bool by_addr = strcmp(key, "realm-for") == 0;
	const struct conf_list *list =
	    by_addr ? &c->realm_for : &c->realm_for_origin;
	const char *row = ((const char *const *)list->items)[i];
	size_t len = strcspn(row, " \t");
	int rc;

	*what = row + len + strspn(row + len, " \t");
	if (len == 0 || len > REALM_MAX || **what == '\0')
		return conf_wrong(b->conf, "turnd", key, i, b->err,
		    "not a realm of 1 to 127 bytes and %s; allowed: REALM %s",
		    by_addr ? "an address" : "an origin",
		    by_addr ? "ADDRESS or REALM ADDRESS:PORT" : "ORIGIN");
	rc = realms_find(b->r, row, len);
	if (rc == -ENOENT)
		rc = realm_add(b, row, len);
	if (rc == -ENOSPC)
		return conf_wrong(b->conf, "turnd", key, i, b->err,
		    "too many realms; allowed: %d", TURN_MAX_REALMS);
	return rc;
}

static int
add_places(const struct build *b)
{
	const struct turnd_conf *c = conf_data(b->conf);
	struct realm_place *p;
	const char *what;
	size_t i;
	int rc;

	b->r->places = calloc(c->realm_for.n + 1, sizeof(*b->r->places));
	if (b->r->places == NULL)
		return -ENOMEM;
	for (i = 0; i < c->realm_for.n; i++) {
		p = &b->r->places[i];
		rc = row_realm(b, "realm-for", i, &what);
		if (rc < 0)
			return rc;
		p->realm = (uint16_t)rc;
		if (addr_parse(what, &p->addr) != 0)
			return conf_wrong(b->conf, "turnd", "realm-for", i,
			    b->err,
			    "not an address; allowed: REALM ADDRESS or REALM "
			    "ADDRESS:PORT, IPv6 with a port as [::1]:PORT");
		b->r->nplaces++;
	}
	return 0;
}

static int
add_origins(const struct build *b)
{
	const struct turnd_conf *c = conf_data(b->conf);
	const char *what;
	size_t i;
	int rc;

	for (i = 0; i < c->realm_for_origin.n; i++) {
		rc = row_realm(b, "realm-for-origin", i, &what);
		if (rc < 0)
			return rc;
		if (i == TURN_MAX_ORIGINS)
			return conf_wrong(b->conf, "turnd", "realm-for-origin",
			    i, b->err, "too many; allowed: %d",
			    TURN_MAX_ORIGINS);
		b->r->origins[i] = (struct turn_origin){ what, (uint16_t)rc };
		b->r->items[rc].by_origin = true;
		b->r->norigins++;
	}
	return 0;
}

static int
add_users(const struct build *b)
{
	const struct turnd_conf *c = conf_data(b->conf);
	const struct conf_user *u = c->users.items;
	size_t i;
	int rc;

	for (i = 0; i < c->users.n; i++) {
		rc = turn_users_add(b->r->users[0], u[i].name, u[i].password);
		if (rc == 0)
			continue;
		return conf_wrong(b->conf, "turnd", "user", i, b->err, "%s",
		    rc == -EEXIST
			? "this name is there already; allowed: a name once"
			: "not a usable user; allowed: NAME:PASSWORD or "
			  "NAME:0x and 32 or 96 hex digits");
	}
	return 0;
}

static int
secret_wrong(const struct build *b, const char *section, const char *key,
    size_t i, int rc)
{
	if (rc == -ENOMEM)
		return rc;
	return conf_wrong(b->conf, section, key, i, b->err, "%s",
	    rc == -ENOSPC ? "too many; allowed: 16"
			  : "empty; allowed: a secret");
}

/* Secrets of a realm's own, and in own the realms that have them. */
static int
add_own_secrets(const struct build *b, bool own[TURN_MAX_REALMS])
{
	const struct turnd_conf *c = conf_data(b->conf);
	const struct conf_user *s = c->realm_secrets.items;
	size_t i;
	int rc, realm;

	for (i = 0; i < c->realm_secrets.n; i++) {
		realm = realms_find(b->r, s[i].name, strlen(s[i].name));
		if (realm < 0)
			return conf_wrong(b->conf, "turnd", "realm-secret", i,
			    b->err,
			    "no such realm; allowed: [floe] realm and those "
			    "of realm-for and realm-for-origin");
		own[realm] = true;
		rc = turn_users_add_secret(b->r->users[realm], s[i].password);
		if (rc != 0)
			return secret_wrong(b, "turnd", "realm-secret", i, rc);
	}
	return 0;
}

static int
add_secrets(const struct build *b)
{
	const struct conf_common *c = conf_data(b->conf);
	const char *const *secrets = c->turn_secrets.items;
	bool own[TURN_MAX_REALMS] = { false };
	size_t i, realm;
	int rc;

	rc = add_own_secrets(b, own);
	for (i = 0; rc == 0 && i < c->turn_secrets.n; i++) {
		for (realm = 0; rc == 0 && realm < b->r->n; realm++) {
			if (!own[realm])
				rc = turn_users_add_secret(
				    b->r->users[realm], secrets[i]);
		}
		if (rc != 0)
			return secret_wrong(b, "floe", "turn-secret", i, rc);
	}
	return rc;
}

int
realms_init(struct realms *r, const struct conf *conf,
    const struct hash_key *key, char err[DAEMON_ERR_MAX])
{
	const struct conf_common *c = conf_data(conf);
	const struct build b = { r, conf, key, err };
	int rc;

	memset(r, 0, sizeof(*r));
	snprintf(err, DAEMON_ERR_MAX, "out of memory");
	if (strlen(c->realm) > REALM_MAX)
		return conf_wrong(conf, "floe", "realm", 0, err,
		    "too long; allowed: 1 to 127 bytes");
	rc = realm_add(&b, c->realm, strlen(c->realm));
	if (rc == 0)
		rc = add_places(&b);
	if (rc == 0)
		rc = add_origins(&b);
	if (rc == 0)
		rc = add_users(&b);
	if (rc == 0)
		rc = add_secrets(&b);
	if (rc != 0)
		realms_fini(r);
	return rc;
}

void
realms_fini(struct realms *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		turn_users_free(r->users[i]);
	free(r->places);
	crypto_wipe(r, sizeof(*r));
}
