/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/crypto/crypto.h"
#include "lib/ws/handshake.h"

#define KEY_TEXT 24 /* base64 of the key's 16 bytes, with padding */

bool
ws_list_has(const char *list, const char *token, bool fold)
{
	size_t want = strlen(token), n;

	if (list == NULL)
		return false;
	while (*list != '\0') {
		list += strspn(list, " \t,");
		n = strcspn(list, " \t,");
		if (n == want &&
		    (fold ? strncasecmp(list, token, n)
			  : strncmp(list, token, n)) == 0)
			return true;
		list += n;
	}
	return false;
}

/* "A base64-encoded value that, when decoded, is 16 bytes in length." */
static bool
key_valid(const char *key)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	return key != NULL && strlen(key) == KEY_TEXT &&
	    strspn(key, base64) == KEY_TEXT - 2 &&
	    strcmp(key + KEY_TEXT - 2, "==") == 0;
}

enum ws_verdict
ws_offer_check(const struct ws_offer *offer)
{
	if (!ws_list_has(offer->upgrade, "websocket", true) ||
	    !ws_list_has(offer->connection, "upgrade", true))
		return WS_NOT_UPGRADE;
	if (offer->version == NULL || strcmp(offer->version, "13") != 0)
		return WS_BAD_VERSION;
	return key_valid(offer->key) ? WS_OK : WS_BAD_KEY;
}

int
ws_accept(const char *key, char out[WS_ACCEPT_LEN])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const struct crypto_span spans[] = {
		{ key, strlen(key) },
		{ guid, sizeof(guid) - 1 },
	};
	uint8_t digest[CRYPTO_SHA1_LEN];
	int rc;

	_Static_assert(CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN) == WS_ACCEPT_LEN,
	    "room for the digest");
	rc = crypto_digest(CRYPTO_SHA1, spans, 2, digest);
	if (rc == 0)
		crypto_base64(digest, sizeof(digest), out);
	return rc;
}
