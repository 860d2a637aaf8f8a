/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "signald/core/name.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define CALL_HEX 16 /* digits of the nonce */

/* Every byte is one of set; len counts, so a NUL inside is refused too. */
static bool
all_of(const char *s, size_t len, const char *set)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\0' || strchr(set, s[i]) == NULL)
			return false;
	}
	return true;
}

bool
sig_name_user_ok(const char *s, size_t len)
{
	return len >= 1 && len <= SIG_NAME_MAX && all_of(s, 1, LOWER DIGITS) &&
	    all_of(s, len, LOWER DIGITS "._-");
}

bool
sig_name_device_ok(const char *s, size_t len)
{
	return len >= 1 && len <= SIG_DEVICE_MAX &&
	    all_of(s, len, UPPER LOWER DIGITS "._-");
}

void
sig_name_conv(
    char out[SIG_CONV_MAX + 1], const char *app, const char *a, const char *b)
{
	bool order = strcmp(a, b) <= 0;

	snprintf(out, SIG_CONV_MAX + 1, "%s:1:%s:%s", app, order ? a : b,
	    order ? b : a);
}

bool
sig_name_conv_peer(char peer[SIG_NAME_MAX + 1], const char *conv,
    const char *app, const char *user)
{
	size_t app_len = strlen(app), user_len = strlen(user), len;
	char again[SIG_CONV_MAX + 1];
	const char *members, *colon, *other;

	if (strncmp(conv, app, app_len) != 0 ||
	    strncmp(conv + app_len, ":1:", 3) != 0)
		return false;
	members = conv + app_len + 3;
	colon = strchr(members, ':');
	if (colon == NULL)
		return false;
	if ((size_t)(colon - members) == user_len &&
	    memcmp(members, user, user_len) == 0) {
		other = colon + 1;
		len = strlen(other);
	} else {
		other = members;
		len = (size_t)(colon - members);
	}
	if (!sig_name_user_ok(other, len))
		return false;
	memcpy(peer, other, len);
	peer[len] = '\0';
	/* One spelling only: sorted, and nothing left over. */
	sig_name_conv(again, app, user, peer);
	return strcmp(again, conv) == 0;
}

void
sig_name_call(char out[SIG_CALL_MAX + 1], uint64_t nonce, const char *conv)
{
	snprintf(out, SIG_CALL_MAX + 1, "c-%016" PRIx64 "@%s", nonce, conv);
}

const char *
sig_name_call_conv(const char *call)
{
	if (strncmp(call, "c-", 2) != 0 ||
	    strspn(call + 2, DIGITS "abcdef") != CALL_HEX ||
	    call[2 + CALL_HEX] != '@' || call[3 + CALL_HEX] == '\0')
		return NULL;
	return call + 3 + CALL_HEX;
}
