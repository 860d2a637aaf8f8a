/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stun_dict: prints libFuzzer's dictionary of STUN out of the registry.
 */
#include <stdio.h>

#include "lib/stun/message.h"

static void
print_u16(const char *name, unsigned int v)
{
	printf("%s=\"\\x%02x\\x%02x\"\n", name, v >> 8, v & 0xff);
}

int
main(void)
{
	const struct stun_attr_info *r;
	unsigned int i;

	printf("magic-cookie=\"\\x21\\x12\\xa4\\x42\"\n");
	printf("nonce-cookie=\"obMatJos2\"\n");
	for (i = 0; (r = stun_attr_row(i)) != NULL; i++) {
		print_u16(r->name, r->type);
		print_u16("shortest", r->min_len);
		print_u16("longest", r->max_len);
	}
	for (i = STUN_BINDING; i <= STUN_CONNECTION_ATTEMPT; i++) {
		print_u16("request", i | STUN_REQUEST);
		print_u16("indication", i | STUN_INDICATION);
		print_u16("success", i | STUN_SUCCESS);
		print_u16("error", i | STUN_ERROR);
	}
	print_u16("first-channel", STUN_CHANNEL_MIN);
	print_u16("last-channel", STUN_CHANNEL_MAX);
	return 0;
}
