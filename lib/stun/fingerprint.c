/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/stun/fingerprint.h"
#include "lib/stun/message.h"
#include "lib/zip/zip.h"

#define FINGERPRINT_XOR 0x5354554eu /* "STUN" */

uint32_t
stun_crc32(const void *data, size_t len)
{
	return zip_crc32(0, data, len);
}

uint32_t
fingerprint_of(const uint8_t *msg, size_t at)
{
	/* The length counts FINGERPRINT, and nothing may follow it. */
	size_t body = at + FINGERPRINT_ATTR_LEN - STUN_HEADER_LEN;
	uint8_t head[4] = { msg[0], msg[1], (uint8_t)(body >> 8),
		(uint8_t)body };
	uint32_t crc = zip_crc32(0, head, sizeof(head));

	return zip_crc32(crc, msg + 4, at - 4) ^ FINGERPRINT_XOR;
}

void
stun_put_fingerprint(struct stun_out *o)
{
	size_t at = o->buf->len;
	uint8_t *msg;
	uint32_t v;

	stun_put_u32(o, STUN_FINGERPRINT, 0);
	if (o->buf->err != 0)
		return;
	msg = o->buf->data + o->start;
	v = fingerprint_of(msg, at - o->start);
	msg += at - o->start + 4;
	msg[0] = (uint8_t)(v >> 24);
	msg[1] = (uint8_t)(v >> 16);
	msg[2] = (uint8_t)(v >> 8);
	msg[3] = (uint8_t)v;
}
