/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_nonce: any bytes as a nonce are stale, since nobody guesses the MAC;
 * and a nonce of any client and time is good for its life and no longer,
 * counted from the second that it is made in.
 * Input: port 2, address 16, issue time 8, then the nonce of a stranger.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/crypto/crypto.h"
#include "lib/stun/nonce.h"
#include "tests/fuzz/fuzz.h"

#define LIFE_MS 600000

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct stun_nonce_key key = { "secret", LIFE_MS, 0 };
	struct cursor c = cursor_init(data, len);
	struct addr client = { .family = ADDR_V6, .port = cursor_u16(&c) };
	const uint8_t *ip = cursor_bytes(&c, sizeof(client.ip));
	uint64_t now_ms = cursor_u64(&c);
	char nonce[STUN_NONCE_LEN];
	size_t n;

	if (c.err != 0)
		return 0;
	memcpy(client.ip, ip, sizeof(client.ip));
	now_ms %= UINT64_C(1) << 60;
	MUST(stun_nonce_check(&key, &client, now_ms, data + c.pos,
		 cursor_left(&c)) == -EACCES);
	MUST(stun_nonce_make(&key, &client, now_ms, nonce) == 0);
	n = strlen(nonce);
	MUST(stun_nonce_check(&key, &client, now_ms, nonce, n) == 0);
	now_ms -= now_ms % 1000;
	MUST(stun_nonce_check(&key, &client, now_ms + LIFE_MS - 1, nonce, n) ==
	    0);
	MUST(stun_nonce_check(&key, &client, now_ms + LIFE_MS, nonce, n) ==
	    -ESTALE);
	client.port ^= 1;
	MUST(stun_nonce_check(&key, &client, now_ms, nonce, n) == -EACCES);
	return 0;
}
