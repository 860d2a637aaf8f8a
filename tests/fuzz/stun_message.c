/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_message: any datagram. What decodes has sane offsets, and encoding its
 * attributes and decoding them again gives the same message.
 */
#include <string.h>

#include "lib/stun/message.h"
#include "tests/fuzz/fuzz.h"

#define KEY "fuzz"

static uint8_t first[UINT16_MAX + 256], second[UINT16_MAX + 256];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

static bool
knows_half(uint16_t type)
{
	return type % 2 == 0;
}

static bool
is_seal(uint16_t type)
{
	return type == STUN_MESSAGE_INTEGRITY ||
	    type == STUN_MESSAGE_INTEGRITY_SHA256 || type == STUN_FINGERPRINT;
}

static void
check_offsets(const struct stun_msg *m, size_t len)
{
	const struct stun_attr *a;
	size_t end = STUN_HEADER_LEN;

	MUST(m->len == len);
	MUST(m->nattrs <= STUN_MAX_ATTRS);
	for (a = m->attrs; a < m->attrs + m->nattrs; a++) {
		MUST(a->off % 4 == 0);
		MUST(a->off >= end + 4);
		MUST(a->off + (size_t)a->len <= len);
		MUST(stun_find(m, a->type) <= a);
		end = a->off + (size_t)a->len;
	}
}

static void
check_getters(const struct stun_msg *m)
{
	uint16_t types[8];
	const struct stun_attr *a;
	struct addr addr;
	uint32_t v;
	size_t i, n;

	n = stun_unknown(m, knows_half, types, 8);
	MUST(n <= 8);
	for (i = 0; i < n; i++)
		MUST(types[i] % 2 == 1 && types[i] < 0x8000);
	for (a = m->attrs; a < m->attrs + m->nattrs; a++) {
		stun_get_u32(m, a->type, &v);
		stun_get_addr(m, a->type, &addr);
		stun_get_xor_addr(m, a->type, &addr);
	}
	stun_malformed(m);
	stun_check_integrity(m, CRYPTO_SHA1, KEY, 4);
	stun_check_integrity(m, CRYPTO_SHA256, KEY, 4);
}

/* The message without its seals, in mem. */
static struct stun_out
encode(const struct stun_msg *m, struct buf *b)
{
	struct stun_out o = stun_begin_reply(b, m, m->class);
	const struct stun_attr *a;

	for (a = m->attrs; a < m->attrs + m->nattrs; a++) {
		if (!is_seal(a->type))
			stun_put(&o, a->type, stun_value(m, a), a->len);
	}
	return o;
}

static void
check_same(const struct stun_msg *a, const struct stun_msg *b)
{
	const struct stun_attr *x, *y = b->attrs;

	MUST(a->method == b->method && a->class == b->class);
	MUST(a->rfc3489 == b->rfc3489);
	MUST(memcmp(a->data + 4, b->data + 4, 16) == 0);
	for (x = a->attrs; x < a->attrs + a->nattrs; x++) {
		if (is_seal(x->type))
			continue;
		MUST(y < b->attrs + b->nattrs);
		MUST(x->type == y->type && x->len == y->len);
		MUST(memcmp(stun_value(a, x), stun_value(b, y), x->len) == 0);
		y++;
	}
}

static void
check_addr(const struct stun_msg *m, uint16_t type)
{
	uint8_t mem[64];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct addr want, got;
	struct stun_out o;
	struct stun_msg again;

	if (stun_get_xor_addr(m, type, &want) != 0)
		return;
	o = stun_begin_reply(&b, m, STUN_SUCCESS);
	stun_put_xor_addr(&o, type, &want);
	MUST(stun_end(&o) == 0);
	MUST(stun_decode(mem, b.len, &again) == 0);
	MUST(stun_get_xor_addr(&again, type, &got) == 0);
	MUST(addr_equal(&want, &got));
}

static void
check_round_trip(const struct stun_msg *m)
{
	struct buf b = buf_fixed(first, sizeof(first));
	struct buf c = buf_fixed(second, sizeof(second));
	struct stun_out o;
	struct stun_msg again;

	o = encode(m, &b);
	MUST(stun_end(&o) == 0);
	MUST(stun_decode(first, b.len, &again) == 0);
	check_same(m, &again);
	o = encode(&again, &c);
	MUST(stun_end(&o) == 0);
	MUST(b.len == c.len && memcmp(first, second, b.len) == 0);
	/* Sealed, where there is room for it: both MACs, and FINGERPRINT. */
	if (again.nattrs > STUN_MAX_ATTRS - 3)
		return;
	stun_put_integrity(&o, CRYPTO_SHA1, KEY, 4);
	stun_put_integrity(&o, CRYPTO_SHA256, KEY, 4);
	stun_put_fingerprint(&o);
	if (stun_end(&o) != 0)
		return;
	MUST(stun_decode(second, c.len, &again) == 0);
	check_same(m, &again);
	MUST(stun_check_integrity(&again, CRYPTO_SHA1, KEY, 4) == 0);
	MUST(stun_check_integrity(&again, CRYPTO_SHA256, KEY, 4) == 0);
	MUST(stun_find(&again, STUN_FINGERPRINT) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *payload;
	struct stun_msg m;
	uint16_t channel;
	size_t n;

	if (stun_channel_decode(data, len, &channel, &payload, &n) == 0) {
		MUST(stun_channel_looks_like(data, len));
		MUST(payload == data + 4 && n <= len - 4);
	}
	if (stun_decode(data, len, &m) != 0)
		return 0;
	MUST(stun_looks_like(data, len));
	check_offsets(&m, len);
	check_getters(&m);
	check_round_trip(&m);
	check_addr(&m, STUN_XOR_MAPPED_ADDRESS);
	check_addr(&m, STUN_XOR_PEER_ADDRESS);
	return 0;
}
