/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "lib/stun/fingerprint.h"
#include "lib/stun/message.h"

#define ATTR_HEADER_LEN 4
#define PAD4(n)         (((size_t)(n) + 3) & ~(size_t)3)

#define FAMILY_V4 1 /* RFC 8489 section 14.1 */
#define FAMILY_V6 2

/* Which attributes still count (RFC 8489 sections 14.5 to 14.7). */
enum stage {
	ALL_COUNT,
	AFTER_SHA1,   /* MESSAGE-INTEGRITY-SHA256 and FINGERPRINT do */
	AFTER_SHA256, /* FINGERPRINT does */
	SEALED,       /* none does */
};

bool
stun_looks_like(const void *data, size_t len)
{
	struct cursor c = cursor_init(data, len);
	uint16_t type = cursor_u16(&c);
	uint16_t body = cursor_u16(&c);

	return len >= STUN_HEADER_LEN && (type & 0xc000) == 0 &&
	    body % 4 == 0 && body <= len - STUN_HEADER_LEN;
}

static bool
counts(enum stage stage, uint16_t type)
{
	switch (stage) {
	case ALL_COUNT:
		return true;
	case AFTER_SHA1:
		return type == STUN_MESSAGE_INTEGRITY_SHA256 ||
		    type == STUN_FINGERPRINT;
	case AFTER_SHA256:
		return type == STUN_FINGERPRINT;
	default:
		return false;
	}
}

static enum stage
stage_after(enum stage stage, uint16_t type)
{
	switch (type) {
	case STUN_MESSAGE_INTEGRITY:
		return AFTER_SHA1;
	case STUN_MESSAGE_INTEGRITY_SHA256:
		return AFTER_SHA256;
	case STUN_FINGERPRINT:
		return SEALED;
	default:
		return stage;
	}
}

static int
add_attr(struct stun_msg *m, const struct stun_attr *a)
{
	const uint8_t *v = m->data + a->off;
	uint32_t want;

	if (a->type == STUN_FINGERPRINT) {
		if (a->len != FINGERPRINT_LEN)
			return -EBADMSG;
		want = fingerprint_of(m->data, a->off - ATTR_HEADER_LEN);
		if (v[0] != want >> 24 || v[1] != (want >> 16 & 0xff) ||
		    v[2] != (want >> 8 & 0xff) || v[3] != (want & 0xff))
			return -EBADMSG;
	}
	if (m->nattrs == STUN_MAX_ATTRS)
		return -EBADMSG;
	m->attrs[m->nattrs++] = *a;
	return 0;
}

static int
index_attrs(struct stun_msg *m, struct cursor *c)
{
	enum stage stage = ALL_COUNT;
	struct stun_attr a;
	int err;

	while (cursor_left(c) > 0) {
		a.type = cursor_u16(c);
		a.len = cursor_u16(c);
		a.off = (uint16_t)c->pos;
		cursor_bytes(c, PAD4(a.len));
		if (c->err != 0)
			return c->err;
		if (!counts(stage, a.type))
			continue;
		stage = stage_after(stage, a.type);
		err = add_attr(m, &a);
		if (err != 0)
			return err;
	}
	return 0;
}

int
stun_decode(const void *data, size_t len, struct stun_msg *m)
{
	struct cursor c = cursor_init(data, len);
	uint16_t type = cursor_u16(&c);
	uint16_t body = cursor_u16(&c);
	uint32_t cookie = cursor_u32(&c);

	cursor_bytes(&c, STUN_TXID_LEN);
	/* Offsets of 16 bits reach every value, since body is a multiple. */
	if (c.err != 0 || (type & 0xc000) != 0 || body % 4 != 0 ||
	    body != cursor_left(&c) || len > UINT16_MAX)
		return -EBADMSG;
	m->data = data;
	m->len = len;
	/* RFC 8489 section 5: the class's two bits lie within the method's. */
	m->method =
	    (type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2;
	m->class = type & 0x0110;
	m->rfc3489 = cookie != STUN_MAGIC_COOKIE;
	m->nattrs = 0;
	return index_attrs(m, &c);
}

const uint8_t *
stun_txid(const struct stun_msg *m)
{
	return m->data + STUN_HEADER_LEN - STUN_TXID_LEN;
}

const struct stun_attr *
stun_find(const struct stun_msg *m, uint16_t type)
{
	unsigned int i;

	for (i = 0; i < m->nattrs; i++) {
		if (m->attrs[i].type == type)
			return &m->attrs[i];
	}
	return NULL;
}

const uint8_t *
stun_value(const struct stun_msg *m, const struct stun_attr *a)
{
	return m->data + a->off;
}

const struct stun_attr *
stun_malformed(const struct stun_msg *m)
{
	const struct stun_attr_info *info;
	const struct stun_attr *a;

	for (a = m->attrs; a < m->attrs + m->nattrs; a++) {
		info = stun_attr_info(a->type);
		if (info != NULL &&
		    (a->len < info->min_len || a->len > info->max_len))
			return a;
	}
	return NULL;
}

int
stun_get_u32(const struct stun_msg *m, uint16_t type, uint32_t *out)
{
	const struct stun_attr *a = stun_find(m, type);
	struct cursor c;

	if (a == NULL)
		return -ENOENT;
	if (a->len != 4)
		return -EBADMSG;
	c = cursor_init(stun_value(m, a), a->len);
	*out = cursor_u32(&c);
	return 0;
}

static int
read_addr(const struct stun_msg *m, const struct stun_attr *a, struct addr *out)
{
	struct cursor c = cursor_init(stun_value(m, a), a->len);
	struct addr addr = { .family = ADDR_NONE };
	const uint8_t *ip;
	size_t n;

	cursor_u8(&c); /* reserved, "MUST be ignored" */
	switch (cursor_u8(&c)) {
	case FAMILY_V4:
		addr.family = ADDR_V4;
		break;
	case FAMILY_V6:
		addr.family = ADDR_V6;
		break;
	default:
		return -EBADMSG;
	}
	addr.port = cursor_u16(&c);
	n = addr_ip_len(&addr);
	ip = cursor_bytes(&c, n);
	if (c.err != 0 || cursor_left(&c) != 0)
		return -EBADMSG;
	memcpy(addr.ip, ip, n);
	*out = addr;
	return 0;
}

int
stun_read_xor_addr(
    const struct stun_msg *m, const struct stun_attr *a, struct addr *out)
{
	/* Cookie and transaction id lie side by side: that is the mask. */
	const uint8_t *mask = m->data + 4;
	size_t i, n;
	int err;

	err = read_addr(m, a, out);
	if (err != 0)
		return err;
	out->port ^= (uint16_t)(mask[0] << 8 | mask[1]);
	n = addr_ip_len(out);
	for (i = 0; i < n; i++)
		out->ip[i] ^= mask[i];
	return 0;
}

int
stun_get_addr(const struct stun_msg *m, uint16_t type, struct addr *out)
{
	const struct stun_attr *a = stun_find(m, type);

	return a == NULL ? -ENOENT : read_addr(m, a, out);
}

int
stun_get_xor_addr(const struct stun_msg *m, uint16_t type, struct addr *out)
{
	const struct stun_attr *a = stun_find(m, type);

	return a == NULL ? -ENOENT : stun_read_xor_addr(m, a, out);
}

static bool
listed(const uint16_t *list, size_t n, uint16_t type)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i] == type)
			return true;
	}
	return false;
}

size_t
stun_unknown(const struct stun_msg *m, bool (*known)(uint16_t type),
    uint16_t *out, size_t max)
{
	unsigned int i;
	uint16_t type;
	size_t n = 0;

	for (i = 0; i < m->nattrs && n < max; i++) {
		type = m->attrs[i].type;
		if (type < 0x8000 && !known(type) && !listed(out, n, type))
			out[n++] = type;
	}
	return n;
}
