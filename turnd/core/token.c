/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "turnd/core/token.h"

/* RFC 7635 section 6.2: 160 bits for HMAC-SHA1; longer for SHA-256. */
#define KEY_MIN 20
/* key_length, mac_key, timestamp, lifetime */
#define PLAIN_MAX (2 + CRYPTO_SHA256_LEN + 8 + 4)
#define KEY_TEXT  64

const struct turn_token_key *
turn_token_key(
    const struct turn_oauth *o, const void *kid, size_t len, uint64_t now_s)
{
	const struct turn_token_key *k;
	size_t i;

	for (i = 0; i < o->nkeys; i++) {
		k = &o->keys[i];
		if (strlen(k->kid) == len && memcmp(k->kid, kid, len) == 0)
			return k->until_s == 0 || now_s < k->until_s ? k : NULL;
	}
	return NULL;
}

int
turn_token_decode(const void *data, size_t len, struct turn_token *out)
{
	struct cursor c = cursor_init(data, len);
	struct turn_token t = { .lifetime_s = 0 };
	const void *key;

	t.key.len = cursor_u16(&c);
	if (t.key.len < KEY_MIN || t.key.len > sizeof(t.key.bytes))
		return -EBADMSG;
	key = cursor_bytes(&c, t.key.len);
	/* 48 bits of seconds, 16 bits of 1/64000 s. */
	t.issued_s = cursor_u64(&c) >> 16;
	t.lifetime_s = cursor_u32(&c);
	if (c.err != 0 || cursor_left(&c) != 0)
		return -EBADMSG;
	memcpy(t.key.bytes, key, t.key.len);
	*out = t;
	return 0;
}

static struct crypto_aead
aead_of(const struct turn_oauth *o, const struct turn_token_key *key,
    const uint8_t *nonce)
{
	return (struct crypto_aead){ key->key.bytes, key->key.len, nonce,
		o->server, strlen(o->server) };
}

int
turn_token_open(const struct turn_oauth *o, const struct turn_token_key *key,
    const void *token, size_t len, struct turn_token *out)
{
	struct cursor c = cursor_init(token, len);
	uint16_t nonce_len = cursor_u16(&c);
	const void *nonce = cursor_bytes(&c, nonce_len);
	uint8_t plain[PLAIN_MAX];
	struct crypto_aead aead;
	size_t sealed;
	int err;

	sealed = cursor_left(&c);
	/* RFC 5116: what both algorithms take. */
	if (c.err != 0 || nonce_len != CRYPTO_AEAD_NONCE_LEN ||
	    sealed < CRYPTO_AEAD_TAG_LEN ||
	    sealed > CRYPTO_AEAD_TAG_LEN + sizeof(plain))
		return -EBADMSG;
	aead = aead_of(o, key, nonce);
	err = crypto_aead_open(&aead, cursor_bytes(&c, sealed), sealed, plain);
	if (err == 0)
		err =
		    turn_token_decode(plain, sealed - CRYPTO_AEAD_TAG_LEN, out);
	crypto_wipe(plain, sizeof(plain));
	return err;
}

size_t
turn_token_seal(const struct turn_oauth *o, const struct turn_token_key *key,
    const struct turn_token *t, void *out, size_t room)
{
	uint8_t mem[PLAIN_MAX], nonce[CRYPTO_AEAD_NONCE_LEN], *sealed;
	struct buf plain = buf_fixed(mem, sizeof(mem));
	struct buf b = buf_fixed(out, room);
	struct crypto_aead aead;

	crypto_random(nonce, sizeof(nonce));
	buf_u16(&plain, (uint16_t)t->key.len);
	buf_put(&plain, t->key.bytes, t->key.len);
	buf_u64(&plain, t->issued_s << 16);
	buf_u32(&plain, t->lifetime_s);
	buf_u16(&b, sizeof(nonce));
	buf_put(&b, nonce, sizeof(nonce));
	sealed = buf_extend(&b, plain.len + CRYPTO_AEAD_TAG_LEN);
	aead = aead_of(o, key, nonce);
	if (plain.err != 0 || b.err != 0 ||
	    crypto_aead_seal(&aead, mem, plain.len, sealed) != 0)
		return 0;
	return b.len;
}

/* RFC 7635 section 7 */
bool
turn_token_good(const struct turn_token *t, uint64_t now_s)
{
	uint64_t apart =
	    now_s > t->issued_s ? now_s - t->issued_s : t->issued_s - now_s;

	return (uint64_t)t->lifetime_s + TURN_TOKEN_SKEW_S > apart;
}

/* Both alphabets of RFC 4648, padded or not. */
static int
key_decode(const char *text, size_t len, struct turn_key *key)
{
	char plain[KEY_TEXT];
	size_t i;
	int err;

	while (len > 0 && text[len - 1] == '=')
		len--;
	if (len == 0 || len > sizeof(plain))
		return -EINVAL;
	for (i = 0; i < len; i++)
		plain[i] = text[i] == '+' ? '-'
		    : text[i] == '/'      ? '_'
					  : text[i];
	key->len = sizeof(key->bytes);
	err = crypto_base64url_decode(plain, len, key->bytes, &key->len);
	crypto_wipe(plain, sizeof(plain));
	return err == 0 && (key->len == 16 || key->len == 32) ? 0 : -EINVAL;
}

int
turn_token_key_parse(struct turn_token_key *k, const char *text)
{
	size_t len = strcspn(text, ":");
	const char *alg = text + len, *until;
	const char *name;
	char *end;

	if (key_decode(text, len, &k->key) != 0)
		return -EINVAL;
	k->until_s = 0;
	if (*alg == '\0')
		return 0;
	alg++;
	name = k->key.len == 32 ? "A256GCM" : "A128GCM";
	len = strcspn(alg, ":");
	if (len != strlen(name) || strncmp(alg, name, len) != 0)
		return -EINVAL;
	until = alg + len;
	if (*until == '\0')
		return 0;
	until++;
	if (*until < '1' || *until > '9')
		return -EINVAL;
	k->until_s = strtoull(until, &end, 10);
	return *end == '\0' ? 0 : -EINVAL;
}
