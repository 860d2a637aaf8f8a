/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "signald/core/name.h"
#include "signald/core/token.h"

#define PREFIX      "f2."
#define FIRST       "f1."
#define PREFIX_LEN  3
#define PAYLOAD_MAX (8 + 4 + SIG_TOKEN_ID_LEN + SIG_NAME_MAX)

static int
token_mac(const uint8_t key[SIG_TOKEN_KEY_LEN], const char *text, size_t len,
    uint8_t mac[CRYPTO_SHA256_LEN])
{
	const struct crypto_span span = { text, len };

	return crypto_hmac(
	    CRYPTO_SHA256, key, SIG_TOKEN_KEY_LEN, &span, 1, mac);
}

int
sig_token_make(const uint8_t key[SIG_TOKEN_KEY_LEN], const char *user,
    uint32_t generation, uint64_t expires_ms,
    const uint8_t id[SIG_TOKEN_ID_LEN], char out[SIG_TOKEN_MAX])
{
	uint8_t payload[PAYLOAD_MAX], mac[CRYPTO_SHA256_LEN];
	char text[CRYPTO_BASE64_LEN(PAYLOAD_MAX)];
	char mac_text[CRYPTO_BASE64_LEN(CRYPTO_SHA256_LEN)];
	struct buf b = buf_fixed(payload, sizeof(payload));
	struct buf o = buf_fixed(out, SIG_TOKEN_MAX);
	int err;

	if (!sig_name_user_ok(user, strlen(user)))
		return -EINVAL;
	buf_u64(&b, expires_ms);
	buf_u32(&b, generation);
	buf_put(&b, id, SIG_TOKEN_ID_LEN);
	buf_puts(&b, user);
	crypto_base64url(payload, b.len, text);
	buf_puts(&o, PREFIX);
	buf_puts(&o, text);
	err = token_mac(key, out, o.len, mac);
	if (err != 0)
		return err;
	crypto_base64url(mac, sizeof(mac), mac_text);
	buf_u8(&o, '.');
	buf_puts(&o, mac_text);
	buf_u8(&o, '\0');
	return o.err;
}

static int
payload_decode(
    const char *text, size_t len, bool first, struct sig_claims *claims)
{
	uint8_t payload[PAYLOAD_MAX];
	size_t size = sizeof(payload);
	struct cursor c;

	if (crypto_base64url_decode(text, len, payload, &size) != 0)
		return -EINVAL;
	c = cursor_init(payload, size);
	claims->grant.expires_ms = cursor_u64(&c);
	claims->grant.generation = first ? 0 : cursor_u32(&c);
	cursor_bytes(&c, SIG_TOKEN_ID_LEN);
	size = cursor_left(&c);
	if (c.err != 0 ||
	    !sig_name_user_ok((const char *)payload + c.pos, size))
		return -EINVAL;
	memcpy(claims->user, payload + c.pos, size);
	claims->user[size] = '\0';
	return 0;
}

bool
sig_token_is(const char *token, size_t len)
{
	return len >= PREFIX_LEN &&
	    (memcmp(token, PREFIX, PREFIX_LEN) == 0 ||
		memcmp(token, FIRST, PREFIX_LEN) == 0);
}

bool
sig_grant_void(const struct sig_grant *grant, const struct sig_standing *now)
{
	return grant->outside ? grant->issued_ms < now->voided_ts
			      : grant->generation != now->generation;
}

int
sig_token_verify(const uint8_t key[SIG_TOKEN_KEY_LEN], const char *token,
    size_t len, uint64_t wall_ms, struct sig_claims *out)
{
	uint8_t mac[CRYPTO_SHA256_LEN], given[CRYPTO_SHA256_LEN];
	size_t mac_len = sizeof(given);
	struct sig_claims claims = { .user = "" };
	const char *dot;
	int err;

	if (len >= SIG_TOKEN_MAX || !sig_token_is(token, len))
		return -EINVAL;
	dot = memchr(token + PREFIX_LEN, '.', len - PREFIX_LEN);
	if (dot == NULL ||
	    crypto_base64url_decode(dot + 1, len - (size_t)(dot + 1 - token),
		given, &mac_len) != 0 ||
	    mac_len != sizeof(given))
		return -EINVAL;
	/* Nothing of the payload is looked at before its mac is right. */
	err = token_mac(key, token, (size_t)(dot - token), mac);
	if (err != 0)
		return err;
	if (!crypto_equal(mac, given, sizeof(mac)))
		return -EACCES;
	err = payload_decode(token + PREFIX_LEN,
	    (size_t)(dot - token) - PREFIX_LEN, token[1] == FIRST[1], &claims);
	if (err != 0)
		return err;
	if (claims.grant.expires_ms <= wall_ms)
		return -ETIME;
	*out = claims;
	return 0;
}
