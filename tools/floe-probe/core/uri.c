/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/floe-probe/core/uri.h"

#define BIT(t) (1u << (t))

/* RFC 7064 and RFC 7065 sections 3.2, RFC 6455 section 3 */
static const struct {
	const char *name;
	uint16_t port;
	bool relay, web, secure;
} schemes[] = {
	{ "stun:", 3478, false, false, false },
	{ "stuns:", 5349, false, false, true },
	{ "turn:", 3478, true, false, false },
	{ "turns:", 5349, true, false, true },
	{ "ws://", 80, false, true, false },
	{ "wss://", 443, false, true, true },
};

const char *
transport_name(enum transport t)
{
	static const char *const names[TRANSPORTS] = { "udp", "tcp", "tls",
		"dtls" };

	return names[t];
}

static int
fail(const char **why, const char *what)
{
	*why = what;
	return -EINVAL;
}

/* Past the scheme; NULL when it is none of ours. */
static const char *
parse_scheme(const char *s, struct uri *u)
{
	size_t i, n;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i].name);
		if (strncasecmp(s, schemes[i].name, n) != 0)
			continue;
		u->relay = schemes[i].relay;
		u->web = schemes[i].web;
		u->secure = schemes[i].secure;
		u->port = schemes[i].port;
		return s + n;
	}
	return NULL;
}

static bool
is_host(const char *s, size_t len, bool v6)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (v6 ? !isxdigit(c) && c != ':' && c != '.'
		       : !isalnum(c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	return len > 0 && len < URI_HOST_MAX;
}

/* Past the host; NULL when there is none. */
static const char *
parse_host(const char *s, struct uri *u)
{
	bool v6 = *s == '[';
	size_t len;

	s += v6 ? 1 : 0;
	len = strcspn(s, v6 ? "]" : ":?/");
	if (!is_host(s, len, v6) || (v6 && s[len] != ']'))
		return NULL;
	memcpy(u->host, s, len);
	u->host[len] = '\0';
	return s + len + (v6 ? 1 : 0);
}

static const char *
parse_port(const char *s, struct uri *u)
{
	unsigned long port;
	char *end;

	if (!isdigit((unsigned char)*s))
		return NULL;
	port = strtoul(s, &end, 10);
	if (port == 0 || port > UINT16_MAX)
		return NULL;
	u->port = (uint16_t)port;
	return end;
}

/* What may be asked over what: browsers take a stun: server over UDP, and a
 * turns: one over TLS unless its URI says UDP (RFC 7065 section 3.2). */
static int
set_transports(struct uri *u, const char *asked)
{
	bool udp = *asked == '\0' || strcmp(asked, "udp") == 0;
	bool tcp = *asked == '\0' || strcmp(asked, "tcp") == 0;

	if (!udp && !tcp)
		return -EINVAL;
	if (!u->secure)
		u->transports = (udp ? BIT(TRANSPORT_UDP) : 0) |
		    (tcp ? BIT(TRANSPORT_TCP) : 0);
	else
		u->transports = BIT(tcp ? TRANSPORT_TLS : TRANSPORT_DTLS);
	return 0;
}

/* What comes after the port; NULL, or what would be right. */
static const char *
parse_rest(const char *s, struct uri *u)
{
	static const char query[] = "?transport=";
	size_t n = strlen(query);

	if (u->web) {
		u->path = *s != '\0' ? s : "/ws";
		u->transports = BIT(u->secure ? TRANSPORT_TLS : TRANSPORT_TCP);
		return *u->path == '/' && strpbrk(u->path, " \r\n") == NULL
		    ? NULL
		    : "after the port comes a path, such as /ws";
	}
	if (u->relay && strncmp(s, query, n) == 0)
		return s[n] != '\0' && set_transports(u, s + n) == 0
		    ? NULL
		    : "transport is udp or tcp";
	(void)set_transports(u, "");
	if (*s == '\0')
		return NULL;
	return u->relay ? "after the port comes nothing, or ?transport=udp or "
			  "?transport=tcp"
			: "after the port comes nothing";
}

int
uri_parse(const char *text, struct uri *u, const char **why)
{
	const char *s, *wrong;

	*u = (struct uri){ .port = 0 };
	if (strlen(text) >= URI_TEXT_MAX)
		return fail(why, "it is too long");
	memcpy(u->text, text, strlen(text) + 1);
	s = parse_scheme(u->text, u);
	if (s == NULL)
		return fail(why,
		    "it begins with none of stun:, stuns:, turn:, turns:, "
		    "ws://, wss://");
	if (strncmp(s, "//", 2) == 0)
		return fail(why, "there is no // after the scheme");
	s = parse_host(s, u);
	if (s == NULL)
		return fail(why,
		    "it has no host: a name, an IPv4 address, or an IPv6 "
		    "address in brackets");
	if (*s == ':')
		s = parse_port(s + 1, u);
	if (s == NULL)
		return fail(why, "a port is a number of 1 to 65535");
	wrong = parse_rest(s, u);
	return wrong != NULL ? fail(why, wrong) : 0;
}
