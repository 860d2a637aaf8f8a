/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "lib/base/utf8.h"

/* Bytes of the sequence at p, of which left > 0 are there and may be all that
 * there is so far; or 0. */
static size_t
sequence(const uint8_t *p, size_t left)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (left > 1 && (p[1] < lo || p[1] > hi))
		return 0;
	for (i = 2; i < n && i < left; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

size_t
utf8_len(const uint8_t *p, size_t left)
{
	size_t n = sequence(p, left);

	return n <= left ? n : 0;
}

/* Bytes of ASCII at the start, by eights. */
static size_t
ascii_len(const uint8_t *p, size_t len)
{
	size_t n = 0;
	uint64_t x;

	for (; n + sizeof(x) <= len; n += sizeof(x)) {
		memcpy(&x, p + n, sizeof(x));
		if ((x & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	return n;
}

bool
utf8_more(struct utf8 *u, const uint8_t *p, size_t len)
{
	size_t n;

	while (u->len > 0 && len > 0) {
		u->part[u->len++] = *p++;
		len--;
		n = sequence(u->part, u->len);
		if (n == 0)
			return false;
		if (n == u->len)
			u->len = 0;
	}
	while (len > 0) {
		n = ascii_len(p, len);
		if (n == 0)
			n = sequence(p, len);
		if (n == 0)
			return false;
		if (n > len) {
			memcpy(u->part, p, len);
			u->len = (uint8_t)len;
			break;
		}
		p += n;
		len -= n;
	}
	return true;
}

bool
utf8_whole(const struct utf8 *u)
{
	return u->len == 0;
}

bool
utf8_valid(const uint8_t *p, size_t len)
{
	struct utf8 u = { 0 };

	return utf8_more(&u, p, len) && utf8_whole(&u);
}
