/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/bench.h"
#include "lib/stun/message.h"
#include "lib/stun/nonce.h"

static const uint8_t txid[STUN_TXID_LEN] = "benchbenchbe";
static const struct stun_nonce_key nonce_key = { .life_ms = 600000 };
static uint8_t key[CRYPTO_MD5_LEN];
static uint8_t binding[64], allocate[512];
static size_t binding_len, allocate_len;
static struct addr client;

/* The Binding request of an ICE agent without credentials, and an Allocate
 * of a WebRTC client: credentials, nonce, integrity. */
static void
build(void)
{
	struct buf b = buf_fixed(binding, sizeof(binding));
	char nonce[STUN_NONCE_LEN];
	struct stun_out o;

	client = addr_v4(192, 0, 2, 1, 5000);
	o = stun_begin(&b, STUN_BINDING, STUN_REQUEST, txid);
	stun_put_fingerprint(&o);
	if (stun_end(&o) != 0)
		exit(1);
	binding_len = b.len;
	b = buf_fixed(allocate, sizeof(allocate));
	stun_long_term_key(
	    CRYPTO_MD5, "1700000000:alice", "example.org", "secret", key);
	stun_nonce_make(&nonce_key, &client, 0, nonce);
	o = stun_begin(&b, STUN_ALLOCATE, STUN_REQUEST, txid);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&o, STUN_USERNAME, "1700000000:alice", 16);
	stun_put(&o, STUN_REALM, "example.org", 11);
	stun_put(&o, STUN_NONCE, nonce, strlen(nonce));
	stun_put_integrity(&o, CRYPTO_SHA1, key, sizeof(key));
	stun_put_fingerprint(&o);
	if (stun_end(&o) != 0)
		exit(1);
	allocate_len = b.len;
}

static uint64_t
decode(uint64_t n, const uint8_t *data, size_t len)
{
	struct stun_msg m;
	uint64_t sum = 0;

	while (n-- > 0) {
		if (stun_decode(data, len, &m) != 0)
			abort();
		sum += m.nattrs;
	}
	return sum;
}

static uint64_t
decode_binding(uint64_t n)
{
	return decode(n, binding, binding_len);
}

static uint64_t
decode_allocate(uint64_t n)
{
	return decode(n, allocate, allocate_len);
}

static uint64_t
answer_binding(uint64_t n)
{
	uint8_t mem[128];
	struct stun_msg m;
	struct stun_out o;
	struct buf b;
	uint64_t sum = 0;

	stun_decode(binding, binding_len, &m);
	while (n-- > 0) {
		b = buf_fixed(mem, sizeof(mem));
		o = stun_begin_reply(&b, &m, STUN_SUCCESS);
		stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &client);
		stun_put_fingerprint(&o);
		sum += (uint64_t)stun_end(&o) + b.len;
	}
	return sum;
}

static uint64_t
check_integrity(uint64_t n)
{
	struct stun_msg m;
	uint64_t sum = 0;

	stun_decode(allocate, allocate_len, &m);
	while (n-- > 0) {
		if (stun_check_integrity(&m, CRYPTO_SHA1, key, sizeof(key)))
			abort();
		sum++;
	}
	return sum;
}

static uint64_t
put_integrity(uint64_t n, enum crypto_hash hash)
{
	uint8_t mem[256];
	struct stun_out o;
	struct buf b;
	uint64_t sum = 0;

	while (n-- > 0) {
		b = buf_fixed(mem, sizeof(mem));
		o = stun_begin(&b, STUN_REFRESH, STUN_SUCCESS, txid);
		stun_put_u32(&o, STUN_LIFETIME, 600);
		stun_put_integrity(&o, hash, key, sizeof(key));
		sum += (uint64_t)stun_end(&o) + b.len;
	}
	return sum;
}

static uint64_t
put_sha1(uint64_t n)
{
	return put_integrity(n, CRYPTO_SHA1);
}

static uint64_t
put_sha256(uint64_t n)
{
	return put_integrity(n, CRYPTO_SHA256);
}

static uint64_t
check_nonce(uint64_t n)
{
	char nonce[STUN_NONCE_LEN];
	uint64_t sum = 0;

	stun_nonce_make(&nonce_key, &client, 0, nonce);
	while (n-- > 0) {
		if (stun_nonce_check(
			&nonce_key, &client, 1000, nonce, strlen(nonce)) != 0)
			abort();
		sum++;
	}
	return sum;
}

static uint64_t
crc(uint64_t n)
{
	uint64_t sum = 0;

	while (n-- > 0)
		sum += stun_crc32(allocate, allocate_len);
	return sum;
}

static uint64_t
channel(uint64_t n)
{
	static uint8_t data[STUN_CHANNEL_HEADER_LEN + 160];
	const uint8_t *payload;
	uint64_t sum = 0;
	uint16_t number;
	size_t len;

	while (n-- > 0) {
		stun_channel_header(data, 0x4000 | (n & 0xfff), 160);
		if (stun_channel_decode(
			data, sizeof(data), &number, &payload, &len) != 0)
			abort();
		sum += number + len;
	}
	return sum;
}

const struct bench stun_benches[] = {
	{ "stun: decode a Binding request", build, decode_binding },
	{ "stun: decode an authenticated Allocate", build, decode_allocate },
	{ "stun: build a Binding answer", build, answer_binding },
	{ "stun: check MESSAGE-INTEGRITY of Allocate", build, check_integrity },
	{ "stun: build a SHA-1 authenticated answer", build, put_sha1 },
	{ "stun: build a SHA-256 authenticated answer", build, put_sha256 },
	{ "stun: check a nonce", build, check_nonce },
	{ "stun: CRC-32 of the Allocate", build, crc },
	{ "stun: ChannelData header, there and back", NULL, channel },
	{ .name = NULL },
};
