/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/message.h"

#define PAD4(n) (((n) + 3u) & ~3u)

/* RFC 8656 section 12: the first two bits tell ChannelData from STUN. */
#define IS_STUN(byte)    (((byte)&0xc0) == 0x00)
#define IS_CHANNEL(byte) (((byte)&0xc0) == 0x40)

bool
stun_channel_looks_like(const void *data, size_t len)
{
	const uint8_t *p = data;

	return len >= STUN_CHANNEL_HEADER_LEN && IS_CHANNEL(p[0]);
}

int
stun_channel_decode(const void *data, size_t len, uint16_t *channel,
    const uint8_t **payload, size_t *payload_len)
{
	struct cursor c = cursor_init(data, len);
	uint16_t number = cursor_u16(&c);
	uint16_t n = cursor_u16(&c);
	const uint8_t *p = cursor_bytes(&c, n);

	if (c.err != 0 || number < STUN_CHANNEL_MIN ||
	    number > STUN_CHANNEL_MAX_5766)
		return -EBADMSG;
	*channel = number;
	*payload = p;
	*payload_len = n;
	return 0;
}

void
stun_channel_header(
    uint8_t head[STUN_CHANNEL_HEADER_LEN], uint16_t channel, uint16_t len)
{
	head[0] = (uint8_t)(channel >> 8);
	head[1] = (uint8_t)channel;
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
}

int
stun_stream_next(const void *data, size_t len)
{
	struct cursor c = cursor_init(data, len);
	uint16_t first = cursor_u16(&c);
	uint16_t n = cursor_u16(&c);
	uint32_t cookie;

	/* A wrong first byte is known at once: no waiting for a stranger. */
	if (len > 0 && !IS_STUN(*(const uint8_t *)data) &&
	    !IS_CHANNEL(*(const uint8_t *)data))
		return -EBADMSG;
	if (c.err != 0)
		return 0;
	if (IS_CHANNEL(first >> 8)) {
		if (first > STUN_CHANNEL_MAX_5766)
			return -EBADMSG;
		return STUN_CHANNEL_HEADER_LEN + (int)PAD4(n);
	}
	if (n % 4 != 0)
		return -EBADMSG;
	/*
	 * Streams came with RFC 5389, so there is a cookie. Without this check
	 * a TLS ClientHello passes for the start of a STUN message.
	 */
	cookie = cursor_u32(&c);
	if (c.err != 0)
		return 0;
	return cookie == STUN_MAGIC_COOKIE ? STUN_HEADER_LEN + n : -EBADMSG;
}
