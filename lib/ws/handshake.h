/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handshake: the opening handshake of RFC 6455 section 4, as far as it is not
 * plain HTTP.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_WS_HANDSHAKE_H
#define FLOE_LIB_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#define WS_ACCEPT_LEN 29 /* with its NUL */

/* The header values of an upgrade request; NULL: absent. */
struct ws_offer {
	const char *upgrade, *connection, *version, *key;
};

enum ws_verdict {
	WS_OK,
	WS_NOT_UPGRADE, /* an ordinary request */
	WS_BAD_VERSION, /* answer 426 with Sec-WebSocket-Version: 13 */
	WS_BAD_KEY,
};

/* Section 4.2.1. */
enum ws_verdict ws_offer_check(const struct ws_offer *);
/* Sec-WebSocket-Accept for a key. 0 or -EIO. */
int ws_accept(const char *key, char out[WS_ACCEPT_LEN]);
/* True when the comma-separated list holds the token; case is ignored when
 * fold. A NULL list holds nothing. */
bool ws_list_has(const char *list, const char *token, bool fold);

#endif
