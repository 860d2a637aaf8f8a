/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attr: the registry of STUN attributes, one row each (IANA "STUN Attributes").
 * The same table serves names in logs, length checks and the fuzz dictionary.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STUN_ATTR_H
#define FLOE_LIB_STUN_ATTR_H

#include <stdint.h>

/* Comprehension-required, 0x0000-0x7fff */
#define STUN_MAPPED_ADDRESS           0x0001
#define STUN_CHANGE_REQUEST           0x0003 /* RFC 5780 */
#define STUN_SOURCE_ADDRESS           0x0004 /* RFC 3489 */
#define STUN_CHANGED_ADDRESS          0x0005 /* RFC 3489 */
#define STUN_USERNAME                 0x0006
#define STUN_MESSAGE_INTEGRITY        0x0008
#define STUN_ERROR_CODE               0x0009
#define STUN_UNKNOWN_ATTRIBUTES       0x000a
#define STUN_CHANNEL_NUMBER           0x000c /* RFC 8656, likewise below */
#define STUN_LIFETIME                 0x000d
#define STUN_XOR_PEER_ADDRESS         0x0012
#define STUN_DATA_ATTR                0x0013
#define STUN_REALM                    0x0014
#define STUN_NONCE                    0x0015
#define STUN_XOR_RELAYED_ADDRESS      0x0016
#define STUN_REQUESTED_ADDRESS_FAMILY 0x0017
#define STUN_EVEN_PORT                0x0018
#define STUN_REQUESTED_TRANSPORT      0x0019
#define STUN_DONT_FRAGMENT            0x001a
#define STUN_ACCESS_TOKEN             0x001b /* RFC 7635 */
#define STUN_MESSAGE_INTEGRITY_SHA256 0x001c
#define STUN_PASSWORD_ALGORITHM       0x001d
#define STUN_USERHASH                 0x001e
#define STUN_XOR_MAPPED_ADDRESS       0x0020
#define STUN_RESERVATION_TOKEN        0x0022
#define STUN_PRIORITY                 0x0024 /* RFC 8445 */
#define STUN_USE_CANDIDATE            0x0025
#define STUN_PADDING                  0x0026 /* RFC 5780 */
#define STUN_RESPONSE_PORT            0x0027 /* RFC 5780 */
#define STUN_CONNECTION_ID            0x002a /* RFC 6062 */
/* Comprehension-optional, 0x8000-0xffff */
#define STUN_ADDITIONAL_ADDRESS_FAMILY 0x8000
#define STUN_ADDRESS_ERROR_CODE        0x8001
#define STUN_PASSWORD_ALGORITHMS       0x8002
#define STUN_ALTERNATE_DOMAIN          0x8003
#define STUN_ICMP                      0x8004
#define STUN_SOFTWARE                  0x8022
#define STUN_ALTERNATE_SERVER          0x8023
#define STUN_FINGERPRINT               0x8028
#define STUN_ICE_CONTROLLED            0x8029
#define STUN_ICE_CONTROLLING           0x802a
#define STUN_RESPONSE_ORIGIN           0x802b /* RFC 5780 */
#define STUN_OTHER_ADDRESS             0x802c /* RFC 5780 */
#define STUN_THIRD_PARTY_AUTHORIZATION 0x802e /* RFC 7635 */
#define STUN_ORIGIN                    0x802f /* draft-ietf-tram-stun-origin */
#define STUN_MOBILITY_TICKET           0x8030 /* RFC 8016 */
/* What coturn's clients send instead of 0x8000 and 0x8001, from the draft that
 * became part of RFC 8656; IANA gave them to nobody else. */
#define STUN_ADDITIONAL_ADDRESS_FAMILY_OLD 0x8032
#define STUN_ADDRESS_ERROR_CODE_OLD        0x8033

struct stun_attr_info {
	uint16_t type;
	uint16_t min_len;
	uint16_t max_len;
	const char *name;
	const char *rfc; /* "8489 14.1" */
};

/* NULL when the registry does not know the type. */
const struct stun_attr_info *stun_attr_info(uint16_t type);
/* Row i, NULL past the end; for tables in docs and fuzzing. */
const struct stun_attr_info *stun_attr_row(unsigned int i);

#endif
