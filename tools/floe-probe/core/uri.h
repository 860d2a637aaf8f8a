/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uri: stun:, stuns: (RFC 7064), turn: and turns: (RFC 7065) URIs, and the
 * ws: and wss: ones (RFC 6455 section 3) of a signaling server.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_URI_H
#define FLOE_TOOLS_PROBE_CORE_URI_H

#include <stdbool.h>
#include <stdint.h>

#define URI_HOST_MAX 256 /* with its NUL */
#define URI_TEXT_MAX 320

enum transport {
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
	TRANSPORT_DTLS,
	TRANSPORTS
};
const char *transport_name(enum transport);

struct uri {
	char text[URI_TEXT_MAX]; /* as given */
	char host[URI_HOST_MAX]; /* without the brackets of IPv6 */
	uint16_t port;           /* the scheme's own when none is given */
	bool relay;              /* turn, turns */
	bool web;                /* ws, wss */
	bool secure;             /* stuns, turns, wss */
	unsigned int transports; /* to be tried, a bit each */
	const char *path;        /* of ws and wss, in what was given */
};

/* 0, or -EINVAL, then *why says what is wrong. It points into itself: not to be
 * copied. */
int uri_parse(const char *, struct uri *, const char **why);

#endif
