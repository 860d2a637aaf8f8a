/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "signald/log/nick.h"

struct schema_key
nick_key(const char *start)
{
	struct schema_key k = { .len = 0 };

	for (; *start != '\0' && k.len < NICK_KEY_MAX; start++)
		k.bytes[k.len++] = *start >= 'A' && *start <= 'Z'
		    ? (uint8_t)(*start - 'A' + 'a')
		    : (uint8_t)*start;
	return k;
}

static struct schema_key
key_of(uint64_t uid, const char *nick)
{
	struct schema_key k = nick_key(nick), number = schema_key1(uid);

	k.bytes[k.len++] = 0;
	memcpy(k.bytes + k.len, number.bytes, number.len);
	k.len += number.len;
	return k;
}

int
nick_put(struct run *run, uint64_t uid, const char *nick)
{
	return run_put_num(run, T_NICKS, key_of(uid, nick), uid);
}

int
nick_del(struct run *run, uint64_t uid, const char *nick)
{
	return run_drop(run, T_NICKS, key_of(uid, nick));
}
