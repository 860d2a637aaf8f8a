/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/stun/message.h"

#define ATTR_HEADER_LEN 4
#define BODY_MAX        ((UINT16_MAX - STUN_HEADER_LEN) & ~3)
#define PAD4(n)         (((n) + 3) & ~(size_t)3)

#define FAMILY_V4 1 /* RFC 8489 section 14.1 */
#define FAMILY_V6 2

static uint16_t
message_type(uint16_t method, uint16_t class)
{
	return (uint16_t)((method & 0x000f) | (method & 0x0070) << 1 |
	    (method & 0x0f80) << 2 | class);
}

/* The 16 bytes after the length: cookie and transaction id. */
static struct stun_out
begin(struct buf *b, uint16_t method, uint16_t class, const uint8_t id[16])
{
	struct stun_out o = { b, b->len };

	buf_u16(b, message_type(method, class));
	buf_u16(b, 0);
	buf_put(b, id, 16);
	return o;
}

struct stun_out
stun_begin(struct buf *b, uint16_t method, uint16_t class,
    const uint8_t txid[STUN_TXID_LEN])
{
	uint8_t id[16] = { STUN_MAGIC_COOKIE >> 24,
		STUN_MAGIC_COOKIE >> 16 & 255, STUN_MAGIC_COOKIE >> 8 & 255,
		STUN_MAGIC_COOKIE & 255 };

	memcpy(id + 4, txid, STUN_TXID_LEN);
	return begin(b, method, class, id);
}

struct stun_out
stun_begin_reply(struct buf *b, const struct stun_msg *req, uint16_t class)
{
	return begin(b, req->method, class, req->data + 4);
}

/* Room for a value of len bytes; NULL when it does not fit. */
static uint8_t *
put_header(struct stun_out *o, uint16_t type, size_t len)
{
	struct buf *b = o->buf;
	size_t room;
	uint8_t *p;

	if (b->err != 0)
		return NULL;
	room = BODY_MAX - (b->len - o->start - STUN_HEADER_LEN);
	if (len > UINT16_MAX || ATTR_HEADER_LEN + PAD4(len) > room) {
		b->err = -ENOSPC;
		return NULL;
	}
	p = buf_extend(b, ATTR_HEADER_LEN + PAD4(len));
	if (p == NULL)
		return NULL;
	p[0] = (uint8_t)(type >> 8);
	p[1] = (uint8_t)type;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p += ATTR_HEADER_LEN;
	memset(p + len, 0, PAD4(len) - len);
	return p;
}

void
stun_put(struct stun_out *o, uint16_t type, const void *data, size_t len)
{
	uint8_t *p = put_header(o, type, len);

	if (p != NULL && len > 0)
		memcpy(p, data, len);
}

void
stun_put_u32(struct stun_out *o, uint16_t type, uint32_t v)
{
	uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v };

	stun_put(o, type, bytes, sizeof(bytes));
}

static void
put_masked(struct stun_out *o, uint16_t type, const struct addr *a,
    const uint8_t mask[16])
{
	uint16_t port = a->port ^ (uint16_t)(mask[0] << 8 | mask[1]);
	size_t i, n = addr_ip_len(a);
	uint8_t v[4 + 16] = {
		0,
		a->family == ADDR_V6 ? FAMILY_V6 : FAMILY_V4,
		(uint8_t)(port >> 8),
		(uint8_t)port,
	};

	for (i = 0; i < n; i++)
		v[4 + i] = a->ip[i] ^ mask[i];
	stun_put(o, type, v, 4 + n);
}

void
stun_put_addr(struct stun_out *o, uint16_t type, const struct addr *a)
{
	static const uint8_t zeros[16];

	put_masked(o, type, a, zeros);
}

void
stun_put_xor_addr(struct stun_out *o, uint16_t type, const struct addr *a)
{
	if (o->buf->err == 0)
		put_masked(o, type, a, o->buf->data + o->start + 4);
}

void
stun_put_address_error(struct stun_out *o, uint16_t type, uint8_t family,
    int code, const char *reason)
{
	size_t len = strlen(reason);
	uint8_t *p = put_header(o, type, 4 + len);

	if (p == NULL)
		return;
	p[0] = family;
	p[1] = 0;
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	memcpy(p + 4, reason, len);
}

void
stun_put_error(struct stun_out *o, int code, const char *reason)
{
	stun_put_address_error(o, STUN_ERROR_CODE, 0, code, reason);
}

void
stun_put_icmp(struct stun_out *o, uint8_t type, uint8_t code, uint32_t mtu)
{
	uint8_t *p = put_header(o, STUN_ICMP, 8);

	if (p == NULL)
		return;
	p[0] = p[1] = 0;
	/* Seven bits of type, nine of code. */
	p[2] = (uint8_t)(type << 1);
	p[3] = code;
	p[4] = (uint8_t)(mtu >> 24);
	p[5] = (uint8_t)(mtu >> 16);
	p[6] = (uint8_t)(mtu >> 8);
	p[7] = (uint8_t)mtu;
}

void
stun_put_types(
    struct stun_out *o, uint16_t type, const uint16_t *types, size_t n)
{
	uint8_t *p = put_header(o, type, 2 * n);
	size_t i;

	for (i = 0; p != NULL && i < n; i++) {
		*p++ = (uint8_t)(types[i] >> 8);
		*p++ = (uint8_t)types[i];
	}
}

int
stun_end(struct stun_out *o)
{
	struct buf *b = o->buf;
	size_t body;

	if (b->err != 0)
		return b->err;
	body = b->len - o->start - STUN_HEADER_LEN;
	b->data[o->start + 2] = (uint8_t)(body >> 8);
	b->data[o->start + 3] = (uint8_t)body;
	return 0;
}
