/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <string.h>

#include "lib/base/hash.h"

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = ROTL(s->v1, 13) ^ s->v0;
	s->v0 = ROTL(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = ROTL(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = ROTL(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = ROTL(s->v1, 17) ^ s->v2;
	s->v2 = ROTL(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

uint64_t
hash_bytes(const struct hash_key *k, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct sip s = {
		k->k0 ^ 0x736f6d6570736575u,
		k->k1 ^ 0x646f72616e646f6du,
		k->k0 ^ 0x6c7967656e657261u,
		k->k1 ^ 0x7465646279746573u,
	};
	uint64_t m, last = (uint64_t)len << 56;
	size_t n;

	for (n = len; n >= 8; n -= 8, p += 8) {
		memcpy(&m, p, 8);
		m = le64toh(m);
		sip_word(&s, m);
	}
	while (n-- > 0)
		last |= (uint64_t)p[n] << (8 * n);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
