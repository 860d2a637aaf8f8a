/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>

#include "turnd/core/reason.h"

#define REASON_ROW(id, name, code, help) [id] = { name, code, help },
static const struct turn_reason_info reasons[] = { TURN_REASONS(REASON_ROW) };
#undef REASON_ROW

static const struct {
	int code;
	const char *phrase;
} phrases[] = {
	{ 300, "Try Alternate" },
	{ 400, "Bad Request" },
	{ 401, "Unauthenticated" },
	{ 403, "Forbidden" },
	{ 405, "Mobility Forbidden" },
	{ 420, "Unknown Attribute" },
	{ 437, "Allocation Mismatch" },
	{ 438, "Stale Nonce" },
	{ 440, "Address Family not Supported" },
	{ 441, "Wrong Credentials" },
	{ 442, "Unsupported Transport Protocol" },
	{ 443, "Peer Address Family Mismatch" },
	{ 446, "Connection Already Exists" },
	{ 447, "Connection Timeout or Failure" },
	{ 486, "Allocation Quota Reached" },
	{ 500, "Server Error" },
	{ 508, "Insufficient Capacity" },
};

const struct turn_reason_info *
turn_reason_info(enum turn_reason reason)
{
	return &reasons[reason < TURN_REASON_COUNT ? reason : TURN_OK];
}

const char *
turn_code_phrase(int code)
{
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].code == code)
			return phrases[i].phrase;
	}
	return "Error";
}
