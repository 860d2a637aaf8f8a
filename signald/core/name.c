/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "signald/core/name.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define CALL_HEX      16 /* digits of the nonce */
#define GROUP_LETTERS 26
#define ROOM_TEXT     22 /* of a room's nonce */

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
	const char *members, *colon, *other;
	bool first;

	if (strncmp(conv, app, app_len) != 0 ||
	    strncmp(conv + app_len, ":1:", 3) != 0)
		return false;
	members = conv + app_len + 3;
	colon = strchr(members, ':');
	if (colon == NULL)
		return false;
	first = (size_t)(colon - members) == user_len &&
	    memcmp(members, user, user_len) == 0;
	other = first ? colon + 1 : members;
	len = first ? strlen(other) : (size_t)(colon - members);
	if (!sig_name_user_ok(other, len) ||
	    (!first && strcmp(colon + 1, user) != 0))
		return false;
	memcpy(peer, other, len);
	peer[len] = '\0';
	/* One spelling only: sorted. */
	return first ? strcmp(user, peer) <= 0 : strcmp(peer, user) <= 0;
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

void
sig_name_group(
    char out[SIG_CONV_MAX + 1], const char *app, const uint8_t random[16])
{
	static const char digits[] = LOWER "234567";
	size_t at = (size_t)snprintf(out, SIG_CONV_MAX, "%s:g:", app), i;

	/* Five bits a letter; the last has the three that are left. */
	for (i = 0; i < GROUP_LETTERS && at < SIG_CONV_MAX; i++) {
		size_t bit = i * 5;
		unsigned int two = (unsigned int)random[bit / 8] << 8;

		if (bit / 8 + 1 < 16)
			two |= random[bit / 8 + 1];
		out[at++] = digits[two >> (11 - bit % 8) & 31];
	}
	out[at] = '\0';
}

bool
sig_name_group_ok(const char *conv, const char *app)
{
	size_t len = strlen(app);

	return strncmp(conv, app, len) == 0 &&
	    strncmp(conv + len, ":g:", 3) == 0 &&
	    strlen(conv + len + 3) == GROUP_LETTERS &&
	    all_of(conv + len + 3, GROUP_LETTERS, LOWER "234567");
}

bool
sig_name_of_entry(char out[SIG_CONV_MAX + 1], const char *text, size_t len)
{
	static const char head[] = "\"conv\":\"";
	const size_t skip = sizeof(head) - 1;
	const char *end;

	if (len <= skip || memcmp(text, head, skip) != 0)
		return false;
	end = memchr(text + skip, '"', len - skip);
	len = end == NULL ? 0 : (size_t)(end - text) - skip;
	if (len == 0 || len > SIG_CONV_MAX)
		return false;
	memcpy(out, text + skip, len);
	out[len] = '\0';
	return true;
}

const char *
sig_role_name(enum sig_role role)
{
	static const char *const names[] = { "member", "admin", "owner" };

	return names[role];
}

const char *
sig_join_name(enum sig_join join)
{
	static const char *const names[] = { "invite", "request", "open" };

	return names[join];
}

const char *
sig_history_name(enum sig_history history)
{
	static const char *const names[] = { "joined", "all" };

	return names[history];
}

void
sig_name_room(char out[SIG_ROOM_MAX + 1], const uint8_t nonce[SIG_ROOM_NONCE])
{
	memcpy(out, "r-", 2);
	crypto_base64url(nonce, SIG_ROOM_NONCE, out + 2);
}

bool
sig_name_room_ok(const char *s, size_t len)
{
	return len == 2 + ROOM_TEXT && memcmp(s, "r-", 2) == 0 &&
	    all_of(s + 2, len - 2, UPPER LOWER DIGITS "_-");
}

bool
sig_name_chatroom_ok(const char *s, size_t len)
{
	return len >= 1 && len <= SIG_CHATROOM_MAX &&
	    all_of(s, len, LOWER DIGITS "._-");
}

void
sig_name_chatroom(char out[SIG_ROOM_MAX + 1], const char *app, const char *name)
{
	snprintf(out, SIG_ROOM_MAX + 1, "%s:c:%s", app, name);
}

const char *
sig_name_chatroom_of(const char *key)
{
	const char *colon = strrchr(key, ':');

	return colon == NULL ? key : colon + 1;
}
