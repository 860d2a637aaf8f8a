/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fingerprint: the value of FINGERPRINT, for decoder and encoder
 * (RFC 8489 section 14.7).
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STUN_FINGERPRINT_H
#define FLOE_LIB_STUN_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_LEN      4
#define FINGERPRINT_ATTR_LEN 8 /* with its header */

/* Of a message whose FINGERPRINT attribute starts at offset at (>= 20). */
uint32_t fingerprint_of(const uint8_t *msg, size_t at);

#endif
