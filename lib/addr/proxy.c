/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/addr/proxy.h"
#include "lib/base/cursor.h"

/* Section 2.1: a line of version 1, with its end. */
#define V1_START "PROXY "
#define V1_MAX   107
#define WORD_MAX 40 /* the longest address, and a NUL */
/* Section 2.2 */
#define V2_START     "\r\n\r\n\0\r\nQUIT\n"
#define V2_START_LEN 12
#define V2_FIXED     16
#define V2_LOCAL     0x20
#define V2_PROXY     0x21
#define V2_TCP4      0x11
#define V2_TCP6      0x21

/* Text, of which words are taken one after the other. */
struct line {
	const char *at, *end;
};

/* The next word, up to stop, which is passed over. 0 or -EBADMSG. */
static int
line_word(struct line *l, char stop, char word[WORD_MAX])
{
	const char *p = memchr(l->at, stop, (size_t)(l->end - l->at));
	size_t n;

	if (p == NULL)
		return -EBADMSG;
	n = (size_t)(p - l->at);
	if (n == 0 || n >= WORD_MAX || memchr(l->at, '\0', n) != NULL)
		return -EBADMSG;
	memcpy(word, l->at, n);
	word[n] = '\0';
	l->at = p + 1;
	return 0;
}

static int
line_addr(struct line *l, enum addr_family family, struct addr *out)
{
	char word[WORD_MAX];

	if (line_word(l, ' ', word) != 0 || addr_parse(word, out) != 0 ||
	    out->family != family || strpbrk(word, "[]") != NULL ||
	    out->port != 0 || (family == ADDR_V4 && strchr(word, ':') != NULL))
		return -EBADMSG;
	return 0;
}

static int
line_port(struct line *l, char stop, uint16_t *out)
{
	char word[WORD_MAX];
	uint32_t v = 0;
	const char *p;

	if (line_word(l, stop, word) != 0 || strlen(word) > 5 ||
	    (word[0] == '0' && word[1] != '\0'))
		return -EBADMSG;
	for (p = word; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return -EBADMSG;
		v = v * 10 + (uint32_t)(*p - '0');
	}
	if (v > UINT16_MAX)
		return -EBADMSG;
	*out = (uint16_t)v;
	return 0;
}

/* What follows the family: both addresses, then both ports. */
static int
line_ends(struct line *l, enum addr_family family, struct proxy_header *out)
{
	if (line_addr(l, family, &out->client) != 0 ||
	    line_addr(l, family, &out->server) != 0 ||
	    line_port(l, ' ', &out->client.port) != 0 ||
	    line_port(l, '\r', &out->server.port) != 0 || l->at != l->end)
		return -EBADMSG;
	out->told = true;
	return 0;
}

static int
decode_v1(const char *text, size_t len, struct proxy_header *out)
{
	const char *end;
	struct line l;
	char family[WORD_MAX];
	int err = -EBADMSG;

	end = memchr(text, '\n', len < V1_MAX ? len : V1_MAX);
	if (end == NULL)
		return len < V1_MAX ? 0 : -EBADMSG;
	if (end[-1] != '\r')
		return -EBADMSG;
	l = (struct line){ text + sizeof(V1_START) - 1, end };
	/* Whatever follows UNKNOWN is to be ignored. */
	if (end - l.at >= 8 &&
	    (memcmp(l.at, "UNKNOWN ", 8) == 0 ||
		memcmp(l.at, "UNKNOWN\r", 8) == 0))
		err = 0;
	else if (line_word(&l, ' ', family) == 0 &&
	    (strcmp(family, "TCP4") == 0 || strcmp(family, "TCP6") == 0))
		err = line_ends(&l, family[3] == '4' ? ADDR_V4 : ADDR_V6, out);
	return err != 0 ? err : (int)(end + 1 - text);
}

static int
cursor_ends(struct cursor *c, enum addr_family family, struct proxy_header *out)
{
	struct addr *ends[] = { &out->client, &out->server };
	const uint8_t *ip;
	int i;

	for (i = 0; i < 2; i++) {
		ends[i]->family = (uint8_t)family;
		ip = cursor_bytes(c, addr_ip_len(ends[i]));
		if (ip != NULL)
			memcpy(ends[i]->ip, ip, addr_ip_len(ends[i]));
	}
	for (i = 0; i < 2; i++)
		ends[i]->port = cursor_u16(c);
	out->told = true;
	return c->err;
}

static int
decode_v2(const uint8_t *data, size_t len, struct proxy_header *out)
{
	struct cursor c = cursor_init(data, len);
	uint8_t command, family;
	size_t rest;
	int err = 0;

	cursor_bytes(&c, V2_START_LEN);
	command = cursor_u8(&c);
	if (c.err == 0 && command != V2_LOCAL && command != V2_PROXY)
		return -EBADMSG;
	family = cursor_u8(&c);
	rest = cursor_u16(&c);
	if (c.err != 0)
		return 0;
	if (V2_FIXED + rest > PROXY_HEADER_MAX)
		return -EBADMSG;
	if (cursor_left(&c) < rest)
		return 0;
	/* The addresses have to be inside; what follows them is not ours. */
	c.len = V2_FIXED + rest;
	if (command == V2_PROXY && (family == V2_TCP4 || family == V2_TCP6))
		err =
		    cursor_ends(&c, family == V2_TCP4 ? ADDR_V4 : ADDR_V6, out);
	return err != 0 ? err : (int)(V2_FIXED + rest);
}

/* ::ffff:192.0.2.1, as balancers that listen on [::] write it. */
static void
unmap(struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct addr v4 = { .family = ADDR_V4, .port = a->port };

	if (a->family != ADDR_V6 || memcmp(a->ip, mapped, sizeof(mapped)) != 0)
		return;
	memcpy(v4.ip, a->ip + sizeof(mapped), 4);
	*a = v4;
}

static_assert(sizeof(V1_START) - 1 < V2_START_LEN, "the longer one is known");

int
proxy_decode(const void *data, size_t len, struct proxy_header *out)
{
	struct proxy_header h = { .told = false };
	size_t v1 = sizeof(V1_START) - 1, v2 = V2_START_LEN;
	int n;

	if (len == 0)
		return 0;
	if (memcmp(data, V1_START, len < v1 ? len : v1) == 0)
		n = len < v1 ? 0 : decode_v1(data, len, &h);
	else if (memcmp(data, V2_START, len < v2 ? len : v2) == 0)
		n = len < v2 ? 0 : decode_v2(data, len, &h);
	else
		n = -EBADMSG;
	if (n <= 0)
		return n;
	unmap(&h.client);
	unmap(&h.server);
	*out = h;
	return n;
}
