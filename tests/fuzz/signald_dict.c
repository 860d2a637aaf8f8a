/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signald_dict: a libFuzzer dictionary of the ops and fields of floe.v1, from
 * the table that the daemon itself works with.
 */
#include <stdio.h>

#include "signald/core/op.h"

int
main(void)
{
	const char *name;
	size_t i, n;

	for (i = 0; sig_op_name(i) != NULL; i++) {
		printf("\"\\\"op\\\":\\\"%s\\\"\"\n", sig_op_name(i));
		for (n = 0; (name = sig_op_field(i, n)) != NULL; n++)
			printf("\"\\\"%s\\\":\"\n", name);
	}
	printf("\"\\\"call\\\":\\\"$c\\\"\"\n");
	return 0;
}
