/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/addr/addr.h"

struct addr
addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct addr){
		.family = ADDR_V4, .port = port, .ip = { a, b, c, d }
	};
}

/* Digits only: strtoul would take signs, blanks and what follows. */
static int
port_parse(const char *s, uint16_t *port)
{
	uint32_t v = 0;

	if (*s == '\0' || strlen(s) > 5)
		return -EINVAL;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (uint32_t)(*s - '0');
	}
	if (v > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)v;
	return 0;
}

static int
ip_parse(const char *s, size_t len, struct addr *out)
{
	char text[INET6_ADDRSTRLEN];
	struct addr a = { .family = ADDR_V4 };

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (memchr(text, ':', len) != NULL)
		a.family = ADDR_V6;
	if (inet_pton(a.family == ADDR_V4 ? AF_INET : AF_INET6, text, a.ip) !=
	    1)
		return -EINVAL;
	*out = a;
	return 0;
}

int
addr_parse(const char *s, struct addr *out)
{
	const char *ip = s, *end, *port = NULL;
	struct addr a;
	bool bracket = *s == '[';

	if (bracket) {
		ip = s + 1;
		end = strchr(ip, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		if (end[1] == ':')
			port = end + 2;
	} else {
		end = strchr(s, ':');
		/* One colon ends an IPv4 address; more of them are IPv6. */
		if (end != NULL && strchr(end + 1, ':') == NULL)
			port = end + 1;
		else
			end = s + strlen(s);
	}
	if (ip_parse(ip, (size_t)(end - ip), &a) != 0)
		return -EINVAL;
	if (bracket && a.family != ADDR_V6)
		return -EINVAL;
	if (port != NULL && port_parse(port, &a.port) != 0)
		return -EINVAL;
	*out = a;
	return 0;
}

const char *
addr_format(const struct addr *a, char out[ADDR_STRLEN])
{
	char ip[INET6_ADDRSTRLEN];
	bool v6 = a->family == ADDR_V6;

	if (a->family == ADDR_NONE)
		memcpy(ip, "none", sizeof("none"));
	else
		inet_ntop(v6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip));
	if (a->port == 0)
		snprintf(out, ADDR_STRLEN, "%s", ip);
	else
		snprintf(out, ADDR_STRLEN, v6 ? "[%s]:%u" : "%s:%u", ip,
		    (unsigned int)a->port);
	return out;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
addr_equal_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	    memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

size_t
addr_ip_len(const struct addr *a)
{
	switch (a->family) {
	case ADDR_V4:
		return 4;
	case ADDR_V6:
		return 16;
	default:
		return 0;
	}
}

bool
addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == ADDR_V4)
		return a->ip[0] == 127;
	return a->family == ADDR_V6 && memcmp(a->ip, one, sizeof(one)) == 0;
}

/* Where an IPv6 prefix keeps the IPv4 address that it leads to. */
struct embedding {
	uint8_t prefix[12];
	uint8_t len; /* bytes of the prefix */
	uint8_t at;  /* the first of the four bytes */
	uint8_t flip;
};

/* clang-format off: one row each */
static const struct embedding embeddings[] = {
	/* RFC 4291 2.5.5.2: IPv4-mapped */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 12, 0 },
	/* RFC 2765 2.1: IPv4-translated */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 }, 12, 12, 0 },
	/* RFC 4291 2.5.5.1: IPv4-compatible */
	{ { 0 }, 12, 12, 0 },
	/* RFC 6052 2.1: NAT64, well-known prefix */
	{ { 0x00, 0x64, 0xff, 0x9b }, 12, 12, 0 },
	/* RFC 3056 2: 6to4 */
	{ { 0x20, 0x02 }, 2, 2, 0 },
	/* RFC 4380 4: Teredo, the client's address inverted */
	{ { 0x20, 0x01, 0, 0 }, 4, 12, 0xff },
};
/* clang-format on */

static bool
all_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/*
 * RFC 8215 leaves the prefix length in 64:ff9b:1::/48 to the network. A zero
 * rest makes it the RFC 6052 form of a /48, which goes around the u octet;
 * anything else is read as the form of a /96.
 */
static bool
local_nat64(const uint8_t ip[16], uint8_t v4[4])
{
	static const uint8_t prefix[6] = { 0x00, 0x64, 0xff, 0x9b, 0, 1 };

	if (memcmp(ip, prefix, sizeof(prefix)) != 0)
		return false;
	if (ip[8] == 0 && all_zero(ip + 11, 5)) {
		memcpy(v4, ip + 6, 2);
		memcpy(v4 + 2, ip + 9, 2);
	} else {
		memcpy(v4, ip + 12, 4);
	}
	return true;
}

/* What the prefix leads to. */
static bool
prefix_embeds(const uint8_t ip[16], uint8_t v4[4])
{
	const struct embedding *e;
	size_t i, k;

	/* :: and ::1 are not IPv4-compatible (RFC 4291 section 2.5.5.1). */
	if (all_zero(ip, 15) && ip[15] <= 1)
		return false;
	for (i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
		e = &embeddings[i];
		if (memcmp(ip, e->prefix, e->len) != 0)
			continue;
		for (k = 0; k < 4; k++)
			v4[k] = ip[e->at + k] ^ e->flip;
		return true;
	}
	return local_nat64(ip, v4);
}

/* RFC 5214 section 6.1: ::0:5efe:a.b.c.d, with and without the u bit. */
static bool
isatap_embeds(const uint8_t ip[16], uint8_t v4[4])
{
	if ((ip[8] & ~0x02) != 0 || ip[9] != 0 || ip[10] != 0x5e ||
	    ip[11] != 0xfe)
		return false;
	memcpy(v4, ip + 12, 4);
	return true;
}

static struct addr
from_v4(const uint8_t v4[4], uint16_t port)
{
	return addr_v4(v4[0], v4[1], v4[2], v4[3], port);
}

struct addr
addr_canonical(const struct addr *a)
{
	uint8_t v4[4];

	if (a->family == ADDR_V6 &&
	    (prefix_embeds(a->ip, v4) || isatap_embeds(a->ip, v4)))
		return from_v4(v4, a->port);
	return *a;
}

bool
addr_tunneled(const struct addr *a)
{
	static const uint8_t teredo[4] = { 0x20, 0x01, 0, 0 };

	return a->family == ADDR_V6 &&
	    ((a->ip[0] == 0x20 && a->ip[1] == 0x02) ||
		memcmp(a->ip, teredo, sizeof(teredo)) == 0);
}

static bool
is_mapped(const struct addr *a)
{
	return memcmp(a->ip, embeddings[0].prefix, embeddings[0].len) == 0;
}

size_t
addr_readings(const struct addr *a, struct addr out[ADDR_READINGS])
{
	uint8_t v4[4];
	size_t n = 0;

	/* Sockets send a mapped address as IPv4, so it is never itself. */
	if (a->family != ADDR_V6 || !is_mapped(a))
		out[n++] = *a;
	if (a->family != ADDR_V6)
		return n;
	if (prefix_embeds(a->ip, v4))
		out[n++] = from_v4(v4, a->port);
	if (isatap_embeds(a->ip, v4))
		out[n++] = from_v4(v4, a->port);
	return n;
}
