/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/stun/message.h"

#define ATTR_HEADER_LEN 4

static uint16_t
attr_type(enum crypto_hash hash)
{
	return hash == CRYPTO_SHA256 ? STUN_MESSAGE_INTEGRITY_SHA256
				     : STUN_MESSAGE_INTEGRITY;
}

/*
 * RFC 8489 section 14.5: the HMAC is over the message up to the attribute,
 * with a length in the header as if the message ended with the attribute,
 * whose value is len bytes at offset at.
 */
static int
message_mac(const uint8_t *msg, size_t at, size_t len, enum crypto_hash hash,
    const struct crypto_span *key, uint8_t *out)
{
	size_t body = at + len - STUN_HEADER_LEN;
	uint8_t head[4] = { msg[0], msg[1], (uint8_t)(body >> 8),
		(uint8_t)body };
	const struct crypto_span spans[] = {
		{ head, sizeof(head) },
		{ msg + sizeof(head), at - ATTR_HEADER_LEN - sizeof(head) },
	};

	return crypto_hmac(hash, key->data, key->len, spans, 2, out);
}

void
stun_put_integrity(
    struct stun_out *o, enum crypto_hash hash, const void *key, size_t key_len)
{
	static const uint8_t zeros[CRYPTO_SHA256_LEN];
	const struct crypto_span k = { key, key_len };
	size_t len = crypto_hash_len(hash);
	struct buf *b = o->buf;
	uint8_t *msg;
	size_t at;

	stun_put(o, attr_type(hash), zeros, len);
	if (b->err != 0)
		return;
	msg = b->data + o->start;
	at = b->len - o->start - len;
	b->err = message_mac(msg, at, len, hash, &k, msg + at);
}

int
stun_check_integrity(const struct stun_msg *m, enum crypto_hash hash,
    const void *key, size_t key_len)
{
	const struct stun_attr *a = stun_find(m, attr_type(hash));
	const struct crypto_span k = { key, key_len };
	uint8_t mac[CRYPTO_SHA256_LEN];

	if (a == NULL)
		return -ENOENT;
	/* RFC 8489 section 14.6: shorter only where the usage says that it
	 * may be, and neither Binding nor TURN does. */
	if (a->len != crypto_hash_len(hash) ||
	    message_mac(m->data, a->off, a->len, hash, &k, mac) != 0 ||
	    !crypto_equal(mac, stun_value(m, a), a->len))
		return -EACCES;
	return 0;
}

int
stun_long_term_key(enum crypto_hash hash, const char *user, const char *realm,
    const char *password, uint8_t *key)
{
	const struct crypto_span spans[] = {
		{ user, strlen(user) },
		{ ":", 1 },
		{ realm, strlen(realm) },
		{ ":", 1 },
		{ password, strlen(password) },
	};

	return crypto_digest(hash, spans, 5, key);
}

int
stun_userhash(
    const char *user, const char *realm, uint8_t out[CRYPTO_SHA256_LEN])
{
	const struct crypto_span spans[] = {
		{ user, strlen(user) },
		{ ":", 1 },
		{ realm, strlen(realm) },
	};

	return crypto_digest(CRYPTO_SHA256, spans, 3, out);
}
