/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops: the table of floe.v1's requests as text, a line each: the op, then its
 * fields. tools/check/protocol.py holds the documents against it.
 */
#include <stdio.h>

#include "signald/core/op.h"

int
main(void)
{
	const char *name;
	size_t i, n;

	for (i = 0; sig_op_name(i) != NULL; i++) {
		printf("%s", sig_op_name(i));
		for (n = 0; (name = sig_op_field(i, n)) != NULL; n++)
			printf(" %s", name);
		printf("\n");
	}
	return 0;
}
