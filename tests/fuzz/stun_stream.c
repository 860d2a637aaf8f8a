/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_stream: bytes of a TCP connection that come one by one. What the
 * framing says once, it says for ever; and a whole message that it cuts out
 * is one to the decoders, or at least of their length.
 */
#include "lib/stun/message.h"
#include "tests/fuzz/fuzz.h"

/* Enough for both headers and the cookie. */
#define KNOWN 8

static int
frame(const uint8_t *data, size_t len)
{
	int verdict = 0, now;
	size_t n;

	for (n = 0; n <= len && n <= KNOWN + 4; n++) {
		now = stun_stream_next(data, n);
		MUST(verdict == 0 || now == verdict);
		MUST(now != 0 || n < KNOWN);
		verdict = now;
	}
	MUST(len < KNOWN || stun_stream_next(data, len) == verdict);
	return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *payload;
	uint16_t channel;
	size_t n, payload_len;
	int next;

	for (;;) {
		next = frame(data, len);
		if (next <= 0 || (size_t)next > len)
			return 0;
		n = (size_t)next;
		MUST(n % 4 == 0 && n >= STUN_CHANNEL_HEADER_LEN);
		if (stun_channel_looks_like(data, n)) {
			MUST(stun_channel_decode(data, n, &channel, &payload,
				 &payload_len) == 0);
			MUST(payload_len + 4 <= n && payload_len + 8 > n);
		} else {
			MUST(stun_looks_like(data, n));
		}
		data += n;
		len -= n;
	}
}
