/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "lib/stun/nonce.h"

/*
 * "obMatJos2", 24 bits of security features as 4 characters of base64 (both
 * RFC 8489 section 9.2), then base64url of: issue time 3 (seconds, modulo 194
 * days), MAC 8. Short, since a 401 carries it to anybody who asks; a nonce is
 * no credential, and 64 bits cannot be tried over a network.
 */
#define COOKIE       "obMatJos2"
#define COOKIE_LEN   9
#define FEATURES_LEN 4
#define PREFIX_LEN   (COOKIE_LEN + FEATURES_LEN)
#define TIME_LEN     3
#define MAC_LEN      8
#define BODY_LEN     (TIME_LEN + MAC_LEN)
#define TEXT_LEN     (PREFIX_LEN + (BODY_LEN * 4 + 2) / 3)

#define TIME_MASK 0xffffffu
/* A worker whose clock runs ahead of ours within a loop turn. */
#define AHEAD_S 2

_Static_assert(TEXT_LEN == STUN_NONCE_LEN - 1, "the nonce fits");

static void
make_prefix(uint32_t features, char out[PREFIX_LEN + 1])
{
	uint8_t bits[3] = { (uint8_t)(features >> 16), (uint8_t)(features >> 8),
		(uint8_t)features };

	memcpy(out, COOKIE, COOKIE_LEN);
	crypto_base64(bits, sizeof(bits), out + COOKIE_LEN);
}

static int
make_body(const struct stun_nonce_key *k, const struct addr *client,
    uint32_t issued_s, uint8_t out[BODY_LEN])
{
	uint8_t bytes[64], mac[CRYPTO_SHA256_LEN];
	struct buf b = buf_fixed(bytes, sizeof(bytes));
	struct crypto_span span;
	int err;

	buf_u8(&b, (uint8_t)(issued_s >> 16));
	buf_u16(&b, (uint16_t)issued_s);
	buf_u32(&b, k->features);
	buf_u8(&b, client->family);
	buf_u16(&b, client->port);
	buf_put(&b, client->ip, sizeof(client->ip));
	span = (struct crypto_span){ bytes, b.len };
	err = crypto_hmac(
	    CRYPTO_SHA256, k->bytes, sizeof(k->bytes), &span, 1, mac);
	if (err != 0)
		return err;
	memcpy(out, bytes, TIME_LEN);
	memcpy(out + TIME_LEN, mac, MAC_LEN);
	return 0;
}

int
stun_nonce_make(const struct stun_nonce_key *k, const struct addr *client,
    uint64_t now_ms, char out[STUN_NONCE_LEN])
{
	uint8_t body[BODY_LEN];
	int err;

	err = make_body(k, client, (uint32_t)(now_ms / 1000), body);
	if (err != 0)
		return err;
	make_prefix(k->features, out);
	crypto_base64url(body, sizeof(body), out + PREFIX_LEN);
	return 0;
}

int
stun_nonce_check(const struct stun_nonce_key *k, const struct addr *client,
    uint64_t now_ms, const void *nonce, size_t len)
{
	uint8_t got[BODY_LEN], want[BODY_LEN];
	size_t n = sizeof(got);
	char prefix[PREFIX_LEN + 1];
	const char *text = nonce;
	uint32_t issued_s, age_s;
	struct cursor c;

	make_prefix(k->features, prefix);
	if (len != TEXT_LEN || memcmp(text, prefix, PREFIX_LEN) != 0 ||
	    crypto_base64url_decode(
		text + PREFIX_LEN, len - PREFIX_LEN, got, &n) != 0)
		return -EACCES;
	c = cursor_init(got, n);
	issued_s = (uint32_t)cursor_u8(&c) << 16;
	issued_s |= cursor_u16(&c);
	if (make_body(k, client, issued_s, want) != 0 ||
	    !crypto_equal(got, want, sizeof(got)))
		return -EACCES;
	age_s = ((uint32_t)(now_ms / 1000) - issued_s) & TIME_MASK;
	if (age_s >= TIME_MASK + 1 - AHEAD_S)
		age_s = 0;
	return (uint64_t)age_s * 1000 >= k->life_ms ? -ESTALE : 0;
}
