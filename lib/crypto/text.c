/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <sodium.h>

#include "lib/crypto/crypto.h"

#define BASE64    sodium_base64_VARIANT_ORIGINAL
#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING

void
crypto_base64(const void *data, size_t len, char *out)
{
	sodium_bin2base64(
	    out, sodium_base64_ENCODED_LEN(len, BASE64), data, len, BASE64);
}

void
crypto_base64url(const void *data, size_t len, char *out)
{
	sodium_bin2base64(out, sodium_base64_ENCODED_LEN(len, BASE64URL), data,
	    len, BASE64URL);
}

int
crypto_base64url_decode(
    const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	size_t n;

	/* Judged first, since libsodium tells "too long" only by errno. */
	if (len / 4 * 3 + len % 4 * 3 / 4 > *out_len)
		return -ENOSPC;
	if (sodium_base642bin(
		out, *out_len, text, len, NULL, &n, NULL, BASE64URL) != 0)
		return -EINVAL;
	*out_len = n;
	return 0;
}

void
crypto_hex(const void *data, size_t len, char *out)
{
	sodium_bin2hex(out, 2 * len + 1, data, len);
}
