/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/htab.h"
#include "lib/stun/message.h"
#include "turnd/core/users.h"

#define EXPIRY_DIGITS 18 /* fits in 64 bits */

struct static_user {
	uint64_t hash;
	uint8_t key[TURN_USER_KEY_LEN];
	char name[];
};

struct turn_users {
	char *realm;
	struct hash_key hash_key;
	struct htab by_name;
	char *secrets[TURN_MAX_SECRETS];
	unsigned int nsecrets;
	uint8_t nobody[TURN_USER_KEY_LEN]; /* the key of unknown names */
};

struct turn_users *
turn_users_new(const char *realm, const struct hash_key *key)
{
	struct turn_users *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->hash_key = *key;
	htab_init(&u->by_name, TURN_MAX_USERS);
	u->realm = strdup(realm);
	if (u->realm == NULL) {
		turn_users_free(u);
		return NULL;
	}
	crypto_random(u->nobody, sizeof(u->nobody));
	return u;
}

void
turn_users_free(struct turn_users *u)
{
	struct static_user *s;
	size_t pos = 0;
	unsigned int i;

	if (u == NULL)
		return;
	while ((s = htab_next(&u->by_name, &pos)) != NULL) {
		crypto_wipe(s->key, sizeof(s->key));
		free(s);
	}
	htab_fini(&u->by_name);
	for (i = 0; i < u->nsecrets; i++) {
		crypto_wipe(u->secrets[i], strlen(u->secrets[i]));
		free(u->secrets[i]);
	}
	free(u->realm);
	free(u);
}

static bool
name_eq(const void *obj, const void *key)
{
	const struct static_user *s = obj;

	return strcmp(s->name, key) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0, or -EINVAL when it is not exactly the hex form of a key. */
static int
key_from_hex(const char *hex, uint8_t key[TURN_USER_KEY_LEN])
{
	int hi, lo;
	size_t i;

	if (strlen(hex) != 2 * TURN_USER_KEY_LEN)
		return -EINVAL;
	for (i = 0; i < TURN_USER_KEY_LEN; i++) {
		hi = hex_digit(hex[2 * i]);
		lo = hex_digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		key[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static int
static_key(
    const struct turn_users *u, struct static_user *s, const char *password)
{
	if (strncmp(password, "0x", 2) == 0)
		return key_from_hex(password + 2, s->key);
	return stun_long_term_key(s->name, u->realm, password, s->key);
}

int
turn_users_add(struct turn_users *u, const char *name, const char *password)
{
	size_t len = strlen(name);
	struct static_user *s;
	int err;

	if (len == 0 || len > TURN_NAME_MAX || password[0] == '\0')
		return -EINVAL;
	s = calloc(1, sizeof(*s) + len + 1);
	if (s == NULL)
		return -ENOMEM;
	memcpy(s->name, name, len);
	s->hash = hash_bytes(&u->hash_key, s->name, len);
	err = static_key(u, s, password);
	if (err == 0 && htab_find(&u->by_name, s->hash, name_eq, s->name))
		err = -EEXIST;
	if (err == 0)
		err = htab_put(&u->by_name, s->hash, s);
	if (err != 0)
		free(s);
	return err;
}

int
turn_users_add_secret(struct turn_users *u, const char *secret)
{
	char *copy;

	if (secret[0] == '\0')
		return -EINVAL;
	if (u->nsecrets == TURN_MAX_SECRETS)
		return -ENOSPC;
	copy = strdup(secret);
	if (copy == NULL)
		return -ENOMEM;
	u->secrets[u->nsecrets++] = copy;
	return 0;
}

bool
turn_users_empty(const struct turn_users *u)
{
	return u->by_name.used == 0 && u->nsecrets == 0;
}

/* The length of the leading time, with its colon; 0: not a REST name. */
static size_t
parse_expiry(const char *name, uint64_t *expires_s)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; isdigit((unsigned char)name[i]); i++) {
		if (i == EXPIRY_DIGITS)
			return 0;
		v = v * 10 + (uint64_t)(name[i] - '0');
	}
	if (i == 0 || (name[i] != ':' && name[i] != '\0'))
		return 0;
	*expires_s = v;
	return name[i] == ':' ? i + 1 : i;
}

int
turn_users_parse(const struct turn_users *u, const void *name, size_t len,
    struct turn_name *out)
{
	struct hash_key kind = u->hash_key;
	size_t skip = 0;

	if (len == 0 || len > TURN_NAME_MAX || memchr(name, '\0', len) != NULL)
		return -EINVAL;
	memcpy(out->name, name, len);
	out->name[len] = '\0';
	out->len = len;
	out->expires_s = 0;
	if (u->nsecrets > 0 &&
	    htab_find(&u->by_name, hash_bytes(&u->hash_key, name, len), name_eq,
		out->name) == NULL)
		skip = parse_expiry(out->name, &out->expires_s);
	out->rest = skip > 0;
	/* Users of two kinds are two users, whatever they are called. */
	if (out->rest)
		kind.k0 ^= 1;
	/* A bare time stamp names nobody else, so it stands for itself. */
	if (skip == len)
		skip = 0;
	out->id = hash_bytes(&kind, out->name + skip, len - skip);
	return 0;
}

/* The REST password: base64(HMAC-SHA1(secret, name)). */
static int
rest_key(const struct turn_users *u, const struct turn_name *n,
    const char *secret, uint8_t key[TURN_USER_KEY_LEN])
{
	struct crypto_span span = { n->name, n->len };
	char password[CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN)];
	uint8_t mac[CRYPTO_SHA1_LEN];
	int err;

	err = crypto_hmac(CRYPTO_SHA1, secret, strlen(secret), &span, 1, mac);
	if (err != 0)
		return err;
	crypto_base64(mac, sizeof(mac), password);
	err = stun_long_term_key(n->name, u->realm, password, key);
	crypto_wipe(password, sizeof(password));
	return err;
}

static int
static_or_nobody(const struct turn_users *u, const struct turn_name *n,
    uint8_t key[TURN_USER_KEY_LEN], bool *known)
{
	const struct static_user *s;

	s = htab_find(&u->by_name, hash_bytes(&u->hash_key, n->name, n->len),
	    name_eq, n->name);
	*known = s != NULL;
	memcpy(key, s != NULL ? s->key : u->nobody, TURN_USER_KEY_LEN);
	return 0;
}

int
turn_users_key(const struct turn_users *u, const struct turn_name *n,
    unsigned int i, uint8_t key[TURN_USER_KEY_LEN], bool *known)
{
	if (i >= (n->rest ? u->nsecrets : 1))
		return -ENOENT;
	if (!n->rest)
		return static_or_nobody(u, n, key, known);
	*known = true;
	return rest_key(u, n, u->secrets[i], key);
}
