/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn_token: any bytes as an access token open with no key, and what decodes
 * as the inside of one comes out of a sealed one as it went in.
 * Input: a token of a stranger; the same bytes as the inside of one.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "turnd/core/token.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct turn_oauth oauth = {
		.server = "turn.example",
		.keys = { { "north", { "nobody guesses this key of ours!", 32 },
		    0 } },
		.nkeys = 1,
	};
	const struct turn_token_key *key = &oauth.keys[0];
	struct turn_token t, again;
	uint8_t token[128];
	size_t n;

	MUST(turn_token_open(&oauth, key, data, len, &t) != 0);
	if (turn_token_decode(data, len, &t) != 0)
		return 0;
	MUST(t.key.len >= 20 && t.key.len <= sizeof(t.key.bytes));
	MUST(t.issued_s >> 48 == 0);
	MUST(turn_token_good(&t, t.issued_s));
	n = turn_token_seal(&oauth, key, &t, token, sizeof(token));
	MUST(n > 0);
	MUST(turn_token_open(&oauth, key, token, n, &again) == 0);
	MUST(again.issued_s == t.issued_s && again.key.len == t.key.len &&
	    again.lifetime_s == t.lifetime_s &&
	    memcmp(again.key.bytes, t.key.bytes, t.key.len) == 0);
	token[n - 1] ^= 1;
	MUST(turn_token_open(&oauth, key, token, n, &again) != 0);
	return 0;
}
