/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "lib/stun/attr.h"

#define ANY  UINT16_MAX
#define TEXT 763 /* bytes that fewer than 128 characters of UTF-8 may take */

/* Sorted by type; clang-format off: a table */
static const struct stun_attr_info rows[] = {
	{ STUN_MAPPED_ADDRESS, 8, 20, "MAPPED-ADDRESS", "8489 14.1" },
	{ STUN_CHANGE_REQUEST, 4, 4, "CHANGE-REQUEST", "5780 7.2" },
	{ STUN_USERNAME, 0, 513, "USERNAME", "8489 14.3" },
	{ STUN_MESSAGE_INTEGRITY, 20, 20, "MESSAGE-INTEGRITY", "8489 14.5" },
	{ STUN_ERROR_CODE, 4, 4 + TEXT, "ERROR-CODE", "8489 14.8" },
	{ STUN_UNKNOWN_ATTRIBUTES, 0, ANY, "UNKNOWN-ATTRIBUTES", "8489 14.13" },
	{ STUN_CHANNEL_NUMBER, 4, 4, "CHANNEL-NUMBER", "8656 18.1" },
	{ STUN_LIFETIME, 4, 4, "LIFETIME", "8656 18.2" },
	{ STUN_XOR_PEER_ADDRESS, 8, 20, "XOR-PEER-ADDRESS", "8656 18.3" },
	{ STUN_DATA_ATTR, 0, ANY, "DATA", "8656 18.4" },
	{ STUN_REALM, 0, TEXT, "REALM", "8489 14.9" },
	{ STUN_NONCE, 0, TEXT, "NONCE", "8489 14.10" },
	{ STUN_XOR_RELAYED_ADDRESS, 8, 20, "XOR-RELAYED-ADDRESS", "8656 18.5" },
	{ STUN_REQUESTED_ADDRESS_FAMILY, 4, 4, "REQUESTED-ADDRESS-FAMILY",
	    "8656 18.6" },
	/* One byte; a client that counts its padding is understood, too. */
	{ STUN_EVEN_PORT, 1, 4, "EVEN-PORT", "8656 18.7" },
	{ STUN_REQUESTED_TRANSPORT, 4, 4, "REQUESTED-TRANSPORT", "8656 18.8" },
	{ STUN_DONT_FRAGMENT, 0, 0, "DONT-FRAGMENT", "8656 18.9" },
	{ STUN_MESSAGE_INTEGRITY_SHA256, 16, 32, "MESSAGE-INTEGRITY-SHA256",
	    "8489 14.6" },
	{ STUN_PASSWORD_ALGORITHM, 4, ANY, "PASSWORD-ALGORITHM", "8489 14.12" },
	{ STUN_USERHASH, 32, 32, "USERHASH", "8489 14.4" },
	{ STUN_XOR_MAPPED_ADDRESS, 8, 20, "XOR-MAPPED-ADDRESS", "8489 14.2" },
	{ STUN_RESERVATION_TOKEN, 8, 8, "RESERVATION-TOKEN", "8656 18.10" },
	{ STUN_PRIORITY, 4, 4, "PRIORITY", "8445 16.1" },
	{ STUN_USE_CANDIDATE, 0, 0, "USE-CANDIDATE", "8445 16.1" },
	{ STUN_PADDING, 0, ANY, "PADDING", "5780 7.6" },
	{ STUN_RESPONSE_PORT, 2, 4, "RESPONSE-PORT", "5780 7.5" },
	{ STUN_CONNECTION_ID, 4, 4, "CONNECTION-ID", "6062 6.2.1" },
	{ STUN_ADDITIONAL_ADDRESS_FAMILY, 4, 4, "ADDITIONAL-ADDRESS-FAMILY",
	    "8656 18.11" },
	{ STUN_ADDRESS_ERROR_CODE, 4, 4 + TEXT, "ADDRESS-ERROR-CODE",
	    "8656 18.12" },
	{ STUN_PASSWORD_ALGORITHMS, 4, ANY, "PASSWORD-ALGORITHMS",
	    "8489 14.11" },
	{ STUN_ALTERNATE_DOMAIN, 1, 255, "ALTERNATE-DOMAIN", "8489 14.16" },
	{ STUN_ICMP, 8, 8, "ICMP", "8656 18.13" },
	{ STUN_SOFTWARE, 0, TEXT, "SOFTWARE", "8489 14.14" },
	{ STUN_ALTERNATE_SERVER, 8, 20, "ALTERNATE-SERVER", "8489 14.15" },
	{ STUN_FINGERPRINT, 4, 4, "FINGERPRINT", "8489 14.7" },
	{ STUN_ICE_CONTROLLED, 8, 8, "ICE-CONTROLLED", "8445 16.1" },
	{ STUN_ICE_CONTROLLING, 8, 8, "ICE-CONTROLLING", "8445 16.1" },
	{ STUN_RESPONSE_ORIGIN, 8, 20, "RESPONSE-ORIGIN", "5780 7.3" },
	{ STUN_OTHER_ADDRESS, 8, 20, "OTHER-ADDRESS", "5780 7.4" },
	{ STUN_THIRD_PARTY_AUTHORIZATION, 0, ANY, "THIRD-PARTY-AUTHORIZATION",
	    "7635 6.1" },
	{ STUN_MOBILITY_TICKET, 0, ANY, "MOBILITY-TICKET", "8016 5" },
};
/* clang-format on */

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static int
row_cmp(const void *key, const void *row)
{
	const struct stun_attr_info *r = row;

	return (int)*(const uint16_t *)key - r->type;
}

const struct stun_attr_info *
stun_attr_info(uint16_t type)
{
	return bsearch(&type, rows, NROWS, sizeof(rows[0]), row_cmp);
}

const struct stun_attr_info *
stun_attr_row(unsigned int i)
{
	return i < NROWS ? &rows[i] : NULL;
}
