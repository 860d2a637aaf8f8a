/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/htab.h"
#include "lib/stun/message.h"
#include "turnd/core/users.h"

#define EXPIRY_DIGITS 18 /* fits in 64 bits */

#define HEX_MD5  ((size_t)(2 * CRYPTO_MD5_LEN))
#define HEX_BOTH (HEX_MD5 + (size_t)(2 * CRYPTO_SHA256_LEN))

struct static_user {
	uint64_t hash; /* of the name */
	uint64_t userhash_hash;
	uint8_t userhash[CRYPTO_SHA256_LEN];
	uint8_t md5[CRYPTO_MD5_LEN];
	uint8_t sha256[CRYPTO_SHA256_LEN];
	bool md5_only;
	char name[];
};

struct turn_users {
	char *realm;
	struct hash_key hash_key;
	struct htab by_name, by_userhash; /* the same users */
	bool md5_only;                    /* somebody has an MD5 key alone */
	bool need_names;
	char *secrets[TURN_MAX_SECRETS];
	unsigned int nsecrets;
	uint8_t nobody[CRYPTO_SHA256_LEN]; /* the key of unknown names */
};

/* SHA-256, then MD5: RFC 8489 section 14.11, neither with parameters. */
static const uint8_t offer[] = { 0, 2, 0, 0, 0, 1, 0, 0 };

#define OFFER_MD5_LEN 4

static const enum crypto_hash rest_forms[] = { CRYPTO_SHA1, CRYPTO_SHA256 };

#define REST_FORMS 2

struct turn_users *
turn_users_new(const char *realm, const struct hash_key *key)
{
	struct turn_users *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->hash_key = *key;
	htab_init(&u->by_name, TURN_MAX_USERS);
	htab_init(&u->by_userhash, TURN_MAX_USERS);
	u->realm = strdup(realm);
	if (u->realm == NULL) {
		turn_users_free(u);
		return NULL;
	}
	crypto_random(u->nobody, sizeof(u->nobody));
	return u;
}

static void
static_free(struct static_user *s)
{
	crypto_wipe(s, sizeof(*s));
	free(s);
}

void
turn_users_free(struct turn_users *u)
{
	struct static_user *s;
	size_t pos = 0;
	unsigned int i;

	if (u == NULL)
		return;
	while ((s = htab_next(&u->by_name, &pos)) != NULL)
		static_free(s);
	htab_fini(&u->by_name);
	htab_fini(&u->by_userhash);
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

static bool
userhash_eq(const void *obj, const void *key)
{
	const struct static_user *s = obj;

	return crypto_equal(s->userhash, key, sizeof(s->userhash));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0, or -EINVAL when it does not begin with the hex form of len bytes. */
static int
bytes_from_hex(const char *hex, uint8_t *key, size_t len)
{
	int hi, lo;
	size_t i;

	for (i = 0; i < len; i++) {
		hi = hex_digit(hex[2 * i]);
		lo = hex_digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		key[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static int
keys_from_hex(struct static_user *s, const char *hex)
{
	size_t len = strlen(hex);
	int err;

	if (len != HEX_MD5 && len != HEX_BOTH)
		return -EINVAL;
	s->md5_only = len == HEX_MD5;
	err = bytes_from_hex(hex, s->md5, sizeof(s->md5));
	if (err == 0 && !s->md5_only)
		err =
		    bytes_from_hex(hex + HEX_MD5, s->sha256, sizeof(s->sha256));
	return err;
}

static int
static_keys(
    const struct turn_users *u, struct static_user *s, const char *password)
{
	int err;

	err = stun_userhash(s->name, u->realm, s->userhash);
	if (err != 0)
		return err;
	s->userhash_hash =
	    hash_bytes(&u->hash_key, s->userhash, sizeof(s->userhash));
	if (strncmp(password, "0x", 2) == 0)
		return keys_from_hex(s, password + 2);
	err =
	    stun_long_term_key(CRYPTO_MD5, s->name, u->realm, password, s->md5);
	if (err == 0)
		err = stun_long_term_key(
		    CRYPTO_SHA256, s->name, u->realm, password, s->sha256);
	return err;
}

/* Both tables or none. */
static int
static_put(struct turn_users *u, struct static_user *s)
{
	int err;

	if (htab_find(&u->by_name, s->hash, name_eq, s->name) != NULL)
		return -EEXIST;
	err = htab_put(&u->by_name, s->hash, s);
	if (err != 0)
		return err;
	err = htab_put(&u->by_userhash, s->userhash_hash, s);
	if (err != 0)
		htab_del(&u->by_name, s->hash, s);
	return err;
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
	err = static_keys(u, s, password);
	if (err == 0)
		err = static_put(u, s);
	if (err != 0) {
		static_free(s);
		return err;
	}
	u->md5_only = u->md5_only || s->md5_only;
	return 0;
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

const uint8_t *
turn_users_offer(const struct turn_users *u, size_t *len)
{
	*len = u->md5_only ? OFFER_MD5_LEN : sizeof(offer);
	return offer + sizeof(offer) - *len;
}

bool
turn_users_offers(const struct turn_users *u, uint32_t algorithm)
{
	return algorithm == STUN_PASSWORD_MD5 ||
	    (algorithm == STUN_PASSWORD_SHA256 && !u->md5_only);
}

void
turn_users_need_names(struct turn_users *u)
{
	u->need_names = true;
}

bool
turn_users_anonymous(const struct turn_users *u)
{
	return u->nsecrets == 0 && !u->need_names;
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
	out->share = 0;
	out->known = htab_find(&u->by_name, hash_bytes(&u->hash_key, name, len),
			 name_eq, out->name) != NULL;
	if (u->nsecrets > 0 && !out->known)
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

void
turn_users_recorded(const struct turn_users *u, struct turn_name *n,
    const struct turn_record *rec)
{
	n->rest = false;
	n->expires_s = rec->expires_s;
	n->id = hash_bytes(&u->hash_key, n->name, n->len);
}

int
turn_record_keys(struct turn_record *rec, const char *name, const char *realm,
    const char *password)
{
	size_t len = strlen(name);
	int err;

	if (len == 0 || len > TURN_NAME_MAX || password[0] == '\0')
		return -EINVAL;
	err = stun_long_term_key(CRYPTO_MD5, name, realm, password, rec->md5);
	if (err != 0)
		return err;
	return stun_long_term_key(
	    CRYPTO_SHA256, name, realm, password, rec->sha256);
}

int
turn_record_from_hex(struct turn_record *rec, const char *hex)
{
	if (strlen(hex) != HEX_BOTH ||
	    bytes_from_hex(hex, rec->md5, sizeof(rec->md5)) != 0)
		return -EINVAL;
	return bytes_from_hex(hex + HEX_MD5, rec->sha256, sizeof(rec->sha256));
}

int
turn_users_parse_hash(const struct turn_users *u, const void *hash, size_t len,
    struct turn_name *out)
{
	const struct static_user *s;

	if (len != CRYPTO_SHA256_LEN)
		return -EINVAL;
	s = htab_find(&u->by_userhash, hash_bytes(&u->hash_key, hash, len),
	    userhash_eq, hash);
	if (s != NULL)
		return turn_users_parse(u, s->name, strlen(s->name), out);
	memset(out, 0, sizeof(*out));
	return 0;
}

/*
 * The REST password number i: base64(HMAC(secret, name)), of each secret one
 * with SHA-1, as draft-uberti-behave-turn-rest has it, and one with SHA-256.
 * Nobody on the path can choose: who does not know the secret can make
 * neither, and what clients and turnd send each other is the same.
 */
static int
rest_key(const struct turn_users *u, const struct turn_name *n, unsigned int i,
    enum crypto_hash hash, struct turn_key *key)
{
	const char *secret = u->secrets[i / REST_FORMS];
	enum crypto_hash form = rest_forms[i % REST_FORMS];
	struct crypto_span span = { n->name, n->len };
	char password[CRYPTO_BASE64_LEN(CRYPTO_SHA256_LEN)];
	uint8_t mac[CRYPTO_SHA256_LEN];
	int err;

	err = crypto_hmac(form, secret, strlen(secret), &span, 1, mac);
	if (err != 0)
		return err;
	crypto_base64(mac, crypto_hash_len(form), password);
	err = stun_long_term_key(hash, n->name, u->realm, password, key->bytes);
	crypto_wipe(password, sizeof(password));
	return err;
}

static int
static_or_nobody(const struct turn_users *u, const struct turn_name *n,
    enum crypto_hash hash, struct turn_key *key, bool *known)
{
	const struct static_user *s;
	const uint8_t *from = u->nobody;

	s = htab_find(&u->by_name, hash_bytes(&u->hash_key, n->name, n->len),
	    name_eq, n->name);
	*known = s != NULL && (hash == CRYPTO_MD5 || !s->md5_only);
	if (*known)
		from = hash == CRYPTO_MD5 ? s->md5 : s->sha256;
	memcpy(key->bytes, from, key->len);
	return 0;
}

int
turn_users_key(const struct turn_users *u, const struct turn_name *n,
    unsigned int i, enum crypto_hash hash, struct turn_key *key, bool *known)
{
	if (i >= (n->rest ? u->nsecrets * REST_FORMS : 1))
		return -ENOENT;
	key->len = crypto_hash_len(hash);
	if (!n->rest)
		return static_or_nobody(u, n, hash, key, known);
	*known = true;
	return rest_key(u, n, i, hash, key);
}
