/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hash: SipHash-1-3, the keyed hash of every table whose keys an attacker
 * can choose. The key comes from the daemon's random source at start.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_BASE_HASH_H
#define FLOE_LIB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *, const void *, size_t len);

#endif
